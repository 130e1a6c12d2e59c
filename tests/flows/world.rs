//! A wallet, an issuer, and a user with a browser.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use billfold::platform::clock::{Clock, SystemClock};
use billfold::platform::memory::MemoryStore;
use billfold::platform::reqwest::ReqwestTransport;
use billfold::platform::software_keys::SoftwareKeys;
use billfold::{Credential, Error, Issuance, Step, Timestamp, TypeMetadataUse, Verdict, Wallet, WalletBuilder};
use billfold_test_issuer::{By, Decision, Grant, MadeOffer, OfferSpec, Options, Running, TestIssuer, sign_in};

pub(crate) const SD_JWT: &str = "dc+sd-jwt";
pub(crate) const JWT_VC: &str = "jwt_vc_json";
pub(crate) const REDIRECT: &str = "com.example.wallet:/callback";

/// The machine's clock, moved by the test.
#[derive(Clone, Default)]
pub(crate) struct Moved(Arc<AtomicI64>);

impl Clock for Moved {
    fn now(&self) -> Timestamp {
        SystemClock.now() + self.0.load(Ordering::SeqCst)
    }
}

impl Moved {
    pub(crate) fn pass(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

/// One issuer, and one wallet's store and keys.
pub(crate) struct World {
    pub(crate) issuer: Running,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) keys: Arc<SoftwareKeys>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Options::default()).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let issuer = TestIssuer::start(options).await.expect("the issuer starts");
        Self { issuer, store: Arc::new(MemoryStore::new()), keys: Arc::new(SoftwareKeys::new()) }
    }

    /// A wallet over the same store and keys: each call is like a restart of the app.
    pub(crate) fn wallet(&self) -> Wallet {
        self.builder().build().expect("the wallet is set up")
    }

    pub(crate) fn builder(&self) -> WalletBuilder {
        Wallet::builder("com.example.wallet")
            .redirect_uri(REDIRECT)
            .http(ReqwestTransport::new())
            .keys(self.keys.clone())
            .store(self.store.clone())
            .trust_anchors(self.issuer.trust_pem())
            .locale("en-US")
            // The flows state which requests they make; what is said about types has tests of its own.
            .type_metadata(TypeMetadataUse::Off)
            .allow_loopback_http(true)
    }

    pub(crate) fn offer(&self, spec: &OfferSpec) -> MadeOffer {
        self.issuer.make_offer(spec).expect("the offer is made")
    }

    pub(crate) async fn open(&self, spec: &OfferSpec) -> Issuance {
        self.wallet().open_offer(&self.offer(spec).link).await.expect("the offer opens")
    }

    /// The user signs in and comes back with this address.
    pub(crate) async fn sign_in(&self, step: &Step) -> String {
        self.try_sign_in(step).await.expect("the page is there")
    }

    /// The same, where the page may have been shown before: servers show it once.
    pub(crate) async fn try_sign_in(&self, step: &Step) -> Option<String> {
        let Step::SignIn { url } = step else { panic!("{step:?}") };
        match sign_in(url.as_str(), self.issuer.login(), Decision::Allow).await {
            Ok(redirect) => Some(redirect),
            Err(error) if error.to_string().starts_with("the page (400") => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// The credential that an ended issuance stored, which has to be the only one, verified.
    pub(crate) async fn verified(&self, step: &Step) -> Credential {
        let Step::Done { credentials, failures } = step else { panic!("{step:?}") };
        assert!(failures.is_empty(), "{failures:?}");
        let [id] = credentials.as_slice() else { panic!("{credentials:?}") };
        let credential = self.wallet().credential(id).await.expect("it is stored");
        assert_eq!(credential.report.verdict, Verdict::Verified, "{:#?}", credential.report);
        assert!(!credential.quarantined);
        credential
    }

    /// The paths of requests so far, without the test's own.
    pub(crate) fn requests(&self) -> Vec<String> {
        let log = self.issuer.log();
        log.requests.iter().map(|entry| format!("{} {}", entry.method, entry.path)).collect()
    }

    /// How many requests went to a path.
    pub(crate) fn count(&self, path: &str) -> usize {
        self.issuer.log().requests.iter().filter(|entry| entry.path == path).count()
    }
}

pub(crate) fn pre_authorized(format: &str) -> OfferSpec {
    OfferSpec::new(Grant::PreAuthorized, format)
}

pub(crate) fn code(format: &str) -> OfferSpec {
    OfferSpec::new(Grant::Code, format)
}

/// Both ways in which an offer can travel.
pub(crate) fn both_ways(spec: OfferSpec) -> [OfferSpec; 2] {
    assert_eq!(spec.by, By::Value);
    [spec.clone(), spec.by_reference()]
}

/// The error of a call that has to fail.
pub(crate) fn failure<T>(result: Result<T, Error>) -> Error {
    match result {
        Ok(_) => panic!("it succeeded"),
        Err(error) => error,
    }
}
