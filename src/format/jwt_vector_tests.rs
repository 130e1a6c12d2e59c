//! Foreign W3C credentials in JWTs through the whole check.

use serde_json::{Value, json};

use super::{Examined, find};
use crate::json;
use crate::model::format::Format;
use crate::model::jwk::Jwk;
use crate::model::report::{CheckKind, Outcome, Reason};
use crate::verify::cose::CoseSign1;
use crate::verify::did;
use crate::verify::jose::Jws;
use crate::verify::testing::{World, outcome, read_vector, vector_files, vectors};

async fn examine(token: &str, world: &World) -> Examined {
    let format = find(&Format::JwtVcJson).unwrap();
    format.examine(&Value::String(token.to_owned()), &world.context()).await
}

fn payload(token: &str) -> Value {
    json::parse(&Jws::parse(token).unwrap().payload).unwrap()
}

#[tokio::test]
async fn credentials_of_the_jws_test_suite() {
    let (Some(folder), Some(keys)) = (vectors("jwt-vc/dif-jws-suite"), vectors("di/JsonWebSignature2020/keys")) else {
        return;
    };
    let keys: Vec<Value> = ["key-0-ed25519", "key-1-secp256k1", "key-2-secp256r1", "key-3-secp384r1"]
        .map(|name| read_vector(&keys.join(format!("{name}.json")))["publicKeyJwk"].clone())
        .into();
    let (mut seen, mut mislabelled) = (0, 0);
    for (file, vector) in vector_files(&folder).into_iter().filter(|(file, _)| file.contains("credential-")) {
        let token = vector["jwt"].as_str().unwrap();
        let payload = payload(token);
        let (start, end) = (payload["nbf"].as_i64().unwrap(), payload.get("exp").and_then(Value::as_i64));
        let mut world = World { issuer_jwks: Some(json!({"keys": keys})), now: start + 1, ..World::default() };
        let examined = examine(token, &world).await;
        if file.starts_with("microsoft-") && file.contains("key-3") {
            // On P-384 with SHA-256, which no algorithm is, and ES256K by its header.
            assert_eq!(outcome(&examined.checks, CheckKind::Signature), Outcome::Failed, "{file}");
            let jws = Jws::parse(token).unwrap();
            assert_eq!((jws.algorithm().unwrap().as_str(), jws.signature.len()), ("ES256K", 96));
            mislabelled += 1;
            continue;
        }
        for kind in [CheckKind::Signature, CheckKind::IssuerKey, CheckKind::Validity] {
            assert_eq!(outcome(&examined.checks, kind), Outcome::Passed, "{file}: {:?}", examined.checks);
        }
        let failed = examined.checks.iter().filter(|check| check.outcome == Outcome::Failed);
        assert_eq!(failed.count(), 0, "{file}: {:?}", examined.checks);
        assert_eq!(examined.expires_at.map(crate::Timestamp::seconds), end, "{file}");
        world.now = start - 61;
        let early = examine(token, &world).await;
        assert_eq!(outcome(&early.checks, CheckKind::Validity), Outcome::Failed, "{file}");
        if let Some(end) = end {
            world.now = end + 60;
            let late = examine(token, &world).await;
            assert_eq!(outcome(&late.checks, CheckKind::Validity), Outcome::Failed, "{file}");
        }
        // The other keys, one by one.
        let verified = async |key: &Value| {
            let world = World { issuer_jwks: Some(json!({"keys": [key]})), ..World::default() };
            outcome(&examine(token, &world).await.checks, CheckKind::Signature) == Outcome::Passed
        };
        let mut by = 0;
        for key in &keys {
            by += usize::from(verified(key).await);
        }
        assert_eq!(by, 1, "{file}");
        seen += 1;
    }
    assert_eq!((seen, mislabelled), (20, 4));
    for (file, vector) in vector_files(&folder).into_iter().filter(|(file, _)| file.contains("presentation-")) {
        let world = World { issuer_jwks: Some(json!({"keys": keys})), ..World::default() };
        let examined = examine(vector["jwt"].as_str().unwrap(), &world).await;
        assert_eq!(outcome(&examined.checks, CheckKind::Signature), Outcome::Failed, "{file} is no credential");
    }
}

