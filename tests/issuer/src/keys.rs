//! Public keys of wallets, and the keys that this issuer signs with.
//!
//! Everything here rests on the `RustCrypto` curve crates and on `ed25519-dalek`, never on the
//! library that billfold uses, so that a mistake in one cannot hide in the other.

use ed25519_dalek::Signer as _;
use p256::ecdsa::signature::Verifier as _;
use p256::pkcs8::DecodePublicKey as _;
use serde_json::{Value, json};
use x509_cert::spki::SubjectPublicKeyInfoOwned;

use crate::cbor::Cbor;
use crate::encoding::{b64, b64_json, random_bytes, sha256_b64, unb64};

/// Curves that this issuer signs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// ES256.
    P256,
    /// ES384.
    P384,
    /// `EdDSA`.
    Ed25519,
    /// ES256K.
    Secp256k1,
}

impl Curve {
    /// The JWS algorithm.
    pub(crate) fn alg(self) -> &'static str {
        match self {
            Self::P256 => "ES256",
            Self::P384 => "ES384",
            Self::Ed25519 => "EdDSA",
            Self::Secp256k1 => "ES256K",
        }
    }

    /// The COSE algorithm (RFC 9053, RFC 8812).
    pub(crate) fn cose_alg(self) -> i64 {
        match self {
            Self::P256 => -7,
            Self::P384 => -35,
            Self::Ed25519 => -8,
            Self::Secp256k1 => -47,
        }
    }
}

/// Members of a JWK that are secret, for any key type.
const PRIVATE_MEMBERS: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "r"];

/// The public half of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PublicKey {
    /// ES256.
    P256(p256::ecdsa::VerifyingKey),
    /// ES384.
    P384(p384::ecdsa::VerifyingKey),
    /// ES256K.
    K256(k256::ecdsa::VerifyingKey),
    /// `EdDSA` with Ed25519.
    Ed25519(ed25519_dalek::VerifyingKey),
}

impl PublicKey {
    /// Reads a public JWK; a JWK with any private member is refused.
    pub(crate) fn from_jwk(jwk: &Value) -> Result<Self, String> {
        let object = jwk.as_object().ok_or("the JWK is not an object")?;
        if let Some(member) = PRIVATE_MEMBERS.iter().find(|name| object.contains_key(**name)) {
            return Err(format!("the JWK holds the private member '{member}'"));
        }
        let text =
            |name: &str| object.get(name).and_then(Value::as_str).ok_or_else(|| format!("the JWK has no '{name}'"));
        let coordinate = |name: &str, length: usize| {
            let bytes = unb64(text(name)?).ok_or_else(|| format!("'{name}' is not base64url"))?;
            if bytes.len() == length {
                Ok(bytes)
            } else {
                Err(format!("'{name}' has {} bytes instead of {length}", bytes.len()))
            }
        };
        match (text("kty")?, text("crv")?) {
            ("EC", "P-256") => Self::from_sec1_p256(&uncompressed(&coordinate("x", 32)?, &coordinate("y", 32)?)),
            ("EC", "P-384") => Self::from_sec1_p384(&uncompressed(&coordinate("x", 48)?, &coordinate("y", 48)?)),
            ("EC", "secp256k1") => Self::from_sec1_k256(&uncompressed(&coordinate("x", 32)?, &coordinate("y", 32)?)),
            ("OKP", "Ed25519") => Self::from_ed25519(&coordinate("x", 32)?),
            (kty, crv) => Err(format!("key type {kty} with curve {crv} is not supported")),
        }
    }

    fn from_sec1_p256(point: &[u8]) -> Result<Self, String> {
        p256::ecdsa::VerifyingKey::from_sec1_bytes(point)
            .map(Self::P256)
            .map_err(|_| "the point is not on P-256".to_owned())
    }

    fn from_sec1_p384(point: &[u8]) -> Result<Self, String> {
        p384::ecdsa::VerifyingKey::from_sec1_bytes(point)
            .map(Self::P384)
            .map_err(|_| "the point is not on P-384".to_owned())
    }

    fn from_sec1_k256(point: &[u8]) -> Result<Self, String> {
        k256::ecdsa::VerifyingKey::from_sec1_bytes(point)
            .map(Self::K256)
            .map_err(|_| "the point is not on secp256k1".to_owned())
    }

