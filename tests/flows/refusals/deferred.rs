//! The deferred credential endpoint (OpenID4VCI section 9.3).

use billfold::{Advice, ErrorCode, Issuance, Step, Wallet};
use billfold_test_issuer::{OfferSpec, Options};

use super::Stands::{Ended, Waits};
use super::{Row, assert_complete, refuse, row};
use crate::world::{Moved, SD_JWT, World, code, pre_authorized};

const DEFERRED: [Row; 11] = [
    row("credential_request_denied", ErrorCode::CredentialDenied, Advice::GiveUp, 1, Ended),
    row("insufficient_scope", ErrorCode::TokenRefused, Advice::GetNewOffer, 1, Ended),
    row("invalid_credential_request", ErrorCode::ServerRefused, Advice::TellIssuer, 1, Ended),
    row("invalid_dpop_proof", ErrorCode::DpopRefused, Advice::TellIssuer, 1, Waits),
    row("invalid_encryption_parameters", ErrorCode::EncryptionRefused, Advice::TellIssuer, 1, Waits),
    row("invalid_request", ErrorCode::ServerRefused, Advice::TellIssuer, 1, Ended),
    row("invalid_token", ErrorCode::TokenRefused, Advice::GetNewOffer, 1, Ended),
    row("invalid_transaction_id", ErrorCode::TransactionRefused, Advice::GetNewOffer, 1, Ended),
    row("server_error", ErrorCode::ServerFailed, Advice::Retry, 1, Waits),
    row("temporarily_unavailable", ErrorCode::ServerFailed, Advice::Retry, 1, Waits),
    row("use_dpop_nonce", ErrorCode::DpopRefused, Advice::TellIssuer, 2, Waits),
];

/// An issuer that needs a second, and time that the test lets pass.
struct Later {
    world: World,
    clock: Moved,
    wallet: Wallet,
}

impl Later {
    async fn new() -> Self {
        let world = World::with(Options { deferred_waits: Some(0), ..Options::default() }).await;
        let clock = Moved::default();
        let builder = world.builder().clock(clock.clone()).notify_in_background(false);
        let wallet = builder.build().expect("a wallet");
        Self { world, clock, wallet }
    }

    /// An issuance that may ask again now.
    async fn waiting(&self, spec: &OfferSpec) -> Issuance {
        let issuance = self.wallet.open_offer(&self.world.offer(spec).link).await.expect("it opens");
        let mut step = issuance.accept().await.expect("a step");
        if matches!(step, Step::SignIn { .. }) {
            step = issuance.submit_redirect(&self.world.sign_in(&step).await).await.expect("a step");
        }
        assert!(matches!(step, Step::Wait { .. }), "{step:?}");
        self.pass(10);
        issuance
    }

    fn pass(&self, seconds: i64) {
        self.clock.pass(seconds);
        self.world.issuer.advance_clock(seconds);
    }
}

// covers: DEFER-05, CERR-01, CERR-08
#[tokio::test]
async fn a_deferred_request_that_is_refused_with_each_code() {
    // The one code that is no refusal has a test of its own.
    let pending = row("issuance_pending", ErrorCode::TokenPending, Advice::Retry, 1, Waits);
    assert_complete("deferred", &[&DEFERRED[..], &[pending]].concat());
    let later = Later::new().await;
    for row in DEFERRED {
        let issuance = later.waiting(&pre_authorized(SD_JWT)).await;
        refuse(&later.world, row.said, "deferred");
        row.holds("deferred", &later.world, "/deferred", &issuance, issuance.poll().await).await;
        later.world.issuer.clear_faults();
        if row.stands == Waits {
            later.world.verified(&issuance.poll().await.expect("it is issued")).await;
        }
        assert_eq!((later.world.count("/token"), later.world.count("/credential")), (0, 0), "{}", row.said);
    }
}

// covers: DEFER-05
#[tokio::test]
async fn who_signed_in_can_begin_again_when_the_issuer_forgot_it() {
    let later = Later::new().await;
    for (said, heard) in
        [("invalid_transaction_id", ErrorCode::TransactionRefused), ("invalid_token", ErrorCode::TokenRefused)]
    {
        let issuance = later.waiting(&code(SD_JWT)).await;
        refuse(&later.world, said, "deferred");
        let expected = row(said, heard, Advice::StartOver, 1, Ended);
        expected.holds("code", &later.world, "/deferred", &issuance, issuance.poll().await).await;
        later.world.issuer.clear_faults();
    }
}

// covers: DEFER-09, DEFER-02
#[tokio::test]
async fn a_pending_credential_of_drafts_is_no_error() {
    let later = Later::new().await;
    let issuance = later.waiting(&pre_authorized(SD_JWT)).await;
    refuse(&later.world, "issuance_pending", "deferred");
    for asked in 1..=3 {
        assert!(matches!(issuance.poll().await, Ok(Step::Wait { .. })));
        assert!(matches!(issuance.poll().await, Ok(Step::Wait { .. })), "too early to ask");
        assert_eq!(later.world.count("/deferred"), asked);
        later.pass(10);
    }
    later.world.issuer.clear_faults();
    later.world.verified(&issuance.poll().await.expect("it is issued")).await;
}

#[tokio::test]
async fn a_credential_whose_answer_was_lost_is_asked_for_again_and_may_be_gone() {
    let later = Later::new().await;
    let issuance = later.waiting(&pre_authorized(SD_JWT)).await;
    later.world.issuer.reset_log();
    later.world.issuer.set_fault_times("drop-deferred", 1).expect("a fault");
    let lost = crate::world::failure(issuance.poll().await);
    assert_eq!((lost.outcome(), lost.advice()), (billfold::RequestOutcome::Unknown, Advice::Retry));
    // The issuer gives it out once.
    let gone = row("invalid_transaction_id", ErrorCode::TransactionRefused, Advice::GetNewOffer, 2, Ended);
    gone.holds("after a lost answer", &later.world, "/deferred", &issuance, issuance.poll().await).await;
}
