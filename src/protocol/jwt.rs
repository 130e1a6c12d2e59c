//! What all JWTs around the wallet share: what is signed, how the signature is put on, how times are written
//! (RFC 7515, RFC 7519).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::model::jwk::Algorithm;
use crate::model::time::Timestamp;
use crate::verify::jose::{self, SignatureError};

/// The text that a key has to sign.
pub(crate) fn signing_input(header: &Value, payload: &Value) -> String {
    let part = |text: String| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}", part(header_text(header)), part(payload.to_string()))
}

/// The header with `alg` and `typ` before the rest. Which comes first means nothing, but there are verifiers that
/// write the header anew, in this order, and then look whether the signature fits.
fn header_text(header: &Value) -> String {
    let Value::Object(members) = header else { return header.to_string() };
    let rank = |name: &str| ["alg", "typ"].iter().position(|first| *first == name).unwrap_or(2);
    let mut members: Vec<_> = members.iter().collect();
    members.sort_by_key(|(name, _)| rank(name));
    let members: Vec<String> = members.iter().map(|(name, value)| format!("{}:{value}", json!(name))).collect();
    format!("{{{}}}", members.join(","))
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

/// A `NumericDate`; fractions are cut off.
pub(crate) fn numeric_date(value: &Value) -> Option<Timestamp> {
    #[expect(clippy::cast_possible_truncation, reason = "a time beyond all integers is cut to the last one")]
    let seconds = value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds.floor() as i64));
    seconds.map(Timestamp::from_seconds)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_begins_with_algorithm_and_type() {
        let header = json!({"kid": "k\"", "alg": "ES256", "typ": "t", "jwk": {"x": [1, null]}, "aa": true});
        let text = header_text(&header);
        assert_eq!(text, r#"{"alg":"ES256","typ":"t","aa":true,"jwk":{"x":[1,null]},"kid":"k\""}"#);
        assert_eq!(serde_json::from_str::<Value>(&text).expect("JSON"), header);
        assert_eq!(header_text(&json!({})), "{}");
    }
}
