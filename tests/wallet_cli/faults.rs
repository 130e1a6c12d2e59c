//! Issuers that misbehave: each time the one error that says so, and nothing stored.

use serde_json::json;

use crate::issuer::TestIssuer;
use crate::support::{Ran, User};

async fn nothing_is_stored(user: &User, fault: &str) {
    assert!(user.run(&["list"]).await.exits(0).events.is_empty(), "{fault}");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_way_without_a_sign_in() {
    let issuer = TestIssuer::start().await;
    let mut wrong = Vec::new();
    for (fault, code, step) in [
        ("wrong-issuer", "issuer_mismatch", "issuer_metadata"),
        ("wrong-as-issuer", "authorization_server_mismatch", "authorization_server_metadata"),
        ("wrong-content-type-metadata", "wrong_content_type", "issuer_metadata"),
        ("bad-json-metadata", "metadata_malformed", "issuer_metadata"),
        ("deep-json-metadata", "metadata_malformed", "issuer_metadata"),
        ("oversized-metadata", "response_too_large", "issuer_metadata"),
        ("http-500-metadata", "server_failed", "issuer_metadata"),
        ("http-500-as-metadata", "server_failed", "authorization_server_metadata"),
        ("drop-metadata", "connection_lost", "issuer_metadata"),
        ("redirect-token", "redirect_refused", "token"),
        ("http-500-token", "server_failed", "token"),
        ("bad-json-token", "response_malformed", "token"),
        ("oversized-token", "response_too_large", "token"),
        ("drop-token", "connection_lost", "token"),
        ("missing-token-type", "response_malformed", "token"),
        ("expired-code", "grant_refused", "token"),
        ("redirect-credential", "redirect_refused", "credential"),
        ("http-500-credential", "server_failed", "credential"),
        ("bad-json-credential", "response_malformed", "credential"),
        ("empty-credentials", "response_malformed", "credential"),
        ("credential-denied", "credential_denied", "credential"),
        ("invalid-token", "token_refused", "credential"),
    ] {
        let user = User::new();
        let offer = issuer.offer(&json!({"grant": "pre-authorized"}));
        issuer.fault(fault);
        let ran = user.run(&["accept", &offer.link]).await;
        issuer.no_faults();
        nothing_is_stored(&user, fault).await;
        let [error] = ran.all("error")[..] else {
            wrong.push(format!("{fault}: exit {}, {:?}", ran.exit, ran.kinds()));
            continue;
        };
        let here = error["endpoint"].as_str().is_some_and(|at| at.starts_with(issuer.base()));
        if (ran.exit, &error["code"], &error["step"], here) != (1, &code.into(), &step.into(), true) {
            wrong.push(format!("{fault}: not {code} at {step}, but {error}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_way_with_a_sign_in() {
    let issuer = TestIssuer::start().await;
    for (fault, code) in [
        ("wrong-state", "state_mismatch"),
        ("wrong-iss", "iss_mismatch"),
        ("missing-iss", "iss_mismatch"),
        ("deny-login", "access_denied"),
        ("expired-code", "grant_refused"),
    ] {
        let user = User::new();
        let offer = issuer.offer(&json!({"grant": "code"}));
        let mut running = user.start(&["accept", &offer.link]);
        let sign_in = running.event("sign_in").await;
        issuer.fault(fault);
        issuer.user_signs_in(sign_in["url"].as_str().unwrap()).await;
        let ran = running.end().await;
        issuer.no_faults();
        assert_eq!(ran.one("error")["code"], code, "{fault}: {ran:#?}");
        ran.fails_with(code);
        nothing_is_stored(&user, fault).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_nonce_is_no_trouble() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    let offer = issuer.offer(&json!({"grant": "pre-authorized"}));
    issuer.fault("stale-nonce");
    user.run(&["accept", &offer.link]).await.exits(0).one("stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_that_may_pass_is_gone_on_from() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    let offer = issuer.offer(&json!({"grant": "pre-authorized"}));
    issuer.fault("http-500-credential");
    let error = user.run(&["accept", &offer.link]).await.fails_with("server_failed");
    assert_eq!(error["retryable"], true, "{error:#}");
    issuer.no_faults();
    let session = error["session"].as_str().unwrap();
    let ran: Ran = user.run(&["resume", session]).await.exits(0);
    ran.one("stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_request_without_an_answer_is_not_repeated() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    let offer = issuer.offer(&json!({"grant": "pre-authorized"}));
    issuer.fault("drop-token");
    let error = user.run(&["accept", &offer.link]).await.fails_with("connection_lost");
    assert_eq!((&error["outcome"], &error["retryable"]), (&"unknown".into(), &false.into()), "{error:#}");
    issuer.no_faults();
    let before = issuer.requests();
    user.run(&["resume", error["session"].as_str().unwrap()]).await.fails_with("outcome_unknown");
    assert_eq!(issuer.requests(), before, "something was sent");
}
