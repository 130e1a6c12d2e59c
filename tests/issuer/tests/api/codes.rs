//! Error codes on demand: each is answered in the form of its endpoint, and nothing is used up.

use billfold_test_issuer::{Decision, Fault, Grant, OfferSpec, Options, Place, Running, TestIssuer};
use http::Method;
use serde_json::{Value, json};

use crate::client::*;

const ID: &str = "UniversityDegree_dc_sd_jwt";

async fn start() -> Running {
    TestIssuer::start(Options { deferred_waits: Some(0), ..Options::default() }).await.expect("started")
}

fn codes_at(place: Place) -> Vec<(&'static str, String)> {
    let found: Vec<_> = Fault::refusals()
        .filter_map(|fault| match fault {
            Fault::Refuse(code, at) if at == place => Some((code, fault.to_string())),
            _ => None,
        })
        .collect();
    assert!(!found.is_empty());
    found
}

/// Status of a code in a JSON answer.
fn json_status(code: &str) -> u16 {
    match code {
        "invalid_client" => 401,
        "server_error" => 500,
        "temporarily_unavailable" => 503,
        _ => 400,
    }
}

#[track_caller]
fn assert_extras(answer: &Answer, code: &str) {
    assert_eq!(answer.headers.contains_key("dpop-nonce"), code == "use_dpop_nonce", "{code}");
    let challenge = "oauth-client-attestation-challenge";
    assert_eq!(answer.headers.contains_key(challenge), code == "use_attestation_challenge", "{code}");
}

#[tokio::test]
async fn names_hold_codes_of_every_specification() {
    for name in [
        "invalid-request-at-par",
        "use-attestation-challenge-at-par",
        "invalid-dpop-proof-at-par",
        "interaction-required-at-authorize",
        "login-required-at-authorize",
        "invalid-grant-at-token",
        "invalid-tx-code-at-token",
        "slow-down-at-token",
        "authorization-pending-at-token",
        "use-fresh-attestation-at-token",
        "use-dpop-nonce-at-token",
        "invalid-nonce-at-credential",
        "use-dpop-nonce-at-credential",
        "issuance-pending-at-deferred",
        "invalid-token-at-notification",
    ] {
        assert!(name.parse::<Fault>().is_ok(), "{name}");
    }
    assert!("invalid-grant-at-par".parse::<Fault>().is_err());
}

#[tokio::test]
async fn at_the_push() {
    let issuer = start().await;
    let challenge = challenge();
    let fields = authorization_request(&challenge, ID);
    let url = format!("{}/par", issuer.issuer());
    for (code, name) in codes_at(Place::Par) {
        issuer.set_fault_times(&name, 1).expect("known");
        let answer = post_form(&url, &fields).await;
        answer.assert_refused(&name, json_status(code), code);
        assert_extras(&answer, code);
        assert_eq!(post_form(&url, &fields).await.status, 201, "{name}");
    }
}

#[tokio::test]
async fn at_the_authorization_endpoint() {
    let issuer = start().await;
    let challenge = challenge();
    let url = authorize_url(&issuer, &authorization_request(&challenge, ID));
    for (code, name) in codes_at(Place::Authorize) {
        issuer.set_fault_times(&name, 1).expect("known");
        let answer = get(&url).await;
        assert_eq!(answer.status, 302, "{name}");
        let query = query_of(answer.header("location"));
        assert_eq!((&query["error"], &query["state"]), (&json!(code), &json!("s-1")), "{name}");
        assert_eq!(query["iss"], issuer.issuer());
        assert!(query.get("code").is_none() && query["error_description"].is_string());
        assert_eq!(get(&url).await.status, 200, "{name}");
    }
}

#[tokio::test]
async fn at_the_token_endpoint() {
    let issuer = start().await;
    let url = format!("{}/token", issuer.issuer());
    for (code, name) in codes_at(Place::Token) {
        let offer = issuer.make_offer(&OfferSpec::new(Grant::PreAuthorized, "dc+sd-jwt")).expect("made");
        let value = grant(&offer)["pre-authorized_code"].as_str().expect("a code");
        let fields = [("grant_type", PRE_AUTHORIZED), ("pre-authorized_code", value)];
        issuer.set_fault_times(&name, 1).expect("known");
        let answer = post_form(&url, &fields).await;
        answer.assert_refused(&name, json_status(code), code);
        assert_extras(&answer, code);
        assert_eq!(post_form(&url, &fields).await.status, 200, "{name}");
    }
}

#[tokio::test]
async fn at_the_nonce_endpoint() {
    let issuer = start().await;
    let url = format!("{}/nonce", issuer.issuer());
    for (code, name) in codes_at(Place::Nonce) {
        issuer.set_fault_times(&name, 1).expect("known");
        send(Method::POST, &url, &[], "").await.assert_refused(&name, json_status(code), code);
        assert_eq!(send(Method::POST, &url, &[], "").await.status, 200);
    }
}

