//! Issuers' public keys, from JWKs, certificates and multicodec octets.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use der::asn1::{ObjectIdentifier, UintRef};
use der::{Decode as _, Reader as _, SliceReader};
use serde_json::Value;
use x509_cert::spki::SubjectPublicKeyInfoOwned;

use super::jose::{JwsAlgorithm, SignatureError, verify_rsa, verify_signature};
use crate::model::jwk::{Curve, Jwk, JwkError};

/// A key that credentials are signed with. Unlike holder keys it may be RSA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum IssuerPublicKey {
    /// An elliptic-curve key.
    Curve(Jwk),
    /// An RSA key: modulus and exponent, big-endian without leading zeros.
    Rsa {
        /// The modulus.
        modulus: Vec<u8>,
        /// The public exponent.
        exponent: Vec<u8>,
    },
}

impl IssuerPublicKey {
    /// Reads a JWK.
    pub(crate) fn from_jwk(value: &Value) -> Result<Self, JwkError> {
        if value.get("kty").and_then(Value::as_str) != Some("RSA") {
            return Jwk::from_value(value).map(Self::Curve);
        }
        let number = |name: &'static str| {
            let text = value.get(name).and_then(Value::as_str).ok_or(JwkError::Malformed(name))?;
            URL_SAFE_NO_PAD.decode(text).map_err(|_| JwkError::Malformed(name))
        };
        Self::rsa(&number("n")?, &number("e")?)
    }

    /// Reads the key of a certificate.
    pub(crate) fn from_spki(info: &SubjectPublicKeyInfoOwned) -> Result<Self, JwkError> {
        const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
        const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
        const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
        let bits = info.subject_public_key.as_bytes().ok_or(JwkError::Malformed("subjectPublicKey"))?;
        match info.algorithm.oid {
            EC => {
                let curve = info
                    .algorithm
                    .parameters
                    .as_ref()
                    .and_then(|parameters| parameters.decode_as::<ObjectIdentifier>().ok())
                    .ok_or(JwkError::Malformed("parameters"))?;
                Self::from_point(named_curve(&curve)?, bits)
            }
            ED25519 => Self::from_point(Curve::Ed25519, bits),
            RSA => Self::from_pkcs1(bits),
            other => Err(JwkError::Unsupported(other.to_string())),
        }
    }

    /// Reads the octets behind a multicodec number, as did:key and `publicKeyMultibase` have them.
    pub(crate) fn from_multicodec(bytes: &[u8]) -> Result<Self, JwkError> {
        const ED25519: &[u8] = &[0xed, 0x01];
        const SECP256K1: &[u8] = &[0xe7, 0x01];
        const P256: &[u8] = &[0x80, 0x24];
        const P384: &[u8] = &[0x81, 0x24];
        const RSA: &[u8] = &[0x85, 0x24];
        const JWK_JCS: &[u8] = &[0xd1, 0xd6, 0x03];
        for (prefix, curve) in
            [(ED25519, Curve::Ed25519), (SECP256K1, Curve::Secp256k1), (P256, Curve::P256), (P384, Curve::P384)]
        {
            if let Some(point) = bytes.strip_prefix(prefix) {
                return Self::from_point(curve, point);
            }
        }
        if let Some(key) = bytes.strip_prefix(RSA) {
            return Self::from_pkcs1(key);
        }
        if let Some(text) = bytes.strip_prefix(JWK_JCS) {
            return Self::from_jwk(&crate::json::parse(text).map_err(|_| JwkError::Malformed("kty"))?);
        }
        Err(JwkError::Unsupported("another multicodec number".to_owned()))
    }

    /// Whether signatures of this algorithm can be by this key.
    pub(crate) fn fits(&self, algorithm: JwsAlgorithm) -> bool {
        match (self, algorithm) {
            (Self::Curve(key), JwsAlgorithm::Curve(algorithm)) => key.curve() == algorithm.curve(),
            (Self::Rsa { .. }, JwsAlgorithm::Rsa(_)) => true,
            _ => false,
        }
    }

    /// Checks a signature.
    pub(crate) fn verify(
        &self,
        algorithm: JwsAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        match (self, algorithm) {
            (Self::Curve(key), JwsAlgorithm::Curve(algorithm)) => verify_signature(algorithm, key, message, signature),
            (Self::Rsa { modulus, exponent }, JwsAlgorithm::Rsa(algorithm)) => {
                verify_rsa(algorithm, modulus, exponent, message, signature)
            }
            _ => Err(SignatureError::WrongKey),
        }
    }

    /// The key as a holder could have it; none for RSA.
    pub(crate) fn into_jwk(self) -> Option<Jwk> {
        match self {
            Self::Curve(key) => Some(key),
            Self::Rsa { .. } => None,
        }
    }

    fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, JwkError> {
        let number = |bytes: &[u8], name| {
            let zeros = bytes.iter().take_while(|octet| **octet == 0).count();
            let number = bytes[zeros..].to_vec();
            if number.is_empty() { Err(JwkError::Malformed(name)) } else { Ok(number) }
        };
        let modulus = number(modulus, "n")?;
        if is_roca(&modulus) {
            return Err(JwkError::Malformed("n"));
        }
        Ok(Self::Rsa { modulus, exponent: number(exponent, "e")? })
    }

    fn from_pkcs1(bytes: &[u8]) -> Result<Self, JwkError> {
        let integers = || {
            let mut reader = SliceReader::new(bytes)?;
            let both = reader.sequence(|inner| Ok::<_, der::Error>((UintRef::decode(inner)?, UintRef::decode(inner)?)));
            let both = both?;
            reader.finish()?;
            Ok::<_, der::Error>(both)
        };
        let (modulus, exponent) = integers().map_err(|_| JwkError::Malformed("n"))?;
        Self::rsa(modulus.as_bytes(), exponent.as_bytes())
    }

    /// From an SEC 1 point, compressed or not, or the 32 octets of Ed25519.
    pub(super) fn from_point(curve: Curve, point: &[u8]) -> Result<Self, JwkError> {
        let malformed = |_| JwkError::Malformed("x");
        let uncompressed = match (curve, point.first()) {
            (Curve::P256, Some(2 | 3)) => {
                use p256::elliptic_curve::sec1::ToSec1Point as _;
                let key = p256::PublicKey::from_sec1_bytes(point).map_err(malformed)?;
                key.to_sec1_point(false).as_bytes().to_vec()
            }
            (Curve::P384, Some(2 | 3)) => {
                use p384::elliptic_curve::sec1::ToSec1Point as _;
                let key = p384::PublicKey::from_sec1_bytes(point).map_err(malformed)?;
                key.to_sec1_point(false).as_bytes().to_vec()
            }
            (Curve::Secp256k1, Some(2 | 3)) => {
                use k256::elliptic_curve::sec1::ToSec1Point as _;
                let key = k256::PublicKey::from_sec1_bytes(point).map_err(malformed)?;
                key.to_sec1_point(false).as_bytes().to_vec()
            }
            _ => point.to_vec(),
        };
        Jwk::from_point(curve, &uncompressed).map(Self::Curve)
    }
}

/// Whether a modulus has the mark of the keys of a series of chips that anybody can factor (CVE-2017-15361): its
/// remainders by small primes are all powers of 65537. By chance one modulus in a hundred million has it.
fn is_roca(modulus: &[u8]) -> bool {
    const PRIMES: [u32; 38] = [
        3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107,
        109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
    ];
    modulus.len() >= 64
        && PRIMES.iter().all(|prime| {
            let remainder = modulus.iter().fold(0, |rest, octet| (rest * 256 + u32::from(*octet)) % prime);
            let powers = std::iter::successors(Some(1), |power| Some(power * (65_537 % prime) % prime));
            powers.take(*prime as usize).any(|power| power == remainder)
        })
}

fn named_curve(oid: &ObjectIdentifier) -> Result<Curve, JwkError> {
    const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
    const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
    const SECP256K1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.10");
    match *oid {
        P256 => Ok(Curve::P256),
        P384 => Ok(Curve::P384),
        SECP256K1 => Ok(Curve::Secp256k1),
        other => Err(JwkError::Unsupported(format!("EC {other}"))),
    }
}
