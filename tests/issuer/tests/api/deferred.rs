//! Credentials that come later.

use billfold_test_issuer::{Options, Running, TestIssuer};
use http::Method;
use serde_json::{Value, json};

use crate::client::*;

const ID: &str = "UniversityDegree_dc_sd_jwt";

async fn start() -> Running {
    TestIssuer::start(Options { deferred_waits: Some(1), ..Options::default() }).await.expect("started")
}

async fn put_off(issuer: &Running, token: &str) -> String {
    let proof = Proof::new(issuer, Some(&nonce(issuer).await));
    let body = json!({"credential_configuration_id": ID, "proofs": {"jwt": [proof.jwt()]}});
    let answer = request_credential(issuer, token, &body).await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.header("cache-control"), "no-store");
    let answer = answer.json();
    assert_eq!(answer["interval"], 1);
    assert!(answer.get("credentials").is_none());
    answer["transaction_id"].as_str().expect("an id").to_owned()
}

async fn ask(issuer: &Running, token: &str, body: &Value) -> Answer {
    let headers = [("content-type", "application/json"), ("authorization", &*format!("Bearer {token}"))];
    send(Method::POST, &format!("{}/deferred", issuer.issuer()), &headers, body.to_string()).await
}

#[tokio::test]
async fn it_comes_after_the_waiting_and_once() {
    let issuer = start().await;
    let metadata = get(&format!("{}/.well-known/openid-credential-issuer", issuer.base())).await.json();
    assert_eq!(metadata["deferred_credential_endpoint"], format!("{}/deferred", issuer.issuer()));
    let token = token_for(&issuer, &[ID]).await;
    let id = put_off(&issuer, &token).await;
    let body = json!({"transaction_id": id});
    let answer = ask(&issuer, &token, &body).await;
    assert_eq!((answer.status, answer.json()), (202, json!({"transaction_id": id, "interval": 1})));
    let answer = ask(&issuer, &token, &body).await;
    assert_eq!(answer.status, 200);
    let answer = answer.json();
    let (_, claims) = decode(answer["credentials"][0]["credential"].as_str().expect("text"));
    assert_eq!(claims["cnf"]["jwk"], Key::new(7).jwk());
    assert!(answer["notification_id"].is_string() && answer.get("transaction_id").is_none());
    ask(&issuer, &token, &body).await.assert_refused("again", 400, "invalid_transaction_id");
}

#[tokio::test]
async fn refusals() {
    let issuer = start().await;
    let token = token_for(&issuer, &[ID]).await;
    let id = put_off(&issuer, &token).await;
    let malformed = "invalid_credential_request";
    for (case, error, body) in [
        ("no id", malformed, json!({})),
        ("id a number", malformed, json!({"transaction_id": 1})),
        ("unknown member", malformed, json!({"transaction_id": id, "x": 1})),
        ("unknown id", "invalid_transaction_id", json!({"transaction_id": "x"})),
        (
            "encryption",
            "invalid_encryption_parameters",
            json!({"transaction_id": id, "credential_response_encryption": {}}),
        ),
    ] {
        ask(&issuer, &token, &body).await.assert_refused(case, 400, error);
    }
    let body = json!({"transaction_id": id});
    ask(&issuer, "x", &body).await.assert_refused("no such token", 401, "invalid_token");
    let other = token_for(&issuer, &["StudentCard_dc_sd_jwt"]).await;
    ask(&issuer, &other, &body).await.assert_refused("token for another", 400, "invalid_transaction_id");

    issuer.set_fault("credential-denied").expect("a known name");
    ask(&issuer, &token, &body).await.assert_refused("denied", 400, "credential_request_denied");
    issuer.clear_faults();
    ask(&issuer, &token, &body).await.assert_refused("after that", 400, "invalid_transaction_id");
}

#[tokio::test]
async fn it_is_off_by_default() {
    let issuer = TestIssuer::start(Options::default()).await.expect("started");
    let metadata = get(&format!("{}/.well-known/openid-credential-issuer", issuer.base())).await.json();
    assert!(metadata.get("deferred_credential_endpoint").is_none());
    assert_eq!(ask(&issuer, "x", &json!({})).await.status, 404);
}
