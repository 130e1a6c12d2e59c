//! Proofs of possession, as the issuer checks them: batches, second tries, certificates, presentations.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use billfold::model::ids::KeyHandle;
use billfold::platform::keys::{HolderKeys, KeyError, KeyPurpose, KeySpec, SignRequest};
use billfold::platform::software_keys::SoftwareKeys;
use billfold::{AcceptOptions, Advice, Algorithm, Binding, ErrorCode, HolderKey, Operation};
use billfold_test_issuer::{AttestationProof, Options};
use rcgen::{CertificateParams, Issuer, KeyPair, PublicKeyData, SignatureAlgorithm};
use serde_json::{Value, json};

use crate::key_attestations::seen;
use crate::meddling::{meddled, with_json};
use crate::world::{SD_JWT, World, failure, pre_authorized};

const ISSUER: &str = "/.well-known/openid-credential-issuer";
const BY_DID: &str = "UniversityDegree_dc_sd_jwt_did";

/// Counts what is asked of the keys of credentials.
pub(crate) struct Counting {
    keys: Arc<SoftwareKeys>,
    algorithms: Vec<Algorithm>,
    /// The number of keys of each call.
    created: Mutex<Vec<usize>>,
    /// The number of signatures of each call.
    signed: Mutex<Vec<usize>>,
    ours: Mutex<Vec<KeyHandle>>,
    /// What is done to new keys.
    change: fn(Vec<HolderKey>) -> Vec<HolderKey>,
}

impl Counting {
    pub(crate) fn over(world: &World) -> Arc<Self> {
        Arc::new(Self::new(world, Algorithm::ALL.to_vec(), |keys| keys))
    }

    fn new(world: &World, algorithms: Vec<Algorithm>, change: fn(Vec<HolderKey>) -> Vec<HolderKey>) -> Self {
        let (created, signed, ours) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { keys: world.keys.clone(), algorithms, created, signed, ours, change }
    }

    pub(crate) fn created(&self) -> Vec<usize> {
        self.created.lock().expect("not poisoned").clone()
    }

    pub(crate) fn signed(&self) -> Vec<usize> {
        self.signed.lock().expect("not poisoned").clone()
    }
}

#[async_trait]
impl HolderKeys for Counting {
    fn algorithms(&self) -> Vec<Algorithm> {
        self.algorithms.clone()
    }

    async fn create(&self, spec: KeySpec, count: usize) -> Result<Vec<HolderKey>, KeyError> {
        let credential = spec.purpose == KeyPurpose::Credential;
        let keys = self.keys.create(spec, count).await?;
        if !credential {
            return Ok(keys);
        }
        self.created.lock().expect("not poisoned").push(count);
        self.ours.lock().expect("not poisoned").extend(keys.iter().map(|key| key.handle.clone()));
        Ok((self.change)(keys))
    }

    async fn sign(&self, requests: Vec<SignRequest>) -> Result<Vec<Vec<u8>>, KeyError> {
        let ours = self.ours.lock().expect("not poisoned").clone();
        if requests.iter().any(|request| ours.contains(&request.handle)) {
            self.signed.lock().expect("not poisoned").push(requests.len());
        }
        self.keys.sign(requests).await
    }

    async fn delete(&self, handles: Vec<KeyHandle>) -> Result<(), KeyError> {
        self.keys.delete(handles).await
    }
}

async fn accept(world: &World, keys: Arc<Counting>, copies: u32) -> billfold::Result<billfold::Step> {
    let wallet = world.builder().keys(keys).build().expect("a wallet");
    let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    issuance.accept_with(AcceptOptions { copies: Some(copies), ..AcceptOptions::default() }).await
}

// covers: CREQ-07, CREQ-10, NONCE-05, HAIP-23
#[tokio::test]
async fn a_batch_asks_the_user_once_for_keys_and_once_for_signatures() {
    let world = World::new().await;
    let keys = Counting::over(&world);
    let credential = world.verified(&accept(&world, keys.clone(), 4).await.expect("it is issued")).await;
    assert_eq!(credential.instances.len(), 4);
    assert_eq!((keys.created(), keys.signed()), (vec![4], vec![4]));
    assert_eq!(seen(&world), [json!({ "type": "jwt", "count": 4, "keys": 4 })]);
    assert_eq!((world.count("/nonce"), world.count("/credential")), (1, 1));
}

