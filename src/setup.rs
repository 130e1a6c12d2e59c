//! What all parts of a wallet share: how it was set up, and how it uses its platform.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use url::Url;

use crate::cache::Cache;
use crate::card::Unreached;
use crate::changes::Feed;
use crate::channel::{Attestations, key_error};
use crate::dialect::{Dialects, ReadOffer};
use crate::documents::DocumentCache;
use crate::error::{Advice, Error, ErrorCode, Operation, Result};
use crate::json;
use crate::metadata_cache::MetadataCache;
use crate::model::credential::Credential;
use crate::model::ids::{ClientId, KeyHandle, SessionId};
use crate::model::policies::Policies;
use crate::model::profile::Profile;
use crate::model::type_metadata::TypeMetadataUse;
use crate::outbox::Background;
use crate::platform::clock::Clock;
use crate::platform::did_resolver::Resolver;
use crate::platform::keys::{HolderKeys, SignRequest};
use crate::platform::provider::{ProviderCapabilities, ProviderError, ProviderErrorKind, WalletProvider};
use crate::platform::secret::SecretError;
use crate::platform::store::{Change, CredentialStore, Expected, StoreError, StoreErrorKind, Table};
use crate::protocol::client_auth::AttestationVersion;
use crate::protocol::metadata::MetadataRules;
use crate::protocol::proof::Binding;
use crate::verify::status::StatusLists;
use crate::verify::x509::TrustAnchors;
use crate::wire::Wire;

/// Offers that were fetched and could not be opened yet. Some addresses give their offer only once, so
/// it is kept for the next try.
#[derive(Default)]
pub(crate) struct FetchedOffers(Mutex<HashMap<Url, ReadOffer>>);

impl FetchedOffers {
    /// How many are kept.
    const MOST: usize = 16;

    pub(crate) fn keep(&self, url: &Url, offer: &ReadOffer) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < Self::MOST {
            kept.insert(url.clone(), offer.clone());
        }
    }

    pub(crate) fn take(&self, url: &Url) -> Option<ReadOffer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(url)
    }
}

/// Lets one call at a time work on a session, through whichever handle: a second one would take a request
/// that is under way for one that was cut off.
#[derive(Default)]
pub(crate) struct Gates(Mutex<HashMap<SessionId, Weak<Gate>>>);

/// Held for the length of a call.
pub(crate) type Gate = futures_util::lock::Mutex<()>;

impl Gates {
    /// The gate of a session: the same one for all its handles.
    pub(crate) fn of(&self, session: &SessionId) -> Arc<Gate> {
        let mut gates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(gate) = gates.get(session).and_then(Weak::upgrade) {
            return gate;
        }
        gates.retain(|_, gate| gate.strong_count() > 0);
        let gate = Arc::new(Gate::default());
        gates.insert(session.clone(), Arc::downgrade(&gate));
        gate
    }
}

/// What was received and could not be written down, by what it belongs to: it is written when that is needed
/// the next time.
#[derive(Default)]
pub(crate) struct Unwritten(Mutex<HashMap<String, Vec<Change>>>);

impl Unwritten {
    fn keep(&self, owner: &str, changes: Vec<Change>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(owner.to_owned(), changes);
    }

    fn take(&self, owner: &str) -> Option<Vec<Change>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(owner)
    }
}

/// A wallet's settings and platform.
pub(crate) struct Setup {
    pub(crate) client_id: ClientId,
    pub(crate) redirect_uri: Option<String>,
    pub(crate) wire: Wire,
    pub(crate) keys: Arc<dyn HolderKeys>,
    /// Tells the feed what is written.
    pub(crate) store: Arc<dyn CredentialStore>,
    pub(crate) feed: Arc<Feed>,
    /// What was fetched and is worth keeping; within limits of its own.
    pub(crate) cache: Cache,
    /// Whether types are looked up; by the profile, if it was not said.
    pub(crate) type_metadata: Option<TypeMetadataUse>,
    pub(crate) unreached: Unreached,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) provider: Option<Arc<dyn WalletProvider>>,
    /// What the provider can do; nothing without one.
    pub(crate) capabilities: ProviderCapabilities,
    pub(crate) profile: Profile,
    /// Whose ways of speaking are put up with.
    pub(crate) dialects: Dialects,
    pub(crate) attestation_version: AttestationVersion,
    pub(crate) attestations: Attestations,
    pub(crate) policies: Policies,
    pub(crate) trust: TrustAnchors,
    pub(crate) trusted_issuers: Vec<String>,
    pub(crate) resolver: Option<Resolver>,
    /// The JSON-LD contexts that the app added.
    #[cfg(feature = "ldp-vc")]
    pub(crate) contexts: crate::verify::data_integrity::Contexts,
    pub(crate) metadata_rules: MetadataRules,
    pub(crate) skew: i64,
    pub(crate) locale: Option<String>,
    pub(crate) binding: Binding,
    /// Whether a `jwt` goes to issuers that bind to keys and list no proof types.
    pub(crate) assume_jwt_proofs: bool,
    pub(crate) documents: DocumentCache,
    pub(crate) status_lists: StatusLists,
    pub(crate) metadata: MetadataCache,
    pub(crate) fetched_offers: FetchedOffers,
    /// Whether there may be authorizations that nobody needs any more.
    pub(crate) sweep_wanted: AtomicBool,
    pub(crate) notify_in_background: bool,
    pub(crate) background: Background,
    /// Held while notices are sent.
    pub(crate) flushing: futures_util::lock::Mutex<()>,
    pub(crate) gates: Gates,
    pub(crate) unwritten: Unwritten,
}

