//! Encrypted requests and answers, with an issuer whose JWE is its own.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use billfold::platform::http::{HttpLimits, HttpRequest, HttpResponse, HttpTransport, TransportError};
use billfold::platform::reqwest::ReqwestTransport;
use billfold::{AcceptOptions, Advice, Encryption, Error, ErrorCode, Issuance, Step};
use billfold_test_issuer::{Dpop, Encryption as Mode, Entry, OfferSpec, Options};
use serde_json::Value;

use crate::meddling::{meddled, with_json};
use crate::world::{JWT_VC, Moved, SD_JWT, World, code, failure, pre_authorized};

const METADATA: &str = "/.well-known/openid-credential-issuer";

async fn world(mode: Mode) -> World {
    World::with(Options { encryption: mode, ..Options::default() }).await
}

fn wish(encryption: Encryption) -> AcceptOptions {
    AcceptOptions { encryption, ..AcceptOptions::default() }
}

/// Accepts, and signs in where that is asked for.
async fn finish(world: &World, issuance: &Issuance, options: AcceptOptions) -> Result<Step, Error> {
    match issuance.accept_with(options).await? {
        step @ Step::SignIn { .. } => issuance.submit_redirect(&world.sign_in(&step).await).await,
        step => Ok(step),
    }
}

async fn run(world: &World, spec: &OfferSpec, options: AcceptOptions) -> Result<Step, Error> {
    finish(world, &world.open(spec).await, options).await
}

/// The requests to a path.
fn entries(world: &World, path: &str) -> Vec<Entry> {
    world.issuer.log().requests.into_iter().filter(|entry| entry.path == path).collect()
}

/// The headers of the encrypted requests to a path, and of its encrypted answers.
fn seen(world: &World, path: &str) -> (Vec<Value>, Vec<Value>) {
    let entries = entries(world, path);
    let of = |name: &str| entries.iter().filter_map(|entry| entry.seen.get(name).cloned()).collect();
    (of("request_jwe"), of("answer_jwe"))
}

/// That each value of a header parameter is there once only.
fn all_different(headers: &[Value], parameter: &str) -> bool {
    headers.iter().map(|header| header[parameter].to_string()).collect::<BTreeSet<_>>().len() == headers.len()
}

// covers: ENC-01, ENC-02, ENC-06, ENC-13, HAIP-31
#[tokio::test]
async fn each_wish_with_each_issuer_by_both_grants() {
    use Encryption::{Always, Auto, Never};
    let unavailable = Err(ErrorCode::EncryptionUnavailable);
    let required = Err(ErrorCode::EncryptionRequired);
    for (mode, expected) in [
        (Mode::Off, [Ok((0, 0)), unavailable, Ok((0, 0))]),
        (Mode::Offered, [Ok((0, 0)), Ok((1, 1)), Ok((0, 0))]),
        (Mode::RequestRequired, [Ok((1, 0)), Ok((1, 1)), required]),
        (Mode::ResponseRequired, [Ok((1, 1)), Ok((1, 1)), required]),
        (Mode::Required, [Ok((1, 1)), Ok((1, 1)), required]),
    ] {
        let world = world(mode).await;
        for (encryption, expected) in [Auto, Always, Never].into_iter().zip(expected) {
            for spec in [pre_authorized(SD_JWT), code(JWT_VC)] {
                let issuance = world.open(&spec).await;
                world.issuer.reset_log();
                let outcome = finish(&world, &issuance, wish(encryption)).await;
                match (outcome, expected) {
                    (Ok(step), Ok(expected)) => {
                        world.verified(&step).await;
                        let (requests, answers) = seen(&world, "/credential");
                        assert_eq!((requests.len(), answers.len()), expected, "{mode:?} {encryption:?}");
                        assert_eq!(world.count("/credential"), 1);
                    }
                    (Err(error), Err(code)) => {
                        assert_eq!(error.code(), code, "{mode:?} {encryption:?}");
                        assert!(world.requests().is_empty(), "nothing was asked and nothing spent");
                        assert!(matches!(issuance.step().await, Ok(Step::Review)), "another wish may do");
                    }
                    (outcome, _) => panic!("{mode:?} {encryption:?}: {outcome:?}"),
                }
            }
        }
    }
}

