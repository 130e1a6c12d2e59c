//! Foreign tokens and keys, one file of vectors after the other.

use serde_json::json;

use super::*;
use crate::protocol::jwt::sha256_base64url;
use crate::verify::issuer_key;
use crate::verify::public_key::IssuerPublicKey;
use crate::verify::testing::{read_vector, vectors};

/// Whether a token is by a key.
fn is_by(token: &str, jwk: &Value) -> bool {
    let (Ok(jws), Ok(key)) = (Jws::parse(token), IssuerPublicKey::from_jwk(jwk)) else { return false };
    let Ok(algorithm) = jws.algorithm() else { return false };
    key.verify(algorithm, jws.signing_input.as_bytes(), &jws.signature).is_ok()
}

#[test]
fn proofs_of_rfc_9449() {
    let Some(folder) = vectors("jose") else { return };
    let items = read_vector(&folder.join("rfc9449-dpop-proofs.json"))["items"].as_array().unwrap().clone();
    assert_eq!(items.len(), 3);
    for item in items {
        let token = item["dpop"].as_str().unwrap();
        let jws = Jws::parse(token).unwrap();
        assert_eq!(Value::Object(jws.header.clone()), item["header"]);
        assert_eq!(json::parse(&jws.payload).unwrap(), item["claims"]);
        assert!(is_by(token, &item["header"]["jwk"]));
        assert_eq!(Jwk::from_value(&item["header"]["jwk"]).unwrap().thumbprint(), item["jkt"].as_str().unwrap());
        if let Some(token) = item.get("access_token").and_then(Value::as_str) {
            assert_eq!(sha256_base64url(token.as_bytes()), item["claims"]["ath"].as_str().unwrap());
        }
    }
}

#[test]
fn signatures_of_rfc_7520() {
    let Some(folder) = vectors("jose/rfc7520") else { return };
    let read = |name: &str| read_vector(&folder.join(name));
    let ed25519 = read("curve25519-jws.json");
    let token = ed25519["output"]["compact"].as_str().unwrap();
    assert!(is_by(token, &ed25519["input"]["key"]));
    assert_eq!(Jws::parse(token).unwrap().signing_input, ed25519["signing"]["sig-input"]);
    // P-521 is none of ours, whether as an algorithm or as a key.
    let p521 = read("jws-4_3.ecdsa_signature.json");
    let jws = Jws::parse(p521["output"]["compact"].as_str().unwrap()).unwrap();
    assert_eq!(jws.signing_input, p521["signing"]["sig-input"]);
    assert_eq!(jws.algorithm(), Err(AlgorithmError::Unsupported("ES512".to_owned())));
    for key in [&p521["input"]["key"], &read("jwk-3_1.ec_public_key.json")] {
        assert!(matches!(IssuerPublicKey::from_jwk(key), Err(crate::model::jwk::JwkError::Unsupported(_))), "{key}");
    }
    // MACs are no signatures, and there is no detached content.
    let detached = read("jws-4_5.signature_with_detached_content.json");
    let detached = Jws::parse(detached["output"]["compact"].as_str().unwrap()).unwrap();
    assert!(detached.payload.is_empty());
    let flat = &read("jws-4_6.protecting_specific_header_fields.json")["output"]["json_flat"];
    let part = |name: &str| flat[name].as_str().unwrap();
    let token = format!("{}.{}.{}", part("protected"), part("payload"), part("signature"));
    for jws in [detached, Jws::parse(&token).unwrap()] {
        assert!(matches!(jws.algorithm(), Err(AlgorithmError::Refused(_))));
    }
}

#[test]
fn wycheproof_keys() {
    let Some(folder) = vectors("jose/wycheproof") else { return };
    let suite = read_vector(&folder.join("json_web_key_test.json"));
    let mut seen = [0, 0];
    for group in suite["testGroups"].as_array().unwrap() {
        for test in group["tests"].as_array().unwrap() {
            let token = test["jws"].as_str().unwrap();
            let keys = group.get("public").unwrap_or(&group["private"]);
            let keys = if keys.get("keys").is_some() { keys.clone() } else { json!({"keys": [keys]}) };
            let verified = Jws::parse(token).is_ok_and(|jws| {
                let Ok(algorithm) = jws.algorithm() else { return false };
                let found = issuer_key::select(&keys, jws.header_text("kid"), Some(algorithm)).unwrap_or_default();
                found.iter().any(|key| key.verify(algorithm, jws.signing_input.as_bytes(), &jws.signature).is_ok())
            });
            // MACs count for nothing here, however good they are.
            let expected = test["result"] == "valid" && group.get("public").is_some();
            assert_eq!(verified, expected, "{}: {}", test["tcId"], test["comment"]);
            seen[usize::from(expected)] += 1;
        }
    }
    assert_eq!(seen, [25, 1]);
}

#[test]
fn tokens_in_the_wild_are_by_the_keys_that_they_name() {
    let Some(folder) = vectors("jwt-vc/foreign") else { return };
    let mut seen = [0, 0];
    for (file, vector) in crate::verify::testing::vector_files(&folder) {
        let expected = vector["expected"] == "signature valid";
        assert_eq!(is_by(vector["jwt"].as_str().unwrap(), &vector["issuer_jwk"]), expected, "{file}");
        seen[usize::from(expected)] += 1;
    }
    assert!(seen[0] >= 5 && seen[1] >= 25, "{seen:?}");
}

#[test]
fn presentations_of_the_jws_test_suite_verify() {
    let (Some(folder), Some(keys)) = (vectors("jwt-vc/dif-jws-suite"), vectors("di/JsonWebSignature2020/keys")) else {
        return;
    };
    let mut seen = 0;
    for (file, vector) in crate::verify::testing::vector_files(&folder) {
        let Some((_, key)) = file.split_once("presentation-") else { continue };
        let name = key.split_once("--").unwrap().1.strip_suffix(".vp-jwt.json").unwrap();
        let key = read_vector(&keys.join(format!("{name}.json")));
        assert!(is_by(vector["jwt"].as_str().unwrap(), &key["publicKeyJwk"]), "{file}");
        seen += 1;
    }
    assert_eq!(seen, 8);
}