#[tokio::test]
async fn keys_of_several_configurations_are_made_at_once() {
    let world = World::new().await;
    let keys = Counting::over(&world);
    let wallet = world.builder().keys(keys.clone()).build().expect("a wallet");
    let ids = ["UniversityDegree_dc_sd_jwt", "StudentCard_dc_sd_jwt"];
    let offer = world.offer(&pre_authorized(SD_JWT).configurations(&ids));
    let issuance = wallet.open_offer(&offer.link).await.expect("it opens");
    issuance.accept_with(AcceptOptions { copies: Some(2), ..AcceptOptions::default() }).await.expect("they are issued");
    assert_eq!((keys.created(), keys.signed()), (vec![4], vec![2, 2]));
}

// covers: CREQ-10
#[tokio::test]
async fn a_key_that_comes_twice_is_refused() {
    let world = World::new().await;
    let twice = |keys: Vec<HolderKey>| vec![keys[0].clone(); keys.len()];
    let keys = Arc::new(Counting::new(&world, Algorithm::ALL.to_vec(), twice));
    let error = failure(accept(&world, keys.clone(), 2).await);
    assert_eq!((error.code(), error.advice()), (ErrorCode::KeyCreationFailed, Advice::FixSetup));
    assert_eq!((world.count("/credential"), keys.signed()), (0, vec![]));
}

// covers: NONCE-06, CERR-05
#[tokio::test]
async fn a_refused_nonce_is_replaced_in_every_proof_once() {
    for fault in ["invalid-nonce-at-credential", "invalid-proof-at-credential"] {
        let world = World::new().await;
        let keys = Counting::over(&world);
        world.issuer.set_fault_times(fault, 1).expect("a fault");
        let credential = world.verified(&accept(&world, keys.clone(), 3).await.expect("it is issued")).await;
        assert_eq!(credential.instances.len(), 3);
        assert_eq!((keys.created(), keys.signed()), (vec![3], vec![3, 3]), "{fault}");
        assert_eq!((world.count("/nonce"), world.count("/credential")), (2, 2));

        world.issuer.reset_log();
        world.issuer.set_fault(fault).expect("a fault");
        let error = failure(accept(&world, Counting::over(&world), 1).await);
        let code = if fault.starts_with("invalid-nonce") { ErrorCode::NonceRefused } else { ErrorCode::ProofRefused };
        assert_eq!(error.code(), code);
        assert_eq!(world.count("/credential"), 2, "one retry, then it is over");
    }
}

// covers: CRES-04, CRES-05
#[tokio::test]
async fn credentials_find_their_keys_in_any_order_and_the_rest_of_the_keys_goes() {
    for (fault, left) in [("shuffled-credentials", 4), ("fewer-credentials", 3)] {
        let world = World::new().await;
        let keys = Counting::over(&world);
        world.issuer.set_fault(fault).expect("a fault");
        let credential = world.verified(&accept(&world, keys.clone(), 4).await.expect("it is issued")).await;
        let bound: Vec<_> = credential.instances.iter().map(|copy| copy.key.clone().expect("a key")).collect();
        assert!(bound.len() <= left && bound.len() >= 2, "{fault}: {}", bound.len());
        for (at, (copy, key)) in credential.instances.iter().zip(&bound).enumerate() {
            assert!(bound[..at].iter().all(|other| other.handle != key.handle));
            assert!(names(&copy.to_text(), key), "{fault}: the key is the one in the credential");
        }
        let mut there = 0;
        let made = keys.ours.lock().expect("not poisoned").clone();
        for handle in made {
            let sign = SignRequest { handle, algorithm: bound[0].public_jwk.algorithm(), payload: Vec::new() };
            there += usize::from(world.keys.sign(vec![sign]).await.is_ok());
        }
        assert_eq!(there, bound.len(), "keys without a credential are deleted");
    }
}

