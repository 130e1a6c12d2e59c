//! The plug is pulled at every point where anything is written or sent, one run a point. Each time
//! another process has to find its way: to the credential, or to an error that says what is lost.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use billfold::platform::http::{HttpLimits, HttpRequest, HttpResponse, HttpTransport, TransportError};
use billfold::platform::memory::MemoryStore;
use billfold::platform::reqwest::ReqwestTransport;
use billfold::platform::store::{Change, CredentialStore, Record, StoreError, Table};
use billfold::{ErrorCode, Issuance, RequestOutcome, Result, Step, Wallet};
use billfold_test_issuer::{OfferSpec, Options, Profile, TxCode};
use tokio::sync::Notify;

use crate::world::{JWT_VC, Moved, SD_JWT, World, code, pre_authorized};

const VC_SD_JWT: &str = "vc+sd-jwt";

/// Burns through at a chosen point, after which nothing happens any more.
pub(crate) struct Fuse {
    at: usize,
    passed: AtomicUsize,
    pub(crate) blown: Notify,
}

impl Fuse {
    pub(crate) fn at(at: usize) -> Arc<Self> {
        Arc::new(Self { at, passed: AtomicUsize::new(0), blown: Notify::new() })
    }

    async fn point(&self) {
        if self.passed.fetch_add(1, Ordering::SeqCst) >= self.at {
            self.blown.notify_one();
            pending::<()>().await;
        }
    }
}

pub(crate) struct FusedStore(pub(crate) Arc<MemoryStore>, pub(crate) Arc<Fuse>);

#[async_trait]
impl CredentialStore for FusedStore {
    async fn commit(&self, changes: Vec<Change>) -> std::result::Result<(), StoreError> {
        self.1.point().await;
        let done = self.0.commit(changes).await;
        self.1.point().await;
        done
    }

    async fn get(&self, table: Table, id: &str) -> std::result::Result<Option<Record>, StoreError> {
        self.0.get(table, id).await
    }

    async fn list(&self, table: Table) -> std::result::Result<Vec<Record>, StoreError> {
        self.0.list(table).await
    }

    async fn page(
        &self,
        table: Table,
        after: Option<&str>,
        limit: usize,
    ) -> std::result::Result<Vec<Record>, StoreError> {
        self.0.page(table, after, limit).await
    }
}

pub(crate) struct FusedTransport(pub(crate) ReqwestTransport, pub(crate) Arc<Fuse>);

#[async_trait]
impl HttpTransport for FusedTransport {
    async fn send(
        &self,
        request: HttpRequest,
        limits: HttpLimits,
    ) -> std::result::Result<HttpResponse, TransportError> {
        self.1.point().await;
        let answer = self.0.send(request, limits).await;
        self.1.point().await;
        answer
    }
}

/// Takes an issuance as far as a user who does everything asked of him.
async fn finish(world: &World, issuance: &Issuance, tx_code: Option<&str>) -> Result<Step> {
    let mut step = issuance.proceed().await?;
    loop {
        step = match &step {
            Step::Review => issuance.accept().await?,
            Step::EnterCode(_) => issuance.submit_code(tx_code.expect("a code was given with the offer")).await?,
            Step::SignIn { .. } => match world.try_sign_in(&step).await {
                Some(redirect) => issuance.submit_redirect(&redirect).await?,
                None => issuance.accept().await?,
            },
            Step::Interrupted => issuance.proceed().await?,
            _ => return Ok(step),
        };
    }
}

/// Pulls the plug at one point; gives false if the issuance was over before that.
async fn pull_at(world: &World, spec: &OfferSpec, at: usize) -> bool {
    let offer = world.offer(spec);
    let tx_code = offer.tx_code.as_deref();
    let fuse = Fuse::at(at);
    let transport = FusedTransport(ReqwestTransport::new(), fuse.clone());
    let wallet: Wallet =
        world.builder().http(transport).store(FusedStore(world.store.clone(), fuse.clone())).build().expect("a wallet");
    let whole = async {
        let issuance = wallet.open_offer(&offer.link).await?;
        finish(world, &issuance, tx_code).await
    };
    let undisturbed = tokio::select! {
        step = whole => Some(step.expect("it is issued")),
        () = fuse.blown.notified() => None,
    };
    if let Some(step) = undisturbed {
        world.verified(&step).await;
        return false;
    }

    let wallet = world.wallet();
    let open = wallet.pending().await.expect("a list");
    let lost = match open.as_slice() {
        // Nothing was written yet, so nothing may have been spent: the link is as good as new. Or
        // everything was.
        [] if wallet.credentials().await.expect("a list").is_empty() => {
            assert_eq!(world.count("/token"), 0, "point {at}");
            let issuance = wallet.open_offer(&offer.link).await.expect("it opens");
            finish(world, &issuance, tx_code).await.expect("it is issued");
            None
        }
        [] => None,
        [one] => {
            let issuance = wallet.resume(&one.id).await.expect("it is there");
            finish(world, &issuance, tx_code).await.err().map(|error| (issuance, error))
        }
        more => panic!("point {at}: {more:?}"),
    };
    if let Some((issuance, error)) = lost {
        // The only thing that may be lost is the answer to the token request, with the code.
        assert_eq!(error.code(), ErrorCode::OutcomeUnknown, "point {at}: {error}");
        assert_eq!(error.outcome(), RequestOutcome::Unknown);
        assert!(world.count("/token") <= 1, "point {at}: not sent twice");
        if let Ok(Step::Review) = issuance.step().await {
            finish(world, &issuance, tx_code).await.expect("signing in again helps");
            assert_eq!(wallet.credentials().await.expect("a list").len(), 1, "point {at}");
        }
    } else {
        assert_eq!(wallet.credentials().await.expect("a list").len(), 1, "point {at}");
    }
    let log = world.issuer.log();
    let doubled = log.requests.iter().find(|entry| entry.path == "/token" && entry.error.is_some());
    assert!(doubled.is_none(), "point {at}: a code was used twice: {doubled:?}");
    assert!(wallet.pending().await.expect("a list").is_empty(), "point {at}");
    true
}

