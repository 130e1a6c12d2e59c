//! What is asked for on the way to a token: challenges, and new tokens for old ones.

use std::sync::Arc;

use billfold::{Advice, ErrorCode, Issuance, RequestOutcome, Step, Wallet};
use billfold_test_issuer::{ClientAuth, Options};

use super::Stands::{self, Interrupted};
use crate::attester::Provider;
use crate::world::{Moved, SD_JWT, World, code, failure, pre_authorized};

const WIRES: [&str; 7] = ["drop", "http-500", "bad-json", "deep-json", "oversized", "wrong-content-type", "redirect"];

#[tokio::test]
async fn a_challenge_that_does_not_come_costs_no_code() {
    for wire in WIRES {
        for spec in [pre_authorized(SD_JWT), code(SD_JWT)] {
            let options =
                Options { client_auth: ClientAuth::Attestation, challenge_endpoint: true, ..Options::default() };
            let world = World::with(options).await;
            let provider: Arc<Provider> = Provider::new(&world).await;
            let wallet = || world.builder().wallet_provider(provider.clone()).build().expect("a wallet");
            let issuance = wallet().open_offer(&world.offer(&spec).link).await.expect("it opens");
            let mut redirect = None;
            if spec.grant == billfold_test_issuer::Grant::Code {
                redirect = Some(world.sign_in(&issuance.accept().await.expect("a sign-in")).await);
            }
            // Another process, which has no challenge yet.
            let issuance = wallet().resume(issuance.id()).await.expect("it is there");
            world.issuer.reset_log();
            world.issuer.set_fault(&format!("{wire}-challenge")).expect("a fault");
            let error = failure(match &redirect {
                Some(redirect) => issuance.submit_redirect(redirect).await,
                None => issuance.accept().await,
            });
            assert!(error.endpoint_url().is_some_and(|url| url.ends_with("/challenge")), "{wire}: {error:?}");
            let retry = matches!(wire, "drop" | "http-500");
            assert_eq!(error.advice(), if retry { Advice::Retry } else { Advice::TellIssuer }, "{wire}: {error:?}");
            assert_eq!((world.count("/challenge"), world.count("/token")), (1, 0), "{wire}");
            assert_eq!(Stands::of(&issuance).await, Interrupted, "{wire}: the code was not sent");
            world.issuer.clear_faults();
            world.verified(&issuance.proceed().await.expect("it is issued")).await;
            assert_eq!(world.count("/token"), 1, "{wire}");
        }
    }
}

/// An issuance that waits for the issuer, with a token that has ended meanwhile.
struct Waiting {
    world: World,
    clock: Moved,
    wallet: Wallet,
    issuance: Issuance,
}

impl Waiting {
    async fn new() -> Self {
        let options =
            Options { deferred_waits: Some(0), refresh_tokens: true, token_lifetime: 60, ..Options::default() };
        let world = World::with(options).await;
        let clock = Moved::default();
        let wallet = world.builder().clock(clock.clone()).notify_in_background(false).build().expect("a wallet");
        let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
        assert!(matches!(issuance.accept().await, Ok(Step::Wait { .. })));
        let waiting = Self { world, clock, wallet, issuance };
        waiting.pass(90);
        waiting.world.issuer.reset_log();
        waiting
    }

    fn pass(&self, seconds: i64) {
        self.clock.pass(seconds);
        self.world.issuer.advance_clock(seconds);
    }
}

// covers: DEFER-08
#[tokio::test]
async fn a_renewal_that_fails_on_the_way_costs_no_deferred_credential() {
    for wire in ["http-500", "redirect"] {
        let waiting = Waiting::new().await;
        let Waiting { world, issuance, .. } = &waiting;
        world.issuer.set_fault(&format!("{wire}-token")).expect("a fault");
        let error = failure(issuance.poll().await);
        assert!(error.endpoint_url().is_some_and(|url| url.ends_with("/token")), "{wire}: {error:?}");
        assert_eq!((world.count("/token"), world.count("/deferred")), (1, 0), "{wire}");
        assert_eq!(Stands::of(issuance).await, Stands::Waits, "{wire}");
        world.issuer.clear_faults();
        world.verified(&issuance.poll().await.expect("it is issued")).await;
    }
}

