//! Foreign SD-JWTs: presentations, other serialisations, metadata of issuers, the examples of OpenID4VCI.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Examined, find, reader};
use crate::json;
use crate::model::format::Format;
use crate::model::report::{CheckKind, Outcome, Reason};
use crate::model::time::Timestamp;
use crate::verify::jose::Jws;
use crate::verify::public_key::IssuerPublicKey;
use crate::verify::sd_jwt::SdJwt;
use crate::verify::testing::{Documents, World, outcome, read_vector, vector_files, vectors};

async fn examine(format: &Format, text: &str, world: &World) -> Examined {
    find(format).unwrap().examine(&Value::String(text.to_owned()), &world.context()).await
}

fn is_by(token: &str, jwk: &Value) -> bool {
    let jws = Jws::parse(token).unwrap();
    let key = IssuerPublicKey::from_jwk(jwk).unwrap();
    key.verify(jws.algorithm().unwrap(), jws.signing_input.as_bytes(), &jws.signature).is_ok()
}

/// The key of the examples of RFC 9901 and of the texts that go with it.
fn example_key() -> Option<Value> {
    Some(read_vector(&vectors("sd-jwt")?.join("rfc9901-5.1-issuance.json"))["issuer_jwk"].clone())
}

fn during(text: &str) -> i64 {
    Timestamp::parse_rfc3339(text).unwrap().seconds()
}

#[test]
fn key_binding_of_presentations_holds_though_a_wallet_never_gets_one() {
    let (Some(folder), Some(foreign)) = (vectors("sd-jwt"), vectors("sd-jwt/foreign")) else { return };
    let mut seen = 0;
    for (file, vector) in vector_files(&folder).into_iter().chain(vector_files(&foreign)) {
        let Some(text) = vector.get("sd_jwt").and_then(Value::as_str) else { continue };
        let Some(token) = SdJwt::split(text).unwrap().key_binding else { continue };
        let key = &vector["processed_payload"]["cnf"]["jwk"];
        if key.is_null() {
            // What it is bound to can't be read.
            assert_eq!(file, "heidi-sdk-f4363f5f.json");
            continue;
        }
        let payload = json::parse(&Jws::parse(token).unwrap().payload).unwrap();
        let shown = &text[..=text.rfind('~').unwrap()];
        let holds = payload["sd_hash"] == URL_SAFE_NO_PAD.encode(Sha256::digest(shown)) && is_by(token, key);
        // The index says otherwise of one whose issuer's signature is wrong; its key binding is right all the same.
        assert!(holds, "{file}");
        seen += 1;
    }
    assert_eq!(seen, 7);
}

#[tokio::test]
async fn credentials_in_the_wild_are_valid_in_their_time() {
    let Some(folder) = vectors("sd-jwt/foreign") else { return };
    let mut seen = 0;
    for (file, vector) in vector_files(&folder) {
        let text = vector["sd_jwt"].as_str().unwrap();
        let issued = &text[..=text.rfind('~').unwrap()];
        let time = |name: &str| vector["times"].get(name).and_then(Value::as_i64);
        let start = time("nbf").max(time("iat")).unwrap_or(World::default().now);
        let validity = async |now: i64| {
            let world = World { now, ..World::default() };
            outcome(&examine(&Format::VcSdJwt, issued, &world).await.checks, CheckKind::Validity)
        };
        assert_eq!(validity(start + 1).await, Outcome::Passed, "{file}");
        if let Some(end) = time("exp") {
            assert_eq!(validity(end + 59).await, Outcome::Passed, "{file}");
            assert_eq!(validity(end + 60).await, Outcome::Failed, "{file}");
        }
        let examined = examine(&Format::VcSdJwt, issued, &World { now: start + 1, ..World::default() }).await;
        let expected = match vector["header"]["typ"].as_str() {
            Some("dc+sd-jwt" | "vc+sd-jwt") => Outcome::Skipped(Reason::NotApplicable),
            // One calls itself something else.
            _ => Outcome::Failed,
        };
        assert_eq!(outcome(&examined.checks, CheckKind::Type), expected, "{file}");
        seen += 1;
    }
    assert!(seen >= 24, "{seen}");
}

