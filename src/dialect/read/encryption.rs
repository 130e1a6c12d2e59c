//! What an issuer's metadata says about encryption (OpenID4VCI section 12.2.4).
//!
//! A missing member or a key that can't be used spoils no metadata: most issuers only offer encryption.
//! Whether what is left will do is found out where it is wanted.

use serde_json::Value;

use super::{Object, Read};
use crate::model::jwk::Jwk;
use crate::model::metadata::{CredentialRequestEncryption, CredentialResponseEncryption, EncryptionKey};

const ENC: &str = "enc_values_supported";
const ZIP: &str = "zip_values_supported";
const REQUIRED: &str = "encryption_required";

/// Reads `credential_request_encryption`.
pub(super) fn request(metadata: &Object<'_>) -> Read<Option<CredentialRequestEncryption>> {
    let Some(object) = metadata.object("credential_request_encryption")? else { return Ok(None) };
    let (jwks, unusable) = keys(&object)?;
    Ok(Some(CredentialRequestEncryption {
        jwks,
        unusable,
        enc_values_supported: object.texts(ENC)?.unwrap_or_default(),
        zip_values_supported: object.texts(ZIP)?.unwrap_or_default(),
        encryption_required: object.flag(REQUIRED)?,
    }))
}

/// Reads `credential_response_encryption`.
pub(super) fn response(metadata: &Object<'_>) -> Read<Option<CredentialResponseEncryption>> {
    let Some(object) = metadata.object("credential_response_encryption")? else { return Ok(None) };
    Ok(Some(CredentialResponseEncryption {
        alg_values_supported: object.texts("alg_values_supported")?.unwrap_or_default(),
        enc_values_supported: object.texts(ENC)?.unwrap_or_default(),
        zip_values_supported: object.texts(ZIP)?.unwrap_or_default(),
        encryption_required: object.flag(REQUIRED)?,
    }))
}

/// The keys of `jwks`: a JWK Set, or the bare array that an example of the specification has. Keys that
/// can't be used are named by their place, with the reason.
fn keys(object: &Object<'_>) -> Read<(Vec<EncryptionKey>, Vec<String>)> {
    let (keys, path) = match object.get("jwks") {
        None => return Ok((Vec::new(), Vec::new())),
        Some(Value::Array(keys)) => (keys.as_slice(), "jwks"),
        Some(set) => match set.get("keys") {
            Some(Value::Array(keys)) => (keys.as_slice(), "jwks.keys"),
            _ => return object.fail("jwks", "is no set of keys"),
        },
    };
    let kid = |key: &Value| key.get("kid").and_then(Value::as_str).map(str::to_owned);
    let (mut usable, mut unusable) = (Vec::new(), Vec::new());
    for (index, key) in keys.iter().enumerate() {
        let shared =
            kid(key).is_some_and(|name| keys.iter().filter(|other| kid(other) == Some(name.clone())).count() > 1);
        match usable_key(key) {
            Ok(_) if shared => unusable.push(format!("`{path}.{index}` shares its kid with another key")),
            Ok(key) => usable.push(key),
            Err(problem) => unusable.push(format!("`{path}.{index}` {problem}")),
        }
    }
    Ok((usable, unusable))
}

