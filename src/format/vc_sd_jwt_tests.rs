//! `vc+sd-jwt`: the same under its older name, and what is only sent under that.

use super::*;

/// As a real issuer has it that writes `type` and no `vct`.
fn without_vct(name: &Value) -> Scene {
    let mut scene = Scene::new();
    let payload = scene.payload.as_object_mut().unwrap();
    payload.remove("vct");
    payload.insert("type".to_owned(), name.clone());
    scene.header["typ"] = json!("vc+sd-jwt");
    scene
}

/// A W3C credential of data model 2.0 (VC-JOSE-COSE).
fn w3c() -> Scene {
    let mut scene = without_vct(&json!(["VerifiableCredential", "LibraryCard"]));
    let payload = scene.payload.as_object_mut().unwrap();
    payload.retain(|name, _| !matches!(name.as_str(), "iss" | "iat" | "exp" | "cnf"));
    payload.insert("@context".to_owned(), json!(["https://www.w3.org/ns/credentials/v2"]));
    payload.insert("issuer".to_owned(), json!({"id": ISSUER, "name": "City"}));
    payload.insert("validFrom".to_owned(), json!("2025-12-31T23:59:50Z"));
    payload.insert("validUntil".to_owned(), json!("2026-01-01T00:10:00Z"));
    payload.insert("credentialSubject".to_owned(), json!({"id": did::did_key(&scene.holder.jwk())}));
    scene.world.kind = Some(CredentialKind::Types(["VerifiableCredential", "LibraryCard"].map(str::to_owned).to_vec()));
    scene
}

async fn examine(scene: &Scene) -> Examined {
    SdJwtVc::Vc.examine(&Value::String(scene.text()), &scene.world.context()).await
}

fn of_type(examined: &Examined) -> (Outcome, &str) {
    let check = examined.checks.iter().find(|check| check.kind == CheckKind::Type).unwrap();
    (check.outcome, &check.detail)
}

#[tokio::test]
async fn with_a_type_it_is_what_it_is_called_today() {
    for typ in ["vc+sd-jwt", "dc+sd-jwt", "application/vc+sd-jwt"] {
        let mut scene = Scene::new();
        scene.header["typ"] = json!(typ);
        let examined = examine(&scene).await;
        assert_eq!(amiss(&examined), [], "{typ}");
        assert_eq!(examined.kind, CredentialKind::Vct(VCT.to_owned()));
        assert!(!of_type(&examined).1.contains("no `vct`"));
    }
    let mut other = Scene::new();
    other.payload["vct"] = json!("https://credentials.example/other");
    assert_eq!(amiss(&examine(&other).await), [(CheckKind::Type, Outcome::Failed)]);
    for bad in ["JWT", "kb+jwt", "vc+ld+json+sd-jwt", "vc+jwt"] {
        let mut scene = Scene::new();
        scene.header["typ"] = json!(bad);
        assert_eq!(amiss(&examine(&scene).await), [(CheckKind::Type, Outcome::Failed)], "{bad}");
    }
}

#[tokio::test]
async fn without_a_vct_it_is_accepted_and_said() {
    for name in [json!(VCT), json!(["Something", VCT])] {
        let scene = without_vct(&name);
        let examined = examine(&scene).await;
        assert_eq!(amiss(&examined), [], "{:?}", examined.checks);
        let (outcome, detail) = of_type(&examined);
        assert_eq!(outcome, Outcome::Passed);
        assert!(detail.contains("has no `vct`"), "{detail}");
        assert_eq!(examined.kind, CredentialKind::Unknown);
        // Under the name of today it is not.
        assert_eq!(amiss(&scene.examine().await), [(CheckKind::Type, Outcome::Failed)]);
    }
    let examined = examine(&without_vct(&json!("other"))).await;
    assert_eq!(amiss(&examined), [(CheckKind::Type, Outcome::Failed)]);
    // Nothing says of which type it is, or nobody asked.
    let nothing = without_vct(&Value::Null);
    let mut unasked = without_vct(&json!("other"));
    unasked.world.kind = None;
    for scene in [nothing, unasked] {
        let examined = examine(&scene).await;
        assert_eq!(amiss(&examined), []);
        let (outcome, detail) = of_type(&examined);
        assert_eq!(outcome, Outcome::Skipped(Reason::NotApplicable));
        assert!(detail.contains("has no `vct`"), "{detail}");
    }
    // One that is no text is none, and no excuse.
    let mut odd = without_vct(&json!(VCT));
    odd.payload["vct"] = json!(7);
    assert_eq!(amiss(&examine(&odd).await), [(CheckKind::Type, Outcome::Failed)]);
}

