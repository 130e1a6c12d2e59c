use serde_json::json;

use super::*;
use crate::inflate::testing::gzipped;
use crate::model::ids::IssuerId;
use crate::model::jwk::{Algorithm, Curve, Jwk};
use crate::model::status::{StatusReference, StatusValue};
use crate::model::time::Timestamp;
use crate::verify::did;
use crate::verify::testing::{Certified, Documents, NOW, TestKey, World, anchors, outcome};

#[path = "jwt_vc_json_spoiled_tests.rs"]
mod spoiled;

const ISSUER: &str = "http://127.0.0.1:8080/realms/city";
const METADATA: &str = "http://127.0.0.1:8080/.well-known/jwt-vc-issuer/realms/city";

/// An issuer with a good credential, to be spoiled one way at a time.
struct Scene {
    issuer: TestKey,
    holder: TestKey,
    header: Value,
    payload: Value,
    world: World,
}

impl Scene {
    /// Data model 1.1, as Keycloak makes it.
    fn new() -> Self {
        let (issuer, holder) = (TestKey::new(Algorithm::Es256), TestKey::new(Algorithm::Es256));
        let payload = json!({
            "iss": ISSUER, "nbf": NOW - 10, "exp": NOW + 1000, "sub": did::did_key(&holder.jwk()),
            "vc": {
                "@context": ["https://www.w3.org/2018/credentials/v1"],
                "type": ["VerifiableCredential", "LibraryCard"],
                "issuer": ISSUER,
                "issuanceDate": "2025-12-31T23:59:50.562Z",
                "expirationDate": "2026-01-01T00:10:00Z",
                "credentialSubject": {"given_name": "Mira"},
            },
        });
        Self::of(issuer, holder, payload)
    }

    /// Data model 2.0: the payload is the credential.
    fn of_version_2() -> Self {
        let (issuer, holder) = (TestKey::new(Algorithm::Es256), TestKey::new(Algorithm::Es256));
        let payload = json!({
            "@context": ["https://www.w3.org/ns/credentials/v2"],
            "type": ["LibraryCard", "VerifiableCredential"],
            "issuer": {"id": ISSUER, "name": "City"},
            "validFrom": "2025-12-31T23:59:50Z",
            "validUntil": "2026-01-01T00:10:00Z",
            "credentialSubject": [{"given_name": "Mira"}, {"id": did::did_jwk(&holder.jwk())}],
        });
        Self::of(issuer, holder, payload)
    }

    fn of(issuer: TestKey, holder: TestKey, payload: Value) -> Self {
        let metadata = json!({"issuer": ISSUER, "jwks": {"keys": [
            {"kid": "key-0", "kty": "RSA", "use": "sig", "n": "AQAB", "e": "AQAB"},
            issuer.published("key-1"),
        ]}});
        let types = ["VerifiableCredential", "LibraryCard"].map(str::to_owned).to_vec();
        let world = World {
            credential_issuer: Some(IssuerId::parse(ISSUER).unwrap()),
            kind: Some(CredentialKind::Types(types)),
            holder_keys: vec![holder.jwk()],
            documents: Documents::default().with(METADATA, metadata),
            ..World::default()
        };
        Self { issuer, holder, header: json!({"typ": "JWT", "kid": "key-1"}), payload, world }
    }

    async fn examine(&self) -> Examined {
        let raw = Value::String(self.issuer.jws(&self.header, &self.payload));
        JwtVcJson.examine(&raw, &self.world.context()).await
    }
}

/// All kinds that did not pass, with how they came out; what does not apply is left out.
fn amiss(examined: &Examined) -> Vec<(CheckKind, Outcome)> {
    assert_eq!(examined.checks.len(), CheckKind::ALL.len());
    CheckKind::ALL
        .into_iter()
        .map(|kind| (kind, outcome(&examined.checks, kind)))
        .filter(|(_, outcome)| !matches!(outcome, Outcome::Passed | Outcome::Skipped(_)))
        .collect()
}

