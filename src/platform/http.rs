//! How requests leave and answers arrive.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

/// A request, as protocol code builds it.
pub type HttpRequest = http::Request<Vec<u8>>;

/// An answer, as protocol code reads it.
pub type HttpResponse = http::Response<Vec<u8>>;

/// What a transport has to hold a request to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpLimits {
    /// An answer whose body is longer ends as [`TransportErrorKind::TooLarge`]; the transport
    /// stops reading there.
    pub max_body_bytes: usize,
    /// Time to connect.
    pub connect_timeout: Duration,
    /// Time for the whole exchange.
    pub total_timeout: Duration,
    /// Whether names that lead to private, link-local or loopback addresses are refused
    /// ([`TransportErrorKind::ForbiddenAddress`]), for addresses that came from outside.
    pub public_addresses_only: bool,
}

impl Default for HttpLimits {
    /// 1 MiB, 10 s to connect, 30 s in all, any address.
    fn default() -> Self {
        Self {
            max_body_bytes: 1024 * 1024,
            connect_timeout: Duration::from_secs(10),
            total_timeout: Duration::from_secs(30),
            public_addresses_only: false,
        }
    }
}

/// Sends one request and gives its answer, whatever its status.
///
/// An implementation does not follow redirects, does not repeat a request by itself (a code or a
/// nonce works once), keeps no cookies, and checks server certificates.
#[async_trait]
pub trait HttpTransport: Send + Sync {
    /// Sends the request.
    async fn send(&self, request: HttpRequest, limits: HttpLimits) -> Result<HttpResponse, TransportError>;
}

#[async_trait]
impl<T: HttpTransport + ?Sized> HttpTransport for Arc<T> {
    async fn send(&self, request: HttpRequest, limits: HttpLimits) -> Result<HttpResponse, TransportError> {
        (**self).send(request, limits).await
    }
}

/// What went wrong on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// No connection: the name did not resolve, nobody listens, the network is down.
    Unreachable,
    /// Time ran out.
    TimedOut,
    /// The connection broke.
    ConnectionLost,
    /// The server's certificate, or the TLS handshake.
    Tls,
    /// The answer is over the limit.
    TooLarge,
    /// The name leads to an address that this request may not go to.
    ForbiddenAddress,
    /// Anything else.
    Other,
}

/// A request that got no answer.
#[derive(Debug, thiserror::Error)]
#[error("{detail}")]
pub struct TransportError {
    /// What went wrong.
    pub kind: TransportErrorKind,
    /// Whether the request may have reached the server. When in doubt, true.
    pub maybe_sent: bool,
    /// A sentence for developers, without header values or bodies.
    pub detail: String,
    /// The cause.
    #[source]
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

impl TransportError {
    /// An error without a cause.
    pub fn new(kind: TransportErrorKind, maybe_sent: bool, detail: impl Into<String>) -> Self {
        Self { kind, maybe_sent, detail: detail.into(), source: None }
    }

    /// Keeps the cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}