impl Setup {
    /// Has the platform sign all requests in one call, and does not take its word for their number.
    pub(crate) async fn sign(&self, requests: Vec<SignRequest>) -> Result<Vec<Vec<u8>>> {
        let wanted = requests.len();
        let signatures = self.keys.sign(requests).await.map_err(|error| key_error(error, true))?;
        if signatures.len() == wanted {
            return Ok(signatures);
        }
        let detail = "the key store gave another number of signatures than asked";
        Err(Error::new(ErrorCode::SigningFailed, detail).at(Operation::Proof).advise(Advice::FixSetup))
    }

    /// Writes down what can't be had again. If the store fails, once more; and if it fails then, too, the
    /// next one to [need it](Self::write_the_rest) in this process does.
    pub(crate) async fn commit_received(&self, owner: &str, changes: Vec<Change>) -> Result<()> {
        if self.store.commit(changes.clone()).await.is_ok() {
            return Ok(());
        }
        match self.store.commit(changes.clone()).await {
            Ok(()) => Ok(()),
            // Somebody else went on, or the first try was none that failed.
            Err(error) if error.kind == StoreErrorKind::Conflict => Err(error.into()),
            Err(error) => {
                self.unwritten.keep(owner, changes);
                Err(error.into())
            }
        }
    }

    /// Writes what was left over of what belongs to this.
    pub(crate) async fn write_the_rest(&self, owner: &str) -> Result<()> {
        let Some(changes) = self.unwritten.take(owner) else { return Ok(()) };
        match self.store.commit(changes.clone()).await {
            Err(error) if error.kind != StoreErrorKind::Conflict => {
                self.unwritten.keep(owner, changes);
                Err(error.into())
            }
            _ => Ok(()),
        }
    }

    /// Deletes keys that nothing is bound to any more. A failure is logged: it harms nobody.
    pub(crate) async fn delete_keys(&self, handles: Vec<KeyHandle>) {
        if handles.is_empty() {
            return;
        }
        if let Err(error) = self.keys.delete(handles).await {
            tracing::warn!(target: "billfold::keys", "unused keys could not be deleted: {error}");
        }
    }
}

pub(crate) fn put_credential(credential: &Credential, expected: Expected) -> Change {
    Change::Put {
        table: Table::Credentials,
        id: credential.id.to_string(),
        content: serde_json::to_vec(credential).expect("a credential has only text keys and numbers that JSON has"),
        expected,
    }
}

pub(crate) fn read_credential(content: &[u8]) -> Result<Credential> {
    serde_json::from_slice(content).map_err(|error| {
        Error::new(ErrorCode::RecordDamaged, "a stored credential can't be read")
            .at(Operation::Store)
            .caused_by(json::without_values(&error))
    })
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let code = match error.kind {
            StoreErrorKind::Locked => ErrorCode::StoreLocked,
            StoreErrorKind::TooNew => ErrorCode::StoreTooNew,
            StoreErrorKind::Damaged => ErrorCode::RecordDamaged,
            StoreErrorKind::Conflict => ErrorCode::StoreConflict,
            StoreErrorKind::Secret => ErrorCode::SecretStoreFailed,
            StoreErrorKind::Failed => ErrorCode::StoreFailed,
        };
        Self::new(code, error.detail.clone()).at(Operation::Store).caused_by(error)
    }
}

impl From<ProviderError> for Error {
    fn from(error: ProviderError) -> Self {
        let code = match error.kind {
            ProviderErrorKind::Unavailable => ErrorCode::ProviderUnavailable,
            ProviderErrorKind::Refused | ProviderErrorKind::Unsupported => ErrorCode::ProviderRefused,
        };
        Self::new(code, error.detail.clone()).caused_by(error)
    }
}

impl From<SecretError> for Error {
    fn from(error: SecretError) -> Self {
        Self::new(ErrorCode::SecretStoreFailed, error.detail.clone()).at(Operation::Store).caused_by(error)
    }
}
