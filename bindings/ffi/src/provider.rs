//! The app's back end, which vouches for the wallet and its keys, in the app's own language.

use std::sync::Arc;

use async_trait::async_trait;
use billfold::model::credential as core_credential;
use billfold::platform::provider as core_provider;
use billfold::{Error, ErrorCode};

use crate::records::Algorithm;

/// What a [`WalletProvider`] can do.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct ProviderCapabilities {
    /// It gives client attestations.
    #[uniffi(default = false)]
    pub client_attestation: bool,
    /// It signs client assertions (`private_key_jwt`) with this key.
    #[uniffi(default = None)]
    pub client_assertion: Option<ClientAssertionKey>,
    /// It gives key attestations.
    #[uniffi(default = false)]
    pub key_attestation: bool,
}

impl From<ProviderCapabilities> for core_provider::ProviderCapabilities {
    fn from(capabilities: ProviderCapabilities) -> Self {
        let ProviderCapabilities { client_attestation, client_assertion, key_attestation } = capabilities;
        Self { client_attestation, client_assertion: client_assertion.map(Into::into), key_attestation }
    }
}

/// The key behind client assertions, known to the authorization servers.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct ClientAssertionKey {
    /// What it signs with.
    pub algorithm: Algorithm,
    /// Its `kid` in the client's registered keys, if it has one.
    #[uniffi(default = None)]
    pub key_id: Option<String>,
}

impl From<ClientAssertionKey> for core_provider::ClientAssertionKey {
    fn from(key: ClientAssertionKey) -> Self {
        let ClientAssertionKey { algorithm, key_id } = key;
        Self { algorithm: algorithm.into(), key_id }
    }
}

impl TryFrom<core_provider::ClientAssertionKey> for ClientAssertionKey {
    type Error = String;

    fn try_from(key: core_provider::ClientAssertionKey) -> Result<Self, String> {
        let core_provider::ClientAssertionKey { algorithm, key_id } = key;
        Ok(Self { algorithm: algorithm.try_into()?, key_id })
    }
}

/// A key of the wallet that the provider has to name in what it signs.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct KeyToAttest {
    /// Its name in the key store.
    pub handle: String,
    /// What it signs with.
    pub algorithm: Algorithm,
    /// The public key as the text of a JWK: what goes into `cnf` or `attested_keys` as it is.
    pub public_jwk: String,
    /// The certificates that the key store gave with it: DER, the key's own first.
    pub certificates: Vec<Vec<u8>>,
}

impl TryFrom<core_credential::HolderKey> for KeyToAttest {
    type Error = String;

    fn try_from(key: core_credential::HolderKey) -> Result<Self, String> {
        let core_credential::HolderKey { handle, public_jwk, certificates } = key;
        let algorithm = public_jwk.algorithm().try_into()?;
        let public_jwk = public_jwk.to_value().to_string();
        Ok(Self { handle: handle.to_string(), algorithm, public_jwk, certificates })
    }
}

/// Asks for a client attestation.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct ClientAttestationRequest {
    /// The authorization server that will see it. An attestation is never shown to another one.
    pub authorization_server: String,
    /// The `sub` that it has to have. It names the wallet product, never one installation.
    pub client_id: String,
    /// The key that it has to name as `cnf.jwk`.
    pub key: KeyToAttest,
}

impl TryFrom<core_provider::ClientAttestationRequest> for ClientAttestationRequest {
    type Error = String;

    fn try_from(request: core_provider::ClientAttestationRequest) -> Result<Self, String> {
        let core_provider::ClientAttestationRequest { authorization_server, client_id, key } = request;
        Ok(Self {
            authorization_server: authorization_server.into(),
            client_id: client_id.to_string(),
            key: key.try_into()?,
        })
    }
}

/// Asks for the signature of a client assertion.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct ClientAssertionRequest {
    /// The authorization server that will see it.
    pub authorization_server: String,
    /// Which key has to sign.
    pub key: ClientAssertionKey,
    /// Over which octets; the algorithm's own hash is applied to them.
    pub payload: Vec<u8>,
}

impl TryFrom<core_provider::ClientAssertionRequest> for ClientAssertionRequest {
    type Error = String;

    fn try_from(request: core_provider::ClientAssertionRequest) -> Result<Self, String> {
        let core_provider::ClientAssertionRequest { authorization_server, key, payload } = request;
        Ok(Self { authorization_server: authorization_server.into(), key: key.try_into()?, payload })
    }
}

/// Asks for a key attestation.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct KeyAttestationRequest {
    /// The credential issuer that will see it.
    pub credential_issuer: String,
    /// The keys that it has to name as `attested_keys`, in this order. All are of one algorithm.
    pub keys: Vec<KeyToAttest>,
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