#[tokio::test]
async fn credentials_in_the_wild() {
    let Some(folder) = vectors("jwt-vc/foreign") else { return };
    let (mut good, mut bad, mut presentations, mut contradictions) = (0, 0, 0, 0);
    for (file, vector) in vector_files(&folder) {
        let token = vector["jwt"].as_str().unwrap();
        let payload = &vector["payload"];
        let is_credential = payload.get("vc").is_some() || payload["type"].to_string().contains("VerifiableCredential");
        let times = |name: &str| vector["times"].get(name).and_then(Value::as_i64);
        let date = payload["vc"].get("issuanceDate").and_then(Value::as_str).and_then(crate::Timestamp::parse_rfc3339);
        let start = times("nbf").max(times("iat")).max(date.map(crate::Timestamp::seconds));
        let start = start.unwrap_or(World::default().now);
        let handed_in = Some(json!({"keys": [vector["issuer_jwk"]]}));
        let mut world = World { issuer_jwks: handed_in, now: start + 1, ..World::default() };
        let examined = examine(token, &world).await;
        let of = |kind| outcome(&examined.checks, kind);
        if !is_credential {
            assert!(examined.checks.iter().any(|check| check.outcome == Outcome::Failed), "{file} is a presentation");
            presentations += 1;
            continue;
        }
        if vector["expected"] != "signature valid" {
            let examined = examine(token, &World { issuer_jwks: None, ..world }).await;
            let of = |kind| outcome(&examined.checks, kind);
            assert_eq!(of(CheckKind::Signature), Outcome::Failed, "{file}: {:?}", examined.checks);
            bad += 1;
            continue;
        }
        assert_eq!(of(CheckKind::Signature), Outcome::Passed, "{file}: {:?}", examined.checks);
        assert_eq!(of(CheckKind::Validity), Outcome::Passed, "{file}: {:?}", examined.checks);
        assert_eq!(of(CheckKind::Type), Outcome::Skipped(Reason::NotApplicable), "{file}");
        let remarks = vector["remarks"].to_string();
        // A credential that names two issuers is refused; two subjects are not, the token's counts.
        let contradicts = remarks.contains("iss differs");
        assert_eq!(of(CheckKind::Issuer) == Outcome::Failed, contradicts, "{file}: {:?}", examined.checks);
        contradictions += usize::from(contradicts);
        let subject = payload["sub"].as_str().and_then(|sub| match did::prism::long_form(sub) {
            Some(state) => state.and_then(|state| state.subject_keys(None)).ok()?.pop(),
            None => did::self_contained(sub)?.ok(),
        });
        if let Some(key) = subject {
            let key = key.into_jwk();
            world.holder_keys = key.iter().cloned().collect();
            let examined = examine(token, &world).await;
            let expected = if key.is_some() { Outcome::Passed } else { of(CheckKind::HolderBinding) };
            assert_eq!(outcome(&examined.checks, CheckKind::HolderBinding), expected, "{file}");
        }
        if let Some(end) = times("exp") {
            world.now = end + 60;
            let examined = examine(token, &world).await;
            assert_eq!(outcome(&examined.checks, CheckKind::Validity), Outcome::Failed, "{file}");
            world.now = start - 61;
            let examined = examine(token, &world).await;
            assert_eq!(outcome(&examined.checks, CheckKind::Validity), Outcome::Failed, "{file}");
        }
        good += 1;
    }
    assert_eq!((contradictions, presentations), (2, 9));
    assert!(good >= 15 && bad >= 5, "{good} {bad}");
}

/// All compact tokens in a text.
fn tokens(text: &str) -> Vec<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let words = text.split(|c| !is_part(c)).filter(|word| word.starts_with("eyJ"));
    words.filter(|word| Jws::parse(word).is_ok()).map(str::to_owned).collect()
}

#[tokio::test]
async fn credentials_of_the_presentation_profile_are_by_dids_that_nobody_here_resolves() {
    let Some(folder) = vectors("jwt-vc/dif-profile") else { return };
    let mut seen = 0;
    for name in ["2_domain_linkage_credential.json", "6_decoded_vp_token.json", "all-ed25519.json", "vc_jwt.json"] {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        let tokens = tokens(&text);
        assert!(!tokens.is_empty(), "{name}");
        for token in tokens {
            let payload = payload(&token);
            let world = World { now: payload["nbf"].as_i64().unwrap_or_default() + 1, ..World::default() };
            let examined = examine(&token, &world).await;
            let of = |kind| outcome(&examined.checks, kind);
            if payload.get("vc").is_none() {
                assert_eq!(of(CheckKind::Signature), Outcome::Failed, "{name}: a request or a presentation");
                continue;
            }
            assert_eq!(of(CheckKind::IssuerKey), Outcome::Unknown(Reason::Unsupported), "{name}");
            assert_eq!(of(CheckKind::Signature), Outcome::Unknown(Reason::DependsOnFailed), "{name}");
            assert_eq!(of(CheckKind::Validity), Outcome::Passed, "{name}");
            assert_eq!(of(CheckKind::Type), Outcome::Skipped(Reason::NotApplicable), "{name}");
            let failed = examined.checks.iter().filter(|check| check.outcome == Outcome::Failed);
            assert_eq!(failed.count(), 0, "{name}: {:?}", examined.checks);
            seen += 1;
        }
    }
    assert_eq!(seen, 3);
}