// covers: ENC-04, ENC-06, ENC-08, ENC-12
#[tokio::test]
async fn messages_are_made_as_the_issuer_lists_it() {
    for (listed, enc) in [(vec!["A128GCM"], "A128GCM"), (vec!["A128GCM", "A256GCM"], "A256GCM")] {
        for zip in [false, true] {
            let options = Options {
                encryption: Mode::Required,
                encryption_enc_values: listed.iter().map(|&enc| enc.to_owned()).collect(),
                encryption_zip: zip,
                batch_size: 3,
                ..Options::default()
            };
            let world = World::with(options).await;
            for format in [SD_JWT, JWT_VC] {
                let batch = AcceptOptions { copies: Some(3), ..AcceptOptions::default() };
                let step = run(&world, &pre_authorized(format), batch).await.expect("it is issued");
                assert_eq!(world.verified(&step).await.instances.len(), 3);
            }
            let (requests, answers) = seen(&world, "/credential");
            assert_eq!((requests.len(), answers.len()), (2, 2));
            for header in requests.iter().chain(&answers) {
                assert_eq!((&header["alg"], &header["enc"]), (&Value::from("ECDH-ES"), &Value::from(enc)));
                assert_eq!(header.get("zip").is_some(), zip);
            }
            assert!(all_different(&requests, "epk"), "a key for each request");
            // The kid of an answer is that of the wallet's key, which is its thumbprint.
            assert!(all_different(&answers, "kid"), "a key for each answer");
        }
    }
}

struct Waiting {
    world: World,
    clock: Moved,
    issuance: Issuance,
}

impl Waiting {
    /// A deferred issuance that has to ask `waits` times in vain.
    async fn new(options: Options, waits: u32, encryption: Encryption) -> Self {
        let world = World::with(Options { deferred_waits: Some(waits), deferred_interval: 5, ..options }).await;
        let clock = Moved::default();
        let wallet = world.builder().clock(clock.clone()).build().expect("a wallet");
        let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
        let step = issuance.accept_with(wish(encryption)).await;
        assert!(matches!(step, Ok(Step::Wait { .. })), "{step:?}");
        Self { world, clock, issuance }
    }

    /// Time passes, and a new process asks.
    async fn poll(&self) -> Result<Step, Error> {
        self.clock.pass(6);
        self.world.issuer.advance_clock(6);
        let wallet = self.world.builder().clock(self.clock.clone()).build().expect("a wallet");
        wallet.resume(self.issuance.id()).await.expect("it is there").poll().await
    }
}

fn required() -> Options {
    Options { encryption: Mode::Required, ..Options::default() }
}

// covers: ENC-01, ENC-11, ENC-12
#[tokio::test]
async fn each_deferred_request_says_again_how_to_encrypt() {
    let offered = Options { encryption: Mode::Offered, encryption_zip: true, ..Options::default() };
    for (options, encryption, encrypted) in
        [(required(), Encryption::Auto, 1), (offered.clone(), Encryption::Always, 1), (offered, Encryption::Auto, 0)]
    {
        let waiting = Waiting::new(options, 2, encryption).await;
        for _ in 0..2 {
            assert!(matches!(waiting.poll().await, Ok(Step::Wait { .. })));
        }
        waiting.world.verified(&waiting.poll().await.expect("it is issued")).await;
        let (mut requests, mut answers) = seen(&waiting.world, "/deferred");
        assert_eq!((requests.len(), answers.len()), (3 * encrypted, 3 * encrypted), "waiting is encrypted too");
        let (first, answer) = seen(&waiting.world, "/credential");
        requests.extend(first);
        answers.extend(answer);
        assert!(all_different(&requests, "epk") && all_different(&answers, "kid"));
    }
}

const UNUSABLE: [(&str, ErrorCode); 6] = [
    ("plain-answer", ErrorCode::ResponseNotEncrypted),
    ("jwe-wrong-key", ErrorCode::DecryptionFailed),
    ("jwe-tampered", ErrorCode::DecryptionFailed),
    ("jwe-wrong-enc", ErrorCode::DecryptionFailed),
    ("jwe-zip-bomb", ErrorCode::DecryptionFailed),
    ("jwe-unasked-zip", ErrorCode::DecryptionFailed),
];

