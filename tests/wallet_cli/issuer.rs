//! The issuer on the other side, and the user who signs in there.

use std::time::Duration;

use billfold_test_issuer::{Decision, Login, MadeOffer, Options, Report, Running, sign_in};
use serde_json::Value;

/// Every format that wallet and issuer have.
pub(crate) const FORMATS: [&str; 2] = ["dc+sd-jwt", "jwt_vc_json"];

/// A running issuer.
pub(crate) struct TestIssuer(Running);

impl TestIssuer {
    pub(crate) async fn start() -> Self {
        Self::with(Options::default()).await
    }

    /// One that takes its time with every answer.
    pub(crate) async fn slow(latency: Duration) -> Self {
        let latency_ms = u64::try_from(latency.as_millis()).expect("a short time");
        Self::with(Options { latency_ms, ..Options::default() }).await
    }

    /// One whose credentials are ready after a wallet asked in vain so many times, a second apart.
    pub(crate) async fn late(deferred_waits: u32) -> Self {
        Self::with(Options { deferred_waits: Some(deferred_waits), deferred_interval: 1, ..Options::default() }).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        Self(billfold_test_issuer::TestIssuer::start(options).await.expect("the issuer starts"))
    }

    /// The credential issuer identifier.
    pub(crate) fn base(&self) -> &str {
        self.0.issuer()
    }

    /// The certificates that it signs under, as PEM.
    pub(crate) fn trust(&self) -> String {
        self.0.trust_pem().to_owned()
    }

    /// Makes an offer; one of `dc+sd-jwt`, by value, unless the wish says otherwise.
    pub(crate) fn offer(&self, wish: &Value) -> Offer {
        let spec = serde_json::from_value(wish.clone()).expect("a legal wish");
        Offer::of(self.0.make_offer(&spec).expect("the offer can be made"))
    }

    /// The offers that it announced at its start.
    pub(crate) fn offers(&self) -> &[MadeOffer] {
        self.0.offers()
    }

    /// Who can sign in.
    pub(crate) fn login(&self) -> &Login {
        self.0.login()
    }

    /// Switches a fault on until [`TestIssuer::no_faults`].
    pub(crate) fn fault(&self, name: &str) {
        self.0.set_fault(name).expect("a fault");
    }

    /// Switches a fault on for one time.
    pub(crate) fn fault_once(&self, name: &str) {
        self.0.set_fault_times(name, 1).expect("a fault");
    }

    pub(crate) fn no_faults(&self) {
        self.0.clear_faults();
    }

    /// What came so far.
    pub(crate) fn log(&self) -> Report {
        self.0.log()
    }

    /// Turns the issuer's clock.
    pub(crate) fn advance_clock(&self, seconds: i64) {
        self.0.advance_clock(seconds);
    }

    /// How many requests came so far.
    pub(crate) fn requests(&self) -> usize {
        self.0.log().count
    }

    /// The user signs in at this address; the browser does not follow the redirect, whose address
    /// is given back.
    pub(crate) async fn redirect_after_sign_in(&self, url: &str) -> String {
        sign_in(url, self.0.login(), Decision::Allow).await.expect("the user can sign in")
    }

    /// The user signs in, and the browser ends at the wallet's own page.
    pub(crate) async fn user_signs_in(&self, url: &str) {
        let redirect = self.redirect_after_sign_in(url).await;
        let page = client().get(redirect).send().await.expect("the wallet listens");
        assert!(page.status().is_success(), "{page:?}");
    }

    /// Goes away; nobody listens at its address any more.
    pub(crate) fn stop(self) {
        self.0.stop();
    }
}

/// An offer and what the user knows about it.
pub(crate) struct Offer {
    pub(crate) link: String,
    pub(crate) tx_code: Option<String>,
    content: Value,
}

impl Offer {
    fn of(made: MadeOffer) -> Self {
        Self { link: made.link, tx_code: made.tx_code, content: made.offer }
    }

    /// The secret in an offer of the pre-authorized grant.
    pub(crate) fn pre_authorized_code(&self) -> String {
        let grant = &self.content["grants"]["urn:ietf:params:oauth:grant-type:pre-authorized_code"];
        grant["pre-authorized_code"].as_str().expect("it has one").to_owned()
    }
}

/// A plain HTTP client: a browser without opinions.
pub(crate) fn client() -> reqwest::Client {
    // This build of reqwest brings no cryptography of its own; a second call finds it installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .expect("a client can be made")
}

/// Percent-encodes a value for a link.
pub(crate) fn encode(value: &str) -> String {
    url::form_urlencoded::byte_serialize(value.as_bytes()).collect::<String>().replace('+', "%20")
}
