//! The wallet: where everything begins.

use std::sync::Arc;

use url::Url;

use crate::documents::DocumentCache;
use crate::error::{Error, ErrorCode, Operation, Result};
use crate::issuance::{Issuance, OfferSummary, Step, discovery};
use crate::model::credential::Credential;
use crate::model::ids::{ClientId, ConfigurationId, CredentialId, IssuerId, SessionId};
use crate::model::offer::{AuthorizationCodeGrant, CredentialOffer, Grants};
use crate::model::report::VerificationPolicy;
use crate::model::time::Timestamp;
use crate::platform::clock::{Clock, SystemClock};
use crate::platform::http::HttpTransport;
use crate::platform::keys::HolderKeys;
use crate::platform::store::{Change, CredentialStore, StoreError, StoreErrorKind, Table};
use crate::protocol::authorization;
use crate::protocol::offer::{self, OfferSource};
use crate::protocol::proof::Binding;
use crate::session::{Session, Stage};
use crate::verify::x509::TrustAnchors;
use crate::wire::{Log, Wire};

/// Ended sessions are kept this long, so that an app which was killed at the very end can still
/// ask how it went.
const ENDED_KEPT_SECONDS: i64 = 7 * 24 * 3600;
/// Open sessions that nobody touches any more are dropped after this long.
const OPEN_KEPT_SECONDS: i64 = 90 * 24 * 3600;

/// Opens offers, and keeps what comes of them. Cheap to clone; all clones are one wallet.
#[derive(Clone)]
pub struct Wallet {
    pub(crate) inner: Arc<Inner>,
}

/// What all parts of a wallet share.
pub(crate) struct Inner {
    pub(crate) client_id: ClientId,
    pub(crate) redirect_uri: Option<String>,
    pub(crate) wire: Wire,
    pub(crate) keys: Arc<dyn HolderKeys>,
    pub(crate) store: Arc<dyn CredentialStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) policy: VerificationPolicy,
    pub(crate) trust: TrustAnchors,
    pub(crate) skew: i64,
    pub(crate) locale: Option<String>,
    pub(crate) binding: Binding,
    pub(crate) documents: DocumentCache,
}

/// An issuance that has not ended.
#[derive(Clone, Debug)]
pub struct PendingIssuance {
    /// For [`Wallet::resume`].
    pub id: SessionId,
    /// Who issues.
    pub credential_issuer: IssuerId,
    /// The issuer's name.
    pub issuer_name: String,
    /// The names of the credentials.
    pub titles: Vec<String>,
    /// Where it stands.
    pub step: Step,
    /// When it last moved.
    pub updated_at: Timestamp,
}

impl Wallet {
    /// A wallet that authorization servers know as `client_id`.
    pub fn builder(client_id: impl Into<ClientId>) -> WalletBuilder {
        WalletBuilder::new(client_id.into())
    }

    /// Takes a scanned or clicked link: reads or fetches the offer and the issuer's metadata.
    ///
    /// Nothing of the offer is spent; show [`Issuance::offer`] to the user and go on with
    /// [`Issuance::accept`] or [`Issuance::decline`]. The offer is kept until then: it may be one
    /// that can be fetched only once. (OpenID4VCI section 4)
    pub async fn open_offer(&self, link: &str) -> Result<Issuance> {
        let log = Log::default();
        Box::pin(self.open_link(link, &log)).await.map_err(|error| error.with_transcript(&log.transcript()))
    }

    async fn open_link(&self, link: &str, log: &Log) -> Result<Issuance> {
        let offer = match offer::parse_link(link)? {
            OfferSource::ByValue(offer) => *offer,
            OfferSource::ByReference(url) => self.fetch_offer(&url, log).await?,
        };
        self.open(offer, log).await
    }

