use serde_json::json;

use super::*;
use crate::model::jwk::Algorithm;
use crate::model::report::{Requirement, VerificationPolicy};
use crate::verify::testing::{Certified, Documents, TestKey, World, anchors, x5c};

const ISSUER: &str = "https://issuer.example/tenant";
const METADATA: &str = "https://issuer.example/.well-known/jwt-vc-issuer/tenant";
const ES256: JwsAlgorithm = JwsAlgorithm::Curve(Algorithm::Es256);

async fn find_with(header: &Value, issuer: Option<&str>, world: &World) -> IssuerKeys {
    let statement = Statement { header: header.as_object().unwrap(), issuer, algorithm: Some(ES256) };
    find(&statement, &world.context()).await
}

fn world(documents: Documents) -> World {
    World { credential_issuer: Some(IssuerId::parse(ISSUER).unwrap()), documents, ..World::default() }
}

fn published(keys: &[Value]) -> Documents {
    Documents::default().with(METADATA, json!({"issuer": ISSUER, "jwks": {"keys": keys}}))
}

fn keys_of(found: &IssuerKeys) -> Vec<crate::model::jwk::Jwk> {
    found.keys.iter().cloned().filter_map(IssuerPublicKey::into_jwk).collect()
}

#[tokio::test]
async fn a_key_set_gives_the_key_that_is_meant() {
    let [one, two] = [(); 2].map(|()| TestKey::new(Algorithm::Es256));
    let other_kind = TestKey::new(Algorithm::Es384);
    let mut for_encryption = TestKey::new(Algorithm::Es256).published("enc");
    for_encryption["use"] = json!("enc");
    let mut for_signing_only = TestKey::new(Algorithm::Es256).published("ops");
    for_signing_only["key_ops"] = json!(["sign"]);
    let set = [
        json!({"kty": "EC", "crv": "P-521", "kid": "p521", "x": "AA", "y": "AA"}),
        json!({"kty": "EC", "kid": "broken"}),
        for_encryption,
        for_signing_only,
        other_kind.published("p384"),
        one.published("one"),
        two.published("two"),
    ];
    let world = world(published(&set));
    let of = async |kid: Value| find_with(&json!({"kid": kid}), Some(ISSUER), &world).await;

    let found = of(json!("one")).await;
    assert_eq!((found.check.outcome, keys_of(&found)), (Outcome::Passed, vec![one.jwk()]));
    // It is the signature that then fails.
    let found = of(json!("p384")).await;
    assert_eq!((found.check.outcome, keys_of(&found)), (Outcome::Passed, vec![other_kind.jwk()]));
    let found = of(json!("p521")).await;
    assert_eq!((found.check.outcome, found.keys.len()), (Outcome::Unknown(Reason::Unsupported), 0));
    for kid in ["three", "enc", "ops", "broken", ""] {
        let found = of(json!(kid)).await;
        assert_eq!((found.check.outcome, found.keys.len()), (Outcome::Failed, 0), "{kid}");
    }
    let found = find_with(&json!({}), Some(ISSUER), &world).await;
    assert_eq!((found.check.outcome, keys_of(&found)), (Outcome::Passed, vec![one.jwk(), two.jwk()]));
}

