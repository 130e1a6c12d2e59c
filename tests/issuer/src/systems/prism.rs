//! `did:prism` in its long form: the operation that creates it is in the DID, in protocol buffers.
//!
//! Both directions are written by hand, so that nothing here is what wallets use.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::encoding::{b64, unb64};
use crate::keys::PublicKey;

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Usage {
    Master = 1,
    Issuing = 2,
    KeyAgreement = 3,
    Authentication = 4,
    Revocation = 5,
    CapabilityInvocation = 6,
    CapabilityDelegation = 7,
    Vdr = 8,
}

impl Usage {
    const ALL: [Self; 8] = [
        Self::Master,
        Self::Issuing,
        Self::KeyAgreement,
        Self::Authentication,
        Self::Revocation,
        Self::CapabilityInvocation,
        Self::CapabilityDelegation,
        Self::Vdr,
    ];

    /// Keys that change the DID are no part of its document.
    fn is_public(self) -> bool {
        !matches!(self, Self::Master | Self::Revocation | Self::Vdr)
    }

    /// The member of the DID document that refers to such keys.
    fn relationship(self) -> &'static str {
        match self {
            Self::Issuing => "assertionMethod",
            Self::KeyAgreement => "keyAgreement",
            Self::CapabilityInvocation => "capabilityInvocation",
            Self::CapabilityDelegation => "capabilityDelegation",
            _ => "authentication",
        }
    }
}

/// A key of a DID.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) usage: Usage,
    /// The key, if it is on secp256k1; other curves are for other purposes.
    pub(crate) public: Option<PublicKey>,
}

/// A DID in its long form, taken apart.
#[derive(Clone, Debug)]
pub(crate) struct Prism {
    /// The short form.
    pub(crate) short: String,
    /// The long form, as it is written out again.
    pub(crate) long: String,
    pub(crate) keys: Vec<Key>,
}

impl Prism {
    /// A new DID with these keys.
    pub(crate) fn create(keys: Vec<Key>) -> Self {
        let mut data = Vec::new();
        for key in &keys {
            let compressed = key.public.as_ref().map(compressed).unwrap_or_default();
            let curve = [field(1, b"secp256k1"), field(2, &compressed)].concat();
            let usage = [2 << 3, key.usage as u8];
            data.extend(field(2, &[field(1, key.id.as_bytes()), usage.to_vec(), field(9, &curve)].concat()));
        }
        let operation = field(1, &field(1, &data));
        let short = format!("did:prism:{}", hex(&Sha256::digest(&operation)));
        Self { long: format!("{short}:{}", b64(&operation)), short, keys }
    }

    /// Reads a long form and checks that the short form in it stands for the rest.
    pub(crate) fn parse(did: &str) -> Result<Self, String> {
        let rest = did.strip_prefix("did:prism:").ok_or("the method is not prism")?;
        let (hash, state) = rest.split_once(':').ok_or("notFound")?;
        let legal = hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if !legal {
            return Err("Provided DID is not a valid PRISM DID".to_owned());
        }
        let operation = unb64(state).ok_or("Invalid long form Prism DID encoded state")?;
        if hash != hex(&Sha256::digest(&operation)) {
            return Err("Canonical suffix does not match the computed state".to_owned());
        }
        let create = only(&operation, 1).ok_or("CreateDid Atala operation expected")?;
        let data = only(&create, 1).ok_or("the operation has no DID data")?;
        let mut keys = Vec::new();
        for (number, value) in message(&data).ok_or("Invalid long form Prism DID encoded state")? {
            if number == 2
                && let Part::Bytes(key) = value
            {
                keys.push(read_key(&key)?);
            }
        }
        if !keys.iter().any(|key| key.usage == Usage::Master) {
            return Err("create operation must contain at least 1 master key".to_owned());
        }
        if keys.iter().any(|key| key.usage == Usage::Master && key.public.is_none()) {
            return Err("master key must be secp256k1".to_owned());
        }
        if keys.len() > 50 {
            return Err("there are more than 50 keys".to_owned());
        }
        let repeats = |(at, key): (usize, &Key)| keys[..at].iter().any(|other| other.id == key.id);
        if keys.iter().enumerate().any(repeats) {
            return Err("id for public-keys is not unique".to_owned());
        }
        Ok(Self { short: format!("did:prism:{hash}"), long: did.to_owned(), keys })
    }

    /// The key that a DID URL names, character by character.
    pub(crate) fn key(&self, url: &str) -> Option<&PublicKey> {
        let public = self.keys.iter().filter(|key| key.usage.is_public());
        public.filter(|key| format!("{}#{}", self.long, key.id) == url).find_map(|key| key.public.as_ref())
    }

    /// The DID document, under the form that was asked for.
    pub(crate) fn document(&self, did: &str) -> Value {
        let mut document = json!({
            "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/suites/jws-2020/v1"],
            "id": did,
            "controller": did,
            "verificationMethod": [],
        });
        for key in self.keys.iter().filter(|key| key.usage.is_public()) {
            let Some(public) = &key.public else { continue };
            let id = format!("{did}#{}", key.id);
            let method =
                json!({"id": id, "type": "JsonWebKey2020", "controller": did, "publicKeyJwk": public.to_jwk()});
            push(&mut document["verificationMethod"], method);
            push(&mut document[key.usage.relationship()], json!(id));
        }
        document
    }
}

fn push(array: &mut Value, value: Value) {
    match array {
        Value::Array(array) => array.push(value),
        other => *other = json!([value]),
    }
}

