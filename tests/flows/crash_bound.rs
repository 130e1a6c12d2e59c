//! The plug is pulled where more than a code is at stake: nonces, challenges and encryption on the way to a
//! deferred credential, refresh tokens that are good once, and notices that wait for a new token.

use std::sync::Arc;

use billfold::platform::reqwest::ReqwestTransport;
use billfold::{Credential, Error, ErrorCode, Issuance, RequestOutcome, Result, Step, Wallet, WalletBuilder};
use billfold_test_issuer::{ClientAuth, Dpop, Encryption, KeyAttestation, OfferSpec, Options};

use crate::attester::Provider;
use crate::crash::{Fuse, FusedStore, FusedTransport};
use crate::world::{Moved, SD_JWT, World, code};

/// A world whose time the test moves, with somebody who vouches for the wallet.
struct Site {
    world: World,
    clock: Moved,
    provider: Arc<Provider>,
}

impl Site {
    async fn new(options: Options) -> Self {
        let world = World::with(options).await;
        let provider = Provider::new(&world).await;
        Self { world, clock: Moved::default(), provider }
    }

    fn builder(&self) -> WalletBuilder {
        let builder = self.world.builder().clock(self.clock.clone()).notify_in_background(false);
        builder.wallet_provider(self.provider.clone())
    }

    fn wallet(&self) -> Wallet {
        self.builder().build().expect("a wallet")
    }

    fn fused(&self, fuse: &Arc<Fuse>) -> Wallet {
        let transport = FusedTransport(ReqwestTransport::new(), fuse.clone());
        let store = FusedStore(self.world.store.clone(), fuse.clone());
        self.builder().http(transport).store(store).build().expect("a wallet")
    }

    fn pass(&self, seconds: i64) {
        self.clock.pass(seconds);
        self.world.issuer.advance_clock(seconds);
    }

    /// Goes on as far as a user who signs in and waits.
    async fn finish(&self, issuance: &Issuance) -> Result<Step> {
        let mut step = issuance.proceed().await?;
        loop {
            step = match &step {
                Step::Review => issuance.accept().await?,
                Step::SignIn { .. } => match self.world.try_sign_in(&step).await {
                    Some(redirect) => issuance.submit_redirect(&redirect).await?,
                    None => issuance.accept().await?,
                },
                Step::Wait { .. } => {
                    self.pass(2);
                    issuance.poll().await?
                }
                Step::Interrupted => issuance.proceed().await?,
                _ => return Ok(step),
            };
        }
    }

    async fn only(&self) -> Option<Credential> {
        let mut all = self.wallet().credentials().await.expect("a list");
        assert!(all.len() <= 1, "{all:?}");
        all.pop()
    }

    /// What no server may have seen, wherever the plug was pulled.
    fn check(&self, point: usize) {
        let log = self.world.issuer.log();
        assert_eq!(log.refresh_token_reuses, 0, "point {point}: a refresh token was sent twice");
        for entry in &log.requests {
            let error = entry.error.as_deref().unwrap_or_default();
            let doubled = ["invalid_grant", "invalid_dpop_proof", "invalid_nonce", "invalid_proof"];
            assert!(!doubled.contains(&error), "point {point}: {entry:?}");
        }
    }
}

/// What has to be run until the plug is out of its reach.
async fn pulled<T>(fuse: &Fuse, whole: impl Future<Output = Result<T>>) -> Option<T> {
    tokio::select! {
        done = whole => Some(done.expect("nothing disturbs it")),
        () = fuse.blown.notified() => None,
    }
}

fn guarded() -> Options {
    Options {
        dpop: Dpop::Required,
        dpop_nonces: true,
        client_auth: ClientAuth::Attestation,
        challenge_endpoint: true,
        encryption: Encryption::Required,
        key_attestation: KeyAttestation::Required,
        ..Options::default()
    }
}

/// Whether the only thing is lost that can be: the answer to a request that works once.
fn is_excused(error: &Error) -> bool {
    let token = error.code() == ErrorCode::OutcomeUnknown && error.outcome() == RequestOutcome::Unknown;
    let pickup = error.server_error().is_some_and(|said| said.error == "invalid_transaction_id");
    token || pickup
}

async fn pull_on_the_way(point: usize, spec: &OfferSpec) -> (bool, bool) {
    let site = Site::new(Options { deferred_waits: Some(1), ..guarded() }).await;
    let offer = site.world.offer(spec);
    let fuse = Fuse::at(point);
    let wallet = site.fused(&fuse);
    let whole = async {
        let issuance = wallet.open_offer(&offer.link).await?;
        site.finish(&issuance).await
    };
    if let Some(step) = pulled(&fuse, whole).await {
        site.world.verified(&step).await;
        site.check(point);
        return (false, true);
    }
    let wallet = site.wallet();
    let open = wallet.pending().await.expect("a list");
    let issuance = match open.as_slice() {
        [] if site.only().await.is_some() => return (true, true),
        [] => wallet.open_offer(&offer.link).await.expect("nothing was spent"),
        [one] => wallet.resume(&one.id).await.expect("it is there"),
        more => panic!("point {point}: {more:?}"),
    };
    let mut ended = site.finish(&issuance).await;
    if let Err(error) = &ended {
        assert!(is_excused(error), "point {point}: {error:?}");
        if matches!(issuance.step().await, Ok(Step::Review)) {
            ended = site.finish(&issuance).await;
            assert!(ended.is_ok(), "point {point}: signing in again helps: {ended:?}");
        }
    }
    site.check(point);
    assert_eq!(site.only().await.is_some(), ended.is_ok(), "point {point}");
    assert!(wallet.pending().await.expect("a list").is_empty(), "point {point}");
    (true, ended.is_ok())
}

