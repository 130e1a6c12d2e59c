//! A wallet that authenticates: by attestations of its provider, or by its own key.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use billfold::{Advice, AttestationVersion, ErrorCode, RequestOutcome};
use billfold_test_issuer::{AuthorizationServer, ClientAuth, Entry, Options, ShownAttestation};

use crate::attester::Provider;
use crate::world::{SD_JWT, World, code, failure, pre_authorized};

fn attested() -> Options {
    Options { client_auth: ClientAuth::Attestation, ..Options::default() }
}

fn requests(world: &World, path: &str) -> Vec<Entry> {
    world.issuer.log().requests.into_iter().filter(|entry| entry.path.ends_with(path)).collect()
}

fn attestations(entries: &[Entry]) -> Vec<ShownAttestation> {
    entries.iter().filter_map(|entry| entry.attestation.clone()).collect()
}

// covers: WATT-01, WATT-02, WATT-03, WATT-04, WATT-06, HAIP-08, HAIP-11
#[tokio::test]
async fn attestations_go_wherever_the_client_authenticates() {
    for challenge_endpoint in [false, true] {
        for authorization_server in [AuthorizationServer::Own, AuthorizationServer::Port] {
            let world = World::with(Options { challenge_endpoint, authorization_server, ..attested() }).await;
            let provider = Provider::new(&world).await;
            let wallet = world.builder().wallet_provider(provider.clone()).build().expect("a wallet");
            let issuance = wallet.open_offer(&world.offer(&code(SD_JWT)).link).await.expect("it opens");
            let redirect = world.sign_in(&issuance.accept().await.expect("a sign-in")).await;
            world.verified(&issuance.submit_redirect(&redirect).await.expect("it is issued")).await;

            let (par, token) = (requests(&world, "/par"), requests(&world, "/token"));
            assert_eq!((par.len(), token.len()), (1, 1), "no try was wasted");
            let shown = attestations(&[par, token].concat());
            assert_eq!(shown.len(), 2);
            assert_ne!(shown[0].jti, shown[1].jti, "a proof is good for one request");
            assert_eq!(shown[0].hash, shown[1].hash, "one session, one attestation");
            assert_eq!(shown.iter().all(|shown| shown.challenge.is_some()), challenge_endpoint);
            // The first one was asked for, the next one came with the first answer.
            assert_eq!(requests(&world, "/challenge").len(), usize::from(challenge_endpoint));
            let asked = provider.asked.lock().expect("not poisoned");
            assert_eq!(asked.len(), 1);
            assert_eq!(asked[0].client_id.as_str(), "com.example.wallet");
            assert_eq!(asked[0].key.public_jwk.thumbprint(), shown[0].key);
        }
    }
}

// covers: TOKRQ-05
#[tokio::test]
async fn a_pre_authorized_code_is_redeemed_by_a_client_that_authenticates() {
    let world = World::with(attested()).await;
    let provider = Provider::new(&world).await;
    let wallet = world.builder().wallet_provider(provider).build().expect("a wallet");
    let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    world.verified(&issuance.accept().await.expect("it is issued")).await;
    let token = requests(&world, "/token");
    assert!(token[0].attestation.is_some() && token[0].parameters.contains(&"client_id".to_owned()));
}

// covers: HAIP-10, WATT-10
#[tokio::test]
async fn no_two_servers_and_no_two_issuances_see_the_same_attestation() {
    let (mut hashes, mut keys) = (BTreeSet::new(), BTreeSet::new());
    let first = World::with(attested()).await;
    for _ in 0..2 {
        let second = World::with(Options {
            attester_trust_pem: Some(first.issuer.attester().trust_pem().to_owned()),
            ..attested()
        })
        .await;
        for world in [&first, &second] {
            world.issuer.reset_log();
            let provider = Provider::new(&first).await;
            let wallet = world.builder().wallet_provider(provider.clone()).build().expect("a wallet");
            let issuance = wallet.open_offer(&world.offer(&code(SD_JWT)).link).await.expect("it opens");
            let redirect = world.sign_in(&issuance.accept().await.expect("a sign-in")).await;
            world.verified(&issuance.submit_redirect(&redirect).await.expect("it is issued")).await;
            let shown = attestations(&requests(world, "/token")).remove(0);
            assert!(hashes.insert(shown.hash) && keys.insert(shown.key));
            let asked = provider.asked.lock().expect("not poisoned");
            assert_eq!(asked[0].authorization_server.as_str(), world.issuer.issuer());
        }
    }
    assert_eq!(keys.len(), 4);
}

// covers: WATT-08
#[tokio::test]
async fn what_a_server_wants_of_an_attestation_it_gets_once() {
    let world = World::with(attested()).await;
    for (place, path) in [("par", "/par"), ("token", "/token")] {
        for (wish, attestations_made) in [("use-attestation-challenge", 1), ("use-fresh-attestation", 2)] {
            world.issuer.reset_log();
            world.issuer.set_fault_times(&format!("{wish}-at-{place}"), 1).expect("a fault");
            let provider = Provider::new(&world).await;
            let wallet = world.builder().wallet_provider(provider.clone()).build().expect("a wallet");
            let issuance = wallet.open_offer(&world.offer(&code(SD_JWT)).link).await.expect("it opens");
            let redirect = world.sign_in(&issuance.accept().await.expect("a sign-in")).await;
            world.verified(&issuance.submit_redirect(&redirect).await.expect("it is issued")).await;
            let tries = requests(&world, path);
            assert_eq!(tries.len(), 2, "{wish} at {place}");
            let shown = attestations(&tries);
            assert_eq!(shown[1].challenge.is_some(), wish == "use-attestation-challenge");
            assert_eq!(shown[0].key, shown[1].key, "the key stays");
            assert_eq!(provider.asked.lock().expect("not poisoned").len(), attestations_made, "{wish} at {place}");
        }
    }
    // Once is enough: then it is an error, and the code is not lost.
    for (wish, advice) in [
        ("use-attestation-challenge", Advice::FixSetup),
        ("use-fresh-attestation", Advice::FixSetup),
        ("invalid-client-attestation", Advice::FixSetup),
    ] {
        world.issuer.reset_log();
        world.issuer.set_fault(&format!("{wish}-at-token")).expect("a fault");
        let provider = Provider::new(&world).await;
        let wallet = world.builder().wallet_provider(provider).build().expect("a wallet");
        let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
        let error = failure(issuance.accept().await);
        assert_eq!((error.code(), error.advice()), (ErrorCode::AttestationRefused, advice), "{wish}");
        assert_eq!(requests(&world, "/token").len(), if wish == "invalid-client-attestation" { 1 } else { 2 });
        world.issuer.clear_faults();
        let step = issuance.accept().await.expect("the offer is as good as before");
        world.verified(&step).await;
    }
}

