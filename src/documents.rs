//! Public documents that hold issuers' keys, fetched within the network rules and remembered for
//! a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde_json::Value;
use url::Url;

use crate::error::{ErrorCode, Operation};
use crate::json;
use crate::metadata_cache;
use crate::model::ids::IssuerId;
use crate::model::time::Timestamp;
use crate::platform::clock::Clock;
use crate::platform::did_resolver::{DidResolverErrorKind, Resolver};
use crate::platform::http::{HttpLimits, HttpResponse};
use crate::protocol::message;
use crate::verify::{DocumentError, DocumentSource, Fetched, Wanted};
use crate::wire::{Log, Wire};

/// How long a document is good for, in seconds.
const FRESH_SECONDS: i64 = 300;
/// How many are kept.
const KEPT: usize = 64;

const ACCEPT: &str = "application/json, application/did+json, application/did+ld+json, application/jwk-set+json";

/// What was fetched lately, by address or DID.
#[derive(Default)]
pub(crate) struct DocumentCache(Mutex<HashMap<String, (Value, Timestamp)>>);

impl DocumentCache {
    fn get(&self, name: &str, now: Timestamp) -> Option<Value> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.get(name).filter(|(_, at)| (0..FRESH_SECONDS).contains(&(now - *at))).map(|(value, _)| value.clone())
    }

    fn put(&self, name: &str, value: &Value, now: Timestamp) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= KEPT {
            entries.retain(|_, (_, at)| (0..FRESH_SECONDS).contains(&(now - *at)));
        }
        if entries.len() < KEPT {
            entries.insert(name.to_owned(), (value.clone(), now));
        }
    }
}

/// The documents as one verification sees them: what it fetches goes into the session's log.
pub(crate) struct Documents<'a> {
    pub(crate) wire: &'a Wire,
    pub(crate) cache: &'a DocumentCache,
    pub(crate) clock: &'a Arc<dyn Clock>,
    pub(crate) log: &'a Log,
    /// Who issued, if that is known: its own host was spoken to already, wherever it is.
    pub(crate) issuer: Option<&'a IssuerId>,
    /// For DIDs of other methods than ours.
    pub(crate) resolver: Option<&'a Resolver>,
}

impl Documents<'_> {
    async fn ask(&self, url: &Url, want: Wanted) -> Result<HttpResponse, DocumentError> {
        let limits = if self.issuer.is_some_and(|issuer| url.origin() == issuer.to_url().origin()) {
            HttpLimits { max_body_bytes: want.max_bytes, ..HttpLimits::default() }
        } else {
            self.wire.reference_limits(want.max_bytes)
        };
        let build = |url: &Url| message::get(url, want.accept, None);
        let response =
            self.wire.get_public(Operation::Verification, url, limits, self.log, build).await.map_err(|error| {
                match error.code() {
                    ErrorCode::Unreachable | ErrorCode::TimedOut | ErrorCode::ConnectionLost | ErrorCode::TlsFailed => {
                        DocumentError::Unreachable(error.to_string())
                    }
                    _ => DocumentError::Unusable(error.to_string()),
                }
            })?;
        let status = response.status();
        if status.is_server_error() || status == http::StatusCode::TOO_MANY_REQUESTS {
            return Err(DocumentError::Unreachable(format!("{url} answered with status {status}")));
        }
        if !status.is_success() {
            return Err(DocumentError::Unusable(format!("{url} answered with status {status}")));
        }
        Ok(response)
    }
}

#[async_trait]
impl DocumentSource for Documents<'_> {
    async fn get(&self, url: &Url) -> Result<Value, DocumentError> {
        let now = self.clock.now();
        if let Some(known) = self.cache.get(url.as_str(), now) {
            return Ok(known);
        }
        let want = Wanted { accept: ACCEPT, max_bytes: HttpLimits::default().max_body_bytes };
        let fetched = self.fetch(url, want).await?;
        let value = json::parse(&fetched.body)
            .map_err(|error| DocumentError::Unusable(format!("{url} gave no usable JSON: {error}")))?;
        self.cache.put(url.as_str(), &value, now);
        Ok(value)
    }

    async fn fetch(&self, url: &Url, want: Wanted) -> Result<Fetched, DocumentError> {
        let response = self.ask(url, want).await?;
        let content_type = message::media_type(&response);
        let max_age = metadata_cache::seconds(response.headers());
        Ok(Fetched { content_type, max_age, body: response.into_body(), at: self.clock.now() })
    }

    async fn resolve_did(&self, did: &str) -> Option<Result<Value, DocumentError>> {
        let resolver = self.resolver?.of(did)?;
        let now = self.clock.now();
        if let Some(known) = self.cache.get(did, now) {
            return Some(Ok(known));
        }
        let document = resolver.resolve(did).await.map_err(|error| match error.kind {
            DidResolverErrorKind::Unreachable => DocumentError::Unreachable(error.detail),
            DidResolverErrorKind::NotFound | DidResolverErrorKind::Invalid => DocumentError::Unusable(error.detail),
        });
        if let Ok(document) = &document {
            self.cache.put(did, document, now);
        }
        Some(document)
    }
}
