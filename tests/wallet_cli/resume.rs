//! Sign-ins that end in another process than they began in.

use serde_json::json;

use crate::issuer::{FORMATS, TestIssuer};
use crate::support::User;

#[tokio::test(flavor = "multi_thread")]
async fn begun_with_no_wait_and_finished_elsewhere() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    for format in FORMATS {
        let offer = issuer.offer(&json!({"grant": "code", "format": format}));
        let begun = user.run(&["accept", &offer.link, "--no-wait"]).await.exits(3);
        assert_eq!(begun.kinds(), ["offer", "sign_in"]);
        let sign_in = begun.one("sign_in");
        let pending = user.run(&["pending"]).await.exits(0);
        assert_eq!(pending.one("pending")["session"], sign_in["session"]);
        assert_eq!(pending.one("pending")["step"], "sign_in");
        assert_eq!(pending.one("pending")["url"], sign_in["url"]);

        let redirect = issuer.redirect_after_sign_in(sign_in["url"].as_str().unwrap()).await;
        let finished = user.run(&["resume", &redirect]).await.exits(0);
        assert_eq!(finished.one("stored")["format"], format);
        assert!(user.run(&["pending"]).await.exits(0).events.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_works_once() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    let offer = issuer.offer(&json!({"grant": "code"}));
    let begun = user.run(&["accept", &offer.link, "--no-wait"]).await.exits(3);
    let redirect = issuer.redirect_after_sign_in(begun.one("sign_in")["url"].as_str().unwrap()).await;
    user.run(&["resume", &redirect]).await.exits(0);
    user.run(&["resume", &redirect]).await.fails_with("state_mismatch");
    assert_eq!(user.run(&["list"]).await.exits(0).all("credential").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_command_leaves_a_session_that_goes_on() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    let offer = issuer.offer(&json!({"grant": "code"}));
    let mut running = user.start(&["accept", &offer.link]);
    let sign_in = running.event("sign_in").await;
    running.kill().await;
    let redirect = issuer.redirect_after_sign_in(sign_in["url"].as_str().unwrap()).await;
    user.run(&["resume", &redirect]).await.exits(0).one("stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_can_be_listened_for_again() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    // A port that was free a moment ago; the same in both processes.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let uri = format!("http://127.0.0.1:{port}/callback");
    let offer = issuer.offer(&json!({"grant": "code"}));
    let begun = user.run(&["--redirect-uri", &uri, "accept", &offer.link, "--no-wait"]).await.exits(3);
    let session = begun.one("sign_in")["session"].as_str().unwrap();
    let mut running = user.start(&["--redirect-uri", &uri, "resume", session]);
    let sign_in = running.event("sign_in").await;
    issuer.user_signs_in(sign_in["url"].as_str().unwrap()).await;
    running.end().await.exits(0).one("stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_refusal_the_sign_in_can_begin_again() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    let offer = issuer.offer(&json!({"grant": "code"}));
    let mut running = user.start(&["accept", &offer.link]);
    let first = running.event("sign_in").await;
    issuer.fault_once("deny-login");
    issuer.user_signs_in(first["url"].as_str().unwrap()).await;
    let error = running.end().await.fails_with("access_denied");
    assert_eq!(error["kind"], "denied");
    assert_eq!(error["server_error"], "access_denied");

    let again = user.run(&["resume", error["session"].as_str().unwrap()]).await.exits(3);
    let second = again.one("sign_in");
    assert_eq!(second["session"], first["session"]);
    assert_ne!(second["url"], first["url"]);
    let redirect = issuer.redirect_after_sign_in(second["url"].as_str().unwrap()).await;
    user.run(&["resume", &redirect]).await.exits(0).one("stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_waits_for_is_refused() {
    let user = User::new();
    for redirect in ["http://127.0.0.1:1/callback?code=1&state=nobody", "http://127.0.0.1:1/callback?code=1"] {
        let ran = user.run(&["resume", redirect]).await.exits(1);
        let code = ran.one("error")["code"].as_str().unwrap();
        assert!(matches!(code, "state_mismatch" | "redirect_malformed"), "{redirect}: {code}");
    }
    user.run(&["resume", "0123456789abcdef0123456789abcdef"]).await.fails_with("session_unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_signs_in() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    let offer = issuer.offer(&json!({"grant": "code"}));
    let error = user.run(&["--timeout", "1", "accept", &offer.link]).await.fails_with("sign_in_timed_out");
    assert_eq!(error["retryable"], true);
    let pending = user.run(&["pending"]).await.exits(0);
    assert_eq!(pending.one("pending")["session"], error["session"]);
}
