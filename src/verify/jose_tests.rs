use serde_json::json;

use super::*;
use crate::verify::issuer_key;
use crate::verify::public_key::IssuerPublicKey;
use crate::verify::testing::{TestKey, read_vector, vectors};

#[test]
fn only_three_parts_of_plain_base64url_are_a_token() {
    let key = TestKey::new(Algorithm::Es256);
    let good = key.jws(&json!({"typ": "JWT"}), &json!({"a": 1}));
    let jws = Jws::parse(&good).unwrap();
    assert_eq!(jws.header_text("typ"), Some("JWT"));
    assert_eq!(jws.payload, br#"{"a":1}"#);
    verify_signature(Algorithm::Es256, &key.jwk(), jws.signing_input.as_bytes(), &jws.signature).unwrap();
    let parts: Vec<&str> = good.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("three parts") };
    let bad = [
        String::new(),
        "..".to_owned(),
        format!("{header}.{payload}"),
        format!("{good}.{signature}"),
        format!("{good}="),
        format!("{good}\n"),
        format!(" {good}"),
        format!("{header}.{payload}=.{signature}"),
        format!("{header}.{payload}+.{signature}"),
        // Bits that no octet takes up.
        format!("{header}.{}.{signature}", "eyJhIjoxfR"),
        format!("{}.{payload}.{signature}", URL_SAFE_NO_PAD.encode("[]")),
        format!("{}.{payload}.{signature}", URL_SAFE_NO_PAD.encode("null")),
        format!("{}.{payload}.{signature}", URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256","alg":"none"}"#)),
        format!("{}.{payload}.{signature}", URL_SAFE_NO_PAD.encode(format!("{{\"x\":{}", "[".repeat(100_000)))),
        format!("{header}.{}.{signature}", "A".repeat(MAX_LENGTH)),
    ];
    for text in bad {
        assert!(Jws::parse(&text).is_err(), "{text:.120}");
    }
}

#[test]
fn headers_that_no_honest_issuer_sends_are_refused() {
    let key = TestKey::new(Algorithm::Es256);
    let refused = [
        json!({"alg": "none"}),
        json!({"alg": "NONE"}),
        json!({"alg": "HS256"}),
        json!({"alg": "es256"}),
        json!({"alg": "EDDSA"}),
        json!({"alg": 7}),
        json!({"alg": null}),
        json!({"alg": "ES256", "crit": ["exp"]}),
        json!({"alg": "ES256", "crit": []}),
        json!({"alg": "ES256", "b64": false, "crit": ["b64"]}),
        json!({"alg": "ES256", "b64": true}),
    ];
    for header in refused {
        let token = key.jws_of_texts(&header.to_string(), "{}");
        let algorithm = Jws::parse(&token).unwrap().algorithm();
        assert!(matches!(algorithm, Err(AlgorithmError::Refused(_))), "{header}: {algorithm:?}");
    }
    let token = key.jws_of_texts("{}", "{}");
    assert!(Jws::parse(&token).unwrap().algorithm().is_err());
    for name in ["ES512", "ES256K-R", "ML-DSA-44", "Ed448"] {
        assert_eq!(JwsAlgorithm::parse(name), Err(AlgorithmError::Unsupported(name.to_owned())));
    }
    let long = JwsAlgorithm::parse(&format!("X\n{}", "y".repeat(1000)));
    assert_eq!(long, Err(AlgorithmError::Unsupported(format!("X{}", "y".repeat(19)))));
    assert_eq!(JwsAlgorithm::parse("Ed25519"), Ok(JwsAlgorithm::Curve(Algorithm::EdDsa)));
    for name in ["ES256", "ES384", "EdDSA", "ES256K", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] {
        assert_eq!(JwsAlgorithm::parse(name).unwrap().as_str(), name);
    }
}

#[test]
fn a_signature_counts_for_its_key_its_message_and_its_algorithm_only() {
    for algorithm in Algorithm::ALL {
        let (key, other) = (TestKey::new(algorithm), TestKey::new(algorithm));
        let signature = key.sign(b"message");
        assert_eq!(verify_signature(algorithm, &key.jwk(), b"message", &signature), Ok(()));
        let mismatch = Err(SignatureError::Mismatch);
        assert_eq!(verify_signature(algorithm, &key.jwk(), b"massage", &signature), mismatch);
        assert_eq!(verify_signature(algorithm, &other.jwk(), b"message", &signature), mismatch);
        for (length, outcome) in [(0, SignatureError::Malformed), (signature.len() - 1, SignatureError::Malformed)] {
            assert_eq!(verify_signature(algorithm, &key.jwk(), b"message", &signature[..length]), Err(outcome));
        }
        assert_eq!(verify_signature(algorithm, &key.jwk(), b"message", &vec![0; signature.len()]), mismatch);
        for wrong in Algorithm::ALL.into_iter().filter(|wrong| *wrong != algorithm) {
            let outcome = verify_signature(wrong, &key.jwk(), b"message", &signature);
            assert_eq!(outcome, Err(SignatureError::WrongKey));
        }
    }
}

#[test]
fn a_key_off_the_curve_verifies_nothing() {
    for algorithm in [Algorithm::Es256, Algorithm::Es384, Algorithm::Es256k] {
        let length = algorithm.curve().coordinate_length();
        let off = Jwk::from_coordinates(algorithm.curve(), &vec![1; length], &vec![1; length]).unwrap();
        let signature = TestKey::new(algorithm).sign(b"message");
        let outcome = verify_signature(algorithm, &off, b"message", &signature);
        assert_eq!(outcome, Err(SignatureError::Mismatch));
    }
}

// covers: PROOF-16
#[test]
fn platform_signatures_become_raw() {
    for algorithm in [Algorithm::Es256, Algorithm::Es384, Algorithm::Es256k] {
        let key = TestKey::new(algorithm);
        // Enough of them to meet leading zeros and set top bits.
        for _ in 0..50 {
            let raw = key.sign(b"message");
            assert_eq!(raw_signature(algorithm, &raw).as_deref(), Ok(raw.as_slice()));
            assert_eq!(raw_signature(algorithm, &der_of(&raw)).as_deref(), Ok(raw.as_slice()));
        }
    }
    let short = [vec![0; 31], vec![5], vec![0; 30], vec![1, 0]].concat();
    assert_eq!(raw_signature(Algorithm::Es256, &[0x30, 7, 2, 1, 5, 2, 2, 1, 0]), Ok(short));
    let ed25519 = TestKey::new(Algorithm::EdDsa).sign(b"message");
    assert_eq!(raw_signature(Algorithm::EdDsa, &ed25519), Ok(ed25519.clone()));
    assert_eq!(raw_signature(Algorithm::EdDsa, &ed25519[1..]), Err(SignatureError::Malformed));
}

#[test]
fn der_is_taken_strictly() {
    let bad: &[&[u8]] = &[
        &[],
        &[0x30, 0],
        &[0x30, 6, 2, 1, 5, 2, 1],
        &[0x30, 3, 2, 1, 5],
        // Rests behind and inside.
        &[0x30, 6, 2, 1, 5, 2, 1, 6, 0],
        &[0x30, 9, 2, 1, 5, 2, 1, 6, 2, 1, 7],
        // A long length where a short one does, an indefinite one, a wrong tag.
        &[0x30, 0x81, 6, 2, 1, 5, 2, 1, 6],
        &[0x30, 0x80, 2, 1, 5, 2, 1, 6, 0, 0],
        &[0x31, 6, 2, 1, 5, 2, 1, 6],
        // Zero, negative, and a leading zero that is not needed.
        &[0x30, 6, 2, 1, 0, 2, 1, 6],
        &[0x30, 6, 2, 1, 5, 2, 1, 0x80],
        &[0x30, 7, 2, 2, 0, 5, 2, 1, 6],
    ];
    for bytes in bad {
        assert_eq!(raw_signature(Algorithm::Es256, bytes), Err(SignatureError::Malformed), "{bytes:x?}");
    }
    let long = der_of(&TestKey::new(Algorithm::Es384).sign(b"message"));
    assert_eq!(raw_signature(Algorithm::Es256, &long), Err(SignatureError::Malformed));
}

fn der_of(raw: &[u8]) -> Vec<u8> {
    let integers: Vec<u8> = raw
        .chunks(raw.len() / 2)
        .flat_map(|half| {
            let zeros = half.iter().take_while(|octet| **octet == 0).count();
            let mut integer = half[zeros..].to_vec();
            if integer[0] >= 0x80 {
                integer.insert(0, 0);
            }
            [vec![2, u8::try_from(integer.len()).unwrap()], integer].concat()
        })
        .collect();
    [vec![0x30, u8::try_from(integers.len()).unwrap()], integers].concat()
}

#[test]
fn tokens_of_the_rfcs_and_of_others_verify() {
    let Some(folder) = vectors("jose") else { return };
    let mut seen = 0;
    let mut verify = |item: &Value| {
        let jws = Jws::parse(item["jws"].as_str().unwrap()).unwrap();
        let key = IssuerPublicKey::from_jwk(&item["jwk"]).unwrap();
        let algorithm = jws.algorithm().unwrap();
        assert_eq!(key.verify(algorithm, jws.signing_input.as_bytes(), &jws.signature), Ok(()), "{item}");
        assert!(key.verify(algorithm, b"another message", &jws.signature).is_err());
        seen += 1;
    };
    verify(&read_vector(&folder.join("rfc7515-A3-es256.json")));
    verify(&read_vector(&folder.join("rfc8037-A4-eddsa.json")));
    read_vector(&folder.join("es256k-foreign.json"))["items"].as_array().unwrap().iter().for_each(&mut verify);
    assert!(seen > 3, "{seen}");
}

#[test]
fn wycheproof_raw_signatures() {
    let Some(folder) = vectors("jose/wycheproof") else { return };
    for (file, algorithm) in [
        ("ecdsa_secp256r1_sha256_p1363_test.json", Algorithm::Es256),
        ("ecdsa_secp256k1_sha256_p1363_test.json", Algorithm::Es256k),
        ("ed25519_test.json", Algorithm::EdDsa),
    ] {
        wycheproof(&read_vector(&folder.join(file)), algorithm, |signature| Some(signature.to_vec()));
    }
}

#[test]
fn wycheproof_der_signatures() {
    let Some(folder) = vectors("jose/wycheproof") else { return };
    for (file, algorithm) in
        [("ecdsa_secp256r1_sha256_test.json", Algorithm::Es256), ("ecdsa_secp384r1_sha384_test.json", Algorithm::Es384)]
    {
        wycheproof(&read_vector(&folder.join(file)), algorithm, |signature| raw_signature(algorithm, signature).ok());
    }
}

fn wycheproof(suite: &Value, algorithm: Algorithm, raw: impl Fn(&[u8]) -> Option<Vec<u8>>) {
    let mut seen = [0, 0];
    for group in suite["testGroups"].as_array().unwrap() {
        let key = &group["publicKey"];
        let point = key.get("uncompressed").or_else(|| key.get("pk")).and_then(Value::as_str).unwrap();
        let key = Jwk::from_point(algorithm.curve(), &hex::decode(point).unwrap()).unwrap();
        for test in group["tests"].as_array().unwrap() {
            let octets = |name: &str| hex::decode(test[name].as_str().unwrap()).unwrap();
            let verified = raw(&octets("sig"))
                .is_some_and(|signature| verify_signature(algorithm, &key, &octets("msg"), &signature).is_ok());
            let expected = test["result"] == "valid";
            assert_eq!(verified, expected, "{algorithm} {}: {}", test["tcId"], test["comment"]);
            seen[usize::from(expected)] += 1;
        }
    }
    assert!(seen[0] > 40 && seen[1] > 40, "{algorithm}: {seen:?}");
}

#[test]
fn wycheproof_tokens() {
    let Some(folder) = vectors("jose/wycheproof") else { return };
    let suite = read_vector(&folder.join("json_web_signature_test.json"));
    let mut seen = [0, 0];
    for group in suite["testGroups"].as_array().unwrap() {
        // Groups without a public key are about MACs; P-521 is none of ours.
        let Some(public) = group.get("public").filter(|public| public["crv"] != "P-521") else { continue };
        let keys = json!({"keys": [public]});
        for test in group["tests"].as_array().unwrap() {
            // A token with PS384 whose key says that it is for PS256: we hold the key to its word.
            if [346, 350].contains(&test["tcId"].as_u64().unwrap()) {
                assert!(!verifies(test["jws"].as_str().unwrap(), &keys));
                continue;
            }
            let verified = verifies(test["jws"].as_str().unwrap(), &keys);
            let expected = test["result"] == "valid";
            assert_eq!(verified, expected, "{}: {}", test["tcId"], test["comment"]);
            seen[usize::from(expected)] += 1;
        }
    }
    assert!(seen[0] > 200 && seen[1] > 10, "{seen:?}");
}

fn verifies(token: &str, jwks: &Value) -> bool {
    let Ok(jws) = Jws::parse(token) else { return false };
    let Ok(algorithm) = jws.algorithm() else { return false };
    let keys = issuer_key::select(jwks, None, Some(algorithm)).unwrap_or_default();
    keys.iter().any(|key| key.verify(algorithm, jws.signing_input.as_bytes(), &jws.signature).is_ok())
}
