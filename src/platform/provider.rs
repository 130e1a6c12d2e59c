//! The app's back end, as far as billfold needs it: it vouches for the wallet and for its keys.

use std::error::Error as StdError;
use std::sync::Arc;

use async_trait::async_trait;

use crate::model::credential::HolderKey;
use crate::model::ids::{ClientId, IssuerId};
use crate::model::jwk::Algorithm;

/// What a [`WalletProvider`] can do. The default is nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProviderCapabilities {
    /// It gives client attestations: the wallet authenticates with them where a server takes
    /// `attest_jwt_client_auth`.
    pub client_attestation: bool,
    /// It signs client assertions with this key: the wallet authenticates with them where a server takes
    /// `private_key_jwt` and no attestation.
    pub client_assertion: Option<ClientAssertionKey>,
    /// It gives key attestations.
    pub key_attestation: bool,
}

/// The key behind client assertions (RFC 7523), known to the authorization servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientAssertionKey {
    /// What it signs with.
    pub algorithm: Algorithm,
    /// Its `kid` in the client's registered keys, if it has one.
    pub key_id: Option<String>,
}

/// Asks for a client attestation (OpenID4VCI appendix E).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientAttestationRequest {
    /// The authorization server that will see it. An attestation is never shown to another one.
    pub authorization_server: IssuerId,
    /// The `sub` that it has to have. It names the wallet product, never one installation: every user of
    /// the app shares it, or issuers could follow one user by it (OpenID4VCI section 15.4.4).
    pub client_id: ClientId,
    /// The key that it has to name as `cnf.jwk`: fresh, and in the wallet's [`HolderKeys`](super::keys::HolderKeys).
    pub key: HolderKey,
}

/// Asks for the signature of a client assertion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientAssertionRequest {
    /// The authorization server that will see it.
    pub authorization_server: IssuerId,
    /// Which key has to sign.
    pub key: ClientAssertionKey,
    /// Over which octets; the algorithm's own hash is applied to them.
    pub payload: Vec<u8>,
}

/// Asks for a key attestation (OpenID4VCI appendix D).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyAttestationRequest {
    /// The credential issuer that will see it.
    pub credential_issuer: IssuerId,
    /// The keys that it has to name as `attested_keys`, in this order. All of one request are of one
    /// algorithm.
    pub keys: Vec<HolderKey>,
    /// The `nonce` that it has to carry; none where the issuer gives none.
    pub nonce: Option<String>,
    /// The `key_storage` levels of which the issuer accepts any; empty where it does not care.
    pub key_storage: Vec<String>,
    /// The `user_authentication` levels of which the issuer accepts any; empty where it does not care.
    pub user_authentication: Vec<String>,
    /// The algorithms that the attestation may be signed with, by their JOSE names.
    pub signing_algorithms: Vec<String>,
    /// Whether it travels in the header of a `jwt` proof, where it needs an `exp`; otherwise it is the
    /// proof itself.
    pub inside_jwt_proof: bool,
}

/// Vouches for the wallet and its keys towards authorization servers and issuers.
///
/// What it returns is checked before it is used. It is asked for no more than it
/// [can do](Self::capabilities).
#[async_trait]
pub trait WalletProvider: Send + Sync {
    /// What it can do. Read once, when the wallet is built.
    fn capabilities(&self) -> ProviderCapabilities;

    /// A client attestation as a compact JWT, with `typ` `oauth-client-attestation+jwt`.
    async fn client_attestation(&self, request: ClientAttestationRequest) -> Result<String, ProviderError> {
        let _ = request;
        Err(ProviderError::new(ProviderErrorKind::Unsupported, "the wallet provider gives no client attestations"))
    }

    /// A signature with the client's own key. An ECDSA signature may be raw or DER.
    async fn sign_client_assertion(&self, request: ClientAssertionRequest) -> Result<Vec<u8>, ProviderError> {
        let _ = request;
        Err(ProviderError::new(ProviderErrorKind::Unsupported, "the wallet provider signs no client assertions"))
    }

    /// A key attestation as a compact JWT, with `typ` `key-attestation+jwt`.
    async fn key_attestation(&self, request: KeyAttestationRequest) -> Result<String, ProviderError> {
        let _ = request;
        Err(ProviderError::new(ProviderErrorKind::Unsupported, "the wallet provider gives no key attestations"))
    }
}

#[async_trait]
impl<T: WalletProvider + ?Sized> WalletProvider for Arc<T> {
    fn capabilities(&self) -> ProviderCapabilities {
        (**self).capabilities()
    }

    async fn client_attestation(&self, request: ClientAttestationRequest) -> Result<String, ProviderError> {
        (**self).client_attestation(request).await
    }

    async fn sign_client_assertion(&self, request: ClientAssertionRequest) -> Result<Vec<u8>, ProviderError> {
        (**self).sign_client_assertion(request).await
    }

    async fn key_attestation(&self, request: KeyAttestationRequest) -> Result<String, ProviderError> {
        (**self).key_attestation(request).await
    }
}

/// What went wrong at the wallet provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProviderErrorKind {
    /// It could not be reached, or failed; later it may work.
    Unavailable,
    /// It does not vouch for this wallet or these keys.
    Refused,
    /// It does not do this at all.
    Unsupported,
}

/// A wallet provider that did not help.
#[derive(Debug, thiserror::Error)]
#[error("{detail}")]
pub struct ProviderError {
    /// What went wrong.
    pub kind: ProviderErrorKind,
    /// A sentence for developers, without secrets.
    pub detail: String,
    /// The cause.
    #[source]
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

impl ProviderError {
    /// An error without a cause.
    pub fn new(kind: ProviderErrorKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), source: None }
    }

    /// Keeps the cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}
