//! The High Assurance Interoperability Profile: a whole session, and what is refused in its name.

use std::collections::BTreeSet;
use std::sync::Arc;

use billfold::{
    AcceptOptions, Advice, Encryption as Wish, ErrorCode, Profile, RequestBy, RequestedClaim, SignedMetadata, Step,
    Wallet,
};
use billfold_test_issuer::{ClientAuth, Encryption, IssuerKey, Options, Par, SignedMetadata as Signed};
use serde_json::json;

use crate::attester::Provider;
use crate::world::{Moved, SD_JWT, World, code, failure, pre_authorized};

fn wallet(world: &World, provider: Arc<Provider>, clock: &Moved) -> Wallet {
    let builder = world.builder().clock(clock.clone()).profile(Profile::Haip).wallet_provider(provider);
    let builder = builder.signed_metadata(SignedMetadata::Require).notify_in_background(false);
    builder.build().expect("a wallet")
}

// covers: HAIP-01, HAIP-02, HAIP-03, HAIP-05, HAIP-06, HAIP-07, HAIP-08, HAIP-11, HAIP-12, HAIP-14, HAIP-20
// covers: HAIP-22, HAIP-23, HAIP-24, HAIP-25, HAIP-31
#[tokio::test]
async fn a_whole_session_by_the_profile() {
    let world = World::with(Options::haip()).await;
    let (provider, clock) = (Provider::new(&world).await, Moved::default());
    let first = wallet(&world, provider.clone(), &clock);
    let issuance = first.open_offer(&world.offer(&code(SD_JWT)).link).await.expect("it opens");
    assert!(issuance.offer().metadata_signed_by.is_some());
    let options = AcceptOptions { copies: Some(5), encryption: Wish::Always, ..AcceptOptions::default() };
    let redirect = world.sign_in(&issuance.accept_with(options).await.expect("a sign-in")).await;
    let step = issuance.submit_redirect(&redirect).await.expect("it is issued");
    let old = world.verified(&step).await;
    assert_eq!(old.instances.len(), 5);
    assert_eq!(first.flush().await.expect("flushed").notified.len(), 1);

    let log = world.issuer.log();
    let at = |path: &str| log.requests.iter().filter(|entry| entry.path.ends_with(path)).collect::<Vec<_>>();
    let par = at("/par").pop().expect("a push");
    assert!(par.parameters.contains(&"scope".to_owned()), "{:?}", par.parameters);
    assert!(!par.parameters.contains(&"authorization_details".to_owned()));
    for path in ["/par", "/token"] {
        let last = at(path).pop().expect("a request");
        let attestation = last.attestation.as_ref().expect("an attestation");
        assert!(attestation.challenge.is_some(), "{path}");
        assert!(last.dpop.as_ref().is_some_and(|proof| proof.nonce.is_some()), "{path}");
    }
    let [credential] = at("/credential").try_into().expect("one request for all five");
    assert_eq!(credential.seen["proofs"], json!({ "type": "jwt", "count": 1, "keys": 5 }));
    assert!(credential.seen.contains_key("request_jwe") && credential.seen.contains_key("answer_jwe"));
    let proofs: BTreeSet<_> = log.requests.iter().filter_map(|entry| entry.dpop.as_ref()).map(|p| &p.key).collect();
    assert_eq!(proofs.len(), 1);
    assert_eq!(log.notifications[0]["event"], "credential_accepted");
    let keys: BTreeSet<_> = old.instances.iter().filter_map(|copy| copy.key.as_ref()).map(|key| &key.handle).collect();
    assert_eq!(keys.len(), 5, "each copy has a key of its own");
    assert_eq!(provider.keys.lock().expect("not poisoned").len(), 1, "one attestation for all keys");

    // Later, in another process, with the tokens of the first time.
    clock.pass(7200);
    world.issuer.advance_clock(7200);
    world.issuer.reset_log();
    let second = wallet(&world, Provider::new(&world).await, &clock);
    let renewal = second.refresh(&old.id).await.expect("it begins");
    let new = world.verified(&renewal.proceed().await.expect("it is issued")).await;
    assert_eq!((&new.id, new.instances.len()), (&old.id, 5));
    let log = world.issuer.log();
    let tokens = log.requests.iter().filter(|entry| entry.path.ends_with("/token"));
    for token in tokens {
        assert_eq!(token.grant_type.as_deref(), Some("refresh_token"));
        assert_eq!(
            token.attestation.as_ref().map(|shown| &shown.key),
            par.attestation.as_ref().map(|shown| &shown.key)
        );
    }
    let again = log
        .requests
        .iter()
        .filter_map(|entry| entry.dpop.as_ref())
        .all(|proof| Some(&proof.key) == par.dpop.as_ref().map(|shown| &shown.key));
    assert!(again, "the keys stay as long as the tokens");
    let credential = log.requests.iter().find(|entry| entry.path == "/credential").expect("a request");
    assert!(credential.seen.contains_key("answer_jwe"), "what was wished for the first time holds for the next");
    assert_eq!(second.flush().await.expect("flushed").notified.len(), 1);
}

/// Tries an issuer that breaks a rule, and gives the error with what had been sent until then.
async fn tried(
    options: Options,
    accept: AcceptOptions,
    profile: Profile,
) -> Result<Step, (ErrorCode, Advice, Vec<String>)> {
    let world = World::with(options).await;
    let provider = Provider::new(&world).await;
    let builder = world.builder().wallet_provider(provider).profile(profile).notify_in_background(false);
    let wallet = builder.build().expect("a wallet");
    let issuance = wallet.open_offer(&world.offer(&code(SD_JWT)).link).await.expect("it opens");
    world.issuer.reset_log();
    match issuance.accept_with(accept).await {
        Ok(step) => Ok(step),
        Err(error) => Err((error.code(), error.advice(), world.requests())),
    }
}