// covers: WATT-11, SEC-13
#[tokio::test]
async fn the_version_of_the_attestation_draft_is_a_setting() {
    for (version, setting) in [(7, AttestationVersion::V07), (8, AttestationVersion::V08)] {
        let world = World::with(Options { attestation_version: version, ..attested() }).await;
        for (right, setting) in [(true, setting), (false, other(setting))] {
            let provider = Provider::new(&world).await;
            let wallet = world.builder().wallet_provider(provider).attestation_version(setting).build();
            let wallet = wallet.expect("a wallet");
            let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
            let result = issuance.accept().await;
            if right {
                world.verified(&result.expect("it is issued")).await;
            } else {
                assert_eq!(failure(result).code(), ErrorCode::AttestationRefused);
            }
        }
    }
}

fn other(version: AttestationVersion) -> AttestationVersion {
    match version {
        AttestationVersion::V07 => AttestationVersion::V08,
        _ => AttestationVersion::V07,
    }
}

// covers: WATT-12
#[tokio::test]
async fn a_client_with_a_key_of_its_own_signs_assertions() {
    let (provider, public) = Provider::asserting().await;
    let options = Options { client_auth: ClientAuth::PrivateKeyJwt, client_jwks: vec![public], ..Options::default() };
    let world = World::with(options).await;
    let wallet = world.builder().wallet_provider(provider(&world)).build().expect("a wallet");
    let issuance = wallet.open_offer(&world.offer(&code(SD_JWT)).link).await.expect("it opens");
    let redirect = world.sign_in(&issuance.accept().await.expect("a sign-in")).await;
    world.verified(&issuance.submit_redirect(&redirect).await.expect("it is issued")).await;
    let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    world.verified(&issuance.accept().await.expect("it is issued")).await;
    let (par, token) = (requests(&world, "/par"), requests(&world, "/token"));
    assert_eq!((par.len(), token.len()), (1, 2));
    let all = [par, token].concat();
    assert!(all.iter().all(|entry| entry.client_auth.as_deref() == Some("private_key_jwt")));
}

#[tokio::test]
async fn a_provider_that_is_down_costs_nothing_but_time() {
    let world = World::with(attested()).await;
    let provider = Provider::new(&world).await;
    provider.outages.store(1, Ordering::SeqCst);
    let wallet = world.builder().wallet_provider(provider.clone()).build().expect("a wallet");
    let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    let error = failure(issuance.accept().await);
    assert_eq!(
        (error.code(), error.advice(), error.outcome()),
        (ErrorCode::ProviderUnavailable, Advice::Retry, RequestOutcome::NotSent)
    );
    world.verified(&issuance.accept().await.expect("it is issued")).await;
}

#[tokio::test]
async fn an_attestation_that_ends_on_the_way_is_renewed() {
    let world = World::with(attested()).await;
    let provider = Provider::new(&world).await;
    // Good for now, but not for the next request.
    provider.lifetime.store(8, Ordering::SeqCst);
    let wallet = world.builder().wallet_provider(provider.clone()).build().expect("a wallet");
    let issuance = wallet.open_offer(&world.offer(&code(SD_JWT)).link).await.expect("it opens");
    let redirect = world.sign_in(&issuance.accept().await.expect("a sign-in")).await;
    world.verified(&issuance.submit_redirect(&redirect).await.expect("it is issued")).await;
    assert!(provider.asked.lock().expect("not poisoned").len() > 1);
}

// covers: ASM-11
#[tokio::test]
async fn who_can_not_authenticate_hears_it_before_anything_is_spent() {
    let world = World::with(attested()).await;
    let issuance = world.open(&code(SD_JWT)).await;
    let error = failure(issuance.accept().await);
    assert_eq!((error.code(), error.advice()), (ErrorCode::ClientAuthenticationUnavailable, Advice::FixSetup));
    assert_eq!((world.count("/par"), world.count("/token")), (0, 0));
}

// covers: DPOP-13
#[tokio::test]
async fn credentials_tokens_and_attestations_have_keys_of_their_own() {
    let world = World::with(Options { dpop: billfold_test_issuer::Dpop::Required, ..attested() }).await;
    let provider = Provider::new(&world).await;
    let wallet = world.builder().wallet_provider(provider).build().expect("a wallet");
    let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    let credential = world.verified(&issuance.accept().await.expect("it is issued")).await;
    let token = requests(&world, "/token").remove(0);
    let own = credential.instances[0].key.as_ref().expect("a key").public_jwk.thumbprint();
    let keys = BTreeSet::from([own, token.dpop.expect("a proof").key, token.attestation.expect("one").key]);
    assert_eq!(keys.len(), 3);
}
