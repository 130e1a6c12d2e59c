//! The request log: what was asked, in which order, and what overlapped what.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Instant;

use axum::response::Response;
use serde::Serialize;
use serde_json::Value;

use crate::shown::{Shown, ShownAttestation, ShownDpop};

/// One request as the issuer saw it.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Entry {
    /// Number of the request since the log was last reset, from 1.
    pub seq: u64,
    /// Position of the request's arrival among all arrivals and answers.
    pub start: u64,
    /// Position of its answer; absent while it is being worked on.
    pub end: Option<u64>,
    /// Milliseconds from the log's beginning to the arrival.
    pub start_ms: u64,
    /// Milliseconds from the log's beginning to the answer.
    pub end_ms: Option<u64>,
    /// HTTP method.
    pub method: String,
    /// The `Host` that was asked, to see who followed a redirect to another origin.
    pub host: String,
    /// Path.
    pub path: String,
    /// Query, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// Headers that tests ask about: accept, accept-language, content-type, user-agent, and the
    /// scheme word of authorization.
    pub headers: BTreeMap<String, String>,
    /// The DPoP proof that came with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dpop: Option<ShownDpop>,
    /// The client attestation that came with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attestation: Option<ShownAttestation>,
    /// How the client authenticated, by its name in `token_endpoint_auth_methods_supported`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_auth: Option<String>,
    /// The `grant_type` of a form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant_type: Option<String>,
    /// Names of the parameters of a form, as they came. Their values have no place in a log.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<String>,
    /// HTTP status; 0 if the connection was closed without an answer.
    pub status: Option<u16>,
    /// The error code of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The `error_description` of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_description: Option<String>,
    /// What the issuer understood of the request and put into the answer, where tests ask for it:
    /// `request_jwe` and `answer_jwe` are the headers of encrypted messages, `proofs` has the
    /// `type`, the `count` of proofs and the number of `keys` that they are for, `claims` are the
    /// paths of the claims that the token was asked for with.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub seen: BTreeMap<String, Value>,
    /// Numbers of the requests that were under way at some moment of this one.
    pub overlaps: Vec<u64>,
}

/// The log as `/test/log` reports it.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// Number of requests.
    pub count: usize,
    /// The requests, in order of arrival.
    pub requests: Vec<Entry>,
    /// The requests as `METHOD path`, grouped: a request that arrived before the first answer of
    /// a wave belongs to that wave, any other begins the next one.
    pub waves: Vec<Vec<String>>,
    /// How often each offer by reference was fetched.
    pub offer_fetches: BTreeMap<String, u64>,
    /// How often a refresh token came that had been replaced before, which ended its grant.
    pub refresh_token_reuses: u64,
    /// The notifications that were taken, as they came.
    pub notifications: Vec<Value>,
}

impl Report {
    /// The paths of all requests, in order of arrival.
    pub fn paths(&self) -> Vec<&str> {
        self.requests.iter().map(|entry| entry.path.as_str()).collect()
    }
}

/// What is known of a request when it arrives.
pub(crate) struct Arrival {
    pub(crate) method: String,
    pub(crate) host: String,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: BTreeMap<String, String>,
}

/// How a request ended.
pub(crate) struct Outcome {
    pub(crate) status: u16,
    pub(crate) error: Option<(String, String)>,
    pub(crate) seen: BTreeMap<String, Value>,
}

/// What an answer carries for the log.
#[derive(Clone, Default)]
pub(crate) struct Seen(pub(crate) BTreeMap<String, Value>);

/// Leaves something for the log on an answer.
pub(crate) fn see(response: &mut Response, name: &str, value: Value) {
    let seen = response.extensions_mut().get_or_insert_default::<Seen>();
    seen.0.insert(name.to_owned(), value);
}

/// Handle of a request under way; void once the log was reset.
pub(crate) struct Ticket {
    epoch: u64,
    index: usize,
}

/// The log itself.
pub(crate) struct Log {
    inner: Mutex<Inner>,
}

struct Inner {
    epoch: u64,
    begin: Instant,
    order: u64,
    entries: Vec<Entry>,
    offer_fetches: BTreeMap<String, u64>,
    refresh_token_reuses: u64,
    notifications: Vec<Value>,
}

impl Inner {
    fn new(epoch: u64) -> Self {
        Self {
            epoch,
            begin: Instant::now(),
            order: 0,
            entries: Vec::new(),
            offer_fetches: BTreeMap::new(),
            refresh_token_reuses: 0,
            notifications: Vec::new(),
        }
    }

    fn tick(&mut self) -> (u64, u64) {
        self.order += 1;
        let elapsed = u64::try_from(self.begin.elapsed().as_millis()).unwrap_or(u64::MAX);
        (self.order, elapsed)
    }
}

impl Log {
    pub(crate) fn new() -> Self {
        Self { inner: Mutex::new(Inner::new(0)) }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().expect("no panic while the log is locked")
    }