    async fn fetch_offer(&self, url: &Url, log: &Log) -> Result<CredentialOffer> {
        let wire = &self.inner.wire;
        let limits = wire.reference_limits(offer::MAX_OFFER_BYTES);
        wire.check(url, Operation::Offer)?;
        let request = offer::request(url).map_err(|error| error.at(Operation::Offer).endpoint(url))?;
        let response = wire.send(Operation::Offer, url, request, limits, log).await.map_err(|error| {
            if error.code() == ErrorCode::ResponseTooLarge {
                return Error::new(ErrorCode::OfferTooLarge, "the offer is longer than 64 KiB")
                    .at(Operation::Offer)
                    .endpoint(url)
                    .outcome_is(error.outcome())
                    .caused_by(error);
            }
            error
        })?;
        offer::response(&response).map_err(|error| error.endpoint(url))
    }

    /// Begins an issuance without an offer: the wallet asks an issuer for some of its
    /// configurations, with the authorization code grant. (OpenID4VCI section 3.4)
    pub async fn start(&self, credential_issuer: &str, configurations: &[ConfigurationId]) -> Result<Issuance> {
        let issuer = IssuerId::parse(credential_issuer).map_err(|error| {
            Error::new(ErrorCode::OfferIssuerInvalid, format!("this is no issuer identifier: {error}"))
                .at(Operation::Offer)
                .caused_by(error)
        })?;
        if configurations.is_empty() {
            return Err(
                Error::new(ErrorCode::UnknownConfiguration, "name at least one configuration").at(Operation::Offer)
            );
        }
        let offer = CredentialOffer {
            credential_issuer: issuer,
            credential_configuration_ids: configurations.to_vec(),
            grants: Grants { authorization_code: Some(AuthorizationCodeGrant::default()), pre_authorized_code: None },
        };
        let log = Log::default();
        Box::pin(self.open(offer, &log)).await.map_err(|error| error.with_transcript(&log.transcript()))
    }

    async fn open(&self, offer: CredentialOffer, log: &Log) -> Result<Issuance> {
        let found = discovery::discover(&self.inner, &offer, log).await?;
        let known = &found.issuer.credential_configurations_supported;
        if let Some(unknown) = offer
            .credential_configuration_ids
            .iter()
            .find(|id| !known.contains_key(*id) && !found.issuer.unreadable.contains_key(*id))
        {
            // One unknown id among known ones loses only itself; none known is no offer at all.
            if !offer.credential_configuration_ids.iter().any(|id| known.contains_key(id)) {
                return Err(Error::new(
                    ErrorCode::UnknownConfiguration,
                    format!("the issuer has no configuration `{unknown}`"),
                )
                .at(Operation::IssuerMetadata));
            }
        }
        let now = self.inner.clock.now();
        let session = Session::new(offer, found.issuer, found.server, found.quirks, log.transcript(), now);
        Issuance::create(self.inner.clone(), session).await
    }

    /// Takes up an issuance again, after a restart of the app or in another process.
    pub async fn resume(&self, id: &SessionId) -> Result<Issuance> {
        Issuance::load(self.inner.clone(), id).await
    }

    /// Finds the issuance that a redirect belongs to, by its `state`. Go on with
    /// [`Issuance::submit_redirect`].
    pub async fn resume_redirect(&self, redirect_url: &str) -> Result<Issuance> {
        let mismatch = || {
            Error::new(ErrorCode::StateMismatch, "the redirect's state is not that of any open sign-in")
                .at(Operation::Authorization)
        };
        let state = authorization::state_of(redirect_url).ok_or_else(mismatch)?;
        for session in self.sessions().await? {
            if let Stage::SignIn { pending, .. } = &session.stage
                && pending.state.expose() == state
            {
                return Issuance::load(self.inner.clone(), &session.id).await;
            }
        }
        Err(mismatch())
    }

    /// The issuances that have not ended, oldest first. Sessions nobody needs any more are dropped
    /// on the way.
    pub async fn pending(&self) -> Result<Vec<PendingIssuance>> {
        let now = self.inner.clock.now();
        let (mut open, mut stale) = (Vec::new(), Vec::new());
        for session in self.sessions().await? {
            let ended = matches!(session.stage, Stage::Ended(_));
            let kept = if ended { ENDED_KEPT_SECONDS } else { OPEN_KEPT_SECONDS };
            if now - session.updated_at > kept {
                stale.push(Change::Remove { table: Table::Sessions, id: session.id.to_string() });
            } else if !ended {
                let offer = OfferSummary::of(&session, self.inner.locale.as_deref());
                open.push(PendingIssuance {
                    issuer_name: offer.issuer_name(),
                    titles: offer.titles(),
                    credential_issuer: session.issuer.credential_issuer.clone(),
                    step: crate::issuance::step_of(&session)?,
                    updated_at: session.updated_at,
                    id: session.id,
                });
            }
        }
        if !stale.is_empty() {
            self.inner.store.commit(stale).await.map_err(store_error)?;
        }
        Ok(open)
    }

