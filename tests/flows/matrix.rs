//! Format × grant × spoiled thing, over HTTP: the report names what is wrong and nothing else, what did not pass
//! is kept aside, and the issuer hears of a failure only where there was one.

mod cells;
mod good;

use std::fmt::{self, Write as _};
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use billfold::platform::reqwest::ReqwestTransport;
use billfold::{AcceptOptions, CheckKind, Credential, ErrorCode, Report, Step, Verdict, Wallet};
use billfold_test_issuer::{Fault, Grant, OfferSpec, Options, TestIssuer};
use futures_util::{StreamExt as _, stream};

use crate::world::World;
use cells::{COLUMNS, Column, Expected, expected};

/// How many cells are looked at side by side.
const SIDE_BY_SIDE: usize = 6;

/// What came of one cell.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    /// How the issuance ended.
    error: Option<ErrorCode>,
    /// What the stored credential's report says.
    report: Option<(Verdict, Vec<CheckKind>, Vec<CheckKind>)>,
    quarantined: bool,
    /// What the issuer heard.
    heard: Vec<String>,
    /// What a good credential lacks.
    lacks: Vec<String>,
}

impl Found {
    fn fits(&self, expected: &Expected) -> bool {
        let heard = |event: &str| self.heard == [event.to_owned()];
        let Some((verdict, failed, unknown)) = &self.report else {
            return matches!(expected, Expected::Refused(code) if self.error == Some(*code) && self.heard.is_empty());
        };
        match expected {
            Expected::Verified => {
                *verdict == Verdict::Verified
                    && failed.is_empty()
                    && !self.quarantined
                    && self.error.is_none()
                    && self.lacks.is_empty()
                    && heard("credential_accepted")
            }
            Expected::Warned(kind) => {
                *verdict == Verdict::VerifiedWithWarnings
                    && failed.is_empty()
                    && unknown == &[*kind]
                    && !self.quarantined
                    && heard("credential_accepted")
            }
            Expected::Rejected(kinds) => {
                *verdict == Verdict::Rejected
                    && failed == kinds
                    && self.quarantined
                    && self.error == Some(ErrorCode::CredentialRejected)
                    && heard("credential_failure")
            }
            Expected::Unverified(kind) => {
                *verdict == Verdict::Unverified
                    && failed.is_empty()
                    && unknown.contains(kind)
                    && self.quarantined
                    && self.error == Some(ErrorCode::CredentialUnverified)
                    && self.heard.is_empty()
            }
            Expected::Refused(_) => false,
        }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.report {
            Some((verdict, failed, unknown)) => {
                write!(f, "{verdict:?}, failed {failed:?}, unknown {unknown:?}, quarantined {}", self.quarantined)?;
            }
            None => write!(f, "nothing stored")?,
        }
        write!(f, ", error {:?}, heard {:?}, lacks {:?}", self.error, self.heard, self.lacks)
    }
}

/// Sends every cell's requests: setting up TLS takes longer than an issuance.
static TRANSPORT: LazyLock<Arc<ReqwestTransport>> = LazyLock::new(|| Arc::new(ReqwestTransport::new()));

/// A wallet that trusts the issuer in the way that its credentials can be trusted by.
fn wallet(world: &World, column: &Column) -> Wallet {
    let mut builder = Wallet::builder("com.example.wallet")
        .redirect_uri(crate::world::REDIRECT)
        .http(TRANSPORT.clone())
        .keys(world.keys.clone())
        .store(world.store.clone())
        .allow_loopback_http(true)
        .notify_in_background(false);
    if !column.by_did {
        builder = builder.trust_anchors(world.issuer.trust_pem());
    }
    builder.build().expect("a wallet")
}

async fn run(world: &World, wallet: &Wallet, grant: Grant, column: &Column) -> billfold::Result<Step> {
    let spec = OfferSpec::new(grant, column.format).configurations(&[column.configuration]);
    let issuance = wallet.open_offer(&world.offer(&spec).link).await?;
    let options = AcceptOptions { unverified_formats: true, ..AcceptOptions::default() };
    let step = issuance.accept_with(options).await?;
    if matches!(step, Step::SignIn { .. }) {
        return issuance.submit_redirect(&world.sign_in(&step).await).await;
    }
    Ok(step)
}

