//! The default transport of desktop and server programs: reqwest with rustls.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ::reqwest::dns::{Addrs, Name, Resolve, Resolving};
use ::reqwest::{Client, ClientBuilder};
use async_trait::async_trait;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use url::{Host, Url};

use super::address::is_public;
use super::http::{HttpLimits, HttpRequest, HttpResponse, HttpTransport, TransportError, TransportErrorKind};
use crate::model::ids::is_loopback;

/// [`HttpTransport`] by reqwest and rustls. Needs a tokio runtime around it.
///
/// Certificates are checked as the platform does it: the system's verifier on Apple systems and
/// Windows, the system's roots elsewhere, and on Android, where the system's verifier can't be
/// had without Java, the roots of Mozilla that are built in; an app there does better to bring a
/// transport that uses Android's own stack. Proxies are taken from the environment
/// (`HTTPS_PROXY`, `NO_PROXY` and so on), never for loopback addresses.
#[derive(Clone)]
pub struct ReqwestTransport(Arc<Inner>);

struct Inner {
    tls: Result<ClientConfig, rustls::Error>,
    proxies: Vec<String>,
    clients: Mutex<HashMap<(Route, Duration), Client>>,
}

/// Requests that must not share connections.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Route {
    /// To this machine: past any proxy.
    Loopback,
    /// To public addresses. Tried first for every request, so that one issuer has one connection.
    Public,
    /// To any address.
    Any,
}

/// More settings than these at once are not in use; what exceeds them starts afresh.
const MAX_CLIENTS: usize = 12;

impl ReqwestTransport {
    /// A transport with the platform's roots.
    pub fn new() -> Self {
        Self::with_roots(Vec::new())
    }

    /// A transport with settings.
    pub fn builder() -> ReqwestTransportBuilder {
        ReqwestTransportBuilder::default()
    }

    fn with_roots(extra: Vec<CertificateDer<'static>>) -> Self {
        Self(Arc::new(Inner { tls: tls_config(extra), proxies: proxy_hosts(), clients: Mutex::default() }))
    }

