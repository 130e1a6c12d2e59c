//! Two hundred issuances, each with an issuer that misbehaves in its own random way. Whatever it does, an
//! issuance ends in a stored credential or in an error that says what to do; it never hangs, never
//! panics, and nothing that is good once is sent twice.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use billfold::{AcceptOptions, Advice, Encryption as Wish, ErrorCode, Issuance, Result, Step, Wallet};
use billfold_test_issuer::{
    AuthorizationServer, ClientAuth, Dpop, Encryption, Fault, KeyAttestation, OfferSpec, Options, Par, TxCode,
};
use tokio::sync::Semaphore;

use crate::attester::Provider;
use crate::world::{JWT_VC, Moved, SD_JWT, World, code, pre_authorized};

const RUNS: u64 = 200;
/// Calls after which an issuance that still goes on counts as endless.
const CALLS: usize = 40;
/// No call may take longer: nothing here is slow.
const CALL_SECONDS: u64 = 25;

/// Numbers that look random and are the same in every run (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("it is below a usize")
    }

    fn one_in(&mut self, number: usize) -> bool {
        self.below(number) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

fn options(dice: &mut Dice) -> Options {
    Options {
        par: dice.pick(&[Par::Off, Par::On, Par::Required]),
        dpop: dice.pick(&[Dpop::Off, Dpop::On, Dpop::Required]),
        dpop_nonces: dice.one_in(2),
        client_auth: dice.pick(&[ClientAuth::None, ClientAuth::None, ClientAuth::Attestation]),
        challenge_endpoint: dice.one_in(2),
        authorization_server: dice.pick(&[
            AuthorizationServer::Own,
            AuthorizationServer::Path,
            AuthorizationServer::Port,
        ]),
        nonce_endpoint: !dice.one_in(6),
        deferred_waits: dice.pick(&[None, None, Some(1), Some(2)]),
        credential_identifiers: dice.one_in(2),
        identifiers_per_configuration: dice.pick(&[1, 1, 2]),
        key_attestation: dice.pick(&[KeyAttestation::Off, KeyAttestation::Off, KeyAttestation::Required]),
        encryption: dice.pick(&[Encryption::Off, Encryption::Offered, Encryption::Required]),
        refresh_tokens: dice.one_in(2),
        rotate_refresh_tokens: dice.one_in(2),
        token_lifetime: dice.pick(&[60, 300]),
        ..Options::default()
    }
}

fn offer(dice: &mut Dice) -> OfferSpec {
    let format = dice.pick(&[SD_JWT, SD_JWT, JWT_VC]);
    let mut spec = if dice.one_in(2) {
        code(format)
    } else {
        let spec = pre_authorized(format);
        if dice.one_in(2) { spec.tx_code(TxCode { value: Some("0042".to_owned()), ..TxCode::default() }) } else { spec }
    };
    if dice.one_in(3) {
        spec.configurations =
            Some(vec!["UniversityDegree_dc_sd_jwt".to_owned(), "UniversityDegree_jwt_vc_json".to_owned()]);
    }
    if dice.one_in(2) { spec.by_reference() } else { spec }
}

/// Up to five things that go wrong, each once or twice.
fn faults(dice: &mut Dice) -> Vec<(String, u32)> {
    // One that is only slow shows nothing here, and takes its time.
    let names: Vec<_> = Fault::names().into_iter().filter(|name| name != "slow").collect();
    let count = dice.below(6);
    (0..count).map(|_| (names[dice.below(names.len())].clone(), dice.pick(&[1, 1, 2]))).collect()
}

/// One issuance, told step by step.
struct Run {
    world: World,
    clock: Moved,
    provider: Arc<Provider>,
    faults: Vec<(String, u32)>,
    dice: Dice,
    story: String,
}

impl Run {
    async fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let options = options(&mut dice);
        let faults = faults(&mut dice);
        let story = format!("run {seed}: {options:?}\n  faults: {faults:?}\n");
        let world = World::with(options).await;
        let provider = Provider::new(&world).await;
        Self { world, clock: Moved::default(), provider, faults, dice, story }
    }

    fn wallet(&self) -> Wallet {
        let builder = self.world.builder().clock(self.clock.clone()).notify_in_background(false);
        builder.wallet_provider(self.provider.clone()).build().expect("a wallet")
    }

    fn tell(&mut self, what: &str) {
        writeln!(self.story, "  {what}").expect("a text takes all");
    }

    /// The next fault of the sequence, from now on.
    fn strike(&mut self) {
        if let Some((name, times)) = self.faults.pop() {
            self.tell(&format!("! {name} x{times}"));
            self.world.issuer.set_fault_times(&name, times).expect("a fault");
        }
    }

    async fn in_time<T>(&mut self, what: &str, call: impl Future<Output = Result<T>>) -> Result<T> {
        let Ok(result) = tokio::time::timeout(Duration::from_secs(CALL_SECONDS), call).await else {
            panic!("{what} hangs\n{}", self.story);
        };
        match &result {
            Ok(_) => self.tell(what),
            Err(error) => self.tell(&format!("{what}: {} {:?} {error}", error.code(), error.advice())),
        }
        result
    }

    async fn act(&mut self, issuance: &Issuance, step: &Step, tx_code: Option<&str>) -> Result<Step> {
        match step {
            Step::Review => {
                let encryption = self.dice.pick(&[Wish::Auto, Wish::Auto, Wish::Always]);
                let copies = self.dice.pick(&[None, None, Some(2)]);
                let options = AcceptOptions { encryption, copies, ..AcceptOptions::default() };
                let accepted = self.in_time("accept", issuance.accept_with(options)).await;
                match accepted {
                    // The wish was impossible here, and nothing happened.
                    Err(error) if encryption == Wish::Always && error.code() == ErrorCode::EncryptionUnavailable => {
                        self.in_time("accept", issuance.accept()).await
                    }
                    other => other,
                }
            }
            Step::EnterCode(_) => {
                self.in_time("submit_code", issuance.submit_code(tx_code.expect("one was given"))).await
            }
            Step::SignIn { .. } => match self.world.try_sign_in(step).await {
                Some(redirect) => self.in_time("submit_redirect", issuance.submit_redirect(&redirect)).await,
                None => self.in_time("accept again", issuance.accept()).await,
            },
            Step::Wait { until } => {
                let seconds = (*until - self.now()).max(0) + 1;
                self.clock.pass(seconds);
                self.world.issuer.advance_clock(seconds);
                self.in_time("poll", issuance.poll()).await
            }
            _ => self.in_time("proceed", issuance.proceed()).await,
        }
    }

    fn now(&self) -> billfold::Timestamp {
        use billfold::platform::clock::Clock as _;
        self.clock.now()
    }

    /// Goes on as the errors advise; gives the error that ended it, if one did.
    async fn follow(&mut self, id: &billfold::SessionId, tx_code: Option<&str>) -> Option<billfold::Error> {
        let mut renounced = 0;
        for _ in 0..CALLS {
            if self.dice.one_in(2) {
                self.strike();
            }
            // Each call may be one of another process.
            let wallet = self.wallet();
            let issuance = wallet.resume(id).await.expect("it is there");
            let step = match issuance.step().await {
                Ok(Step::Done { .. }) => return None,
                Ok(step) => step,
                Err(error) => return Some(error),
            };
            let Err(error) = self.act(&issuance, &step, tx_code).await else { continue };
            let goes_on = matches!(error.advice(), Advice::Retry | Advice::SignInAgain | Advice::AskCodeAgain);
            let open = matches!(issuance.step().await, Ok(step) if !matches!(step, Step::Done { .. }));
            if !open {
                return Some(error);
            }
            if !goes_on {
                // An app would ask its user; a second try is as far as most go.
                renounced += 1;
                if renounced > 2 {
                    return Some(error);
                }
            }
        }
        // Faults strike a few times only: then it has to come to an end.
        panic!("it never ends\n{}", self.story);
    }

    /// What has to hold, however it ended.
    async fn check(&self, ended: Option<&billfold::Error>) {
        let story = &self.story;
        let wallet = self.wallet();
        let credentials = wallet.credentials().await.unwrap_or_else(|error| panic!("{error}\n{story}"));
        wallet.pending().await.unwrap_or_else(|error| panic!("{error}\n{story}"));
        match ended {
            None => assert!(credentials.iter().any(|credential| !credential.quarantined), "nothing is stored\n{story}"),
            Some(error) => assert!(!error.detail().is_empty(), "{story}"),
        }
        for credential in &credentials {
            assert_eq!(credential.quarantined, !credential.report.verdict.is_usable(), "{story}");
        }
        let log = self.world.issuer.log();
        let own = |entry: &&billfold_test_issuer::Entry| {
            !entry.error_description.as_deref().unwrap_or_default().starts_with("The fault")
        };
        for entry in log.requests.iter().filter(own) {
            let error = entry.error.as_deref().unwrap_or_default();
            let expired = self.story.contains("expired-code");
            let doubled = entry.path.ends_with("/token")
                && error == "invalid_grant"
                && entry.grant_type.as_deref() != Some("refresh_token")
                && !expired;
            assert!(!doubled, "a code was sent twice: {entry:?}\n{story}");
            assert_ne!(error, "invalid_dpop_proof", "a proof was sent twice: {entry:?}\n{story}");
            let stale = self.story.contains("stale-nonce");
            assert!(error != "invalid_nonce" || stale, "a nonce was sent twice: {entry:?}\n{story}");
        }
    }
}

