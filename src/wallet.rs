//! The wallet: where everything begins.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use url::Url;

use crate::authorizations::Authorization;
use crate::builder::WalletBuilder;
use crate::card::{self, Card};
use crate::changes::Changes;
use crate::credentials;
use crate::dialect::{Dialects, ReadOffer};
use crate::error::{Error, ErrorCode, Operation, Result};
use crate::issuance::client::client_keys_without_token;
use crate::issuance::{Issuance, OfferSummary, Step, discovery, renewing, step_of, storing, unused_keys};
use crate::model::credential::Credential;
use crate::model::ids::{ClientId, ConfigurationId, CredentialId, IssuerId, SessionId};
use crate::model::offer::{AuthorizationCodeGrant, CredentialOffer, Grants};
use crate::model::report::Verdict;
use crate::model::time::Timestamp;
use crate::outbox::{self, Flushed};
use crate::platform::clock::Clock;
use crate::platform::store::{Change, Expected, Record, Table};
use crate::protocol::authorization;
use crate::protocol::notification::NotificationEvent;
use crate::protocol::offer::{self, OfferSource};
use crate::session::{Session, Stage};
use crate::setup::{Setup, put_credential};
use crate::wire::Log;

/// Ended sessions are kept this long, so that an app which was killed at the very end can still
/// ask how it went.
const ENDED_KEPT_SECONDS: i64 = 7 * 24 * 3600;
/// Open sessions that nobody touches any more are dropped after this long.
const OPEN_KEPT_SECONDS: i64 = 90 * 24 * 3600;

/// Opens offers, and keeps what comes of them. Cheap to clone; all clones are one wallet.
#[derive(Clone)]
pub struct Wallet {
    setup: Arc<Setup>,
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
    /// The wallet of a finished set-up.
    pub(crate) fn over(setup: Setup) -> Self {
        Self { setup: Arc::new(setup) }
    }

