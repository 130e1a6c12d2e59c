use serde_json::json;

use super::*;
use crate::model::credential::HolderKey;
use crate::model::ids::IssuerId;
use crate::model::jwk::Algorithm;
use crate::platform::provider::{ProviderError, ProviderErrorKind};
use crate::verify::testing::{Certified, NOW, TestKey, x5c};

/// A provider with a certificate chain: its own and the one above, without the root.
struct Provider {
    key: TestKey,
    x5c: Value,
}

impl Provider {
    fn new() -> Self {
        let [key, middle, root] = [(); 3].map(|()| TestKey::new(Algorithm::Es256));
        let (root_name, middle_name) = (Certified::authority("Root"), Certified::authority("Middle"));
        let own = Certified::default().signed_by(&key, &middle_name, &middle);
        let above = middle_name.signed_by(&middle, &root_name, &root);
        Self { key, x5c: x5c(&[&own, &above]) }
    }

    fn header(&self) -> Value {
        json!({ "typ": "key-attestation+jwt", "x5c": self.x5c })
    }
}

fn holder_key(name: &str) -> HolderKey {
    HolderKey::new(name, TestKey::new(Algorithm::Es256).jwk())
}

fn asked(keys: &[HolderKey]) -> KeyAttestationRequest {
    KeyAttestationRequest {
        credential_issuer: IssuerId::parse("https://issuer.example").expect("legal"),
        keys: keys.to_vec(),
        nonce: Some("n".to_owned()),
        key_storage: vec!["iso_18045_high".to_owned(), "iso_18045_moderate".to_owned()],
        user_authentication: Vec::new(),
        signing_algorithms: vec!["ES256".to_owned()],
        inside_jwt_proof: true,
    }
}

fn claims(keys: &[HolderKey]) -> Value {
    json!({
        "iat": NOW,
        "exp": NOW + 600,
        "attested_keys": keys.iter().map(|key| key.public_jwk.to_value()).collect::<Vec<_>>(),
        "key_storage": ["iso_18045_moderate"],
        "nonce": "n",
    })
}

const BASE: Rules = Rules { profile: Profile::Base, now: Timestamp::from_seconds(NOW), skew: 60 };
const HAIP: Rules = Rules { profile: Profile::Haip, ..BASE };

fn refusal(attestation: &str, asked: &KeyAttestationRequest, rules: Rules) -> String {
    let error = check(attestation, asked, rules).expect_err("it is refused");
    assert_eq!((error.code(), error.operation()), (ErrorCode::AttestationUnusable, Some(Operation::Proof)));
    error.detail().to_owned()
}

/// The value with some members changed; `null` takes one away.
fn with(value: &Value, changes: &Value) -> Value {
    let mut value = value.clone();
    let members = value.as_object_mut().expect("an object");
    for (name, change) in changes.as_object().expect("an object") {
        members.insert(name.clone(), change.clone());
    }
    members.retain(|_, value| !value.is_null());
    value
}

// covers: KATT-01, KATT-06
#[test]
fn a_good_attestation_passes_in_each_profile() {
    let (provider, keys) = (Provider::new(), [holder_key("1"), holder_key("2")]);
    let attestation = provider.key.jws(&provider.header(), &claims(&keys));
    for rules in [BASE, HAIP] {
        check(&attestation, &asked(&keys), rules).expect("it is good");
    }
    // Keys in another order, a level more, times with fractions, and what is not known.
    let mut turned = claims(&[keys[1].clone(), keys[0].clone()]);
    turned["key_storage"] = json!(["https://levels.example/gold", "iso_18045_high"]);
    turned["iat"] = json!(f64::from(i32::try_from(NOW).expect("small")) + 0.5);
    turned["certification"] = json!("https://certificates.example/1");
    check(&provider.key.jws(&provider.header(), &turned), &asked(&keys), HAIP).expect("it is good");
}

// covers: KATT-01, PROOF-07
#[test]
fn the_header_has_the_type_a_listed_asymmetric_algorithm_and_the_signers_key() {
    let (provider, keys) = (Provider::new(), [holder_key("1")]);
    let (asked, claims) = (asked(&keys), claims(&keys));
    let refuse =
        |changes: Value| refusal(&provider.key.jws(&with(&provider.header(), &changes), &claims), &asked, BASE);
    for typ in [json!("JWT"), json!("keyattestation+jwt"), json!(null)] {
        assert!(refuse(json!({ "typ": typ })).contains("`typ`"));
    }
    assert!(refuse(json!({ "alg": "HS256" })).contains("symmetric"));
    assert!(refuse(json!({ "alg": "none" })).contains("not signed"));
    assert!(refuse(json!({ "alg": "ES384" })).contains("none of ES256"));
    assert!(refuse(json!({ "crit": ["b64"], "b64": false })).contains("crit"));
    assert!(refuse(json!({ "x5c": null })).contains("names the signer's key"));
    assert!(refuse(json!({ "x5c": ["AA=="] })).contains("certificate"));
    let statement = |algorithm: &str| provider.key.jws(&json!({ "alg": algorithm }), &json!({}));
    assert!(refuse(json!({ "x5c": null, "trust_chain": [statement("ES256")] })).contains("no `kid`"));
    assert!(refuse(json!({ "x5c": null, "kid": "1", "trust_chain": [] })).contains("filled"));
    assert!(refuse(json!({ "x5c": null, "kid": "1", "trust_chain": [statement("HS256")] })).contains("trust_chain"));
    assert!(refuse(json!({ "x5c": null, "kid": "1", "trust_chain": [statement("ES384")] })).contains("trust_chain"));
    for header in [
        json!({ "typ": "key-attestation+jwt", "kid": "1" }),
        json!({ "typ": "key-attestation+jwt", "kid": "1", "trust_chain": [statement("ES256")] }),
    ] {
        check(&provider.key.jws(&header, &claims), &asked, BASE).expect("it is good");
        assert!(refusal(&provider.key.jws(&header, &claims), &asked, HAIP).contains("`x5c`"));
    }
    for text in ["", "a.b", "a.b.c"] {
        refusal(text, &asked, BASE);
    }
}

