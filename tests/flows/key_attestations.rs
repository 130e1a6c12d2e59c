//! Keys that somebody vouches for: in the header of one proof, or instead of proofs.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use billfold::platform::provider::{
    KeyAttestationRequest, ProviderCapabilities, ProviderError, ProviderErrorKind, WalletProvider,
};
use billfold::{AcceptOptions, Advice, ErrorCode, Operation, Profile, Step, Wallet};
use billfold_test_issuer::{AttestationProof, KeyAttestation, Options};
use serde_json::{Value, json};

use crate::attester::Provider;
use crate::proofs::Counting;
use crate::world::{SD_JWT, World, failure, pre_authorized};

fn required() -> Options {
    Options { key_attestation: KeyAttestation::Required, ..Options::default() }
}

fn copies(copies: u32) -> AcceptOptions {
    AcceptOptions { copies: Some(copies), ..AcceptOptions::default() }
}

fn wallet(world: &World, provider: impl WalletProvider + 'static) -> Wallet {
    world.builder().wallet_provider(provider).build().expect("a wallet")
}

async fn accept(world: &World, wallet: &Wallet, options: AcceptOptions) -> billfold::Result<Step> {
    let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    issuance.accept_with(options).await
}

/// What the issuer saw of the proofs in each credential request that it took.
pub(crate) fn seen(world: &World) -> Vec<Value> {
    let requests = world.issuer.log().requests.into_iter().filter(|entry| entry.path == "/credential");
    requests.filter_map(|entry| entry.seen.get("proofs").cloned()).collect()
}

// covers: META-30, PROOF-07, PROOF-08, PROOF-23, KATT-06, HAIP-20, HAIP-22
#[tokio::test]
async fn one_proof_with_an_attestation_brings_a_credential_for_each_key() {
    for key_attestation in [KeyAttestation::Required, KeyAttestation::RequiredLevels] {
        let world = World::with(Options { key_attestation, ..Options::default() }).await;
        let (provider, keys) = (Provider::new(&world).await, Counting::over(&world));
        let wallet = world.builder().keys(keys.clone()).wallet_provider(provider.clone()).build().expect("a wallet");
        let credential = world.verified(&accept(&world, &wallet, copies(3)).await.expect("it is issued")).await;
        assert_eq!(seen(&world), [json!({ "type": "jwt", "count": 1, "keys": 3 })]);

        let asked = provider.keys.lock().expect("not poisoned").clone();
        let [asked] = asked.as_slice() else { panic!("one attestation for all: {asked:?}") };
        assert_eq!(asked.credential_issuer.as_str(), world.issuer.issuer());
        assert_eq!(asked.keys.len(), 3);
        for copy in &credential.instances {
            let key = copy.key.as_ref().expect("a key");
            assert_eq!(asked.keys.iter().filter(|attested| *attested == key).count(), 1);
        }
        assert_eq!(credential.instances.len(), 3);
        assert!(asked.nonce.is_some() && asked.inside_jwt_proof);
        assert!(asked.signing_algorithms.iter().any(|name| name == "ES256"));
        let levels = match key_attestation {
            KeyAttestation::RequiredLevels => vec!["iso_18045_high".to_owned(), "iso_18045_moderate".to_owned()],
            _ => Vec::new(),
        };
        assert_eq!((&asked.key_storage, &asked.user_authentication), (&levels, &levels));
        // The first of them proves that they are here; the nonce is one for proof and attestation.
        assert_eq!((keys.created(), keys.signed()), (vec![3], vec![1]));
        assert_eq!((world.count("/nonce"), world.count("/credential")), (1, 1));
    }
}

