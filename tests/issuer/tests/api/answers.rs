//! What can be wrong about the answers of the credential, deferred, notification and nonce endpoints.

use billfold_test_issuer::{Fault, Options, Place, Running, TestIssuer};
use http::Method;
use serde_json::{Value, json};

use crate::client::*;

const ID: &str = "UniversityDegree_dc_sd_jwt";

async fn start(deferred_waits: Option<u32>) -> Running {
    TestIssuer::start(Options { deferred_waits, ..Options::default() }).await.expect("started")
}

/// A request with a proof for each seed.
async fn ask(issuer: &Running, token: &str, seeds: &[u8]) -> Answer {
    let nonce = nonce(issuer).await;
    let proofs: Vec<String> = seeds.iter().map(|seed| Proof::with_key(issuer, Some(&nonce), *seed).jwt()).collect();
    request_credential(issuer, token, &json!({"credential_configuration_id": ID, "proofs": {"jwt": proofs}})).await
}

/// The seeds of the keys that the credentials of an answer are bound to.
fn bound_to(answer: &Answer) -> Vec<u8> {
    assert_eq!(answer.status, 200);
    let answer = answer.json();
    let seed_of = |entry: &Value| {
        let (_, claims) = decode(entry["credential"].as_str().expect("text"));
        (1..10).find(|seed| claims["cnf"]["jwk"] == Key::new(*seed).jwk()).expect("a known key")
    };
    answer["credentials"].as_array().expect("credentials").iter().map(seed_of).collect()
}

async fn post(issuer: &Running, endpoint: &str, token: &str, body: &Value) -> Answer {
    let headers = [("content-type", "application/json"), ("authorization", &*format!("Bearer {token}"))];
    send(Method::POST, &format!("{}/{endpoint}", issuer.issuer()), &headers, body.to_string()).await
}

#[tokio::test]
async fn batches() {
    let issuer = start(None).await;
    let token = token_for(&issuer, &[ID]).await;
    for (fault, three, one) in [
        ("fewer-credentials", vec![1, 2], vec![1]),
        ("shuffled-credentials", vec![2, 3, 1], vec![1]),
        ("same-key-twice", vec![1, 2, 1], vec![1, 1]),
    ] {
        issuer.set_fault(fault).expect("a known name");
        assert_eq!(bound_to(&ask(&issuer, &token, &[1, 2, 3]).await), three, "{fault}");
        assert_eq!(bound_to(&ask(&issuer, &token, &[1]).await), one, "{fault}");
        issuer.clear_faults();
        assert_eq!(bound_to(&ask(&issuer, &token, &[1, 2, 3]).await), [1, 2, 3], "{fault} is off");
    }
}

#[tokio::test]
async fn shapes() {
    let issuer = start(None).await;
    let token = token_for(&issuer, &[ID]).await;
    let with = async |fault: &str| {
        issuer.clear_faults();
        issuer.set_fault(fault).expect("a known name");
        let answer = ask(&issuer, &token, &[1]).await;
        assert_eq!(answer.status, 200);
        answer.json()
    };
    assert!(with("bare-credentials").await["credentials"][0].is_string());
    let answer = with("unknown-members").await;
    assert!(answer["something_new"].is_string() && answer["credentials"][0]["something_new"].is_object());
    assert!(answer["credentials"][0]["credential"].is_string());
    let answer = with("both-answer").await;
    assert!(answer["credentials"].is_array() && answer["transaction_id"].is_string() && answer["interval"] == 1);
    let answer = with("neither-answer").await;
    assert!(answer.get("credentials").is_none() && answer.get("transaction_id").is_none());
}

#[tokio::test]
async fn putting_off() {
    let issuer = start(Some(9)).await;
    let token = token_for(&issuer, &[ID]).await;
    issuer.set_fault("interval-zero").expect("a known name");
    let answer = ask(&issuer, &token, &[1]).await;
    assert_eq!((answer.status, &answer.json()["interval"]), (202, &json!(0)));
    let id = answer.json()["transaction_id"].clone();
    let again = async || post(&issuer, "deferred", &token, &json!({"transaction_id": id})).await;
    assert_eq!(again().await.json(), json!({"transaction_id": id, "interval": 0}));
    issuer.clear_faults();
    issuer.set_fault("missing-interval").expect("a known name");
    assert_eq!(again().await.json(), json!({"transaction_id": id}));
    issuer.clear_faults();
    issuer.set_fault("changed-transaction-id").expect("a known name");
    let other = again().await.json()["transaction_id"].clone();
    assert_ne!(other, id);
    post(&issuer, "deferred", &token, &json!({"transaction_id": other})).await.assert_refused(
        "the other",
        400,
        "invalid_transaction_id",
    );
    issuer.clear_faults();
    assert_eq!(again().await.json()["transaction_id"], id);

    issuer.set_fault("hidden-deferred-endpoint").expect("a known name");
    let metadata = get(&format!("{}/.well-known/openid-credential-issuer", issuer.base())).await.json();
    assert!(metadata.get("deferred_credential_endpoint").is_none());
    assert_eq!(ask(&issuer, &token, &[1]).await.status, 202);
}