// covers: ENC-08, ENC-09
#[tokio::test]
async fn answers_that_cannot_be_used_are_refused_and_can_be_asked_for_again() {
    for (fault, expected) in UNUSABLE {
        let world = world(Mode::Required).await;
        let issuance = world.open(&pre_authorized(SD_JWT)).await;
        world.issuer.set_fault_times(fault, 2).expect("a fault");
        let error = failure(issuance.accept().await);
        assert_eq!((error.code(), error.http_status()), (expected, Some(200)), "{fault}: {error:?}");
        assert_eq!(error.advice(), Advice::TellIssuer);
        assert!(error.endpoint_url().is_some_and(|url| url.ends_with("/credential")));
        assert!(world.wallet().credentials().await.expect("a list").is_empty(), "{fault}");
        assert_eq!(world.count("/credential"), 1, "{fault}: once, unless the app asks again");

        let resumed = world.wallet().resume(issuance.id()).await.expect("it is there");
        assert!(matches!(resumed.step().await, Ok(Step::Interrupted)));
        assert_eq!(failure(resumed.proceed().await).code(), expected, "{fault}: the issuer is as it was");
        world.verified(&resumed.proceed().await.expect("it is issued")).await;
        assert_eq!(world.count("/token"), 1);
        let (requests, answers) = seen(&world, "/credential");
        assert!(all_different(&requests, "epk") && all_different(&answers, "epk"));
    }
}

// covers: ENC-09
#[tokio::test]
async fn deferred_answers_that_cannot_be_used_are_refused_and_can_be_asked_for_again() {
    for (fault, expected) in UNUSABLE {
        let waiting = Waiting::new(required(), 1, Encryption::Auto).await;
        waiting.world.issuer.set_fault(fault).expect("a fault");
        let error = failure(waiting.poll().await);
        assert_eq!((error.code(), error.http_status()), (expected, Some(202)), "{fault}");
        waiting.world.issuer.clear_faults();
        waiting.world.verified(&waiting.poll().await.expect("it is issued")).await;
    }
}

#[tokio::test]
async fn an_answer_that_does_not_name_its_key_opens_all_the_same() {
    let world = world(Mode::Required).await;
    world.issuer.set_fault("jwe-no-kid").expect("a fault");
    let step = run(&world, &code(SD_JWT), AcceptOptions::default()).await.expect("it is issued");
    world.verified(&step).await;
    assert!(seen(&world, "/credential").1[0].get("kid").is_none());
}

// covers: ENC-10
#[tokio::test]
async fn refusals_in_encrypted_sessions_are_read_as_ever() {
    let world = world(Mode::Required).await;
    world.issuer.set_fault("credential-denied").expect("a fault");
    let error = failure(run(&world, &pre_authorized(SD_JWT), AcceptOptions::default()).await);
    assert_eq!((error.code(), error.http_status()), (ErrorCode::CredentialDenied, Some(400)));
    assert_eq!(error.server_error().expect("it said so").error, "credential_request_denied");

    world.issuer.clear_faults();
    world.issuer.reset_log();
    world.issuer.set_fault("stale-nonce").expect("a fault");
    let step = run(&world, &pre_authorized(SD_JWT), AcceptOptions::default()).await.expect("it is issued");
    world.verified(&step).await;
    // This issuer would have had another complaint about a plain request.
    let errors: Vec<_> = entries(&world, "/credential").into_iter().map(|entry| entry.error).collect();
    assert_eq!(errors, [Some("invalid_nonce".to_owned()), None]);

    let waiting = Waiting::new(required(), 0, Encryption::Auto).await;
    waiting.world.issuer.set_fault("invalid-transaction-id-at-deferred").expect("a fault");
    let error = failure(waiting.poll().await);
    assert_eq!(error.server_error().expect("it said so").error, "invalid_transaction_id");
}

// covers: CERR-07
#[tokio::test]
async fn a_key_that_the_issuer_replaced_is_looked_up_and_used() {
    let world = world(Mode::Required).await;
    let issuance = world.open(&pre_authorized(SD_JWT)).await;
    world.issuer.set_fault("rotated-encryption-key").expect("a fault");
    world.issuer.reset_log();
    world.verified(&issuance.accept().await.expect("it is issued")).await;
    assert_eq!((world.count("/credential"), world.count(METADATA), world.count("/token")), (2, 1, 1));

    let waiting = Waiting::new(required(), 1, Encryption::Auto).await;
    let world = &waiting.world;
    world.issuer.set_fault("rotated-encryption-key").expect("a fault");
    world.issuer.reset_log();
    assert!(matches!(waiting.poll().await, Ok(Step::Wait { .. })));
    assert_eq!((world.count("/deferred"), world.count(METADATA)), (2, 1));
    // What was learnt is kept.
    world.verified(&waiting.poll().await.expect("it is issued")).await;
    assert_eq!((world.count("/deferred"), world.count(METADATA)), (3, 1));
}

