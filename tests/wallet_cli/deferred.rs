//! Credentials that are not ready at once.

use std::time::Duration;

use serde_json::json;

use crate::issuer::TestIssuer;
use crate::support::User;

#[tokio::test(flavor = "multi_thread")]
async fn the_command_waits_for_them() {
    let issuer = TestIssuer::late(1).await;
    let user = User::new();
    let offer = issuer.offer(&json!({"grant": "pre-authorized"}));
    let ran = user.run(&["accept", &offer.link]).await.exits(0);
    assert_eq!(ran.kinds(), ["offer", "waiting", "waiting", "stored", "notified"], "{ran:#?}");
    assert!(ran.all("waiting")[0]["until"].as_str().unwrap().ends_with('Z'), "{ran:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_waiting_they_are_polled_for() {
    let issuer = TestIssuer::late(1).await;
    let user = User::new();
    assert!(user.run(&["poll"]).await.exits(0).events.is_empty());
    let mut sessions = Vec::new();
    for _ in 0..2 {
        let offer = issuer.offer(&json!({"grant": "pre-authorized"}));
        let begun = user.run(&["accept", &offer.link, "--no-wait"]).await.exits(3);
        assert_eq!(begun.kinds(), ["offer", "waiting"]);
        sessions.push(begun.one("waiting")["session"].as_str().unwrap().to_owned());
    }
    let pending = user.run(&["pending"]).await.exits(0);
    assert!(pending.all("pending").iter().all(|open| open["step"] == "wait" && open["until"].is_string()));

    tokio::time::sleep(Duration::from_millis(1100)).await;
    let early = user.run(&["poll", &sessions[0]]).await.exits(3);
    assert_eq!(early.kinds(), ["waiting"]);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    user.run(&["poll", &sessions[0]]).await.exits(0).one("stored");

    // Without a session, all that is open.
    user.run(&["poll"]).await.exits(3);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    user.run(&["poll"]).await.exits(0).one("stored");
    assert_eq!(user.run(&["list"]).await.exits(0).all("credential").len(), 2);
    assert!(user.run(&["pending"]).await.exits(0).events.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wait_has_an_end() {
    let issuer = TestIssuer::late(1000).await;
    let user = User::new();
    let offer = issuer.offer(&json!({"grant": "pre-authorized"}));
    let ran = user.run(&["--timeout", "2", "accept", &offer.link]).await.exits(3);
    let session = ran.all("waiting")[0]["session"].clone();
    assert_eq!(user.run(&["pending"]).await.exits(0).one("pending")["session"], session);
    user.run(&["poll", "no-such-session"]).await.fails_with("session_unknown");
}
