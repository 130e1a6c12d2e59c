//! Encrypted messages: JWE in compact form (RFC 7516), with `ECDH-ES` on P-256 in direct key agreement
//! (RFC 7518 section 4.6), `A128GCM` or `A256GCM`, and `zip: DEF`.
//!
//! Every message has a key of its own: the sender's is made for it and wiped, and so is the
//! recipient's, which opens one answer and is used up by that.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::elliptic_curve::ecdh::diffie_hellman;
use p256::elliptic_curve::sec1::ToSec1Point as _;
use p256::{PublicKey, SecretKey};
use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::inflate::{self, InflateError};
use crate::json;
use crate::model::jwk::{Curve, Jwk};

/// The only `alg` that this version speaks.
pub(crate) const ECDH_ES: &str = "ECDH-ES";
/// The only `zip` there is.
pub(crate) const DEFLATE: &str = "DEF";

const TAG_LENGTH: usize = 16;

/// How the content is encrypted (`enc`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ContentEncryption {
    #[serde(rename = "A256GCM")]
    A256Gcm,
    #[serde(rename = "A128GCM")]
    A128Gcm,
}

impl ContentEncryption {
    /// All that there are, the preferred first.
    pub(crate) const ALL: [Self; 2] = [Self::A256Gcm, Self::A128Gcm];

    /// The JOSE name.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::A256Gcm => "A256GCM",
            Self::A128Gcm => "A128GCM",
        }
    }

    fn key_length(self) -> usize {
        match self {
            Self::A256Gcm => 32,
            Self::A128Gcm => 16,
        }
    }

    fn key(self, derived: &[u8]) -> LessSafeKey {
        let algorithm = match self {
            Self::A256Gcm => &AES_256_GCM,
            Self::A128Gcm => &AES_128_GCM,
        };
        LessSafeKey::new(UnboundKey::new(algorithm, derived).expect("the derived key has the algorithm's length"))
    }
}

/// Why a message can't be opened. Quotes nothing of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JweError {
    /// It is not five parts of base64url with a JSON header in front.
    #[error("the message is no compact JWE: {0}")]
    Malformed(&'static str),
    /// The header asks for something else than was agreed.
    #[error("the message's header does not fit: {0}")]
    Header(&'static str),
    /// Another key, or it was changed on the way.
    #[error("the message was not made for this key, or was changed on the way")]
    NotAuthentic,
    /// It is authentic and does not unpack.
    #[error("the message's compressed content is damaged")]
    Compression,
    /// It unpacks to more than may be.
    #[error("the message's compressed content is over the size limit")]
    TooLarge,
}

/// A public key on P-256 that messages are encrypted to: surely a point on the curve.
pub(crate) struct Recipient(PublicKey);

impl Recipient {
    /// None if the key is on another curve, or not on its own.
    pub(crate) fn new(key: &Jwk) -> Option<Self> {
        (key.curve() == Curve::P256).then(|| PublicKey::from_sec1_bytes(&key.to_point()).ok()).flatten().map(Self)
    }
}

/// A private key that opens one message. It is never stored, and wiped when it goes.
pub(crate) struct OneTimeKey(SecretKey);

impl OneTimeKey {
    /// A fresh one.
    pub(crate) fn generate() -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        loop {
            getrandom::fill(bytes.as_mut_slice()).expect("the operating system gives random bytes");
            // All but one in 2^32 numbers are keys.
            if let Ok(key) = SecretKey::from_slice(bytes.as_slice()) {
                return Self(key);
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        Self(SecretKey::from_slice(bytes).expect("a key"))
    }

    #[cfg(test)]
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.0.to_bytes().to_vec()
    }

    /// What the other side encrypts to.
    pub(crate) fn public_jwk(&self) -> Jwk {
        let point = self.0.public_key().to_sec1_point(false);
        Jwk::from_point(Curve::P256, point.as_bytes()).expect("an uncompressed point of this curve")
    }
}

/// What of a message was agreed beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Agreed {
    pub(crate) enc: ContentEncryption,
    /// Whether it may be compressed.
    pub(crate) zip: bool,
}

/// Encrypts to a public key; compresses before, if `agreed` says so.
pub(crate) fn seal(plaintext: &[u8], to: &Recipient, kid: Option<&str>, agreed: Agreed) -> String {
    let mut iv = [0; NONCE_LEN];
    getrandom::fill(&mut iv).expect("the operating system gives random bytes");
    seal_with(plaintext, to, kid, agreed, &OneTimeKey::generate(), iv)
}

fn seal_with(
    plaintext: &[u8],
    to: &Recipient,
    kid: Option<&str>,
    agreed: Agreed,
    sender: &OneTimeKey,
    iv: [u8; NONCE_LEN],
) -> String {
    let mut header = json!({ "alg": ECDH_ES, "enc": agreed.enc.as_str(), "epk": sender.public_jwk().to_value() });
    if let Some(kid) = kid {
        header["kid"] = json!(kid);
    }
    let mut content = plaintext.to_vec();
    if agreed.zip {
        header["zip"] = json!(DEFLATE);
        content = miniz_oxide::deflate::compress_to_vec(plaintext, 6);
    }
    let header = URL_SAFE_NO_PAD.encode(header.to_string());
    let key = agreed.enc.key(&derive(&sender.0, &to.0, agreed.enc, &[], &[]));
    let tag = key
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(iv), Aad::from(header.as_bytes()), &mut content)
        .expect("a message is shorter than 64 GiB");
    let [iv, content, tag] = [&iv, content.as_slice(), tag.as_ref()].map(|part| URL_SAFE_NO_PAD.encode(part));
    format!("{header}..{iv}.{content}.{tag}")
}