// covers: HAIP-04, HAIP-07, HAIP-12, HAIP-13
#[tokio::test]
async fn an_issuer_that_falls_short_is_refused_before_anything_is_sent() {
    let plain = AcceptOptions::default;
    let details = || AcceptOptions { request: RequestBy::Details, ..AcceptOptions::default() };
    let claims = || {
        let wanted = RequestedClaim { path: vec!["given_name".into()], mandatory: false };
        AcceptOptions {
            claims: [("UniversityDegree_dc_sd_jwt".into(), vec![wanted])].into(),
            ..AcceptOptions::default()
        }
    };
    let table: [(Options, AcceptOptions, ErrorCode); 5] = [
        (Options { par: Par::Off, ..Options::haip() }, plain(), ErrorCode::ProfileViolated),
        (Options { nonce_endpoint: false, ..Options::haip() }, plain(), ErrorCode::ProfileViolated),
        (
            Options { client_auth: ClientAuth::None, ..Options::haip() },
            plain(),
            ErrorCode::ClientAuthenticationUnavailable,
        ),
        (Options::haip(), details(), ErrorCode::ProfileViolated),
        (Options::haip(), claims(), ErrorCode::ProfileViolated),
    ];
    for (options, accept, expected) in table {
        let said = format!("{options:?}");
        let (code, _, sent) = tried(options, accept, Profile::Haip).await.expect_err(&said);
        assert_eq!((code, sent), (expected, Vec::new()), "{said}");
    }
    assert!(matches!(tried(Options::haip(), plain(), Profile::Haip).await, Ok(Step::SignIn { .. })));
    // An ordinary wallet gets along with all of it, and an ordinary issuer with an ordinary wallet.
    for options in [Options { par: Par::Off, ..Options::haip() }, Options::haip(), Options::default()] {
        assert!(matches!(tried(options, plain(), Profile::Base).await, Ok(Step::SignIn { .. })));
    }
}

#[tokio::test]
async fn the_profile_can_be_chosen_for_one_session() {
    let haip = || AcceptOptions { profile: Some(Profile::Haip), ..AcceptOptions::default() };
    let base = || AcceptOptions { profile: Some(Profile::Base), ..AcceptOptions::default() };
    let (code, ..) = tried(Options::default(), haip(), Profile::Base).await.expect_err("no HAIP issuer");
    assert!(matches!(code, ErrorCode::ProfileViolated | ErrorCode::ClientAuthenticationUnavailable), "{code}");
    assert!(tried(Options::default(), base(), Profile::Haip).await.is_ok());
}

// covers: HAIP-03
#[tokio::test]
async fn a_redirect_says_where_it_comes_from() {
    // Neither promised nor there: OAuth would take it.
    let world = World::with(Options { iss_parameter: false, ..Options::haip() }).await;
    let provider = Provider::new(&world).await;
    let wallet = wallet_without_signature(&world, provider);
    let issuance = wallet.open_offer(&world.offer(&code(SD_JWT)).link).await.expect("it opens");
    let redirect = world.sign_in(&issuance.accept().await.expect("a sign-in")).await;
    assert_eq!(failure(issuance.submit_redirect(&redirect).await).code(), ErrorCode::IssMismatch);
    assert_eq!(world.count("/token"), 0);
}

fn wallet_without_signature(world: &World, provider: Arc<Provider>) -> Wallet {
    let builder = world.builder().profile(Profile::Haip).wallet_provider(provider).notify_in_background(false);
    builder.build().expect("a wallet")
}

// covers: HAIP-27
#[tokio::test]
async fn a_credential_whose_key_is_in_no_certificate_is_put_aside() {
    let world = World::with(Options { issuer_key: IssuerKey::JwtVcIssuerMetadata, ..Options::haip() }).await;
    let provider = Provider::new(&world).await;
    let wallet = wallet_without_signature(&world, provider);
    let issuance = wallet.open_offer(&world.offer(&code(SD_JWT)).link).await.expect("it opens");
    let redirect = world.sign_in(&issuance.accept().await.expect("a sign-in")).await;
    let error = failure(issuance.submit_redirect(&redirect).await);
    assert_eq!(error.code(), ErrorCode::CredentialRejected);
    assert!(error.detail().contains("HAIP"), "{error}");
    let aside = wallet.credentials().await.expect("a list").pop().expect("one");
    assert!(aside.quarantined);
    // The profile that it was asked for by goes with it.
    assert!(wallet.recheck(&aside.id).await.expect("checked").quarantined);
    let relaxed = world.builder().notify_in_background(false).build().expect("a wallet");
    assert!(relaxed.recheck(&aside.id).await.expect("checked").quarantined);
}

// covers: HAIP-01
#[tokio::test]
async fn a_pre_authorized_code_is_redeemed_by_the_profile_too() {
    let options =
        Options { pre_authorized: true, encryption: Encryption::Off, signed_metadata: Signed::Off, ..Options::haip() };
    let world = World::with(options).await;
    let provider = Provider::new(&world).await;
    let wallet = wallet_without_signature(&world, provider);
    let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    world.verified(&issuance.accept().await.expect("it is issued")).await;
    let token = world.issuer.log().requests.into_iter().rfind(|entry| entry.path == "/token").expect("a request");
    assert!(token.attestation.is_some() && token.dpop.is_some());
}
