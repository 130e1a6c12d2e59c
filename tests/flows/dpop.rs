//! Tokens that are bound to a key of the wallet (RFC 9449), as a strict server sees it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use billfold::platform::http::{HttpLimits, HttpRequest, HttpResponse, HttpTransport, TransportError};
use billfold::platform::keys::{HolderKeys, KeyError, KeySpec, SignRequest};
use billfold::platform::reqwest::ReqwestTransport;
use billfold::platform::software_keys::SoftwareKeys;
use billfold::{AcceptOptions, Advice, Algorithm, ErrorCode, HolderKey, KeyHandle, Profile};
use billfold_test_issuer::{AuthorizationServer, ClientAuth, Dpop, Options, ShownDpop};

use crate::attester::Provider;
use crate::world::{Moved, SD_JWT, World, code, failure, pre_authorized};

fn bound() -> Options {
    Options { dpop: Dpop::Required, dpop_nonces: true, ..Options::default() }
}

fn shown(world: &World, path: &str) -> Vec<ShownDpop> {
    let log = world.issuer.log();
    log.requests.iter().filter(|entry| entry.path == path).filter_map(|entry| entry.dpop.clone()).collect()
}

// covers: DPOP-01, DPOP-04, DPOP-05, DPOP-06, DPOP-07, DPOP-10, AUTHZ-21, HAIP-06
#[tokio::test]
async fn every_endpoint_sees_the_same_key_and_a_fresh_proof() {
    // On one origin, and on two.
    for authorization_server in [AuthorizationServer::Own, AuthorizationServer::Port] {
        let options = Options { deferred_waits: Some(1), authorization_server, ..bound() };
        let world = World::with(options).await;
        let clock = Moved::default();
        let wallet = world.builder().clock(clock.clone()).notify_in_background(false).build().expect("a wallet");
        let issuance = wallet.open_offer(&world.offer(&code(SD_JWT)).link).await.expect("it opens");
        let step = issuance.accept().await.expect("a sign-in");
        let redirect = world.sign_in(&step).await;
        let mut step = issuance.submit_redirect(&redirect).await.expect("accepted");
        while let billfold::Step::Wait { .. } = step {
            clock.pass(2);
            world.issuer.advance_clock(2);
            step = issuance.poll().await.expect("asked again");
        }
        world.verified(&step).await;
        assert_eq!(wallet.flush().await.expect("flushed").notified.len(), 1);

        let log = world.issuer.log();
        let with_proof: Vec<_> = log.requests.iter().filter_map(|entry| entry.dpop.as_ref()).collect();
        let keys: BTreeSet<_> = with_proof.iter().map(|shown| &shown.key).collect();
        let ids: BTreeSet<_> = with_proof.iter().map(|shown| &shown.jti).collect();
        assert_eq!(keys.len(), 1, "{keys:?}");
        assert_eq!(ids.len(), with_proof.len(), "a proof was sent twice");
        let par = log.requests.iter().find(|entry| entry.path.ends_with("/par")).expect("a push");
        assert!(par.parameters.iter().any(|name| name == "dpop_jkt"), "{:?}", par.parameters);
        for path in ["/credential", "/deferred", "/notification"] {
            let tries: Vec<_> = log.requests.iter().filter(|entry| entry.path == path).collect();
            assert!(!tries.is_empty(), "{path}");
            assert!(tries.iter().all(|entry| entry.headers["authorization"] == "DPoP"), "{path}");
            assert!(tries.iter().any(|entry| entry.status.is_some_and(|status| status < 300)), "{path}");
        }
        // Each server refused one proof for want of its nonce, or none: whoever gave one was heard.
        let asked = log.requests.iter().filter(|entry| entry.error.as_deref() == Some("use_dpop_nonce")).count();
        assert!(asked <= 2, "{asked} of {:#?}", log.waves);
        let tokens: Vec<_> = log.requests.iter().filter(|entry| entry.path.ends_with("/token")).collect();
        assert_eq!(tokens.last().and_then(|entry| entry.status), Some(200), "no code is lost by a nonce");
    }
}

// covers: DPOP-09, NONCE-04
#[tokio::test]
async fn the_nonce_endpoint_gives_the_credential_endpoints_nonce() {
    let world = World::with(bound()).await;
    let issuance = world.open(&pre_authorized(SD_JWT)).await;
    world.verified(&issuance.accept().await.expect("it is issued")).await;
    let [credential] = shown(&world, "/credential").try_into().expect("one request: it had the right nonce at once");
    assert!(credential.nonce.is_some());
    // The token endpoint said on its first answer what it wants.
    let [first, second] = shown(&world, "/token").try_into().expect("two requests");
    assert!(first.nonce.is_none() && second.nonce.is_some());
}

