//! Refresh tokens.

use billfold_test_issuer::{AuthorizationServer, ClientAuth, Grant, OfferSpec, Options, Running, TestIssuer};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::client::*;

const ID: &str = "UniversityDegree_dc_sd_jwt";

async fn with(options: Options) -> Running {
    TestIssuer::start(Options { refresh_tokens: true, ..options }).await.expect("started")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a string")
}

/// The token answer to the main credential's code, for [`CLIENT`].
async fn tokens(issuer: &Running) -> Value {
    let code = code(issuer).await;
    post_form(&format!("{}/token", issuer.issuer()), &code_request(&code)).await.json()
}

async fn refresh_with(issuer: &Running, token: &Value, more: &[(&str, &str)], headers: &[(&str, &str)]) -> Answer {
    let fields = [&[("grant_type", "refresh_token"), ("refresh_token", text(token))], more].concat();
    post_form_with(&format!("{}/token", issuer.issuer()), headers, &fields).await
}

async fn refresh(issuer: &Running, token: &Value) -> Answer {
    refresh_with(issuer, token, &[("client_id", CLIENT)], &[]).await
}

/// Whether an access token gets past the first check.
async fn works(issuer: &Running, token: &Value) -> bool {
    request_credential(issuer, text(token), &json!({})).await.status == 400
}

#[tokio::test]
async fn none_unless_asked_for() {
    let issuer = TestIssuer::start(Options::default()).await.expect("started");
    assert!(tokens(&issuer).await.get("refresh_token").is_none());
    refresh(&issuer, &json!("x")).await.assert_refused("off", 400, "unsupported_grant_type");
    let listed = async |issuer: &Running| {
        let metadata = get(&format!("{}/.well-known/oauth-authorization-server", issuer.base())).await.json();
        metadata["grant_types_supported"].as_array().expect("grants").contains(&json!("refresh_token"))
    };
    assert!(!listed(&issuer).await);
    assert!(listed(&with(Options::default()).await).await);
}

#[tokio::test]
async fn a_new_access_token_gets_the_same_credential() {
    let issuer = with(Options { token_lifetime: 10, ..Options::default() }).await;
    let first = tokens(&issuer).await;
    assert_eq!(first["expires_in"], 10);
    issuer.advance_clock(11);
    assert!(!works(&issuer, &first["access_token"]).await);
    let second = refresh(&issuer, &first["refresh_token"]).await.json();
    assert_eq!((&second["scope"], &second["token_type"]), (&json!(ID), &json!("Bearer")));
    let mut proof = Proof::new(&issuer, Some(&nonce(&issuer).await));
    proof.claims["iat"] = json!(now() + 11);
    let body = json!({"credential_configuration_id": ID, "proofs": {"jwt": [proof.jwt()]}});
    let answer = request_credential(&issuer, text(&second["access_token"]), &body).await.json();
    assert!(answer["credentials"][0]["credential"].is_string());

    // A notification for it may come with a token got later.
    let third = refresh(&issuer, &second["refresh_token"]).await.json();
    let body = json!({"notification_id": answer["notification_id"], "event": "credential_accepted"});
    let bearer = format!("Bearer {}", text(&third["access_token"]));
    let headers = [("content-type", "application/json"), ("authorization", &*bearer)];
    let url = format!("{}/notification", issuer.issuer());
    assert_eq!(send(http::Method::POST, &url, &headers, body.to_string()).await.status, 204);
    let log = issuer.log();
    let kinds: Vec<_> = log.requests.iter().filter_map(|entry| entry.grant_type.as_deref()).collect();
    assert_eq!(kinds, ["authorization_code", "refresh_token", "refresh_token"]);
}