async fn stored(wallet: &Wallet) -> Option<Credential> {
    let mut all = wallet.credentials().await.expect("a list");
    assert!(all.len() < 2, "one credential was asked for");
    all.pop()
}

fn of_report(report: &Report) -> (Verdict, Vec<CheckKind>, Vec<CheckKind>) {
    let unknown = report.checks.iter().filter(|check| matches!(check.outcome, billfold::Outcome::Unknown(_)));
    (report.verdict, report.failed(), unknown.map(|check| check.kind).collect())
}

/// One format and one spoiled thing, by one grant after the other.
async fn look(column: &'static Column, spoil: Option<&'static str>) -> Vec<(Grant, Found, String)> {
    let issuer = TestIssuer::start(Options::default()).await.expect("the issuer starts");
    let mut world = World { issuer, store: Arc::default(), keys: Arc::default() };
    if let Some(spoil) = spoil {
        world.issuer.set_fault(spoil).expect("a fault");
    }
    let mut found = Vec::new();
    for grant in [Grant::PreAuthorized, Grant::Code] {
        let (outcome, details) = look_by(&world, column, spoil, grant).await;
        found.push((grant, outcome, details));
        world.store = Arc::default();
        world.issuer.reset_log();
    }
    found
}

async fn look_by(world: &World, column: &Column, spoil: Option<&str>, grant: Grant) -> (Found, String) {
    let wallet = wallet(world, column);
    let ended = run(world, &wallet, grant, column).await;
    wallet.flush().await.expect("flushed");
    let credential = stored(&wallet).await;
    let notifications = world.issuer.log().notifications;
    let heard = notifications.iter().map(|one| one["event"].as_str().unwrap_or_default().to_owned()).collect();
    let details = match (&credential, &ended) {
        (Some(credential), _) => credential.report.checks.iter().fold(String::new(), |text, check| {
            format!("{text}      {} {:?}: {}\n", check.kind, check.outcome, check.detail)
        }),
        (None, Err(error)) => format!("      {error}\n"),
        (None, Ok(step)) => format!("      {step:?}\n"),
    };
    let found = Found {
        error: ended.err().map(|error| error.code()),
        report: credential.as_ref().map(|credential| of_report(&credential.report)),
        lacks: match (&credential, spoil) {
            (Some(credential), None) => good::lacks(column, credential),
            _ => Vec::new(),
        },
        quarantined: credential.is_some_and(|credential| credential.quarantined),
        heard,
    };
    (found, details)
}

// covers: FMT-01, FMT-02, FMT-05, FMT-08, FMT-09, CRES-10
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_report_names_what_is_wrong_and_nothing_else() {
    let started = Instant::now();
    // By this a developer looks at a part of the table.
    let only = std::env::var("BILLFOLD_MATRIX").unwrap_or_default();
    let mut cells = Vec::new();
    for column in COLUMNS {
        let spoils =
            Fault::spoils().filter(|(_, formats)| formats.contains(&column.format)).map(|(name, _)| Some(name));
        for spoil in std::iter::once(None).chain(spoils) {
            if format!("{} {}", column.name, spoil.unwrap_or("good")).contains(&only) {
                cells.push((column, spoil));
            }
        }
    }
    let outcomes: Vec<_> = stream::iter(cells)
        .map(|(column, spoil)| {
            let cell = tokio::spawn(look(column, spoil));
            async move { (column, spoil, cell.await.expect("it ends")) }
        })
        .buffered(SIDE_BY_SIDE)
        .collect()
        .await;
    let (mut count, mut wrong) = (0, String::new());
    for (column, spoil, by_grant) in &outcomes {
        let expected = expected(column, *spoil);
        for (grant, found, details) in by_grant {
            let line = format!("{:<18} {:<28} {grant:?}: {expected:?}", column.name, spoil.unwrap_or("good"));
            count += 1;
            let fits = found.fits(&expected);
            println!("{} {line}", if fits { "ok  " } else { "FAIL" });
            if !fits {
                let _ = write!(wrong, "{line}\n  got {found}\n{details}");
            }
        }
    }
    println!("{count} cells in {:.1?}", started.elapsed());
    assert!(wrong.is_empty(), "\n{wrong}");
}
