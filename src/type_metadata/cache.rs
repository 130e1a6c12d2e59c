//! Type metadata documents that were fetched, kept in the store.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest;
use serde::{Deserialize, Serialize};
use url::Url;

use super::integrity;
use crate::cache::Cache;
use crate::model::time::Timestamp;
use crate::platform::store::CredentialStore;

/// Where documents are kept.
#[derive(Clone, Copy)]
pub(crate) struct Shelf<'a> {
    pub(crate) cache: &'a Cache,
    pub(crate) store: &'a dyn CredentialStore,
}

/// A document, and from when to when it is good for without asking again.
pub(super) struct Kept {
    pub(super) octets: Vec<u8>,
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
}

/// What was kept of an address.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// It can be used as it is.
    Fresh(Vec<u8>),
    /// It can be used if its server does not answer.
    Stale(Vec<u8>),
}

/// A document in the store.
#[derive(Serialize, Deserialize)]
struct Stored {
    url: Url,
    octets: String,
    from: Timestamp,
    until: Timestamp,
}

impl Shelf<'_> {
    /// What is known of an address. A document that its integrity metadata does not stand for is not known.
    pub(super) async fn get(&self, url: &Url, integrity: Option<&str>, now: Timestamp) -> Option<Found> {
        let content = self.cache.get(self.store, &id(url)).await?;
        let stored: Stored = serde_json::from_slice(&content).ok()?;
        let octets = STANDARD.decode(stored.octets).ok().filter(|_| stored.url == *url)?;
        if let Some(integrity) = integrity {
            return integrity::check(integrity, &octets).is_ok().then_some(Found::Fresh(octets));
        }
        // A clock that was set back must not make a document good for longer.
        let fresh = (stored.from..stored.until).contains(&now);
        Some(if fresh { Found::Fresh(octets) } else { Found::Stale(octets) })
    }

    /// Whether an address need not be asked now.
    pub(crate) async fn is_fresh(&self, url: &Url, now: Timestamp) -> bool {
        matches!(self.get(url, None, now).await, Some(Found::Fresh(_)))
    }

    /// Keeps a document.
    pub(super) async fn keep(&self, url: &Url, kept: Kept) {
        let Kept { octets, from, until } = kept;
        let stored = Stored { url: url.clone(), octets: STANDARD.encode(octets), from, until };
        let content = serde_json::to_vec(&stored).expect("it has only text keys");
        self.cache.put(self.store, &id(url), content).await;
    }
}

fn id(url: &Url) -> String {
    format!("type-metadata/{}", hex::encode(digest::digest(&digest::SHA256, url.as_str().as_bytes())))
}