async fn run(seed: u64) -> &'static str {
    let mut run = Run::new(seed).await;
    let spec = offer(&mut run.dice);
    run.tell(&format!("{spec:?}"));
    let made = run.world.offer(&spec);
    if run.dice.one_in(4) {
        run.strike();
    }
    let mut opened = None;
    for _ in 0..3 {
        let wallet = run.wallet();
        match run.in_time("open_offer", wallet.open_offer(&made.link)).await {
            Ok(issuance) => {
                opened = Some(issuance.id().clone());
                break;
            }
            Err(error) if error.is_retryable() => {}
            Err(_) => break,
        }
    }
    let Some(id) = opened else { return "not opened" };
    let ended = run.follow(&id, made.tx_code.as_deref()).await;
    if let (None, Ok([credential, ..])) = (&ended, run.wallet().credentials().await.as_deref()) {
        run.clock.pass(400);
        run.world.issuer.advance_clock(400);
        let wallet = run.wallet();
        if let Ok(renewal) = run.in_time("refresh", wallet.refresh(&credential.id)).await {
            let id = renewal.id().clone();
            drop(renewal);
            run.follow(&id, None).await;
        }
    }
    run.world.issuer.clear_faults();
    run.wallet().flush().await.unwrap_or_else(|error| panic!("{error}\n{}", run.story));
    run.check(ended.as_ref()).await;
    if ended.is_none() { "issued" } else { "refused" }
}

// covers: TOKRQ-11
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_an_issuer_does_it_comes_to_an_end() {
    let few = Arc::new(Semaphore::new(4));
    let runs = (0..RUNS).map(|seed| {
        let few = few.clone();
        tokio::spawn(async move {
            let _one_of_few = few.acquire_owned().await.expect("it is never closed");
            run(seed).await
        })
    });
    let mut counts = std::collections::BTreeMap::<_, usize>::new();
    for run in runs.collect::<Vec<_>>() {
        *counts.entry(run.await.expect("no panic")).or_default() += 1;
    }
    println!("{counts:?}");
    // Were all refused, nothing would be proved.
    assert!(counts.get("issued").copied().unwrap_or_default() > 50, "{counts:?}");
}