#[tokio::test]
async fn the_same_identifiers_and_less_on_demand() {
    let options = Options { credential_identifiers: true, identifiers_per_configuration: 2, ..Options::default() };
    let issuer = with(options).await;
    let spec = OfferSpec::new(Grant::PreAuthorized, "dc+sd-jwt").configurations(&[ID, "StudentCard_dc_sd_jwt"]);
    let first = redeem(&issuer, &issuer.make_offer(&spec).expect("made")).await;
    let second = refresh_with(&issuer, &first["refresh_token"], &[], &[]).await.json();
    assert_eq!(second["authorization_details"], first["authorization_details"]);
    assert_eq!(second["authorization_details"].as_array().map(Vec::len), Some(2));
    let one = json!([{"type": "openid_credential", "credential_configuration_id": ID}]).to_string();
    let more = [("authorization_details", &*one)];
    let third = refresh_with(&issuer, &second["refresh_token"], &more, &[]).await.json();
    assert_eq!(third["authorization_details"], json!([first["authorization_details"][0]]));
    let other = json!([{"type": "openid_credential", "credential_configuration_id": "UniversityDegree_jwt_vc_json"}]);
    let other = other.to_string();
    let more = [("authorization_details", &*other)];
    let answer = refresh_with(&issuer, &third["refresh_token"], &more, &[]).await;
    answer.assert_refused("never granted", 400, "invalid_authorization_details");
    let more = [("scope", ID)];
    let answer = refresh_with(&issuer, &third["refresh_token"], &more, &[]).await;
    answer.assert_refused("no scope granted", 400, "invalid_scope");
}

#[tokio::test]
async fn a_replaced_token_that_comes_again_ends_the_grant() {
    let issuer = with(Options::default()).await;
    let first = tokens(&issuer).await;
    let second = refresh(&issuer, &first["refresh_token"]).await.json();
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    assert!(works(&issuer, &first["access_token"]).await && works(&issuer, &second["access_token"]).await);
    assert_eq!(issuer.log().refresh_token_reuses, 0);
    refresh(&issuer, &first["refresh_token"]).await.assert_refused("replaced", 400, "invalid_grant");
    assert_eq!(issuer.log().refresh_token_reuses, 1);
    refresh(&issuer, &second["refresh_token"]).await.assert_refused("revoked", 400, "invalid_grant");
    assert!(!works(&issuer, &first["access_token"]).await && !works(&issuer, &second["access_token"]).await);
}

#[tokio::test]
async fn without_rotation_the_token_stays() {
    let issuer = with(Options { rotate_refresh_tokens: false, ..Options::default() }).await;
    let first = tokens(&issuer).await;
    for _ in 0..2 {
        let next = refresh(&issuer, &first["refresh_token"]).await.json();
        assert!(next.get("refresh_token").is_none());
        assert!(works(&issuer, &next["access_token"]).await);
    }
    issuer.advance_clock(31 * 24 * 3600);
    refresh(&issuer, &first["refresh_token"]).await.assert_refused("expired", 400, "invalid_grant");
}

#[tokio::test]
async fn a_code_that_comes_twice_revokes_the_refresh_token_too() {
    let issuer = with(Options::default()).await;
    let url = format!("{}/token", issuer.issuer());
    let code = code(&issuer).await;
    let first = post_form(&url, &code_request(&code)).await.json();
    post_form(&url, &code_request(&code)).await.assert_refused("again", 400, "invalid_grant");
    refresh(&issuer, &first["refresh_token"]).await.assert_refused("revoked", 400, "invalid_grant");
}

#[tokio::test]
async fn it_belongs_to_its_client_and_server() {
    let issuer = with(Options::default()).await;
    let token = tokens(&issuer).await["refresh_token"].clone();
    let answer = refresh_with(&issuer, &token, &[], &[]).await;
    answer.assert_refused("no client", 400, "invalid_request");
    let answer = refresh_with(&issuer, &token, &[("client_id", "other")], &[]).await;
    answer.assert_refused("another client", 400, "invalid_grant");
    refresh(&issuer, &json!("x")).await.assert_refused("unknown", 400, "invalid_grant");
    assert_eq!(refresh(&issuer, &token).await.status, 200, "none of this used it");

    let issuer = with(Options { authorization_server: AuthorizationServer::Two, ..Options::default() }).await;
    let offer = issuer.make_offer(&OfferSpec::new(Grant::PreAuthorized, "dc+sd-jwt")).expect("made");
    let fields = [("grant_type", PRE_AUTHORIZED), ("pre-authorized_code", text(&grant(&offer)["pre-authorized_code"]))];
    let first = post_form(&format!("{}/as2/token", issuer.base()), &fields).await.json();
    let fields = [("grant_type", "refresh_token"), ("refresh_token", text(&first["refresh_token"]))];
    let answer = post_form(&format!("{}/as1/token", issuer.base()), &fields).await;
    answer.assert_refused("another server", 400, "invalid_grant");
    assert_eq!(post_form(&format!("{}/as2/token", issuer.base()), &fields).await.status, 200);
}