fn usable_key(key: &Value) -> Result<EncryptionKey, String> {
    let text = |name: &str| key.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    if key.get("use").is_some_and(|usage| usage != "enc") {
        return Err("is not for encryption".to_owned());
    }
    let kid = text("kid").ok_or("has no kid")?.to_owned();
    let alg = text("alg").ok_or("has no alg")?.to_owned();
    let jwk = Jwk::from_value(key).map_err(|error| format!("can't be read: {error}"))?;
    Ok(EncryptionKey { kid, alg, jwk })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const X: &str = "YO4epjifD-KWeq1sL2tNmm36BhXnkJ0He-WqMYrp9Fk";
    const Y: &str = "Hekpm0zfK7C-YccH5iBjcIXgf6YdUvNUac_0At55Okk";

    fn key() -> Value {
        json!({ "kty": "EC", "crv": "P-256", "kid": "ac", "use": "enc", "alg": "ECDH-ES", "x": X, "y": Y })
    }

    fn with(member: &str, value: Value) -> Value {
        let mut key = key();
        key[member] = value;
        key
    }

    fn read(encryption: &Value) -> Read<Option<CredentialRequestEncryption>> {
        let metadata = json!({ "credential_request_encryption": encryption });
        request(&Object::new(&metadata, "").expect("an object"))
    }

    fn read_keys(jwks: &Value) -> CredentialRequestEncryption {
        read(&json!({ "jwks": jwks })).expect("it is read").expect("it is there")
    }

    // covers: META-16, META-17
    #[test]
    fn keys_come_as_a_set_or_as_a_bare_array() {
        for jwks in [json!({ "keys": [key()] }), json!([key()])] {
            let read = read(&json!({
                "jwks": jwks, "enc_values_supported": ["A128GCM"], "zip_values_supported": ["DEF"],
                "encryption_required": true
            }));
            let read = read.expect("it is read").expect("it is there");
            let [only] = read.jwks.as_slice() else { panic!("{read:?}") };
            assert_eq!((only.kid.as_str(), only.alg.as_str()), ("ac", "ECDH-ES"));
            assert_eq!(only.jwk, Jwk::from_value(&key()).expect("a key"));
            assert!(read.unusable.is_empty() && read.encryption_required);
            assert_eq!(
                (read.enc_values_supported, read.zip_values_supported),
                (vec!["A128GCM".into()], vec!["DEF".into()])
            );
        }
    }

    // covers: META-16
    #[test]
    fn keys_that_cannot_be_used_are_named_and_left_out() {
        for (bad, problem) in [
            (with("kid", json!(null)), "has no kid"),
            (with("kid", json!("")), "has no kid"),
            (with("alg", json!(null)), "has no alg"),
            (with("use", json!("sig")), "is not for encryption"),
            (with("x", json!("AA")), "can't be read: the key's member `x` is missing or malformed"),
            (with("kty", json!("RSA")), "can't be read: keys of type RSA are not supported"),
            (json!("key"), "has no kid"),
        ] {
            let read = read_keys(&json!({ "keys": [bad, with("kid", json!("other"))] }));
            assert_eq!(read.unusable, [format!("`jwks.keys.0` {problem}")]);
            assert_eq!(read.jwks.len(), 1);
        }
        let read = read_keys(&json!([key(), with("alg", json!("ECDH-ES+A256KW")), with("kid", json!("other"))]));
        assert_eq!(read.jwks.iter().map(|key| key.kid.as_str()).collect::<Vec<_>>(), ["other"]);
        let shared = |index| format!("`jwks.{index}` shares its kid with another key");
        assert_eq!(read.unusable, [shared(0), shared(1)]);
    }

    // covers: META-16, META-18
    #[test]
    fn what_is_missing_is_empty_and_what_is_of_another_kind_is_named() {
        let empty = read(&json!({})).expect("it is read").expect("it is there");
        assert_eq!(empty, CredentialRequestEncryption::default());
        let problem = |value: Value| read(&value).expect_err("refused").to_string();
        let at = "credential_request_encryption";
        assert_eq!(problem(json!(true)), format!("`{at}` is no object"));
        assert_eq!(problem(json!({ "jwks": 5 })), format!("`{at}.jwks` is no set of keys"));
        assert_eq!(problem(json!({ "jwks": { "keys": {} } })), format!("`{at}.jwks` is no set of keys"));
        assert_eq!(
            problem(json!({ "enc_values_supported": "A128GCM" })),
            format!("`{at}.enc_values_supported` is no array")
        );
        assert_eq!(
            problem(json!({ "encryption_required": "true" })),
            format!("`{at}.encryption_required` is neither true nor false")
        );
        let answers = |value: Value| {
            let metadata = json!({ "credential_response_encryption": value });
            response(&Object::new(&metadata, "").expect("an object"))
        };
        let whole = answers(json!({
            "alg_values_supported": ["ECDH-ES"], "enc_values_supported": ["A128GCM", "A256GCM"],
            "zip_values_supported": ["DEF"], "encryption_required": true
        }));
        let expected = CredentialResponseEncryption {
            alg_values_supported: vec!["ECDH-ES".into()],
            enc_values_supported: vec!["A128GCM".into(), "A256GCM".into()],
            zip_values_supported: vec!["DEF".into()],
            encryption_required: true,
        };
        assert_eq!(whole.expect("it is read"), Some(expected));
        assert_eq!(answers(json!(null)).expect("it is read"), None);
        let problem = answers(json!({ "alg_values_supported": [5] })).expect_err("refused").to_string();
        assert_eq!(problem, "`credential_response_encryption.alg_values_supported` holds something that is no text");
    }
}
