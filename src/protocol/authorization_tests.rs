use std::collections::BTreeMap;

use serde_json::json;

use super::*;

fn issuer(authorization_servers: bool) -> IssuerMetadata {
    let mut value = json!({
        "credential_issuer": "https://issuer.example",
        "credential_endpoint": "https://issuer.example/credential",
        "credential_configurations_supported": {
            "A": { "format": "dc+sd-jwt", "vct": "a", "scope": "scope_a" },
            "B": { "format": "dc+sd-jwt", "vct": "b", "scope": "scope_b" },
            "Also B": { "format": "dc+sd-jwt", "vct": "b", "scope": "scope_b" },
            "No scope": { "format": "dc+sd-jwt", "vct": "c" }
        }
    });
    if authorization_servers {
        value["authorization_servers"] = json!(["https://as.example"]);
    }
    read::issuer_metadata(&value).expect("metadata")
}

fn server(extra: &serde_json::Value) -> AuthorizationServerMetadata {
    let mut value = json!({
        "issuer": "https://as.example",
        "token_endpoint": "https://as.example/token",
        "authorization_endpoint": "https://as.example/authorize?tenant=1"
    });
    for (name, member) in extra.as_object().expect("an object") {
        value[name] = member.clone();
    }
    read::authorization_server_metadata(&value).expect("metadata")
}

fn pending(ids: &[&str], by: RequestBy, servers: bool) -> Result<PendingAuthorization, Error> {
    let ids: Vec<_> = ids.iter().map(|&id| ConfigurationId::from(id)).collect();
    let (issuer, server) = (issuer(servers), server(&json!({})));
    let pending = begin(&issuer, &server, &Quirks::default(), &ids, &BTreeMap::new(), by, "app:/cb")?;
    Ok(PendingAuthorization { issuer_state: Some("s+/=".into()), ..pending })
}

fn query(url: &Url) -> BTreeMap<String, String> {
    url.query_pairs().into_owned().collect()
}