const MISSING: &str = "invalid-encryption-parameters-at-credential";

// covers: CERR-07
#[tokio::test]
async fn a_plain_request_that_should_have_been_encrypted_is_encrypted_once() {
    let world = world(Mode::Offered).await;
    world.issuer.set_fault_times(MISSING, 1).expect("a fault");
    let step = run(&world, &pre_authorized(SD_JWT), AcceptOptions::default()).await.expect("it is issued");
    world.verified(&step).await;
    assert_eq!((world.count("/credential"), world.count(METADATA)), (2, 2));
    let (requests, answers) = seen(&world, "/credential");
    assert_eq!((requests.len(), answers.len()), (1, 1));
}

// covers: CERR-07
#[tokio::test]
async fn an_issuer_that_is_never_content_is_asked_twice_at_most() {
    for (mode, encryption, tries, advice) in [
        (Mode::Required, Encryption::Auto, 2, Advice::TellIssuer),
        (Mode::Offered, Encryption::Always, 2, Advice::TellIssuer),
        (Mode::Offered, Encryption::Auto, 2, Advice::TellIssuer),
        // There is nothing to encrypt with.
        (Mode::Off, Encryption::Auto, 1, Advice::TellIssuer),
        // The app does not want it.
        (Mode::Offered, Encryption::Never, 1, Advice::FixSetup),
    ] {
        let world = world(mode).await;
        world.issuer.set_fault(MISSING).expect("a fault");
        let issuance = world.open(&pre_authorized(SD_JWT)).await;
        let error = failure(finish(&world, &issuance, wish(encryption)).await);
        assert_eq!((error.code(), error.advice()), (ErrorCode::EncryptionRefused, advice), "{mode:?} {encryption:?}");
        assert_eq!(error.server_error().expect("it said so").error, "invalid_encryption_parameters");
        assert_eq!(world.count("/credential"), tries, "{mode:?} {encryption:?}");

        world.issuer.clear_faults();
        let later = issuance.proceed().await;
        if advice == Advice::TellIssuer {
            world.verified(&later.expect("it is issued, now that the issuer is in order")).await;
        } else {
            assert_eq!(failure(later).code(), ErrorCode::EncryptionRefused, "it is over");
        }
    }
}

// covers: CERR-07
#[tokio::test]
async fn a_deferred_credential_outlives_a_quarrel_about_encryption() {
    let waiting = Waiting::new(required(), 0, Encryption::Auto).await;
    waiting.world.issuer.set_fault("invalid-encryption-parameters-at-deferred").expect("a fault");
    let error = failure(waiting.poll().await);
    assert_eq!((error.code(), error.advice()), (ErrorCode::EncryptionRefused, Advice::TellIssuer));
    assert_eq!(waiting.world.count("/deferred"), 2);
    waiting.world.issuer.clear_faults();
    waiting.world.verified(&waiting.poll().await.expect("it is issued")).await;
}

// covers: DPOP-07
#[tokio::test]
async fn an_encrypted_request_is_sent_again_with_the_nonce_that_it_lacked() {
    let options = Options { dpop: Dpop::Required, dpop_nonces: true, ..required() };
    for spec in [pre_authorized(SD_JWT), code(JWT_VC)] {
        let world = World::with(options.clone()).await;
        world.issuer.set_fault_times("use-dpop-nonce-at-credential", 1).expect("a fault");
        let step = run(&world, &spec, AcceptOptions::default()).await.expect("it is issued");
        world.verified(&step).await;
        assert_eq!((world.count("/credential"), seen(&world, "/credential").0.len()), (2, 1));
    }
}

