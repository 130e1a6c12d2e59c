//! JSON Web Encryption, as much as this issuer needs: compact form, `ECDH-ES` with P-256,
//! `A128GCM` and `A256GCM`, compression `DEF`.
//!
//! Written out here on `RustCrypto` and `flate2`, so that nothing is shared with a wallet under test.

use std::io::{Read as _, Write as _};

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes128Gcm, Aes256Gcm, KeyInit as _, Nonce};
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use p256::elliptic_curve::sec1::ToSec1Point as _;
use p256::{PublicKey, SecretKey};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::encoding::{b64, b64_json, random_bytes, unb64};

/// The one key management algorithm.
pub(crate) const ALG: &str = "ECDH-ES";
/// The content encryption algorithms.
pub(crate) const ENCS: [&str; 2] = ["A128GCM", "A256GCM"];
/// The one compression.
pub(crate) const ZIP: &str = "DEF";

/// Most bytes that a compressed message may become.
const MOST_INFLATED: u64 = 1 << 20;
/// Bytes of the tag behind the ciphertext.
const TAG: usize = 16;

/// A new key to be written to.
pub(crate) fn new_key() -> SecretKey {
    loop {
        // A random string is a legal scalar but for one chance in four billion.
        if let Ok(key) = SecretKey::from_slice(&random_bytes::<32>()) {
            return key;
        }
    }
}

/// The public JWK with required members only.
pub(crate) fn public_jwk(key: &PublicKey) -> Value {
    let point = key.to_sec1_point(false);
    let (x, y) = point.as_bytes()[1..].split_at(32);
    json!({"kty": "EC", "crv": "P-256", "x": b64(x), "y": b64(y)})
}

/// Reads a public P-256 JWK; the private half has no place in it.
pub(crate) fn read_jwk(jwk: &Value) -> Result<PublicKey, String> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str).ok_or_else(|| format!("the key has no {name}"));
    if jwk.get("d").is_some() {
        return Err("the key is a private one".to_owned());
    }
    if (text("kty")?, text("crv")?) != ("EC", "P-256") {
        return Err("the key is not on P-256".to_owned());
    }
    let coordinate = |name: &str| {
        unb64(text(name)?).filter(|bytes| bytes.len() == 32).ok_or_else(|| format!("{name} is not 32 bytes"))
    };
    let point = [vec![4], coordinate("x")?, coordinate("y")?].concat();
    PublicKey::from_sec1_bytes(&point).map_err(|_| "the point is not on P-256".to_owned())
}

/// The protected header of a message, unverified.
pub(crate) fn header_of(message: &str) -> Result<Map<String, Value>, String> {
    let first = message.split('.').next().unwrap_or_default();
    unb64(first)
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .ok_or_else(|| "the first part is no header in base64url".to_owned())
}

/// Encrypts `content`; `header` says how (`enc`, `zip`) and is completed with the rest.
pub(crate) fn seal(recipient: &PublicKey, header: &Map<String, Value>, content: &[u8]) -> Result<String, String> {
    let mut header = header.clone();
    let ephemeral = new_key();
    header.insert("alg".into(), json!(ALG));
    header.insert("epk".into(), public_jwk(&ephemeral.public_key()));
    let compressed;
    let content = if header.contains_key("zip") {
        compressed = deflate(content);
        &compressed
    } else {
        content
    };
    let key = agree(&ephemeral, recipient, &header)?;
    let protected = b64_json(&Value::Object(header));
    let iv = random_bytes::<12>();
    let payload = Payload { msg: content, aad: protected.as_bytes() };
    let mut text = with_cipher(&key, &iv, payload, Way::Encrypt).ok_or("the content cannot be encrypted")?;
    let tag = text.split_off(text.len() - TAG);
    Ok(format!("{protected}..{}.{}.{}", b64(iv), b64(text), b64(tag)))
}

/// Decrypts a message whose header was found to be in order.
pub(crate) fn open(recipient: &SecretKey, message: &str) -> Result<Vec<u8>, String> {
    let parts: Vec<&str> = message.split('.').collect();
    let [protected, encrypted_key, iv, text, tag] = parts[..] else {
        return Err("it is not a compact JWE of five parts".to_owned());
    };
    if !encrypted_key.is_empty() {
        return Err("with ECDH-ES the second part is empty".to_owned());
    }
    let header = header_of(message)?;
    let epk = read_jwk(header.get("epk").ok_or("there is no epk")?).map_err(|reason| format!("epk: {reason}"))?;
    let key = agree(recipient, &epk, &header)?;
    let part = |part: &str, name: &str| unb64(part).ok_or_else(|| format!("the {name} is not base64url"));
    let iv: [u8; 12] = part(iv, "IV")?.try_into().map_err(|_| "the IV is not 12 bytes".to_owned())?;
    let tag = part(tag, "tag")?;
    if tag.len() != TAG {
        return Err("the tag is not 16 bytes".to_owned());
    }
    let message = [part(text, "ciphertext")?, tag].concat();
    let payload = Payload { msg: &message, aad: protected.as_bytes() };
    let content = with_cipher(&key, &iv, payload, Way::Decrypt).ok_or("it does not decrypt")?;
    if header.contains_key("zip") { inflate(&content) } else { Ok(content) }
}

