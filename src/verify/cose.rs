//! `COSE_Sign1` (RFC 9052 section 4.2), read strictly: what an mdoc's issuer signs, and tokens in CBOR.

use super::jose::{AlgorithmError, JwsAlgorithm, RsaAlgorithm, SignatureError};
use super::public_key::IssuerPublicKey;
use crate::cbor::{CborError, Item, Kind};
use crate::model::jwk::Algorithm;

/// The tag of `COSE_Sign1`.
const TAG_SIGN1: u64 = 18;
/// The tag of a CWT, which may stand around that (RFC 8392 section 6).
const TAG_CWT: u64 = 61;

const ALG: i64 = 1;
const CRIT: i64 = 2;
const CONTENT_TYPE: i64 = 3;
const KID: i64 = 4;
const TYP: i64 = 16;
const X5CHAIN: i64 = 33;

/// A `COSE_Sign1` taken apart. Nothing of it has been checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CoseSign1<'a> {
    /// The protected header as received, in which form it is signed; empty, or a map.
    protected_bytes: &'a [u8],
    protected: Option<Item<'a>>,
    unprotected: Item<'a>,
    /// The payload's octets.
    pub(crate) payload: &'a [u8],
    /// The signature's octets.
    pub(crate) signature: &'a [u8],
}

/// Why octets are no `COSE_Sign1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CoseError {
    /// No CBOR that we read.
    #[error(transparent)]
    Cbor(#[from] CborError),
    /// Not an array of the four parts, or with another tag.
    #[error("it is no COSE_Sign1")]
    Shape,
    /// The protected header is no map.
    #[error("the protected header of the COSE_Sign1 is malformed")]
    Header,
    /// A label in both headers; the receiver could be led astray.
    #[error("a label stands in both headers of the COSE_Sign1")]
    DoubledLabel,
    /// The payload is elsewhere.
    #[error("the COSE_Sign1 has no payload")]
    Detached,
    /// `x5chain` is not what it should be.
    #[error("the certificates in the header (`x5chain`) are malformed")]
    X5Chain,
}

impl<'a> CoseSign1<'a> {
    /// Takes one apart, tagged or not, with nothing behind it.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, CoseError> {
        Self::from_item(Item::parse(bytes)?)
    }

    /// The same from an item of a larger structure.
    pub(crate) fn from_item(item: Item<'a>) -> Result<Self, CoseError> {
        let item = item.tagged(TAG_CWT).unwrap_or(item);
        let item = item.tagged(TAG_SIGN1).unwrap_or(item);
        let mut parts = item.as_array().ok_or(CoseError::Shape)?;
        let mut part = || parts.next().ok_or(CoseError::Shape);
        let (protected, unprotected, payload, signature) = (part()?, part()?, part()?, part()?);
        if parts.next().is_some() {
            return Err(CoseError::Shape);
        }
        let protected_bytes = protected.as_bytes().ok_or(CoseError::Shape)?;
        let protected = match protected_bytes {
            [] => None,
            bytes => {
                let map = Item::parse(bytes).map_err(|_| CoseError::Header)?;
                map.as_map().ok_or(CoseError::Header)?;
                Some(map)
            }
        };
        for (label, _) in unprotected.as_map().ok_or(CoseError::Shape)? {
            let same = |map: &Item<'a>| match label.kind() {
                Kind::Text(name) => map.get(name).is_some(),
                _ => label.as_i64().is_some_and(|label| map.get_label(label).is_some()),
            };
            if protected.as_ref().is_some_and(same) {
                return Err(CoseError::DoubledLabel);
            }
        }
        let payload = match payload.kind() {
            Kind::Bytes(payload) => payload,
            Kind::Null => return Err(CoseError::Detached),
            _ => return Err(CoseError::Shape),
        };
        let signature = signature.as_bytes().ok_or(CoseError::Shape)?;
        Ok(Self { protected_bytes, protected, unprotected, payload, signature })
    }

    /// What a header that is signed has under a label.
    pub(crate) fn protected(&self, label: i64) -> Option<Item<'a>> {
        self.protected?.get_label(label)
    }

    /// What either header has under a label.
    pub(crate) fn header(&self, label: i64) -> Option<Item<'a>> {
        self.protected(label).or_else(|| self.unprotected.get_label(label))
    }

    /// The signature algorithm, if the header is one that we can honour.
    pub(crate) fn algorithm(&self) -> Result<JwsAlgorithm, AlgorithmError> {
        if self.unprotected.get_label(CRIT).is_some() || self.protected(CRIT).is_some_and(|crit| !only_known(crit)) {
            return Err(AlgorithmError::Refused("the header has critical labels (`crit`) that are not understood"));
        }
        match self.protected(ALG).map(|alg| alg.kind()) {
            Some(Kind::Unsigned(number)) => Err(not_a_signature(i128::from(number))),
            Some(Kind::Negative(number)) => algorithm(-1 - i128::from(number)),
            // Registered algorithms are numbers; the text is the sender's and does not go into a report.
            Some(Kind::Text(_)) => Err(AlgorithmError::Unsupported("of that name".to_owned())),
            Some(_) => Err(AlgorithmError::Refused("the header's algorithm is malformed")),
            None if self.unprotected.get_label(ALG).is_some() => {
                Err(AlgorithmError::Refused("the algorithm stands in the header that is not signed"))
            }
            None => Err(AlgorithmError::Refused("the header names no signature algorithm")),
        }
    }

    /// The DER certificates of `x5chain` (RFC 9360 section 2), the signer's first; none without that label.
    pub(crate) fn x5chain(&self) -> Result<Option<Vec<&'a [u8]>>, CoseError> {
        let Some(chain) = self.header(X5CHAIN) else { return Ok(None) };
        match chain.kind() {
            Kind::Bytes(certificate) => Ok(Some(vec![certificate])),
            Kind::Array(certificates) => {
                let certificates = certificates.map(|item| item.as_bytes().ok_or(CoseError::X5Chain));
                Ok(Some(certificates.collect::<Result<_, _>>()?))
            }
            _ => Err(CoseError::X5Chain),
        }
    }

    /// The key's id, if the header has one.
    pub(crate) fn kid(&self) -> Option<&'a [u8]> {
        self.header(KID)?.as_bytes()
    }

    /// The type of the whole (RFC 9596), if the header has it as a media type.
    pub(crate) fn typ(&self) -> Option<&'a str> {
        self.header(TYP)?.as_text()
    }

    /// Checks the signature with keys any of which may have signed; the algorithm if one did.
    pub(crate) fn verify(&self, keys: &[IssuerPublicKey]) -> Result<&'static str, CoseSignatureError> {
        let algorithm = self.algorithm()?;
        let signed = self.signed_bytes();
        let mut error = SignatureError::WrongKey;
        for key in keys {
            match key.verify(algorithm, &signed, self.signature) {
                Ok(()) => return Ok(algorithm.as_str()),
                // Of several, a key whose kind fits says more than the rest.
                Err(SignatureError::WrongKey) => {}
                Err(fitting) => error = fitting,
            }
        }
        Err(error.into())
    }

    /// `Sig_structure` (RFC 9052 section 4.4), without external data.
    pub(crate) fn signed_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.protected_bytes.len() + self.payload.len() + 32);
        bytes.extend(b"\x84\x6aSignature1");
        append_bytes(&mut bytes, self.protected_bytes);
        append_bytes(&mut bytes, b"");
        append_bytes(&mut bytes, self.payload);
        bytes
    }
}