#[tokio::test]
async fn a_guarded_and_deferred_issuance_survives_the_plug_anywhere() {
    let (mut points, mut lost) = (0, 0);
    loop {
        let (was_pulled, there) = pull_on_the_way(points, &code(SD_JWT)).await;
        lost += usize::from(!there);
        if !was_pulled {
            break;
        }
        points += 1;
    }
    assert!(points > 35, "only {points} points were reached");
    assert!(lost <= 2, "{lost} were lost; only the answer with the credential can be");
}

/// A credential that was renewed once, with a token that has ended; and a notice about it.
async fn renewed_once(options: Options) -> (Site, Credential) {
    let options = Options { refresh_tokens: true, token_lifetime: 60, ..options };
    let site = Site::new(options).await;
    let wallet = site.wallet();
    let issuance = wallet.open_offer(&site.world.offer(&code(SD_JWT)).link).await.expect("it opens");
    let old = site.world.verified(&site.finish(&issuance).await.expect("it is issued")).await;
    wallet.flush().await.expect("flushed");
    site.pass(100);
    let renewal = wallet.refresh(&old.id).await.expect("it begins");
    let old = site.world.verified(&site.finish(&renewal).await.expect("it is issued")).await;
    site.pass(100);
    (site, old)
}

async fn pull_in_a_renewal(point: usize) -> bool {
    let (site, old) = renewed_once(guarded()).await;
    let fuse = Fuse::at(point);
    let wallet = site.fused(&fuse);
    let whole = async {
        let renewal = wallet.refresh(&old.id).await?;
        site.finish(&renewal).await
    };
    let was_pulled = pulled(&fuse, whole).await.is_none();
    let wallet = site.wallet();
    assert!(site.only().await.is_some_and(|credential| credential.id == old.id), "point {point}: it was there always");
    if was_pulled {
        let renewal = match wallet.pending().await.expect("a list").as_slice() {
            [] => wallet.refresh(&old.id).await.expect("it begins"),
            [one] => wallet.resume(&one.id).await.expect("it is there"),
            more => panic!("point {point}: {more:?}"),
        };
        if let Err(error) = site.finish(&renewal).await {
            assert_eq!(error.code(), ErrorCode::ReauthorizationRequired, "point {point}: {error:?}");
            site.finish(&renewal).await.expect("signing in helps");
        }
    }
    site.check(point);
    let new = site.only().await.expect("it is there");
    assert_eq!(new.id, old.id, "point {point}");
    assert_ne!(new.instances[0].to_text(), old.instances[0].to_text(), "point {point}");
    // And what is there now can be renewed the next time.
    site.pass(100);
    let renewal = wallet.refresh(&old.id).await.expect("it begins");
    site.world.verified(&site.finish(&renewal).await.expect("it is issued")).await;
    was_pulled
}

#[tokio::test]
async fn a_renewal_survives_the_plug_anywhere() {
    let mut points = 0;
    while pull_in_a_renewal(points).await {
        points += 1;
    }
    assert!(points > 15, "only {points} points were reached");
}

async fn pull_in_a_flush(point: usize) -> (bool, bool) {
    let options = Options { dpop: Dpop::Required, dpop_nonces: true, ..Options::default() };
    let (site, old) = renewed_once(options).await;
    site.world.issuer.reset_log();
    let fuse = Fuse::at(point);
    let wallet = site.fused(&fuse);
    let was_pulled = pulled(&fuse, Box::pin(wallet.flush())).await.is_none();
    // Longer than the pause after the first try.
    site.pass(60);
    let wallet = site.wallet();
    let later = Box::pin(wallet.flush()).await.expect("flushed");
    assert_eq!(later.waiting, 0, "point {point}");
    let heard = !site.world.issuer.log().notifications.is_empty();
    site.check(point);
    // Without the refresh token the user has to agree; with it, the credential is renewed.
    site.pass(100);
    let renewal = wallet.refresh(&old.id).await.expect("it begins");
    site.world.verified(&site.finish(&renewal).await.expect("it is issued")).await;
    (was_pulled, heard)
}

#[tokio::test]
async fn a_notice_that_needs_a_new_token_survives_the_plug_anywhere() {
    let (mut points, mut unheard) = (0, 0);
    loop {
        let (was_pulled, heard) = pull_in_a_flush(points).await;
        unheard += usize::from(!heard);
        if !was_pulled {
            break;
        }
        points += 1;
    }
    assert!(points > 8, "only {points} points were reached");
    // From the mark that the refresh token may have left, to the write of the answer.
    assert!(unheard <= 8, "{unheard} notices were lost");
}