#[test]
fn the_signature_is_by_the_certificate_that_came_along() {
    let (provider, keys) = (Provider::new(), [holder_key("1")]);
    let other = TestKey::new(Algorithm::Es256);
    let forged = other.jws(&provider.header(), &claims(&keys));
    assert!(refusal(&forged, &asked(&keys), BASE).contains("does not verify"));
}

// covers: HAIP-21
#[test]
fn haip_wants_a_chain_without_its_anchor() {
    let (provider, keys) = (Provider::new(), [holder_key("1")]);
    let root = TestKey::new(Algorithm::Es256);
    let authority = Certified::authority("Root");
    let own = Certified::default().signed_by(&provider.key, &authority, &root);
    let alone = Certified::default().self_signed(&provider.key);
    let anchor = authority.self_signed(&root);
    for chain in [x5c(&[&alone]), x5c(&[&own, &anchor])] {
        let header = json!({ "typ": "key-attestation+jwt", "x5c": chain });
        let attestation = provider.key.jws(&header, &claims(&keys));
        check(&attestation, &asked(&keys), BASE).expect("it is good");
        assert!(refusal(&attestation, &asked(&keys), HAIP).contains("self-signed"));
    }
    let header = json!({ "typ": "key-attestation+jwt", "x5c": x5c(&[&own]) });
    check(&provider.key.jws(&header, &claims(&keys)), &asked(&keys), HAIP).expect("it is good");
}

// covers: KATT-02, KATT-06, PROOF-07, META-30
#[test]
fn the_body_says_what_was_asked_for() {
    let (provider, keys) = (Provider::new(), [holder_key("1"), holder_key("2")]);
    let stranger = holder_key("3");
    let all = claims(&keys);
    let (asked, header) = (asked(&keys), provider.header());
    let attested = |keys: &[&HolderKey]| json!({ "attested_keys": keys.iter().map(|key| key.public_jwk.to_value()).collect::<Vec<_>>() });
    for (changes, problem) in [
        (json!({ "iat": null }), "no `iat`"),
        (json!({ "iat": "now" }), "`iat` is no number"),
        (json!({ "iat": NOW + 61 }), "future"),
        (json!({ "exp": null }), "no `exp`"),
        (json!({ "exp": NOW }), "expired"),
        (json!({ "exp": "soon" }), "`exp` is no number"),
        (json!({ "attested_keys": null }), "no array"),
        (json!({ "attested_keys": [] }), "not the keys"),
        (json!({ "attested_keys": [{ "kty": "oct" }] }), "attested_keys"),
        (attested(&[&keys[0]]), "not the keys"),
        (attested(&[&keys[0], &keys[0]]), "not the keys"),
        (attested(&[&keys[0], &stranger]), "not the keys"),
        (attested(&[&keys[0], &keys[1], &stranger]), "not the keys"),
        (attested(&[&keys[0], &keys[1], &keys[1]]), "not the keys"),
        (json!({ "key_storage": null }), "`key_storage`"),
        (json!({ "key_storage": [] }), "`key_storage`"),
        (json!({ "key_storage": "iso_18045_high" }), "`key_storage`"),
        (json!({ "key_storage": ["iso_18045_basic"] }), "`key_storage`"),
        (json!({ "user_authentication": "none" }), "`user_authentication`"),
        (json!({ "nonce": null }), "`nonce`"),
        (json!({ "nonce": "m" }), "`nonce`"),
        (json!({ "nonce": 1 }), "`nonce`"),
    ] {
        let found = refusal(&provider.key.jws(&header, &with(&all, &changes)), &asked, BASE);
        assert!(found.contains(problem), "{changes}: {found}");
    }
    let not_json = provider.key.jws_of_texts(&with(&header, &json!({ "alg": "ES256" })).to_string(), "[]");
    assert!(refusal(&not_json, &asked, BASE).contains("payload"));
}

#[test]
fn what_was_not_asked_for_may_be_absent() {
    let (provider, keys) = (Provider::new(), [holder_key("1")]);
    let asked = KeyAttestationRequest { nonce: None, key_storage: Vec::new(), inside_jwt_proof: false, ..asked(&keys) };
    let sparse = with(&claims(&keys), &json!({ "nonce": null, "exp": null, "key_storage": null }));
    check(&provider.key.jws(&provider.header(), &sparse), &asked, HAIP).expect("it is good");
    let with_nonce = provider.key.jws(&provider.header(), &with(&sparse, &json!({ "nonce": "n" })));
    assert!(refusal(&with_nonce, &asked, BASE).contains("none was given"));
}

#[test]
fn the_providers_failures_are_told_apart() {
    let told = |kind| Error::from(ProviderError::new(kind, "why")).code();
    assert_eq!(told(ProviderErrorKind::Unavailable), ErrorCode::ProviderUnavailable);
    assert_eq!(told(ProviderErrorKind::Refused), ErrorCode::ProviderRefused);
    assert_eq!(told(ProviderErrorKind::Unsupported), ErrorCode::ProviderRefused);
}