    /// All sessions that can be read. One of a newer version, or a damaged one, hides no other.
    async fn sessions(&self) -> Result<Vec<Session>> {
        let records = self.inner.store.list(Table::Sessions).await.map_err(store_error)?;
        let read = |record: crate::platform::store::Record| match Session::from_bytes(&record.content) {
            Ok(session) => Some(session),
            Err(error) => {
                tracing::warn!(target: "billfold::store", session = %record.id, "{error}");
                None
            }
        };
        Ok(records.into_iter().filter_map(read).collect())
    }

    /// All credentials, in the order in which they came: usable ones, and those in quarantine.
    pub async fn credentials(&self) -> Result<Vec<Credential>> {
        let records = self.inner.store.list(Table::Credentials).await.map_err(store_error)?;
        records.iter().map(|record| read_credential(&record.content)).collect()
    }

    /// One credential.
    pub async fn credential(&self, id: &CredentialId) -> Result<Credential> {
        self.credential_record(id).await.map(|(credential, _)| credential)
    }

    async fn credential_record(&self, id: &CredentialId) -> Result<(Credential, u64)> {
        let record = self.inner.store.get(Table::Credentials, id.as_str()).await.map_err(store_error)?;
        let record = record.ok_or_else(|| {
            Error::new(ErrorCode::CredentialUnknown, format!("there is no credential {id}")).at(Operation::Store)
        })?;
        Ok((read_credential(&record.content)?, record.revision))
    }

    /// Checks a credential again, by the present policy and time. It may come out of quarantine,
    /// or go there.
    pub async fn recheck(&self, id: &CredentialId) -> Result<Credential> {
        let (credential, revision) = self.credential_record(id).await?;
        let checked = crate::issuance::storing::recheck(&self.inner, credential).await?;
        let change = put_credential(&checked, crate::platform::store::Expected::Revision(revision));
        self.inner.store.commit(vec![change]).await.map_err(store_error)?;
        Ok(checked)
    }

    /// Deletes a credential and its keys.
    pub async fn forget(&self, id: &CredentialId) -> Result<()> {
        let (credential, _) = self.credential_record(id).await?;
        let change = Change::Remove { table: Table::Credentials, id: id.to_string() };
        self.inner.store.commit(vec![change]).await.map_err(store_error)?;
        // The record goes first: a key without a credential is litter, a credential without its
        // key is a loss.
        let handles = credential.instances.into_iter().filter_map(|instance| instance.key).map(|key| key.handle);
        self.inner.delete_keys(handles.collect()).await;
        Ok(())
    }
}

impl Inner {
    /// Deletes keys that nothing is bound to any more. A failure is logged: it harms nobody.
    pub(crate) async fn delete_keys(&self, handles: Vec<crate::model::ids::KeyHandle>) {
        if handles.is_empty() {
            return;
        }
        if let Err(error) = self.keys.delete(handles).await {
            tracing::warn!(target: "billfold::keys", "unused keys could not be deleted: {error}");
        }
    }
}

pub(crate) fn put_credential(credential: &Credential, expected: crate::platform::store::Expected) -> Change {
    Change::Put {
        table: Table::Credentials,
        id: credential.id.to_string(),
        content: serde_json::to_vec(credential).expect("a credential has only text keys and numbers that JSON has"),
        expected,
    }
}

fn read_credential(content: &[u8]) -> Result<Credential> {
    serde_json::from_slice(content).map_err(|error| {
        Error::new(ErrorCode::RecordDamaged, "a stored credential can't be read").at(Operation::Store).caused_by(error)
    })
}

