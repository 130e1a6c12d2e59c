//! More that can be wrong with a W3C credential in a JWT, and what only looks wrong.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;
use crate::model::report::{Report, VerificationPolicy};
use crate::verify::testing::x5c;

async fn examine(scene: &Scene, text: String) -> Examined {
    JwtVcJson.examine(&Value::String(text), &scene.world.context()).await
}

#[tokio::test]
async fn a_spoiled_bit_anywhere_is_noticed() {
    for mut scene in [Scene::new(), Scene::of_version_2()] {
        scene.header["note"] = json!("room");
        scene.payload["note"] = json!("room");
        let text = scene.issuer.jws(&scene.header, &scene.payload);
        let parts: Vec<&str> = text.split('.').collect();
        for number in 0..3 {
            let octets = URL_SAFE_NO_PAD.decode(parts[number]).unwrap();
            let room = octets.windows(4).position(|window| window == b"room");
            for at in 0..octets.len() {
                let mut spoiled = octets.clone();
                spoiled[at] ^= 1 << (at % 8);
                let mut parts: Vec<String> = parts.iter().map(ToString::to_string).collect();
                parts[number] = URL_SAFE_NO_PAD.encode(&spoiled);
                let examined = examine(&scene, parts.join(".")).await;
                let report = Report::judge(&examined.checks, &VerificationPolicy::default());
                assert!(!report.verdict.is_usable(), "{number} {at}: {:?}", examined.checks);
                let signature = outcome(&examined.checks, CheckKind::Signature);
                assert!(!matches!(signature, Outcome::Passed | Outcome::Skipped(_)), "{number} {at}");
                // One that nothing else reads.
                if number == 2 || room == Some(at) && at % 8 < 4 {
                    assert_eq!(amiss(&examined), [(CheckKind::Signature, Outcome::Failed)], "{number} {at}");
                }
            }
        }
    }
}

#[tokio::test]
async fn what_the_header_must_not_say_fails_its_own_check() {
    let table = [
        ("alg", json!("none"), CheckKind::Signature),
        ("alg", json!("HS256"), CheckKind::Signature),
        ("alg", json!("es256"), CheckKind::Signature),
        ("alg", json!(1), CheckKind::Signature),
        ("alg", json!("ES384"), CheckKind::Signature),
        ("crit", json!(["exp"]), CheckKind::Signature),
        ("b64", json!(false), CheckKind::Signature),
        ("typ", json!("dc+sd-jwt"), CheckKind::Type),
        ("typ", json!("kb+jwt"), CheckKind::Type),
        ("typ", json!("vp+jwt"), CheckKind::Type),
        ("typ", json!("openid4vci-proof+jwt"), CheckKind::Type),
        ("typ", json!(7), CheckKind::Type),
        ("cty", json!("vp"), CheckKind::Type),
        ("cty", json!("application/vp+ld+json"), CheckKind::Type),
    ];
    for (name, value, kind) in table {
        for mut scene in [Scene::new(), Scene::of_version_2()] {
            scene.header[name] = value.clone();
            let examined = scene.examine().await;
            assert_eq!(amiss(&examined), [(kind, Outcome::Failed)], "{name} {value}: {:?}", examined.checks);
        }
    }
    for (name, value) in [
        ("typ", json!("jwt")),
        ("typ", json!("vc+jwt")),
        ("typ", json!("application/vc+jwt")),
        ("typ", json!("vc+ld+jwt")),
        ("typ", json!("vc+ld+json+jwt")),
        ("cty", json!("vc")),
        ("cty", json!("vc+ld+json")),
    ] {
        for mut scene in [Scene::new(), Scene::of_version_2()] {
            scene.header[name] = value.clone();
            assert_eq!(amiss(&scene.examine().await), [], "{name} {value}");
        }
    }
    let mut bare = Scene::new();
    bare.header.as_object_mut().unwrap().remove("typ");
    assert_eq!(amiss(&bare.examine().await), []);
}