// covers: PROOF-21, PROOF-23, KATT-06, HAIP-20, HAIP-22
#[tokio::test]
async fn an_attestation_alone_brings_a_credential_for_each_key() {
    for nonce_endpoint in [true, false] {
        let options = Options { attestation_proof: AttestationProof::Only, nonce_endpoint, ..Options::default() };
        let world = World::with(options).await;
        let (provider, keys) = (Provider::new(&world).await, Counting::over(&world));
        let wallet = world.builder().keys(keys.clone()).wallet_provider(provider.clone()).build().expect("a wallet");
        let credential = world.verified(&accept(&world, &wallet, copies(4)).await.expect("it is issued")).await;
        assert_eq!(credential.instances.len(), 4);
        assert_eq!(seen(&world), [json!({ "type": "attestation", "count": 1, "keys": 4 })]);
        assert_eq!((keys.created(), keys.signed()), (vec![4], vec![]), "nothing is signed by the keys");
        let asked = provider.keys.lock().expect("not poisoned").clone();
        assert_eq!(asked.len(), 1);
        assert_eq!((asked[0].nonce.is_some(), asked[0].inside_jwt_proof), (nonce_endpoint, false));
    }
}

// covers: META-30
#[tokio::test]
async fn an_issuer_that_requires_none_gets_none() {
    let world = World::with(Options { attestation_proof: AttestationProof::Also, ..Options::default() }).await;
    let provider = Provider::new(&world).await;
    world.verified(&accept(&world, &wallet(&world, provider.clone()), copies(1)).await.expect("it is issued")).await;
    assert_eq!(seen(&world), [json!({ "type": "jwt", "count": 1, "keys": 1 })]);
    assert!(provider.keys.lock().expect("not poisoned").is_empty());
}

// covers: META-29, META-30
#[tokio::test]
async fn without_somebody_who_attests_keys_nothing_is_asked_for() {
    for options in [required(), Options { attestation_proof: AttestationProof::Only, ..Options::default() }] {
        let world = World::with(options).await;
        let error = failure(accept(&world, &world.wallet(), copies(1)).await);
        assert_eq!((error.code(), error.advice()), (ErrorCode::FeatureUnsupported, Advice::FixSetup));
        assert!(error.detail().contains("key attestation"), "{error}");
        assert_eq!((world.count("/token"), world.count("/nonce")), (0, 0));
    }
}

#[tokio::test]
async fn a_provider_that_is_down_costs_nothing() {
    let world = World::with(required()).await;
    let provider = Provider::new(&world).await;
    provider.outages.store(1, Ordering::SeqCst);
    let first = wallet(&world, provider.clone());
    let issuance = first.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    let error = failure(issuance.accept_with(copies(2)).await);
    assert_eq!((error.code(), error.advice()), (ErrorCode::ProviderUnavailable, Advice::Retry));
    assert_eq!((error.operation(), error.is_retryable()), (Some(Operation::Proof), true));
    assert_eq!(world.count("/credential"), 0);
    // Later, after a restart of the app.
    let again = wallet(&world, provider).resume(issuance.id()).await.expect("it is there");
    let credential = world.verified(&again.proceed().await.expect("it is issued")).await;
    assert_eq!(credential.instances.len(), 2);
    assert_eq!((world.count("/token"), world.count("/credential")), (1, 1));
}

type Forgery = fn(&mut Value, &mut Value);

/// Gives what it was told to, or says no.
struct Forging {
    honest: Arc<Provider>,
    attester: billfold_test_issuer::Attester,
    forgery: Mutex<Option<Forgery>>,
    refusal: Option<ProviderErrorKind>,
}

#[async_trait]
impl WalletProvider for Forging {
    fn capabilities(&self) -> ProviderCapabilities {
        self.honest.capabilities()
    }

    async fn key_attestation(&self, request: KeyAttestationRequest) -> Result<String, ProviderError> {
        if let Some(kind) = self.refusal {
            return Err(ProviderError::new(kind, "these keys are unknown"));
        }
        let good = self.honest.key_attestation(request).await?;
        let forgery = *self.forgery.lock().expect("not poisoned");
        let Some(forge) = forgery else { return Ok(good) };
        let mut parts = good.split('.').map(|part| {
            use base64::Engine as _;
            let octets = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).expect("base64url");
            serde_json::from_slice::<Value>(&octets).expect("JSON")
        });
        let (mut header, mut claims) = (parts.next().expect("a header"), parts.next().expect("claims"));
        forge(&mut header, &mut claims);
        Ok(self.attester.sign(&header, &claims))
    }
}