// covers: DPOP-07, DPOP-10
#[tokio::test]
async fn a_server_that_is_never_content_is_asked_twice_and_takes_nothing() {
    let world = World::with(bound()).await;
    let issuance = world.open(&pre_authorized(SD_JWT)).await;
    world.issuer.set_fault("use-dpop-nonce-at-token").expect("a fault");
    let error = failure(issuance.accept().await);
    assert_eq!((error.code(), error.advice()), (ErrorCode::DpopRefused, Advice::TellIssuer));
    assert_eq!(world.count("/token"), 2);
    world.issuer.clear_faults();
    world.verified(&issuance.proceed().await.expect("the code is as good as before")).await;

    world.issuer.set_fault("use-dpop-nonce-at-credential").expect("a fault");
    world.issuer.reset_log();
    let issuance = world.open(&pre_authorized(SD_JWT)).await;
    assert_eq!(failure(issuance.accept().await).code(), ErrorCode::DpopRefused);
    assert_eq!(world.count("/credential"), 2);
    world.issuer.clear_faults();
    world.verified(&issuance.proceed().await.expect("the token is as good as before")).await;
}

// covers: TOKRS-07
#[tokio::test]
async fn a_token_that_anybody_can_use_is_taken_unless_the_profile_forbids_it() {
    let world = World::with(Options { dpop: Dpop::On, ..Options::default() }).await;
    world.issuer.set_fault("dpop-bearer").expect("a fault");
    let issuance = world.open(&pre_authorized(SD_JWT)).await;
    world.verified(&issuance.accept().await.expect("it is issued")).await;
    let credential = world.issuer.log().requests.into_iter().find(|entry| entry.path == "/credential");
    let credential = credential.expect("a request");
    assert_eq!((credential.headers["authorization"].as_str(), credential.dpop), ("Bearer", None));

    let strict = Options { dpop: Dpop::On, client_auth: ClientAuth::Attestation, ..Options::default() };
    let world = World::with(strict).await;
    world.issuer.set_fault("dpop-bearer").expect("a fault");
    let provider = Provider::new(&world).await;
    let wallet = world.builder().profile(Profile::Haip).wallet_provider(provider).build().expect("a wallet");
    let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    assert_eq!(failure(issuance.accept().await).code(), ErrorCode::TokenUnbound);
    assert_eq!(world.count("/credential"), 0);
}

/// Software keys that are counted.
struct Counted(SoftwareKeys, Mutex<BTreeSet<KeyHandle>>);

impl Counted {
    fn left(&self) -> usize {
        self.1.lock().expect("not poisoned").len()
    }
}

#[async_trait]
impl HolderKeys for Counted {
    fn algorithms(&self) -> Vec<Algorithm> {
        self.0.algorithms()
    }

    async fn create(&self, spec: KeySpec, count: usize) -> Result<Vec<HolderKey>, KeyError> {
        let made = self.0.create(spec, count).await?;
        self.1.lock().expect("not poisoned").extend(made.iter().map(|key| key.handle.clone()));
        Ok(made)
    }

    async fn sign(&self, requests: Vec<SignRequest>) -> Result<Vec<Vec<u8>>, KeyError> {
        self.0.sign(requests).await
    }

    async fn delete(&self, handles: Vec<KeyHandle>) -> Result<(), KeyError> {
        self.1.lock().expect("not poisoned").retain(|handle| !handles.contains(handle));
        self.0.delete(handles).await
    }
}

// covers: DPOP-13, SEC-12
#[tokio::test]
async fn no_two_issuances_share_a_key_and_none_is_left_behind() {
    let world = World::with(bound()).await;
    let made = Arc::new(Counted(SoftwareKeys::new(), Mutex::default()));
    let wallet = world.builder().keys(made.clone()).notify_in_background(false).build().expect("a wallet");
    let open = async |spec: billfold_test_issuer::OfferSpec| {
        wallet.open_offer(&world.offer(&spec).link).await.expect("it opens")
    };
    let mut keys = BTreeSet::new();
    for _ in 0..2 {
        let issuance = open(pre_authorized(SD_JWT)).await;
        let credential = world.verified(&issuance.accept().await.expect("it is issued")).await;
        let bound_to = shown(&world, "/token").pop().expect("a proof").key;
        assert!(keys.insert(bound_to.clone()), "{bound_to} twice");
        let own = credential.instances[0].key.as_ref().expect("a key");
        assert_ne!(own.public_jwk.thumbprint(), bound_to);
    }
    // What was given up, came to nothing, or was forgotten leaves no key.
    assert_eq!(made.left(), 4, "a key for each credential, and one for each token");
    let issuance = open(code(SD_JWT)).await;
    issuance.accept().await.expect("a sign-in");
    assert_eq!(made.left(), 5);
    issuance.cancel().await.expect("given up");
    assert_eq!(made.left(), 4);
    world.issuer.set_fault("invalid-grant-at-token").expect("a fault");
    assert_eq!(failure(open(pre_authorized(SD_JWT)).await.accept().await).code(), ErrorCode::GrantRefused);
    world.issuer.clear_faults();
    assert_eq!(made.left(), 4);
    for credential in wallet.credentials().await.expect("a list") {
        wallet.forget(&credential.id).await.expect("forgotten");
    }
    assert_eq!(wallet.flush().await.expect("flushed").notified.len(), 4);
    assert_eq!(made.left(), 0);
}