#[tokio::test]
async fn issuer_metadata_has_to_be_the_issuers() {
    let key = TestKey::new(Algorithm::Es256);
    let jwks = json!({"keys": [key.published("one")]});
    let uri = "https://keys.example/set";
    let table = [
        (json!({"issuer": ISSUER, "jwks": jwks}), Outcome::Passed),
        (json!({"issuer": ISSUER, "jwks_uri": uri}), Outcome::Passed),
        (json!({"issuer": format!("{ISSUER}/"), "jwks": jwks}), Outcome::Failed),
        (json!({"issuer": "https://issuer.example", "jwks": jwks}), Outcome::Failed),
        (json!({"jwks": jwks}), Outcome::Failed),
        (json!({"issuer": ISSUER}), Outcome::Failed),
        (json!({"issuer": ISSUER, "jwks": jwks, "jwks_uri": uri}), Outcome::Failed),
        (json!({"issuer": ISSUER, "jwks_uri": "keys"}), Outcome::Failed),
        (json!({"issuer": ISSUER, "jwks_uri": 1}), Outcome::Failed),
        (json!({"issuer": ISSUER, "jwks": {}}), Outcome::Failed),
        (json!({"issuer": ISSUER, "jwks": []}), Outcome::Failed),
        (json!([]), Outcome::Failed),
    ];
    for (metadata, expected) in table {
        let documents = Documents::default().with(METADATA, metadata.clone()).with(uri, jwks.clone());
        let found = find_with(&json!({"kid": "one"}), Some(ISSUER), &world(documents)).await;
        assert_eq!(found.check.outcome, expected, "{metadata}: {}", found.check.detail);
        assert_eq!(found.keys.len(), usize::from(expected == Outcome::Passed));
    }
    let metadata = json!({"issuer": ISSUER, "jwks_uri": uri});
    let found =
        find_with(&json!({}), Some(ISSUER), &world(Documents::default().with(METADATA, metadata).down(uri))).await;
    assert_eq!(found.check.outcome, Outcome::Unknown(Reason::Unreachable));
}

#[tokio::test]
async fn the_credential_issuers_own_keys_save_a_request() {
    let key = TestKey::new(Algorithm::Es256);
    let mut own = world(Documents::default());
    own.issuer_jwks = Some(json!({"keys": [key.published("one")]}));
    let found = find_with(&json!({"kid": "one"}), Some(ISSUER), &own).await;
    assert_eq!((found.check.outcome, keys_of(&found)), (Outcome::Passed, vec![key.jwk()]));
    assert!(own.documents.asked().is_empty());
    // They are nobody else's keys.
    let found = find_with(&json!({"kid": "one"}), Some("https://other.example"), &own).await;
    assert_eq!(found.check.outcome, Outcome::Failed);
    assert_eq!(own.documents.asked(), ["https://other.example/.well-known/jwt-vc-issuer"]);
    // A credential without any issuer is the credential issuer's.
    let found = find_with(&json!({"kid": "one"}), None, &own).await;
    assert_eq!(found.check.outcome, Outcome::Passed);
    // The other document is asked when the first does not have the key.
    own.documents = published(&[TestKey::new(Algorithm::Es256).published("two")]);
    let found = find_with(&json!({"kid": "two"}), Some(ISSUER), &own).await;
    assert_eq!(found.check.outcome, Outcome::Passed);
}

#[tokio::test]
async fn keys_handed_in_outside_a_session_win() {
    let key = TestKey::new(Algorithm::Es256);
    let certificate = Certified::default().self_signed(&TestKey::new(Algorithm::Es256));
    let mut world = World { issuer_jwks: Some(json!({"keys": [key.jwk().to_value()]})), ..World::default() };
    let header = json!({"kid": "whatever", "x5c": x5c(&[&certificate])});
    let found = find_with(&header, Some(ISSUER), &world).await;
    assert_eq!((found.check.outcome, keys_of(&found)), (Outcome::Passed, vec![key.jwk()]));
    assert!(world.documents.asked().is_empty());
    // No certificate speaks for them.
    world.trust = anchors(&[&certificate]);
    assert_eq!(trust(&found, None, &world.context()).outcome, Outcome::Failed);
}