async fn forging(world: &World, forgery: Option<Forgery>, refusal: Option<ProviderErrorKind>) -> Arc<Forging> {
    let honest = Provider::new(world).await;
    let attester = world.issuer.attester().clone();
    Arc::new(Forging { honest, attester, forgery: Mutex::new(forgery), refusal })
}

// covers: KATT-01, KATT-02, KATT-06, PROOF-07
#[tokio::test]
async fn an_attestation_that_no_issuer_would_take_is_shown_to_none() {
    let world = World::with(Options { key_attestation: KeyAttestation::RequiredLevels, ..Options::default() }).await;
    let forgeries: [(Forgery, &str); 8] = [
        (|header, _| header["typ"] = json!("JWT"), "`typ`"),
        (|header, _| header["alg"] = json!("HS256"), "symmetric"),
        (|_, claims| claims["nonce"] = json!("another"), "`nonce`"),
        (|_, claims| claims["exp"] = json!(1), "expired"),
        (|_, claims| drop(claims.as_object_mut().expect("an object").remove("exp")), "`exp`"),
        (|_, claims| claims["attested_keys"] = json!([]), "attested_keys"),
        (|_, claims| drop(claims["attested_keys"].as_array_mut().expect("an array").pop()), "attested_keys"),
        (|_, claims| claims["key_storage"] = json!(["iso_18045_basic"]), "key_storage"),
    ];
    for (forgery, problem) in forgeries {
        world.issuer.reset_log();
        let provider = forging(&world, Some(forgery), None).await;
        let wallet = wallet(&world, provider.clone());
        let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
        let error = failure(issuance.accept_with(copies(2)).await);
        assert_eq!((error.code(), error.advice()), (ErrorCode::AttestationUnusable, Advice::FixSetup), "{error}");
        assert!(error.detail().contains(problem), "{error}");
        assert_eq!(world.count("/credential"), 0, "{problem}");
        // Nothing is lost: a provider that was put right is asked again.
        *provider.forgery.lock().expect("not poisoned") = None;
        world.verified(&issuance.proceed().await.expect("it is issued")).await;
        assert_eq!(world.count("/token"), 1);
    }
}

#[tokio::test]
async fn a_provider_that_says_no_is_the_setups_concern() {
    let world = World::with(required()).await;
    for kind in [ProviderErrorKind::Refused, ProviderErrorKind::Unsupported] {
        let provider = forging(&world, None, Some(kind)).await;
        let error = failure(accept(&world, &wallet(&world, provider), copies(1)).await);
        assert_eq!((error.code(), error.advice()), (ErrorCode::ProviderRefused, Advice::FixSetup));
        assert!(error.detail().contains("these keys are unknown"), "{error}");
    }
    assert_eq!(world.count("/credential"), 0);
}

#[tokio::test]
async fn a_provider_that_says_no_holds_up_only_what_needs_it() {
    let world = World::with(required()).await;
    let provider = forging(&world, Some(|header, _| header["typ"] = json!("JWT")), None).await;
    let wallet = wallet(&world, provider.clone());
    let ids = ["UniversityDegree_dc_sd_jwt", "UniversityDegree_dc_sd_jwt_did", "StudentCard_dc_sd_jwt"];
    let offer = world.offer(&pre_authorized(SD_JWT).configurations(&ids));
    let issuance = wallet.open_offer(&offer.link).await.expect("it opens");
    let error = failure(issuance.accept().await);
    assert_eq!(error.code(), ErrorCode::AttestationUnusable);
    let stored = wallet.credentials().await.expect("a list");
    let stored: Vec<_> = stored.iter().map(|one| one.credential_configuration_id.as_str()).collect();
    assert_eq!(stored, [ids[1]]);
    *provider.forgery.lock().expect("not poisoned") = None;
    let Step::Done { credentials, failures } = issuance.proceed().await.expect("they are issued") else {
        panic!("not done")
    };
    assert_eq!((credentials.len(), failures.len()), (3, 0));
    assert_eq!((world.count("/token"), world.count("/credential")), (1, 3));
}

