//! Metadata of issuers and their servers, kept in mind for a short while: a second offer of the same
//! issuer costs no round trip.
//!
//! A cache belongs to one wallet, so all that is in it was asked for in the same language and believed
//! by the same rules. Whoever finds that something in it does not fit asks the server again before it
//! complains.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use http::HeaderMap;
use http::header::{AGE, CACHE_CONTROL, EXPIRES, PRAGMA, VARY};

use crate::dialect::{Quirks, ReadServer, Tolerated};
use crate::model::ids::IssuerId;
use crate::model::metadata::{AuthorizationServerMetadata, IssuerMetadata};
use crate::model::time::Timestamp;
use crate::protocol::metadata::Provenance;

/// The longest that a document is good for, in seconds; also that of one that says nothing about it.
const FRESH_SECONDS: i64 = 300;
/// How many documents of a kind are kept.
const KEPT: usize = 32;

/// An issuer's metadata, and how it was had.
#[derive(Clone)]
pub(crate) struct FoundIssuer {
    pub(crate) metadata: IssuerMetadata,
    pub(crate) quirks: Quirks,
    pub(crate) provenance: Provenance,
    pub(crate) tolerated: Tolerated,
    /// Server metadata in the issuer's, which only counts where there is no other.
    pub(crate) server: Option<AuthorizationServerMetadata>,
}

/// A server's metadata, and at which of the places it was found.
#[derive(Clone)]
pub(crate) struct FoundServer {
    pub(crate) read: ReadServer,
    pub(crate) place: u8,
}

/// What was fetched lately.
#[derive(Default)]
pub(crate) struct MetadataCache {
    issuers: Shelf<FoundIssuer>,
    servers: Shelf<FoundServer>,
}

impl MetadataCache {
    pub(crate) fn issuer(&self, id: &IssuerId, now: Timestamp) -> Option<FoundIssuer> {
        self.issuers.get(id, now)
    }

    pub(crate) fn server(&self, id: &IssuerId, now: Timestamp) -> Option<FoundServer> {
        self.servers.get(id, now)
    }

    pub(crate) fn keep_issuer(&self, id: &IssuerId, found: &FoundIssuer, fresh: Fresh) {
        self.issuers.put(id, found, fresh);
    }

    pub(crate) fn keep_server(&self, id: &IssuerId, found: &FoundServer, fresh: Fresh) {
        self.servers.put(id, found, fresh);
    }

    /// Drops what is known of an issuer and its server: something suggests that it is out of date.
    pub(crate) fn forget(&self, issuer: &IssuerId, server: &IssuerId) {
        self.issuers.remove(issuer);
        self.servers.remove(server);
    }
}

/// From when to when a document may be used without asking for it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fresh {
    from: Timestamp,
    until: Timestamp,
}

impl Fresh {
    /// As an answer's headers say (RFC 9111), that arrived now.
    pub(crate) fn of(headers: &HeaderMap, now: Timestamp) -> Self {
        Self { from: now, until: now + seconds(headers).clamp(0, FRESH_SECONDS) }
    }

    /// Not longer than this.
    pub(crate) fn at_most(self, until: Option<Timestamp>) -> Self {
        Self { until: until.map_or(self.until, |until| until.min(self.until)), ..self }
    }

    /// A clock that was set back must not make a document good for longer.
    fn covers(self, now: Timestamp) -> bool {
        (self.from..self.until).contains(&now)
    }
}

/// For how many seconds an answer may be used without asking again (RFC 9111); [`FRESH_SECONDS`] if it does not
/// say.
pub(crate) fn seconds(headers: &HeaderMap) -> i64 {
    let values = |name| headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default());
    if values(VARY).any(|value| value.contains('*')) {
        return 0;
    }
    let mut max_age = None;
    for directive in values(CACHE_CONTROL).flat_map(|value| value.split(',')) {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "no-store" | "no-cache" => return 0,
            "max-age" => {
                // What can't be read, and two that differ, count as stale.
                let seconds = value.trim().trim_matches('"').parse().unwrap_or(0);
                max_age = Some(max_age.map_or(seconds, |other: i64| other.min(seconds)));
            }
            _ => {}
        }
    }
    let age: i64 = values(AGE).next().and_then(|age| age.trim().parse().ok()).unwrap_or(0);
    match max_age {
        Some(max_age) => max_age.saturating_sub(age.max(0)),
        // Older ways to say it, whose dates are not worth reading for so short a time.
        None if headers.contains_key(EXPIRES) || headers.contains_key(PRAGMA) => 0,
        None => FRESH_SECONDS,
    }
}