#[tokio::test]
async fn it_is_bound_to_the_dpop_key() {
    let issuer = with(Options::default()).await;
    let url = format!("{}/token", issuer.issuer());
    let proof = |seed: u8, token: Option<&str>, url: &str| {
        let key = Key::new(seed);
        let mut claims = json!({"jti": unique(), "htm": "POST", "htu": url, "iat": now()});
        if let Some(token) = token {
            claims["ath"] = json!(b64(Sha256::digest(token)));
        }
        key.sign(&json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": key.jwk()}), &claims)
    };
    let code = code(&issuer).await;
    let first = post_form_with(&url, &[("dpop", &proof(21, None, &url))], &code_request(&code)).await.json();
    let client = [("client_id", CLIENT)];
    let token = &first["refresh_token"];
    refresh_with(&issuer, token, &client, &[]).await.assert_refused("no proof", 400, "invalid_grant");
    let answer = refresh_with(&issuer, token, &client, &[("dpop", &proof(22, None, &url))]).await;
    answer.assert_refused("another key", 400, "invalid_grant");
    let second = refresh_with(&issuer, token, &client, &[("dpop", &proof(21, None, &url))]).await.json();
    assert_eq!(second["token_type"], "DPoP");
    let token = text(&second["access_token"]);
    let endpoint = format!("{}/credential", issuer.issuer());
    let headers = [
        ("content-type", "application/json"),
        ("authorization", &*format!("DPoP {token}")),
        ("dpop", &*proof(21, Some(token), &endpoint)),
    ];
    let answer = send(http::Method::POST, &endpoint, &headers, "{}").await;
    answer.assert_refused("past the proof", 400, "invalid_credential_request");
}

#[tokio::test]
async fn it_is_bound_to_the_attested_key() {
    let issuer = with(Options { client_auth: ClientAuth::Attestation, ..Options::default() }).await;
    let offer = issuer.make_offer(&OfferSpec::new(Grant::PreAuthorized, "dc+sd-jwt")).expect("made");
    let fields = [("grant_type", PRE_AUTHORIZED), ("pre-authorized_code", text(&grant(&offer)["pre-authorized_code"]))];
    let shown = |seed: u8| {
        let key = Key::new(seed);
        let claims = json!({"iss": CLIENT, "aud": issuer.issuer(), "jti": unique(), "iat": now()});
        let pop = key.sign(&json!({"typ": "oauth-client-attestation-pop+jwt", "alg": "ES256"}), &claims);
        (issuer.attester().client_attestation(CLIENT, &key.jwk()), pop)
    };
    let headers = |shown: &(String, String)| {
        [("oauth-client-attestation", shown.0.clone()), ("oauth-client-attestation-pop", shown.1.clone())]
    };
    let ask = async |seed: u8, fields: &[(&str, &str)]| {
        let headers = headers(&shown(seed));
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        post_form_with(&format!("{}/token", issuer.issuer()), &headers, fields).await
    };
    let first = ask(31, &fields).await.json();
    let fields = [("grant_type", "refresh_token"), ("refresh_token", text(&first["refresh_token"]))];
    let url = format!("{}/token", issuer.issuer());
    post_form(&url, &fields).await.assert_refused("not authenticated", 401, "invalid_client");
    ask(32, &fields).await.assert_refused("another key", 400, "invalid_grant");
    assert_eq!(ask(31, &fields).await.status, 200);
}
