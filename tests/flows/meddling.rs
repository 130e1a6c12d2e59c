//! Answers that were changed on the way, and calls that cross each other.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use billfold::model::credential::HolderKey;
use billfold::model::ids::KeyHandle;
use billfold::model::jwk::Algorithm;
use billfold::platform::http::{HttpLimits, HttpRequest, HttpResponse, HttpTransport, TransportError};
use billfold::platform::keys::{HolderKeys, KeyError, KeyErrorKind, KeyPurpose, KeySpec, SignRequest};
use billfold::platform::reqwest::ReqwestTransport;
use billfold::platform::software_keys::SoftwareKeys;
use billfold::platform::store::{CredentialStore, Table};
use billfold::{AcceptOptions, Advice, ErrorCode, RequestOutcome, Step, Wallet};
use billfold_test_issuer::{Options, TxCode};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::world::{SD_JWT, World, code, failure, pre_authorized};

type Change = dyn Fn(&HttpRequest, HttpResponse) -> HttpResponse + Send + Sync;

/// Changes the answers of one path.
struct Meddling(ReqwestTransport, &'static str, Box<Change>);

#[async_trait]
impl HttpTransport for Meddling {
    async fn send(&self, request: HttpRequest, limits: HttpLimits) -> Result<HttpResponse, TransportError> {
        let sent = request.clone();
        let answer = self.0.send(request, limits).await?;
        Ok(if sent.uri().path() == self.1 { (self.2)(&sent, answer) } else { answer })
    }
}

pub(crate) fn meddled(
    world: &World,
    path: &'static str,
    change: impl Fn(&HttpRequest, HttpResponse) -> HttpResponse + Send + Sync + 'static,
) -> Wallet {
    world.builder().http(meddling(path, change)).build().expect("a wallet")
}

/// The transport of such a wallet.
pub(crate) fn meddling(
    path: &'static str,
    change: impl Fn(&HttpRequest, HttpResponse) -> HttpResponse + Send + Sync + 'static,
) -> impl HttpTransport {
    Meddling(ReqwestTransport::new(), path, Box::new(change))
}

pub(crate) fn answer(status: u16, body: &Value) -> HttpResponse {
    http::Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(body.to_string().into_bytes())
        .expect("an answer")
}

pub(crate) fn with_json(answer: HttpResponse, change: impl Fn(&mut Value)) -> HttpResponse {
    let (parts, body) = answer.into_parts();
    let mut value: Value = serde_json::from_slice(&body).expect("JSON");
    change(&mut value);
    let mut changed = HttpResponse::new(value.to_string().into_bytes());
    *changed.status_mut() = parts.status;
    changed.headers_mut().insert("content-type", "application/json".parse().expect("a value"));
    changed
}

async fn signs(world: &World, key: &HolderKey) -> bool {
    let algorithm = key.public_jwk.algorithm();
    let sign = SignRequest { handle: key.handle.clone(), algorithm, payload: Vec::new() };
    world.keys.sign(vec![sign]).await.is_ok()
}

#[tokio::test]
async fn a_code_that_nobody_typed_cannot_be_refused() {
    let world = World::new().await;
    let wallet = meddled(&world, "/token", |_, _| answer(400, &json!({ "error": "invalid_tx_code" })));
    for spec in [code(SD_JWT), pre_authorized(SD_JWT)] {
        let issuance = wallet.open_offer(&world.offer(&spec).link).await.expect("it opens");
        let step = issuance.accept().await;
        let error = match step {
            Ok(step) => {
                let redirect = world.sign_in(&step).await;
                failure(issuance.submit_redirect(&redirect).await)
            }
            Err(error) => error,
        };
        assert_eq!(error.code(), ErrorCode::ServerRefused);
        assert!(matches!(issuance.step().await, Ok(Step::Review)));
        assert_eq!(failure(issuance.submit_code("1").await).code(), ErrorCode::WrongStep);
    }
}

#[tokio::test]
async fn a_second_look_does_not_free_what_is_bound_to_another_key() {
    for fault in ["wrong-key", "no-key"] {
        let world = World::with(Options { batch_size: 2, ..Options::default() }).await;
        world.issuer.set_fault(fault).expect("a fault");
        let two = AcceptOptions { copies: Some(2), ..AcceptOptions::default() };
        let error = failure(world.open(&pre_authorized(SD_JWT)).await.accept_with(two).await);
        assert_eq!(error.code(), ErrorCode::CredentialRejected, "{fault}");
        for credential in world.wallet().credentials().await.expect("a list") {
            let again = world.wallet().recheck(&credential.id).await.expect("checked");
            assert!(again.quarantined, "{fault}: {:#?}", again.report);
        }
    }
}

#[tokio::test]
async fn forgetting_a_second_copy_leaves_the_first_one_its_key() {
    let world = World::with(Options { batch_size: 2, ..Options::default() }).await;
    let wallet = meddled(&world, "/credential", |_, answer| {
        with_json(answer, |body| body["credentials"][1] = body["credentials"][0].clone())
    });
    let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    let two = AcceptOptions { copies: Some(2), ..AcceptOptions::default() };
    let good = world.verified(&issuance.accept_with(two).await.expect("it is issued")).await;
    let stored = wallet.credentials().await.expect("a list");
    let [double] = stored.iter().filter(|one| one.id != good.id).collect::<Vec<_>>()[..] else { panic!("{stored:?}") };
    assert!(double.quarantined);
    assert!(wallet.recheck(&double.id).await.expect("checked").quarantined, "a second look changes nothing");
    wallet.forget(&double.id).await.expect("forgotten");
    let key = good.instances[0].key.as_ref().expect("a key");
    assert!(signs(&world, key).await, "the usable copy has lost its key");
    wallet.forget(&good.id).await.expect("forgotten");
    assert!(!signs(&world, key).await);
}

/// Holds the token's answer back until it is let go.
struct Held(ReqwestTransport, Arc<Notify>, Arc<Notify>);

#[async_trait]
impl HttpTransport for Held {
    async fn send(&self, request: HttpRequest, limits: HttpLimits) -> Result<HttpResponse, TransportError> {
        let is_token = request.uri().path() == "/token";
        let answer = self.0.send(request, limits).await;
        if is_token {
            self.1.notify_one();
            self.2.notified().await;
        }
        answer
    }
}

#[tokio::test]
async fn a_second_handle_waits_for_the_first() {
    let world = World::new().await;
    let (arrived, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let held = Held(ReqwestTransport::new(), arrived.clone(), go_on.clone());
    let wallet = world.builder().http(held).build().expect("a wallet");
    let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    let id = issuance.id().clone();
    let first = tokio::spawn(async move { issuance.accept().await });
    arrived.notified().await;
    // The app has lost its handle, or has been called twice.
    let again = wallet.clone().resume(&id).await.expect("it is there");
    let second = tokio::spawn(async move { again.proceed().await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    go_on.notify_one();
    world.verified(&first.await.expect("no panic").expect("it is issued")).await;
    world.verified(&second.await.expect("no panic").expect("it is issued")).await;
    assert_eq!((world.count("/token"), world.count("/credential")), (1, 1));
}

/// Keys that are not made at first: they fail, or nobody touches the sensor.
struct Reluctant(Arc<SoftwareKeys>, AtomicBool, bool);

#[async_trait]
impl HolderKeys for Reluctant {
    fn algorithms(&self) -> Vec<Algorithm> {
        self.0.algorithms()
    }

    async fn create(&self, spec: KeySpec, count: usize) -> Result<Vec<HolderKey>, KeyError> {
        if spec.purpose == KeyPurpose::Credential && self.1.swap(false, Ordering::SeqCst) {
            if self.2 {
                return Err(KeyError::new(KeyErrorKind::Locked, "nobody unlocked it"));
            }
            pending::<()>().await;
        }
        self.0.create(spec, count).await
    }

    async fn sign(&self, requests: Vec<SignRequest>) -> Result<Vec<Vec<u8>>, KeyError> {
        self.0.sign(requests).await
    }

    async fn delete(&self, handles: Vec<KeyHandle>) -> Result<(), KeyError> {
        self.0.delete(handles).await
    }
}

#[tokio::test]
async fn a_token_is_kept_before_the_keys_are_there() {
    let world = World::new().await;
    let keys = Reluctant(world.keys.clone(), AtomicBool::new(true), false);
    let wallet = world.builder().keys(keys).build().expect("a wallet");
    let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    let ended = tokio::time::timeout(Duration::from_secs(2), issuance.accept()).await;
    assert!(ended.is_err(), "nobody made keys");
    let resumed = world.wallet().resume(issuance.id()).await.expect("it is there");
    world.verified(&resumed.proceed().await.expect("it is issued")).await;
    assert_eq!((world.count("/token"), world.count("/credential")), (1, 1));
}

#[tokio::test]
async fn as_many_copies_as_were_asked_for_even_if_keys_came_late() {
    let world = World::with(Options { batch_size: 3, ..Options::default() }).await;
    let keys = Reluctant(world.keys.clone(), AtomicBool::new(true), true);
    let wallet = world.builder().keys(keys).build().expect("a wallet");
    let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    let three = AcceptOptions { copies: Some(3), ..AcceptOptions::default() };
    assert_eq!(failure(issuance.accept_with(three).await).code(), ErrorCode::KeyLocked);
    let credential = world.verified(&issuance.proceed().await.expect("it is issued")).await;
    assert_eq!(credential.instances.len(), 3);
}

#[tokio::test]
async fn what_a_server_repeats_of_our_secrets_is_hidden() {
    let world = World::new().await;
    let echo = |request: &HttpRequest, _: HttpResponse| {
        let form: Vec<_> = url::form_urlencoded::parse(request.body()).map(|(_, value)| value.into_owned()).collect();
        answer(400, &json!({ "error": "odd", "error_description": format!("what is {}?", form.join(" or ")) }))
    };
    let wallet = meddled(&world, "/token", echo);
    let tx_code = TxCode { value: Some("0042".to_owned()), ..TxCode::default() };
    let offer = world.offer(&pre_authorized(SD_JWT).tx_code(tx_code));
    let issuance = wallet.open_offer(&offer.link).await.expect("it opens");
    issuance.accept().await.expect("a code is wanted");
    let error = failure(issuance.submit_code("0042").await);
    let everything = format!("{error} {error:?} {}", error.transcript());
    assert!(everything.contains("what is "), "the rest stays: {everything}");
    let link = percent_encoding::percent_decode_str(&offer.link).decode_utf8().expect("text").into_owned();
    let code = link.split_once("pre-authorized_code\":\"").expect("a code").1.split('"').next().expect("its end");
    assert!(!everything.contains(code), "{everything}");
    assert!(!everything.contains("0042"), "{everything}");

    let echo = |request: &HttpRequest, _: HttpResponse| {
        let token = request.headers()["authorization"].to_str().expect("text").to_owned();
        answer(400, &json!({ "error": token, "error_description": format!("I know no {token}") }))
    };
    let wallet = meddled(&world, "/credential", echo);
    let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    let error = failure(issuance.accept().await);
    let everything = format!("{error} {error:?} {}", error.transcript());
    let shown = error.server_error().and_then(|said| said.error_description.clone()).expect("a description");
    assert_eq!(shown, "I know no DPoP […]");
    assert!(everything.matches("DPoP").count() > 0);
}

#[tokio::test]
async fn too_many_requests_is_no_refusal() {
    let world = World::new().await;
    let once = AtomicBool::new(true);
    let wallet = meddled(&world, "/credential", move |_, good| {
        if once.swap(false, Ordering::SeqCst) { answer(429, &json!({ "error": "too_many_requests" })) } else { good }
    });
    let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    let error = failure(issuance.accept().await);
    assert_eq!((error.code(), error.advice()), (ErrorCode::ServerFailed, Advice::Retry));
    assert!(matches!(issuance.step().await, Ok(Step::Interrupted)));
}

#[tokio::test]
async fn a_token_that_fits_in_no_header_is_no_token() {
    let world = World::new().await;
    for token in ["a\nb", "a\u{e9}b"] {
        let wallet =
            meddled(&world, "/token", move |_, answer| with_json(answer, |body| body["access_token"] = json!(token)));
        let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
        let error = failure(issuance.accept().await);
        assert_eq!((error.code(), error.advice()), (ErrorCode::ResponseMalformed, Advice::TellIssuer));
        assert_eq!(error.outcome(), RequestOutcome::Answered);
    }
}

#[tokio::test]
async fn a_dataset_that_is_named_twice_is_asked_for_once() {
    let world = World::with(Options { credential_identifiers: true, ..Options::default() }).await;
    let wallet = meddled(&world, "/token", |_, answer| {
        with_json(answer, |body| {
            let details = body["authorization_details"].as_array_mut().expect("details");
            details.push(details[0].clone());
        })
    });
    let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    world.verified(&issuance.accept().await.expect("it is issued")).await;
    assert_eq!(world.count("/credential"), 1);

    let twice: Vec<_> = ["UniversityDegree_dc_sd_jwt"; 2].into_iter().map(Into::into).collect();
    let options = AcceptOptions { configurations: Some(twice), ..AcceptOptions::default() };
    let issuance = world.open(&pre_authorized(SD_JWT)).await;
    world.verified(&issuance.accept_with(options).await.expect("it is issued")).await;
}

#[tokio::test]
async fn what_may_have_happened_is_still_said_later() {
    let world = World::new().await;
    let issuance = world.open(&pre_authorized(SD_JWT)).await;
    world.issuer.set_fault("drop-token").expect("a fault");
    failure(issuance.accept().await);
    let error = failure(world.wallet().resume(issuance.id()).await.expect("it is there").step().await);
    assert_eq!((error.code(), error.outcome()), (ErrorCode::OutcomeUnknown, RequestOutcome::Unknown));
    assert_eq!(error.advice(), Advice::GetNewOffer);
}

/// The machine's clock, a number of days ahead.
struct Ahead(i64);

impl billfold::platform::clock::Clock for Ahead {
    fn now(&self) -> billfold::Timestamp {
        billfold::platform::clock::SystemClock.now() + self.0 * 24 * 3600
    }
}

#[tokio::test]
async fn an_issuance_that_nobody_goes_on_with_leaves_no_key() {
    let world = World::new().await;
    let tx_code = TxCode { value: Some("0042".to_owned()), ..TxCode::default() };
    let issuance = world.open(&pre_authorized(SD_JWT).tx_code(tx_code)).await;
    issuance.accept().await.expect("a code is wanted");
    assert_eq!(failure(issuance.submit_code("0043").await).code(), ErrorCode::TxCodeRefused);
    let made = world.store.list(Table::Sessions).await.expect("a list");
    let session: Value = serde_json::from_slice(&made[0].content).expect("JSON");
    let keys = &session["stage"]["enter_code"]["prepared"]["keys"]["UniversityDegree_dc_sd_jwt"];
    let key: HolderKey = serde_json::from_value(keys[0].clone()).expect("a key");
    assert!(signs(&world, &key).await);

    let later = |days| world.builder().clock(Ahead(days)).build().expect("a wallet");
    assert_eq!(later(89).pending().await.expect("a list").len(), 1);
    assert!(signs(&world, &key).await);
    assert!(later(91).pending().await.expect("a list").is_empty());
    assert!(!signs(&world, &key).await, "its key is left over");
}

#[tokio::test]
async fn who_was_told_to_wait_long_is_not_forgotten_meanwhile() {
    let half_a_year = 180 * 24 * 3600;
    let options = Options { deferred_waits: Some(0), deferred_interval: half_a_year, ..Options::default() };
    let world = World::with(options).await;
    assert!(matches!(world.open(&pre_authorized(SD_JWT)).await.accept().await, Ok(Step::Wait { .. })));
    let later = |days| world.builder().clock(Ahead(days)).build().expect("a wallet");
    assert_eq!(later(120).pending().await.expect("a list").len(), 1);
    assert!(later(300).pending().await.expect("a list").is_empty());
}

#[tokio::test]
async fn a_gateway_that_lost_its_server_leaves_the_outcome_unknown() {
    for status in [502, 504] {
        let world = World::new().await;
        let wallet = meddled(&world, "/token", move |_, _| answer(status, &json!({ "error": "server_error" })));
        let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
        let error = failure(issuance.accept().await);
        assert_eq!((error.outcome(), error.advice()), (RequestOutcome::Unknown, Advice::GetNewOffer), "{status}");
        failure(issuance.proceed().await);
        assert_eq!(world.count("/token"), 1, "{status}: not sent twice");
    }
}
