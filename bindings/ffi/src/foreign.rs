//! What an app brings along in its own language, and the adapters that make it the core's. The wallet
//! provider is in `provider.rs`.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use billfold::model::credential as core_credential;
use billfold::model::jwk::{self, Jwk};
use billfold::platform::{http as core_http, keys as core_keys, secret as core_secret};
use billfold::{ErrorCode, Operation};
use zeroize::Zeroizing;

use crate::records::Algorithm;

/// A key as the platform made it.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct HolderKey {
    /// Its name in the key store. Never the key itself.
    pub handle: String,
    /// Which key it is: the algorithm it signs with tells the curve.
    pub algorithm: Algorithm,
    /// The public key: for ECDSA the uncompressed point (`04 || X || Y`), for `EdDSA` the 32 octets.
    pub public_key: Vec<u8>,
    /// Certificates for it, if the platform has some: DER, the key's own first. Needed only where
    /// proofs name their key by certificate.
    #[uniffi(default = [])]
    pub certificates: Vec<Vec<u8>>,
}

/// What a key is for. Only credentials' keys are worth asking the user about: the others sign on every
/// request, also when nobody looks at the phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum KeyPurpose {
    /// A credential will be bound to it.
    Credential,
    /// Access tokens will be bound to it (`DPoP`).
    AccessToken,
    /// Client attestations will be bound to it.
    ClientInstance,
}

impl TryFrom<core_keys::KeyPurpose> for KeyPurpose {
    type Error = String;

    fn try_from(purpose: core_keys::KeyPurpose) -> Result<Self, String> {
        match purpose {
            core_keys::KeyPurpose::Credential => Ok(Self::Credential),
            core_keys::KeyPurpose::AccessToken => Ok(Self::AccessToken),
            core_keys::KeyPurpose::ClientInstance => Ok(Self::ClientInstance),
            other => Err(format!("keys for the purpose {other:?} do not cross the border")),
        }
    }
}

/// One signature that is wanted.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct SignRequest {
    /// With which key.
    pub handle: String,
    /// With which algorithm, the one that the key was made for.
    pub algorithm: Algorithm,
    /// Over which octets; the algorithm's own hash is applied to them.
    pub payload: Vec<u8>,
}

/// What went wrong with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum KeyErrorKind {
    /// There is no such key.
    Unknown,
    /// The user did not unlock it.
    Locked,
    /// The platform can't make such keys.
    Unsupported,
    /// Anything else.
    Failed,
}

/// A key operation that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum KeyError {
    /// The only variant.
    #[error("{detail}")]
    Failed {
        /// What went wrong.
        kind: KeyErrorKind,
        /// A sentence for developers, without secrets.
        detail: String,
    },
}

impl From<uniffi::UnexpectedUniFFICallbackError> for KeyError {
    /// The text of an unexpected exception may hold anything, so it stays behind.
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Failed {
            kind: KeyErrorKind::Failed,
            detail: String::from("the app's key store threw something unexpected"),
        }
    }
}

/// Makes keys and signs with them, in the platform. Private keys never cross the border.
#[uniffi::export(foreign)]
#[async_trait]
pub trait HolderKeys: Send + Sync {
    /// The algorithms that keys can have, the preferred first. Asked once, when the wallet is opened.
    fn algorithms(&self) -> Result<Vec<Algorithm>, KeyError>;

    /// Makes `count` keys: all of them or none.
    async fn create(&self, algorithm: Algorithm, purpose: KeyPurpose, count: u32) -> Result<Vec<HolderKey>, KeyError>;

    /// Signs all requests, in their order: all of them or none. ECDSA signatures may be DER or raw.
    async fn sign(&self, requests: Vec<SignRequest>) -> Result<Vec<Vec<u8>>, KeyError>;

    /// Deletes keys. One that is not there is no error.
    async fn delete(&self, handles: Vec<String>) -> Result<(), KeyError>;

    /// The keys of these names, in their order, as far as they are there: a backup names them. The user is not asked.
    async fn find(&self, handles: Vec<String>) -> Result<Vec<Option<HolderKey>>, KeyError>;
}

/// A header field of a request or an answer.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct HttpHeader {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A request to send as it is.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct HttpRequest {
    /// The method.
    pub method: String,
    /// The address.
    pub url: String,
    /// The header fields, in order; a name can stand there twice.
    pub headers: Vec<HttpHeader>,
    /// The body; empty when there is none.
    pub body: Vec<u8>,
}

