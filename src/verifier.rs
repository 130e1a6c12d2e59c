//! Checks credentials outside of any session and wallet.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::documents::{DocumentCache, Documents};
use crate::error::{Error, ErrorCode, Operation, Result};
use crate::format;
use crate::json;
use crate::model::display::PathStep;
use crate::model::format::Format;
use crate::model::jwk::Jwk;
use crate::model::metadata::CredentialKind;
use crate::model::profile::Profile;
use crate::model::report::{Report, VerificationPolicy};
use crate::model::status::{StatusFound, StatusReference};
use crate::model::time::Timestamp;
use crate::platform::clock::{Clock, SystemClock};
use crate::platform::did_resolver::{DidResolver, Resolver};
use crate::platform::http::{HttpLimits, HttpRequest, HttpResponse, HttpTransport, TransportError, TransportErrorKind};
use crate::verify::VerifyContext;
use crate::verify::issuer_key::issuer_identifiers;
use crate::verify::status::StatusLists;
use crate::verify::x509::TrustAnchors;
use crate::wire::{Log, Wire};

/// Checks a credential that came from anywhere, by the same rules as a wallet checks what it receives.
///
/// A new one knows no key, trusts nobody and fetches nothing; say what it may build on:
///
/// ```
/// # async fn check(credential: &[u8], issuer_jwk: serde_json::Value) -> billfold::Result<()> {
/// use billfold::{Format, Verifier};
///
/// let verification = Verifier::new().issuer_keys(issuer_jwk).verify(&Format::SdJwtVc, credential).await?;
/// for check in &verification.report.checks {
///     println!("{}: {:?}, {}", check.kind, check.outcome, check.detail);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Verifier {
    transport: Arc<dyn HttpTransport>,
    allow_loopback_http: bool,
    issuer_jwks: Option<Value>,
    trust: TrustAnchors,
    trusted_issuers: Vec<String>,
    resolver: Option<Resolver>,
    #[cfg(feature = "ldp-vc")]
    contexts: crate::verify::data_integrity::Contexts,
    holder_keys: Vec<Jwk>,
    kind: Option<CredentialKind>,
    profile: Profile,
    policy: VerificationPolicy,
    at: Option<Timestamp>,
    skew: u32,
    cache: Arc<DocumentCache>,
    status_lists: Arc<StatusLists>,
}

/// What a [`Verifier`] found out about a credential.
///
/// `Debug` does not show its claims.
#[derive(Clone)]
#[non_exhaustive]
pub struct Verification {
    /// The checks, and what they mean together.
    pub report: Report,
    /// What the credential says that it is.
    pub kind: CredentialKind,
    /// Its claims with disclosures put in place; `null` if they could not be read.
    pub claims: Value,
    /// Where the claims are that its holder can withhold.
    pub disclosable: Vec<Vec<PathStep>>,
    /// When it begins to be valid, if it says so.
    pub valid_from: Option<Timestamp>,
    /// When it stops being valid, if it says so.
    pub expires_at: Option<Timestamp>,
    /// Where its status is kept, if it says so.
    pub status: Option<StatusReference>,
    /// What was found there.
    pub status_found: Option<StatusFound>,
}

impl fmt::Debug for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verification").field("report", &self.report).field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("kind", &self.kind).field("at", &self.at).finish_non_exhaustive()
    }
}

impl Default for Verifier {
    fn default() -> Self {
        Self::new()
    }
}

impl Verifier {
    /// One that builds on nothing but the credential itself.
    pub fn new() -> Self {
        Self {
            transport: Arc::new(Offline),
            allow_loopback_http: false,
            issuer_jwks: None,
            trust: TrustAnchors::default(),
            trusted_issuers: Vec::new(),
            resolver: None,
            #[cfg(feature = "ldp-vc")]
            contexts: crate::verify::data_integrity::Contexts::default(),
            holder_keys: Vec::new(),
            kind: None,
            profile: Profile::Base,
            policy: VerificationPolicy::default(),
            at: None,
            skew: 60,
            cache: Arc::default(),
            status_lists: Arc::default(),
        }
    }