#[tokio::test]
async fn a_w3c_credential_counts_by_its_own_members() {
    for typ in ["vc+sd-jwt", "vc+ld+json+sd-jwt", "application/vc+ld+json+sd-jwt", "vc+ld+sd-jwt"] {
        let mut scene = w3c();
        scene.header["typ"] = json!(typ);
        let examined = examine(&scene).await;
        assert_eq!(amiss(&examined), [], "{typ}: {:?}", examined.checks);
        assert_eq!(outcome(&examined.checks, CheckKind::IssuerKey), Outcome::Passed);
        assert_eq!(outcome(&examined.checks, CheckKind::Issuer), Outcome::Passed);
        assert_eq!(outcome(&examined.checks, CheckKind::Type), Outcome::Passed);
        assert_eq!(outcome(&examined.checks, CheckKind::HolderBinding), Outcome::Passed);
        assert_eq!(examined.expires_at, Some(Timestamp::from_seconds(NOW + 600)));
        assert_eq!(examined.valid_from, Some(Timestamp::from_seconds(NOW - 10)));
        assert!(matches!(&examined.kind, CredentialKind::Types(types) if types.len() == 2));
        assert_eq!(examined.claims["given_name"], "Mira");
    }
    let table: &[(&str, CheckKind, Spoil)] = &[
        ("two issuers", CheckKind::Issuer, |scene| {
            scene.world.documents = Documents::default().with(
                METADATA,
                json!({
                    "issuer": ISSUER, "jwks": {"keys": [scene.issuer.published("key-1")]}
                }),
            );
            scene.payload["iss"] = json!(ISSUER);
            scene.payload["issuer"] = json!("https://other.example");
        }),
        ("expired", CheckKind::Validity, |scene| scene.payload["validUntil"] = json!("2025-12-31T00:00:00Z")),
        ("another type", CheckKind::Type, |scene| scene.payload["type"] = json!(["VerifiableCredential", "Other"])),
        ("no credential", CheckKind::Type, |scene| scene.payload["type"] = json!(["VerifiablePresentation"])),
        ("about nothing", CheckKind::Type, |scene| {
            scene.payload.as_object_mut().unwrap().remove("credentialSubject");
            scene.payload["cnf"] = json!({"jwk": scene.holder.jwk().to_value()});
        }),
        ("somebody else's", CheckKind::HolderBinding, |scene| {
            scene.payload["credentialSubject"]["id"] = json!(did::did_key(&TestKey::new(Algorithm::Es256).jwk()));
        }),
    ];
    for (what, kind, spoil) in table {
        let mut scene = w3c();
        spoil(&mut scene);
        let examined = examine(&scene).await;
        assert_eq!(amiss(&examined), [(*kind, Outcome::Failed)], "{what}: {:?}", examined.checks);
    }
    // Not bound, as W3C credentials may be; and with a `cnf`, by that.
    let mut unbound = w3c();
    unbound.payload["credentialSubject"] = json!({"name": "Mira"});
    let binding = |examined: &Examined| outcome(&examined.checks, CheckKind::HolderBinding);
    assert_eq!(binding(&examine(&unbound).await), Outcome::Skipped(Reason::Unbound));
    unbound.payload["cnf"] = json!({"jwk": unbound.holder.jwk().to_value()});
    assert_eq!(binding(&examine(&unbound).await), Outcome::Passed);
    // A W3C credential has no place under the name of today.
    assert_eq!(amiss(&w3c().examine().await), [(CheckKind::Type, Outcome::Failed)]);
}

#[tokio::test]
async fn a_credential_may_have_other_types_besides() {
    let mut scene = Scene::new();
    scene.payload["vct"] = json!("https://credentials.example/card/v2");
    scene.payload["aka_vcts"] = json!(["https://credentials.example/thing", VCT]);
    let examined = scene.examine().await;
    assert_eq!(amiss(&examined), []);
    assert!(of_type(&examined).1.contains("aka_vcts"));
    for others in [json!([]), json!(VCT), json!([7]), json!(["https://credentials.example/thing"])] {
        scene.payload["aka_vcts"] = others.clone();
        assert_eq!(amiss(&scene.examine().await), [(CheckKind::Type, Outcome::Failed)], "{others}");
    }
}

#[test]
fn kinds_of_the_older_name_are_read_from_all_places() {
    let read = |value: Value| SdJwtVc::Vc.read_kind(&value);
    let vct = Ok(CredentialKind::Vct("a".to_owned()));
    assert_eq!(read(json!({"vct": "a"})), vct);
    assert_eq!(read(json!({"credential_definition": {"vct": "a", "type": ["b"]}})), vct);
    let types = Ok(CredentialKind::Types(vec!["a".to_owned()]));
    assert_eq!(read(json!({"credential_definition": {"type": ["a"]}})), types);
    for bad in [
        json!({}),
        json!({"vct": ""}),
        json!({"credential_definition": {}}),
        json!({"credential_definition": {"vct": 1}}),
    ] {
        assert!(read(bad).unwrap_err().contains("`vct`"));
    }
    assert!(SdJwtVc::Dc.read_kind(&json!({"credential_definition": {"vct": "a"}})).is_err());
}
