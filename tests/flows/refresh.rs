//! Tokens that are renewed, and credentials that are.

use billfold::{AcceptOptions, Advice, ErrorCode, Step};
use billfold_test_issuer::{ClientAuth, Dpop, Options};

use crate::attester::Provider;
use crate::world::{Moved, SD_JWT, World, code, failure, pre_authorized};

fn renewable() -> Options {
    Options { refresh_tokens: true, token_lifetime: 60, dpop: Dpop::Required, ..Options::default() }
}

fn grants(world: &World) -> Vec<String> {
    world.issuer.log().requests.into_iter().filter_map(|entry| entry.grant_type).collect()
}

// covers: REFR-01, REFR-02, DPOP-11, HAIP-24
#[tokio::test]
async fn a_credential_is_renewed_in_its_place() {
    for rotate_refresh_tokens in [true, false] {
        let world =
            World::with(Options { rotate_refresh_tokens, client_auth: ClientAuth::Attestation, ..renewable() }).await;
        let clock = Moved::default();
        let wallet = || async {
            let provider = Provider::new(&world).await;
            let builder = world.builder().clock(clock.clone()).notify_in_background(false);
            builder.wallet_provider(provider).build().expect("a wallet")
        };
        let first = wallet().await;
        let issuance = first.open_offer(&world.offer(&code(SD_JWT)).link).await.expect("it opens");
        let three = AcceptOptions { copies: Some(3), ..AcceptOptions::default() };
        let redirect = world.sign_in(&issuance.accept_with(three).await.expect("a sign-in")).await;
        let old = world.verified(&issuance.submit_redirect(&redirect).await.expect("it is issued")).await;

        // Within the token's life, and twice after it, in other processes.
        for (after, asks_for_token) in [(1, false), (3600, true), (7200, true)] {
            clock.pass(after);
            world.issuer.advance_clock(after);
            world.issuer.reset_log();
            let again = wallet().await;
            let renewal = again.refresh(&old.id).await.expect("it begins");
            assert!(matches!(renewal.step().await.expect("a step"), Step::Interrupted));
            let new = world.verified(&renewal.proceed().await.expect("it is issued")).await;
            assert_eq!(new.id, old.id);
            assert_eq!(new.instances.len(), 3);
            let raw = |credential: &billfold::Credential| credential.instances[0].to_text();
            assert_ne!(raw(&new), raw(&old));
            assert!(new.instances.iter().all(|copy| old.instances.iter().all(|old| copy.key != old.key)));
            assert_eq!(again.credentials().await.expect("a list").len(), 1);
            let wanted: &[&str] = if asks_for_token { &["refresh_token"] } else { &[] };
            assert_eq!(grants(&world), wanted);
            let proofs: Vec<_> = world.issuer.log().requests.into_iter().filter_map(|entry| entry.dpop).collect();
            assert!(proofs.windows(2).all(|pair| pair[0].key == pair[1].key), "the key stays");
        }
        assert_eq!(world.issuer.log().refresh_token_reuses, 0);
        first.flush().await.expect("flushed");
    }
}

// covers: REFR-03, CERR-01
#[tokio::test]
async fn without_a_token_the_user_agrees_again() {
    // No refresh token at all, and one that is dead.
    for (refresh_tokens, refresh_token_lifetime) in [(false, 0), (true, 100)] {
        let world = World::with(Options { refresh_tokens, refresh_token_lifetime, ..renewable() }).await;
        let clock = Moved::default();
        let wallet = world.builder().clock(clock.clone()).build().expect("a wallet");
        let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
        let old = world.verified(&issuance.accept().await.expect("it is issued")).await;
        clock.pass(3600);
        world.issuer.advance_clock(3600);
        let renewal = wallet.refresh(&old.id).await.expect("it begins");
        if refresh_tokens {
            let error = failure(renewal.proceed().await);
            assert_eq!((error.code(), error.advice()), (ErrorCode::ReauthorizationRequired, Advice::SignInAgain));
        }
        assert!(matches!(renewal.step().await.expect("a step"), Step::Review));
        assert!(wallet.credential(&old.id).await.is_ok(), "the old one stays until then");
        let redirect = world.sign_in(&renewal.accept().await.expect("a sign-in")).await;
        let new = world.verified(&renewal.submit_redirect(&redirect).await.expect("it is issued")).await;
        assert_eq!(new.id, old.id);
        assert_ne!(new.instances[0].to_text(), old.instances[0].to_text());
        assert_eq!(wallet.credentials().await.expect("a list").len(), 1);
    }
}

#[tokio::test]
async fn a_renewal_that_is_not_as_it_should_be_leaves_the_old_one() {
    let world = World::with(renewable()).await;
    let wallet = world.builder().notify_in_background(false).build().expect("a wallet");
    let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    let old = world.verified(&issuance.accept().await.expect("it is issued")).await;
    world.issuer.set_fault("bad-signature").expect("a fault");
    let renewal = wallet.refresh(&old.id).await.expect("it begins");
    assert_eq!(failure(renewal.proceed().await).code(), ErrorCode::CredentialRejected);
    let kept = wallet.credential(&old.id).await.expect("it is there");
    assert_eq!(kept.instances[0].to_text(), old.instances[0].to_text());
    assert!(!kept.quarantined);
    let all = wallet.credentials().await.expect("a list");
    assert_eq!(all.iter().filter(|credential| credential.quarantined).count(), 1);
    // The key of the old one still signs: nobody deleted it.
    world.issuer.clear_faults();
    let renewal = wallet.refresh(&old.id).await.expect("it begins");
    world.verified(&renewal.proceed().await.expect("it is issued")).await;
}

