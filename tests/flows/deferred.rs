use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use billfold::platform::clock::Clock;
use billfold::platform::http::{HttpLimits, HttpRequest, HttpResponse, HttpTransport, TransportError};
use billfold::platform::reqwest::ReqwestTransport;
use billfold::{ErrorCode, Step, Wallet};
use billfold_test_issuer::Options;
use serde_json::{Value, json};

use crate::meddling::{answer, meddling, with_json};
use crate::world::{JWT_VC, Moved, SD_JWT, World, failure, pre_authorized};

struct Waiting {
    world: World,
    clock: Moved,
}

impl Waiting {
    async fn new(waits: u32, interval: u32) -> Self {
        let options = Options { deferred_waits: Some(waits), deferred_interval: interval, ..Options::default() };
        Self { world: World::with(options).await, clock: Moved::default() }
    }

    fn wallet(&self) -> Wallet {
        self.world.builder().clock(self.clock.clone()).build().expect("a wallet")
    }

    /// Time passes, for the wallet and for the issuer.
    fn pass(&self, seconds: i64) {
        self.clock.pass(seconds);
        self.world.issuer.advance_clock(seconds);
    }
}

// covers: DEFER-02
#[tokio::test]
async fn who_asked_in_vain_often_enough_waits_longer() {
    let waiting = Waiting::new(6, 10).await;
    let world = &waiting.world;
    let issuance = waiting.wallet().open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    let mut step = issuance.accept().await.expect("a wait");
    let mut waits = Vec::new();
    while let Step::Wait { until } = step {
        let seconds = until - waiting.clock.now();
        waits.push((seconds + 5) / 10 * 10);
        waiting.pass(seconds);
        step = waiting.wallet().resume(issuance.id()).await.expect("it is there").poll().await.expect("asked");
    }
    world.verified(&step).await;
    assert_eq!(waits, [10, 10, 10, 10, 20, 40, 80]);

    // An endpoint that is down is left alone, too; the first tries are for the app to choose.
    let waiting = Waiting::new(0, 10).await;
    let world = &waiting.world;
    let issuance = waiting.wallet().open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    issuance.accept().await.expect("a wait");
    waiting.pass(11);
    world.issuer.set_fault("http-500-deferred").expect("a fault");
    for _ in 0..4 {
        assert_eq!(failure(issuance.poll().await).code(), ErrorCode::ServerFailed);
    }
    assert_eq!(world.count("/deferred"), 4);
    world.issuer.clear_faults();
    let Step::Wait { until } = issuance.poll().await.expect("a wait") else { panic!("it was asked for") };
    assert_eq!(world.count("/deferred"), 4, "nobody was asked");
    waiting.pass(until - waiting.clock.now());
    world.verified(&issuance.poll().await.expect("it is issued")).await;
}

// covers: DEFER-02, DEFER-08
#[tokio::test]
async fn a_deferred_credential_comes_when_it_is_ready_even_after_a_restart() {
    for format in [SD_JWT, JWT_VC] {
        let waiting = Waiting::new(2, 10).await;
        let world = &waiting.world;
        let issuance = waiting.wallet().open_offer(&world.offer(&pre_authorized(format)).link).await.expect("it opens");
        let began = waiting.clock.now();
        let Step::Wait { until } = issuance.accept().await.expect("a wait") else { panic!("no wait") };
        assert!((9..=12).contains(&(until - began)), "{}", until - began);

        // Asking early asks nobody.
        assert!(matches!(issuance.poll().await, Ok(Step::Wait { .. })));
        assert_eq!(world.count("/deferred"), 0);

        for asked in 1..=2 {
            waiting.pass(11);
            let pending = waiting.wallet().pending().await.expect("a list");
            assert_eq!(pending.len(), 1);
            let resumed = waiting.wallet().resume(&pending[0].id).await.expect("it is there");
            assert!(matches!(resumed.poll().await, Ok(Step::Wait { .. })));
            assert_eq!(world.count("/deferred"), asked);
        }
        waiting.pass(11);
        let resumed = waiting.wallet().resume(issuance.id()).await.expect("it is there");
        let step = resumed.poll().await.expect("it is issued");
        world.verified(&step).await;
        assert_eq!(world.count("/credential"), 1);
        assert!(waiting.wallet().pending().await.expect("a list").is_empty());
    }
}