#[tokio::test]
async fn certificates_are_linked_to_the_issuer() {
    let key = TestKey::new(Algorithm::Es256);
    let other = TestKey::new(Algorithm::Es256);
    let unknown = Outcome::Unknown(Reason::Unsupported);
    let unreachable = Outcome::Unknown(Reason::Unreachable);
    let bare = Certified { common_name: "realm", ..Certified::default() };
    let foreign = Certified::for_host("other.example");
    let fitting = Certified::for_host("issuer.example");
    let ours = || published(&[key.published("one")]);
    let theirs = || published(&[other.published("one")]);
    let table = [
        (&fitting, theirs(), Some(ISSUER), Outcome::Passed),
        (&bare, ours(), Some(ISSUER), Outcome::Passed),
        (&bare, theirs(), Some(ISSUER), Outcome::Failed),
        (&bare, Documents::default(), Some(ISSUER), unknown),
        (&bare, Documents::default().down(METADATA), Some(ISSUER), unreachable),
        (&foreign, ours(), Some(ISSUER), Outcome::Passed),
        (&foreign, theirs(), Some(ISSUER), Outcome::Failed),
        (&foreign, Documents::default(), Some(ISSUER), Outcome::Failed),
        (&foreign, Documents::default().down(METADATA), Some(ISSUER), unreachable),
        (&foreign, Documents::default(), None, Outcome::Passed),
        (&foreign, Documents::default(), Some("urn:issuer"), Outcome::Failed),
    ];
    for (number, (certified, documents, issuer, expected)) in table.into_iter().enumerate() {
        let header = json!({"kid": "one", "x5c": x5c(&[&certified.self_signed(&key)])});
        let found = find_with(&header, issuer, &world(documents)).await;
        assert_eq!(found.check.outcome, expected, "row {number}: {}", found.check.detail);
        assert_eq!(keys_of(&found), [key.jwk()], "row {number}");
        assert!(found.chain.is_some());
    }
    // From another host, a certificate that only claims the issuer's name proves nothing.
    let header = json!({"kid": "one", "x5c": x5c(&[&fitting.self_signed(&key)])});
    for (documents, expected) in [
        (ours(), Outcome::Passed),
        (theirs(), Outcome::Failed),
        (Documents::default(), unknown),
        (Documents::default().down(METADATA), unreachable),
    ] {
        for asked in [None, Some(IssuerId::parse("https://service.example").unwrap())] {
            let mut world = world(Documents::default());
            world.documents = documents.clone();
            world.credential_issuer = asked;
            let found = find_with(&header, Some(ISSUER), &world).await;
            assert_eq!(found.check.outcome, expected, "{}", found.check.detail);
        }
    }
    let header = json!({"x5c": x5c(&[&bare.self_signed(&key)])});
    let of_did = async |did: String| find_with(&header, Some(&did), &world(Documents::default())).await.check.outcome;
    assert_eq!(of_did(did::did_key(&key.jwk())).await, Outcome::Passed);
    assert_eq!(of_did(did::did_jwk(&other.jwk())).await, Outcome::Failed);
    assert_eq!(of_did("did:example:1".to_owned()).await, unknown);
}

#[tokio::test]
async fn an_anchor_vouches_for_a_certificate_that_names_nobody() {
    let (root_key, key) = (TestKey::new(Algorithm::Es256), TestKey::new(Algorithm::Es256));
    let root = Certified::authority("Root");
    let leaf = Certified { common_name: "Signer 1", ..Certified::default() }.signed_by(&key, &root, &root_key);
    let mut world = world(Documents::default());
    world.trust = anchors(&[&root.self_signed(&root_key)]);
    let found = find_with(&json!({"x5c": x5c(&[&leaf])}), Some(ISSUER), &world).await;
    assert_eq!(found.check.outcome, Outcome::Passed, "{}", found.check.detail);
    assert_eq!(trust(&found, None, &world.context()).outcome, Outcome::Passed);
    // One that names another is not talked over by an anchor.
    let leaf = Certified::for_host("other.example").signed_by(&key, &root, &root_key);
    let found = find_with(&json!({"x5c": x5c(&[&leaf])}), Some(ISSUER), &world).await;
    assert_eq!(found.check.outcome, Outcome::Failed);
}

#[tokio::test]
async fn broken_certificates_fail_and_trust_with_them() {
    let mut world = world(Documents::default());
    world.trust = anchors(&[&Certified::authority("Root").self_signed(&TestKey::new(Algorithm::Es256))]);
    for x5c in [json!([]), json!("x"), json!(["AAAA"])] {
        let found = find_with(&json!({"x5c": x5c}), Some(ISSUER), &world).await;
        assert_eq!((found.check.outcome, found.keys.len()), (Outcome::Failed, 0));
        assert_eq!(trust(&found, None, &world.context()).outcome, Outcome::Failed);
    }
}

