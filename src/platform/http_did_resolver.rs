//! DIDs by a resolver on the network.

use std::sync::Arc;

use async_trait::async_trait;
use http::StatusCode;
use serde_json::{Map, Value};
use url::Url;

use super::did_resolver::{ALL_METHODS, DidResolver, DidResolverError, DidResolverErrorKind};
use super::http::{HttpLimits, HttpResponse, HttpTransport, TransportErrorKind};
use crate::error::{Error, ErrorCode, Result};
use crate::json;
use crate::model::ids::IssuerId;
use crate::protocol::message;

const ACCEPT: &str = "application/did+ld+json, application/did+json, application/did, application/json";

/// The longest DID that is asked for, in characters: what fits into a request's first line everywhere.
const MAX_DID: usize = 2048;

/// A [`DidResolver`] that asks a server: `GET {base}/{did}`, as universal resolvers are asked (DID Resolution, HTTPS
/// binding).
///
/// The answer is a DID document, or a DID resolution result with one (`didDocument`). At most 1 MiB is read, within
/// 30 seconds, and redirects are not followed. A document whose `id` is not the DID that was asked for is refused, and
/// so is what was deactivated. What the server answers about itself (a failure, a refusal, a page) says nothing about
/// the DID: that is [`DidResolverErrorKind::Unreachable`].
///
/// Whoever runs the server learns which issuers a wallet has credentials of, and is believed about their keys.
///
/// ```no_run
/// # #[cfg(feature = "reqwest")]
/// # fn resolver() -> billfold::Result<()> {
/// use billfold::Wallet;
/// use billfold::platform::http_did_resolver::HttpDidResolver;
/// use billfold::platform::reqwest::ReqwestTransport;
///
/// let resolver = HttpDidResolver::new("https://resolver.example/1.0/identifiers", ReqwestTransport::new())?;
/// let builder = Wallet::builder("my-app").did_resolver(resolver.methods(["dyne", "prism"]));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct HttpDidResolver {
    base: Url,
    methods: Vec<String>,
    transport: Arc<dyn HttpTransport>,
}

impl HttpDidResolver {
    /// A resolver at an https address, for every method that billfold does not resolve by itself.
    ///
    /// [`ErrorCode::SetupInvalid`] if the address is no https URL, or has a query, a fragment or a user in it.
    pub fn new(base: impl AsRef<str>, transport: impl HttpTransport + 'static) -> Result<Self> {
        let resolver = Self::for_development(base, transport)?;
        if resolver.base.scheme() == "https" {
            Ok(resolver)
        } else {
            Err(Error::new(ErrorCode::SetupInvalid, "the address of the DID resolver is not https"))
        }
    }

    /// As [`new`](Self::new), and takes http to loopback addresses as well.
    pub fn for_development(base: impl AsRef<str>, transport: impl HttpTransport + 'static) -> Result<Self> {
        // Such addresses are held to the same rules as issuers'.
        let base = IssuerId::parse(base.as_ref()).map_err(|error| {
            Error::new(ErrorCode::SetupInvalid, "the address of the DID resolver can't be one").caused_by(error)
        })?;
        let methods = vec![ALL_METHODS.to_owned()];
        Ok(Self { base: base.to_url(), methods, transport: Arc::new(transport) })
    }

    /// The methods that are asked of it, such as `ebsi` of `did:ebsi:…`, instead of all.
    #[must_use]
    pub fn methods(mut self, methods: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.methods = methods.into_iter().map(Into::into).collect();
        self
    }

    fn address(&self, did: &str) -> Url {
        let mut url = self.base.clone();
        // Colons stand in a path as they are; the percent sign of a DID is one more that has to be encoded.
        url.path_segments_mut().expect("an https URL has a path").pop_if_empty().push(did);
        url
    }
}

#[async_trait]
impl DidResolver for HttpDidResolver {
    fn methods(&self) -> Vec<String> {
        self.methods.clone()
    }

    async fn resolve(&self, did: &str) -> Result<Value, DidResolverError> {
        if !is_plain_did(did) {
            return Err(fail(DidResolverErrorKind::Invalid, "it is not a DID"));
        }
        let request = message::get(&self.address(did), ACCEPT, None)
            .map_err(|_| fail(DidResolverErrorKind::Invalid, "the DID fits into no address"))?;
        let limits = HttpLimits::default();
        let response = self.transport.send(request, limits).await.map_err(|error| match error.kind {
            TransportErrorKind::TooLarge => too_large(),
            _ => fail(DidResolverErrorKind::Unreachable, &format!("the DID resolver can't be asked: {error}")),
        })?;
        if response.body().len() > limits.max_body_bytes {
            return Err(too_large());
        }
        read(did, &response)
    }
}