#[tokio::test]
async fn its_status_lists_are_looked_up() {
    use base64::Engine as _;
    const LIST: &str = "https://issuer.example/lists/1";
    let encoded = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(gzipped(&[0b0100_0000]));
    for (mut scene, version) in [(Scene::new(), 1), (Scene::of_version_2(), 2)] {
        let list = json!({
            "@context": [], "id": LIST, "type": ["VerifiableCredential", "BitstringStatusListCredential"],
            "issuer": ISSUER, "credentialSubject": {
                "type": "BitstringStatusList", "statusPurpose": "revocation", "encodedList": format!("u{encoded}"),
            },
        });
        let list = scene.issuer.jws(&json!({"typ": "vc+jwt"}), &list);
        scene.world.documents = scene.world.documents.with_body(LIST, "application/vc+jwt", list);
        for (index, expected, value) in
            [(0, Outcome::Passed, StatusValue::Valid), (1, Outcome::Failed, StatusValue::Invalid)]
        {
            let entry = json!({"type": "BitstringStatusListEntry", "statusPurpose": "revocation",
                "statusListIndex": index.to_string(), "statusListCredential": LIST});
            match version {
                1 => scene.payload["vc"]["credentialStatus"] = entry,
                _ => scene.payload["credentialStatus"] = json!([entry]),
            }
            let examined = scene.examine().await;
            assert_eq!(outcome(&examined.checks, CheckKind::Status), expected, "{:?}", examined.checks);
            assert_eq!(examined.status_found.map(|found| found.value), Some(value));
            assert!(matches!(&examined.status, Some(StatusReference::Bitstring(places)) if places.len() == 1));
        }
        assert_eq!(scene.world.documents.asked().iter().filter(|url| *url == LIST).count(), 1);
    }
}

#[tokio::test]
async fn a_good_credential_passes_everything_in_both_data_models() {
    for scene in [Scene::new(), Scene::of_version_2()] {
        let examined = scene.examine().await;
        assert_eq!(amiss(&examined), [], "{:?}", examined.checks);
        for kind in CheckKind::ALL {
            let expected = match kind {
                CheckKind::IssuerTrust => Outcome::Skipped(Reason::NoAnchors),
                CheckKind::Status | CheckKind::Digests => Outcome::Skipped(Reason::NotApplicable),
                _ => Outcome::Passed,
            };
            assert_eq!(outcome(&examined.checks, kind), expected, "{kind}");
        }
        assert_eq!(examined.bound_key, Some(scene.holder.jwk()));
        assert!(matches!(&examined.kind, CredentialKind::Types(types) if types.len() == 2));
        assert!(examined.disclosable.is_empty());
        // The latest of all starts, and the earliest of all ends.
        assert_eq!(examined.valid_from, Some(Timestamp::from_seconds(NOW - 10)));
        assert_eq!(examined.expires_at, Some(Timestamp::from_seconds(NOW + 600)));
        assert!(examined.claims["credentialSubject"].to_string().contains("Mira"));
        assert!(examined.claims.get("vc").is_none());
    }
}

type Spoil = fn(&mut Scene);

#[tokio::test]
async fn whatever_is_wrong_fails_its_own_check_and_no_other() {
    let spoiled: &[(&str, CheckKind, Spoil)] = &[
        ("signed by another key", CheckKind::Signature, |scene| scene.issuer = TestKey::new(Algorithm::Es256)),
        ("no signature at all", CheckKind::Signature, |scene| scene.header["alg"] = json!("none")),
        ("a `kid` of a key that the algorithm does not fit", CheckKind::Signature, |scene| {
            scene.header["kid"] = json!("key-0");
        }),
        ("anchors, and no certificates", CheckKind::IssuerTrust, |scene| {
            scene.world.trust = anchors(&[&Certified::authority("Root").self_signed(&TestKey::new(Algorithm::Es256))]);
        }),
        ("two issuers", CheckKind::Issuer, |scene| scene.payload["vc"]["issuer"] = json!("https://other.example")),
        ("a subject that is somebody else's key", CheckKind::HolderBinding, |scene| {
            scene.payload["sub"] = json!(did::did_key(&TestKey::new(Algorithm::Es256).jwk()));
        }),
        ("a credential subject that is somebody else's key", CheckKind::HolderBinding, |scene| {
            scene.payload.as_object_mut().unwrap().remove("sub");
            let did = did::did_jwk(&TestKey::new(Algorithm::Es256).jwk());
            scene.payload["vc"]["credentialSubject"]["id"] = json!(did);
        }),
        ("`cnf` with somebody else's key", CheckKind::HolderBinding, |scene| {
            scene.payload["cnf"] = json!({"jwk": TestKey::new(Algorithm::Es256).jwk().to_value()});
        }),
        ("another type", CheckKind::Type, |scene| {
            scene.payload["vc"]["type"] = json!(["VerifiableCredential", "Other"]);
        }),
        ("a type more", CheckKind::Type, |scene| {
            scene.payload["vc"]["type"] = json!(["VerifiableCredential", "LibraryCard", "Other"]);
        }),
        ("a type less", CheckKind::Type, |scene| scene.payload["vc"]["type"] = json!("LibraryCard")),
        ("no type", CheckKind::Type, |scene| {
            scene.payload["vc"].as_object_mut().unwrap().remove("type");
        }),
        ("expired by the claim", CheckKind::Validity, |scene| scene.payload["exp"] = json!(NOW - 60)),
        ("expired by the date", CheckKind::Validity, |scene| {
            scene.payload["vc"]["expirationDate"] = json!("2025-12-31T23:59:00Z");
        }),
        ("not valid yet by the claim", CheckKind::Validity, |scene| scene.payload["nbf"] = json!(NOW + 61)),
        ("not valid yet by the date", CheckKind::Validity, |scene| {
            scene.payload["vc"]["issuanceDate"] = json!("2026-01-01T00:01:01Z");
        }),
        ("expired by a date without a time zone", CheckKind::Validity, |scene| {
            scene.payload["vc"]["expirationDate"] = json!("2025-12-31T23:59:00");
        }),
        ("a date that is none", CheckKind::Validity, |scene| {
            scene.payload["vc"]["issuanceDate"] = json!("yesterday");
        }),
    ];
    for (what, kind, spoil) in spoiled {
        let mut scene = Scene::new();
        spoil(&mut scene);
        let examined = scene.examine().await;
        assert_eq!(amiss(&examined), [(*kind, Outcome::Failed)], "{what}: {:?}", examined.checks);
    }
}