async fn pull_everywhere(spec: OfferSpec) -> usize {
    pull_everywhere_at(spec, Profile::Final).await
}

async fn pull_everywhere_at(spec: OfferSpec, profile: Profile) -> usize {
    let mut point = 0;
    // Each run has an issuer of its own: a request that was cut off may still arrive later.
    while pull_at(&World::with(Options { profile, ..Options::default() }).await, &spec, point).await {
        point += 1;
    }
    point
}

#[tokio::test]
async fn pre_authorized_survives_the_plug_anywhere() {
    let points = pull_everywhere(pre_authorized(SD_JWT)).await;
    assert!(points > 15, "only {points} points were reached");
}

#[tokio::test]
async fn a_typed_code_survives_the_plug_anywhere() {
    let tx_code = TxCode { value: Some("0042".to_owned()), ..TxCode::default() };
    let points = pull_everywhere(pre_authorized(SD_JWT).tx_code(tx_code)).await;
    assert!(points > 15, "only {points} points were reached");
}

#[tokio::test]
async fn a_sign_in_survives_the_plug_anywhere() {
    let points = pull_everywhere(code(SD_JWT).by_reference()).await;
    assert!(points > 20, "only {points} points were reached");
}

#[tokio::test]
async fn an_issuer_whose_nonces_come_with_answers_survives_it_too() {
    for (profile, spec) in [(Profile::Draft13, pre_authorized(VC_SD_JWT)), (Profile::Draft11, code(JWT_VC))] {
        let points = pull_everywhere_at(spec, profile).await;
        assert!(points > 15, "{profile}: only {points} points were reached");
    }
}

/// Pulls the plug at one point of picking up a deferred credential. Gives whether the plug was pulled, and
/// whether the credential was there all the same.
async fn pull_at_pickup(at: usize) -> (bool, bool) {
    let world = World::with(Options { deferred_waits: Some(0), ..Options::default() }).await;
    let (clock, fuse) = (Moved::default(), Fuse::at(at));
    let builder = || world.builder().clock(clock.clone()).notify_in_background(false);
    let first = builder().build().expect("a wallet");
    let issuance = first.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    assert!(matches!(issuance.accept().await, Ok(Step::Wait { .. })));
    clock.pass(2);
    world.issuer.advance_clock(2);

    let transport = FusedTransport(ReqwestTransport::new(), fuse.clone());
    let store = FusedStore(world.store.clone(), fuse.clone());
    let fused = builder().http(transport).store(store).build().expect("a wallet");
    let fused = fused.resume(issuance.id()).await.expect("it is there");
    let undisturbed = tokio::select! {
        step = fused.poll() => Some(step.expect("it is issued")),
        () = fuse.blown.notified() => None,
    };
    if let Some(step) = undisturbed {
        // What is said to be there is there, for everybody.
        world.verified(&step).await;
        return (false, true);
    }
    let asked = world.count("/deferred");
    let resumed = builder().build().expect("a wallet").resume(issuance.id()).await.expect("it is there");
    match resumed.proceed().await {
        Ok(step) => {
            world.verified(&step).await;
            (true, true)
        }
        // The answer was lost before it was written down, and the id works once.
        Err(error) => {
            assert_eq!(error.server_error().map(|said| said.error.as_str()), Some("invalid_transaction_id"), "{error}");
            assert_eq!((asked, world.count("/deferred")), (1, 2), "point {at}");
            (true, false)
        }
    }
}

// covers: DEFER-07
#[tokio::test]
async fn a_deferred_credential_is_written_down_before_anything_is_said_of_it() {
    let mut outcomes = Vec::new();
    loop {
        let (pulled, there) = pull_at_pickup(outcomes.len()).await;
        if !pulled {
            break;
        }
        outcomes.push(there);
    }
    // Only between the answer's arrival and the first write can it be lost; before and after it cannot.
    assert!(outcomes.len() >= 5, "{outcomes:?}");
    assert!(outcomes[0], "nothing had been asked for");
    assert!(outcomes[outcomes.len() - 1] && outcomes[outcomes.len() - 2], "{outcomes:?}");
    assert!(outcomes.iter().filter(|there| !**there).count() <= 2, "{outcomes:?}");
}