#[tokio::test]
async fn a_server_that_fails_meanwhile_costs_nothing() {
    let world = World::with(renewable()).await;
    let clock = Moved::default();
    let wallet = world.builder().clock(clock.clone()).build().expect("a wallet");
    let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    let old = world.verified(&issuance.accept().await.expect("it is issued")).await;
    clock.pass(100);
    world.issuer.advance_clock(100);
    let renewal = wallet.refresh(&old.id).await.expect("it begins");
    for fault in ["http-500-token", "http-500-credential"] {
        world.issuer.set_fault_times(fault, 1).expect("a fault");
        let error = failure(renewal.proceed().await);
        assert_eq!((error.code(), error.advice()), (ErrorCode::ServerFailed, Advice::Retry), "{fault}");
    }
    assert_eq!(world.verified(&renewal.proceed().await.expect("it is issued")).await.id, old.id);
    // One renewal of the token was enough for it all.
    assert_eq!(grants(&world).iter().filter(|grant| *grant == "refresh_token").count(), 2);
}

// covers: DEFER-08, CERR-01
#[tokio::test]
async fn a_token_that_ends_while_the_wallet_waits_is_renewed() {
    // By its own word, and by the issuer's.
    for known in [true, false] {
        let token_lifetime = if known { 60 } else { 3600 };
        let options = Options { deferred_waits: Some(2), deferred_interval: 100, token_lifetime, ..renewable() };
        let world = World::with(options).await;
        let clock = Moved::default();
        let wallet = || world.builder().clock(clock.clone()).build().expect("a wallet");
        let issuance = wallet().open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
        let mut step = issuance.accept().await.expect("accepted");
        let mut polls = 0;
        while let Step::Wait { .. } = step {
            if !known {
                world.issuer.set_fault_times("invalid-token-at-deferred", 1).expect("a fault");
            }
            clock.pass(101);
            world.issuer.advance_clock(101);
            step = wallet().resume(issuance.id()).await.expect("it is there").poll().await.expect("asked again");
            polls += 1;
            assert!(polls < 5);
        }
        world.verified(&step).await;
        assert!(grants(&world).iter().filter(|grant| *grant == "refresh_token").count() >= 2);
        assert_eq!(world.issuer.log().refresh_token_reuses, 0);
    }
}

#[tokio::test]
async fn a_deferred_credential_without_a_token_comes_to_a_typed_end() {
    let world = World::with(Options { deferred_waits: Some(1), refresh_tokens: false, ..renewable() }).await;
    let clock = Moved::default();
    let wallet = world.builder().clock(clock.clone()).build().expect("a wallet");
    let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    assert!(matches!(issuance.accept().await.expect("accepted"), Step::Wait { .. }));
    clock.pass(100);
    world.issuer.advance_clock(100);
    let error = failure(issuance.poll().await);
    assert_eq!((error.code(), error.advice()), (ErrorCode::TokenRefused, Advice::GetNewOffer));
    assert_eq!(failure(issuance.poll().await).code(), ErrorCode::TokenRefused, "it has ended");
    assert_eq!(world.count("/deferred"), 1);
}

#[tokio::test]
async fn two_credentials_of_one_yes_share_their_tokens() {
    let world = World::with(renewable()).await;
    let clock = Moved::default();
    let wallet = world.builder().clock(clock.clone()).build().expect("a wallet");
    let mut spec = pre_authorized(SD_JWT);
    spec.configurations = Some(vec!["UniversityDegree_dc_sd_jwt".into(), "UniversityDegree_jwt_vc_json".into()]);
    let issuance = wallet.open_offer(&world.offer(&spec).link).await.expect("it opens");
    let Step::Done { credentials, failures } = issuance.accept().await.expect("it is issued") else { panic!() };
    assert_eq!((credentials.len(), failures.len()), (2, 0));
    for _ in 0..2 {
        for id in &credentials {
            clock.pass(100);
            world.issuer.advance_clock(100);
            let renewal = wallet.refresh(id).await.expect("it begins");
            assert_eq!(&world.verified(&renewal.proceed().await.expect("it is issued")).await.id, id);
        }
    }
    assert_eq!(world.issuer.log().refresh_token_reuses, 0, "whoever renews tells the other");
}

#[tokio::test]
async fn a_notice_that_waited_longer_than_its_token_is_told_with_a_new_one() {
    let world = World::with(renewable()).await;
    let clock = Moved::default();
    let wallet = world.builder().clock(clock.clone()).notify_in_background(false).build().expect("a wallet");
    let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    world.verified(&issuance.accept().await.expect("it is issued")).await;
    clock.pass(1000);
    world.issuer.advance_clock(1000);
    assert_eq!(wallet.flush().await.expect("flushed").notified.len(), 1);
    assert_eq!(grants(&world).last().map(String::as_str), Some("refresh_token"));
}