/// What a transport has to hold a request to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Record)]
pub struct HttpLimits {
    /// A longer body ends as `TooLarge`; the transport stops reading there.
    pub max_body_bytes: u64,
    /// Time to connect, in milliseconds.
    pub connect_timeout_ms: u64,
    /// Time for the whole exchange, in milliseconds.
    pub total_timeout_ms: u64,
    /// Whether names that lead to private, link-local or loopback addresses are refused
    /// (`ForbiddenAddress`).
    pub public_addresses_only: bool,
}

/// An answer, whatever its status.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct HttpResponse {
    /// The status.
    pub status: u16,
    /// The header fields.
    pub headers: Vec<HttpHeader>,
    /// The body.
    pub body: Vec<u8>,
}

/// What went wrong on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
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
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum TransportError {
    /// The only variant.
    #[error("{detail}")]
    Failed {
        /// What went wrong.
        kind: TransportErrorKind,
        /// Whether the request may have reached the server. When in doubt, true.
        maybe_sent: bool,
        /// A sentence for developers, without header values or bodies.
        detail: String,
    },
}

impl From<uniffi::UnexpectedUniFFICallbackError> for TransportError {
    /// The text of an unexpected exception may hold anything, so it stays behind.
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Failed {
            kind: TransportErrorKind::Other,
            maybe_sent: true,
            detail: String::from("the app's HTTP transport threw something unexpected"),
        }
    }
}

/// Sends one request and gives its answer, whatever its status.
///
/// An implementation does not follow redirects, does not repeat a request by itself (a code or a
/// nonce works once), keeps no cookies, and checks server certificates.
#[uniffi::export(foreign)]
#[async_trait]
pub trait HttpTransport: Send + Sync {
    /// Sends the request.
    async fn send(&self, request: HttpRequest, limits: HttpLimits) -> Result<HttpResponse, TransportError>;
}

/// A secret that could not be kept or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum SecretError {
    /// The only variant.
    #[error("{detail}")]
    Failed {
        /// A sentence for developers, without the secret.
        detail: String,
    },
}

impl From<uniffi::UnexpectedUniFFICallbackError> for SecretError {
    /// The text of an unexpected exception may hold anything, so it stays behind.
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Failed { detail: String::from("the app's secret store threw something unexpected") }
    }
}

/// Keeps small secrets by name, under the platform's own protection.
#[uniffi::export(foreign)]
#[async_trait]
pub trait SecretStore: Send + Sync {
    /// Keeps a secret under a name; an older one of that name is replaced.
    async fn put(&self, name: String, secret: Vec<u8>) -> Result<(), SecretError>;

    /// The secret of that name.
    async fn get(&self, name: String) -> Result<Option<Vec<u8>>, SecretError>;

    /// Forgets a secret. One that is not there is no error.
    async fn remove(&self, name: String) -> Result<(), SecretError>;
}

/// The app's keys as the core's.
pub(crate) struct KeysAdapter {
    keys: Arc<dyn HolderKeys>,
    algorithms: Vec<jwk::Algorithm>,
}

impl KeysAdapter {
    /// Asks for the algorithms at once, because the core asks where nothing may fail.
    pub(crate) fn new(keys: Arc<dyn HolderKeys>) -> Result<Self, billfold::Error> {
        let algorithms: Vec<jwk::Algorithm> =
            keys.algorithms().map_err(|error| setup(error.to_string()))?.into_iter().map(Into::into).collect();
        if algorithms.is_empty() {
            return Err(setup(String::from("the app's key store names no algorithm")));
        }
        Ok(Self { keys, algorithms })
    }
}

fn setup(detail: String) -> billfold::Error {
    billfold::Error::new(ErrorCode::SetupInvalid, detail).at(Operation::Proof)
}

/// What the app's key store made, if it is what it was asked for.
fn usable(
    made: Vec<HolderKey>,
    algorithm: jwk::Algorithm,
    count: usize,
) -> Result<Vec<core_credential::HolderKey>, core_keys::KeyError> {
    let made = made.into_iter().map(core_credential::HolderKey::try_from).collect::<Result<Vec<_>, _>>()?;
    if made.len() == count && made.iter().all(|key| key.public_jwk.algorithm() == algorithm) {
        return Ok(made);
    }
    let detail = format!("the app's key store was asked for {count} {algorithm} keys and gave {} others", made.len());
    Err(core_keys::KeyError::new(core_keys::KeyErrorKind::Failed, detail))
}

#[async_trait]
impl core_keys::HolderKeys for KeysAdapter {
    fn algorithms(&self) -> Vec<jwk::Algorithm> {
        self.algorithms.clone()
    }

