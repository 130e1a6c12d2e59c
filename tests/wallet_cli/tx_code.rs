//! Transaction codes.

use serde_json::{Value, json};

use crate::issuer::TestIssuer;
use crate::support::User;

fn with_code() -> Value {
    json!({"grant": "pre-authorized", "tx_code": {"input_mode": "numeric", "length": 5}})
}

#[tokio::test(flavor = "multi_thread")]
async fn given_with_the_command() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    let offer = issuer.offer(&with_code());
    let ran = user.run(&["accept", &offer.link, "--tx-code", offer.tx_code.as_deref().unwrap()]).await.exits(0);
    assert_eq!(ran.kinds(), ["offer", "stored", "notified"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_anyone_to_ask_it_is_left_for_later() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    let offer = issuer.offer(&with_code());
    let ran = user.run(&["accept", &offer.link]).await.exits(3);
    assert_eq!(ran.kinds(), ["offer", "enter_code"]);
    let wanted = ran.one("enter_code");
    assert_eq!(wanted["hint"]["refused"], false);
    assert!(wanted["hint"]["input_mode"].is_string(), "{wanted}");
    let session = wanted["session"].as_str().unwrap();

    let pending = user.run(&["pending"]).await.exits(0);
    assert_eq!(pending.one("pending")["session"], session);
    assert_eq!(pending.one("pending")["step"], "enter_code");

    let code = offer.tx_code.as_deref().unwrap();
    user.run(&["resume", session, "--tx-code", code]).await.exits(0).one("stored");
    assert!(user.run(&["pending"]).await.exits(0).events.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_one_can_be_corrected() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    let offer = issuer.offer(&with_code());
    let right = offer.tx_code.as_deref().unwrap();
    let wrong = if right.starts_with('1') { right.replacen('1', "2", 1) } else { format!("1{}", &right[1..]) };
    let ran = user.run(&["accept", &offer.link, "--tx-code", &wrong]).await;
    let error = ran.fails_with("tx_code_refused");
    assert_eq!(error["kind"], "issuer");
    assert_eq!(error["step"], "token");
    assert_eq!(error["status"], 400);
    assert_eq!(error["server_error"], "invalid_grant");
    assert_eq!(error["retryable"], true);
    assert_eq!(error["outcome"], "answered");
    let session = error["session"].as_str().unwrap();
    user.run(&["resume", session, "--tx-code", right]).await.exits(0).one("stored");
}