#[tokio::test]
async fn a_server_without_dpop_is_shown_none() {
    let world = World::with(Options { dpop: Dpop::Off, ..Options::default() }).await;
    let issuance = world.open(&pre_authorized(SD_JWT)).await;
    world.verified(&issuance.accept().await.expect("it is issued")).await;
    assert!(world.issuer.log().requests.iter().all(|entry| entry.dpop.is_none()));
}

#[tokio::test]
async fn a_yes_that_comes_to_nothing_or_comes_again_leaves_no_key() {
    let options = Options { client_auth: ClientAuth::Any, ..bound() };
    let world = World::with(options).await;
    let made = Arc::new(Counted(SoftwareKeys::new(), Mutex::default()));
    let builder = || world.builder().keys(made.clone()).notify_in_background(false);
    let provider = Provider::new(&world).await;

    // It can't go on, because the app has no redirect URI.
    let bare = billfold::Wallet::builder("com.example.wallet").keys(made.clone()).store(world.store.clone());
    let bare = bare.wallet_provider(provider.clone()).allow_loopback_http(true).build().expect("a wallet");
    let offer = world.offer(&code(SD_JWT));
    let issuance = bare.open_offer(&offer.link).await.expect("it opens");
    assert_eq!(failure(issuance.accept().await).code(), ErrorCode::SetupInvalid);
    assert_eq!(made.left(), 0);

    // The second time the wallet has nobody who vouches for it.
    let attested = builder().wallet_provider(provider).build().expect("a wallet");
    let issuance = attested.resume(issuance.id()).await.expect("it is there");
    issuance.accept().await.expect("a sign-in");
    assert_eq!(made.left(), 2, "for tokens, and for attestations");
    let plain = builder().build().expect("a wallet");
    let issuance = plain.resume(issuance.id()).await.expect("it is there");
    drop(issuance.accept().await);
    assert_eq!(made.left(), 1, "for tokens");
    issuance.cancel().await.expect("given up");
    assert_eq!(made.left(), 0);
}

#[tokio::test]
async fn who_agreed_by_the_profile_agrees_by_it_again() {
    let world = World::with(Options::haip()).await;
    let provider = Provider::new(&world).await;
    let wallet = world.builder().wallet_provider(provider).build().expect("a wallet");
    let issuance = wallet.open_offer(&world.offer(&code(SD_JWT)).link).await.expect("it opens");
    let haip = AcceptOptions { profile: Some(Profile::Haip), ..AcceptOptions::default() };
    issuance.accept_with(haip).await.expect("a sign-in");
    let details = || AcceptOptions { request: billfold::RequestBy::Details, ..AcceptOptions::default() };
    let error = failure(issuance.accept_with(details()).await);
    assert_eq!(error.code(), ErrorCode::ProfileViolated, "the wallet's own profile is a weaker one");
}

/// Refuses the first request for a token for its nonce, and the second for its challenge, each time with new ones.
struct Fussy(ReqwestTransport, Mutex<Vec<HttpRequest>>);

#[async_trait]
impl HttpTransport for Fussy {
    async fn send(&self, request: HttpRequest, limits: HttpLimits) -> Result<HttpResponse, TransportError> {
        if request.uri().path() != "/token" {
            return self.0.send(request, limits).await;
        }
        let nth = {
            let mut seen = self.1.lock().expect("not poisoned");
            seen.push(request.clone());
            seen.len()
        };
        let error = match nth {
            1 => "use_dpop_nonce",
            2 => "use_attestation_challenge",
            _ => return self.0.send(request, limits).await,
        };
        let answer = http::Response::builder()
            .status(400)
            .header("content-type", "application/json")
            .header("DPoP-Nonce", format!("nonce {nth}"))
            .header("OAuth-Client-Attestation-Challenge", format!("challenge {nth}"));
        Ok(answer.body(serde_json::json!({ "error": error }).to_string().into_bytes()).expect("an answer"))
    }
}

// covers: DPOP-09
#[tokio::test]
async fn each_try_has_the_newest_nonce() {
    let options = Options { dpop: Dpop::Required, client_auth: ClientAuth::Attestation, ..Options::default() };
    let world = World::with(options).await;
    let transport = Arc::new(Fussy(ReqwestTransport::new(), Mutex::default()));
    let provider = Provider::new(&world).await;
    let wallet = world.builder().http(transport.clone()).wallet_provider(provider).build().expect("a wallet");
    let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    // The issuer knows neither value; it is what the third try holds that counts.
    drop(issuance.accept().await);
    let seen = transport.1.lock().expect("not poisoned");
    let claim = |request: &HttpRequest, header: &str, name: &str| -> serde_json::Value {
        let jwt = request.headers()[header].to_str().expect("text");
        let payload = jwt.split('.').nth(1).expect("a payload");
        let payload = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, payload);
        let payload: serde_json::Value = serde_json::from_slice(&payload.expect("base64url")).expect("JSON");
        payload[name].clone()
    };
    assert!(seen.len() >= 3);
    assert_eq!(claim(&seen[1], "DPoP", "nonce"), "nonce 1");
    assert_eq!(claim(&seen[2], "DPoP", "nonce"), "nonce 2");
    assert_eq!(claim(&seen[2], "OAuth-Client-Attestation-PoP", "challenge"), "challenge 2");
}