#[tokio::test]
async fn json_serialisations_are_not_taken_and_say_the_same() {
    let Some(folder) = vectors("sd-jwt") else { return };
    for name in ["rfc9901-8.2-flattened.json", "rfc9901-8.3-general-kb.json"] {
        let vector = read_vector(&folder.join(name));
        let world = World {
            issuer_jwks: Some(json!({"keys": [vector["issuer_jwk"]]})),
            now: during("2024-06-01T00:00:00Z"),
            ..World::default()
        };
        let whole = &vector["jws_json"];
        let examined = find(&Format::SdJwtVc).unwrap().examine(whole, &world.context()).await;
        assert_eq!(outcome(&examined.checks, CheckKind::Signature), Outcome::Failed, "{name}");
        // The first signature, written compactly.
        let first = whole.get("signatures").map_or(whole, |signatures| &signatures[0]);
        let part = |value: &Value| value.as_str().unwrap().to_owned();
        let jws = [&first["protected"], &whole["payload"], &first["signature"]].map(part).join(".");
        let disclosures: String =
            first["header"]["disclosures"].as_array().unwrap().iter().map(|it| part(it) + "~").collect();
        let examined = examine(&Format::SdJwtVc, &format!("{jws}~{disclosures}"), &world).await;
        for kind in [CheckKind::Signature, CheckKind::Digests, CheckKind::Validity] {
            assert_eq!(outcome(&examined.checks, kind), Outcome::Passed, "{name}: {:?}", examined.checks);
        }
        assert_eq!(examined.claims, vector["processed_payload"], "{name}");
        if let Some(others) = whole["signatures"].as_array() {
            let other = &others[1];
            let jws = [&other["protected"], &whole["payload"], &other["signature"]].map(part).join(".");
            let examined = examine(&Format::SdJwtVc, &format!("{jws}~{disclosures}"), &world).await;
            assert_eq!(outcome(&examined.checks, CheckKind::Signature), Outcome::Failed, "by another key");
        }
    }
}

#[tokio::test]
async fn keys_are_found_in_the_issuer_metadata_of_the_text() {
    let Some(folder) = vectors("sd-jwt") else { return };
    let examples = read_vector(&folder.join("sdjwtvc18-issuer-metadata.json"))["examples"].clone();
    let credential = read_vector(&folder.join("sdjwtvc18-2.3.1-issuance.json"));
    let text = credential["sd_jwt"].as_str().unwrap();
    let (with_keys, with_address) = (&examples[0], &examples[1]);
    let place = "https://example.com/.well-known/jwt-vc-issuer/issuer";
    let key = async |metadata: &Value, keys: Option<(&str, &Value)>| {
        let mut documents = Documents::default().with(place, metadata.clone());
        if let Some((url, keys)) = keys {
            documents = documents.with(url, keys.clone());
        }
        let world = World { documents, now: during("2024-06-01T00:00:00Z"), ..World::default() };
        let examined = examine(&Format::SdJwtVc, text, &world).await;
        (outcome(&examined.checks, CheckKind::IssuerKey), outcome(&examined.checks, CheckKind::Signature))
    };
    let unknown = Outcome::Unknown(Reason::DependsOnFailed);
    // As printed it is the metadata of `https://example.com`, and the credential is by `https://example.com/issuer`.
    assert_eq!(key(with_keys, None).await, (Outcome::Failed, unknown));
    let of_issuer = |metadata: &Value| {
        let mut metadata = metadata.clone();
        metadata["issuer"] = json!("https://example.com/issuer");
        metadata
    };
    assert_eq!(key(&of_issuer(with_keys), None).await, (Outcome::Passed, Outcome::Passed));
    let address = with_address["jwks_uri"].as_str().unwrap();
    let found = key(&of_issuer(with_address), Some((address, &with_keys["jwks"]))).await;
    assert_eq!(found, (Outcome::Passed, Outcome::Passed));
    assert_eq!(key(&of_issuer(with_address), None).await, (Outcome::Failed, unknown));
}