    fn from_ed25519(bytes: &[u8]) -> Result<Self, String> {
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| "an Ed25519 key has 32 bytes".to_owned())?;
        ed25519_dalek::VerifyingKey::from_bytes(&bytes)
            .map(Self::Ed25519)
            .map_err(|_| "the bytes are not an Ed25519 key".to_owned())
    }

    /// Reads the `SubjectPublicKeyInfo` of a certificate.
    pub(crate) fn from_spki(der: &[u8]) -> Result<Self, String> {
        if let Ok(key) = p256::ecdsa::VerifyingKey::from_public_key_der(der) {
            return Ok(Self::P256(key));
        }
        if let Ok(key) = p384::ecdsa::VerifyingKey::from_public_key_der(der) {
            return Ok(Self::P384(key));
        }
        ed25519_dalek::VerifyingKey::from_public_key_der(der)
            .map(Self::Ed25519)
            .map_err(|_| "the certificate's key is not P-256, P-384 or Ed25519".to_owned())
    }

    /// Resolves the DID URL of a proof's `kid`: `did:key` and `did:jwk` only.
    pub(crate) fn from_did_url(url: &str) -> Result<Self, String> {
        let (did, fragment) = url.split_once('#').ok_or("kid is a DID without the fragment that names a key")?;
        if let Some(multibase) = did.strip_prefix("did:key:") {
            if fragment != multibase {
                return Err("the fragment of a did:key URL repeats the key".to_owned());
            }
            let encoded = multibase.strip_prefix('z').ok_or("did:key is not in base58btc")?;
            let bytes = bs58::decode(encoded).into_vec().map_err(|_| "did:key is not in base58btc".to_owned())?;
            match bytes.as_slice() {
                [0x80, 0x24, point @ ..] if point.len() == 33 => Self::from_sec1_p256(point),
                [0x81, 0x24, point @ ..] if point.len() == 49 => Self::from_sec1_p384(point),
                [0xe7, 0x01, point @ ..] if point.len() == 33 => Self::from_sec1_k256(point),
                [0xed, 0x01, key @ ..] => Self::from_ed25519(key),
                _ => Err("did:key holds a key type that is not supported".to_owned()),
            }
        } else if let Some(encoded) = did.strip_prefix("did:jwk:") {
            if fragment != "0" {
                return Err("the only key of a did:jwk is '#0'".to_owned());
            }
            let bytes = unb64(encoded).ok_or("did:jwk is not base64url")?;
            let jwk: Value = serde_json::from_slice(&bytes).map_err(|_| "did:jwk holds no JSON".to_owned())?;
            Self::from_jwk(&jwk)
        } else {
            Err("only did:key and did:jwk can be resolved".to_owned())
        }
    }

    /// The public JWK with required members only.
    pub(crate) fn to_jwk(&self) -> Value {
        match self {
            Self::P256(key) => ec_jwk("P-256", key.to_sec1_point(false).as_bytes()),
            Self::P384(key) => ec_jwk("P-384", key.to_sec1_point(false).as_bytes()),
            Self::K256(key) => ec_jwk("secp256k1", key.to_sec1_point(false).as_bytes()),
            Self::Ed25519(key) => json!({"kty": "OKP", "crv": "Ed25519", "x": b64(key.as_bytes())}),
        }
    }

    /// RFC 7638 thumbprint, used as `kid` and to tell keys apart.
    pub(crate) fn thumbprint(&self) -> String {
        // serde_json keeps members sorted by name, which is the order that the RFC asks for.
        sha256_b64(&self.to_jwk().to_string())
    }

    /// The JWS algorithm of this key.
    pub(crate) fn alg(&self) -> &'static str {
        match self {
            Self::P256(_) => "ES256",
            Self::P384(_) => "ES384",
            Self::K256(_) => "ES256K",
            Self::Ed25519(_) => "EdDSA",
        }
    }

    /// The `COSE_Key` (RFC 9052 section 7, RFC 9053 section 7, RFC 8812 for secp256k1).
    pub(crate) fn to_cose(&self) -> Cbor {
        let ec = |curve, point: &[u8]| {
            let (x, y) = point[1..].split_at((point.len() - 1) / 2);
            Cbor::Map(vec![
                (Cbor::Int(1), Cbor::Int(2)),
                (Cbor::Int(-1), Cbor::Int(curve)),
                (Cbor::Int(-2), Cbor::Bytes(x.to_vec())),
                (Cbor::Int(-3), Cbor::Bytes(y.to_vec())),
            ])
        };
        match self {
            Self::P256(key) => ec(1, key.to_sec1_point(false).as_bytes()),
            Self::P384(key) => ec(2, key.to_sec1_point(false).as_bytes()),
            Self::K256(key) => ec(8, key.to_sec1_point(false).as_bytes()),
            Self::Ed25519(key) => Cbor::Map(vec![
                (Cbor::Int(1), Cbor::Int(1)),
                (Cbor::Int(-1), Cbor::Int(6)),
                (Cbor::Int(-2), Cbor::Bytes(key.as_bytes().to_vec())),
            ]),
        }
    }

    /// The `SubjectPublicKeyInfo` for a certificate.
    pub(crate) fn spki(&self) -> SubjectPublicKeyInfoOwned {
        match self {
            Self::P256(key) => SubjectPublicKeyInfoOwned::from_key(key),
            Self::P384(key) => SubjectPublicKeyInfoOwned::from_key(key),
            Self::K256(key) => SubjectPublicKeyInfoOwned::from_key(key),
            Self::Ed25519(key) => SubjectPublicKeyInfoOwned::from_key(key),
        }
        .expect("a key has a DER form")
    }

    /// Checks a raw JWS signature (R and S side by side for ECDSA).
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::P256(key) => p256::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Self::P384(key) => p384::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Self::K256(key) => k256::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Self::Ed25519(key) => ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok()),
        }
    }

    /// The `did:key` of this key.
    pub(crate) fn did_key(&self) -> String {
        let mut bytes = match self {
            Self::P256(_) => vec![0x80, 0x24],
            Self::P384(_) => vec![0x81, 0x24],
            Self::K256(_) => vec![0xe7, 0x01],
            Self::Ed25519(_) => vec![0xed, 0x01],
        };
        match self {
            Self::P256(key) => bytes.extend_from_slice(key.to_sec1_point(true).as_bytes()),
            Self::P384(key) => bytes.extend_from_slice(key.to_sec1_point(true).as_bytes()),
            Self::K256(key) => bytes.extend_from_slice(key.to_sec1_point(true).as_bytes()),
            Self::Ed25519(key) => bytes.extend_from_slice(key.as_bytes()),
        }
        format!("did:key:z{}", bs58::encode(bytes).into_string())
    }

    /// The `did:jwk` of this key.
    pub(crate) fn did_jwk(&self) -> String {
        format!("did:jwk:{}", b64_json(&self.to_jwk()))
    }
}

