//! Where small secrets rest: the wallet's wrapping key, software keys.

mod choice;
mod file;
mod passphrase;

use std::error::Error as StdError;
use std::sync::Arc;

use async_trait::async_trait;
use zeroize::Zeroizing;

pub use choice::best_available;
pub use file::FileSecrets;
pub use passphrase::PassphraseSecrets;

/// Keeps secrets by name. The platform's own protection (Keystore, Keychain, Secret Service)
/// belongs behind it.
#[async_trait]
pub trait SecretStore: Send + Sync {
    /// Keeps a secret under a name; an older one of that name is replaced.
    async fn put(&self, name: &str, secret: Zeroizing<Vec<u8>>) -> Result<(), SecretError>;

    /// The secret of that name.
    async fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, SecretError>;

    /// Forgets a secret. One that is not there is no error.
    async fn remove(&self, name: &str) -> Result<(), SecretError>;
}

#[async_trait]
impl<T: SecretStore + ?Sized> SecretStore for Arc<T> {
    async fn put(&self, name: &str, secret: Zeroizing<Vec<u8>>) -> Result<(), SecretError> {
        (**self).put(name, secret).await
    }

    async fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, SecretError> {
        (**self).get(name).await
    }

    async fn remove(&self, name: &str) -> Result<(), SecretError> {
        (**self).remove(name).await
    }
}

/// A secret that could not be kept or read.
#[derive(Debug, thiserror::Error)]
#[error("{detail}")]
pub struct SecretError {
    /// A sentence for developers, without the secret.
    pub detail: String,
    /// The cause.
    #[source]
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

impl SecretError {
    /// An error without a cause.
    pub fn new(detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), source: None }
    }

    /// Keeps the cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}
