//! A strict `OpenID4VCI` issuer for tests. It shares no code with billfold.
//!
//! It is a real HTTP server on 127.0.0.1 that speaks `OpenID4VCI` 1.0 Final or one of its drafts: both grants, offers by
//! value and by reference, pushed authorization requests, a sign-in page, nonces, key proofs, and
//! every credential format that the specification names. Whatever the specification lets an issuer refuse, it refuses,
//! with the specification's error code. [`Fault`]s make it misbehave in one way at a time, and
//! its [request log](Report) tells which requests overlapped.
//!
//! ```
//! use billfold_test_issuer::{Grant, OfferSpec, Options, TestIssuer};
//!
//! let issuer = TestIssuer::spawn_blocking_thread(Options::default())?;
//! let offer = issuer.make_offer(&OfferSpec::new(Grant::PreAuthorized, "dc+sd-jwt"))?;
//! assert!(offer.link.starts_with("openid-credential-offer://?credential_offer="));
//! # Ok::<(), billfold_test_issuer::Error>(())
//! ```
//!
//! [`TestIssuer::start`] does the same on a tokio runtime that is there already.

mod access;
mod answers;
mod attester;
mod authorize;
mod catalogue;
mod cbor;
mod certs;
mod chain;
mod challenge;
mod claims;
mod client_auth;
mod clock;
mod codes;
mod control;
mod cose;
mod credential;
mod data_integrity;
mod deferred;
mod details;
mod dialect;
mod display;
mod dpop;
mod encoding;
mod encryption;
mod faults;
mod formats;
mod images;
mod issuer;
mod jwe;
mod jwt;
mod key_attestation;
mod keys;
mod log;
mod login;
mod metadata;
mod nonces;
mod oauth;
mod offers;
mod once;
mod options;
mod profile;
mod proof;
mod proofs;
mod raw;
mod refresh;
mod refusal;
mod requests;
mod server;
mod shown;
mod signed_metadata;
mod signers;
mod status;
mod subjects;
mod systems;
mod token;
mod type_metadata;
mod user;
mod wishes;

use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::thread;

use tokio::net::TcpListener;
use tokio::sync::watch;

pub use crate::attester::{Attester, KeyAttestationSpec};
pub use crate::codes::Place;
pub use crate::dialect::offers::OldForm;
pub use crate::display::Display;
pub use crate::faults::{Fault, Spoil, Target, Wire};
pub use crate::keys::Curve;
pub use crate::log::{Entry, Report};
pub use crate::oauth::Grant;
pub use crate::offers::{By, MadeOffer, OfferSpec, TxCode};
pub use crate::options::{
    AttestationProof, AuthorizationServer, Client, ClientAuth, Dpop, Encryption, IssuerKey, KeyAttestation, Login,
    Options, Par, Scopes, SignedMetadata, SphereonRelease,
};
pub use crate::profile::Profile;
pub use crate::shown::{ShownAttestation, ShownDpop};
pub use crate::status::StatusKind;
pub use crate::user::{Decision, open, sign_in};

use crate::dialect::Dialect;
use crate::issuer::Issuer;

/// Why an issuer did not do what it was told; the text says it all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl From<String> for Error {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// Starts issuers.
#[derive(Debug)]
pub struct TestIssuer;

impl TestIssuer {
    /// Starts an issuer on the current tokio runtime.
    pub async fn start(options: Options) -> Result<Running, Error> {
        let options = options.profile.apply(options);
        options.check()?;
        Dialect::of(options.profile).check(&options)?;
        let listener = listen(options.port).await?;
        let origin = origin_of(&listener)?;
        let second = match options.authorization_server {
            AuthorizationServer::Port => Some(listen(0).await?),
            _ => None,
        };
        let second_origin = second.as_ref().map(origin_of).transpose()?;
        let issuer = Arc::new(Issuer::new(options, origin, second_origin.as_deref()));
        let (stop, stopped) = watch::channel(false);
        if let Some(second) = second {
            tokio::spawn(server::serve(second, server::second_router(&issuer), stopped.clone()));
        }
        tokio::spawn(server::serve(listener, server::router(&issuer), stopped));
        let offers = offers::announced(&issuer);
        Ok(Running { issuer, offers, stop, thread: None })
    }

    /// Starts an issuer on a thread with a runtime of its own, for programs without one.
    pub fn spawn_blocking_thread(options: Options) -> Result<Running, Error> {
        let (report, started) = std::sync::mpsc::sync_channel(1);
        let thread = thread::Builder::new()
            .name("test-issuer".to_owned())
            .spawn(move || run(options, &report))
            .map_err(|error| Error(format!("no thread for the issuer: {error}")))?;
        let mut running =
            started.recv().map_err(|_| Error("the issuer's thread ended before it was ready".to_owned()))??;
        running.thread = Some(thread);
        Ok(running)
    }
}