    fn client(&self, route: Route, connect_timeout: Duration) -> Result<Client, TransportError> {
        let mut clients = self.0.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&(route, connect_timeout)) {
            return Ok(client.clone());
        }
        if clients.len() >= MAX_CLIENTS {
            clients.clear();
        }
        let builder = self.settings(connect_timeout);
        let builder = match route {
            Route::Loopback => builder.no_proxy(),
            Route::Public => builder.dns_resolver(Arc::new(PublicOnly { proxies: self.0.proxies.clone() })),
            Route::Any => builder,
        };
        let client = builder.build().map_err(|error| {
            let detail = "the HTTP client could not be set up";
            TransportError::new(TransportErrorKind::Other, false, detail).caused_by(error)
        })?;
        clients.insert((route, connect_timeout), client.clone());
        Ok(client)
    }

    fn settings(&self, connect_timeout: Duration) -> ClientBuilder {
        let tls = self.0.tls.clone().unwrap_or_else(|_| without_roots());
        Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(concat!("billfold/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(connect_timeout)
            .redirect(::reqwest::redirect::Policy::none())
            // A code or a nonce works once; whether to send again is the protocol's decision.
            .retry(::reqwest::retry::never())
            .referer(false)
            // What other packages switch on in the same build must not change what we send.
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
    }

    /// Sends over one route; reads no further than the limit.
    async fn send_over(
        &self,
        route: Route,
        request: HttpRequest,
        limits: &HttpLimits,
    ) -> Result<HttpResponse, TransportError> {
        let client = self.client(route, limits.connect_timeout)?;
        let mut request = ::reqwest::Request::try_from(request).map_err(|error| {
            TransportError::new(TransportErrorKind::Other, false, "the request is malformed").caused_by(error)
        })?;
        *request.timeout_mut() = Some(limits.total_timeout);
        let mut response = client.execute(request).await.map_err(failed)?;

        let too_large = || {
            let detail = format!("the answer is longer than {} octets", limits.max_body_bytes);
            TransportError::new(TransportErrorKind::TooLarge, true, detail)
        };
        let announced = response.content_length().unwrap_or(0);
        if announced > limits.max_body_bytes as u64 {
            return Err(too_large());
        }
        let mut body = Vec::with_capacity(usize::try_from(announced).unwrap_or(0));
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > limits.max_body_bytes {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        let mut answer = http::Response::new(body);
        *answer.status_mut() = response.status();
        *answer.version_mut() = response.version();
        *answer.headers_mut() = std::mem::take(response.headers_mut());
        Ok(answer)
    }
}

impl Default for ReqwestTransport {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ReqwestTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestTransport").finish_non_exhaustive()
    }
}

#[async_trait]
impl HttpTransport for ReqwestTransport {
    async fn send(&self, request: HttpRequest, limits: HttpLimits) -> Result<HttpResponse, TransportError> {
        if tokio::runtime::Handle::try_current().is_err() {
            let detail = "the reqwest transport was called outside of a tokio runtime";
            return Err(TransportError::new(TransportErrorKind::Other, false, detail));
        }
        let url = Url::parse(&request.uri().to_string())
            .map_err(|_| TransportError::new(TransportErrorKind::Other, false, "the address is not absolute"))?;
        let Some(host) = url.host() else {
            return Err(TransportError::new(TransportErrorKind::Other, false, "the address has no host"));
        };
        if let (Err(error), "https") = (&self.0.tls, url.scheme()) {
            let detail = format!("certificates can't be checked: {error}");
            return Err(TransportError::new(TransportErrorKind::Tls, false, detail).caused_by(error.clone()));
        }
        if limits.public_addresses_only {
            let allowed = match host {
                Host::Domain(name) => !is_loopback(&host) && !self.0.proxies.iter().any(|proxy| proxy == name),
                Host::Ipv4(address) => is_public(address.into()),
                Host::Ipv6(address) => is_public(address.into()),
            };
            if !allowed {
                return Err(forbidden());
            }
            return self.send_over(Route::Public, request, &limits).await;
        }
        if is_loopback(&host) {
            return self.send_over(Route::Loopback, request, &limits).await;
        }
        if matches!(host, Host::Domain(_)) {
            match self.send_over(Route::Public, request.clone(), &limits).await {
                // Refused before anything was sent, and this request may go further.
                Err(error) if error.kind == TransportErrorKind::ForbiddenAddress => {}
                other => return other,
            }
        }
        self.send_over(Route::Any, request, &limits).await
    }
}

/// Settings of a [`ReqwestTransport`].
#[derive(Clone, Debug, Default)]
pub struct ReqwestTransportBuilder {
    roots: Vec<Vec<u8>>,
}

impl ReqwestTransportBuilder {
    /// Accepts certificates of this authority too (PEM, one or several).
    #[must_use]
    pub fn root_certificate(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.roots.push(pem.as_ref().to_vec());
        self
    }

    /// The transport. Fails when a root certificate is none.
    pub fn build(self) -> Result<ReqwestTransport, TransportError> {
        let malformed = || {
            let detail = "a root certificate is not a certificate in PEM";
            TransportError::new(TransportErrorKind::Tls, false, detail)
        };
        let mut roots = Vec::new();
        for pem in self.roots {
            let before = roots.len();
            for root in CertificateDer::pem_slice_iter(&pem) {
                let root = root.map_err(|error| malformed().caused_by(error))?;
                RootCertStore::empty().add(root.clone()).map_err(|error| malformed().caused_by(error))?;
                roots.push(root);
            }
            if roots.len() == before {
                return Err(malformed());
            }
        }
        Ok(ReqwestTransport::with_roots(roots))
    }
}

/// TLS with the ring provider, for these connections only: what the process has installed for
/// others neither counts nor changes.
fn tls_config(extra: Vec<CertificateDer<'static>>) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
    #[cfg(not(target_os = "android"))]
    let mut config = {
        let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(extra, provider)?;
        config.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth()
    };
    #[cfg(target_os = "android")]
    let mut config = {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for root in extra {
            roots.add(root)?;
        }
        config.with_root_certificates(roots).with_no_client_auth()
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// Accepts nobody: stands in where the roots could not be had, so that plain loopback works.
fn without_roots() -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has the default versions")
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth()
}

/// The hosts of the proxies that the environment names. They are the machine owner's choice and
/// may be private, unlike the addresses that are asked for through them.
fn proxy_hosts() -> Vec<String> {
    ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"]
        .into_iter()
        .flat_map(|name| [name.to_owned(), name.to_ascii_lowercase()])
        .filter_map(|name| std::env::var(name).ok())
        .filter_map(|value| proxy_host(&value))
        .collect()
}

fn proxy_host(value: &str) -> Option<String> {
    let with_scheme = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
    match Url::parse(&with_scheme).ok()?.host()? {
        Host::Domain(name) => Some(name.to_ascii_lowercase()),
        _ => None,
    }
}

/// Resolves names as the system does and drops every address that is not public.
struct PublicOnly {
    proxies: Vec<String>,
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let any = self.proxies.iter().any(|proxy| proxy.eq_ignore_ascii_case(name.as_str()));
        Box::pin(async move {
            let lookup = move || (name.as_str(), 0).to_socket_addrs().map(Iterator::collect::<Vec<SocketAddr>>);
            let mut found = tokio::task::spawn_blocking(lookup).await??;
            if !any && !found.is_empty() {
                found.retain(|address| is_public(address.ip()));
                if found.is_empty() {
                    return Err(NotPublic.into());
                }
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the name leads to no public address")]
struct NotPublic;

fn forbidden() -> TransportError {
    TransportError::new(TransportErrorKind::ForbiddenAddress, false, "the address is not a public one")
}

/// Sorts an error of reqwest.
fn failed(error: ::reqwest::Error) -> TransportError {
    // Our caller knows the address; in errors it could carry a secret.
    let error = error.without_url();
    if cause::<NotPublic>(&error).is_some() {
        return forbidden();
    }
    // While connecting, nothing of the request has left.
    let maybe_sent = !error.is_connect();
    let tls = cause::<rustls::Error>(&error).map(ToString::to_string);
    let hyper = cause::<hyper::Error>(&error);
    let (kind, detail) = if error.is_timeout() {
        let what =
            if maybe_sent { "no whole answer within the time limit" } else { "no connection within the time limit" };
        (TransportErrorKind::TimedOut, what.to_owned())
    } else if let Some(tls) = tls {
        (TransportErrorKind::Tls, format!("TLS failed: {tls}"))
    } else if !maybe_sent {
        (TransportErrorKind::Unreachable, format!("no connection: {}", innermost(&error)))
    } else if hyper.is_some_and(is_head_too_large) {
        (TransportErrorKind::TooLarge, "the head of the answer is too large".to_owned())
    } else if hyper.is_some_and(hyper::Error::is_parse) {
        (TransportErrorKind::Other, format!("the answer is no HTTP: {}", innermost(&error)))
    } else if hyper.is_some() || cause::<std::io::Error>(&error).is_some() {
        (TransportErrorKind::ConnectionLost, format!("the connection broke: {}", innermost(&error)))
    } else {
        (TransportErrorKind::Other, format!("the request failed: {}", innermost(&error)))
    };
    TransportError::new(kind, maybe_sent, detail).caused_by(error)
}

/// hyper has a question for this only when its server is built in too; a test holds the wording.
fn is_head_too_large(error: &hyper::Error) -> bool {
    error.is_parse() && error.to_string().contains("head is too large")
}

/// The first cause of a type, within `io::Error` too, which does not show what it wraps.
fn cause<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(current) = next {
        if let Some(found) = current.downcast_ref() {
            return Some(found);
        }
        let wrapped = current.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = match wrapped {
            Some(inner) => Some(inner as &(dyn StdError + 'static)),
            None => current.source(),
        };
    }
    None
}

fn innermost(error: &(dyn StdError + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxy_hosts_are_read_as_people_write_them() {
        assert_eq!(proxy_host("http://Proxy.corp.example:3128/"), Some("proxy.corp.example".to_owned()));
        assert_eq!(proxy_host("proxy:8080"), Some("proxy".to_owned()));
        assert_eq!(proxy_host("http://user:pw@proxy:8080"), Some("proxy".to_owned()));
        assert_eq!(proxy_host("10.0.0.1:3128"), None);
        assert_eq!(proxy_host(""), None);
    }

    #[tokio::test]
    async fn names_that_lead_to_this_machine_do_not_resolve_as_public() {
        let resolver = PublicOnly { proxies: vec!["proxy.example".to_owned()] };
        let error = resolver.resolve("localhost".parse().expect("a name")).await.err().expect("refused");
        assert!(error.is::<NotPublic>(), "{error}");
        // Unless the owner of the machine put a proxy there.
        let resolver = PublicOnly { proxies: vec!["localhost".to_owned()] };
        assert!(
            resolver.resolve("LocalHost".parse().expect("a name")).await.is_ok_and(|mut found| found.next().is_some())
        );
    }
}
