use serde_json::json;

use super::*;
use crate::model::jwk::Algorithm;
use crate::verify::testing::{Certified, NOW, TestKey, anchors, spec_vectors, x5c};

const ISSUER: &str = "https://issuer.example/tenant";
const AT: At = At { now: Timestamp::from_seconds(NOW), skew: 60 };

/// A root, an authority under it, a signer under that, and what the signer signs.
struct Scene {
    root: Vec<u8>,
    middle: Vec<u8>,
    leaf: Vec<u8>,
    key: TestKey,
    header: Value,
    claims: Value,
}

impl Scene {
    fn new() -> Self {
        let [root_key, middle_key, key] = [Algorithm::Es384, Algorithm::Es256, Algorithm::Es256].map(TestKey::new);
        let (root, middle) = (Certified::authority("Root"), Certified::authority("Middle"));
        let signer = Certified { common_name: "Metadata \u{202e}Signer", ..Certified::default() };
        let leaf = signer.signed_by(&key, &middle, &middle_key);
        let middle = middle.signed_by(&middle_key, &root, &root_key);
        Self {
            root: root.self_signed(&root_key),
            header: json!({"typ": TYPE, "x5c": x5c(&[&leaf, &middle])}),
            claims: json!({"sub": ISSUER, "iat": NOW - 100, "credential_issuer": ISSUER}),
            middle,
            leaf,
            key,
        }
    }

    fn verify(&self) -> Outcome<SignedClaims> {
        self.verify_by(&anchors(&[&self.root]))
    }

    fn verify_by(&self, trust: &TrustAnchors) -> Outcome<SignedClaims> {
        verify(&self.key.jws(&self.header, &self.claims), &issuer(), trust, AT)
    }
}

fn issuer() -> IssuerId {
    IssuerId::parse(ISSUER).unwrap()
}

fn why(outcome: Outcome<SignedClaims>) -> String {
    match outcome {
        Err(SignedMetadataError::Invalid(why)) => why,
        other => panic!("not invalid: {other:?}"),
    }
}

fn untrusted(outcome: Outcome<SignedClaims>) -> String {
    match outcome {
        Err(SignedMetadataError::Untrusted(why)) => why,
        other => panic!("not untrusted: {other:?}"),
    }
}

// covers: META-34, META-36, HAIP-18
#[test]
fn a_signer_under_an_anchor_is_believed() {
    let scene = Scene::new();
    let signed = scene.verify().unwrap();
    assert_eq!(Value::Object(signed.claims), scene.claims);
    assert_eq!(signed.signer, "CN=Metadata Signer", "fit to be shown");
    assert_eq!((signed.expires_at, signed.not_haip), (None, None));
}