fn compressed(key: &PublicKey) -> Vec<u8> {
    match key {
        PublicKey::K256(key) => key.to_sec1_point(true).as_bytes().to_vec(),
        _ => Vec::new(),
    }
}

fn read_key(bytes: &[u8]) -> Result<Key, String> {
    let bad = || "Invalid long form Prism DID encoded state".to_owned();
    let (mut id, mut usage, mut point) = (String::new(), 0, None);
    for (number, value) in message(bytes).ok_or_else(bad)? {
        match (number, value) {
            (1, Part::Bytes(text)) => id = String::from_utf8(text).map_err(|_| bad())?,
            (2, Part::Number(number)) => usage = number,
            (8 | 9, Part::Bytes(data)) => point = Some(read_point(&data).ok_or_else(bad)?),
            _ => {}
        }
    }
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(&b);
    if id.is_empty() || id.len() > 50 || !id.bytes().all(legal) {
        return Err(format!("public key id is invalid: [{id}]"));
    }
    let usage = Usage::ALL
        .into_iter()
        .find(|known| *known as u64 == usage)
        .ok_or_else(|| format!("unsupported use of KeyUsage on key {id}"))?;
    let (curve, point) = point.ok_or_else(|| format!("key {id} has no data"))?;
    let public = match curve.as_str() {
        "secp256k1" => {
            let key = k256::ecdsa::VerifyingKey::from_sec1_bytes(&point);
            Some(PublicKey::K256(key.map_err(|_| format!("key {id} is no point on secp256k1"))?))
        }
        "Ed25519" | "X25519" => None,
        _ => return Err(format!("key {id} is on the unsupported curve {curve}")),
    };
    Ok(Key { id, usage, public })
}

/// Curve and point of a key, compressed or as coordinates.
fn read_point(bytes: &[u8]) -> Option<(String, Vec<u8>)> {
    let (mut curve, mut x, mut y) = (String::new(), Vec::new(), Vec::new());
    for (number, value) in message(bytes)? {
        match (number, value) {
            (1, Part::Bytes(text)) => curve = String::from_utf8(text).ok()?,
            (2, Part::Bytes(bytes)) => x = bytes,
            (3, Part::Bytes(bytes)) => y = bytes,
            _ => {}
        }
    }
    let point = if y.is_empty() { x } else { [&[4][..], &x, &y].concat() };
    Some((curve, point))
}

/// A field of a message.
enum Part {
    Number(u64),
    Bytes(Vec<u8>),
}

/// The fields of a message. They have to stand in the order of their numbers and be written in the
/// shortest way: whoever writes the message again gets the same bytes, which the hash is over.
fn message(mut bytes: &[u8]) -> Option<Vec<(u64, Part)>> {
    let mut fields = Vec::new();
    let mut last = 0;
    while !bytes.is_empty() {
        let tag = varint(&mut bytes)?;
        let number = tag >> 3;
        if number < last {
            return None;
        }
        last = number;
        let part = match tag & 7 {
            0 => Part::Number(varint(&mut bytes)?),
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                let (value, rest) = bytes.split_at_checked(length)?;
                bytes = rest;
                Part::Bytes(value.to_vec())
            }
            _ => return None,
        };
        fields.push((number, part));
    }
    Some(fields)
}

/// The bytes of a field that is alone in its message.
fn only(bytes: &[u8], number: u64) -> Option<Vec<u8>> {
    match <[_; 1]>::try_from(message(bytes)?).ok()? {
        [(known, Part::Bytes(value))] if known == number => Some(value),
        _ => None,
    }
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..63).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return (*first != 0 || shift == 0).then_some(value);
        }
    }
    None
}

fn field(number: u8, value: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut length = value.len();
    while length >= 0x80 {
        out.push(length.to_le_bytes()[0] | 0x80);
        length >>= 7;
    }
    out.push(length.to_le_bytes()[0]);
    out.extend_from_slice(value);
    out
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{Curve, PrivateKey};

    fn keys() -> Vec<Key> {
        let key =
            |id: &str, usage| Key { id: id.to_owned(), usage, public: Some(PrivateKey::on(Curve::Secp256k1).public()) };
        vec![key("auth-1", Usage::Authentication), key("master-0", Usage::Master)]
    }

    #[test]
    fn what_is_written_is_read_again() {
        let made = Prism::create(keys());
        let read = Prism::parse(&made.long).expect("legal");
        assert_eq!(read.short, made.short);
        assert_eq!(read.key(&format!("{}#auth-1", made.long)), made.keys[0].public.as_ref());
        assert_eq!(read.key(&format!("{}#auth-1", made.short)), None, "another form is another name");
        assert_eq!(read.key(&format!("{}#master-0", made.long)), None, "it is no verification method");
        assert_eq!(read.document(&made.short)["authentication"], json!([format!("{}#auth-1", made.short)]));
    }

    #[test]
    fn a_did_that_is_not_its_hash_is_refused() {
        let (one, other) = (Prism::create(keys()), Prism::create(keys()));
        let state = other.long.rsplit(':').next().expect("a state");
        let error = Prism::parse(&format!("{}:{state}", one.short)).expect_err("mixed");
        assert_eq!(error, "Canonical suffix does not match the computed state");
        let mut no_master = keys();
        no_master.pop();
        Prism::parse(&Prism::create(no_master).long).expect_err("no master key");
    }
}
