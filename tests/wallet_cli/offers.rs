//! Links: good ones to look at and to draw, bad ones to refuse.

use std::time::Duration;

use serde_json::json;

use crate::issuer::{TestIssuer, encode};
use crate::support::User;

fn by_value(offer: &serde_json::Value) -> String {
    format!("openid-credential-offer://?credential_offer={}", encode(&offer.to_string()))
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_links_each_with_its_code() {
    let user = User::new();
    let plain = json!({"credential_issuer": "https://issuer.example", "credential_configuration_ids": ["A"]});
    let with_issuer =
        |issuer: &str| by_value(&json!({"credential_issuer": issuer, "credential_configuration_ids": ["A"]}));
    let long = "x".repeat(70 * 1024);
    for (link, code) in [
        ("not a link".to_owned(), "offer_missing"),
        (String::new(), "offer_missing"),
        ("not a link?credential_offer=%7B%7D".to_owned(), "offer_malformed"),
        ("openid-credential-offer://".to_owned(), "offer_missing"),
        ("openid-credential-offer://?something=else".to_owned(), "offer_missing"),
        (format!("{}&credential_offer_uri=https%3A%2F%2Fissuer.example%2Fo", by_value(&plain)), "offer_ambiguous"),
        ("openid-credential-offer://?credential_offer=%7B".to_owned(), "offer_malformed"),
        ("openid-credential-offer://?credential_offer=%5B%5D".to_owned(), "offer_malformed"),
        (by_value(&json!({"credential_issuer": "https://issuer.example"})), "offer_malformed"),
        (
            by_value(&json!({"credential_issuer": "https://issuer.example", "credential_configuration_ids": []})),
            "offer_malformed",
        ),
        (with_issuer("nowhere"), "offer_issuer_invalid"),
        (with_issuer("https://issuer.example?x=y"), "offer_issuer_invalid"),
        (with_issuer("http://issuer.example"), "offer_issuer_invalid"),
        (with_issuer(&long), "offer_too_large"),
    ] {
        let error = user.run(&["accept", &link]).await.fails_with(code);
        assert_eq!(error["kind"], "offer", "{error}");
        assert_eq!(error["outcome"], "not_sent", "{error}");
        assert_eq!(error["retryable"], false, "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn http_is_for_development_only() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    for by in ["value", "reference"] {
        let offer = issuer.offer(&json!({"grant": "pre-authorized", "by": by}));
        let before = issuer.requests();
        let words = ["--json", "--store", &user.path("store"), "accept", &offer.link];
        let ran = user.run_bare(&words).await;
        let error = ran.fails_with("insecure_url");
        assert_eq!(error["outcome"], "not_sent", "{by}: {error}");
        assert_eq!(issuer.requests(), before, "something was sent by {by}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_that_is_gone_and_an_issuer_that_is_down() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    let gone = format!(
        "openid-credential-offer://?credential_offer_uri={}",
        encode(&format!("{}/offers/never-made", issuer.base()))
    );
    let error = user.run(&["accept", &gone]).await.fails_with("offer_unavailable");
    assert_eq!(error["status"], 404);
    assert_eq!(error["step"], "offer");

    let offer = issuer.offer(&json!({"grant": "pre-authorized", "by": "value"}));
    issuer.stop();
    let error = user.run(&["accept", &offer.link]).await.fails_with("unreachable");
    assert_eq!(error["kind"], "network");
    assert_eq!(error["retryable"], true);
    assert_eq!(error["outcome"], "not_sent");
    assert!(error["endpoint"].as_str().unwrap().contains("/.well-known/"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_the_issuer_does_not_have() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    let link = by_value(&json!({
        "credential_issuer": issuer.base(), "credential_configuration_ids": ["Unheard_of"],
        "grants": {"authorization_code": {}}
    }));
    user.run(&["accept", &link]).await.fails_with("unknown_configuration");
    let offer = issuer.offer(&json!({"grant": "pre-authorized"}));
    user.run(&["accept", &offer.link, "--configuration", "Unheard_of"]).await.fails_with("unknown_configuration");
    user.run(&["accept", &offer.link, "--grant", "code"]).await.fails_with("grant_unavailable");
}

#[tokio::test(flavor = "multi_thread")]
async fn inspecting_spends_nothing() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    let offer = issuer.offer(&json!({"grant": "pre-authorized", "tx_code": {}}));
    let ran = user.run(&["inspect", &offer.link]).await.exits(0);
    let said = ran.one("offer");
    assert_eq!(said["credential_issuer"], issuer.base());
    assert_eq!(said["grants"], json!(["pre_authorized_code"]));
    assert!(said["tx_code"].is_object(), "{said}");
    assert!(user.run(&["pending"]).await.exits(0).events.is_empty());
    let code = offer.tx_code.as_deref().unwrap();
    user.run(&["accept", &offer.link, "--tx-code", code]).await.exits(0).one("stored");
}

// covers: HAIP-14
#[tokio::test(flavor = "multi_thread")]
async fn through_a_qr_code_and_back() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    for by in ["value", "reference"] {
        let offer = issuer.offer(&json!({"grant": "pre-authorized", "by": by}));
        let (png, svg) = (user.path("offer.PNG"), user.path("offer.svg"));
        assert_eq!(user.run(&["qr", &offer.link, "--out", &png]).await.exits(0).one("qr")["file"], png);
        user.run(&["qr", &offer.link, "--out", &svg]).await.exits(0);
        let drawn = std::fs::read_to_string(&svg).unwrap();
        assert!(drawn.contains("<svg"), "{drawn}");
        assert_eq!(user.run(&["qr", &offer.link]).await.exits(0).one("qr")["svg"], drawn);
        user.run(&["accept", &png]).await.exits(0).one("stored");
    }
    let no_picture = user.path("empty.png");
    user.run(&["accept", &no_picture]).await.fails_with("file_unreadable");
    std::fs::write(&no_picture, b"nothing").unwrap();
    user.run(&["accept", &no_picture]).await.fails_with("qr_unreadable");
    user.run(&["qr", "no link"]).await.fails_with("offer_malformed");
    user.run(&["qr", "https://h.example", "--out", &user.path("offer.gif")]).await.exits(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_progress_line_is_not_for_scripts() {
    let issuer = TestIssuer::slow(Duration::from_millis(400)).await;
    let user = User::new();
    let offer = issuer.offer(&json!({"grant": "pre-authorized"}));
    let ran = user.run(&["accept", &offer.link]).await.exits(0);
    assert!(!ran.stderr.contains('\r') && !ran.stderr.contains('\u{1b}'), "{:?}", ran.stderr);
}