// covers: META-34
#[test]
fn what_is_about_the_jwt_itself_has_to_be_right() {
    type Change = fn(&mut Scene);
    let table: Vec<(Change, &str)> = vec![
        (|scene| scene.header["typ"] = json!("JWT"), "type"),
        (|scene| scene.header["typ"] = json!("OPENIDVCI-ISSUER-METADATA+JWT"), "type"),
        (|scene| scene.header["typ"] = json!(null), "type"),
        (|scene| scene.header["alg"] = json!("none"), "not signed"),
        (|scene| scene.header["alg"] = json!("HS256"), "symmetric"),
        (|scene| scene.header["alg"] = json!("ES384"), "does not fit"),
        (|scene| scene.header["alg"] = json!(null), "no signature algorithm"),
        (|scene| scene.header["crit"] = json!(["exp"]), "critical"),
        (|scene| scene.header["x5c"] = json!([]), "x5c"),
        (|scene| scene.header["x5c"] = json!("none"), "x5c"),
        (|scene| scene.claims["iat"] = json!("now"), "`iat`"),
        (|scene| scene.claims["iat"] = json!(NOW + 61), "future"),
        (|scene| drop(scene.claims.as_object_mut().unwrap().remove("iat")), "`iat`"),
        (|scene| scene.claims["exp"] = json!(NOW - 60), "expired"),
        (|scene| scene.claims["exp"] = json!("never"), "`exp`"),
        (|scene| scene.claims["nbf"] = json!(NOW + 61), "not valid yet"),
        (|scene| scene.claims = json!([1]), "no usable JSON object"),
        // Signed by another key than the certificate's.
        (|scene| scene.key = TestKey::new(Algorithm::Es256), "does not verify"),
    ];
    for (change, said) in table {
        let mut scene = Scene::new();
        change(&mut scene);
        let why = why(scene.verify());
        assert!(why.contains(said), "{said}: {why}");
    }
    let scene = Scene::new();
    let unknown = json!({"typ": TYPE, "alg": "ES999", "x5c": scene.header["x5c"]});
    let outcome = Scene { header: unknown, ..Scene::new() }.verify();
    assert!(matches!(outcome, Err(SignedMetadataError::Unsupported(_))), "{outcome:?}");
    for no_jwt in ["", "a.b", "{}", "a.b.c.d"] {
        why(verify(no_jwt, &issuer(), &anchors(&[&scene.root]), AT));
    }
    let twice = format!(r#"{{"sub":"{ISSUER}","sub":"{ISSUER}","iat":1}}"#);
    let token =
        scene.key.jws_of_texts(&json!({"typ": TYPE, "alg": "ES256", "x5c": scene.header["x5c"]}).to_string(), &twice);
    why(verify(&token, &issuer(), &anchors(&[&scene.root]), AT));
}

// covers: META-34
#[test]
fn the_subject_is_the_issuer_to_the_letter() {
    for sub in
        [json!(null), json!("https://issuer.example/tenant/"), json!("https://ISSUER.example/tenant"), json!([ISSUER])]
    {
        let mut scene = Scene::new();
        scene.claims["sub"] = sub.clone();
        assert_eq!(scene.verify().unwrap_err(), SignedMetadataError::AnotherIssuer, "{sub}");
    }
}

#[test]
fn clocks_may_differ_and_the_attesting_party_may_have_any_name() {
    let mut scene = Scene::new();
    scene.claims["iat"] = json!(NOW + 60);
    scene.claims["exp"] = json!(1_767_225_541.5);
    scene.claims["nbf"] = json!(NOW + 60);
    scene.claims["iss"] = json!("https://somebody.example");
    assert_eq!(scene.verify().unwrap().expires_at, Some(Timestamp::from_seconds(NOW - 59)));
}

// covers: META-36
#[test]
fn a_signer_that_no_anchor_vouches_for_is_refused() {
    let scene = Scene::new();
    let other = Scene::new();
    untrusted(scene.verify_by(&anchors(&[&other.root])));
    untrusted(scene.verify_by(&TrustAnchors::default()));
    // The authority between is missing.
    let alone = Scene { header: json!({"typ": TYPE, "x5c": x5c(&[&scene.leaf])}), ..scene };
    untrusted(alone.verify());
    // A certificate for nothing but encryption signs nothing, whoever made it.
    let usage = vec![rcgen::KeyUsagePurpose::KeyEncipherment];
    let certificate = Certified { usage, ..Certified::default() }.self_signed(&alone.key);
    let header = json!({"typ": TYPE, "x5c": x5c(&[&certificate])});
    let wrong = Scene { header, ..alone };
    assert!(why(wrong.verify_by(&anchors(&[&certificate]))).contains("not for signatures"));
}

// covers: META-36, HAIP-18
#[test]
fn a_pinned_certificate_and_one_with_its_anchor_are_for_the_base_profile_only() {
    let scene = Scene::new();
    let own = Certified::default().self_signed(&scene.key);
    let header = json!({"typ": TYPE, "x5c": x5c(&[&own])});
    let pinned = Scene { header, ..Scene::new() };
    let pinned = Scene { key: scene.key, ..pinned };
    untrusted(pinned.verify());
    let signed = pinned.verify_by(&anchors(&[&own])).unwrap();
    assert!(signed.not_haip.is_some_and(|why| why.contains("self-signed")));

    let mut scene = Scene::new();
    assert!(scene.verify_by(&anchors(&[&scene.middle])).unwrap().not_haip.is_some_and(|why| why.contains("anchor")));
    scene.header["x5c"] = x5c(&[&scene.leaf, &scene.middle, &scene.root]);
    assert!(scene.verify().unwrap().not_haip.is_some_and(|why| why.contains("anchor")));
}

// covers: META-36, HAIP-18
#[test]
fn without_a_certificate_the_key_is_an_anchors_own() {
    let scene = Scene::new();
    let own = Certified::default().self_signed(&scene.key);
    let header = json!({"typ": TYPE, "kid": "1"});
    let scene = Scene { header, ..scene };
    let other = Scene::new();
    let signed = scene.verify_by(&anchors(&[&other.root, &own])).unwrap();
    assert_eq!(signed.signer, "CN=Signer");
    assert!(signed.not_haip.is_some_and(|why| why.contains("x5c")));
    untrusted(scene.verify_by(&anchors(&[&other.root, &other.leaf])));
    let expired = Certified { days: (-20, -10), ..Certified::default() }.self_signed(&scene.key);
    assert!(why(scene.verify_by(&anchors(&[&expired]))).contains("expired"));
}

/// The example of the specification.
// covers: META-34, META-36, HAIP-18
#[test]
fn the_official_sample_counts_only_where_it_is_pinned() {
    let Some(folder) = spec_vectors("1.0-derived") else { return };
    let file = folder.join("1.0__credential_issuer_metadata_sd_jwt_jwt.txt");
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let token = text.trim();
    let issuer = IssuerId::parse("https://credential-issuer.example.com").unwrap();
    let x5c = Jws::parse(token).unwrap().header["x5c"].clone();
    let certificate = {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.decode(x5c[0].as_str().unwrap()).unwrap()
    };
    let pinned = anchors(&[&certificate]);
    let signed = verify(token, &issuer, &pinned, AT).unwrap();
    assert_eq!(signed.signer, "CN=credential-issuer.example.com");
    assert_eq!(signed.claims["credential_issuer"], issuer.as_str());
    assert!(signed.not_haip.is_some_and(|why| why.contains("self-signed")));

    untrusted(verify(token, &issuer, &anchors(&[&Scene::new().root]), AT));
    let other = IssuerId::parse("https://credential-issuer.example.com/").unwrap();
    assert_eq!(verify(token, &other, &pinned, AT).unwrap_err(), SignedMetadataError::AnotherIssuer);
    let (head, signature) = token.rsplit_once('.').unwrap();
    let spoilt = format!("{head}.{}{}", if signature.starts_with('A') { "B" } else { "A" }, &signature[1..]);
    assert!(why(verify(&spoilt, &issuer, &pinned, AT)).contains("does not verify"));
}
