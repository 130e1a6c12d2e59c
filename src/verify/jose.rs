//! Compact JWS (RFC 7515), read strictly, and the one place where signatures are checked.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use der::asn1::UintRef;
use der::{Decode as _, Reader as _, SliceReader};
use k256::ecdsa::signature::Verifier as _;
use ring::signature as ring_signature;
use serde_json::{Map, Value};

use crate::json;
use crate::model::jwk::{Algorithm, Curve, Jwk};

/// The longest token that is looked at, in octets.
pub(crate) const MAX_LENGTH: usize = 1 << 20;

/// A compact JWS taken apart. Nothing of it has been checked.
#[derive(Debug)]
pub(crate) struct Jws<'a> {
    /// What the signature is over.
    pub(crate) signing_input: &'a str,
    /// The protected header.
    pub(crate) header: Map<String, Value>,
    /// The payload's octets.
    pub(crate) payload: Vec<u8>,
    /// The signature's octets.
    pub(crate) signature: Vec<u8>,
}

/// Why a text is no compact JWS.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JwsError {
    /// More than is looked at.
    #[error("the token is too long")]
    TooLong,
    /// Not three parts.
    #[error("the token has not three parts")]
    Parts,
    /// A part is not base64url without padding.
    #[error("the token's {0} is not base64url")]
    Base64(&'static str),
    /// The header is no JSON object, or one with a member given twice.
    #[error("the token's header is not a JSON object: {0}")]
    Header(json::JsonError),
}

/// Why a header's algorithm is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AlgorithmError {
    /// No honest issuer sends such a header.
    #[error("{0}")]
    Refused(&'static str),
    /// An algorithm that this version does not know.
    #[error("the signature algorithm {0} is not supported")]
    Unsupported(String),
}

impl<'a> Jws<'a> {
    /// Takes a token apart.
    pub(crate) fn parse(text: &'a str) -> Result<Self, JwsError> {
        Self::parse_within(text, MAX_LENGTH)
    }

    /// Takes a token apart that may be longer or has to be shorter than others.
    pub(crate) fn parse_within(text: &'a str, max_length: usize) -> Result<Self, JwsError> {
        if text.len() > max_length {
            return Err(JwsError::TooLong);
        }
        let (signing_input, signature) = text.rsplit_once('.').ok_or(JwsError::Parts)?;
        let (header, payload) = signing_input.split_once('.').ok_or(JwsError::Parts)?;
        if payload.contains('.') {
            return Err(JwsError::Parts);
        }
        let decode = |part: &str, name| URL_SAFE_NO_PAD.decode(part).map_err(|_| JwsError::Base64(name));
        Ok(Self {
            signing_input,
            header: json::parse_object(&decode(header, "header")?).map_err(JwsError::Header)?,
            payload: decode(payload, "payload")?,
            signature: decode(signature, "signature")?,
        })
    }

    /// The signature algorithm, if the header is one that we can honour.
    pub(crate) fn algorithm(&self) -> Result<JwsAlgorithm, AlgorithmError> {
        if self.header.contains_key("crit") {
            return Err(AlgorithmError::Refused("the header has critical members (`crit`), and none is known"));
        }
        if self.header.contains_key("b64") {
            return Err(AlgorithmError::Refused("the header changes the payload's encoding (`b64`)"));
        }
        match self.header.get("alg") {
            Some(Value::String(name)) => JwsAlgorithm::parse(name),
            _ => Err(AlgorithmError::Refused("the header names no signature algorithm")),
        }
    }

    /// A header member that is text.
    pub(crate) fn header_text(&self, name: &str) -> Option<&str> {
        self.header.get(name).and_then(Value::as_str)
    }
}

/// Algorithms of signatures that issuers make: those of holder keys and, for checking only, RSA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JwsAlgorithm {
    /// ECDSA or `EdDSA`.
    Curve(Algorithm),
    /// RSA, with PKCS #1 v1.5 padding (`RS…`) or PSS (`PS…`).
    Rsa(RsaAlgorithm),
}

/// RSA algorithms of RFC 7518.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RsaAlgorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
}

impl JwsAlgorithm {
    /// Reads an `alg`; names are case-sensitive.
    pub(crate) fn parse(name: &str) -> Result<Self, AlgorithmError> {
        if let Some(algorithm) = Algorithm::parse(name) {
            return Ok(Self::Curve(algorithm));
        }
        let rsa = match name {
            "RS256" => RsaAlgorithm::Rs256,
            "RS384" => RsaAlgorithm::Rs384,
            "RS512" => RsaAlgorithm::Rs512,
            "PS256" => RsaAlgorithm::Ps256,
            "PS384" => RsaAlgorithm::Ps384,
            "PS512" => RsaAlgorithm::Ps512,
            _ => return Err(refusal(name)),
        };
        Ok(Self::Rsa(rsa))
    }

    /// The JOSE name.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Curve(algorithm) => algorithm.as_str(),
            Self::Rsa(RsaAlgorithm::Rs256) => "RS256",
            Self::Rsa(RsaAlgorithm::Rs384) => "RS384",
            Self::Rsa(RsaAlgorithm::Rs512) => "RS512",
            Self::Rsa(RsaAlgorithm::Ps256) => "PS256",
            Self::Rsa(RsaAlgorithm::Ps384) => "PS384",
            Self::Rsa(RsaAlgorithm::Ps512) => "PS512",
        }
    }
}