#[tokio::test]
async fn what_is_no_credential_of_ours_is_told_from_one() {
    let failed = [(CheckKind::Type, Outcome::Failed)];
    let table: &[(&str, Spoil)] = &[
        ("a presentation beside a credential", |scene| scene.payload["vp"] = json!({})),
        ("two credentials", |scene| {
            scene.payload["@context"] = json!([]);
            scene.payload["type"] = json!(["VerifiableCredential"]);
        }),
        ("one about nothing", |scene| {
            scene.payload["vc"].as_object_mut().unwrap().remove("credentialSubject");
        }),
        ("one with a type that is a number", |scene| scene.payload["vc"]["type"] = json!(["VerifiableCredential", 7])),
    ];
    for (what, spoil) in table {
        let mut scene = Scene::new();
        spoil(&mut scene);
        assert_eq!(amiss(&scene.examine().await), failed, "{what}");
    }
    for types in [json!("VerifiablePresentation"), json!("EnvelopedVerifiableCredential"), json!([])] {
        let mut scene = Scene::of_version_2();
        scene.payload["type"] = types;
        assert_eq!(amiss(&scene.examine().await), failed);
    }
}

#[tokio::test]
async fn what_contradicts_itself_is_decided_one_way() {
    // The subject of the JWT goes before the one of the credential, whichever is whose.
    let mut scene = Scene::new();
    let stranger = did::did_key(&TestKey::new(Algorithm::Es256).jwk());
    scene.payload["vc"]["credentialSubject"]["id"] = json!(stranger);
    assert_eq!(amiss(&scene.examine().await), []);
    scene.payload["vc"]["credentialSubject"]["id"] = scene.payload["sub"].clone();
    scene.payload["sub"] = json!(stranger);
    assert_eq!(amiss(&scene.examine().await), [(CheckKind::HolderBinding, Outcome::Failed)]);
    // One that is no key leaves it to the other.
    scene.payload["sub"] = json!("urn:uuid:1");
    assert_eq!(amiss(&scene.examine().await), []);
    // Names that nothing is built on.
    scene.payload["jti"] = json!("urn:uuid:1");
    scene.payload["vc"]["id"] = json!("urn:uuid:2");
    assert_eq!(amiss(&scene.examine().await), []);
    // In data model 2.0 as well.
    let mut second = Scene::of_version_2();
    second.payload["iss"] = json!("https://other.example");
    let failed: Vec<_> = amiss(&second.examine().await).into_iter().filter(|it| it.1 == Outcome::Failed).collect();
    assert!(failed.contains(&(CheckKind::Issuer, Outcome::Failed)), "{failed:?}");
    second.payload["iss"] = json!(ISSUER);
    assert_eq!(amiss(&second.examine().await), []);
    second.payload["exp"] = json!(NOW - 61);
    assert_eq!(amiss(&second.examine().await), [(CheckKind::Validity, Outcome::Failed)]);
}

#[tokio::test]
async fn claims_of_the_jwt_are_put_where_the_data_model_has_them() {
    let mut scene = Scene::new();
    scene.payload["jti"] = json!("urn:uuid:1");
    let vc = scene.payload["vc"].as_object_mut().unwrap();
    vc.retain(|name, _| !matches!(name.as_str(), "issuer" | "issuanceDate" | "expirationDate"));
    let examined = scene.examine().await;
    assert_eq!(amiss(&examined), []);
    assert_eq!(examined.claims["id"], "urn:uuid:1");
    assert_eq!(examined.claims["issuer"], ISSUER);
    assert_eq!(examined.claims["issuanceDate"], "2025-12-31T23:59:50Z");
    assert_eq!(examined.claims["expirationDate"], "2026-01-01T00:16:40Z");
    assert_eq!(examined.claims["credentialSubject"]["id"], scene.payload["sub"]);
    assert_eq!(examined.claims["credentialSubject"]["given_name"], "Mira");
    // What the credential says itself stays.
    scene.payload["vc"]["id"] = json!("urn:uuid:2");
    scene.payload["vc"]["validFrom"] = json!("2025-12-31T23:59:50.5Z");
    scene.payload["vc"]["issuer"] = json!({"name": "City"});
    scene.payload["vc"]["credentialSubject"] = json!([{"given_name": "Mira"}]);
    let claims = scene.examine().await.claims;
    assert_eq!((&claims["id"], &claims["validFrom"]), (&json!("urn:uuid:2"), &json!("2025-12-31T23:59:50.5Z")));
    assert_eq!(claims["issuer"], json!({"name": "City", "id": ISSUER}));
    assert_eq!(claims["validUntil"], "2026-01-01T00:16:40Z");
    assert!(claims.get("issuanceDate").is_none() && claims["credentialSubject"][0].get("id").is_none());
    // A date of no calendar is left where it is.
    scene.payload["exp"] = json!(1e300);
    assert!(scene.examine().await.claims.get("validUntil").is_none());
}

