//! did:prism: DIDs of the Cardano blockchain (PRISM DID method 1.0).
//!
//! The short form is `did:prism:` and a hash; what stands behind it is on the chain. The long form has the state that
//! the hash is of behind it, the operation that creates the DID, and so needs no chain: `did:prism:HASH:STATE`. What
//! was published later about such a DID, as another key, is not looked for.
//!
//! The DID of a holder's key has that one key three times: as the master key, without which there is no such DID
//! and which is in no DID document, for authentication, and for assertions.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prost::Message as _;
use sha2::{Digest as _, Sha256};

use super::{DidError, IssuerPublicKey, from_jwk_error};
use crate::model::jwk::{Curve, Jwk, JwkError};

const PREFIX: &str = "did:prism:";
/// Hexadecimal digits of the hash.
const HASH_LENGTH: usize = 64;
/// The longest state that is decoded, in characters. The method's limits on keys and services come to less.
const MAX_STATE: usize = 64 * 1024;
/// The most keys that a DID can have (`MAX_VERIFICATION_METHOD_NUMBER`).
const MAX_KEYS: usize = 50;
/// The longest name of a key (`MAX_ID_SIZE`), in characters.
const MAX_ID: usize = 50;

/// The name of the key for authentication in the DID of a holder's key.
const AUTHENTICATION: &str = "authentication-0";

/// `AtalaOperation`. Operations other than a creation are unknown fields.
#[derive(Clone, PartialEq, prost::Message)]
struct Operation {
    #[prost(message, optional, tag = "1")]
    create_did: Option<CreateDid>,
}

/// `CreateDIDOperation`.
#[derive(Clone, PartialEq, prost::Message)]
struct CreateDid {
    #[prost(message, optional, tag = "1")]
    did_data: Option<DidCreationData>,
}

/// `DIDCreationData`. Services and contexts say nothing about keys.
#[derive(Clone, PartialEq, prost::Message)]
struct DidCreationData {
    #[prost(message, repeated, tag = "2")]
    public_keys: Vec<PublicKey>,
}

/// `PublicKey`.
#[derive(Clone, PartialEq, prost::Message)]
struct PublicKey {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(enumeration = "Usage", tag = "2")]
    usage: i32,
    #[prost(oneof = "KeyData", tags = "8, 9")]
    key_data: Option<KeyData>,
}

/// The key itself.
#[derive(Clone, PartialEq, prost::Oneof)]
enum KeyData {
    #[prost(message, tag = "8")]
    Point(PointData),
    #[prost(message, tag = "9")]
    Compressed(CompressedData),
}

/// `ECKeyData`.
#[derive(Clone, PartialEq, prost::Message)]
struct PointData {
    #[prost(string, tag = "1")]
    curve: String,
    #[prost(bytes = "vec", tag = "2")]
    x: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    y: Vec<u8>,
}

/// `CompressedECKeyData`.
#[derive(Clone, PartialEq, prost::Message)]
struct CompressedData {
    #[prost(string, tag = "1")]
    curve: String,
    #[prost(bytes = "vec", tag = "2")]
    data: Vec<u8>,
}

/// `KeyUsage`: each key has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
enum Usage {
    Unknown = 0,
    Master = 1,
    Issuing = 2,
    KeyAgreement = 3,
    Authentication = 4,
    Revocation = 5,
    CapabilityInvocation = 6,
    CapabilityDelegation = 7,
}

/// The long form of the did:prism of a key; `None` for a key that can't be a master key, as only those on secp256k1
/// can.
pub(crate) fn did_prism(key: &Jwk) -> Option<String> {
    if key.curve() != Curve::Secp256k1 {
        return None;
    }
    let data = CompressedData { curve: Curve::Secp256k1.as_str().to_owned(), data: super::compressed(key) };
    let named = |id: &str, usage: Usage| PublicKey {
        id: id.to_owned(),
        usage: usage.into(),
        key_data: Some(KeyData::Compressed(data.clone())),
    };
    let public_keys = vec![
        named("master-0", Usage::Master),
        named(AUTHENTICATION, Usage::Authentication),
        named("issuing-0", Usage::Issuing),
    ];
    let did_data = Some(DidCreationData { public_keys });
    let state = Operation { create_did: Some(CreateDid { did_data }) }.encode_to_vec();
    Some(format!("{PREFIX}{}:{}", hex::encode(Sha256::digest(&state)), URL_SAFE_NO_PAD.encode(&state)))
}

/// The verification method for authentication in the did:prism of a key, for a `kid`.
pub(crate) fn did_prism_url(key: &Jwk) -> Option<String> {
    did_prism(key).map(|did| format!("{did}#{AUTHENTICATION}"))
}

/// The hash in a did:prism of either form, which is what makes it the DID that it is.
pub(crate) fn hash(did: &str) -> Option<&str> {
    let id = did.strip_prefix(PREFIX)?;
    let hash = id.split_once(':').map_or(id, |(hash, _)| hash);
    let digit = |octet: &u8| octet.is_ascii_digit() || (b'a'..=b'f').contains(octet);
    (hash.len() == HASH_LENGTH && hash.as_bytes().iter().all(digit)).then_some(hash)
}

/// Whether a DID is the short form of a did:prism.
pub(crate) fn is_short_form(did: &str) -> bool {
    did.len() == PREFIX.len() + HASH_LENGTH && hash(did).is_some()
}

