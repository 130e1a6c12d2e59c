//! Foreign credentials through the whole check.

use serde_json::{Value, json};

use super::{Examined, find};
use crate::model::format::Format;
use crate::model::jwk::{Algorithm, Jwk};
use crate::model::report::{CheckKind, Outcome, Reason};
use crate::model::time::Timestamp;
use crate::verify::sd_jwt::SdJwt;
use crate::verify::testing::{World, outcome, vector_files, vectors};

async fn examine(format: &Format, text: &str, world: &World) -> Examined {
    find(format).unwrap().examine(&Value::String(text.to_owned()), &world.context()).await
}

#[test]
fn every_known_format_is_found_by_its_name() {
    for format in [Format::SdJwtVc, Format::VcSdJwt, Format::JwtVcJson] {
        assert_eq!(find(&format).unwrap().format(), format);
    }
    assert!(find(&Format::Other("anoncreds".to_owned())).is_none());
}

#[tokio::test]
async fn examples_of_rfc_9901_and_sd_jwt_vc() {
    let Some(folder) = vectors("sd-jwt") else { return };
    let mut seen = 0;
    for (file, vector) in vector_files(&folder) {
        let Some(text) = vector.get("sd_jwt").and_then(Value::as_str) else { continue };
        let valid = vector["expected"] == "valid";
        let mut world = World { issuer_jwks: Some(json!({"keys": [vector["issuer_jwk"]]})), ..World::default() };
        if let Some(at) = vector.get("valid_at").and_then(Value::as_str) {
            world.now = Timestamp::parse_rfc3339(at).unwrap().seconds();
        }
        // As the issuer sent it: what a holder added is not for us to accept.
        let issued = &text[..=text.rfind('~').unwrap()];
        let examined = examine(&Format::SdJwtVc, issued, &world).await;
        let of = |kind| outcome(&examined.checks, kind);
        if !valid {
            assert_eq!(of(CheckKind::Digests), Outcome::Failed, "{file}");
            continue;
        }
        for kind in [CheckKind::Signature, CheckKind::IssuerKey, CheckKind::Digests, CheckKind::Validity] {
            assert_eq!(of(kind), Outcome::Passed, "{file}: {:?}", examined.checks);
        }
        assert_eq!(examined.claims, vector["processed_payload"], "{file}");
        let cnf = &vector["processed_payload"]["cnf"]["jwk"];
        assert_eq!(examined.bound_key, Jwk::from_value(cnf).ok(), "{file}");
        let typ = vector["header"]["typ"].as_str().unwrap();
        if typ == "dc+sd-jwt" {
            assert_eq!(of(CheckKind::Type), Outcome::Skipped(Reason::NotApplicable), "{file}");
        } else {
            assert_eq!(of(CheckKind::Type), Outcome::Failed, "{file}: {typ} is no SD-JWT VC");
        }
        if SdJwt::split(text).unwrap().key_binding.is_some() {
            let examined = examine(&Format::SdJwtVc, text, &world).await;
            assert_eq!(outcome(&examined.checks, CheckKind::Digests), Outcome::Failed, "{file}");
        }
        // The same under another key.
        world.issuer_jwks = Some(json!({"keys": [crate::verify::testing::TestKey::new(Algorithm::Es256).jwk()]}));
        let examined = examine(&Format::SdJwtVc, issued, &world).await;
        assert_eq!(outcome(&examined.checks, CheckKind::Signature), Outcome::Failed, "{file}");
        seen += 1;
    }
    assert!(seen >= 9, "{seen}");
}

#[tokio::test]
async fn sd_jwt_credentials_in_the_wild() {
    let Some(folder) = vectors("sd-jwt/foreign") else { return };
    let mut seen = 0;
    for (file, vector) in vector_files(&folder) {
        let expected = vector["expected"].as_str().unwrap();
        let from = vector["key_from"].as_str().unwrap();
        let text = vector["sd_jwt"].as_str().unwrap();
        let issued = &text[..=text.rfind('~').unwrap()];
        let now = vector["times"].get("iat").and_then(Value::as_i64).unwrap_or(World::default().now);
        let world = World { now: now + 1, ..World::default() };
        let examined = examine(&Format::SdJwtVc, issued, &world).await;
        let signature = if expected.contains("issuer signature") { Outcome::Failed } else { Outcome::Passed };
        // One uses SHA-3, one a hash name that nobody registered.
        let strange_hash = file.starts_with("jvm-sdjwt-kt") || file.starts_with("sdk-ts");
        let digests = match () {
            () if strange_hash => Outcome::Unknown(Reason::Unsupported),
            () if expected.contains("disclosures") => Outcome::Failed,
            () => Outcome::Passed,
        };
        assert_eq!(outcome(&examined.checks, CheckKind::Signature), signature, "{file}: {:?}", examined.checks);
        assert_eq!(outcome(&examined.checks, CheckKind::Digests), digests, "{file}: {:?}", examined.checks);
        if from == "did:jwk" || from == "did:key" {
            assert_eq!(outcome(&examined.checks, CheckKind::IssuerKey), Outcome::Passed, "{file}");
        }
        seen += 1;
    }
    assert!(seen >= 24, "{seen}");
}

#[tokio::test]
async fn jwt_credentials_in_the_wild() {
    let Some(folder) = vectors("jwt-vc/foreign") else { return };
    let (mut good, mut bad) = (0, 0);
    for (file, vector) in vector_files(&folder) {
        let payload = &vector["payload"];
        // Presentations are not credentials.
        let is_credential = payload.get("vc").is_some() || payload["type"].to_string().contains("VerifiableCredential");
        if !is_credential {
            continue;
        }
        let examined = examine(&Format::JwtVcJson, vector["jwt"].as_str().unwrap(), &World::default()).await;
        let of = |kind| outcome(&examined.checks, kind);
        if vector["expected"] == "signature valid" {
            assert_eq!(of(CheckKind::Signature), Outcome::Passed, "{file}: {:?}", examined.checks);
            // One is signed with a key of another DID than the issuer's.
            let kid = vector["header"].get("kid").and_then(Value::as_str);
            let foreign = payload["iss"].as_str().zip(kid).is_some_and(|(iss, kid)| !kid.starts_with(iss));
            let expected = if foreign { Outcome::Failed } else { Outcome::Passed };
            assert_eq!(of(CheckKind::IssuerKey), expected, "{file}");
            good += 1;
        } else {
            assert_eq!(of(CheckKind::Signature), Outcome::Failed, "{file}: {:?}", examined.checks);
            bad += 1;
        }
    }
    assert!(good >= 12 && bad >= 5, "{good} {bad}");
}