#[tokio::test]
async fn an_identifier_is_trusted_once_it_has_led_to_the_key() {
    let key = TestKey::new(Algorithm::Es256);
    let did = did::did_key(&key.jwk());
    let none = json!({});
    let certificate = json!({"x5c": x5c(&[&Certified::for_host("issuer.example").self_signed(&key)])});
    let foreign = json!({"x5c": x5c(&[&Certified::for_host("other.example").self_signed(&key)])});
    let published = published(&[key.published("one")]);
    let down = Documents::default().down(METADATA);
    let unknown = Outcome::Unknown(Reason::DependsOnFailed);
    for (trusted, header, issuer, documents, expected) in [
        (ISSUER, &none, Some(ISSUER), &published, Outcome::Passed),
        (did.as_str(), &none, Some(did.as_str()), &published, Outcome::Passed),
        (ISSUER, &certificate, Some(ISSUER), &published, Outcome::Passed),
        // A certificate that came from the host that it names is that host's.
        (ISSUER, &certificate, None, &published, Outcome::Passed),
        (ISSUER, &foreign, None, &published, Outcome::Failed),
        (ISSUER, &none, Some(did.as_str()), &published, Outcome::Failed),
        (did.as_str(), &none, Some(ISSUER), &published, Outcome::Failed),
        ("https://issuer.example", &none, Some(ISSUER), &published, Outcome::Failed),
        ("https://issuer.example/tenant/", &none, Some(ISSUER), &published, Outcome::Failed),
        // Anybody can write the name.
        (ISSUER, &none, Some(ISSUER), &down, unknown),
        (ISSUER, &foreign, Some(ISSUER), &Documents::default(), unknown),
    ] {
        let mut world = world(documents.clone());
        world.trusted_issuers = vec!["https://somebody.example".to_owned(), trusted.to_owned()];
        let found = find_with(header, issuer, &world).await;
        let check = trust(&found, issuer, &world.context());
        assert_eq!(check.outcome, expected, "{trusted} for {issuer:?}: {} ({})", check.detail, found.check.detail);
    }
    let mut without_issuer = world(Documents::default());
    without_issuer.issuer_jwks = Some(json!({"keys": [key.published("one")]}));
    without_issuer.trusted_issuers = vec![ISSUER.to_owned()];
    let found = find_with(&none, None, &without_issuer).await;
    assert_eq!(trust(&found, None, &without_issuer.context()).outcome, Outcome::Passed);
}

#[tokio::test]
async fn an_anchor_or_the_list_vouches_for_an_issuer() {
    let (root_key, key) = (TestKey::new(Algorithm::Es256), TestKey::new(Algorithm::Es256));
    let root = Certified::authority("Root");
    let under = json!({"x5c": x5c(&[&Certified::default().signed_by(&key, &root, &root_key)])});
    let certificate = root.self_signed(&root_key);
    let mut world = world(published(&[key.published("one")]));
    for (anchored, listed, header, expected) in [
        (false, false, &under, Outcome::Skipped(Reason::NoAnchors)),
        (true, false, &under, Outcome::Passed),
        (true, false, &json!({}), Outcome::Failed),
        (false, true, &json!({}), Outcome::Passed),
        (true, true, &json!({}), Outcome::Passed),
        (true, true, &under, Outcome::Passed),
    ] {
        world.trust = if anchored { anchors(&[&certificate]) } else { super::super::x509::TrustAnchors::default() };
        world.trusted_issuers = if listed { vec![ISSUER.to_owned()] } else { Vec::new() };
        let found = find_with(header, Some(ISSUER), &world).await;
        let check = trust(&found, Some(ISSUER), &world.context());
        assert_eq!(check.outcome, expected, "{anchored} {listed}: {}", check.detail);
    }
    // Vouched for, though not on the list.
    world.trusted_issuers = vec!["https://somebody.example".to_owned()];
    let found = find_with(&under, Some(ISSUER), &world).await;
    assert_eq!(trust(&found, Some(ISSUER), &world.context()).outcome, Outcome::Passed);
}