/// Whether an SD-JWT is bound to a key.
fn names(sd_jwt: &str, key: &HolderKey) -> bool {
    use base64::Engine as _;
    let payload = sd_jwt.split('.').nth(1).expect("a payload");
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).expect("base64url");
    let payload: Value = serde_json::from_slice(&payload).expect("JSON");
    billfold::Jwk::from_value(&payload["cnf"]["jwk"]).expect("a key") == key.public_jwk
}

struct Point(Vec<u8>);

impl PublicKeyData for Point {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

/// A certificate for each key, by somebody.
fn certified(keys: Vec<HolderKey>) -> Vec<HolderKey> {
    let authority = Issuer::new(CertificateParams::default(), KeyPair::generate().expect("a key"));
    let certify = |key: HolderKey| {
        let point = Point(key.public_jwk.to_point());
        let certificate = CertificateParams::default().signed_by(&point, &authority).expect("a certificate");
        HolderKey { certificates: vec![certificate.der().to_vec()], ..key }
    };
    keys.into_iter().map(certify).collect()
}

// covers: PROOF-03
#[tokio::test]
async fn keys_are_named_by_certificate_where_the_app_says_so() {
    let world = World::new().await;
    for (change, works) in [
        (certified as fn(Vec<HolderKey>) -> Vec<HolderKey>, true),
        (|keys| keys, false),
        (
            |keys| {
                let mut keys = certified(keys);
                let first = keys[0].certificates.clone();
                keys[0].certificates = std::mem::replace(&mut keys[1].certificates, first);
                keys
            },
            false,
        ),
    ] {
        world.issuer.reset_log();
        let keys = Arc::new(Counting::new(&world, vec![Algorithm::Es256], change));
        let wallet = world.builder().keys(keys).binding(Binding::X5c).build().expect("a wallet");
        let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
        let options = AcceptOptions { copies: Some(2), ..AcceptOptions::default() };
        let step = issuance.accept_with(options).await;
        if works {
            assert_eq!(world.verified(&step.expect("it is issued")).await.instances.len(), 2);
            continue;
        }
        let error = failure(step);
        assert_eq!((error.code(), error.operation()), (ErrorCode::SetupInvalid, Some(Operation::Proof)), "{error}");
        assert_eq!((error.advice(), world.count("/credential")), (Advice::FixSetup, 0));
    }
}

// covers: PROOF-01, META-29
#[tokio::test]
async fn every_algorithm_of_the_wallet_is_taken_where_it_is_listed() {
    let world = World::new().await;
    for algorithm in Algorithm::ALL {
        let keys = Arc::new(Counting::new(&world, vec![algorithm], |keys| keys));
        let credential = world.verified(&accept(&world, keys, 1).await.expect("it is issued")).await;
        let key = credential.instances[0].key.as_ref().expect("a key");
        assert_eq!(key.public_jwk.algorithm(), algorithm);
    }
    let wallet = meddled(&world, ISSUER, |_, answer| {
        with_json(answer, |metadata| {
            let types = &mut metadata["credential_configurations_supported"]["UniversityDegree_dc_sd_jwt"];
            types["proof_types_supported"]["jwt"]["proof_signing_alg_values_supported"] = json!(["ES512", "RS256"]);
        })
    });
    world.issuer.reset_log();
    let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    let error = failure(issuance.accept().await);
    assert_eq!(error.code(), ErrorCode::NoCommonAlgorithm);
    assert_eq!((world.count("/token"), world.count("/nonce")), (0, 0));
}

// covers: META-28
#[tokio::test]
async fn an_issuer_that_forgot_its_proof_types_gets_a_jwt_if_the_app_says_so() {
    let world = World::new().await;
    let forgetful = |_: &_, answer| {
        with_json(answer, |metadata| {
            let configuration = &mut metadata["credential_configurations_supported"]["UniversityDegree_dc_sd_jwt"];
            configuration.as_object_mut().expect("an object").remove("proof_types_supported").expect("it was there");
        })
    };
    let transport = || crate::meddling::meddling(ISSUER, forgetful);
    for assume in [true, false] {
        let wallet = world.builder().http(transport()).assume_jwt_proofs(assume).build().expect("a wallet");
        let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
        let step = issuance.accept().await;
        if assume {
            world.verified(&step.expect("it is issued")).await;
            assert_eq!(seen(&world), [json!({ "type": "jwt", "count": 1, "keys": 1 })]);
        } else {
            // No proof is made up, and this issuer says that it wants one.
            assert_eq!(failure(step).code(), ErrorCode::ProofRefused);
        }
    }
}

/// Metadata with the cryptosuites as they are told, and nothing else to prove with.
fn only_presentations(suites: &'static [&'static str]) -> impl Fn(&mut Value) + Send + Sync {
    move |metadata| {
        let types = &mut metadata["credential_configurations_supported"][BY_DID]["proof_types_supported"];
        *types = json!({ "di_vp": { "proof_signing_alg_values_supported": suites } });
    }
}