fn fail(kind: DidResolverErrorKind, detail: &str) -> DidResolverError {
    DidResolverError::new(kind, detail)
}

fn too_large() -> DidResolverError {
    fail(DidResolverErrorKind::Invalid, "the DID document is over the size limit")
}

/// Whether a text is a DID without path, query and fragment (DID Core section 3.1).
fn is_plain_did(text: &str) -> bool {
    let Some((method, id)) = text.strip_prefix("did:").and_then(|rest| rest.split_once(':')) else { return false };
    let in_method = |octet: u8| octet.is_ascii_lowercase() || octet.is_ascii_digit();
    let in_id = |octet: u8| octet.is_ascii_alphanumeric() || b".-_:%".contains(&octet);
    text.len() <= MAX_DID
        && !method.is_empty()
        && method.bytes().all(in_method)
        && !id.is_empty()
        && !id.ends_with(':')
        && id.bytes().all(in_id)
}

/// What the server's answer says.
fn read(did: &str, response: &HttpResponse) -> Result<Value, DidResolverError> {
    let status = response.status();
    let said = json::parse_object(response.body());
    let error = said.as_ref().ok().and_then(resolution_error);
    if let Some(error) = error {
        return Err(error);
    }
    match status {
        StatusCode::NOT_FOUND => {
            return Err(fail(DidResolverErrorKind::NotFound, "the DID resolver knows no such DID"));
        }
        StatusCode::GONE => return Err(deactivated()),
        StatusCode::BAD_REQUEST => {
            return Err(fail(DidResolverErrorKind::Invalid, "the DID resolver takes the DID for none"));
        }
        status if status.is_success() => {}
        status => {
            let detail = format!("the DID resolver answered with status {}", status.as_u16());
            return Err(fail(DidResolverErrorKind::Unreachable, &detail));
        }
    }
    let said = said.map_err(|error| {
        let detail = format!("the DID resolver gave no usable JSON: {error}");
        fail(DidResolverErrorKind::Unreachable, &detail)
    })?;
    let is_result = said.contains_key("didDocument");
    if said.get("didDocumentMetadata").and_then(|metadata| metadata.get("deactivated")).is_some_and(is_true) {
        return Err(deactivated());
    }
    let document = if is_result { said.get("didDocument").cloned().unwrap_or_default() } else { Value::Object(said) };
    if document.is_null() {
        return Err(fail(DidResolverErrorKind::NotFound, "the DID resolver gave no document"));
    }
    if document.get("id").and_then(Value::as_str) != Some(did) {
        return Err(fail(DidResolverErrorKind::Invalid, "the DID resolver gave the document of another DID"));
    }
    Ok(document)
}

fn deactivated() -> DidResolverError {
    fail(DidResolverErrorKind::NotFound, "the DID was deactivated")
}

/// Some write it as text.
fn is_true(value: &Value) -> bool {
    value == true || value == "true"
}

/// The error of a DID resolution result: a word, or of later versions an object with a URL whose fragment says it.
fn resolution_error(said: &Map<String, Value>) -> Option<DidResolverError> {
    let error = said.get("didResolutionMetadata")?.get("error")?;
    let name = match error {
        Value::Null => return None,
        Value::String(name) => name,
        other => other.get("type").and_then(Value::as_str).unwrap_or_default(),
    };
    let name: String =
        name.rsplit('#').next().unwrap_or_default().chars().filter(char::is_ascii_alphanumeric).collect();
    Some(match name.to_ascii_lowercase().as_str() {
        "notfound" => fail(DidResolverErrorKind::NotFound, "the DID resolver knows no such DID"),
        "deactivated" => deactivated(),
        "invaliddid" => fail(DidResolverErrorKind::Invalid, "the DID resolver takes the DID for none"),
        // Another method, another representation, a failure: the DID may be good.
        _ => {
            let name: String = name.chars().take(40).collect();
            fail(DidResolverErrorKind::Unreachable, &format!("the DID resolver could not resolve the DID: {name}"))
        }
    })
}

#[cfg(test)]
#[path = "http_did_resolver_tests.rs"]
mod tests;