#[tokio::test]
async fn dids_are_held_against_the_issuer() {
    let (key, other) = (TestKey::new(Algorithm::Es256).jwk(), TestKey::new(Algorithm::Es256).jwk());
    let did = did::did_key(&key);
    let fragment = did.strip_prefix("did:key:").unwrap();
    let unknown = Outcome::Unknown(Reason::Unsupported);
    let table = [
        (Some(did.clone()), None, Outcome::Passed),
        (Some(did.clone()), Some(did::did_key_url(&key)), Outcome::Passed),
        (Some(did.clone()), Some(format!("#{fragment}")), Outcome::Passed),
        (Some(did.clone()), Some(fragment.to_owned()), Outcome::Passed),
        (Some(did.clone()), Some("key-1".to_owned()), Outcome::Passed),
        (Some(did.clone()), Some(format!("{did}#other")), Outcome::Passed),
        (Some(did::did_key(&other)), Some(did::did_key_url(&key)), Outcome::Failed),
        (None, Some(did::did_jwk_url(&key)), Outcome::Passed),
        (None, Some("key-1".to_owned()), Outcome::Failed),
        (None, None, Outcome::Failed),
        (Some(ISSUER.to_owned()), Some(did::did_jwk_url(&key)), unknown),
        (Some("urn:x".to_owned()), None, unknown),
        (Some("http://issuer.example".to_owned()), None, unknown),
        (Some("did:example:1".to_owned()), None, unknown),
    ];
    for (issuer, kid, expected) in table {
        let header = kid.as_ref().map_or_else(|| json!({}), |kid| json!({"kid": kid}));
        let found = find_with(&header, issuer.as_deref(), &world(Documents::default())).await;
        assert_eq!(found.check.outcome, expected, "{issuer:?} {kid:?}: {}", found.check.detail);
        assert!(keys_of(&found).iter().all(|found| *found == key));
    }
}

/// The metadata has a key without coordinates, under a DID URL, and credentials have no `kid`.
#[tokio::test]
async fn issuers_may_name_their_keys_by_did() {
    let (key, other) = (TestKey::new(Algorithm::Es256), TestKey::new(Algorithm::Es256));
    let did = "did:dyne:sandbox.town:7Yx";
    let name = format!("{did}#es256_public_key");
    let base58 = bs58::encode(&key.jwk().to_point()[1..]).into_string();
    let document = json!({"id": did, "verificationMethod": [
        {"id": format!("{did}#ethereum_address"), "type": "EcdsaSecp256k1RecoveryMethod2020", "controller": did},
        {"id": name, "type": "EcdsaSecp256r1VerificationKey", "controller": did, "publicKeyBase58": base58},
    ]});
    let entry = json!({"kid": name, "crv": "P-256", "alg": "ES256", "kty": "EC"});
    let with = |entries: &[&Value], found: Result<Value, DocumentError>| World {
        credential_issuer: Some(IssuerId::parse(ISSUER).unwrap()),
        issuer_jwks: Some(json!({"keys": entries})),
        documents: Documents::default().with_did(did, found),
        ..World::default()
    };
    let down = || Err(DocumentError::Unreachable("no answer".to_owned()));
    let another_name = json!({"kid": format!("{did}#bbs"), "kty": "EC"});
    let for_eddsa = json!({"kid": name, "alg": "EdDSA", "kty": "EC"});
    let whole = other.published("one");
    let unreachable = Outcome::Unknown(Reason::Unreachable);
    for (header, world, expected) in [
        (json!({}), with(&[&entry], Ok(document.clone())), Ok(&key)),
        (json!({"kid": name}), with(&[&entry], Ok(document.clone())), Ok(&key)),
        (json!({}), with(&[&another_name, &entry], Ok(document.clone())), Ok(&key)),
        // A key that is there is not looked for elsewhere.
        (json!({}), with(&[&entry, &whole], Ok(document.clone())), Ok(&other)),
        (json!({"kid": "elsewhere"}), with(&[&entry], Ok(document.clone())), Err(Outcome::Failed)),
        (json!({}), with(&[&another_name], Ok(document.clone())), Err(Outcome::Failed)),
        (json!({}), with(&[&for_eddsa], Ok(document.clone())), Err(Outcome::Failed)),
        (json!({}), with(&[&entry], down()), Err(unreachable)),
        (json!({}), with(&[&entry], Ok(json!({"id": "did:dyne:other"}))), Err(Outcome::Failed)),
    ] {
        let found = find_with(&header, Some(ISSUER), &world).await;
        match expected {
            Ok(key) => {
                assert_eq!(found.check.outcome, Outcome::Passed, "{header}: {}", found.check.detail);
                assert_eq!(keys_of(&found), [key.jwk()]);
            }
            Err(outcome) => assert_eq!(found.check.outcome, outcome, "{header}: {}", found.check.detail),
        }
    }
    // What another issuer publishes says nothing about this one.
    let world = World {
        credential_issuer: Some(IssuerId::parse("https://o.example").unwrap()),
        ..with(&[&entry], Ok(document))
    };
    let found = find_with(&json!({}), Some(ISSUER), &world).await;
    assert_eq!(found.check.outcome, Outcome::Failed);
}

