use super::*;
use crate::verify::testing::{TestKey, read_vector, vectors};

const DID: &str = "did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169";

fn hex_digest(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

/// What `PyLD` 3.3.0 makes of the same JSON with the contexts of the specifications.
#[test]
fn statements_are_those_of_a_json_ld_processor() {
    assert_eq!(
        hex_digest(&document_statements(DID)),
        "60d2533caa37ddfa913c753cdc4d418a5c3af938b68ebe05a39e04e81296627d"
    );
    let method = format!("{DID}#{}", DID.trim_start_matches("did:key:"));
    let (domain, challenge) = ("https://issuer.example/te\"n\\ant", "a\u{e9}\n\r\u{1f600}");
    let made = proof_statements(Cryptosuite::EcdsaRdfc2019, "2026-01-01T00:00:00Z", Some(challenge), domain, &method);
    assert_eq!(hex_digest(&made), "f26e9de216ab4383e8675f6230e125a20e64c36318a2a367439f5513e135784c");
    // Older processors leave these as they are; RDFC-1.0 does not.
    assert_eq!(quoted("\u{8}\t\u{c}\u{1}\u{7f}"), r#""\b\t\f\u0001\u007F""#);
}

/// The proofs of the specifications' examples, but for their purpose and the domain, which they lack.
#[test]
fn statements_are_those_of_the_specifications() {
    let Some(folder) = vectors("di") else { return };
    for (suite, path, name) in [
        (Cryptosuite::EcdsaRdfc2019, "ecdsa/ecdsa-rdfc-2019-p256", "ECDSAP256"),
        (Cryptosuite::EcdsaRdfc2019, "ecdsa/ecdsa-rdfc-2019-p384", "ECDSAP384"),
        (Cryptosuite::EddsaRdfc2022, "eddsa/eddsa-rdfc-2022", "DataInt"),
    ] {
        let folder = folder.join(path);
        let config = read_vector(&folder.join(format!("proofConfig{name}.json")));
        let canonical = std::fs::read_to_string(folder.join(format!("proofCanon{name}.txt"))).expect("a vector");
        let mut lines: Vec<_> = canonical
            .lines()
            .map(|line| line.replace("security#assertionMethod", "security#authenticationMethod") + "\n")
            .collect();
        lines.push("_:c14n0 <https://w3id.org/security#domain> \"https://issuer.example\" .\n".to_owned());
        lines.sort();
        let text = |name: &str| config[name].as_str().expect("text").to_owned();
        assert_eq!(text("cryptosuite"), suite.as_str());
        let made =
            proof_statements(suite, &text("created"), None, "https://issuer.example", &text("verificationMethod"));
        assert_eq!(made, lines.concat(), "{path}");
    }
}

fn presented(suite: Cryptosuite, binding: Binding, key: &TestKey, challenge: Option<&Secret>) -> (Vec<u8>, Value) {
    let domain = IssuerId::parse("https://issuer.example/t").expect("legal");
    let claims = PresentationClaims { domain: &domain, challenge, created: Timestamp::from_seconds(1_767_225_600) };
    let unsigned = Unsigned::new(suite, binding, &key.jwk(), &claims);
    let payload = unsigned.payload();
    (payload.clone(), unsigned.signed(&key.sign(&payload)).expect("a presentation"))
}

// covers: PROOF-18
#[test]
fn a_presentation_says_what_the_specification_asks_for() {
    let challenge = Secret::from("n");
    for (algorithm, suite) in [
        (Algorithm::Es256, Cryptosuite::EcdsaRdfc2019),
        (Algorithm::Es384, Cryptosuite::EcdsaRdfc2019),
        (Algorithm::EdDsa, Cryptosuite::EddsaRdfc2022),
        (Algorithm::Es256, Cryptosuite::EcdsaJcs2019),
        (Algorithm::EdDsa, Cryptosuite::EddsaJcs2022),
    ] {
        let key = TestKey::new(algorithm);
        for binding in [Binding::DidKey, Binding::DidJwk] {
            let (payload, mut value) = presented(suite, binding, &key, Some(&challenge));
            let proof = value["proof"].as_array_mut().expect("an array");
            assert_eq!(proof.len(), 1);
            let mut proof = proof.remove(0);
            let (did, method) = if binding == Binding::DidKey {
                (did::did_key(&key.jwk()), did::did_key_url(&key.jwk()))
            } else {
                (did::did_jwk(&key.jwk()), did::did_jwk_url(&key.jwk()))
            };
            let made = proof.as_object_mut().expect("an object").remove("proofValue").expect("a value");
            let signature = made.as_str().and_then(|text| text.strip_prefix('z')).expect("base58btc");
            let signature = bs58::decode(signature).into_vec().expect("base58btc");
            jose::verify_signature(algorithm, &key.jwk(), &payload, &signature).expect("it is by the key");
            let mut expected = json!({
                "type": "DataIntegrityProof",
                "cryptosuite": suite.as_str(),
                "created": "2026-01-01T00:00:00Z",
                "verificationMethod": method,
                "proofPurpose": "authentication",
                "domain": "https://issuer.example/t",
                "challenge": "n",
            });
            if suite.is_jcs() {
                expected["@context"] = json!([CONTEXT]);
            }
            assert_eq!(proof, expected);
            value.as_object_mut().expect("an object").remove("proof");
            let rest = json!({ "@context": [CONTEXT], "type": ["VerifiablePresentation"], "holder": did });
            assert_eq!(value, rest);
        }
    }
}

// covers: PROOF-18
#[test]
fn without_a_nonce_there_is_no_challenge() {
    let key = TestKey::new(Algorithm::Es256);
    for suite in [Cryptosuite::EcdsaRdfc2019, Cryptosuite::EcdsaJcs2019] {
        let (_, value) = presented(suite, Binding::DidKey, &key, None);
        assert!(value["proof"][0].get("challenge").is_none());
    }
}

#[test]
fn der_signatures_become_raw_and_others_are_refused() {
    let domain = IssuerId::parse("https://issuer.example").expect("legal");
    let claims = PresentationClaims { domain: &domain, challenge: None, created: Timestamp::from_seconds(0) };
    let key = TestKey::new(Algorithm::Es256).jwk();
    let unsigned = || Unsigned::new(Cryptosuite::EcdsaRdfc2019, Binding::DidKey, &key, &claims);
    let der = [&[0x30, 6, 2, 1, 1, 2, 1, 2][..]].concat();
    let value = unsigned().signed(&der).expect("a presentation");
    let text = value["proof"][0]["proofValue"].as_str().expect("text");
    assert_eq!(bs58::decode(&text[1..]).into_vec().expect("base58btc").len(), 64);
    let error = unsigned().signed(b"x").expect_err("no signature");
    assert_eq!((error.code(), error.operation()), (ErrorCode::SigningFailed, Some(Operation::Proof)));
}