fn run(options: Options, report: &std::sync::mpsc::SyncSender<Result<Running, Error>>) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = report.send(Err(Error(format!("no runtime for the issuer: {error}"))));
            return;
        }
    };
    runtime.block_on(async {
        let started = TestIssuer::start(options).await;
        let stopped = started.as_ref().ok().map(|running| running.stop.subscribe());
        let _ = report.send(started);
        if let Some(mut stopped) = stopped {
            // An error means that the last handle is gone, which is a stop as well.
            let _ = stopped.wait_for(|stop| *stop).await;
        }
    });
}

async fn listen(port: u16) -> Result<TcpListener, Error> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(|error| Error(format!("port {port} cannot be listened on: {error}")))
}

fn origin_of(listener: &TcpListener) -> Result<String, Error> {
    listener
        .local_addr()
        .map(|address| format!("http://{address}"))
        .map_err(|error| Error(format!("the listener has no address: {error}")))
}

/// A running issuer. It stops when this is dropped.
#[derive(Debug)]
pub struct Running {
    issuer: Arc<Issuer>,
    offers: Vec<MadeOffer>,
    stop: watch::Sender<bool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Running {
    /// Scheme, host and port, without a slash at the end; `/test/log` and the like are here.
    pub fn base(&self) -> &str {
        &self.issuer.origin
    }

    /// The credential issuer identifier: the base, and the path if there is one.
    pub fn issuer(&self) -> &str {
        &self.issuer.id
    }

    /// The offers that were made at the start: each grant, format and way, pre-authorized ones
    /// with and without a transaction code.
    pub fn offers(&self) -> &[MadeOffer] {
        &self.offers
    }

    /// The root certificates behind credentials, in PEM: of `x5c` first, then of mdocs. Empty where a system's
    /// issuers are known by DIDs alone.
    pub fn trust_pem(&self) -> &str {
        if self.issuer.options.profile.has_certificates() { &self.issuer.signers.trust_pem } else { "" }
    }

    /// An attester that this issuer trusts.
    pub fn attester(&self) -> &Attester {
        &self.issuer.attester
    }

    /// Who can sign in.
    pub fn login(&self) -> &Login {
        &self.issuer.options.login
    }

    /// Everything that was asked so far.
    pub fn log(&self) -> Report {
        self.issuer.log.report()
    }

    /// Empties the log.
    pub fn reset_log(&self) {
        self.issuer.log.reset();
    }

    /// Makes one more offer.
    pub fn make_offer(&self, spec: &OfferSpec) -> Result<MadeOffer, Error> {
        Ok(offers::make(&self.issuer, spec)?)
    }

    /// Sets the status of a credential: 0 is valid, 1 invalid, 2 suspended.
    pub fn set_status(&self, index: u64, value: u8) -> Result<(), Error> {
        Ok(status::set(&self.issuer, index, value)?)
    }

    /// The places in status lists that were given out, with their values.
    pub fn statuses(&self) -> std::collections::BTreeMap<u64, u8> {
        self.issuer.book().statuses.all().clone()
    }

    /// Switches a fault on by its name.
    pub fn set_fault(&self, name: &str) -> Result<(), Error> {
        self.issuer.faults.set(name.parse::<Fault>()?, None);
        Ok(())
    }

    /// Switches a fault on that wears off after some times.
    pub fn set_fault_times(&self, name: &str, times: u32) -> Result<(), Error> {
        self.issuer.faults.set(name.parse::<Fault>()?, Some(times));
        Ok(())
    }

    /// Switches every fault off.
    pub fn clear_faults(&self) {
        self.issuer.faults.clear();
    }

    /// Moves the issuer's clock.
    pub fn advance_clock(&self, seconds: i64) {
        self.issuer.clock.advance(seconds);
    }

    /// What a program that starts the binary reads first: base, offers, login and trust.
    pub fn announcement(&self) -> serde_json::Value {
        serde_json::json!({
            "base": self.base(),
            "issuer": self.issuer(),
            "offers": self.offers,
            "login": self.login(),
            "trust": self.trust_pem(),
            "attester_trust": self.attester().trust_pem(),
        })
    }

    /// Stops the issuer and closes its connections.
    pub fn stop(self) {}
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            // It ends as soon as it sees the signal; a panic in there was printed already.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer").field("id", &self.id).finish_non_exhaustive()
    }
}