#[tokio::test]
async fn a_did_prism_has_its_key_in_it_and_two_forms() {
    let [key, other] = [(); 2].map(|()| TestKey::new(Algorithm::Es256k).jwk());
    let [long, foreign] = [&key, &other].map(|key| did::prism::did_prism(key).unwrap());
    let short = long.rsplit_once(':').unwrap().0.to_owned();
    let unknown = Outcome::Unknown(Reason::Unsupported);
    for (issuer, kid, expected) in [
        (&long, None, Outcome::Passed),
        (&long, Some(format!("{long}#issuing-0")), Outcome::Passed),
        (&long, Some("#issuing-0".to_owned()), Outcome::Passed),
        (&long, Some("issuing-0".to_owned()), Outcome::Passed),
        (&long, Some(format!("{short}#issuing-0")), Outcome::Passed),
        (&long, Some(short.clone()), Outcome::Passed),
        (&short, Some(format!("{long}#issuing-0")), Outcome::Passed),
        // A key that signs no credentials, or that is not there.
        (&long, Some(format!("{long}#authentication-0")), Outcome::Failed),
        (&long, Some("master-0".to_owned()), Outcome::Failed),
        (&long, Some(format!("{short}#issuing-1")), Outcome::Failed),
        // A key of somebody else.
        (&long, Some(format!("{foreign}#issuing-0")), Outcome::Failed),
        (&foreign, Some(format!("{long}#issuing-0")), Outcome::Failed),
        // A state that is not that of the hash.
        (&format!("{long}A"), None, Outcome::Failed),
        (&format!("{long}A"), Some(format!("{long}#issuing-0")), Outcome::Failed),
        (&short, Some(format!("{long}A#issuing-0")), Outcome::Failed),
        // Nobody knows what stands behind the short form.
        (&short, None, unknown),
        (&short, Some(format!("{short}#issuing-0")), unknown),
    ] {
        let header = kid.as_ref().map_or_else(|| json!({}), |kid| json!({"kid": kid}));
        let found = find_with(&header, Some(issuer), &world(Documents::default())).await;
        assert_eq!(found.check.outcome, expected, "{issuer} {kid:?}: {}", found.check.detail);
        if expected == Outcome::Passed {
            assert_eq!(keys_of(&found), std::slice::from_ref(&key));
        }
    }
}

#[tokio::test]
async fn a_did_in_kid_can_be_linked_to_a_url() {
    let key = TestKey::new(Algorithm::Es256).jwk();
    let kid = did::did_jwk_url(&key);
    // By the URL's own metadata, under that very name.
    let mut listed = key.to_value();
    listed["kid"] = json!(kid);
    let found = find_with(&json!({"kid": kid}), Some(ISSUER), &world(published(&[listed]))).await;
    assert_eq!(found.check.outcome, Outcome::Passed);
    // Or as a did:web of the same host.
    let web = "did:web:issuer.example";
    let document = json!({"id": web, "assertionMethod": [{"id": "#one", "publicKeyJwk": key.to_value()}]});
    let documents = || Documents::default().with("https://issuer.example/.well-known/did.json", document.clone());
    let header = json!({"kid": format!("{web}#one")});
    let found = find_with(&header, Some(ISSUER), &world(documents())).await;
    assert_eq!((found.check.outcome, keys_of(&found)), (Outcome::Passed, vec![key.clone()]));
    let found = find_with(&header, Some("https://other.example"), &world(documents())).await;
    assert_eq!(found.check.outcome, Outcome::Unknown(Reason::Unsupported));
    // An answer that is still to come decides.
    let down = Documents::default().down(METADATA);
    let found = find_with(&json!({"kid": kid}), Some(ISSUER), &world(down)).await;
    assert_eq!(found.check.outcome, Outcome::Unknown(Reason::Unreachable));
    assert_eq!(keys_of(&found), [key]);
}

