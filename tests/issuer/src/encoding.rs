//! Small encodings that several parts need: base64url, JSON in base64url, random text.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// Base64url without padding.
pub(crate) fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads base64url; padding and foreign characters are refused.
pub(crate) fn unb64(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Standard base64 with padding, as `x5c` and `data:` URIs want it.
pub(crate) fn b64_standard(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode(bytes)
}

/// Reads standard base64.
pub(crate) fn unb64_standard(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// A JSON value as base64url of its compact text.
pub(crate) fn b64_json(value: &Value) -> String {
    b64(value.to_string())
}

/// SHA-256 of some text, in base64url: PKCE challenges and SD-JWT digests.
pub(crate) fn sha256_b64(text: &str) -> String {
    b64(Sha256::digest(text.as_bytes()))
}

/// Fresh random bytes.
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    bytes
}

/// An unguessable value for codes, tokens and nonces (128 bits).
pub(crate) fn random_text() -> String {
    b64(random_bytes::<16>())
}

/// A random code of decimal digits, zeros in front included.
pub(crate) fn random_digits(length: usize) -> String {
    // 250 is the largest multiple of ten in a byte, so every digit is equally likely.
    std::iter::repeat_with(|| random_bytes::<1>()[0])
        .filter(|byte| *byte < 250)
        .map(|byte| char::from(b'0' + byte % 10))
        .take(length)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pkce_example_of_rfc_7636() {
        assert_eq!(
            sha256_b64("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn digits_have_the_length_asked_for() {
        let digits = random_digits(200);
        assert_eq!(digits.len(), 200);
        assert!(digits.bytes().all(|byte| byte.is_ascii_digit()));
    }

    #[test]
    fn padding_is_refused_in_base64url() {
        assert!(unb64("YQ==").is_none());
        assert_eq!(unb64("YQ").as_deref(), Some(&b"a"[..]));
    }
}