/// What the long form of a did:prism says; `None` for anything else.
pub(crate) fn long_form(did: &str) -> Option<Result<LongForm, DidError>> {
    let (stated, state) = did.strip_prefix(PREFIX)?.split_once(':')?;
    Some(LongForm::read(stated, state))
}

/// The first state of a DID: its keys.
#[derive(Debug)]
pub(crate) struct LongForm {
    keys: Vec<Method>,
}

#[derive(Debug)]
struct Method {
    id: String,
    /// None for one of a later version.
    usage: Option<Usage>,
    key: Result<IssuerPublicKey, DidError>,
}

impl LongForm {
    fn read(stated: &str, state: &str) -> Result<Self, DidError> {
        let malformed = |why: &str| DidError::Malformed(why.to_owned());
        if state.len() > MAX_STATE {
            return Err(malformed("its state is too long"));
        }
        let octets = URL_SAFE_NO_PAD.decode(state).map_err(|_| malformed("its state is not base64url"))?;
        if hex::encode(Sha256::digest(&octets)) != stated {
            return Err(malformed("its hash is not that of its state"));
        }
        let operation = Operation::decode(octets.as_slice()).map_err(|_| malformed("its state can't be read"))?;
        let data = operation.create_did.and_then(|create| create.did_data);
        let keys = data.ok_or_else(|| malformed("its state creates no DID"))?.public_keys;
        if keys.len() > MAX_KEYS {
            return Err(malformed("it has too many keys"));
        }
        let mut read = Vec::<Method>::with_capacity(keys.len());
        for PublicKey { id, usage, key_data } in keys {
            // A name is the fragment of a URL; one that was there already would name two keys.
            let plain = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@/?%".contains(c);
            if id.is_empty() || id.chars().count() > MAX_ID || !id.chars().all(plain) {
                return Err(malformed("a key's name is none"));
            }
            if read.iter().any(|other| other.id == id) {
                return Err(malformed("two keys have one name"));
            }
            let usage = Usage::try_from(usage).ok();
            let Some(key_data) = key_data.filter(|_| usage != Some(Usage::Unknown)) else {
                return Err(malformed("a key of it has no usage or is none"));
            };
            read.push(Method { id, usage, key: key_data.read() });
        }
        if !read.iter().any(|method| method.usage == Some(Usage::Master)) {
            return Err(malformed("it has no master key"));
        }
        Ok(Self { keys: read })
    }

    /// The keys that sign credentials: the one that the fragment names, else all.
    pub(crate) fn assertion_keys(self, fragment: Option<&str>) -> Result<Vec<IssuerPublicKey>, DidError> {
        self.of_usage(fragment, |usage| usage == Usage::Issuing)
    }

    /// The keys that the DID's subject proves itself with: the one that the fragment names, else all that are for
    /// authentication.
    pub(crate) fn subject_keys(self, fragment: Option<&str>) -> Result<Vec<IssuerPublicKey>, DidError> {
        self.of_usage(fragment, |usage| match fragment {
            Some(_) => !matches!(usage, Usage::Master | Usage::Revocation | Usage::KeyAgreement),
            None => usage == Usage::Authentication,
        })
    }

    fn of_usage(
        self,
        fragment: Option<&str>,
        wanted: impl Fn(Usage) -> bool,
    ) -> Result<Vec<IssuerPublicKey>, DidError> {
        let mut problem = None;
        let mut found = Vec::new();
        for Method { id, usage, key } in self.keys {
            if !usage.is_some_and(&wanted) || fragment.is_some_and(|fragment| fragment != id) {
                continue;
            }
            match key {
                Ok(key) => found.push(key),
                Err(error) => problem = Some(error),
            }
        }
        if found.is_empty() {
            let none = || DidError::NoKey("the DID has no such key for this purpose".to_owned());
            return Err(problem.unwrap_or_else(none));
        }
        Ok(found)
    }
}

impl KeyData {
    fn read(self) -> Result<IssuerPublicKey, DidError> {
        let (curve, point) = match self {
            Self::Point(PointData { curve, x, y }) => match known(&curve)? {
                Curve::Ed25519 => (Curve::Ed25519, x),
                curve => (curve, [vec![4], coordinate(curve, &x)?, coordinate(curve, &y)?].concat()),
            },
            Self::Compressed(CompressedData { curve, data }) => (known(&curve)?, data),
        };
        IssuerPublicKey::from_point(curve, &point).map_err(|error| from_jwk_error(&error))
    }
}

fn known(curve: &str) -> Result<Curve, DidError> {
    // The name is somebody's text.
    let plain: String = curve.chars().filter(char::is_ascii_alphanumeric).take(20).collect();
    Curve::parse(curve).ok_or_else(|| from_jwk_error(&JwkError::Unsupported(plain)))
}

/// A coordinate in its full length: some write it as a number, without leading zeros or with one for the sign.
fn coordinate(curve: Curve, octets: &[u8]) -> Result<Vec<u8>, DidError> {
    let length = curve.coordinate_length();
    let number = &octets[octets.iter().take_while(|octet| **octet == 0).count()..];
    if number.is_empty() || number.len() > length {
        return Err(from_jwk_error(&JwkError::Malformed("x")));
    }
    Ok([vec![0; length - number.len()].as_slice(), number].concat())
}

#[cfg(test)]
#[path = "prism_tests.rs"]
mod tests;
