//! Secrets in the system's own store: Secret Service, Keychain, Credential Manager.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use zeroize::Zeroizing;

use super::secret::{SecretError, SecretStore};

/// A [`SecretStore`] in the system's own store of the signed-in user: the Secret Service (GNOME
/// Keyring, `KWallet`) on Linux, the Keychain on macOS, the Credential Manager on Windows.
///
/// Other programs of the same user can ask these stores too. On a phone, the app brings its own
/// [`SecretStore`] instead.
#[derive(Clone)]
pub struct KeyringSecrets {
    // Opened for this value alone: which store the process uses by default is the program's choice.
    store: Arc<Store>,
    service: Arc<str>,
}

/// A store that may be dropped anywhere: saying goodbye to D-Bus blocks, which panics on a thread
/// that drives asynchronous work.
struct Store(Option<Arc<keyring_core::CredentialStore>>);

impl Drop for Store {
    fn drop(&mut self) {
        let store = std::mem::ManuallyDrop::new(self.0.take());
        if tokio::runtime::Handle::try_current().is_err() {
            drop(std::mem::ManuallyDrop::into_inner(store));
        } else {
            // Without a thread to do it on, the connection stays until the process ends.
            let _ = std::thread::Builder::new().spawn(move || drop(std::mem::ManuallyDrop::into_inner(store)));
        }
    }
}

impl KeyringSecrets {
    /// The system's store; secrets are kept under the name of this service, the program's own.
    /// Fails where the machine has no such store, and says what is missing.
    pub async fn open(service: &str) -> Result<Self, SecretError> {
        let service = Arc::from(service);
        super::blocking(move || Ok(Self { store: Arc::new(Store(Some(system_store()?))), service })).await
    }

    /// Whether the store keeps, gives back and forgets: one that is locked may be there and do
    /// none of it.
    pub(super) async fn try_out(&self) -> Result<(), SecretError> {
        let name = format!("probe/{}", hex::encode(super::random::<8>()));
        let secret = Zeroizing::new(super::random::<32>().to_vec());
        self.put(&name, secret.clone()).await?;
        let kept = self.get(&name).await;
        self.remove(&name).await?;
        if kept? == Some(secret) {
            Ok(())
        } else {
            Err(SecretError::new("the system's store of secrets does not give back what it was given"))
        }
    }

    async fn with_entry<T: Send + 'static>(
        &self,
        name: &str,
        work: impl FnOnce(&keyring_core::Entry) -> Result<T, keyring_core::Error> + Send + 'static,
    ) -> Result<Option<T>, SecretError> {
        let (this, name) = (self.clone(), name.to_owned());
        super::blocking(move || {
            let store = this.store.0.as_ref().expect("it is there until it is dropped");
            let entry = store.build(&this.service, &name, None).map_err(|error| failed(&error))?;
            match work(&entry) {
                Ok(done) => Ok(Some(done)),
                Err(keyring_core::Error::NoEntry) => Ok(None),
                Err(error) => Err(failed(&error)),
            }
        })
        .await
    }
}

impl fmt::Debug for KeyringSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyringSecrets").field("service", &self.service).finish_non_exhaustive()
    }
}

#[async_trait]
impl SecretStore for KeyringSecrets {
    async fn put(&self, name: &str, secret: Zeroizing<Vec<u8>>) -> Result<(), SecretError> {
        let kept = self.with_entry(name, move |entry| entry.set_secret(&secret)).await?;
        kept.ok_or_else(|| SecretError::new("the system's store of secrets did not take a secret"))
    }

    async fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, SecretError> {
        self.with_entry(name, |entry| entry.get_secret().map(Zeroizing::new)).await
    }

    async fn remove(&self, name: &str) -> Result<(), SecretError> {
        self.with_entry(name, keyring_core::Entry::delete_credential).await.map(|_| ())
    }
}

#[cfg(target_os = "linux")]
fn system_store() -> Result<Arc<keyring_core::CredentialStore>, SecretError> {
    // Not the kernel's keyutils: they forget at the next start.
    match zbus_secret_service_keyring_store::Store::new() {
        Ok(store) => Ok(store),
        Err(error) => {
            let missing = if std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_none() {
                "there is no D-Bus session (DBUS_SESSION_BUS_ADDRESS is not set)"
            } else {
                "no Secret Service (GNOME Keyring, KWallet) answers on the D-Bus session"
            };
            Err(SecretError::new(format!("{missing}: {error}")))
        }
    }
}

#[cfg(target_os = "macos")]
fn system_store() -> Result<Arc<keyring_core::CredentialStore>, SecretError> {
    match apple_native_keyring_store::keychain::Store::new() {
        Ok(store) => Ok(store),
        Err(error) => Err(SecretError::new(format!("the Keychain can't be used: {error}"))),
    }
}

#[cfg(target_os = "windows")]
fn system_store() -> Result<Arc<keyring_core::CredentialStore>, SecretError> {
    match windows_native_keyring_store::Store::new() {
        Ok(store) => Ok(store),
        Err(error) => Err(SecretError::new(format!("the Credential Manager can't be used: {error}"))),
    }
}

#[cfg(not(any(target_os = "linux", target_os = "macos", target_os = "windows")))]
fn system_store() -> Result<Arc<keyring_core::CredentialStore>, SecretError> {
    Err(SecretError::new("billfold knows no store of secrets on this system; the program has to bring one"))
}

/// The text only: as a value, the cause may hold the secret.
fn failed(error: &keyring_core::Error) -> SecretError {
    let text = match error {
        keyring_core::Error::Ambiguous(found) => format!("{} entries have the same name", found.len()),
        keyring_core::Error::BadDataFormat(_, _) => "the secret has another format than expected".to_owned(),
        other => other.to_string(),
    };
    SecretError::new(format!("the system's store of secrets failed: {text}"))
}