    async fn create(
        &self,
        spec: core_keys::KeySpec,
        count: usize,
    ) -> Result<Vec<core_credential::HolderKey>, core_keys::KeyError> {
        let unsupported = |detail: String| core_keys::KeyError::new(core_keys::KeyErrorKind::Unsupported, detail);
        let algorithm = Algorithm::try_from(spec.algorithm).map_err(unsupported)?;
        let purpose = KeyPurpose::try_from(spec.purpose).map_err(unsupported)?;
        let wanted = u32::try_from(count).map_err(|_| unsupported(String::from("too many keys at once")))?;
        let made = self.keys.create(algorithm, purpose, wanted).await?;
        let handles: Vec<_> = made.iter().map(|key| key.handle.clone()).collect();
        let made = usable(made, spec.algorithm, count);
        if made.is_err()
            && let Err(error) = self.keys.delete(handles).await
        {
            tracing::warn!(target: "billfold::keys", "keys that nobody asked for could not be deleted: {error}");
        }
        made
    }

    async fn sign(&self, requests: Vec<core_keys::SignRequest>) -> Result<Vec<Vec<u8>>, core_keys::KeyError> {
        let count = requests.len();
        let requests = requests
            .into_iter()
            .map(SignRequest::try_from)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|detail| core_keys::KeyError::new(core_keys::KeyErrorKind::Unsupported, detail))?;
        let signatures = self.keys.sign(requests).await?;
        if signatures.len() != count {
            return Err(core_keys::KeyError::new(
                core_keys::KeyErrorKind::Failed,
                format!("the app's key store was asked for {count} signatures and gave {}", signatures.len()),
            ));
        }
        Ok(signatures)
    }

    async fn delete(&self, handles: Vec<billfold::model::ids::KeyHandle>) -> Result<(), core_keys::KeyError> {
        let handles = handles.iter().map(ToString::to_string).collect();
        Ok(self.keys.delete(handles).await?)
    }

    async fn holds(&self, keys: &[core_credential::HolderKey]) -> Result<Vec<bool>, core_keys::KeyError> {
        let found = self.keys.find(keys.iter().map(|key| key.handle.to_string()).collect()).await?;
        if found.len() != keys.len() {
            return Err(core_keys::KeyError::new(
                core_keys::KeyErrorKind::Failed,
                format!("the app's key store was asked for {} keys and answered for {}", keys.len(), found.len()),
            ));
        }
        let same = |(found, key): (Option<HolderKey>, &core_credential::HolderKey)| {
            let found = found.map(core_credential::HolderKey::try_from).transpose()?;
            Ok(found.is_some_and(|found| found.public_jwk == key.public_jwk))
        };
        found.into_iter().zip(keys).map(same).collect()
    }
}

impl TryFrom<HolderKey> for core_credential::HolderKey {
    type Error = core_keys::KeyError;

    fn try_from(key: HolderKey) -> Result<Self, core_keys::KeyError> {
        let HolderKey { handle, algorithm, public_key, certificates } = key;
        let curve = jwk::Algorithm::from(algorithm).curve();
        let public_jwk = Jwk::from_point(curve, &public_key).map_err(|error| {
            core_keys::KeyError::new(core_keys::KeyErrorKind::Failed, "the app's key store gave no legal public key")
                .caused_by(error)
        })?;
        Ok(Self { handle: handle.into(), public_jwk, certificates })
    }
}

impl TryFrom<core_keys::SignRequest> for SignRequest {
    type Error = String;

    fn try_from(request: core_keys::SignRequest) -> Result<Self, String> {
        let core_keys::SignRequest { handle, algorithm, payload } = request;
        Ok(Self { handle: handle.to_string(), algorithm: algorithm.try_into()?, payload })
    }
}

impl From<KeyError> for core_keys::KeyError {
    fn from(error: KeyError) -> Self {
        let KeyError::Failed { kind, detail } = error;
        let kind = match kind {
            KeyErrorKind::Unknown => core_keys::KeyErrorKind::Unknown,
            KeyErrorKind::Locked => core_keys::KeyErrorKind::Locked,
            KeyErrorKind::Unsupported => core_keys::KeyErrorKind::Unsupported,
            KeyErrorKind::Failed => core_keys::KeyErrorKind::Failed,
        };
        Self::new(kind, detail)
    }
}

/// The app's transport as the core's.
pub(crate) struct TransportAdapter(pub(crate) Arc<dyn HttpTransport>);