// covers: HAIP-21
#[tokio::test]
async fn haip_takes_no_attestation_without_its_chain() {
    let options = Options { profile: billfold_test_issuer::Profile::Haip, ..Options::default() };
    let world = World::with(options).await;
    let forgery: Forgery = |header, _| {
        header["x5c"] = Value::Null;
        header["kid"] = json!("1");
    };
    let honest = Provider::new(&world).await;
    let attester = world.issuer.attester().clone();
    let provider = Arc::new(Forging { honest, attester, forgery: Mutex::new(Some(forgery)), refusal: None });
    let builder = world.builder().profile(Profile::Haip).wallet_provider(Attesting(provider.clone()));
    let wallet = builder.build().expect("a wallet");
    let offer = world.offer(&crate::world::code(SD_JWT));
    let issuance = wallet.open_offer(&offer.link).await.expect("it opens");
    let redirect = world.sign_in(&issuance.accept().await.expect("a sign-in")).await;
    let error = failure(issuance.submit_redirect(&redirect).await);
    assert_eq!(error.code(), ErrorCode::AttestationUnusable, "{error}");
    assert!(error.detail().contains("x5c"), "{error}");
    assert_eq!(world.count("/credential"), 0);
    *provider.forgery.lock().expect("not poisoned") = None;
    world.verified(&issuance.proceed().await.expect("it is issued")).await;
}

/// Forged key attestations, and honest ones of the client.
struct Attesting(Arc<Forging>);

#[async_trait]
impl WalletProvider for Attesting {
    fn capabilities(&self) -> ProviderCapabilities {
        self.0.capabilities()
    }

    async fn client_attestation(
        &self,
        request: billfold::platform::provider::ClientAttestationRequest,
    ) -> Result<String, ProviderError> {
        self.0.honest.client_attestation(request).await
    }

    async fn key_attestation(&self, request: KeyAttestationRequest) -> Result<String, ProviderError> {
        self.0.key_attestation(request).await
    }
}

// covers: NONCE-06, CERR-05, PROOF-07
#[tokio::test]
async fn a_refused_nonce_is_replaced_in_the_attestation_too() {
    for attestation_proof in [AttestationProof::Off, AttestationProof::Only] {
        for fault in ["invalid-nonce-at-credential", "invalid-proof-at-credential"] {
            let world = World::with(Options { attestation_proof, ..required() }).await;
            let provider = Provider::new(&world).await;
            world.issuer.set_fault_times(fault, 1).expect("a fault");
            let step = accept(&world, &wallet(&world, provider.clone()), copies(2)).await.expect("it is issued");
            assert_eq!(world.verified(&step).await.instances.len(), 2);
            let asked = provider.keys.lock().expect("not poisoned").clone();
            assert_eq!(asked.len(), 2, "{fault}");
            assert_ne!(asked[0].nonce, asked[1].nonce);
            assert_eq!(asked[0].keys, asked[1].keys);
            assert_eq!((world.count("/nonce"), world.count("/credential")), (2, 2), "{fault}");
        }
    }
}

// covers: CREQ-10, PROOF-23
#[tokio::test]
async fn each_dataset_has_keys_and_an_attestation_of_its_own() {
    let options = Options { credential_identifiers: true, identifiers_per_configuration: 2, ..required() };
    let world = World::with(options).await;
    let provider = Provider::new(&world).await;
    let step = accept(&world, &wallet(&world, provider.clone()), copies(2)).await.expect("they are issued");
    let Step::Done { credentials, failures } = step else { panic!("{step:?}") };
    assert_eq!((credentials.len(), failures.len()), (2, 0));
    let asked = provider.keys.lock().expect("not poisoned").clone();
    assert_eq!(asked.iter().map(|asked| asked.keys.len()).collect::<Vec<_>>(), [2, 2]);
    assert!(asked[0].keys.iter().all(|key| !asked[1].keys.contains(key)));
}
