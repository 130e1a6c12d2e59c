//! Public keys as JSON Web Keys (RFC 7517), and the signature algorithms that go with them.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// A signature algorithm by its JOSE name (RFC 7518, RFC 8037, RFC 8812).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Algorithm {
    /// ECDSA with P-256 and SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// ECDSA with P-384 and SHA-384.
    #[serde(rename = "ES384")]
    Es384,
    /// EdDSA; here always Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// ECDSA with secp256k1 and SHA-256.
    #[serde(rename = "ES256K")]
    Es256k,
}

impl Algorithm {
    /// All that holder keys can have, the preferred first.
    pub const ALL: [Self; 4] = [Self::Es256, Self::Es384, Self::EdDsa, Self::Es256k];

    /// The JOSE name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
            Self::Es256k => "ES256K",
        }
    }

    /// From the JOSE name; `Ed25519`, the fully specified name of RFC 9864, is `EdDSA` here.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "Ed25519" => Some(Self::EdDsa),
            _ => Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == name),
        }
    }

    /// The curve that a key of this algorithm is on.
    pub fn curve(self) -> Curve {
        match self {
            Self::Es256 => Curve::P256,
            Self::Es384 => Curve::P384,
            Self::EdDsa => Curve::Ed25519,
            Self::Es256k => Curve::Secp256k1,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An elliptic curve by its JOSE name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Curve {
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
    /// Edwards curve 25519, for signatures.
    Ed25519,
    /// The curve of Bitcoin.
    Secp256k1,
}

impl Curve {
    /// The JOSE name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::Ed25519 => "Ed25519",
            Self::Secp256k1 => "secp256k1",
        }
    }

    /// How many octets a coordinate has.
    pub fn coordinate_length(self) -> usize {
        match self {
            Self::P384 => 48,
            _ => 32,
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::P256, Self::P384, Self::Ed25519, Self::Secp256k1].into_iter().find(|curve| curve.as_str() == name)
    }

    /// The algorithm that signs with keys on this curve.
    pub fn algorithm(self) -> Algorithm {
        match self {
            Self::P256 => Algorithm::Es256,
            Self::P384 => Algorithm::Es384,
            Self::Ed25519 => Algorithm::EdDsa,
            Self::Secp256k1 => Algorithm::Es256k,
        }
    }
}

/// Why a JSON value is no usable public key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwkError {
    /// A member is missing or has the wrong shape.
    #[error("the key's member `{0}` is missing or malformed")]
    Malformed(&'static str),
    /// A key type or curve that this library does not use.
    #[error("keys of type {0} are not supported")]
    Unsupported(String),
}

/// A public key on one of the supported curves. Private members never enter it.
///
/// Equality is by the key alone: ids and other decoration do not count.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub struct Jwk {
    curve: Curve,
    x: Vec<u8>,
    /// Empty for Ed25519.
    y: Vec<u8>,
    kid: Option<String>,
}

impl Jwk {
    /// A key from its coordinates; `y` is empty for Ed25519.
    ///
    /// Whether the point lies on the curve is found out when a signature is checked.
    pub fn from_coordinates(curve: Curve, x: &[u8], y: &[u8]) -> Result<Self, JwkError> {
        let length = curve.coordinate_length();
        if x.len() != length {
            return Err(JwkError::Malformed("x"));
        }
        if y.len() != if curve == Curve::Ed25519 { 0 } else { length } {
            return Err(JwkError::Malformed("y"));
        }
        Ok(Self { curve, x: x.to_vec(), y: y.to_vec(), kid: None })
    }

    /// A key from an uncompressed SEC 1 point (`04 || x || y`), or the 32 octets of Ed25519.
    pub fn from_point(curve: Curve, point: &[u8]) -> Result<Self, JwkError> {
        if curve == Curve::Ed25519 {
            return Self::from_coordinates(curve, point, &[]);
        }
        let length = curve.coordinate_length();
        match point.split_first() {
            Some((4, rest)) if rest.len() == 2 * length => {
                Self::from_coordinates(curve, &rest[..length], &rest[length..])
            }
            _ => Err(JwkError::Malformed("x")),
        }
    }