#[tokio::test]
async fn a_lost_deferred_answer_is_asked_for_again() {
    let waiting = Waiting::new(0, 5).await;
    let issuance =
        waiting.wallet().open_offer(&waiting.world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    assert!(matches!(issuance.accept().await, Ok(Step::Wait { .. })));
    waiting.pass(6);
    waiting.world.issuer.set_fault_times("http-500-deferred", 1).expect("a fault");
    let error = failure(issuance.poll().await);
    assert_eq!(error.code(), ErrorCode::ServerFailed);
    assert!(error.is_retryable());
    waiting.world.verified(&issuance.poll().await.expect("it is issued")).await;
}

/// An issuance whose credential the issuer has not ready yet; the time to ask has come.
async fn due(waits: u32) -> (Waiting, billfold::Issuance) {
    let waiting = Waiting::new(waits, 5).await;
    let offer = waiting.world.offer(&pre_authorized(SD_JWT));
    let issuance = waiting.wallet().open_offer(&offer.link).await.expect("it opens");
    assert!(matches!(issuance.accept().await, Ok(Step::Wait { .. })));
    waiting.pass(6);
    (waiting, issuance)
}

// covers: DEFER-05, CERR-08
#[tokio::test]
async fn a_final_refusal_ends_the_wait() {
    for (fault, code) in [
        ("invalid-transaction-id-at-deferred", ErrorCode::TransactionRefused),
        ("credential-request-denied-at-deferred", ErrorCode::CredentialDenied),
    ] {
        let (waiting, issuance) = due(3).await;
        waiting.world.issuer.set_fault(fault).expect("a fault");
        assert_eq!(failure(issuance.poll().await).code(), code, "{fault}");
        waiting.pass(60);
        assert_eq!(failure(issuance.poll().await).code(), code, "{fault}: it has ended");
        assert_eq!(waiting.world.count("/deferred"), 1, "{fault}");
        assert!(waiting.world.wallet().pending().await.expect("a list").is_empty());
    }
}

// covers: DEFER-09
#[tokio::test]
async fn a_draft_says_not_yet_with_an_error() {
    let (waiting, issuance) = due(0).await;
    waiting.world.issuer.set_fault_times("issuance-pending-at-deferred", 1).expect("a fault");
    let before = waiting.clock.now();
    let Step::Wait { until } = issuance.poll().await.expect("a wait") else { panic!("no wait") };
    assert!((4..=6).contains(&(until - before)), "five seconds, where nothing is said: {}", until - before);
    waiting.pass(6);
    waiting.world.verified(&issuance.poll().await.expect("it is issued")).await;

    let (waiting, issuance) = due(1).await;
    let pending = json!({ "error": "issuance_pending", "interval": 77 });
    let wallet = {
        let once = AtomicBool::new(true);
        let transport =
            meddling(
                "/deferred",
                move |_, given| {
                    if once.swap(false, Ordering::SeqCst) { answer(400, &pending) } else { given }
                },
            );
        waiting.world.builder().http(transport).clock(waiting.clock.clone()).build().expect("a wallet")
    };
    let issuance = wallet.resume(issuance.id()).await.expect("it is there");
    let before = waiting.clock.now();
    let Step::Wait { until } = issuance.poll().await.expect("a wait") else { panic!("no wait") };
    assert!((76..=78).contains(&(until - before)), "{}", until - before);
    waiting.pass(78);
    waiting.world.verified(&issuance.poll().await.expect("it is issued")).await;
}

/// An issuer that gives a deferred credential another id at the first ask, and knows only that one then.
#[derive(Default)]
struct Rotating(Mutex<Option<Value>>);

#[async_trait]
impl HttpTransport for Rotating {
    async fn send(&self, mut request: HttpRequest, limits: HttpLimits) -> Result<HttpResponse, TransportError> {
        if request.uri().path() != "/deferred" {
            return ReqwestTransport::new().send(request, limits).await;
        }
        let asked: Value = serde_json::from_slice(request.body()).expect("JSON");
        let first = self.0.lock().expect("no panic").clone();
        match first {
            None => *self.0.lock().expect("no panic") = Some(asked),
            Some(first) if asked["transaction_id"] == "another" => *request.body_mut() = first.to_string().into_bytes(),
            Some(_) => return Ok(answer(400, &json!({ "error": "invalid_transaction_id" }))),
        }
        let given = ReqwestTransport::new().send(request, limits).await?;
        if given.status() != 202 {
            return Ok(given);
        }
        Ok(with_json(given, |body| body["transaction_id"] = json!("another")))
    }
}

// covers: DEFER-03
#[tokio::test]
async fn a_transaction_id_that_changed_loses_nothing() {
    // The issuer names another id, and knows the first one only.
    let (waiting, issuance) = due(1).await;
    waiting.world.issuer.set_fault_times("changed-transaction-id", 1).expect("a fault");
    assert!(matches!(issuance.poll().await, Ok(Step::Wait { .. })));
    waiting.pass(6);
    waiting.world.verified(&issuance.poll().await.expect("it is issued")).await;

    // The issuer names another id, and knows that one only.
    let (waiting, issuance) = due(1).await;
    let wallet =
        waiting.world.builder().http(Rotating::default()).clock(waiting.clock.clone()).build().expect("a wallet");
    let issuance = wallet.resume(issuance.id()).await.expect("it is there");
    assert!(matches!(issuance.poll().await, Ok(Step::Wait { .. })));
    waiting.pass(6);
    waiting.world.verified(&issuance.poll().await.expect("it is issued")).await;
}