/// Checks a refusal of an endpoint that takes an access token.
#[track_caller]
fn assert_protected(answer: &Answer, name: &str, code: &str) {
    assert_extras(answer, code);
    let challenge = answer.header("www-authenticate");
    let (status, scheme) = match code {
        "use_dpop_nonce" | "invalid_dpop_proof" => (401, "DPoP"),
        "invalid_token" => (401, "Bearer"),
        "insufficient_scope" => (403, "Bearer"),
        "invalid_request" => (400, "Bearer"),
        _ => {
            assert!(challenge.is_empty(), "{name}: {challenge}");
            return answer.assert_refused(name, json_status(code), code);
        }
    };
    assert_eq!(answer.status, status, "{name}");
    assert!(challenge.starts_with(&format!("{scheme} ")), "{name}: {challenge}");
    assert!(challenge.contains(&format!("error=\"{code}\"")), "{name}: {challenge}");
    assert_eq!(answer.body.is_empty(), scheme == "DPoP", "{name}");
}

#[tokio::test]
async fn at_the_endpoints_that_take_a_token() {
    let issuer = start().await;
    let token = token_for(&issuer, &[ID]).await;
    let bearer = format!("Bearer {token}");
    let headers = [("content-type", "application/json"), ("authorization", &*bearer)];
    let ask = async |endpoint: &str, body: &Value| {
        send(Method::POST, &format!("{}/{endpoint}", issuer.issuer()), &headers, body.to_string()).await
    };
    let proof = Proof::new(&issuer, Some(&nonce(&issuer).await));
    let body = json!({"credential_configuration_id": ID, "proofs": {"jwt": [proof.jwt()]}});
    for (code, name) in codes_at(Place::Credential) {
        issuer.set_fault_times(&name, 1).expect("known");
        assert_protected(&ask("credential", &body).await, &name, code);
    }
    let waiting = ask("credential", &body).await;
    assert_eq!(waiting.status, 202, "the nonce is still good");
    let body = json!({"transaction_id": waiting.json()["transaction_id"]});
    for (code, name) in codes_at(Place::Deferred) {
        issuer.set_fault_times(&name, 1).expect("known");
        assert_protected(&ask("deferred", &body).await, &name, code);
    }
    let answer = ask("deferred", &body).await;
    assert_eq!(answer.status, 200, "the transaction is still there");
    let body = json!({"notification_id": answer.json()["notification_id"], "event": "credential_accepted"});
    for (code, name) in codes_at(Place::Notification) {
        issuer.set_fault_times(&name, 1).expect("known");
        assert_protected(&ask("notification", &body).await, &name, code);
    }
    assert_eq!(ask("notification", &body).await.status, 204);
    assert_eq!(issuer.log().notifications.len(), 1);
}

#[tokio::test]
async fn a_nonce_or_challenge_that_came_with_a_refusal_is_good() {
    let issuer = start().await;
    let url = format!("{}/token", issuer.issuer());
    issuer.set_fault_times("use-dpop-nonce-at-token", 1).expect("known");
    let code = code(&issuer).await;
    let refused = post_form(&url, &code_request(&code)).await;
    let key = Key::new(21);
    let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": key.jwk()});
    let claims = |nonce: &str| json!({"jti": unique(), "htm": "POST", "htu": url, "iat": now(), "nonce": nonce});
    let guess = key.sign(&header, &claims("guess"));
    let answer = post_form_with(&url, &[("dpop", &guess)], &code_request(&code)).await;
    answer.assert_refused("a nonce that nobody gave", 400, "use_dpop_nonce");
    let proof = key.sign(&header, &claims(refused.header("dpop-nonce")));
    let answer = post_form_with(&url, &[("dpop", &proof)], &code_request(&code)).await;
    assert_eq!(answer.json()["token_type"], "DPoP");
}

#[tokio::test]
async fn pushed_requests_can_be_made_to_expire() {
    let issuer = TestIssuer::start(Options { par_lifetime: 5, ..Options::default() }).await.expect("started");
    let challenge = challenge();
    let push = async || {
        let answer =
            post_form(&format!("{}/par", issuer.issuer()), &authorization_request(&challenge, ID)).await.json();
        assert_eq!(answer["expires_in"], 5);
        let uri = answer["request_uri"].as_str().expect("pushed");
        authorize_url(&issuer, &[("client_id", CLIENT), ("request_uri", uri)])
    };
    let url = push().await;
    issuer.advance_clock(6);
    assert_eq!(get(&url).await.status, 400);
    issuer.set_fault_times("expired-request-uri", 1).expect("known");
    let answer = get(&push().await).await;
    assert_eq!(answer.status, 400);
    assert!(String::from_utf8_lossy(&answer.body).contains("invalid_request_uri"));
    assert!(redirect_of(&issuer, &push().await, Decision::Allow).await["code"].is_string());
}
