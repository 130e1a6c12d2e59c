//! The notification endpoint (OpenID4VCI section 11.3): nothing that it answers concerns the app.

use std::collections::BTreeSet;

use billfold_test_issuer::Options;

use super::{codes_at, refuse};
use crate::world::{Moved, SD_JWT, World, pre_authorized};

/// What is said, how many requests that costs, and whether the notice is tried again later.
const NOTIFICATION: [(&str, usize, bool); 9] = [
    ("insufficient_scope", 1, false),
    ("invalid_dpop_proof", 1, true),
    ("invalid_notification_id", 1, false),
    ("invalid_notification_request", 1, false),
    ("invalid_request", 1, false),
    ("invalid_token", 1, false),
    ("server_error", 1, true),
    ("temporarily_unavailable", 1, true),
    ("use_dpop_nonce", 2, true),
];

// covers: NOTIF-06
#[tokio::test]
async fn a_notice_that_is_refused_with_each_code_undoes_nothing() {
    let known: BTreeSet<_> = NOTIFICATION.iter().map(|(said, ..)| (*said).to_owned()).collect();
    assert_eq!(known, codes_at("notification"));
    let world = World::new().await;
    let clock = Moved::default();
    let wallet = world.builder().notify_in_background(false).clock(clock.clone()).build().expect("a wallet");
    for (said, requests, later) in NOTIFICATION {
        let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
        let credential = world.verified(&issuance.accept().await.expect("it is issued")).await;
        refuse(&world, said, "notification");
        let flushed = wallet.flush().await.expect("it is no error");
        assert_eq!((flushed.notified.len(), flushed.waiting), (0, usize::from(later)), "{said}");
        assert_eq!(world.count("/notification"), requests, "{said}");
        assert!(!wallet.credential(&credential.id).await.expect("it is there").quarantined, "{said}");
        world.issuer.clear_faults();
        clock.pass(60);
        world.issuer.advance_clock(60);
        let flushed = wallet.flush().await.expect("flushed");
        assert_eq!((flushed.notified.len(), flushed.waiting), (usize::from(later), 0), "{said}");
        assert_eq!(world.count("/notification"), requests + usize::from(later), "{said}");
    }
}

// covers: NOTIF-06, CERR-01
#[tokio::test]
async fn a_notice_is_told_with_a_new_token_where_that_can_help() {
    for (said, told) in [("invalid_token", true), ("insufficient_scope", false)] {
        let world = World::with(Options { refresh_tokens: true, ..Options::default() }).await;
        let wallet = world.builder().notify_in_background(false).build().expect("a wallet");
        let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
        world.verified(&issuance.accept().await.expect("it is issued")).await;
        world.issuer.reset_log();
        let fault = format!("{}-at-notification", said.replace('_', "-"));
        world.issuer.set_fault_times(&fault, 1).expect("a fault");
        let flushed = wallet.flush().await.expect("flushed");
        assert_eq!((flushed.notified.len(), flushed.waiting), (usize::from(told), 0), "{said}");
        let renewed = usize::from(told);
        assert_eq!((world.count("/notification"), world.count("/token")), (1 + renewed, renewed), "{said}");
    }
}

// covers: NOTIF-06
#[tokio::test]
async fn what_the_way_does_to_a_notice() {
    for (wire, told, later) in [
        ("drop", false, true),
        ("http-500", false, true),
        // Any status of 200 to 299 will do.
        ("bad-json", true, false),
        ("deep-json", true, false),
        ("wrong-content-type", true, false),
        ("redirect", false, false),
    ] {
        let world = World::with(Options { ..Options::default() }).await;
        let clock = Moved::default();
        let wallet = world.builder().notify_in_background(false).clock(clock.clone()).build().expect("a wallet");
        let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
        world.verified(&issuance.accept().await.expect("it is issued")).await;
        world.issuer.set_fault("notification-body").expect("a fault");
        world.issuer.set_fault(&format!("{wire}-notification")).expect("a fault");
        let flushed = wallet.flush().await.expect("it is no error");
        assert_eq!((flushed.notified.len(), flushed.waiting), (usize::from(told), usize::from(later)), "{wire}");
        assert_eq!(world.count("/notification"), 1, "{wire}");
        world.issuer.clear_faults();
        clock.pass(60);
        world.issuer.advance_clock(60);
        assert_eq!(wallet.flush().await.expect("flushed").notified.len(), usize::from(later), "{wire}");
    }
}
