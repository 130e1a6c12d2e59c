use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;
use crate::model::jwk::Curve;

const NOW: Timestamp = Timestamp::from_seconds(1_000);

fn key() -> Jwk {
    Jwk::from_coordinates(Curve::P256, &[1; 32], &[2; 32]).expect("a key")
}

fn server(methods: Option<&[&str]>) -> AuthorizationServerMetadata {
    let mut document = json!({ "issuer": "https://as.example", "token_endpoint": "https://as.example/token" });
    if let Some(methods) = methods {
        document["token_endpoint_auth_methods_supported"] = json!(methods);
    }
    crate::dialect::read::authorization_server_metadata(&document).expect("metadata")
}

fn provider(attestation: bool, assertion: bool) -> ProviderCapabilities {
    let key = ClientAssertionKey { algorithm: Algorithm::Es256, key_id: Some("k".to_owned()) };
    ProviderCapabilities {
        client_attestation: attestation,
        client_assertion: assertion.then_some(key),
        key_attestation: false,
    }
}

// covers: WATT-01, WATT-12, ASM-11
#[test]
fn what_binds_the_client_best_is_chosen() {
    use ClientAuthentication::{Attestation, None as Public, PrivateKeyJwt};
    let chosen = |methods: Option<&[&str]>, attestation, assertion| {
        choose(&server(methods), &provider(attestation, assertion), Profile::Base)
    };
    let all: Option<&[&str]> = Some(&["none", "private_key_jwt", "attest_jwt_client_auth"]);
    assert_eq!(chosen(all, true, true).expect("a way"), Attestation);
    assert_eq!(chosen(all, false, true).expect("a way"), PrivateKeyJwt);
    assert_eq!(chosen(all, false, false).expect("a way"), Public);
    assert_eq!(chosen(None, true, true).expect("a way"), Public);
    assert_eq!(chosen(Some(&["client_secret_basic"]), true, true).expect("a way"), Public);
    let refused = chosen(Some(&["attest_jwt_client_auth"]), false, true).expect_err("no way");
    assert_eq!(refused.code(), ErrorCode::ClientAuthenticationUnavailable);
}

// covers: HAIP-07
#[test]
fn haip_insists_on_authentication() {
    for methods in [None, Some(&["none"] as &[&str])] {
        let refused = choose(&server(methods), &provider(true, true), Profile::Haip).expect_err("no way");
        assert_eq!(refused.code(), ErrorCode::ClientAuthenticationUnavailable);
    }
    let listed = server(Some(&["attest_jwt_client_auth"]));
    assert!(choose(&listed, &provider(true, false), Profile::Haip).is_ok());
}

// covers: WATT-04, WATT-11
#[test]
fn a_proof_of_possession_is_exactly_that_of_its_version() {
    let (client_id, server) = (ClientId::from("me"), IssuerId::parse("https://as.example/t").expect("legal"));
    let made = |version, challenge| {
        let claims = PopClaims { client_id: &client_id, server: &server, challenge, issued_at: NOW, version };
        jwt::decode(&pop_signing_input(&key(), &claims))
    };
    let (header, payload) = made(AttestationVersion::V07, Some("c"));
    assert_eq!(header, json!({ "typ": "oauth-client-attestation-pop+jwt", "alg": "ES256" }));
    assert_eq!(
        payload,
        json!({ "iss": "me", "aud": "https://as.example/t", "jti": payload["jti"], "iat": 1_000, "challenge": "c" })
    );
    let (_, later) = made(AttestationVersion::V08, None);
    assert_eq!(later, json!({ "aud": "https://as.example/t", "jti": later["jti"], "iat": 1_000 }));
    assert_ne!(payload["jti"], later["jti"]);
}

// covers: WATT-12
#[test]
fn an_assertion_names_client_and_server_and_ends_soon() {
    let (client_id, server) = (ClientId::from("me"), IssuerId::parse("https://as.example").expect("legal"));
    let key = ClientAssertionKey { algorithm: Algorithm::Es384, key_id: Some("k".to_owned()) };
    let (header, payload) = jwt::decode(&assertion_signing_input(&key, &client_id, &server, NOW));
    assert_eq!(header, json!({ "typ": "JWT", "alg": "ES384", "kid": "k" }));
    assert_eq!(
        payload,
        json!({ "iss": "me", "sub": "me", "aud": "https://as.example", "jti": payload["jti"], "iat": 1_000, "exp": 1_060 })
    );
}

fn attestation(change: impl Fn(&mut Value, &mut Value)) -> String {
    let mut header = json!({ "typ": "oauth-client-attestation+jwt", "alg": "ES256" });
    let mut payload = json!({ "iss": "https://provider.example", "sub": "me", "exp": 2_000,
        "cnf": { "jwk": key().to_value() }, "wallet_name": "A wallet", "unknown": 1 });
    change(&mut header, &mut payload);
    format!("{}.{}", jwt::signing_input(&header, &payload), URL_SAFE_NO_PAD.encode([0; 64]))
}

// covers: WATT-03
#[test]
fn what_the_provider_gives_is_held_against_what_was_asked() {
    let check = |text: &str| check_attestation(text, &ClientId::from("me"), &key(), NOW, Profile::Base);
    assert_eq!(check(&attestation(|_, _| {})).expect("usable"), Timestamp::from_seconds(2_000));
    let other = Jwk::from_coordinates(Curve::P256, &[3; 32], &[2; 32]).expect("a key").to_value();
    let table: [(&str, String); 9] = [
        ("no JWT", "nothing".to_owned()),
        ("`typ`", attestation(|header, _| header["typ"] = json!("JWT"))),
        ("not signed", attestation(|header, _| header["alg"] = json!("none"))),
        ("symmetric", attestation(|header, _| header["alg"] = json!("HS256"))),
        ("`sub`", attestation(|_, payload| payload["sub"] = json!("another"))),
        ("`cnf`", attestation(|_, payload| payload["cnf"] = json!({ "jwk": other }))),
        ("`cnf`", attestation(|_, payload| payload["cnf"] = Value::Null)),
        ("expired", attestation(|_, payload| payload["exp"] = json!(1_000))),
        ("no `exp`", attestation(|_, payload| payload["exp"] = Value::Null)),
    ];
    for (said, text) in table {
        let error = check(&text).expect_err("unusable");
        assert_eq!(error.code(), ErrorCode::AttestationUnusable);
        assert!(error.detail().contains(said), "{said}: {error}");
    }
}

// covers: HAIP-09
#[test]
fn haip_wants_the_signers_chain_without_its_anchor() {
    let check = |text: &str| check_attestation(text, &ClientId::from("me"), &key(), NOW, Profile::Haip);
    let error = check(&attestation(|_, _| {})).expect_err("no chain");
    assert!(error.detail().contains("`x5c`"), "{error}");
    let root = {
        let key = crate::verify::testing::TestKey::new(Algorithm::Es256);
        let root = crate::verify::testing::Certified::authority("Root").self_signed(&key);
        crate::verify::testing::x5c(&[&root])
    };
    let error = check(&attestation(|header, _| header["x5c"] = root.clone())).expect_err("an anchor");
    assert!(error.detail().contains("self-signed"), "{error}");
}
