//! Integrity metadata of documents that are referred to (SD-JWT VC, section on integrity; W3C SRI for the
//! syntax).

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use ring::digest;

/// Why a document is not the one that was meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum IntegrityError {
    /// Neither hash that it names is known here, or it is not integrity metadata at all.
    #[error("its integrity metadata names no hash function that is supported")]
    Unsupported,
    /// The hash is another one.
    #[error("it is not the document that its integrity metadata stands for")]
    Mismatch,
}

/// The hash functions, weakest first.
const HASHES: [(&str, &digest::Algorithm); 3] =
    [("sha256", &digest::SHA256), ("sha384", &digest::SHA384), ("sha512", &digest::SHA512)];

const CONFIG: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, CONFIG);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, CONFIG);

/// Whether a document is the one that integrity metadata stands for: its hash by the strongest function named
/// there is one of those named.
pub(crate) fn check(metadata: &str, document: &[u8]) -> Result<(), IntegrityError> {
    let expressions: Vec<_> = metadata.split_ascii_whitespace().filter_map(expression).collect();
    let strongest = expressions.iter().map(|(rank, _)| *rank).max().ok_or(IntegrityError::Unsupported)?;
    let actual = digest::digest(HASHES[strongest].1, document);
    let meant = expressions.iter().any(|(rank, hash)| *rank == strongest && hash == actual.as_ref());
    if meant { Ok(()) } else { Err(IntegrityError::Mismatch) }
}

/// The function's place among [`HASHES`], and the hash; none of what is not known.
fn expression(text: &str) -> Option<(usize, Vec<u8>)> {
    let (name, rest) = text.split_once('-')?;
    let rank = HASHES.iter().position(|(known, _)| known.eq_ignore_ascii_case(name))?;
    // Options may follow, none of which has a meaning.
    let hash = rest.split('?').next().unwrap_or_default();
    let octets = STANDARD.decode(hash).or_else(|_| URL_SAFE.decode(hash)).ok()?;
    Some((rank, octets))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rank: usize, document: &[u8]) -> String {
        format!("{}-{}", HASHES[rank].0, STANDARD.encode(digest::digest(HASHES[rank].1, document)))
    }

    #[test]
    fn the_strongest_hash_decides() {
        let (good, bad) = (|rank| of(rank, b"text"), |rank| of(rank, b"test"));
        for rank in 0..HASHES.len() {
            assert_eq!(check(&good(rank), b"text"), Ok(()));
            assert_eq!(check(&bad(rank), b"text"), Err(IntegrityError::Mismatch));
        }
        let table = [
            (format!("{} {}", bad(0), good(2)), Ok(())),
            (format!("{} {}", good(0), bad(2)), Err(IntegrityError::Mismatch)),
            (format!("{}\n {}", bad(1), good(1)), Ok(())),
            (format!("md5-AAAA {}", good(0)), Ok(())),
            (format!("{}?ct=application/json", good(0)), Ok(())),
            (good(0).to_uppercase().replacen(&good(0)[7..].to_uppercase(), &good(0)[7..], 1), Ok(())),
            (good(1).replace('=', ""), Ok(())),
            (good(2).replace('+', "-").replace('/', "_"), Ok(())),
        ];
        for (metadata, expected) in table {
            assert_eq!(check(&metadata, b"text"), expected, "{metadata}");
        }
    }

    #[test]
    fn what_is_no_integrity_metadata_stands_for_nothing() {
        for metadata in ["", " ", "sha256", "sha256-", "sha256-%", "sha-256-AAAA", "sha1-AAAA", "AAAA"] {
            assert!(check(metadata, b"text").is_err(), "{metadata}");
        }
    }
}