#[tokio::test]
async fn notifications() {
    let issuer = start(None).await;
    let token = token_for(&issuer, &[ID]).await;
    let id = ask(&issuer, &token, &[1]).await.json()["notification_id"].clone();
    let body = json!({"notification_id": id, "event": "credential_accepted"});
    issuer.set_fault("notification-body").expect("a known name");
    let answer = post(&issuer, "notification", &token, &body).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"taken": true})));
    issuer.clear_faults();
    let answer = post(&issuer, "notification", &token, &body).await;
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    assert_eq!(issuer.log().notifications, [body.clone(), body]);
}

#[tokio::test]
async fn every_code_at_the_protected_endpoints() {
    let issuer = start(Some(9)).await;
    let token = token_for(&issuer, &[ID]).await;
    let ours = [Place::Credential, Place::Deferred, Place::Notification, Place::Nonce];
    let mut seen = 0;
    for fault in Fault::refusals() {
        let Fault::Refuse(code, place) = fault else { panic!("{fault} is a refusal") };
        if !ours.contains(&place) || code.contains("dpop") {
            continue;
        }
        issuer.set_fault(&fault.to_string()).expect("a known name");
        let answer = match place {
            Place::Nonce => send(Method::POST, &format!("{}/nonce", issuer.issuer()), &[], "").await,
            Place::Credential => post(&issuer, "credential", &token, &json!({})).await,
            Place::Deferred => post(&issuer, "deferred", &token, &json!({})).await,
            _ => post(&issuer, "notification", &token, &json!({})).await,
        };
        issuer.clear_faults();
        let bearer =
            ["invalid_token", "insufficient_scope", "invalid_request"].contains(&code) && place != Place::Nonce;
        let status = match code {
            "invalid_token" => 401,
            "insufficient_scope" => 403,
            "server_error" => 500,
            "temporarily_unavailable" => 503,
            _ => 400,
        };
        answer.assert_refused(&fault.to_string(), status, code);
        let challenge = answer.header("www-authenticate");
        assert_eq!(challenge.contains(&format!("error=\"{code}\"")), bearer, "{fault}: {challenge}");
        seen += 1;
    }
    assert!(seen > 30, "{seen}");
}

#[tokio::test]
async fn a_challenge_may_have_no_body() {
    let issuer = start(None).await;
    let token = token_for(&issuer, &[ID]).await;
    for fault in ["bare-challenge", "insufficient-scope-at-credential"] {
        issuer.set_fault(fault).expect("a known name");
    }
    let answer = post(&issuer, "credential", &token, &json!({})).await;
    assert_eq!((answer.status, answer.body.len(), answer.header("content-type")), (403, 0, ""));
    assert!(answer.header("www-authenticate").contains("error=\"insufficient_scope\""));
}

#[tokio::test]
async fn a_refusal_may_bring_a_nonce() {
    let issuer = start(None).await;
    let token = token_for(&issuer, &[ID]).await;
    issuer.set_fault("nonce-in-refusal").expect("a known name");
    let with = async |nonce: &str| {
        let proof = Proof::new(&issuer, Some(nonce)).jwt();
        let body = json!({"credential_configuration_id": ID, "proofs": {"jwt": [proof]}});
        request_credential(&issuer, &token, &body).await
    };
    let answer = with("x").await;
    answer.assert_refused("unknown nonce", 400, "invalid_nonce");
    assert_eq!(answer.json()["c_nonce_expires_in"], 300);
    assert_eq!(with(answer.json()["c_nonce"].as_str().expect("a nonce")).await.status, 200);
    issuer.clear_faults();
    assert!(with("x").await.json().get("c_nonce").is_none());

    let issuer = start(Some(1)).await;
    issuer.set_fault("issuance-pending-at-deferred").expect("a known name");
    let token = token_for(&issuer, &[ID]).await;
    assert_eq!(post(&issuer, "deferred", &token, &json!({})).await.json()["interval"], 1);
}