/// Opens a message that was encrypted to our key, and unpacks it to at most `max_length` octets.
///
/// Something that is far smaller on the wire than it unpacks to costs no more memory than that.
pub(crate) fn open(message: &str, key: OneTimeKey, agreed: Agreed, max_length: usize) -> Result<Vec<u8>, JweError> {
    let parts: Vec<&str> = message.split('.').collect();
    let &[protected, encrypted_key, iv, content, tag] = parts.as_slice() else {
        return Err(JweError::Malformed("it has not five parts"));
    };
    let decode = |part, problem| URL_SAFE_NO_PAD.decode(part).map_err(|_| JweError::Malformed(problem));
    let header = decode(protected, "its header is not base64url")?;
    let header = json::parse_object(&header).map_err(|_| JweError::Malformed("its header is no JSON object"))?;
    let Header { sender, party_u, party_v, compressed } = read_header(&header, agreed)?;
    if !encrypted_key.is_empty() {
        return Err(JweError::Malformed("it has an encrypted key, which direct agreement has not"));
    }
    let iv = decode(iv, "its initialization vector is not base64url")?;
    let iv = Nonce::try_assume_unique_for_key(&iv)
        .map_err(|_| JweError::Malformed("its initialization vector has the wrong length"))?;
    let mut content = decode(content, "its content is not base64url")?;
    let tag = decode(tag, "its tag is not base64url")?;
    if tag.len() != TAG_LENGTH {
        return Err(JweError::Malformed("its tag has the wrong length"));
    }
    content.extend(tag);
    let derived = derive(&key.0, &sender, agreed.enc, &party_u, &party_v);
    drop(key);
    let opened = agreed.enc.key(&derived).open_in_place(iv, Aad::from(protected.as_bytes()), &mut content);
    let plaintext = opened.map_err(|_| JweError::NotAuthentic)?;
    if !compressed {
        return Ok(plaintext.to_vec());
    }
    inflate::bare(plaintext, max_length).map_err(|error| match error {
        InflateError::TooLarge => JweError::TooLarge,
        InflateError::Malformed => JweError::Compression,
    })
}

struct Header {
    sender: PublicKey,
    party_u: Vec<u8>,
    party_v: Vec<u8>,
    compressed: bool,
}

fn read_header(header: &Map<String, Value>, agreed: Agreed) -> Result<Header, JweError> {
    // What is no text is no legal value either.
    let text = |name: &str| header.get(name).map(|value| value.as_str().unwrap_or("?"));
    if header.contains_key("crit") {
        return Err(JweError::Header("it has critical extensions, and this version knows none"));
    }
    if text("alg") != Some(ECDH_ES) {
        return Err(JweError::Header("`alg` is not ECDH-ES"));
    }
    if text("enc") != Some(agreed.enc.as_str()) {
        return Err(JweError::Header("`enc` is not the one that was asked for"));
    }
    let compressed = match text("zip") {
        None => false,
        Some(DEFLATE) if agreed.zip => true,
        Some(_) => return Err(JweError::Header("`zip` was not asked for")),
    };
    let party = |name| match text(name) {
        None => Ok(Vec::new()),
        Some(value) => URL_SAFE_NO_PAD.decode(value).map_err(|_| JweError::Header("`apu` or `apv` is not base64url")),
    };
    let epk = header.get("epk").ok_or(JweError::Header("`epk` is missing"))?;
    if epk.get("d").is_some() {
        return Err(JweError::Header("`epk` has a private member"));
    }
    let sender = Jwk::from_value(epk).ok().and_then(|key| Recipient::new(&key));
    let sender = sender.ok_or(JweError::Header("`epk` is no point on P-256"))?.0;
    Ok(Header { sender, party_u: party("apu")?, party_v: party("apv")?, compressed })
}

/// The content encryption key: Concat KDF with SHA-256 over the shared secret (RFC 7518 section 4.6.2,
/// NIST SP 800-56A). One round is enough for both key lengths.
fn derive(
    own: &SecretKey,
    other: &PublicKey,
    enc: ContentEncryption,
    party_u: &[u8],
    party_v: &[u8],
) -> Zeroizing<Vec<u8>> {
    let shared = diffie_hellman(own.to_nonzero_scalar(), other.as_affine());
    let length = |bytes: usize| u32::try_from(bytes).expect("what is measured came in a message").to_be_bytes();
    let mut hash = Sha256::new();
    hash.update(length(1));
    hash.update(shared.raw_secret_bytes());
    for value in [enc.as_str().as_bytes(), party_u, party_v] {
        hash.update(length(value.len()));
        hash.update(value);
    }
    hash.update(length(enc.key_length() * 8));
    let mut derived = Zeroizing::new(hash.finalize().to_vec());
    derived.truncate(enc.key_length());
    derived
}

#[cfg(test)]
#[path = "jwe_tests.rs"]
mod tests;