#[tokio::test]
async fn tenants_of_a_host_do_not_speak_for_one_another() {
    let key = TestKey::new(Algorithm::Es256);
    let unknown = Outcome::Unknown(Reason::Unsupported);
    let document =
        |did: &str| json!({"id": did, "assertionMethod": [{"id": "#one", "publicKeyJwk": key.jwk().to_value()}]});
    let documents = Documents::default()
        .with("https://issuer.example/.well-known/did.json", document("did:web:issuer.example"))
        .with("https://issuer.example/tenant/did.json", document("did:web:issuer.example:tenant"))
        .with("https://issuer.example/ten/did.json", document("did:web:issuer.example:ten"))
        .with("https://issuer.example/other/did.json", document("did:web:issuer.example:other"));
    let certificate = x5c(&[&Certified::for_host("issuer.example").self_signed(&key)]);
    for (asked, issuer, did, expected) in [
        ("https://service.example", ISSUER, "did:web:issuer.example", Outcome::Passed),
        ("https://service.example", ISSUER, "did:web:issuer.example:tenant", Outcome::Passed),
        ("https://service.example", ISSUER, "did:web:issuer.example:ten", unknown),
        ("https://service.example", ISSUER, "did:web:issuer.example:other", unknown),
        ("https://service.example", "https://issuer.example", "did:web:issuer.example:other", unknown),
        // The issuer's own word.
        (ISSUER, ISSUER, "did:web:issuer.example:other", Outcome::Passed),
        ("https://issuer.example/other", ISSUER, "did:web:issuer.example:other", unknown),
    ] {
        let mut world = world(documents.clone());
        world.credential_issuer = Some(IssuerId::parse(asked).unwrap());
        world.trusted_issuers = vec![issuer.to_owned()];
        let found = find_with(&json!({"kid": format!("{did}#one")}), Some(issuer), &world).await;
        assert_eq!(found.check.outcome, expected, "{asked} {issuer} {did}: {}", found.check.detail);
        let trusted = trust(&found, Some(issuer), &world.context()).outcome == Outcome::Passed;
        assert_eq!(trusted, expected == Outcome::Passed, "{asked} {issuer} {did}");
    }
    for (asked, issuer, expected) in [
        (ISSUER, ISSUER, Outcome::Passed),
        (ISSUER, "https://issuer.example", Outcome::Passed),
        ("https://issuer.example/other", ISSUER, unknown),
        ("https://issuer.example", ISSUER, unknown),
    ] {
        let mut world = world(Documents::default());
        world.credential_issuer = Some(IssuerId::parse(asked).unwrap());
        let found = find_with(&json!({"x5c": certificate}), Some(issuer), &world).await;
        assert_eq!(found.check.outcome, expected, "{asked} {issuer}: {}", found.check.detail);
    }
}

#[tokio::test]
async fn nothing_is_fetched_for_what_is_off() {
    let mut world = world(published(&[]));
    let off = |policy: VerificationPolicy, kind| policy.with(kind, Requirement::Off);
    world.policy = off(off(VerificationPolicy::default(), CheckKind::IssuerKey), CheckKind::Signature);
    let found = find_with(&json!({}), Some(ISSUER), &world).await;
    assert_eq!(found.check.outcome, Outcome::Skipped(Reason::SwitchedOff));
    assert!(world.documents.asked().is_empty());
}
