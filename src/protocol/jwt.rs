//! JWTs that the wallet makes: what is signed, and how the signature is put on (RFC 7515).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::model::jwk::Algorithm;
use crate::verify::jose::{self, SignatureError};

/// The text that a key has to sign.
pub(crate) fn signing_input(header: &Value, payload: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(payload))
}

/// Puts the signature on; what a platform gives as DER becomes raw here.
pub(crate) fn attach_signature(
    signing_input: &str,
    algorithm: Algorithm,
    signature: &[u8],
) -> Result<String, SignatureError> {
    let raw = jose::raw_signature(algorithm, signature)?;
    Ok(format!("{signing_input}.{}", URL_SAFE_NO_PAD.encode(raw)))
}

/// A hash as JOSE writes it.
pub(crate) fn sha256_base64url(octets: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(octets))
}

/// A `jti` that nobody has used before.
pub(crate) fn fresh_id() -> String {
    hex::encode(crate::platform::random::<16>())
}

#[cfg(test)]
pub(crate) fn decode(jwt: &str) -> (Value, Value) {
    let mut parts = jwt.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).expect("base64url"));
    let mut next = || serde_json::from_slice(&parts.next().expect("a part")).expect("JSON");
    (next(), next())
}
