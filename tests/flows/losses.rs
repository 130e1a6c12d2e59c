//! What was received and could be lost: because the store fails just then, because another process is at work
//! on the same, or because an answer is not what it should be.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use billfold::platform::http::HttpResponse;
use billfold::platform::memory::MemoryStore;
use billfold::platform::store::{Change, CredentialStore, Expected, Record, StoreError, StoreErrorKind, Table};
use billfold::{Advice, Credential, ErrorCode, Step, Wallet};
use billfold_test_issuer::{Dpop, Options};
use serde_json::{Value, json};

use crate::meddling::{answer, meddling};
use crate::world::{Moved, SD_JWT, World, failure, pre_authorized};

type What = fn(&Value) -> bool;

/// A store that fails a number of times, each time that it is to keep a certain thing.
struct Failing {
    store: Arc<MemoryStore>,
    table: Table,
    what: What,
    left: Arc<AtomicUsize>,
}

#[async_trait]
impl CredentialStore for Failing {
    async fn commit(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        let hit = changes.iter().any(|change| match change {
            Change::Put { table, content, .. } => {
                *table == self.table && (self.what)(&serde_json::from_slice(content).expect("JSON"))
            }
            Change::Remove { .. } => false,
        });
        let left = |left: usize| left.checked_sub(1);
        if hit && self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left).is_ok() {
            return Err(StoreError::new(StoreErrorKind::Failed, "the disk is full"));
        }
        self.store.commit(changes).await
    }

    async fn get(&self, table: Table, id: &str) -> Result<Option<Record>, StoreError> {
        self.store.get(table, id).await
    }

    async fn list(&self, table: Table) -> Result<Vec<Record>, StoreError> {
        self.store.list(table).await
    }

    async fn page(&self, table: Table, after: Option<&str>, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.store.page(table, after, limit).await
    }
}

fn renewable() -> Options {
    Options { refresh_tokens: true, token_lifetime: 60, dpop: Dpop::Required, ..Options::default() }
}

/// A wallet over the world's store that fails to keep something so many times from when the number is set.
fn failing(world: &World, clock: &Moved, table: Table, what: What) -> (Wallet, Arc<AtomicUsize>) {
    let left = Arc::new(AtomicUsize::new(0));
    let store = Failing { store: world.store.clone(), table, what, left: left.clone() };
    let builder = world.builder().store(store).clock(clock.clone()).notify_in_background(false);
    (builder.build().expect("a wallet"), left)
}

#[tokio::test]
async fn a_store_that_fails_as_an_answer_comes_loses_nothing() {
    let received = |session: &Value| session["stage"]["credentials"]["tasks"][0]["state"].get("received").is_some();
    let deferred = |session: &Value| session["stage"]["credentials"]["tasks"][0]["state"].get("deferred").is_some();
    let cases: [(Table, What, Option<u32>); 3] = [
        (Table::Authorizations, |_| true, None),
        (Table::Sessions, received, None),
        (Table::Sessions, deferred, Some(0)),
    ];
    for (table, what, deferred_waits) in cases {
        for times in [1, 3] {
            let world = World::with(Options { deferred_waits, deferred_interval: 100, ..renewable() }).await;
            let clock = Moved::default();
            let (wallet, left) = failing(&world, &clock, table, what);
            let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
            left.store(times, Ordering::SeqCst);
            let mut step = match issuance.accept().await {
                Ok(step) => {
                    assert_eq!(times, 1, "{table:?}: it had to be told");
                    step
                }
                Err(error) => {
                    assert_eq!((error.code(), error.advice()), (ErrorCode::StoreFailed, Advice::Retry), "{table:?}");
                    assert_eq!(times, 3, "{table:?}: a second try would do");
                    // The app has no other handle yet; any of the same wallet will do.
                    left.store(0, Ordering::SeqCst);
                    let again = wallet.resume(issuance.id()).await.expect("it is there");
                    again.proceed().await.expect("nothing is lost")
                }
            };
            if deferred_waits.is_some() {
                assert!(matches!(step, Step::Wait { .. }), "{step:?}");
                clock.pass(101);
                world.issuer.advance_clock(101);
                step = issuance.poll().await.expect("it is issued");
            }
            world.verified(&step).await;
            let token_requests = if deferred_waits.is_some() { 2 } else { 1 };
            assert_eq!((world.count("/token"), world.count("/credential")), (token_requests, 1), "{table:?}");
        }
    }
}

/// A credential with tokens that rotate, which the wallet knows: it renewed them once.
async fn renewed_once(world: &World, wallet: &Wallet, clock: &Moved) -> Credential {
    let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    let credential = world.verified(&issuance.accept().await.expect("it is issued")).await;
    time_passes(world, clock);
    let renewal = wallet.refresh(&credential.id).await.expect("it begins");
    let credential = world.verified(&renewal.proceed().await.expect("it is issued")).await;
    time_passes(world, clock);
    credential
}

fn time_passes(world: &World, clock: &Moved) {
    clock.pass(100);
    world.issuer.advance_clock(100);
}