struct Shelf<T>(Mutex<HashMap<IssuerId, (T, Fresh)>>);

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Shelf<T> {
    fn get(&self, id: &IssuerId, now: Timestamp) -> Option<T> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.get(id).filter(|(_, fresh)| fresh.covers(now)).map(|(value, _)| value.clone())
    }

    fn put(&self, id: &IssuerId, value: &T, fresh: Fresh) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.remove(id);
        if !fresh.covers(fresh.from) {
            return;
        }
        if entries.len() >= KEPT {
            entries.retain(|_, (_, kept)| kept.covers(fresh.from));
        }
        if entries.len() >= KEPT {
            let oldest = entries.iter().min_by_key(|(_, (_, kept))| kept.until).map(|(id, _)| id.clone());
            oldest.and_then(|id| entries.remove(&id));
        }
        entries.insert(id.clone(), (value.clone(), fresh));
    }

    fn remove(&self, id: &IssuerId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn fresh(headers: &[(&str, &str)]) -> i64 {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(
                HeaderName::try_from(*name).expect("a name"),
                HeaderValue::from_bytes(value.as_bytes()).expect("a value"),
            );
        }
        let fresh = Fresh::of(&map, NOW);
        assert_eq!(fresh.from, NOW);
        fresh.until - NOW
    }

    #[test]
    fn headers_say_how_long_and_five_minutes_are_the_limit() {
        let table: &[(&[(&str, &str)], i64)] = &[
            (&[], 300),
            (&[("cache-control", "max-age=60")], 60),
            (&[("cache-control", "public, MAX-AGE=\"60\", must-revalidate")], 60),
            (&[("cache-control", "max-age=86400")], 300),
            (&[("cache-control", "max-age=86400"), ("age", "86350")], 50),
            (&[("cache-control", "max-age=60"), ("age", "100")], 0),
            (&[("cache-control", "max-age=60, max-age=10")], 10),
            (&[("cache-control", "max-age=0")], 0),
            (&[("cache-control", "max-age=soon")], 0),
            (&[("cache-control", "max-age=-5")], 0),
            (&[("cache-control", "max-age=60"), ("cache-control", "no-store")], 0),
            (&[("cache-control", "No-Cache")], 0),
            (&[("cache-control", "private")], 300),
            (&[("cache-control", "s-maxage=10")], 300),
            (&[("pragma", "no-cache")], 0),
            (&[("expires", "0")], 0),
            (&[("cache-control", "max-age=60"), ("expires", "0")], 60),
            (&[("vary", "Accept-Language")], 300),
            (&[("vary", "*")], 0),
        ];
        for (headers, expected) in table {
            assert_eq!(fresh(headers), *expected, "{headers:?}");
        }
        let five = Fresh { from: NOW, until: NOW + 300 };
        assert_eq!(five.at_most(Some(NOW + 10)).until, NOW + 10);
        assert_eq!(five.at_most(Some(NOW + 1000)).until, NOW + 300);
        assert_eq!(five.at_most(None), five);
    }

    #[test]
    fn a_shelf_has_an_end_and_time_passes_on_it() {
        let id = |n: usize| IssuerId::parse(&format!("https://h/{n}")).expect("legal");
        let fresh = |from: i64, until: i64| Fresh { from: NOW + from, until: NOW + until };
        let shelf = Shelf::default();
        shelf.put(&id(0), &0, fresh(0, 300));
        assert_eq!(shelf.get(&id(0), NOW + 299), Some(0));
        assert_eq!(shelf.get(&id(0), NOW + 300), None);
        assert_eq!(shelf.get(&id(0), NOW + -1), None, "the clock was set back");
        // What must not be kept replaces what was, too.
        shelf.put(&id(0), &1, fresh(0, 0));
        assert_eq!(shelf.get(&id(0), NOW), None);
        for n in 0..KEPT {
            shelf.put(&id(n), &n, fresh(0, 100 + i64::try_from(n).expect("small")));
        }
        assert_eq!(shelf.get(&id(0), NOW), Some(0));
        shelf.put(&id(KEPT), &KEPT, fresh(0, 300));
        assert_eq!((shelf.get(&id(0), NOW), shelf.get(&id(1), NOW)), (None, Some(1)), "the first to end goes");
        shelf.put(&id(KEPT + 1), &0, fresh(500, 800));
        assert_eq!(shelf.0.lock().expect("no panic").len(), 1, "what is over goes first");
        shelf.remove(&id(KEPT + 1));
        assert_eq!(shelf.get(&id(KEPT + 1), NOW + 500), None);
    }
}