fn refusal(name: &str) -> AlgorithmError {
    let upper = name.to_ascii_uppercase();
    if upper == "NONE" {
        AlgorithmError::Refused("the token is not signed (`alg` is `none`)")
    } else if upper.starts_with("HS") {
        AlgorithmError::Refused("the token has a symmetric MAC, not a signature")
    } else if ["ES256", "ES384", "EDDSA", "ES256K", "ED25519", "RS256", "PS256"].contains(&upper.as_str()) {
        AlgorithmError::Refused("the algorithm's name is spelt wrong")
    } else {
        // The name is the sender's: bounded before it goes into a report.
        AlgorithmError::Unsupported(name.chars().filter(char::is_ascii_graphic).take(20).collect())
    }
}

/// Why a signature does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SignatureError {
    /// The key is of another kind than the algorithm needs.
    #[error("the key does not fit the algorithm")]
    WrongKey,
    /// The signature does not have the form of its algorithm.
    #[error("the signature is malformed")]
    Malformed,
    /// The signature is not one of this key over this message.
    #[error("the signature does not verify")]
    Mismatch,
}

/// Checks a raw (JOSE) signature with a key whose curve has to be the algorithm's.
pub(crate) fn verify_signature(
    algorithm: Algorithm,
    key: &Jwk,
    message: &[u8],
    signature: &[u8],
) -> Result<(), SignatureError> {
    if key.curve() != algorithm.curve() {
        return Err(SignatureError::WrongKey);
    }
    if signature.len() != signature_length(algorithm) {
        return Err(SignatureError::Malformed);
    }
    let point = key.to_point();
    let by_ring = |method: &'static dyn ring_signature::VerificationAlgorithm| {
        ring_signature::UnparsedPublicKey::new(method, &point)
            .verify(message, signature)
            .map_err(|_| SignatureError::Mismatch)
    };
    match algorithm {
        Algorithm::Es256 => by_ring(&ring_signature::ECDSA_P256_SHA256_FIXED),
        Algorithm::Es384 => by_ring(&ring_signature::ECDSA_P384_SHA384_FIXED),
        Algorithm::EdDsa => by_ring(&ring_signature::ED25519),
        Algorithm::Es256k => {
            let key = k256::ecdsa::VerifyingKey::from_sec1_bytes(&point).map_err(|_| SignatureError::Mismatch)?;
            let signature = k256::ecdsa::Signature::from_slice(signature).map_err(|_| SignatureError::Mismatch)?;
            // JOSE asks for no canonical `s`; the library would.
            key.verify(message, &signature.normalize_s()).map_err(|_| SignatureError::Mismatch)
        }
    }
}

/// Checks an RSA signature with a key of 2048 to 8192 bits.
pub(crate) fn verify_rsa(
    algorithm: RsaAlgorithm,
    modulus: &[u8],
    exponent: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<(), SignatureError> {
    let method = match algorithm {
        RsaAlgorithm::Rs256 => &ring_signature::RSA_PKCS1_2048_8192_SHA256,
        RsaAlgorithm::Rs384 => &ring_signature::RSA_PKCS1_2048_8192_SHA384,
        RsaAlgorithm::Rs512 => &ring_signature::RSA_PKCS1_2048_8192_SHA512,
        RsaAlgorithm::Ps256 => &ring_signature::RSA_PSS_2048_8192_SHA256,
        RsaAlgorithm::Ps384 => &ring_signature::RSA_PSS_2048_8192_SHA384,
        RsaAlgorithm::Ps512 => &ring_signature::RSA_PSS_2048_8192_SHA512,
    };
    ring_signature::RsaPublicKeyComponents { n: modulus, e: exponent }
        .verify(method, message, signature)
        .map_err(|_| SignatureError::Mismatch)
}

/// The raw (JOSE) form of a signature that a platform gave raw or, for ECDSA, as strict DER.
pub(crate) fn raw_signature(algorithm: Algorithm, bytes: &[u8]) -> Result<Vec<u8>, SignatureError> {
    if bytes.len() == signature_length(algorithm) {
        return Ok(bytes.to_vec());
    }
    if algorithm == Algorithm::EdDsa {
        return Err(SignatureError::Malformed);
    }
    let (r, s) = der_integers(bytes).map_err(|_| SignatureError::Malformed)?;
    let length = algorithm.curve().coordinate_length();
    let mut raw = vec![0; 2 * length];
    for (half, integer) in raw.chunks_exact_mut(length).zip([r, s]) {
        let integer = integer.as_bytes();
        if integer.len() > length || integer.iter().all(|octet| *octet == 0) {
            return Err(SignatureError::Malformed);
        }
        half[length - integer.len()..].copy_from_slice(integer);
    }
    Ok(raw)
}

fn der_integers(bytes: &[u8]) -> der::Result<(UintRef<'_>, UintRef<'_>)> {
    let mut reader = SliceReader::new(bytes)?;
    let both = reader.sequence(|inner| Ok::<_, der::Error>((UintRef::decode(inner)?, UintRef::decode(inner)?)))?;
    reader.finish()?;
    Ok(both)
}

fn signature_length(algorithm: Algorithm) -> usize {
    match algorithm.curve() {
        Curve::Ed25519 => 64,
        curve => 2 * curve.coordinate_length(),
    }
}

#[cfg(test)]
#[path = "jose_tests.rs"]
mod tests;
#[cfg(test)]
#[path = "jose_vector_tests.rs"]
mod vector_tests;