/// A store's failure as the app sees it.
pub(crate) fn store_error(error: StoreError) -> Error {
    let code = match error.kind {
        StoreErrorKind::Locked => ErrorCode::StoreLocked,
        StoreErrorKind::TooNew => ErrorCode::StoreTooNew,
        StoreErrorKind::Damaged => ErrorCode::RecordDamaged,
        StoreErrorKind::Conflict => ErrorCode::StoreConflict,
        StoreErrorKind::Secret => ErrorCode::SecretStoreFailed,
        StoreErrorKind::Failed => ErrorCode::StoreFailed,
    };
    Error::new(code, error.detail.clone()).at(Operation::Store).caused_by(error)
}

/// Sets a wallet up.
#[must_use]
pub struct WalletBuilder {
    client_id: ClientId,
    redirect_uri: Option<String>,
    transport: Option<Arc<dyn HttpTransport>>,
    keys: Option<Arc<dyn HolderKeys>>,
    store: Option<Arc<dyn CredentialStore>>,
    clock: Arc<dyn Clock>,
    root_certificates: Vec<Vec<u8>>,
    trust_anchors: Vec<Vec<u8>>,
    policy: VerificationPolicy,
    skew: u32,
    locale: Option<String>,
    binding: Binding,
    allow_loopback_http: bool,
}

impl WalletBuilder {
    fn new(client_id: ClientId) -> Self {
        Self {
            client_id,
            redirect_uri: None,
            transport: None,
            keys: None,
            store: None,
            clock: Arc::new(SystemClock),
            root_certificates: Vec::new(),
            trust_anchors: Vec::new(),
            policy: VerificationPolicy::default(),
            skew: 60,
            locale: None,
            binding: Binding::Auto,
            allow_loopback_http: false,
        }
    }