    pub(crate) fn setup(&self) -> &Arc<Setup> {
        &self.setup
    }

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
        outbox::flush_soon(&self.setup);
        let log = Log::default();
        Box::pin(self.open_link(link, &log)).await.map_err(|error| error.with_transcript(&log.transcript()))
    }

    async fn open_link(&self, link: &str, log: &Log) -> Result<Issuance> {
        let url = match offer::parse_link(link, self.setup.dialects)? {
            OfferSource::ByValue(offer) => return self.open(*offer, log).await,
            OfferSource::ByReference(url) => url,
        };
        let offer = match self.setup.fetched_offers.take(&url) {
            Some(offer) => offer,
            None => self.fetch_offer(&url, log).await?,
        };
        // Kept until it is open: this future may also be dropped on the way.
        self.setup.fetched_offers.keep(&url, &offer);
        let issuance = self.open(offer, log).await?;
        self.setup.fetched_offers.take(&url);
        Ok(issuance)
    }

    async fn fetch_offer(&self, url: &Url, log: &Log) -> Result<ReadOffer> {
        let wire = &self.setup.wire;
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
        offer::response(&response, self.setup.dialects).map_err(|error| error.endpoint(url))
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
        Box::pin(self.open(offer.into(), &log)).await.map_err(|error| error.with_transcript(&log.transcript()))
    }

    async fn open(&self, offer: ReadOffer, log: &Log) -> Result<Issuance> {
        let found = discovery::discover(&self.setup, &offer, log).await?;
        let (offer, known) = (&found.offer, &found.issuer.credential_configurations_supported);
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
        let now = self.setup.clock.now();
        let mut session = Session::new(found.offer, found.issuer, found.server, found.quirks, log.transcript(), now);
        session.provenance = found.provenance;
        session.tolerated = found.tolerated;
        Issuance::create(self.setup.clone(), session).await
    }

    /// Tells issuers what they are still to be told. There is no need to call it, unless the program
    /// said so with [`WalletBuilder::notify_in_background`].
    pub async fn flush(&self) -> Result<Flushed> {
        outbox::flush(&self.setup).await
    }

    /// Takes up an issuance again, after a restart of the app or in another process.
    pub async fn resume(&self, id: &SessionId) -> Result<Issuance> {
        Issuance::load(self.setup.clone(), id).await
    }

    /// Finds the issuance that a redirect belongs to, by its `state`. Go on with
    /// [`Issuance::submit_redirect`].
    pub async fn resume_redirect(&self, redirect_url: &str) -> Result<Issuance> {
        let mismatch = || {
            Error::new(ErrorCode::StateMismatch, "the redirect's state is not that of any open sign-in")
                .at(Operation::Authorization)
        };
        let Some(state) = authorization::state_of(redirect_url) else {
            // From a server that forgets it. If more than one sign-in is open, nobody knows which it is.
            let sessions = self.sessions().await?;
            let tolerant = self.setup.dialects == Dialects::Any;
            let fits = |session: &&Session| match &session.stage {
                Stage::SignIn { pending, .. } => tolerant && authorization::fits_without_state(redirect_url, pending),
                _ => false,
            };
            let mut fitting = sessions.iter().filter(fits);
            return match (fitting.next(), fitting.next()) {
                (Some(session), None) => Issuance::load(self.setup.clone(), &session.id).await,
                _ => Err(mismatch()),
            };
        };
        for session in self.sessions().await? {
            if let Stage::SignIn { pending, .. } = &session.stage
                && pending.state.expose() == state
            {
                return Issuance::load(self.setup.clone(), &session.id).await;
            }
        }
        Err(mismatch())
    }

    /// The issuances that have not ended, oldest first. Sessions nobody needs any more are dropped
    /// on the way.
    pub async fn pending(&self) -> Result<Vec<PendingIssuance>> {
        let now = self.setup.clock.now();
        let (mut open, mut stale, mut unused) = (Vec::new(), Vec::new(), Vec::new());
        for session in self.sessions().await? {
            let ended = matches!(session.stage, Stage::Ended(_));
            let kept = if ended { ENDED_KEPT_SECONDS } else { OPEN_KEPT_SECONDS };
            // What was received is not thrown away, and who was told to wait is not forgotten meanwhile.
            let last = session.stage.waits_until().map_or(session.updated_at, |until| until.max(session.updated_at));
            if now - last > kept && !session.stage.has_received() {
                unused.extend(unused_keys(&session.stage));
                unused.extend(client_keys_without_token(&session));
                stale.push(Change::Remove { table: Table::Sessions, id: session.id.to_string() });
            } else if !ended {
                let offer = OfferSummary::of(&session, self.setup.locale.as_deref());
                open.push(PendingIssuance {
                    issuer_name: offer.issuer_name(),
                    titles: offer.titles(),
                    credential_issuer: session.issuer.credential_issuer.clone(),
                    step: step_of(&session)?,
                    updated_at: session.updated_at,
                    id: session.id,
                });
            }
        }
        if !stale.is_empty() {
            self.setup.store.commit(stale).await?;
            self.setup.delete_keys(unused).await;
        }
        Ok(open)
    }

    /// All sessions that can be read. One of a newer version, or a damaged one, hides no other.
    async fn sessions(&self) -> Result<Vec<Session>> {
        let (records, _) = credentials::readable(&*self.setup.store, Table::Sessions).await?;
        let read = |record: Record| match Session::from_bytes(&record.content) {
            Ok(session) => Some(session),
            Err(error) => {
                tracing::warn!(target: "billfold::store", session = %record.id, "{error}");
                None
            }
        };
        Ok(records.into_iter().filter_map(read).collect())
    }

    /// Tells from now on which credentials come, change and go, through whichever handle of this wallet. Who
    /// shows credentials begins to listen first, and reads them then.
    pub fn changes(&self) -> Changes {
        self.setup.feed.changes()
    }

    /// The card of a credential with its pictures, in the language that suits `locale` (BCP 47) best; without one,
    /// in [the wallet's](WalletBuilder::locale).
    ///
    /// Logos and backgrounds are fetched side by side within seconds, and kept in the store for 30 days: what was
    /// seen once is there without a network, too. A picture that can't be had, or is none, fails nothing; its
    /// [`CardImage::bytes`](crate::CardImage::bytes) are missing. [`Credential::card`] fetches nothing at all.
    pub async fn card(&self, id: &CredentialId, locale: Option<&str>) -> Result<Card> {
        let credential = self.credential(id).await?;
        let locale = locale.or(self.setup.locale.as_deref());
        Ok(card::with_pictures(&self.setup, &credential, locale).await)
    }

    /// Checks a credential again, by the present policy and time. It may come out of quarantine,
    /// or go there.
    pub async fn recheck(&self, id: &CredentialId) -> Result<Credential> {
        let (credential, mut revision) = self.credential_record(id).await?;
        let before = credential.report.verdict;
        let mut checked = storing::recheck(&self.setup, credential).await?;
        let told = match before {
            Verdict::Unverified => storing::tell(&checked, self.setup.clock.now()),
            _ => None,
        };
        let gate = credentials::gate_of(&self.setup, id);
        let _one_at_a_time = gate.lock().await;
        let (now, newer) = self.credential_record(id).await?;
        if newer != revision
            && now.instances.iter().map(|copy| &copy.raw).eq(checked.instances.iter().map(|copy| &copy.raw))
        {
            // Used meanwhile, and still the same.
            checked.instances = now.instances;
            revision = newer;
        }
        let mut changes = vec![put_credential(&checked, Expected::Revision(revision))];
        changes.extend(told);
        self.setup.store.commit(changes).await?;
        outbox::flush_soon(&self.setup);
        Ok(checked)
    }

    /// Asks for a credential once more, to put the new one in the place of the old one: before it expires,
    /// or when its data changed. (OpenID4VCI section 14.5)
    ///
    /// The issuance that comes of it goes on by itself ([`Step::Interrupted`], [`Issuance::proceed`]) as
    /// long as the issuer takes the tokens of the first one. When it does not, or there are none, it waits
    /// at [`Step::Review`]: [`Issuance::accept`] lets the user agree again. Either way the old credential
    /// stays until the new one is verified; then all its copies are replaced at once, under the same id.
    pub async fn refresh(&self, id: &CredentialId) -> Result<Issuance> {
        outbox::flush_soon(&self.setup);
        let log = Log::default();
        let renewed = Box::pin(self.renew(id, log)).await;
        renewed.map_err(|error| error.at(Operation::IssuerMetadata))
    }

    async fn renew(&self, id: &CredentialId, log: Log) -> Result<Issuance> {
        let (credential, _) = self.credential_record(id).await?;
        let authorization = match &credential.authorization {
            Some(id) => Authorization::load(&self.setup, id).await?,
            None => None,
        };
        let server = authorization.as_ref().map(|authorization| &authorization.server.issuer);
        // One that is its own server is not named: metadata that lists none knows no other.
        let server = server.filter(|server| **server != credential.credential_issuer);
        let offer = renewing::offer_for(&credential, server);
        let found = discovery::discover(&self.setup, &offer.into(), &log).await;
        let found = found.map_err(|error| error.with_transcript(&log.transcript()))?;
        renewing::begin(self.setup.clone(), &credential, authorization, found, log).await
    }

    /// Deletes a credential and its keys, and lets the issuer know. One whose record can't be read is deleted as it
    /// is: nobody knows its keys or its issuer.
    pub async fn forget(&self, id: &CredentialId) -> Result<()> {
        let gate = credentials::gate_of(&self.setup, id);
        let _one_at_a_time = gate.lock().await;
        let credential = match self.credential_record(id).await {
            Ok((credential, _)) => Some(credential),
            Err(error) if error.code() == ErrorCode::RecordDamaged => {
                tracing::warn!(target: "billfold::store", credential = %id, "forgotten with its keys left: {error}");
                None
            }
            Err(error) => return Err(error),
        };
        let mut changes = vec![Change::Remove { table: Table::Credentials, id: id.to_string() }];
        // The issuer of a rejected one was told of the failure, for the whole answer.
        if let Some(credential) = credential.as_ref().filter(|found| found.report.verdict != Verdict::Rejected) {
            let now = self.setup.clock.now();
            changes.extend(outbox::tell(credential, NotificationEvent::CredentialDeleted, None, now));
        }
        self.setup.store.commit(changes).await?;
        self.setup.sweep_wanted.store(true, Ordering::Relaxed);
        outbox::flush_soon(&self.setup);
        // The record goes first: a key without a credential is litter, a credential without its
        // key is a loss.
        let copies = credential.into_iter().flat_map(|credential| credential.instances);
        let mut handles: Vec<_> = copies.filter_map(|instance| instance.key).map(|key| key.handle).collect();
        // A second copy for the same key lies in quarantine while the first one is in use. What can't be
        // read may be such a copy too.
        let unsure = match credentials::all(&self.setup).await {
            Ok((others, unreadable)) if unreadable.is_empty() => {
                let keys = others.iter().flat_map(|other| &other.instances).filter_map(|copy| copy.key.as_ref());
                let kept: Vec<_> = keys.map(|key| &key.handle).collect();
                handles.retain(|handle| !kept.contains(&handle));
                None
            }
            Ok((_, unreadable)) => Some(format!("{} records can't be read", unreadable.len())),
            Err(error) => Some(error.to_string()),
        };
        if let Some(why) = unsure {
            tracing::warn!(target: "billfold::keys", "keys stay, another credential may need them: {why}");
            handles.clear();
        }
        self.setup.delete_keys(handles).await;
        Ok(())
    }
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
            wallet.find(&crate::CredentialQuery::default()).await?;
            wallet.take_instance(&CredentialId::from("")).await?;
            wallet.changes().next().await;
            wallet.forget(&CredentialId::from("")).await
        }
        let wallet = Wallet::builder("me").keys(SoftwareKeys::new()).store(MemoryStore::new()).build();
        drop(send(all(wallet.expect("a wallet"))));
    }
}