fn uncompressed(x: &[u8], y: &[u8]) -> Vec<u8> {
    [&[4], x, y].concat()
}

fn ec_jwk(curve: &str, point: &[u8]) -> Value {
    let (x, y) = point[1..].split_at((point.len() - 1) / 2);
    json!({"kty": "EC", "crv": curve, "x": b64(x), "y": b64(y)})
}

/// A key that signs credentials.
#[derive(Clone)]
pub(crate) enum PrivateKey {
    /// ES256.
    P256(p256::ecdsa::SigningKey),
    /// ES384.
    P384(p384::ecdsa::SigningKey),
    /// ES256K.
    K256(k256::ecdsa::SigningKey),
    /// `EdDSA` with Ed25519.
    Ed25519(Box<ed25519_dalek::SigningKey>),
}

impl PrivateKey {
    /// A new key on the given curve.
    pub(crate) fn on(curve: Curve) -> Self {
        match curve {
            Curve::P256 => Self::p256(),
            Curve::P384 => Self::p384(),
            Curve::Ed25519 => Self::ed25519(),
            Curve::Secp256k1 => Self::k256(),
        }
    }

    /// A new ES256K key.
    fn k256() -> Self {
        loop {
            if let Ok(key) = k256::ecdsa::SigningKey::from_slice(&random_bytes::<32>()) {
                return Self::K256(key);
            }
        }
    }

    /// A new ES256 key.
    pub(crate) fn p256() -> Self {
        Self::P256(new_p256())
    }

    /// A new ES384 key.
    pub(crate) fn p384() -> Self {
        loop {
            if let Ok(key) = p384::ecdsa::SigningKey::from_slice(&random_bytes::<48>()) {
                return Self::P384(key);
            }
        }
    }