#[tokio::test]
async fn a_store_that_fails_as_a_renewed_token_comes_loses_nothing() {
    for times in [1, 3] {
        let world = World::with(renewable()).await;
        let clock = Moved::default();
        let (wallet, left) =
            failing(&world, &clock, Table::Authorizations, |authorization| authorization["in_flight"] == false);
        let old = renewed_once(&world, &wallet, &clock).await;
        let renewal = wallet.refresh(&old.id).await.expect("it begins");
        left.store(times, Ordering::SeqCst);
        if times > 1 {
            assert_eq!(failure(renewal.proceed().await).code(), ErrorCode::StoreFailed);
            left.store(0, Ordering::SeqCst);
        }
        world.verified(&renewal.proceed().await.expect("it is issued")).await;
        // And the refresh token that came is the one that is there.
        time_passes(&world, &clock);
        let renewal = wallet.refresh(&old.id).await.expect("it begins");
        world.verified(&renewal.proceed().await.expect("it is issued")).await;
        assert_eq!(world.issuer.log().refresh_token_reuses, 0);
    }
}

#[tokio::test]
async fn a_process_that_is_refused_leaves_the_tokens_of_the_one_that_was_not() {
    let world = World::with(renewable()).await;
    let clock = Moved::default();
    let quick = world.builder().clock(clock.clone()).notify_in_background(false).build().expect("a wallet");
    let old = renewed_once(&world, &quick, &clock).await;
    // What the other process writes comes between the request of this one and its answer.
    let (there, back) = (Arc::new(std::sync::Mutex::new(None::<Record>)), world.store.clone());
    let kept = there.clone();
    let slow = world.builder().clock(clock.clone()).notify_in_background(false);
    let slow = slow.http(meddling("/token", move |_, answered: HttpResponse| {
        let body: Value = serde_json::from_slice(answered.body()).expect("JSON");
        let Record { id, content, .. } = kept.lock().expect("not poisoned").take().expect("there is one");
        let mut authorization: Value = serde_json::from_slice(&content).expect("JSON");
        authorization["token"]["access_token"] = body["access_token"].clone();
        authorization["token"]["refresh_token"] = body["refresh_token"].clone();
        authorization["token"]["expires_at"] = json!(4_000_000_000_u64);
        let content = serde_json::to_vec(&authorization).expect("JSON");
        let put = Change::Put { table: Table::Authorizations, id, content, expected: Expected::Anything };
        futures_util::FutureExt::now_or_never(back.commit(vec![put])).expect("at once").expect("written");
        answer(400, &json!({ "error": "invalid_grant" }))
    }));
    let slow = slow.build().expect("a wallet");
    let renewal = slow.refresh(&old.id).await.expect("it begins");
    *there.lock().expect("not poisoned") =
        Some(world.store.list(Table::Authorizations).await.expect("a list").remove(0));
    world.verified(&renewal.proceed().await.expect("by the other's token")).await;
    let stored = world.store.list(Table::Authorizations).await.expect("a list").remove(0);
    let stored: Value = serde_json::from_slice(&stored.content).expect("JSON");
    assert!(stored["token"]["refresh_token"].is_string(), "it is still there");
    assert_eq!(world.issuer.log().refresh_token_reuses, 0);
}

#[tokio::test]
async fn a_refresh_token_that_may_be_used_up_is_not_sent_again() {
    for (status, body) in [(200, "{}"), (502, "{}"), (504, r#"{"error":"server_error"}"#)] {
        let world = World::with(renewable()).await;
        let clock = Moved::default();
        let wallet = world.builder().clock(clock.clone()).notify_in_background(false).build().expect("a wallet");
        let old = renewed_once(&world, &wallet, &clock).await;
        let lossy = world.builder().clock(clock.clone()).notify_in_background(false);
        let lossy =
            lossy.http(meddling("/token", move |_, _| answer(status, &serde_json::from_str(body).expect("JSON"))));
        let lossy = lossy.build().expect("a wallet");
        let renewal = lossy.refresh(&old.id).await.expect("it begins");
        failure(renewal.proceed().await);
        let again = wallet.refresh(&old.id).await.expect("it begins");
        let error = failure(again.proceed().await);
        assert_eq!(error.code(), ErrorCode::ReauthorizationRequired, "{status}");
        assert_eq!(world.issuer.log().refresh_token_reuses, 0, "{status}: sent twice");
    }
}

#[tokio::test]
async fn a_record_that_cannot_be_read_stands_in_nobodys_way() {
    let world = World::with(renewable()).await;
    let wallet = world.builder().notify_in_background(false).build().expect("a wallet");
    let issue = || async {
        let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
        world.verified(&issuance.accept().await.expect("it is issued")).await
    };
    issue().await;
    let damaged = world.store.list(Table::Authorizations).await.expect("a list").remove(0);
    let put = |id: String| Change::Put {
        table: Table::Authorizations,
        id,
        content: b"{".to_vec(),
        expected: Expected::Anything,
    };
    world.store.commit(vec![put(damaged.id.clone())]).await.expect("written");
    issue().await;
    let flushed = wallet.flush().await.expect("the others are told");
    assert_eq!(flushed.notified.len(), 1);

    // Not even in that of an issuance that was going on with it.
    let world = World::with(Options { deferred_waits: Some(1), ..renewable() }).await;
    let issuance = world.open(&pre_authorized(SD_JWT)).await;
    assert!(matches!(issuance.accept().await, Ok(Step::Wait { .. })));
    let damaged = world.store.list(Table::Authorizations).await.expect("a list").remove(0);
    world.store.commit(vec![put(damaged.id)]).await.expect("written");
    issuance.cancel().await.expect("it can be given up");
}
