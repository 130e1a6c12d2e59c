//! What issuers hear about their credentials.

use billfold::{ErrorCode, NotificationEvent, Step, Wallet};
use billfold_test_issuer::Options;
use serde_json::{Value, json};

use crate::world::{Moved, SD_JWT, World, failure, pre_authorized};

/// A wallet that tells issuers only when the test says so.
fn quiet(world: &World) -> Wallet {
    world.builder().notify_in_background(false).build().expect("a wallet")
}

async fn issue(world: &World, wallet: &Wallet) -> billfold::Result<Step> {
    wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens").accept().await
}

fn heard(world: &World) -> Vec<Value> {
    world.issuer.log().notifications.into_iter().map(|mut one| one["event"].take()).collect()
}

#[tokio::test]
async fn accepted_after_storing_and_deleted_after_forgetting() {
    let world = World::new().await;
    let wallet = quiet(&world);
    let credential = world.verified(&issue(&world, &wallet).await.expect("it is issued")).await;
    assert_eq!(world.count("/notification"), 0);
    // Another process finds it in the outbox.
    let flushed = quiet(&world).flush().await.expect("flushed");
    assert_eq!((flushed.notified.len(), flushed.waiting), (1, 0));
    assert_eq!(flushed.notified[0].event, NotificationEvent::CredentialAccepted);
    assert_eq!(flushed.notified[0].credential, credential.id);
    assert_eq!(heard(&world), [json!("credential_accepted")]);
    assert_eq!(wallet.flush().await.expect("flushed"), billfold::Flushed::default(), "once is enough");

    wallet.forget(&credential.id).await.expect("forgotten");
    wallet.flush().await.expect("flushed");
    assert_eq!(heard(&world), [json!("credential_accepted"), json!("credential_deleted")]);
}

#[tokio::test]
async fn failure_when_it_did_not_pass_and_nothing_while_that_is_open() {
    let world = World::new().await;
    let wallet = quiet(&world);
    world.issuer.set_fault("bad-signature").expect("a fault");
    assert_eq!(failure(issue(&world, &wallet).await).code(), ErrorCode::CredentialRejected);
    world.issuer.clear_faults();
    wallet.flush().await.expect("flushed");
    let log = world.issuer.log();
    assert_eq!(log.notifications[0]["event"], "credential_failure");
    assert_eq!(log.notifications[0]["event_description"], "checks that failed: signature");

    let untrusting =
        Wallet::builder("me").keys(world.keys.clone()).store(world.store.clone()).allow_loopback_http(true);
    let untrusting = untrusting.notify_in_background(false).build().expect("a wallet");
    let spec = pre_authorized(SD_JWT).configurations(&["StudentCard_dc_sd_jwt_by_did_web"]);
    world.issuer.set_fault("http-500-issuer-key").expect("a fault");
    let issuance = untrusting.open_offer(&world.offer(&spec).link).await.expect("it opens");
    assert_eq!(failure(issuance.accept().await).code(), ErrorCode::CredentialUnverified);
    untrusting.flush().await.expect("flushed");
    assert_eq!(heard(&world), [json!("credential_failure")], "nothing is known yet");
    world.issuer.clear_faults();
    let waiting = untrusting.credentials().await.expect("a list").pop().expect("one");
    assert!(!untrusting.recheck(&waiting.id).await.expect("checked").quarantined);
    untrusting.flush().await.expect("flushed");
    assert_eq!(heard(&world), [json!("credential_failure"), json!("credential_accepted")]);
}

#[tokio::test]
async fn a_notice_waits_until_it_is_heard_and_undoes_nothing() {
    let world = World::new().await;
    let clock = Moved::default();
    let wallet = world.builder().notify_in_background(false).clock(clock.clone()).build().expect("a wallet");
    world.issuer.set_fault_times("http-500-notification", 2).expect("a fault");
    let credential = world.verified(&issue(&world, &wallet).await.expect("it is issued")).await;
    let flushed = wallet.flush().await.expect("flushed");
    assert_eq!((flushed.notified.len(), flushed.waiting), (0, 1));
    // Not again before the pause is over.
    wallet.flush().await.expect("flushed");
    assert_eq!(world.count("/notification"), 1);
    let pass = |seconds| {
        clock.pass(seconds);
        world.issuer.advance_clock(seconds);
    };
    pass(31);
    wallet.flush().await.expect("flushed");
    pass(31);
    wallet.flush().await.expect("flushed");
    assert_eq!(world.count("/notification"), 2, "each pause is longer than the one before");
    pass(30);
    assert_eq!(wallet.flush().await.expect("flushed").notified.len(), 1);
    assert_eq!(heard(&world), [json!("credential_accepted")]);
    assert!(!wallet.credential(&credential.id).await.expect("it is there").quarantined);
}

// covers: NOTIF-06
#[tokio::test]
async fn a_notice_that_is_refused_is_given_up() {
    let world = World::new().await;
    let wallet = quiet(&world);
    world.verified(&issue(&world, &wallet).await.expect("it is issued")).await;
    world.issuer.advance_clock(100_000);
    let flushed = wallet.flush().await.expect("flushed");
    assert_eq!((flushed.notified.len(), flushed.waiting), (0, 0));
    assert_eq!(world.count("/notification"), 1);
    assert_eq!(wallet.flush().await.expect("flushed"), billfold::Flushed::default());
    assert_eq!(world.count("/notification"), 1);
}

// covers: NOTIF-01
#[tokio::test]
async fn an_issuer_that_does_not_want_to_hear_is_left_alone() {
    let world = World::with(Options { notification_endpoint: false, ..Options::default() }).await;
    let wallet = quiet(&world);
    let credential = world.verified(&issue(&world, &wallet).await.expect("it is issued")).await;
    wallet.forget(&credential.id).await.expect("forgotten");
    assert_eq!(wallet.flush().await.expect("flushed"), billfold::Flushed::default());
}

#[tokio::test]
async fn by_itself_in_the_background() {
    let world = World::new().await;
    let wallet = world.wallet();
    world.verified(&issue(&world, &wallet).await.expect("it is issued")).await;
    for _ in 0..500 {
        if !heard(&world).is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(heard(&world), [json!("credential_accepted")]);
}

#[tokio::test]
async fn a_closed_wallet_lets_go_of_its_store_whatever_the_issuer_does() {
    let world = World::with(Options { latency_ms: 600, ..Options::default() }).await;
    let store = std::sync::Arc::downgrade(&world.store);
    let wallet = world.wallet();
    issue(&world, &wallet).await.expect("it is issued");
    let World { issuer, store: ours, .. } = world;
    issuer.set_fault("slow").expect("a fault");
    drop((wallet, ours));
    // The issuer takes six seconds for its answer.
    let began = std::time::Instant::now();
    while store.upgrade().is_some() && began.elapsed().as_secs() < 4 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(store.upgrade().is_none(), "the background still has the store");
}