    /// Lets it fetch what the credential refers to: DID documents, issuers' keys, status lists. Default: what
    /// would have to be fetched is unknown.
    #[must_use]
    pub fn http(mut self, transport: impl HttpTransport + 'static) -> Self {
        self.transport = Arc::new(transport);
        self
    }

    /// Whether http to loopback addresses is allowed, for development. Default: no.
    #[must_use]
    pub fn allow_loopback_http(mut self, allow: bool) -> Self {
        self.allow_loopback_http = allow;
        self
    }

    /// The issuer's keys, as a JWK or a JWK Set: whichever of them has signed is the issuer's.
    #[must_use]
    pub fn issuer_keys(mut self, keys: Value) -> Self {
        self.issuer_jwks = Some(if keys.get("keys").is_some() { keys } else { json!({ "keys": [keys] }) });
        self
    }

    /// Certificates under which issuers are trusted: PEM, one or several, or DER, one;
    /// [`ErrorCode::SetupInvalid`] if there is none in it. Each call adds to them.
    pub fn trust_anchors(mut self, pem_or_der: impl AsRef<[u8]>) -> Result<Self> {
        let some = TrustAnchors::parse(pem_or_der.as_ref())
            .map_err(|error| Error::new(ErrorCode::SetupInvalid, "a trust anchor can't be read").caused_by(error))?;
        self.trust.extend(some);
        Ok(self)
    }

    /// The issuers that are trusted, by their identifiers: DIDs and https URLs, as credentials name them;
    /// [`ErrorCode::SetupInvalid`] for anything else. Each call adds to them. Where there are
    /// [anchors](Self::trust_anchors) as well, either vouches for an issuer.
    pub fn trusted_issuers(mut self, identifiers: impl IntoIterator<Item = impl Into<String>>) -> Result<Self> {
        self.trusted_issuers.extend(issuer_identifiers(identifiers.into_iter().map(Into::into))?);
        Ok(self)
    }

    /// Who resolves DIDs of methods that billfold does not know. Default: they are unsupported.
    #[must_use]
    pub fn did_resolver(mut self, resolver: impl DidResolver + 'static) -> Self {
        self.resolver = Some(Resolver::new(Arc::new(resolver)));
        self
    }

    /// Adds a JSON-LD context that `ldp_vc` credentials may refer to, as the document at its address: an object with
    /// a `@context`. Contexts are never fetched; those of the W3C that credentials commonly use are there already.
    ///
    /// [`ErrorCode::SetupInvalid`] if the document has no `@context`, or if the address is that of a context of the
    /// library.
    #[cfg(feature = "ldp-vc")]
    pub fn json_ld_context(mut self, address: &str, document: Value) -> Result<Self> {
        self.contexts.add(address, document).map_err(|why| Error::new(ErrorCode::SetupInvalid, why))?;
        Ok(self)
    }

    /// The keys of which the credential has to be bound to one. Default: the binding is not compared.
    #[must_use]
    pub fn holder_keys(mut self, keys: impl IntoIterator<Item = Jwk>) -> Self {
        self.holder_keys = keys.into_iter().collect();
        self
    }