impl TryFrom<core_provider::KeyAttestationRequest> for KeyAttestationRequest {
    type Error = String;

    fn try_from(request: core_provider::KeyAttestationRequest) -> Result<Self, String> {
        let core_provider::KeyAttestationRequest {
            credential_issuer,
            keys,
            nonce,
            key_storage,
            user_authentication,
            signing_algorithms,
            inside_jwt_proof,
        } = request;
        Ok(Self {
            credential_issuer: credential_issuer.into(),
            keys: keys.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            nonce,
            key_storage,
            user_authentication,
            signing_algorithms,
            inside_jwt_proof,
        })
    }
}

/// What went wrong at the wallet provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum ProviderErrorKind {
    /// It could not be reached, or failed; later it may work.
    Unavailable,
    /// It does not vouch for this wallet or these keys.
    Refused,
    /// It does not do this at all.
    Unsupported,
}

/// A wallet provider that did not help.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum ProviderError {
    /// The only variant.
    #[error("{detail}")]
    Failed {
        /// What went wrong.
        kind: ProviderErrorKind,
        /// A sentence for developers, without secrets.
        detail: String,
    },
}

impl From<uniffi::UnexpectedUniFFICallbackError> for ProviderError {
    /// The text of an unexpected exception may hold anything, so it stays behind.
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Failed {
            kind: ProviderErrorKind::Unavailable,
            detail: String::from("the app's wallet provider threw something unexpected"),
        }
    }
}

impl From<ProviderError> for core_provider::ProviderError {
    fn from(error: ProviderError) -> Self {
        let ProviderError::Failed { kind, detail } = error;
        let kind = match kind {
            ProviderErrorKind::Unavailable => core_provider::ProviderErrorKind::Unavailable,
            ProviderErrorKind::Refused => core_provider::ProviderErrorKind::Refused,
            ProviderErrorKind::Unsupported => core_provider::ProviderErrorKind::Unsupported,
        };
        Self::new(kind, detail)
    }
}

/// Vouches for the wallet and its keys towards authorization servers and issuers.
///
/// What it gives is checked before it is used. It is asked for no more than it says it can do.
#[uniffi::export(foreign)]
#[async_trait]
pub trait WalletProvider: Send + Sync {
    /// What it can do. Asked once, when the wallet is opened.
    fn capabilities(&self) -> Result<ProviderCapabilities, ProviderError>;

    /// A client attestation as a compact JWT, with `typ` `oauth-client-attestation+jwt`.
    async fn client_attestation(&self, request: ClientAttestationRequest) -> Result<String, ProviderError>;

    /// A signature with the client's own key. An ECDSA signature may be DER or raw.
    async fn sign_client_assertion(&self, request: ClientAssertionRequest) -> Result<Vec<u8>, ProviderError>;

    /// A key attestation as a compact JWT, with `typ` `key-attestation+jwt`.
    async fn key_attestation(&self, request: KeyAttestationRequest) -> Result<String, ProviderError>;
}

/// The app's wallet provider as the core's.
pub(crate) struct ProviderAdapter {
    provider: Arc<dyn WalletProvider>,
    capabilities: core_provider::ProviderCapabilities,
}

impl ProviderAdapter {
    /// Asks for the capabilities at once, because the core asks where nothing may fail.
    pub(crate) fn new(provider: Arc<dyn WalletProvider>) -> Result<Self, Error> {
        let capabilities =
            provider.capabilities().map_err(|error| Error::new(ErrorCode::SetupInvalid, error.to_string()))?.into();
        Ok(Self { provider, capabilities })
    }
}

/// What this layer can't hand on, the app's provider can't do.
fn unsupported(detail: String) -> core_provider::ProviderError {
    core_provider::ProviderError::new(core_provider::ProviderErrorKind::Unsupported, detail)
}

#[async_trait]
impl core_provider::WalletProvider for ProviderAdapter {
    fn capabilities(&self) -> core_provider::ProviderCapabilities {
        self.capabilities.clone()
    }

    async fn client_attestation(
        &self,
        request: core_provider::ClientAttestationRequest,
    ) -> Result<String, core_provider::ProviderError> {
        Ok(self.provider.client_attestation(request.try_into().map_err(unsupported)?).await?)
    }

    async fn sign_client_assertion(
        &self,
        request: core_provider::ClientAssertionRequest,
    ) -> Result<Vec<u8>, core_provider::ProviderError> {
        Ok(self.provider.sign_client_assertion(request.try_into().map_err(unsupported)?).await?)
    }

    async fn key_attestation(
        &self,
        request: core_provider::KeyAttestationRequest,
    ) -> Result<String, core_provider::ProviderError> {
        Ok(self.provider.key_attestation(request.try_into().map_err(unsupported)?).await?)
    }
}

#[cfg(test)]
mod tests;
