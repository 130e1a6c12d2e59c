//! The authorization endpoint, pushed requests and the sign-in page.

use billfold_test_issuer::{Client, Decision, Grant, OfferSpec, Options, Par, Running, TestIssuer, sign_in};
use serde_json::json;

use crate::client::*;

const SCOPE: &str = "UniversityDegree_dc_sd_jwt";

async fn start() -> Running {
    TestIssuer::start(Options::default()).await.expect("started")
}

/// The fields of a legal request with one of them replaced, added (if new) or removed.
fn changed<'a>(challenge: &'a str, name: &'static str, value: Option<&'a str>) -> Vec<(&'static str, &'a str)> {
    let mut fields = authorization_request(challenge, SCOPE);
    fields.retain(|(known, _)| *known != name);
    fields.extend(value.map(|value| (name, value)));
    fields
}

const DETAILS: &str = r#"[{"type":"openid_credential","credential_configuration_id":"StudentCard_dc_sd_jwt"}]"#;

#[tokio::test]
async fn errors_that_go_back_by_redirect_or_in_the_answer_to_a_push() {
    let issuer = start().await;
    let challenge = challenge();
    let cases = [
        ("response_type", None, "invalid_request"),
        ("response_type", Some("token"), "unsupported_response_type"),
        ("response_mode", Some("form_post"), "invalid_request"),
        ("code_challenge", None, "invalid_request"),
        ("code_challenge", Some("short"), "invalid_request"),
        ("code_challenge_method", None, "invalid_request"),
        ("code_challenge_method", Some("plain"), "invalid_request"),
        ("scope", None, "invalid_request"),
        ("scope", Some("unknown"), "invalid_scope"),
        ("resource", Some("http://elsewhere.example"), "invalid_target"),
        ("issuer_state", Some("unknown"), "invalid_request"),
        ("request", Some("e30.e30."), "request_not_supported"),
        ("authorization_details", Some("{}"), "invalid_authorization_details"),
        ("authorization_details", Some("[]"), "invalid_authorization_details"),
        ("authorization_details", Some(r#"[{"type":"other"}]"#), "invalid_authorization_details"),
        (
            "authorization_details",
            Some(r#"[{"type":"openid_credential","credential_configuration_id":"x"}]"#),
            "invalid_authorization_details",
        ),
        (
            "authorization_details",
            Some(r#"[{"type":"openid_credential","format":"dc+sd-jwt","vct":"x"}]"#),
            "invalid_authorization_details",
        ),
        (
            "authorization_details",
            Some(
                r#"[{"type":"openid_credential","credential_configuration_id":"StudentCard_dc_sd_jwt","claims":[{"path":[]}]}]"#,
            ),
            "invalid_authorization_details",
        ),
    ];
    for (name, value, error) in cases {
        let fields = changed(&challenge, name, value);
        let case = format!("{name}={value:?}");
        let answer = get(&authorize_url(&issuer, &fields)).await;
        assert_eq!(answer.status, 302, "{case}");
        let redirect = query_of(answer.header("location"));
        assert_eq!(redirect["error"], error, "{case}");
        assert_eq!(redirect["state"], "s-1", "{case}");
        assert_eq!(redirect["iss"], issuer.issuer(), "{case}");
        assert!(redirect.get("code").is_none(), "{case}");
        post_form(&format!("{}/par", issuer.issuer()), &fields).await.assert_refused(&case, 400, error);
    }
}

#[tokio::test]
async fn errors_that_must_not_be_redirected() {
    let issuer = start().await;
    let challenge = challenge();
    for (name, value) in [
        ("client_id", None),
        ("redirect_uri", None),
        ("redirect_uri", Some("https://elsewhere.example/callback")),
        ("redirect_uri", Some("http://127.0.0.1.example/callback")),
        ("redirect_uri", Some("javascript:alert(1)")),
        ("redirect_uri", Some("http://127.0.0.1/callback#part")),
        ("redirect_uri", Some("callback")),
        ("request_uri", Some("urn:ietf:params:oauth:request_uri:unknown")),
    ] {
        let fields = changed(&challenge, name, value);
        let answer = get(&authorize_url(&issuer, &fields)).await;
        assert_eq!(answer.status, 400, "{name}={value:?}");
        assert!(answer.headers.get("location").is_none(), "{name}={value:?}");
        assert!(answer.header("content-type").starts_with("text/html"));
    }
    let mut twice = authorization_request(&challenge, SCOPE);
    twice.push(("state", "s-2"));
    assert_eq!(get(&authorize_url(&issuer, &twice)).await.status, 400);
}

#[tokio::test]
async fn private_use_schemes_are_redirected_to_as_they_came() {
    let issuer = start().await;
    let challenge = challenge();
    for uri in ["com.example.wallet:/callback", "com.example.wallet://callback?x=1", "http://[::1]:1"] {
        let fields = changed(&challenge, "redirect_uri", Some(uri));
        let url = authorize_url(&issuer, &fields);
        let location = sign_in(&url, issuer.login(), Decision::Allow).await.expect("a redirect");
        assert!(location.starts_with(uri), "{location}");
        assert!(query_of(&location)["code"].is_string());
    }
}

#[tokio::test]
async fn a_pushed_request_is_used_once_soon_and_alone() {
    let issuer = start().await;
    let challenge = challenge();
    let push = async || {
        let answer = post_form(&format!("{}/par", issuer.issuer()), &authorization_request(&challenge, SCOPE)).await;
        answer.json()["request_uri"].as_str().expect("a request_uri").to_owned()
    };
    let show = async |fields: &[(&str, &str)]| get(&authorize_url(&issuer, fields)).await.status;

    let uri = push().await;
    assert_eq!(show(&[("client_id", "other"), ("request_uri", &uri)]).await, 400);
    assert_eq!(show(&[("client_id", CLIENT), ("request_uri", &uri), ("state", "s-1")]).await, 400);
    assert_eq!(show(&[("request_uri", &uri)]).await, 400);
    assert_eq!(show(&[("client_id", CLIENT), ("request_uri", &uri)]).await, 200);
    assert_eq!(show(&[("client_id", CLIENT), ("request_uri", &uri)]).await, 400);
    let uri = push().await;
    issuer.advance_clock(61);
    assert_eq!(show(&[("client_id", CLIENT), ("request_uri", &uri)]).await, 400);

    let mut fields = authorization_request(&challenge, SCOPE);
    fields.push(("request_uri", "urn:x"));
    let answer = post_form(&format!("{}/par", issuer.issuer()), &fields).await;
    answer.assert_refused("request_uri in a push", 400, "invalid_request");
}

#[tokio::test]
async fn par_can_be_required_or_absent() {
    let challenge = challenge();
    let issuer = TestIssuer::start(Options { par: Par::Required, ..Options::default() }).await.expect("started");
    let metadata = format!("{}/.well-known/oauth-authorization-server", issuer.base());
    assert_eq!(get(&metadata).await.json()["require_pushed_authorization_requests"], true);
    assert_eq!(get(&authorize_url(&issuer, &authorization_request(&challenge, SCOPE))).await.status, 400);

    let issuer = TestIssuer::start(Options { par: Par::Off, ..Options::default() }).await.expect("started");
    let metadata = format!("{}/.well-known/oauth-authorization-server", issuer.base());
    assert!(get(&metadata).await.json().get("pushed_authorization_request_endpoint").is_none());
    let answer = post_form(&format!("{}/par", issuer.issuer()), &authorization_request(&challenge, SCOPE)).await;
    assert_eq!(answer.status, 404);
}

#[tokio::test]
async fn the_user_can_mistype_and_say_no() {
    let issuer = start().await;
    let challenge = challenge();
    let url = authorize_url(&issuer, &authorization_request(&challenge, SCOPE));
    let page = get(&url).await;
    let text = String::from_utf8(page.body).expect("UTF-8");
    assert!(text.contains("<form") && text.contains("University Degree") && text.contains(CLIENT), "{text}");

    let wrong = billfold_test_issuer::Login { password: "guess".into(), ..issuer.login().clone() };
    let error = sign_in(&url, &wrong, Decision::Allow).await.expect_err("no redirect");
    assert!(error.to_string().contains("Wrong user name or password"), "{error}");

    let redirect = redirect_of(&issuer, &url, Decision::Deny).await;
    assert_eq!((&redirect["error"], &redirect["state"]), (&json!("access_denied"), &json!("s-1")));
}

#[tokio::test]
async fn codes_expire() {
    let issuer = start().await;
    let code = code(&issuer).await;
    issuer.advance_clock(61);
    let answer = post_form(&format!("{}/token", issuer.issuer()), &code_request(&code)).await;
    answer.assert_refused("expired", 400, "invalid_grant");
}

#[tokio::test]
async fn issuer_state_has_to_be_alive() {
    let issuer = start().await;
    let spec = OfferSpec { expires_in: Some(10), ..OfferSpec::new(Grant::Code, "dc+sd-jwt") };
    let offer = issuer.make_offer(&spec).expect("made");
    let state = grant(&offer)["issuer_state"].as_str().expect("a state");
    let challenge = challenge();
    let url = authorize_url(&issuer, &changed(&challenge, "issuer_state", Some(state)));
    assert_eq!(get(&url).await.status, 200);
    issuer.advance_clock(11);
    assert_eq!(get(&url).await.status, 302);
}

#[tokio::test]
async fn strict_clients_have_to_be_registered() {
    let clients = vec![Client {
        id: "known".into(),
        redirect_uris: vec!["http://127.0.0.1/callback".into(), "https://wallet.example/cb".into()],
    }];
    let options = Options { strict_clients: true, clients, ..Options::default() };
    let issuer = TestIssuer::start(options).await.expect("started");
    assert_eq!(issuer.offers()[0].args, ["--client-id", "known"]);
    let challenge = challenge();
    for (client, redirect, status) in [
        ("known", "http://127.0.0.1:4711/callback", 200),
        ("known", "https://wallet.example/cb", 200),
        ("known", "http://127.0.0.1:4711/other", 400),
        ("known", "https://wallet.example/cb/", 400),
        ("unknown", "http://127.0.0.1:4711/callback", 400),
    ] {
        let mut fields = changed(&challenge, "client_id", Some(client));
        fields.retain(|(name, _)| *name != "redirect_uri");
        fields.push(("redirect_uri", redirect));
        assert_eq!(get(&authorize_url(&issuer, &fields)).await.status, status, "{client} {redirect}");
    }
}

#[tokio::test]
async fn a_separate_server_wants_locations() {
    let options =
        Options { authorization_server: billfold_test_issuer::AuthorizationServer::Path, ..Options::default() };
    let issuer = TestIssuer::start(options).await.expect("started");
    let challenge = challenge();
    let url = format!("{}/as/par", issuer.base());
    let fields = changed(&challenge, "authorization_details", Some(DETAILS));
    post_form(&url, &fields).await.assert_refused("none", 400, "invalid_authorization_details");
    let mut details: serde_json::Value = serde_json::from_str(DETAILS).expect("JSON");
    details[0]["locations"] = json!([issuer.issuer()]);
    let details = details.to_string();
    assert_eq!(post_form(&url, &changed(&challenge, "authorization_details", Some(&details))).await.status, 201);
}

#[tokio::test]
async fn unknown_scope_values_are_ignored_beside_known_ones() {
    let issuer = start().await;
    let challenge = challenge();
    let scope = format!("openid {SCOPE} UniversityDegree_jwt_vc_json");
    let url = authorize_url(&issuer, &changed(&challenge, "scope", Some(&scope)));
    let redirect = redirect_of(&issuer, &url, Decision::Allow).await;
    let code = redirect["code"].as_str().expect("a code");
    let token = post_form(&format!("{}/token", issuer.issuer()), &code_request(code)).await.json();
    assert_eq!(token["scope"], format!("{SCOPE} UniversityDegree_jwt_vc_json"));
}