#[tokio::test]
async fn what_was_encrypted_does_not_go_out_in_plain_because_somebody_changed_the_metadata() {
    let world = world(Mode::RequestRequired).await;
    let first = AtomicBool::new(true);
    let strip = move |_: &HttpRequest, answer: HttpResponse| {
        if first.swap(false, Ordering::SeqCst) {
            return answer;
        }
        with_json(answer, |metadata| {
            let members = metadata.as_object_mut().expect("an object");
            members.retain(|name, _| !name.ends_with("_encryption"));
        })
    };
    let wallet = meddled(&world, METADATA, strip);
    let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    world.issuer.set_fault("invalid-encryption-parameters-at-credential").expect("a fault");
    let error = failure(issuance.accept().await);
    assert_eq!((error.code(), error.advice()), (ErrorCode::EncryptionRefused, Advice::TellIssuer));
    assert_eq!(entries(&world, METADATA).len(), 2, "it was looked up again");
    let sent = entries(&world, "/credential");
    assert!(sent.iter().all(|entry| entry.headers["content-type"] == "application/jwt"), "{sent:?}");
    // The issuer that does what it says is still good for it.
    world.issuer.clear_faults();
    world.verified(&issuance.proceed().await.expect("it is issued")).await;
}

// covers: CERR-07
#[tokio::test]
async fn metadata_that_is_not_to_be_had_leaves_the_second_try_for_later() {
    let world = world(Mode::Required).await;
    let issuance = world.open(&pre_authorized(SD_JWT)).await;
    world.issuer.set_fault("rotated-encryption-key").expect("a fault");
    world.issuer.set_fault("http-500-metadata").expect("a fault");
    let error = failure(issuance.accept().await);
    assert!(error.is_retryable(), "{error:?}");
    assert_eq!(world.count("/credential"), 1);
    world.issuer.clear_faults();
    let resumed = world.wallet().resume(issuance.id()).await.expect("it is there");
    world.verified(&resumed.proceed().await.expect("it is issued")).await;
    assert_eq!((world.count("/credential"), world.count("/token")), (3, 1));
}

// covers: ENC-01, REFR-01
#[tokio::test]
async fn what_was_wished_holds_for_renewals_too() {
    for (mode, encryption, encrypted) in [
        (Mode::Required, Encryption::Auto, 1),
        (Mode::Offered, Encryption::Always, 1),
        (Mode::Offered, Encryption::Auto, 0),
    ] {
        let world = World::with(Options { encryption: mode, refresh_tokens: true, ..Options::default() }).await;
        let step = run(&world, &code(SD_JWT), wish(encryption)).await.expect("it is issued");
        let old = world.verified(&step).await;
        world.issuer.reset_log();
        let renewal = world.wallet().refresh(&old.id).await.expect("it begins");
        let new = world.verified(&renewal.proceed().await.expect("it is issued")).await;
        assert_eq!(new.id, old.id);
        let (requests, answers) = seen(&world, "/credential");
        assert_eq!((requests.len(), answers.len()), (encrypted, encrypted), "{mode:?} {encryption:?}");
    }
}

/// Keeps the bodies of requests to one path.
struct Kept(ReqwestTransport, &'static str, Arc<Mutex<Vec<String>>>);

#[async_trait]
impl HttpTransport for Kept {
    async fn send(&self, request: HttpRequest, limits: HttpLimits) -> Result<HttpResponse, TransportError> {
        if request.uri().path() == self.1 {
            let body = String::from_utf8(request.body().clone()).expect("text");
            self.2.lock().expect("no panic").push(body);
        }
        self.0.send(request, limits).await
    }
}

// covers: ENC-01, ENC-12
#[tokio::test]
async fn an_answer_that_was_lost_is_asked_for_with_another_key() {
    let world = world(Mode::Required).await;
    let bodies = Arc::new(Mutex::new(Vec::new()));
    let wallet = || {
        let transport = Kept(ReqwestTransport::new(), "/credential", bodies.clone());
        world.builder().http(transport).build().expect("a wallet")
    };
    let issuance = wallet().open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    world.issuer.set_fault_times("drop-credential", 1).expect("a fault");
    let error = failure(issuance.accept().await);
    assert!(error.is_retryable(), "{error:?}");
    let resumed = wallet().resume(issuance.id()).await.expect("it is there");
    world.verified(&resumed.proceed().await.expect("it is issued")).await;

    let bodies = bodies.lock().expect("no panic").clone();
    let headers: Vec<_> = bodies.iter().filter_map(|body| body.split('.').next()).collect();
    assert_eq!((bodies.len(), headers.len()), (2, 2));
    assert_ne!(headers[0], headers[1], "an ephemeral key each");
    assert!(bodies.iter().all(|body| body.split('.').count() == 5), "nothing went out plain");
    let shown = resumed.transcript().await.expect("a transcript").to_string();
    assert!(shown.contains("Content-Type: application/jwt, credential_configuration_id"), "{shown}");
}
