//! Proofs for tests, made by the code that checks them: foreign vectors and the test issuer judge that code.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::Secured;
use super::contexts::Contexts;
use super::proof::Proof;
use crate::verify::public_key::IssuerPublicKey;
use crate::verify::testing::TestKey;

/// Adds a proof with these members to a credential: alone, or beside those that it has.
pub(crate) fn sign(document: &mut Value, mut proof: Value, key: &TestKey) {
    let jws = proof["type"] == "JsonWebSignature2020";
    let header = json!({"alg": key.jwk().algorithm().as_str(), "b64": false, "crit": ["b64"]});
    let header = URL_SAFE_NO_PAD.encode(header.to_string());
    let mut unsecured = document.as_object().expect("an object").clone();
    let present = match unsecured.remove("proof") {
        None => Vec::new(),
        Some(Value::Array(proofs)) => proofs,
        Some(single) => vec![single],
    };
    let parsed = Proof::parse(&proof).expect("a proof");
    let secured = Secured::new(&unsecured, &present, &parsed).expect("what it builds on is there");
    let plan = parsed.plans(&IssuerPublicKey::Curve(key.jwk()))[0];
    let hashes =
        secured.hashes(&parsed, plan, &Contexts::default()).expect("it can be signed").expect("the first plan");
    if jws {
        let signature = key.sign(&[header.as_bytes(), b".", &hashes].concat());
        proof["jws"] = json!(format!("{header}..{}", URL_SAFE_NO_PAD.encode(signature)));
    } else {
        proof["proofValue"] = json!(format!("z{}", bs58::encode(key.sign(&hashes)).into_string()));
    }
    document["proof"] = match present.len() {
        0 => proof,
        _ => Value::Array(present.into_iter().chain([proof]).collect()),
    };
}
