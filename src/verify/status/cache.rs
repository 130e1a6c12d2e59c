//! Status lists that are kept for as long as they allow, so that a host is asked once for all credentials of a list.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use url::Url;

use super::Trouble;
use super::read::{Family, List};
use crate::model::time::Timestamp;

/// How many lists are kept.
const MAX_LISTS: usize = 64;
/// How much memory they may take together, in octets.
const MAX_OCTETS: usize = 16 << 20;
/// For how many seconds a host is not asked again that gave no usable list.
const FAILURE_SECONDS: i64 = 60;

/// The lists that a wallet knows. They live as long as it does, in memory only.
#[derive(Default)]
pub(crate) struct StatusLists(Mutex<HashMap<Key, Entry>>);

type Key = (Url, Family);
type Found = Result<Arc<List>, Trouble>;
/// Held by whoever asks, so that others who want the same list wait for the answer.
type Slot = Arc<futures_util::lock::Mutex<Option<Held>>>;

#[derive(Clone)]
struct Held {
    found: Found,
    from: Timestamp,
    until: Timestamp,
}

impl Held {
    fn is_fresh(&self, now: Timestamp) -> bool {
        // A clock that was set back makes everything old.
        (self.from..self.until).contains(&now)
    }
}

/// What the bookkeeping has to know of a slot without waiting for it.
#[derive(Default)]
struct Entry {
    slot: Slot,
    octets: usize,
    failed: bool,
    /// None while it is asked for the first time.
    until: Option<Timestamp>,
}

impl StatusLists {
    /// The list of an address: the one that is kept, else what asking for it brings.
    pub(super) async fn get(
        &self,
        url: &Url,
        family: Family,
        now: Timestamp,
        ask: impl Future<Output = Result<List, Trouble>>,
    ) -> Found {
        let key = (url.clone(), family);
        let slot = self.entries().entry(key.clone()).or_default().slot.clone();
        let mut held = slot.lock().await;
        if let Some(held) = held.as_ref().filter(|held| held.is_fresh(now)) {
            return held.found.clone();
        }
        let found = ask.await.map(Arc::new);
        let until = match &found {
            Ok(list) => list.fresh_until(),
            Err(_) => now + FAILURE_SECONDS,
        };
        *held = Some(Held { found: found.clone(), from: now, until });
        drop(held);
        self.note(&key, &slot, &found, until);
        found
    }

    /// Forgets which hosts gave nothing usable: the next one who wants their lists asks them again.
    pub(crate) fn forget_failures(&self) {
        self.entries().retain(|_, entry| !entry.failed);
    }

    fn note(&self, key: &Key, slot: &Slot, found: &Found, until: Timestamp) {
        let mut entries = self.entries();
        // Who was forgotten meanwhile stays so.
        let Some(entry) = entries.get_mut(key).filter(|entry| Arc::ptr_eq(&entry.slot, slot)) else { return };
        entry.octets = found.as_ref().map_or(0, |list| list.octets());
        entry.failed = found.is_err();
        entry.until = Some(until);
        while entries.len() > MAX_LISTS || entries.values().map(|entry| entry.octets).sum::<usize>() > MAX_OCTETS {
            let others = entries.iter().filter(|(other, _)| *other != key);
            let Some(oldest) =
                others.min_by_key(|(_, entry)| (entry.until.is_none(), entry.until)).map(|(key, _)| key.clone())
            else {
                break;
            };
            entries.remove(&oldest);
        }
    }

    fn entries(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