#[tokio::test]
async fn examples_of_data_model_1_1() {
    let Some(folder) = vectors("jwt-vc/w3c") else { return };
    let file = read_vector(&folder.join("vcdm11-jwt-example.json"));
    let item = &file["items"][0];
    let examined = examine(item["jwt"].as_str().unwrap(), &World::default()).await;
    let (claims, payload) = (&examined.claims, &item["payload"]);
    assert_eq!(claims["id"], payload["jti"]);
    assert_eq!(claims["issuer"], payload["iss"]);
    assert_eq!(claims["credentialSubject"]["id"], payload["sub"]);
    assert_eq!(claims["credentialSubject"]["degree"], payload["vc"]["credentialSubject"]["degree"]);
    assert_eq!(claims["issuanceDate"], "2018-11-06T08:42:04Z");
    assert_eq!(claims["expirationDate"], "2019-11-06T08:42:03Z");
    assert_eq!(examined.expires_at.unwrap().seconds(), payload["exp"].as_i64().unwrap());
    assert_eq!(outcome(&examined.checks, CheckKind::Validity), Outcome::Failed, "it has expired");
    assert!(matches!(outcome(&examined.checks, CheckKind::Signature), Outcome::Unknown(_)), "nobody has the key");
}

#[tokio::test]
async fn examples_of_vc_jose_cose() {
    let Some(folder) = vectors("jwt-vc/w3c") else { return };
    let file = read_vector(&folder.join("vc-jose-cose-examples.json"));
    let keys: Vec<&Value> =
        file["keys"].as_array().unwrap().iter().filter(|key| Jwk::from_value(key).is_ok()).collect();
    let (mut credentials, mut others, mut sd_jwts) = (0, 0, 0);
    for item in file["items"].as_array().unwrap() {
        let token = item["jwt"].as_str().unwrap();
        assert_eq!(payload(token), item["payload"]);
        assert_eq!(Value::Object(Jws::parse(token).unwrap().header), item["header"]);
        let world = World { issuer_jwks: Some(json!({"keys": keys})), ..World::default() };
        if item["payload"].get("_sd").is_some() {
            // The issuer's part of an SD-JWT; the disclosures are not in the specification.
            let raw = Value::String(format!("{token}~"));
            let examined = find(&Format::VcSdJwt).unwrap().examine(&raw, &world.context()).await;
            assert_eq!(outcome(&examined.checks, CheckKind::Digests), Outcome::Passed);
            assert_eq!(outcome(&examined.checks, CheckKind::Signature), Outcome::Failed, "no key there has signed it");
            assert_eq!(outcome(&examined.checks, CheckKind::Type), Outcome::Failed, "it has another `typ`, or none");
            assert!(examined.claims.get("_sd").is_none());
            sd_jwts += 1;
            continue;
        }
        let examined = examine(token, &world).await;
        assert_eq!(outcome(&examined.checks, CheckKind::Signature), Outcome::Failed, "no key there has signed it");
        let is_credential = item["payload"]["type"].to_string().contains("\"VerifiableCredential\"");
        if is_credential {
            assert_eq!(outcome(&examined.checks, CheckKind::Type), Outcome::Skipped(Reason::NotApplicable));
            assert_eq!(examined.claims, item["payload"]);
            credentials += 1;
        } else {
            assert_eq!(outcome(&examined.checks, CheckKind::Type), Outcome::Failed);
            others += 1;
        }
    }
    assert_eq!((credentials, others, sd_jwts), (4, 3, 7));

    // The same secured by COSE is no format of OpenID4VCI; what is signed can be read.
    let file = read_vector(&folder.join("vc-cose-examples.json"));
    let signed = file["cose_sign1_hex"].as_array().unwrap();
    for text in signed {
        let octets = hex::decode(text.as_str().unwrap()).unwrap();
        let message = CoseSign1::parse(&octets).unwrap();
        assert_eq!(message.algorithm().unwrap().as_str(), "ES384");
        assert!(json::parse(message.payload).unwrap().get("@context").is_some());
    }
    assert_eq!(signed.len(), 6);
}
