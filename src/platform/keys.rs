//! The keys that credentials are bound to. They live in the platform; only public halves and
//! signatures come out.

use std::error::Error as StdError;
use std::sync::Arc;

use async_trait::async_trait;

use crate::model::credential::HolderKey;
use crate::model::ids::KeyHandle;
use crate::model::jwk::Algorithm;

/// What a new key has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeySpec {
    /// The algorithm that it will sign with.
    pub algorithm: Algorithm,
    /// What it is for.
    pub purpose: KeyPurpose,
}

/// What a key is for. Only credentials' keys are worth asking the user about: the others sign on every
/// request, also when nobody looks at the phone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyPurpose {
    /// A credential will be bound to it.
    #[default]
    Credential,
    /// Access tokens will be bound to it (DPoP, RFC 9449).
    AccessToken,
    /// Client attestations will be bound to it (OpenID4VCI appendix E).
    ClientInstance,
}

impl KeySpec {
    /// A key for an algorithm, for credentials.
    pub fn new(algorithm: Algorithm) -> Self {
        Self { algorithm, purpose: KeyPurpose::Credential }
    }

    /// The same for another purpose.
    #[must_use]
    pub fn purpose(mut self, purpose: KeyPurpose) -> Self {
        self.purpose = purpose;
        self
    }
}

/// One signature that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignRequest {
    /// With which key.
    pub handle: KeyHandle,
    /// With which algorithm, the one that the key was made for.
    pub algorithm: Algorithm,
    /// Over which octets; the algorithm's own hash is applied to them.
    pub payload: Vec<u8>,
}

/// Makes keys and signs with them.
///
/// `create` and `sign` take several at once, so that a platform which asks the user does it once
/// for a batch.
#[async_trait]
pub trait HolderKeys: Send + Sync {
    /// The algorithms that keys can have, the preferred first.
    fn algorithms(&self) -> Vec<Algorithm>;

    /// Makes `count` keys: all of them or none.
    async fn create(&self, spec: KeySpec, count: usize) -> Result<Vec<HolderKey>, KeyError>;

    /// Signs all requests, in their order: all of them or none.
    ///
    /// ECDSA signatures may be raw (`R || S`) or DER; they are brought into the form that JOSE wants.
    async fn sign(&self, requests: Vec<SignRequest>) -> Result<Vec<Vec<u8>>, KeyError>;

    /// Deletes keys. One that is not there is no error.
    async fn delete(&self, handles: Vec<KeyHandle>) -> Result<(), KeyError>;

    /// Which of these keys are here: a key of that handle, with that public half. Asked about keys that a backup
    /// names, and without the user. By default none is: then credentials out of a backup can't be used until they
    /// are renewed, also on the device that the backup was made on.
    async fn holds(&self, keys: &[HolderKey]) -> Result<Vec<bool>, KeyError> {
        Ok(vec![false; keys.len()])
    }
}

#[async_trait]
impl<T: HolderKeys + ?Sized> HolderKeys for Arc<T> {
    fn algorithms(&self) -> Vec<Algorithm> {
        (**self).algorithms()
    }

    async fn create(&self, spec: KeySpec, count: usize) -> Result<Vec<HolderKey>, KeyError> {
        (**self).create(spec, count).await
    }

    async fn sign(&self, requests: Vec<SignRequest>) -> Result<Vec<Vec<u8>>, KeyError> {
        (**self).sign(requests).await
    }

    async fn delete(&self, handles: Vec<KeyHandle>) -> Result<(), KeyError> {
        (**self).delete(handles).await
    }

    async fn holds(&self, keys: &[HolderKey]) -> Result<Vec<bool>, KeyError> {
        (**self).holds(keys).await
    }
}

/// What went wrong with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
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
#[derive(Debug, thiserror::Error)]
#[error("{detail}")]
pub struct KeyError {
    /// What went wrong.
    pub kind: KeyErrorKind,
    /// A sentence for developers.
    pub detail: String,
    /// The cause.
    #[source]
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

impl KeyError {
    /// An error without a cause.
    pub fn new(kind: KeyErrorKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), source: None }
    }

    /// Keeps the cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}