// covers: AUTHZ-06, META-23
#[test]
fn scope_when_all_have_one_else_details() {
    let by_scope = pending(&["B", "A", "Also B"], RequestBy::Auto, true).expect("a request");
    assert!(matches!(&by_scope.wanted, Wanted::Scope(scope) if scope == "scope_a scope_b"));
    assert_eq!(by_scope.resource.as_ref().map(IssuerId::as_str), Some("https://issuer.example"));
    let details = pending(&["A", "No scope"], RequestBy::Auto, true).expect("a request");
    assert!(
        matches!(&details.wanted, Wanted::Details(text) if text.contains(r#""locations":["https://issuer.example"]"#))
    );
    assert!(details.resource.is_none());
    let details = pending(&["A"], RequestBy::Details, false).expect("a request");
    assert!(matches!(&details.wanted, Wanted::Details(text) if !text.contains("locations")));
    let refused = pending(&["No scope"], RequestBy::Scope, false).expect_err("no scope");
    assert_eq!(refused.code(), ErrorCode::FeatureUnsupported);
}

// covers: META-23
#[test]
fn details_need_a_server_that_lists_them() {
    let deaf = server(&json!({ "authorization_details_types_supported": ["payment"] }));
    let refused = begin(
        &issuer(false),
        &deaf,
        &Quirks::default(),
        &["No scope".into()],
        &BTreeMap::new(),
        RequestBy::Auto,
        "app:/cb",
    );
    assert_eq!(refused.expect_err("unsupported").code(), ErrorCode::FeatureUnsupported);
}

// covers: OFFER-14, AUTHZ-09
#[test]
fn the_plain_url_holds_the_whole_request() {
    let pending = pending(&["A"], RequestBy::Auto, false).expect("a request");
    let endpoint = Url::parse("https://as.example/authorize?tenant=1").expect("url");
    let url = plain_url(&endpoint, &"me".into(), &pending).expect("a url");
    let query = query(&url);
    let expected = [
        ("client_id", "me"),
        ("code_challenge_method", "S256"),
        ("issuer_state", "s+/="),
        ("redirect_uri", "app:/cb"),
        ("response_type", "code"),
        ("scope", "scope_a"),
        ("state", pending.state.expose()),
        ("tenant", "1"),
    ];
    for (name, value) in expected {
        assert_eq!(query.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert_eq!(query.len(), expected.len() + 1);
    let challenge =
        PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(pending.code_verifier.expose().to_owned()));
    assert_eq!(query["code_challenge"], challenge.as_str());
}

#[test]
fn a_pushed_request_leaves_two_parameters_for_the_browser() {
    let pending = pending(&["A"], RequestBy::Auto, false).expect("a request");
    let par = Url::parse("https://as.example/par").expect("url");
    let request = push_request(&par, &"me".into(), &pending).expect("a request");
    let sent: BTreeMap<String, String> = url::form_urlencoded::parse(request.body()).into_owned().collect();
    assert_eq!(
        sent.keys().map(String::as_str).collect::<Vec<_>>(),
        [
            "client_id",
            "code_challenge",
            "code_challenge_method",
            "issuer_state",
            "redirect_uri",
            "response_type",
            "scope",
            "state"
        ]
    );
    let url = pushed_url(&Url::parse("https://as.example/authorize").expect("url"), &"me".into(), "urn:x:1");
    assert_eq!(url.as_str(), "https://as.example/authorize?client_id=me&request_uri=urn%3Ax%3A1");
}

// covers: AUTHZ-09, AUTHZ-15
#[test]
fn every_request_has_its_own_state_and_verifier() {
    let (a, b) = (pending(&["A"], RequestBy::Auto, false), pending(&["A"], RequestBy::Auto, false));
    let (a, b) = (a.expect("a request"), b.expect("a request"));
    assert_ne!(a.state.expose(), b.state.expose());
    assert_ne!(a.code_verifier.expose(), b.code_verifier.expose());
    assert!((43..=128).contains(&a.code_verifier.expose().len()));
}

// covers: AUTHZ-15, AUTHZ-17, ASM-09
#[test]
fn redirects_are_held_against_state_iss_and_place() {
    let pending = pending(&["A"], RequestBy::Auto, false).expect("a request");
    let state = pending.state.expose();
    let (lax, strict) =
        (server(&json!({})), server(&json!({ "authorization_response_iss_parameter_supported": true })));
    let good = format!("app:/cb?code=c%2F1&state={state}&iss=https%3A%2F%2Fas.example");
    assert_eq!(read_redirect(&good, &pending, &strict).expect("a code").expose(), "c/1");
    let silent = format!("app:/cb?code=c&state={state}");
    assert!(read_redirect(&silent, &pending, &lax).is_ok());
    for (redirect, code) in [
        (silent.clone(), ErrorCode::IssMismatch),
        (format!("app:/cb?code=c&state={state}&iss=https%3A%2F%2Fas.example%2F"), ErrorCode::IssMismatch),
        ("app:/cb?code=c&state=other&iss=https%3A%2F%2Fas.example".to_owned(), ErrorCode::StateMismatch),
        ("app:/cb?code=c&iss=https%3A%2F%2Fas.example".to_owned(), ErrorCode::StateMismatch),
        (good.replace("app:/cb", "app:/elsewhere"), ErrorCode::RedirectMalformed),
        (good.replace("app:/cb", "other:/cb"), ErrorCode::RedirectMalformed),
        (format!("{good}&code=2"), ErrorCode::RedirectMalformed),
        (format!("app:/cb?state={state}&iss=https%3A%2F%2Fas.example"), ErrorCode::RedirectMalformed),
        ("not a url".to_owned(), ErrorCode::RedirectMalformed),
    ] {
        assert_eq!(read_redirect(&redirect, &pending, &strict).expect_err("refused").code(), code, "{redirect}");
    }
}

// covers: AUTHZ-16
#[test]
fn errors_in_redirects_are_typed_and_checked_like_codes() {
    let pending = pending(&["A"], RequestBy::Auto, false).expect("a request");
    let state = pending.state.expose();
    let at = |error: &str| {
        read_redirect(
            &format!("app:/cb?error={error}&error_description=no&state={state}"),
            &pending,
            &server(&json!({})),
        )
        .expect_err("refused")
    };
    assert_eq!(at("access_denied").code(), ErrorCode::AccessDenied);
    assert_eq!(at("server_error").code(), ErrorCode::ServerFailed);
    assert_eq!(at("invalid_scope").code(), ErrorCode::AuthorizationRefused);
    assert_eq!(at("invalid_scope").server_error().map(|said| said.error.as_str()), Some("invalid_scope"));
    let forged = read_redirect("app:/cb?error=access_denied&state=x", &pending, &server(&json!({})));
    assert_eq!(forged.expect_err("refused").code(), ErrorCode::StateMismatch);
}