#[tokio::test]
async fn a_start_that_is_null_is_none_and_an_end_is_wrong() {
    let mut scene = Scene::new();
    scene.payload["nbf"] = Value::Null;
    scene.payload["vc"]["validFrom"] = Value::Null;
    let examined = scene.examine().await;
    assert_eq!(amiss(&examined), [], "{:?}", examined.checks);
    for member in ["exp", "iat"] {
        let mut scene = Scene::new();
        scene.payload[member] = Value::Null;
        assert_eq!(amiss(&scene.examine().await), [(CheckKind::Validity, Outcome::Failed)], "{member}");
    }
}

#[tokio::test]
async fn no_binding_is_allowed_and_said() {
    let table: &[Spoil] = &[
        |scene| {
            scene.payload.as_object_mut().unwrap().remove("sub");
        },
        |scene| scene.payload["sub"] = json!("mira@city.example"),
        |scene| scene.payload["sub"] = json!("did:web:city.example:mira"),
    ];
    for change in table {
        let mut scene = Scene::new();
        change(&mut scene);
        let examined = scene.examine().await;
        assert_eq!(amiss(&examined), []);
        assert_eq!(outcome(&examined.checks, CheckKind::HolderBinding), Outcome::Skipped(Reason::Unbound));
        assert_eq!(examined.bound_key, None);
    }
}

#[tokio::test]
async fn dids_as_issuers() {
    let key = TestKey::new(Algorithm::EdDsa);
    let jwk = key.jwk();
    let web = "did:web:127.0.0.1%3A8080";
    let document = json!({
        "id": web,
        "verificationMethod": [{"id": "#one", "controller": web, "publicKeyJwk": jwk.to_value()}],
        "assertionMethod": ["#one"],
    });
    let table = [
        (did::did_key(&jwk), did::did_key_url(&jwk), Outcome::Skipped(Reason::NotApplicable)),
        (did::did_jwk(&jwk), did::did_jwk_url(&jwk), Outcome::Skipped(Reason::NotApplicable)),
        (web.to_owned(), format!("{web}#one"), Outcome::Passed),
    ];
    for (did, kid, issuer) in table {
        let mut scene = Scene::new();
        scene.issuer = TestKey::new(Algorithm::EdDsa);
        scene.header = json!({"typ": "JWT", "kid": kid});
        scene.payload["iss"] = json!(did);
        scene.payload["vc"]["issuer"] = json!({"id": did});
        scene.world.documents =
            Documents::default().with("http://127.0.0.1:8080/.well-known/did.json", document.clone());
        let foreign = scene.examine().await;
        assert_eq!(amiss(&foreign), [(CheckKind::Signature, Outcome::Failed)], "{did}");
        let raw = Value::String(key.jws(&scene.header, &scene.payload));
        let examined = JwtVcJson.examine(&raw, &scene.world.context()).await;
        assert_eq!(amiss(&examined), [], "{did}: {:?}", examined.checks);
        assert_eq!(outcome(&examined.checks, CheckKind::IssuerKey), Outcome::Passed);
        assert_eq!(outcome(&examined.checks, CheckKind::Issuer), issuer, "{did}");
    }
}