#[async_trait]
impl core_http::HttpTransport for TransportAdapter {
    async fn send(
        &self,
        request: core_http::HttpRequest,
        limits: core_http::HttpLimits,
    ) -> Result<core_http::HttpResponse, core_http::TransportError> {
        let sending = self.0.send(request.try_into()?, limits.into());
        // The app's transport keeps to the limits; this is for one that does not.
        match tokio::time::timeout(limits.total_timeout + GRACE, sending).await {
            Ok(answer) => {
                let answer = answer?;
                if answer.body.len() > limits.max_body_bytes {
                    return Err(core_http::TransportError::new(
                        core_http::TransportErrorKind::TooLarge,
                        true,
                        format!("the answer is longer than {} bytes", limits.max_body_bytes),
                    ));
                }
                answer.try_into()
            }
            Err(_) => Err(core_http::TransportError::new(
                core_http::TransportErrorKind::TimedOut,
                true,
                "the app's HTTP transport did not come back in time",
            )),
        }
    }
}

/// How long after its time limit a transport may still come back with its own word on what happened.
const GRACE: Duration = Duration::from_secs(5);

impl TryFrom<core_http::HttpRequest> for HttpRequest {
    type Error = core_http::TransportError;

    fn try_from(request: core_http::HttpRequest) -> Result<Self, core_http::TransportError> {
        let (parts, body) = request.into_parts();
        let headers = parts
            .headers
            .iter()
            .map(|(name, value)| match value.to_str() {
                Ok(value) => Ok(HttpHeader { name: name.as_str().to_owned(), value: value.to_owned() }),
                Err(error) => Err(core_http::TransportError::new(
                    core_http::TransportErrorKind::Other,
                    false,
                    format!("the header field {name} is no text"),
                )
                .caused_by(error)),
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { method: parts.method.to_string(), url: parts.uri.to_string(), headers, body })
    }
}

impl TryFrom<HttpResponse> for core_http::HttpResponse {
    type Error = core_http::TransportError;

    fn try_from(response: HttpResponse) -> Result<Self, core_http::TransportError> {
        let HttpResponse { status, headers, body } = response;
        let mut made = http::Response::builder().status(status);
        for HttpHeader { name, value } in headers {
            // A field that is none (a server may send anything) is as good as not sent.
            if let (Ok(name), Ok(value)) =
                (http::HeaderName::try_from(name), http::HeaderValue::from_str(value.as_str()))
            {
                made = made.header(name, value);
            }
        }
        made.body(body).map_err(|error| {
            core_http::TransportError::new(
                core_http::TransportErrorKind::Other,
                true,
                format!("{status} is no HTTP status"),
            )
            .caused_by(error)
        })
    }
}

impl From<core_http::HttpLimits> for HttpLimits {
    fn from(limits: core_http::HttpLimits) -> Self {
        let core_http::HttpLimits { max_body_bytes, connect_timeout, total_timeout, public_addresses_only } = limits;
        let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self {
            max_body_bytes: max_body_bytes as u64,
            connect_timeout_ms: milliseconds(connect_timeout),
            total_timeout_ms: milliseconds(total_timeout),
            public_addresses_only,
        }
    }
}

impl From<TransportError> for core_http::TransportError {
    fn from(error: TransportError) -> Self {
        let TransportError::Failed { kind, maybe_sent, detail } = error;
        let kind = match kind {
            TransportErrorKind::Unreachable => core_http::TransportErrorKind::Unreachable,
            TransportErrorKind::TimedOut => core_http::TransportErrorKind::TimedOut,
            TransportErrorKind::ConnectionLost => core_http::TransportErrorKind::ConnectionLost,
            TransportErrorKind::Tls => core_http::TransportErrorKind::Tls,
            TransportErrorKind::TooLarge => core_http::TransportErrorKind::TooLarge,
            TransportErrorKind::ForbiddenAddress => core_http::TransportErrorKind::ForbiddenAddress,
            TransportErrorKind::Other => core_http::TransportErrorKind::Other,
        };
        Self::new(kind, maybe_sent, detail)
    }
}

/// The app's secret store as the core's.
pub(crate) struct SecretsAdapter(pub(crate) Arc<dyn SecretStore>);

#[async_trait]
impl core_secret::SecretStore for SecretsAdapter {
    async fn put(&self, name: &str, secret: Zeroizing<Vec<u8>>) -> Result<(), core_secret::SecretError> {
        Ok(self.0.put(name.to_owned(), secret.to_vec()).await?)
    }

    async fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, core_secret::SecretError> {
        Ok(self.0.get(name.to_owned()).await?.map(Zeroizing::new))
    }

    async fn remove(&self, name: &str) -> Result<(), core_secret::SecretError> {
        Ok(self.0.remove(name.to_owned()).await?)
    }
}

impl From<SecretError> for core_secret::SecretError {
    fn from(error: SecretError) -> Self {
        let SecretError::Failed { detail } = error;
        Self::new(detail)
    }
}

#[cfg(test)]
mod tests;