    /// Reads a JWK; private members are left behind.
    pub fn from_value(value: &Value) -> Result<Self, JwkError> {
        let text = |name: &'static str| value.get(name).and_then(Value::as_str);
        let bytes = |name: &'static str| {
            let text = text(name).ok_or(JwkError::Malformed(name))?;
            URL_SAFE_NO_PAD.decode(text).map_err(|_| JwkError::Malformed(name))
        };
        let kty = text("kty").ok_or(JwkError::Malformed("kty"))?;
        let crv = || text("crv").ok_or(JwkError::Malformed("crv"));
        let known = |name: &str| Curve::parse(name).ok_or_else(|| JwkError::Unsupported(format!("{kty} {name}")));
        let mut key = match kty {
            "EC" => match known(crv()?)? {
                Curve::Ed25519 => return Err(JwkError::Malformed("crv")),
                curve => Self::from_coordinates(curve, &bytes("x")?, &bytes("y")?)?,
            },
            "OKP" => match known(crv()?)? {
                Curve::Ed25519 => Self::from_coordinates(Curve::Ed25519, &bytes("x")?, &[])?,
                _ => return Err(JwkError::Malformed("crv")),
            },
            other => return Err(JwkError::Unsupported(other.to_owned())),
        };
        key.kid = text("kid").map(str::to_owned);
        Ok(key)
    }

    /// The key as JSON: required members and `kid` if there is one.
    pub fn to_value(&self) -> Value {
        let mut value = self.required_members();
        if let Some(kid) = &self.kid {
            value["kid"] = json!(kid);
        }
        value
    }

    /// The curve.
    pub fn curve(&self) -> Curve {
        self.curve
    }

    /// The algorithm that this key signs with.
    pub fn algorithm(&self) -> Algorithm {
        self.curve.algorithm()
    }

    /// The key's id, if its publisher gave it one.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Uncompressed SEC 1 point, or the 32 octets of Ed25519.
    pub fn to_point(&self) -> Vec<u8> {
        if self.curve == Curve::Ed25519 {
            return self.x.clone();
        }
        [&[4], self.x.as_slice(), self.y.as_slice()].concat()
    }

    /// SHA-256 thumbprint in base64url (RFC 7638).
    pub fn thumbprint(&self) -> String {
        // RFC 7638 asks for the required members in lexicographic order and no white space, which
        // is how `serde_json` prints an object of `BTreeMap` order.
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.canonical()))
    }

    fn canonical(&self) -> String {
        let x = URL_SAFE_NO_PAD.encode(&self.x);
        match self.curve {
            Curve::Ed25519 => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#),
            curve => {
                let y = URL_SAFE_NO_PAD.encode(&self.y);
                format!(r#"{{"crv":"{}","kty":"EC","x":"{x}","y":"{y}"}}"#, curve.as_str())
            }
        }
    }

    fn required_members(&self) -> Value {
        serde_json::from_str(&self.canonical()).expect("our own text is JSON")
    }
}

impl PartialEq for Jwk {
    fn eq(&self, other: &Self) -> bool {
        self.curve == other.curve && self.x == other.x && self.y == other.y
    }
}

impl Eq for Jwk {}

impl TryFrom<Value> for Jwk {
    type Error = JwkError;
    fn try_from(value: Value) -> Result<Self, JwkError> {
        Self::from_value(&value)
    }
}

impl From<Jwk> for Value {
    fn from(key: Jwk) -> Self {
        key.to_value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thumbprint_is_that_of_rfc_8037() {
        // RFC 8037 appendix A.3.
        let key = Jwk::from_value(&json!({
            "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
        }))
        .expect("a key");
        assert_eq!(key.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    // covers: PROOF-04
    #[test]
    fn private_members_stay_behind_and_ids_do_not_count() {
        let value = json!({
            "kty": "EC", "crv": "P-256", "kid": "1", "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
        });
        let key = Jwk::from_value(&value).expect("a key");
        assert!(key.to_value().get("d").is_none());
        assert_eq!(key.to_value()["kid"], "1");
        let bare = Jwk::from_point(Curve::P256, &key.to_point()).expect("a key");
        assert_eq!(bare, key);
        assert_eq!(bare.kid(), None);
    }

    #[test]
    fn malformed_keys_name_the_member() {
        let refuse = |value: Value| Jwk::from_value(&value).expect_err("no key");
        assert_eq!(refuse(json!({})), JwkError::Malformed("kty"));
        assert_eq!(refuse(json!({"kty": "EC"})), JwkError::Malformed("crv"));
        assert_eq!(refuse(json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"})), JwkError::Malformed("x"));
        assert_eq!(refuse(json!({"kty": "OKP", "crv": "Ed25519", "x": "A="})), JwkError::Malformed("x"));
        assert_eq!(refuse(json!({"kty": "EC", "crv": "Ed25519", "x": "", "y": ""})), JwkError::Malformed("crv"));
        assert_eq!(refuse(json!({"kty": "oct", "k": "AA"})), JwkError::Unsupported("oct".to_owned()));
        assert_eq!(refuse(json!({"kty": "EC", "crv": "P-521"})), JwkError::Unsupported("EC P-521".to_owned()));
    }
}