    /// Notes that a request arrived.
    pub(crate) fn begin(&self, arrival: Arrival) -> Ticket {
        let mut inner = self.lock();
        let (start, start_ms) = inner.tick();
        let index = inner.entries.len();
        inner.entries.push(Entry {
            seq: index as u64 + 1,
            start,
            end: None,
            start_ms,
            end_ms: None,
            method: arrival.method,
            host: arrival.host,
            path: arrival.path,
            query: arrival.query,
            headers: arrival.headers,
            dpop: None,
            attestation: None,
            client_auth: None,
            grant_type: None,
            parameters: Vec::new(),
            status: None,
            error: None,
            error_description: None,
            seen: BTreeMap::new(),
            overlaps: Vec::new(),
        });
        Ticket { epoch: inner.epoch, index }
    }

    /// Notes what a request showed of its sender.
    pub(crate) fn describe(&self, ticket: &Ticket, shown: Shown) {
        let mut inner = self.lock();
        if inner.epoch == ticket.epoch {
            let entry = &mut inner.entries[ticket.index];
            entry.dpop = shown.dpop;
            entry.attestation = shown.attestation;
            entry.client_auth = shown.client_auth;
            entry.grant_type = shown.grant_type;
            entry.parameters = shown.parameters;
        }
    }

    /// Notes the answer to a request.
    pub(crate) fn end(&self, ticket: &Ticket, outcome: Outcome) {
        let mut inner = self.lock();
        if inner.epoch != ticket.epoch {
            return;
        }
        let (end, end_ms) = inner.tick();
        let entry = &mut inner.entries[ticket.index];
        entry.end = Some(end);
        entry.end_ms = Some(end_ms);
        entry.status = Some(outcome.status);
        (entry.error, entry.error_description) = outcome.error.unzip();
        entry.seen = outcome.seen;
    }

    /// Counts a fetch of an offer by reference.
    pub(crate) fn offer_fetched(&self, id: &str) {
        *self.lock().offer_fetches.entry(id.to_owned()).or_default() += 1;
    }

    /// Counts a replaced refresh token that came again.
    pub(crate) fn refresh_token_reused(&self) {
        self.lock().refresh_token_reuses += 1;
    }

    /// Keeps a notification that was taken.
    pub(crate) fn notified(&self, notification: Value) {
        self.lock().notifications.push(notification);
    }

    /// Forgets everything.
    pub(crate) fn reset(&self) {
        let mut inner = self.lock();
        *inner = Inner::new(inner.epoch + 1);
    }

    /// The report.
    pub(crate) fn report(&self) -> Report {
        let inner = self.lock();
        let mut requests = inner.entries.clone();
        for entry in &mut requests {
            entry.overlaps = inner
                .entries
                .iter()
                .filter(|other| other.seq != entry.seq && overlap(entry, other))
                .map(|other| other.seq)
                .collect();
        }
        Report {
            count: requests.len(),
            waves: waves(&requests),
            requests,
            offer_fetches: inner.offer_fetches.clone(),
            refresh_token_reuses: inner.refresh_token_reuses,
            notifications: inner.notifications.clone(),
        }
    }
}

fn overlap(one: &Entry, other: &Entry) -> bool {
    one.start < other.end.unwrap_or(u64::MAX) && other.start < one.end.unwrap_or(u64::MAX)
}

fn waves(entries: &[Entry]) -> Vec<Vec<String>> {
    let mut waves: Vec<Vec<String>> = Vec::new();
    let mut first_answer = 0;
    for entry in entries {
        let line = format!("{} {}", entry.method, entry.path);
        let end = entry.end.unwrap_or(u64::MAX);
        match waves.last_mut() {
            Some(wave) if entry.start < first_answer => {
                wave.push(line);
                first_answer = first_answer.min(end);
            }
            _ => {
                waves.push(vec![line]);
                first_answer = end;
            }
        }
    }
    waves
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(log: &Log, path: &str) -> Ticket {
        log.begin(Arrival {
            method: "GET".into(),
            host: "h".into(),
            path: path.into(),
            query: None,
            headers: BTreeMap::new(),
        })
    }

    fn end(log: &Log, ticket: &Ticket) {
        log.end(ticket, Outcome { status: 200, error: None, seen: BTreeMap::new() });
    }

    #[test]
    fn what_follows_an_answer_is_the_next_wave() {
        let log = Log::new();
        let (a, b) = (begin(&log, "/a"), begin(&log, "/b"));
        end(&log, &a);
        // Arrives while /b is still open, but after an answer: it may depend on /a.
        let c = begin(&log, "/c");
        end(&log, &b);
        end(&log, &c);
        let report = log.report();
        assert_eq!(report.waves, [vec!["GET /a", "GET /b"], vec!["GET /c"]]);
        assert_eq!(report.requests[0].overlaps, [2]);
        assert_eq!(report.requests[1].overlaps, [1, 3]);
    }

    #[test]
    fn an_answer_after_a_reset_is_not_noted() {
        let log = Log::new();
        let a = begin(&log, "/a");
        log.reset();
        let b = begin(&log, "/b");
        end(&log, &a);
        assert_eq!(log.report().requests[0].status, None);
        end(&log, &b);
        assert_eq!(log.report().requests[0].status, Some(200));
    }
}