    /// Where the authorization server sends the user back to. Needed for the authorization code
    /// grant: a custom scheme, a claimed https link, or a loopback address.
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.redirect_uri = Some(uri.into());
        self
    }

    /// How requests are sent. Default: [`ReqwestTransport`](crate::platform::reqwest::ReqwestTransport),
    /// where the feature `reqwest` is on.
    pub fn http(mut self, transport: impl HttpTransport + 'static) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Where keys are made. Required.
    pub fn keys(mut self, keys: impl HolderKeys + 'static) -> Self {
        self.keys = Some(Arc::new(keys));
        self
    }

    /// Where sessions and credentials are kept. Required.
    pub fn store(mut self, store: impl CredentialStore + 'static) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// What time it is. Default: the machine's clock.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// One more TLS root certificate (PEM), for the default transport. No switch anywhere accepts
    /// every certificate.
    pub fn root_certificate(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.root_certificates.push(pem.as_ref().to_vec());
        self
    }

    /// Certificates (PEM, one or several) under which credential issuers are trusted. Once there
    /// is one, a credential from anybody else is rejected, unless the policy says otherwise.
    pub fn trust_anchors(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.trust_anchors.push(pem.as_ref().to_vec());
        self
    }

    /// Which checks a credential has to pass.
    pub fn policy(mut self, policy: VerificationPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// How many seconds clocks may differ. Default: 60.
    pub fn clock_skew(mut self, seconds: u32) -> Self {
        self.skew = seconds;
        self
    }

    /// The user's language (BCP 47), for names of issuers and credentials.
    pub fn locale(mut self, tag: impl Into<String>) -> Self {
        self.locale = Some(tag.into());
        self
    }

    /// How proofs name their key. Default: [`Binding::Auto`].
    pub fn binding(mut self, binding: Binding) -> Self {
        self.binding = binding;
        self
    }

    /// Development switch: allows http to loopback addresses, and references that lead there.
    pub fn allow_loopback_http(mut self, allow: bool) -> Self {
        self.allow_loopback_http = allow;
        self
    }

    /// The wallet, or [`ErrorCode::SetupInvalid`] with what is missing or wrong.
    pub fn build(self) -> Result<Wallet> {
        let invalid = |detail: String| Error::new(ErrorCode::SetupInvalid, detail);
        let transport = match self.transport {
            Some(transport) => transport,
            None => default_transport(&self.root_certificates)?,
        };
        if let Some(uri) = &self.redirect_uri {
            let url = Url::parse(uri)
                .map_err(|error| invalid("the redirect URI is no absolute URI".to_owned()).caused_by(error))?;
            if url.fragment().is_some() {
                return Err(invalid("the redirect URI has a fragment".to_owned()));
            }
        }
        if let Some(locale) = &self.locale
            && (locale.is_empty() || !locale.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')))
        {
            return Err(invalid(format!("`{locale}` is no language tag")));
        }
        let mut trust = TrustAnchors::default();
        for pem in &self.trust_anchors {
            let anchors = TrustAnchors::from_pem(pem)
                .map_err(|error| invalid("a trust anchor can't be read".to_owned()).caused_by(error))?;
            trust.extend(anchors);
        }
        let inner = Inner {
            client_id: self.client_id,
            redirect_uri: self.redirect_uri,
            wire: Wire::new(transport, self.allow_loopback_http),
            keys: self.keys.ok_or_else(|| invalid("a wallet needs keys".to_owned()))?,
            store: self.store.ok_or_else(|| invalid("a wallet needs a store".to_owned()))?,
            clock: self.clock,
            policy: self.policy,
            trust,
            skew: i64::from(self.skew),
            locale: self.locale.map(|locale| locale.replace('_', "-")),
            binding: self.binding,
            documents: DocumentCache::default(),
        };
        Ok(Wallet { inner: Arc::new(inner) })
    }
}

#[cfg(feature = "reqwest")]
fn default_transport(roots: &[Vec<u8>]) -> Result<Arc<dyn HttpTransport>> {
    let mut builder = crate::platform::reqwest::ReqwestTransport::builder();
    for pem in roots {
        builder = builder.root_certificate(pem);
    }
    match builder.build() {
        Ok(transport) => Ok(Arc::new(transport)),
        Err(error) => Err(Error::new(ErrorCode::SetupInvalid, "the HTTP transport can't be set up").caused_by(error)),
    }
}

#[cfg(not(feature = "reqwest"))]
fn default_transport(_roots: &[Vec<u8>]) -> Result<Arc<dyn HttpTransport>> {
    Err(Error::new(ErrorCode::SetupInvalid, "without the feature `reqwest`, a wallet needs an HttpTransport"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::issuance::AcceptOptions;
    use crate::platform::memory::MemoryStore;
    use crate::platform::software_keys::SoftwareKeys;

    /// Apps run these on threads of their own.
    fn send<T: Send>(value: T) -> T {
        value
    }

    #[test]
    fn futures_may_move_between_threads() {
        async fn all(wallet: Wallet) -> Result<()> {
            let issuance = wallet.open_offer("").await?;
            issuance.accept_with(AcceptOptions::default()).await?;
            issuance.submit_code("").await?;
            issuance.submit_redirect("").await?;
            issuance.proceed().await?;
            issuance.cancel().await?;
            wallet.pending().await?;
            wallet.recheck(&CredentialId::from("")).await?;
            wallet.forget(&CredentialId::from("")).await
        }
        let wallet = Wallet::builder("me").keys(SoftwareKeys::new()).store(MemoryStore::new()).build();
        drop(send(all(wallet.expect("a wallet"))));
    }

    #[test]
    fn what_cannot_work_is_said_when_the_wallet_is_built() {
        let builder = || Wallet::builder("me").keys(SoftwareKeys::new()).store(MemoryStore::new());
        for (builder, said) in [
            (Wallet::builder("me").store(MemoryStore::new()), "keys"),
            (Wallet::builder("me").keys(SoftwareKeys::new()), "store"),
            (builder().redirect_uri("callback"), "redirect URI"),
            (builder().redirect_uri("app:/cb#x"), "redirect URI"),
            (builder().locale("de CH\r\nX: y"), "language tag"),
            (builder().trust_anchors("no pem"), "trust anchor"),
            (builder().root_certificate("no pem"), "transport"),
        ] {
            let error = builder.build().err().expect("it is refused");
            assert_eq!(error.code(), ErrorCode::SetupInvalid);
            assert!(error.detail().contains(said), "{error}");
        }
    }
}