/// As Identus issues: both parties by did:prism, and no `kid`.
#[tokio::test]
async fn dids_of_prism_on_both_sides() {
    let (issuer, stranger) = (TestKey::new(Algorithm::Es256k), TestKey::new(Algorithm::Es256k).jwk());
    let key = TestKey::new(Algorithm::Es256k).jwk();
    let [own, foreign, issuer_did] = [&key, &stranger, &issuer.jwk()].map(|key| did::prism::did_prism(key).unwrap());
    let short = |did: &str| did.rsplit_once(':').unwrap().0.to_owned();
    // Made elsewhere with the holder's key, and a state that is none.
    let elsewhere = "did:prism:4a2bc09be65136f604d1564e2fced1a1cdbce9deb9b64ee396afc95fc0b01c59:CnsKeRI6CgZhdXRoLTEQBE\
                     ouCglzZWNwMjU2azESIQOx16yykO2nDcmM-NeQeVipxmuaF38KasIA8gycJCHWJhI7CgdtYXN0ZXIwEAFKLgoJc2VjcDI1\
                     NmsxEiECKrfbf1_p7YT5aRJspBLct5zDyL6aicEam1Gycq5xKy0";
    let secret = hex::decode("d93c6485e30aad4d6522313553e58d235693f7007b822676e5e1e9a667655b69").unwrap();
    let known = k256::ecdsa::SigningKey::from_slice(&secret).unwrap();
    let point = known.verifying_key().to_sec1_point(false);
    let known = Jwk::from_point(Curve::Secp256k1, point.as_bytes()).unwrap();
    for (subject, expected) in [
        (own.clone(), Some(&key)),
        (format!("{own}#authentication-0"), Some(&key)),
        (short(&own), Some(&key)),
        (format!("{}#authentication-0", short(&own)), Some(&key)),
        (elsewhere.to_owned(), Some(&known)),
        (format!("{elsewhere}#auth-1"), Some(&known)),
        (foreign.clone(), None),
        (short(&foreign), None),
        (format!("{own}#master-0"), None),
        (format!("{elsewhere}#master0"), None),
        (format!("{own}A"), None),
    ] {
        for in_sub in [true, false] {
            let mut scene = Scene::new();
            scene.world.holder_keys = vec![scene.holder.jwk(), key.clone(), known.clone()];
            scene.header = json!({"typ": "JWT"});
            scene.payload["iss"] = json!(issuer_did);
            scene.payload["vc"]["issuer"] = json!(issuer_did);
            if in_sub {
                scene.payload["sub"] = json!(subject);
            } else {
                scene.payload.as_object_mut().unwrap().remove("sub");
                scene.payload["vc"]["credentialSubject"]["id"] = json!(subject);
            }
            let raw = Value::String(issuer.jws(&scene.header, &scene.payload));
            let examined = JwtVcJson.examine(&raw, &scene.world.context()).await;
            let expected_amiss = match expected {
                Some(_) => vec![],
                None => vec![(CheckKind::HolderBinding, Outcome::Failed)],
            };
            assert_eq!(amiss(&examined), expected_amiss, "{subject}: {:?}", examined.checks);
            assert_eq!(outcome(&examined.checks, CheckKind::IssuerKey), Outcome::Passed);
            assert_eq!(outcome(&examined.checks, CheckKind::Issuer), Outcome::Skipped(Reason::NotApplicable));
            if expected.is_some() {
                assert_eq!(examined.bound_key.as_ref(), expected, "{subject}");
            }
        }
    }
}

// covers: FMT-01
#[tokio::test]
async fn what_cannot_be_read_fails_the_signature() {
    let key = TestKey::new(Algorithm::Es256);
    let world = Scene::new().world;
    let good = key.jws(&json!({}), &Scene::new().payload);
    let texts = [
        String::new(),
        format!("{good}~"),
        key.jws(&json!({}), &json!({"iss": ISSUER})),
        key.jws(&json!({}), &json!({"vc": "x"})),
        key.jws(&json!({}), &json!([])),
    ];
    for raw in texts.into_iter().map(Value::String).chain([json!({"vc": {}})]) {
        let examined = JwtVcJson.examine(&raw, &world.context()).await;
        assert_eq!(outcome(&examined.checks, CheckKind::Signature), Outcome::Failed, "{raw}");
        assert_eq!(outcome(&examined.checks, CheckKind::Type), Outcome::Unknown(Reason::DependsOnFailed));
    }
}

// covers: FMT-01
#[test]
fn kinds_are_read_from_metadata() {
    let read = |value: Value| JwtVcJson.read_kind(&value);
    let types = json!(["VerifiableCredential", "LibraryCard"]);
    assert_eq!(
        read(json!({"credential_definition": {"type": types}})),
        Ok(CredentialKind::Types(vec!["VerifiableCredential".to_owned(), "LibraryCard".to_owned()]))
    );
    for bad in [json!([]), json!("LibraryCard"), json!([1]), json!(null)] {
        assert!(read(json!({"credential_definition": {"type": bad}})).unwrap_err().contains("type"));
    }
    for bad in [json!({}), json!({"credential_definition": {}}), json!({"credential_definition": null})] {
        assert!(read(bad).unwrap_err().contains("credential_definition"));
    }
}