#[tokio::test]
async fn what_cannot_be_read_is_read_no_further() {
    let scene = Scene::new();
    let key = &scene.issuer;
    let good = r#"{"alg":"ES256","kid":"key-1"}"#;
    let nested = format!(r#"{{"vc":{{"@context":[],"x":{}{}}}}}"#, "[".repeat(99), "]".repeat(99));
    let texts = [
        key.jws_of_texts(r#"{"alg":"ES256","alg":"none"}"#, "{}"),
        key.jws_of_texts(good, r#"{"vc":{},"vc":{}}"#),
        key.jws_of_texts(good, r#"{"vc":{"type":"a","type":"b"}}"#),
        key.jws_of_texts(good, &nested),
        key.jws_of_texts(good, r#"{"vp":{"type":"VerifiablePresentation"}}"#),
        key.jws(&scene.header, &json!({"vc": {}, "x": "A".repeat(1 << 20)})),
        format!("{}.{}", key.jws(&scene.header, &scene.payload), "AAAA"),
        key.jws(&scene.header, &scene.payload).replacen('.', "", 1),
        format!("{}=", key.jws(&scene.header, &scene.payload)),
    ];
    for text in texts {
        let examined = examine(&scene, text.clone()).await;
        assert_eq!(outcome(&examined.checks, CheckKind::Signature), Outcome::Failed, "{text:.80}");
        assert!(examined.claims.is_null());
        let others = examined.checks.iter().filter(|check| check.kind != CheckKind::Signature);
        assert!(
            others.clone().count() > 5
                && others.clone().all(|it| it.outcome == Outcome::Unknown(Reason::DependsOnFailed))
        );
    }
    let mut long = Scene::new();
    long.payload["vc"]["credentialSubject"]["portrait"] = json!("A".repeat(700_000));
    assert_eq!(amiss(&long.examine().await), []);
}

#[tokio::test]
async fn chains_of_certificates_are_held_to_their_order() {
    let (root_key, authority_key) = (TestKey::new(Algorithm::Es384), TestKey::new(Algorithm::Es256));
    let (root, good) = (Certified::authority("Root"), Certified::authority("Authority"));
    let expired = Certified { days: (-100, -1), ..Certified::authority("Authority") };
    for (authority, order, expected) in [
        (&good, [0, 1, 2], vec![]),
        (&good, [0, 2, 1], vec![(CheckKind::IssuerKey, Outcome::Failed)]),
        (&expired, [0, 1, 2], vec![(CheckKind::IssuerKey, Outcome::Failed)]),
    ] {
        let mut scene = Scene::new();
        let ip = rcgen::SanType::IpAddress("127.0.0.1".parse().unwrap());
        let leaf = Certified { names: vec![ip], ..Certified::default() };
        let all = [
            leaf.signed_by(&scene.issuer, authority, &authority_key),
            authority.signed_by(&authority_key, &root, &root_key),
            root.self_signed(&root_key),
        ];
        let sent: Vec<&[u8]> = order.iter().map(|at| all[*at].as_slice()).collect();
        scene.header = json!({"typ": "JWT", "x5c": x5c(&sent)});
        scene.world.documents = Documents::default();
        assert_eq!(amiss(&scene.examine().await), expected, "{order:?}");
    }
}
