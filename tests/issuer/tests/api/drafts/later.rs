//! Credentials that come later, and notifications.

use billfold_test_issuer::{Options, Running};
use http::Method;
use serde_json::{Value, json};

use super::wallet::*;
use crate::client::*;

const ID: &str = "UniversityDegree_jwt_vc_json";

async fn start_deferred(draft: u8) -> Running {
    start_with(draft, Options { deferred_waits: Some(2), ..Options::default() }).await
}

/// Asks for a credential that is put off; the answer.
async fn put_off(draft: u8, issuer: &Running) -> (Got, Answer) {
    let (got, entry) = got_for(draft, issuer, ID).await;
    let jwt = proof_for(issuer, &entry, Some(&got.next_nonce(issuer).await), 7);
    let answer = request_credential(issuer, &got.token, &request(draft, &entry, ID, None, &jwt)).await;
    (got, answer)
}

#[tokio::test]
async fn an_acceptance_token_stands_for_everything() {
    let issuer = start_deferred(11).await;
    let url = text(&metadata(&issuer).await, "deferred_credential_endpoint").to_owned();
    let (got, answer) = put_off(11, &issuer).await;
    assert_eq!(answer.status, 200);
    let answer = answer.json();
    assert_eq!(names(&answer), ["acceptance_token", "c_nonce", "c_nonce_expires_in"]);
    let token = text(&answer, "acceptance_token").to_owned();
    let ask = async |scheme: &str, token: &str, body: &'static str| {
        let header = format!("{scheme} {token}");
        send(Method::POST, &url, &[("authorization", &header)], body).await
    };
    ask("Bearer", &got.token, "").await.assert_refused("the access token", 401, "invalid_token");
    ask("DPoP", &token, "").await.assert_refused("another scheme", 401, "invalid_token");
    ask("BEARER", &token, "{}").await.assert_refused("a body", 400, "invalid_request");
    for _ in 0..2 {
        let pending = ask("BEARER", &token, "").await;
        assert_eq!((pending.status, names(&pending.json())), (200, vec!["acceptance_token"]));
    }
    let ready = ask("BEARER", &token, "").await;
    assert_eq!(ready.status, 200);
    let ready = ready.json();
    assert_eq!(names(&ready), ["credential", "format"]);
    assert_eq!(ready["format"], "jwt_vc_json");
    ask("BEARER", &token, "").await.assert_refused("used", 401, "invalid_token");
}

#[tokio::test]
async fn a_transaction_id_is_pending_until_it_is_there() {
    for draft in 12..=15 {
        let issuer = start_deferred(draft).await;
        let url = text(&metadata(&issuer).await, "deferred_credential_endpoint").to_owned();
        let (got, answer) = put_off(draft, &issuer).await;
        assert_eq!(answer.status, 202);
        let answer = answer.json();
        let expected: &[_] =
            if draft <= 14 { &["c_nonce", "c_nonce_expires_in", "transaction_id"] } else { &["transaction_id"] };
        assert_eq!(names(&answer), expected, "{draft}");
        let body = json!({"transaction_id": answer["transaction_id"]});
        let ask = async |body: &Value| post_json(&url, &got.token, body).await;
        for (case, body) in [("nothing", json!({})), ("more", json!({"transaction_id": "x", "acceptance_token": "y"}))]
        {
            ask(&body).await.assert_refused(case, 400, "invalid_credential_request");
        }
        ask(&json!({"transaction_id": "x"})).await.assert_refused("unknown", 400, "invalid_transaction_id");
        for _ in 0..2 {
            let pending = ask(&body).await;
            pending.assert_refused("pending", 400, "issuance_pending");
            assert_eq!(pending.json()["interval"], 1);
            assert!(pending.json().get("c_nonce").is_none());
        }
        let ready = ask(&body).await;
        assert_eq!(ready.status, 200);
        let ready = ready.json();
        let expected: &[_] = match draft {
            12 => &["credential", "format"],
            13 | 14 => &["credential", "notification_id"],
            _ => &["credentials", "notification_id"],
        };
        assert_eq!(names(&ready), expected, "{draft}");
        ask(&body).await.assert_refused("used", 400, "invalid_transaction_id");
    }
}

#[tokio::test]
async fn the_nonce_beside_a_transaction_is_good() {
    for draft in 11..=14 {
        let issuer = start_deferred(draft).await;
        let (got, answer) = put_off(draft, &issuer).await;
        let entry = entry(draft, &metadata(&issuer).await, ID);
        let jwt = proof_for(&issuer, &entry, Some(text(&answer.json(), "c_nonce")), 8);
        let again = request_credential(&issuer, &got.token, &request(draft, &entry, ID, None, &jwt)).await;
        assert_eq!(again.status, if draft == 11 { 200 } else { 202 });
    }
}

#[tokio::test]
async fn notifications_are_taken_where_there_are_some() {
    for draft in 13..=15 {
        let issuer = start(draft).await;
        let (got, entry) = got_for(draft, &issuer, ID).await;
        let jwt = proof_for(&issuer, &entry, Some(&got.next_nonce(&issuer).await), 7);
        let answer = request_credential(&issuer, &got.token, &request(draft, &entry, ID, None, &jwt)).await.json();
        let url = text(&metadata(&issuer).await, "notification_endpoint").to_owned();
        let body = json!({"notification_id": answer["notification_id"], "event": "credential_accepted"});
        assert_eq!(post_json(&url, &got.token, &body).await.status, 204, "{draft}");
        let body = json!({"notification_id": "x", "event": "credential_accepted"});
        post_json(&url, &got.token, &body).await.assert_refused("unknown", 400, "invalid_notification_id");
    }
}

#[tokio::test]
async fn an_interval_comes_with_a_pending_token_where_the_refusal_has_it() {
    for (draft, there) in [(11, true), (12, false), (13, false)] {
        let issuer = start(draft).await;
        issuer.set_fault_times("authorization-pending-at-token", 1).expect("known");
        let offer = issuer.offers().iter().find(|offer| offer.tx_code.is_none()).expect("one");
        let code = text(grant(offer), "pre-authorized_code");
        let fields = [("grant_type", PRE_AUTHORIZED), ("pre-authorized_code", code)];
        let answer = post_form(&format!("{}/token", issuer.issuer()), &fields).await;
        answer.assert_refused("pending", 400, "authorization_pending");
        assert_eq!(answer.json().get("interval").is_some(), there, "{draft}");
        pre_authorized(draft, &issuer, offer).await;
    }
}
