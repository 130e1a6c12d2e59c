//! Credentials that are got anew.

use billfold_test_issuer::Options;
use serde_json::json;

use crate::issuer::TestIssuer;
use crate::support::{Ran, User};

/// Seconds that a token lives, and after which it has ended. Little enough that the issuer's clock, which
/// the tests turn, stays within a minute of the wallet's.
const LIFETIME: i64 = 20;
const LATER: i64 = 21;

async fn renewable(refresh_tokens: bool) -> TestIssuer {
    TestIssuer::with(Options { refresh_tokens, token_lifetime: LIFETIME, ..Options::default() }).await
}

async fn received(issuer: &TestIssuer, user: &User, copies: &str) -> String {
    let offer = issuer.offer(&json!({"grant": "pre-authorized"}));
    let ran = user.run(&["accept", &offer.link, "--copies", copies]).await.exits(0);
    ran.one("stored")["credential"].as_str().unwrap().to_owned()
}

async fn raw(user: &User, id: &str) -> Vec<String> {
    let ran = user.run(&["export", id]).await.exits(0);
    serde_json::from_value(ran.one("export")["raw"].clone()).unwrap()
}

#[track_caller]
fn renewed(ran: Ran, id: &str) {
    let ran = ran.exits(0);
    assert_eq!(ran.one("stored")["credential"], id);
    assert_eq!(ran.one("stored")["report"]["verdict"], "verified");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_their_place_without_a_sign_in() {
    let issuer = renewable(true).await;
    let user = User::new();
    let id = received(&issuer, &user, "3").await;
    let mut before = raw(&user, &id).await;
    // With the token that is there, then with a new one, twice.
    for (round, wait) in [0, LATER, LATER].into_iter().enumerate() {
        issuer.advance_clock(wait);
        // The start of the id is enough.
        renewed(user.run(&["refresh", &id[..8], "--no-wait"]).await, &id);
        let after = raw(&user, &id).await;
        assert_eq!(after.len(), 3);
        assert!(after.iter().all(|copy| !before.contains(copy)), "the old copies are gone");
        before = after;
        let grants: Vec<_> = issuer.log().requests.into_iter().filter_map(|entry| entry.grant_type).collect();
        assert_eq!(grants.iter().filter(|grant| *grant == "refresh_token").count(), round);
    }
    assert_eq!(user.run(&["list"]).await.exits(0).all("credential").len(), 1);
    assert!(user.run(&["pending"]).await.exits(0).events.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_user_has_to_agree_again() {
    let issuer = renewable(false).await;
    let user = User::new();
    let id = received(&issuer, &user, "2").await;
    issuer.advance_clock(LATER);

    let mut running = user.start(&["refresh", &id]);
    let sign_in = running.event("sign_in").await;
    issuer.user_signs_in(sign_in["url"].as_str().unwrap()).await;
    renewed(running.end().await, &id);
    assert_eq!(raw(&user, &id).await.len(), 2);

    // Or in two processes.
    issuer.advance_clock(LATER);
    let begun = user.run(&["refresh", &id, "--no-wait"]).await.exits(3);
    assert_eq!(begun.kinds(), ["sign_in"], "{begun:#?}");
    let redirect = issuer.redirect_after_sign_in(begun.one("sign_in")["url"].as_str().unwrap()).await;
    renewed(user.run(&["resume", &redirect]).await, &id);
    assert_eq!(user.run(&["list"]).await.exits(0).all("credential").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_leaves_the_old_one() {
    let issuer = renewable(true).await;
    let user = User::new();
    let id = received(&issuer, &user, "1").await;
    let before = raw(&user, &id).await;
    user.run(&["refresh", "no-such-id"]).await.fails_with("credential_unknown");

    // A renewal that was cut short goes on where it stood.
    issuer.fault_once("http-500-credential");
    let error = user.run(&["refresh", &id]).await.fails_with("server_failed");
    assert_eq!(error["retryable"], true);
    assert_eq!(raw(&user, &id).await, before);
    let session = error["session"].as_str().unwrap();
    renewed(user.run(&["resume", session]).await, &id);

    issuer.fault("bad-signature");
    let kept = raw(&user, &id).await;
    let ran = user.run(&["refresh", &id]).await;
    assert_ne!(ran.one("quarantined")["credential"], id.as_str());
    ran.fails_with("credential_rejected");
    assert_eq!(raw(&user, &id).await, kept);
}