// covers: PROOF-18
#[tokio::test]
async fn presentations_prove_keys_that_are_bound_by_did() {
    let world = World::with(Options { di_vp_proof: true, ..Options::default() }).await;
    let all: &[&str] = &["ecdsa-rdfc-2019", "eddsa-rdfc-2022"];
    for (algorithm, binding, suites) in [
        (Algorithm::Es256, Binding::Auto, all),
        (Algorithm::Es256, Binding::DidJwk, all),
        (Algorithm::Es384, Binding::DidKey, all),
        (Algorithm::EdDsa, Binding::Auto, all),
        (Algorithm::Es256, Binding::Auto, &["ecdsa-jcs-2019"]),
        (Algorithm::EdDsa, Binding::DidJwk, &["eddsa-jcs-2022"]),
    ] {
        world.issuer.reset_log();
        let change = only_presentations(suites);
        let keys = Arc::new(Counting::new(&world, vec![algorithm], |keys| keys));
        let builder = world.builder().keys(keys.clone()).binding(binding);
        let transport = crate::meddling::meddling(ISSUER, move |_, answer| with_json(answer, &change));
        let wallet = builder.http(transport).build().expect("a wallet");
        let offer = world.offer(&pre_authorized(SD_JWT).configurations(&[BY_DID]));
        let issuance = wallet.open_offer(&offer.link).await.expect("it opens");
        let step = issuance.accept_with(AcceptOptions { copies: Some(2), ..AcceptOptions::default() }).await;
        let credential = world.verified(&step.expect("it is issued")).await;
        assert_eq!(credential.instances.len(), 2);
        assert_eq!(seen(&world), [json!({ "type": "di_vp", "count": 2, "keys": 2 })]);
        assert_eq!((keys.created(), keys.signed()), (vec![2], vec![2]));
    }
}

// covers: PROOF-18, NONCE-06
#[tokio::test]
async fn a_presentation_gets_a_fresh_challenge_or_none_at_all() {
    let change = || {
        let change = only_presentations(&["ecdsa-rdfc-2019"]);
        crate::meddling::meddling(ISSUER, move |_, answer| with_json(answer, &change))
    };
    for (nonce_endpoint, requests) in [(true, 2), (false, 1)] {
        let world = World::with(Options { di_vp_proof: true, nonce_endpoint, ..Options::default() }).await;
        let wallet = world.builder().http(change()).build().expect("a wallet");
        if nonce_endpoint {
            world.issuer.set_fault_times("invalid-nonce-at-credential", 1).expect("a fault");
        }
        let offer = world.offer(&pre_authorized(SD_JWT).configurations(&[BY_DID]));
        let issuance = wallet.open_offer(&offer.link).await.expect("it opens");
        world.verified(&issuance.accept().await.expect("it is issued")).await;
        assert_eq!(world.count("/credential"), requests);
    }
}

#[tokio::test]
async fn a_key_store_without_the_right_keys_is_told_before_anything_is_sent() {
    let world = World::with(Options { attestation_proof: AttestationProof::Off, ..Options::default() }).await;
    let keys = Arc::new(Counting::new(&world, Vec::new(), |keys| keys));
    let error = failure(accept(&world, keys, 1).await);
    assert_eq!(error.code(), ErrorCode::NoCommonAlgorithm);
    assert_eq!(world.count("/token"), 0);
}