    /// A new Ed25519 key.
    pub(crate) fn ed25519() -> Self {
        Self::Ed25519(Box::new(ed25519_dalek::SigningKey::from_bytes(&random_bytes::<32>())))
    }

    /// The curve it is on.
    pub(crate) fn curve(&self) -> Curve {
        match self {
            Self::P256(_) => Curve::P256,
            Self::P384(_) => Curve::P384,
            Self::K256(_) => Curve::Secp256k1,
            Self::Ed25519(_) => Curve::Ed25519,
        }
    }

    /// A new key of the same kind, for faults that need a wrong one.
    pub(crate) fn another(&self) -> Self {
        match self {
            Self::P256(_) => Self::p256(),
            Self::P384(_) => Self::p384(),
            Self::K256(_) => Self::k256(),
            Self::Ed25519(_) => Self::ed25519(),
        }
    }

    /// The public half.
    pub(crate) fn public(&self) -> PublicKey {
        match self {
            Self::P256(key) => PublicKey::P256(*key.verifying_key()),
            Self::P384(key) => PublicKey::P384(*key.verifying_key()),
            Self::K256(key) => PublicKey::K256(*key.verifying_key()),
            Self::Ed25519(key) => PublicKey::Ed25519(key.verifying_key()),
        }
    }

    /// A raw JWS signature.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                signature.to_bytes().to_vec()
            }
            Self::P384(key) => {
                let signature: p384::ecdsa::Signature = key.sign(message);
                signature.to_bytes().to_vec()
            }
            Self::K256(key) => {
                let signature: k256::ecdsa::Signature = key.sign(message);
                signature.to_bytes().to_vec()
            }
            Self::Ed25519(key) => key.sign(message).to_bytes().to_vec(),
        }
    }
}

/// A new P-256 key in the type that the certificate builder takes.
pub(crate) fn new_p256() -> p256::ecdsa::SigningKey {
    loop {
        // A random string is a legal scalar but for one chance in four billion.
        if let Ok(key) = p256::ecdsa::SigningKey::from_slice(&random_bytes::<32>()) {
            return key;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_of_each() -> [PrivateKey; 4] {
        [Curve::P256, Curve::P384, Curve::Ed25519, Curve::Secp256k1].map(PrivateKey::on)
    }

    #[test]
    fn jwk_and_dids_lead_back_to_the_key() {
        for key in one_of_each() {
            let public = key.public();
            assert_eq!(PublicKey::from_jwk(&public.to_jwk()), Ok(public.clone()));
            let did = public.did_key();
            let url = format!("{did}#{}", did.trim_start_matches("did:key:"));
            assert_eq!(PublicKey::from_did_url(&url), Ok(public.clone()));
            let url = format!("{}#0", public.did_jwk());
            assert_eq!(PublicKey::from_did_url(&url), Ok(public));
        }
    }

    #[test]
    fn known_did_keys_of_the_did_key_specification() {
        // Examples of the did:key method document.
        for (did, alg) in [
            ("zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169", "ES256"),
            ("z82Lm1MpAkeJcix9K8TMiLd5NMAhnwkjjCBeWHXyu3U4oT2MVJJKXkcVBgjGhnLBn2Kaau9", "ES384"),
            ("zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme", "ES256K"),
            ("z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK", "EdDSA"),
        ] {
            let key = PublicKey::from_did_url(&format!("did:key:{did}#{did}")).expect("a legal key");
            assert_eq!(key.alg(), alg);
            assert_eq!(key.did_key(), format!("did:key:{did}"));
        }
    }

    #[test]
    fn signatures_hold_for_their_message_only() {
        for key in one_of_each() {
            let signature = key.sign(b"message");
            assert!(key.public().verifies(b"message", &signature));
            assert!(!key.public().verifies(b"massage", &signature));
            assert!(!key.another().public().verifies(b"message", &signature));
        }
    }

    #[test]
    fn a_private_jwk_is_refused() {
        let mut jwk = PrivateKey::p256().public().to_jwk();
        jwk["d"] = json!("AAAA");
        assert_eq!(PublicKey::from_jwk(&jwk), Err("the JWK holds the private member 'd'".to_owned()));
    }

    #[test]
    fn thumbprint_of_rfc_8037() {
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        let key = PublicKey::from_jwk(&jwk).expect("the RFC's key");
        assert_eq!(key.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }
}