/// The credential in a response as it is printed: with line breaks inside of the text.
fn credential_of(response: &str) -> String {
    let (_, rest) = response.split_once("\"credential\": \"").unwrap();
    rest.split_once('"').unwrap().0.split_whitespace().collect()
}

#[tokio::test]
async fn credentials_in_the_responses_of_openid4vci() {
    let (Some(folder), Some(key)) = (vectors("openid"), example_key()) else { return };
    let read = |name: &str| credential_of(&std::fs::read_to_string(folder.join(name)).unwrap());
    let now = during("2025-06-01T00:00:00Z");
    let world = World { issuer_jwks: Some(json!({"keys": [key]})), now, ..World::default() };
    let examined = examine(&Format::SdJwtVc, &read("credential_response_sd_jwt_vc.txt"), &world).await;
    for kind in [CheckKind::Signature, CheckKind::IssuerKey, CheckKind::Digests, CheckKind::Validity] {
        assert_eq!(outcome(&examined.checks, kind), Outcome::Passed, "{:?}", examined.checks);
    }
    assert_eq!(examined.claims["vct"], "https://credentials.example.com/identity_credential");
    assert_eq!(examined.disclosable.len(), 9);

    // Its key is in no example, and its issuer has no metadata here.
    let world = World { now, ..World::default() };
    let examined = examine(&Format::JwtVcJson, &read("credential_response_jwt_vc_json.txt"), &world).await;
    assert_eq!(outcome(&examined.checks, CheckKind::Signature), Outcome::Unknown(Reason::DependsOnFailed));
    assert_eq!(outcome(&examined.checks, CheckKind::Validity), Outcome::Passed);
    assert_eq!(examined.claims["credentialSubject"]["degree"]["type"], "BachelorDegree");
    assert!(examined.bound_key.is_some());

    // This one is cut short in the specification.
    let cut = Value::String(read("credential_response_mso_mdoc.txt"));
    let examined = reader(&Format::MsoMdoc).examine(&cut, &world.context()).await;
    assert_eq!(outcome(&examined.checks, CheckKind::Signature), Outcome::Failed);
}

#[tokio::test]
async fn a_w3c_credential_inside_of_an_sd_jwt_vc() {
    let (Some(folder), Some(key)) = (vectors("openid/sd_jwt_vcld-01"), example_key()) else { return };
    let read =
        |name: &str| -> String { std::fs::read_to_string(folder.join(name)).unwrap().split_whitespace().collect() };
    let text = read("sd_jwt_issuance.txt");
    assert_eq!(SdJwt::split(&text).unwrap().jws, read("sd_jwt_jws_part.txt"));
    let now = during("2025-06-01T00:00:00Z");
    let world = World { issuer_jwks: Some(json!({"keys": [key]})), now, ..World::default() };
    for format in [Format::SdJwtVc, Format::VcSdJwt] {
        let examined = examine(&format, &text, &world).await;
        let failed =
            examined.checks.iter().filter(|check| !matches!(check.outcome, Outcome::Passed | Outcome::Skipped(_)));
        assert_eq!(failed.count(), 0, "{:?}", examined.checks);
        assert_eq!(outcome(&examined.checks, CheckKind::Signature), Outcome::Passed);
        assert_eq!(outcome(&examined.checks, CheckKind::Digests), Outcome::Passed);
        let subject = &examined.claims["ld"]["credentialSubject"];
        assert_eq!(*subject, json!({"givenName": "John", "familyName": "Doe", "birthDate": "1978-07-17"}));
        let places = ["birthDate", "familyName", "givenName"].map(|name| json!(["ld", "credentialSubject", name]));
        assert_eq!(json!(examined.disclosable), json!(places));
        assert!(is_by(&read("kb_jwt_serialized.txt"), &examined.claims["cnf"]["jwk"]));
    }
}