// covers: REFR-02
#[tokio::test]
async fn a_refresh_token_that_is_good_once_is_not_sent_again_after_garbage() {
    for wire in ["drop", "bad-json", "deep-json", "oversized", "wrong-content-type"] {
        let waiting = Waiting::new().await;
        let Waiting { world, clock, wallet, .. } = &waiting;
        // The first renewal shows that the server gives a new one each time.
        world.verified(&waiting.issuance.poll().await.expect("it is issued")).await;
        let stored = wallet.credentials().await.expect("a list").pop().expect("one");
        clock.pass(90);
        world.issuer.advance_clock(90);
        world.issuer.reset_log();
        let renewal = wallet.refresh(&stored.id).await.expect("it begins");
        world.issuer.set_fault_times(&format!("{wire}-token"), 1).expect("a fault");
        let error = failure(renewal.proceed().await);
        let outcome = if wire == "drop" { RequestOutcome::Unknown } else { RequestOutcome::Answered };
        assert_eq!(error.outcome(), outcome, "{wire}: {error:?}");
        assert_eq!(world.count("/token"), 1, "{wire}");
        let error = failure(renewal.proceed().await);
        assert_eq!(error.code(), ErrorCode::ReauthorizationRequired, "{wire}: {error:?}");
        assert_eq!(world.count("/token"), 1, "{wire}: whoever sends it twice loses the whole grant");
        assert!(wallet.credential(&stored.id).await.is_ok(), "{wire}: the one that is there stays");
    }
}

// covers: DEFER-05, REFR-02
#[tokio::test]
async fn a_renewal_that_is_refused_with_each_code() {
    use ErrorCode as E;
    for (said, heard, stands) in [
        ("access_denied", E::AccessDenied, Stands::Ended),
        ("authorization_pending", E::TokenPending, Stands::Waits),
        ("expired_token", E::ReauthorizationRequired, Stands::Ended),
        ("invalid_client", E::ClientRefused, Stands::Waits),
        ("invalid_dpop_proof", E::DpopRefused, Stands::Waits),
        ("invalid_grant", E::ReauthorizationRequired, Stands::Ended),
        ("invalid_request", E::TokenRequestRefused, Stands::Ended),
        ("invalid_scope", E::TokenRequestRefused, Stands::Ended),
        ("server_error", E::ServerFailed, Stands::Waits),
        ("slow_down", E::TokenPending, Stands::Waits),
        ("temporarily_unavailable", E::ServerFailed, Stands::Waits),
        ("unauthorized_client", E::ClientRefused, Stands::Waits),
        ("unsupported_grant_type", E::TokenRequestRefused, Stands::Ended),
        ("use_dpop_nonce", E::DpopRefused, Stands::Waits),
    ] {
        let waiting = Waiting::new().await;
        let Waiting { world, issuance, .. } = &waiting;
        super::refuse(world, said, "token");
        let error = failure(issuance.poll().await);
        assert_eq!((error.code(), error.outcome()), (heard, RequestOutcome::Answered), "{said}: {error:?}");
        assert_eq!(error.server_error().map(|one| one.error.as_str()), Some(said), "{error:?}");
        assert_eq!(Stands::of(issuance).await, stands, "{said}");
        assert_eq!(world.count("/token"), if said == "use_dpop_nonce" { 2 } else { 1 }, "{said}");
        assert_eq!(world.count("/deferred"), 0, "{said}");
        world.issuer.clear_faults();
        if stands == Stands::Waits {
            world.verified(&issuance.poll().await.expect("it is issued")).await;
        } else {
            super::same_again(&error, &failure(issuance.poll().await));
        }
    }
}