/// The content encryption key (RFC 7518 section 4.6.2): one round of Concat KDF with SHA-256.
fn agree(own: &SecretKey, other: &PublicKey, header: &Map<String, Value>) -> Result<Vec<u8>, String> {
    let enc = header.get("enc").and_then(Value::as_str).unwrap_or_default();
    let length: u32 = match enc {
        "A128GCM" => 16,
        "A256GCM" => 32,
        _ => return Err(format!("enc is not one of {}", ENCS.join(", "))),
    };
    let party = |name: &str| match header.get(name) {
        None => Ok(Vec::new()),
        Some(info) => info.as_str().and_then(unb64).ok_or_else(|| format!("the header member {name} is not base64url")),
    };
    let shared = p256::ecdh::diffie_hellman(own.to_nonzero_scalar(), other.as_affine());
    let mut hash = Sha256::new();
    hash.update(1_u32.to_be_bytes());
    hash.update(shared.raw_secret_bytes());
    for info in [enc.as_bytes().to_vec(), party("apu")?, party("apv")?] {
        hash.update(u32::try_from(info.len()).map_err(|_| "too long".to_owned())?.to_be_bytes());
        hash.update(info);
    }
    hash.update((length * 8).to_be_bytes());
    Ok(hash.finalize()[..length as usize].to_vec())
}

#[derive(Clone, Copy)]
enum Way {
    Encrypt,
    Decrypt,
}

/// AES-GCM with the key's length; the tag stands behind the ciphertext.
fn with_cipher(key: &[u8], iv: &[u8; 12], payload: Payload<'_, '_>, way: Way) -> Option<Vec<u8>> {
    let iv = Nonce::from(*iv);
    if key.len() == 16 {
        let cipher = Aes128Gcm::new_from_slice(key).ok()?;
        match way {
            Way::Encrypt => cipher.encrypt(&iv, payload).ok(),
            Way::Decrypt => cipher.decrypt(&iv, payload).ok(),
        }
    } else {
        let cipher = Aes256Gcm::new_from_slice(key).ok()?;
        match way {
            Way::Encrypt => cipher.encrypt(&iv, payload).ok(),
            Way::Decrypt => cipher.decrypt(&iv, payload).ok(),
        }
    }
}

fn deflate(content: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).and_then(|()| encoder.finish()).expect("memory can be written to")
}

fn inflate(content: &[u8]) -> Result<Vec<u8>, String> {
    let mut inflated = Vec::new();
    DeflateDecoder::new(content)
        .take(MOST_INFLATED + 1)
        .read_to_end(&mut inflated)
        .map_err(|_| "the content is not DEFLATE".to_owned())?;
    if inflated.len() as u64 > MOST_INFLATED {
        return Err("the content becomes larger than 1 MiB".to_owned());
    }
    Ok(inflated)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(header) => header,
            _ => unreachable!("an object"),
        }
    }

    /// A private key out of a JWK's `d`.
    fn private(d: &str) -> SecretKey {
        SecretKey::from_slice(&unb64(d).expect("base64url")).expect("a scalar")
    }

    #[test]
    fn key_agreement_of_rfc_7518_appendix_c() {
        let alice = private("0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo");
        let bob = private("VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw");
        assert_eq!(public_jwk(&alice.public_key())["x"], "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0");
        assert_eq!(public_jwk(&bob.public_key())["x"], "weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ");
        let header = header(json!({"enc": "A128GCM", "apu": "QWxpY2U", "apv": "Qm9i"}));
        for (own, other) in [(&alice, &bob), (&bob, &alice)] {
            let key = agree(own, &other.public_key(), &header).expect("legal");
            assert_eq!(b64(key), "VqqN6vgjbSBcIijNcacQGg");
        }
    }

    #[test]
    fn aes_gcm_of_the_gcm_specification() {
        // McGrew and Viega, test cases 2 and 14: one block of zeros under a key of zeros.
        for (length, expected) in [
            (16, "0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf"),
            (32, "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"),
        ] {
            let payload = Payload { msg: &[0; 16], aad: &[] };
            let sealed = with_cipher(&vec![0; length], &[0; 12], payload, Way::Encrypt).expect("encrypted");
            let hex = sealed.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
            assert_eq!(hex, expected);
        }
    }

    #[test]
    fn what_is_sealed_opens_with_the_right_key_only() {
        let key = new_key();
        for enc in ENCS {
            for zip in [None, Some(ZIP)] {
                let mut header = header(json!({"enc": enc, "apu": "QWxpY2U"}));
                if let Some(zip) = zip {
                    header.insert("zip".into(), json!(zip));
                }
                let sealed = seal(&key.public_key(), &header, b"secret").expect("sealed");
                assert_eq!(open(&key, &sealed).as_deref(), Ok(&b"secret"[..]));
                assert!(open(&new_key(), &sealed).is_err());
                let other_header = b64_json(&json!({"enc": enc, "epk": header_of(&sealed).expect("header")["epk"]}));
                let rest = sealed.split_once('.').expect("parts").1;
                assert!(open(&key, &format!("{other_header}.{rest}")).is_err());
            }
        }
    }

    #[test]
    fn a_bomb_is_not_inflated() {
        let bomb = deflate(&vec![b' '; 2 << 20]);
        assert!(bomb.len() < 10_000);
        assert!(inflate(&bomb).is_err());
    }
}
