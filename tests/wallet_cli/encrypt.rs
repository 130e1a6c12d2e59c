//! Encrypted requests and answers.

use std::time::Duration;

use billfold_test_issuer::{Encryption, Options};
use serde_json::json;

use crate::issuer::TestIssuer;
use crate::support::User;

async fn issuer(encryption: Encryption) -> TestIssuer {
    TestIssuer::with(Options { encryption, ..Options::default() }).await
}

/// Which of the answers at a path, and of the requests there, were encrypted.
fn encrypted(issuer: &TestIssuer, path: &str) -> Vec<[bool; 2]> {
    let log = issuer.log();
    let there = log.requests.iter().filter(|entry| entry.path.ends_with(path));
    there.map(|entry| ["request_jwe", "answer_jwe"].map(|name| entry.seen.contains_key(name))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn as_the_issuer_requires_or_as_the_user_wants() {
    for (offered, wish, expected) in [
        (Encryption::Off, "auto", Ok([false, false])),
        (Encryption::Off, "always", Err("encryption_unavailable")),
        (Encryption::Offered, "auto", Ok([false, false])),
        (Encryption::Offered, "always", Ok([true, true])),
        (Encryption::Offered, "never", Ok([false, false])),
        (Encryption::RequestRequired, "auto", Ok([true, false])),
        (Encryption::Required, "auto", Ok([true, true])),
        (Encryption::Required, "never", Err("encryption_required")),
    ] {
        let issuer = issuer(offered).await;
        let user = User::new();
        let offer = issuer.offer(&json!({"grant": "pre-authorized"}));
        let ran = user.run(&["accept", &offer.link, "--encrypt", wish]).await;
        match expected {
            Ok(expected) => {
                ran.exits(0).one("stored");
                assert_eq!(encrypted(&issuer, "/credential"), [expected], "{offered:?} {wish}");
            }
            Err(code) => {
                ran.fails_with(code);
                assert!(encrypted(&issuer, "/token").is_empty(), "nothing was spent: {offered:?} {wish}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_wished_for_holds_for_the_poll_of_another_process() {
    let options = Options { deferred_waits: Some(0), encryption: Encryption::Offered, ..Options::default() };
    let issuer = TestIssuer::with(options).await;
    let user = User::new();
    let offer = issuer.offer(&json!({"grant": "pre-authorized"}));
    user.run(&["accept", &offer.link, "--encrypt", "always", "--copies", "2", "--no-wait"]).await.exits(3);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let polled = user.run(&["poll"]).await.exits(0);
    let id = polled.one("stored")["credential"].as_str().unwrap();
    assert_eq!(encrypted(&issuer, "/deferred"), [[true, true]]);
    let exported = user.run(&["export", id]).await.exits(0);
    assert_eq!(exported.one("export")["raw"].as_array().unwrap().len(), 2);
}