    /// The type that it has to have. Default: any.
    #[must_use]
    pub fn kind(mut self, kind: CredentialKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// The rules that it is held to. Default: [`Profile::Base`].
    #[must_use]
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// Which checks matter. Default: [`VerificationPolicy::default`].
    #[must_use]
    pub fn policy(mut self, policy: VerificationPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// The time to check for. Default: now.
    #[must_use]
    pub fn at(mut self, time: Timestamp) -> Self {
        self.at = Some(time);
        self
    }

    /// How many seconds clocks may differ. Default: 60.
    #[must_use]
    pub fn clock_skew(mut self, seconds: u32) -> Self {
        self.skew = seconds;
        self
    }

    /// Checks a credential: the text of a JWT or SD-JWT, the JSON of an `ldp_vc`, the CBOR of an `mso_mdoc` as it
    /// is or as base64url.
    ///
    /// What is wrong with the credential stands in the report; [`ErrorCode::FormatUnsupported`] if this version
    /// does not verify the format.
    pub async fn verify(&self, format: &Format, credential: &[u8]) -> Result<Verification> {
        let Some(known) = format::find(format) else {
            let detail = format!("this version does not verify the format {format}");
            return Err(Error::new(ErrorCode::FormatUnsupported, detail).at(Operation::Verification));
        };
        let clock: Arc<dyn Clock> = match self.at {
            Some(at) => Arc::new(Stopped(at)),
            None => Arc::new(SystemClock),
        };
        let wire = Wire::new(self.transport.clone(), self.allow_loopback_http);
        let log = Log::default();
        let documents = Documents {
            wire: &wire,
            cache: &self.cache,
            clock: &clock,
            log: &log,
            issuer: None,
            resolver: self.resolver.as_ref(),
        };
        let context = VerifyContext {
            credential_issuer: None,
            issuer_jwks: self.issuer_jwks.as_ref(),
            kind: self.kind.as_ref(),
            asked_contexts: &[],
            holder_keys: &self.holder_keys,
            policy: &self.policy,
            profile: self.profile,
            takes_type: false,
            now: clock.now(),
            skew: i64::from(self.skew),
            trust: &self.trust,
            trusted_issuers: &self.trusted_issuers,
            #[cfg(feature = "ldp-vc")]
            contexts: &self.contexts,
            documents: &documents,
            status_lists: &self.status_lists,
        };
        let found = known.examine(&as_received(format, credential), &context).await;
        Ok(Verification {
            report: Report::judge(&found.checks, &self.policy),
            kind: found.kind,
            claims: found.claims,
            disclosable: found.disclosable,
            valid_from: found.valid_from,
            expires_at: found.expires_at,
            status: found.status,
            status_found: found.status_found,
        })
    }
}

/// The credential as it would stand in a credential response.
fn as_received(format: &Format, credential: &[u8]) -> Value {
    let text = std::str::from_utf8(credential).map(str::trim);
    match (format, text) {
        (Format::LdpVc, _) => json::parse(credential).unwrap_or(Value::Null),
        (Format::MsoMdoc, Ok(text)) if text.bytes().all(|octet| octet.is_ascii_graphic()) => json!(text),
        (Format::MsoMdoc, _) | (_, Err(_)) => json!(URL_SAFE_NO_PAD.encode(credential)),
        (_, Ok(text)) => json!(text),
    }
}

/// A network that reaches nobody.
struct Offline;

#[async_trait]
impl HttpTransport for Offline {
    async fn send(&self, _: HttpRequest, _: HttpLimits) -> std::result::Result<HttpResponse, TransportError> {
        Err(TransportError::new(TransportErrorKind::Unreachable, false, "nothing is fetched"))
    }
}

struct Stopped(Timestamp);

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::jwk::Algorithm;
    use crate::model::report::{CheckKind, Outcome, Reason, Verdict};
    use crate::platform::did_resolver::{DidResolverError, DidResolverErrorKind};
    use crate::verify::testing::{NOW, TestKey};

    fn credential(key: &TestKey, issuer: &str) -> String {
        let header = json!({ "alg": "ES256", "typ": "dc+sd-jwt" });
        let payload = json!({ "iss": issuer, "vct": "https://t.example", "exp": NOW + 100 });
        format!("{}~", key.jws(&header, &payload))
    }

    #[tokio::test]
    async fn keys_time_and_type_are_what_the_caller_says() {
        let key = TestKey::new(Algorithm::Es256);
        let text = credential(&key, "https://issuer.example");
        let verifier = Verifier::new().issuer_keys(key.published("1")).at(Timestamp::from_seconds(NOW));
        let verdict = async |verifier: &Verifier| {
            let verification = verifier.verify(&Format::SdJwtVc, text.as_bytes()).await.expect("a known format");
            (verification.report.verdict, verification.report.failed())
        };
        assert_eq!(verdict(&verifier).await, (Verdict::Verified, vec![]));
        let late = verifier.clone().at(Timestamp::from_seconds(NOW + 1000));
        assert_eq!(verdict(&late).await, (Verdict::Rejected, vec![CheckKind::Validity]));
        let patient = late.clock_skew(10_000);
        assert_eq!(verdict(&patient).await, (Verdict::Verified, vec![]));
        let other = verifier.clone().kind(CredentialKind::Vct("https://u.example".to_owned()));
        assert_eq!(verdict(&other).await, (Verdict::Rejected, vec![CheckKind::Type]));
        let foreign = verifier.clone().issuer_keys(TestKey::new(Algorithm::Es256).published("1"));
        assert_eq!(verdict(&foreign).await.0, Verdict::Rejected);
    }

    #[tokio::test]
    async fn without_a_network_nothing_is_fetched() {
        let key = TestKey::new(Algorithm::Es256);
        let text = credential(&key, "https://issuer.example");
        let found = Verifier::new().at(Timestamp::from_seconds(NOW)).verify(&Format::SdJwtVc, text.as_bytes()).await;
        let report = found.expect("a known format").report;
        let outcome = report.check(CheckKind::IssuerKey).expect("a check").outcome;
        assert_eq!(outcome, Outcome::Unknown(Reason::Unreachable));
        assert_eq!(report.verdict, Verdict::Unverified);
    }

    /// Knows one DID, which has a key, and counts how often it is asked.
    struct Ledger(serde_json::Value, std::sync::atomic::AtomicUsize);

    #[async_trait]
    impl DidResolver for Ledger {
        fn methods(&self) -> Vec<String> {
            vec!["example".to_owned()]
        }

        async fn resolve(&self, did: &str) -> std::result::Result<Value, DidResolverError> {
            self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let unreachable = DidResolverError::new(DidResolverErrorKind::Unreachable, "the ledger is asleep");
            if did == self.0["id"] { Ok(self.0.clone()) } else { Err(unreachable) }
        }
    }

    #[tokio::test]
    async fn dids_of_other_methods_are_resolved_by_the_app_and_kept_for_a_while() {
        let key = TestKey::new(Algorithm::Es256);
        let document = json!({
            "id": "did:example:1", "assertionMethod": [{"id": "#1", "publicKeyJwk": key.jwk().to_value()}],
        });
        let ledger = Arc::new(Ledger(document, std::sync::atomic::AtomicUsize::new(0)));
        let asked = || ledger.1.load(std::sync::atomic::Ordering::Relaxed);
        let verifier = Verifier::new().did_resolver(ledger.clone()).at(Timestamp::from_seconds(NOW));
        let verify = async |verifier: &Verifier, issuer: &str| {
            let found = verifier.verify(&Format::SdJwtVc, credential(&key, issuer).as_bytes()).await;
            let report = found.expect("a known format").report;
            (report.verdict, report.check(CheckKind::IssuerKey).expect("a check").outcome)
        };
        for _ in 0..3 {
            assert_eq!(verify(&verifier, "did:example:1").await, (Verdict::Verified, Outcome::Passed));
        }
        assert_eq!(asked(), 1);
        assert_eq!(verify(&verifier, "did:other:1").await.1, Outcome::Unknown(Reason::Unsupported));
        assert_eq!(asked(), 1);
        for _ in 0..2 {
            assert_eq!(verify(&verifier, "did:example:2").await.1, Outcome::Unknown(Reason::Unreachable));
        }
        assert_eq!(asked(), 3, "a failure is not remembered");
        let later = verifier.clone().at(Timestamp::from_seconds(NOW + 300));
        verify(&later, "did:example:1").await;
        assert_eq!(asked(), 4);
        let trusting = verifier.trusted_issuers(["did:example:1"]).expect("it is a DID");
        assert_eq!(verify(&trusting, "did:example:1").await.0, Verdict::Verified);
        let other =
            Verifier::new().trusted_issuers(["did:example:2"]).expect("it is a DID").did_resolver(ledger.clone());
        let other = other.at(Timestamp::from_seconds(NOW));
        assert_eq!(verify(&other, "did:example:1").await.0, Verdict::Rejected);
        assert_eq!(Verifier::new().trusted_issuers(["me"]).expect_err("no DID").code(), ErrorCode::SetupInvalid);
    }

    #[tokio::test]
    async fn what_it_does_not_verify_is_an_error() {
        let error = Verifier::new().verify(&Format::Other("anoncreds".to_owned()), b"{}").await.expect_err("unknown");
        assert_eq!(error.code(), ErrorCode::FormatUnsupported);
        assert_eq!(
            Verifier::new().trust_anchors("no certificate").expect_err("refused").code(),
            ErrorCode::SetupInvalid
        );
    }
}