/// Why a signature does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CoseSignatureError {
    /// The header's algorithm is not used.
    #[error(transparent)]
    Algorithm(#[from] AlgorithmError),
    /// No key verifies it.
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

/// Appends a byte string with its shortest head, as the structure to be signed has them.
fn append_bytes(target: &mut Vec<u8>, bytes: &[u8]) {
    let length = bytes.len() as u64;
    #[allow(clippy::cast_possible_truncation)] // each arm says how many bits there are
    match length {
        0..24 => target.push(0x40 | length as u8),
        24..0x100 => target.extend([0x58, length as u8]),
        0x100..0x1_0000 => {
            target.push(0x59);
            target.extend((length as u16).to_be_bytes());
        }
        0x1_0000..0x1_0000_0000 => {
            target.push(0x5a);
            target.extend((length as u32).to_be_bytes());
        }
        _ => {
            target.push(0x5b);
            target.extend(length.to_be_bytes());
        }
    }
    target.extend(bytes);
}

/// Whether `crit` lists only labels that are looked at here.
fn only_known(crit: Item<'_>) -> bool {
    let known = [ALG, CRIT, CONTENT_TYPE, KID, TYP, X5CHAIN];
    crit.as_array().is_some_and(|mut labels| {
        labels.clone().next().is_some()
            && labels.all(|label| label.as_i64().is_some_and(|label| known.contains(&label)))
    })
}

/// Negative numbers of the IANA registry "COSE Algorithms".
fn algorithm(number: i128) -> Result<JwsAlgorithm, AlgorithmError> {
    Ok(match number {
        // By the curve's own number (RFC 9864), or the older one that leaves the curve open.
        -7 | -9 => JwsAlgorithm::Curve(Algorithm::Es256),
        -35 | -51 => JwsAlgorithm::Curve(Algorithm::Es384),
        -8 | -19 => JwsAlgorithm::Curve(Algorithm::EdDsa),
        -47 => JwsAlgorithm::Curve(Algorithm::Es256k),
        -37 => JwsAlgorithm::Rsa(RsaAlgorithm::Ps256),
        -38 => JwsAlgorithm::Rsa(RsaAlgorithm::Ps384),
        -39 => JwsAlgorithm::Rsa(RsaAlgorithm::Ps512),
        -257 => JwsAlgorithm::Rsa(RsaAlgorithm::Rs256),
        -258 => JwsAlgorithm::Rsa(RsaAlgorithm::Rs384),
        -259 => JwsAlgorithm::Rsa(RsaAlgorithm::Rs512),
        // Key wrapping, key agreement and plain hashes.
        -6..=-3 | -18..=-10 | -34..=-25 | -45..=-40 => return Err(not_a_signature(number)),
        other => return Err(AlgorithmError::Unsupported(other.to_string())),
    })
}

/// All others that are registered with a number from 0 are ciphers and MACs.
fn not_a_signature(number: i128) -> AlgorithmError {
    match number {
        4..=7 | 14 | 15 | 25 | 26 => AlgorithmError::Refused("it has a symmetric MAC, not a signature"),
        ..=64 => AlgorithmError::Refused("the header's algorithm makes no signatures"),
        other => AlgorithmError::Unsupported(other.to_string()),
    }
}

#[cfg(test)]
#[path = "cose_tests.rs"]
mod tests;
