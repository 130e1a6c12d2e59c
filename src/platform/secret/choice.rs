//! Which secret store a desktop program uses.

#[cfg(feature = "keyring")]
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use super::{FileSecrets, SecretError, SecretStore};
use crate::platform::private;

const KEY_FILE: &str = "secrets.json";
/// Says that the secrets were put into the system's store. What it holds is for people.
const KEYRING_MARK: &str = "secrets-are-in-the-keyring";

/// The best secret store that this machine has for a wallet in the folder `dir`, and a sentence
/// for its user that says which: the system's own store (feature `keyring`), else a key file in
/// the folder, which protects against other users only.
///
/// The first choice is kept: a wallet whose secrets are in the system's store is not given an
/// empty key file when that store can't be reached one day, but an error.
pub async fn best_available(service: &str, dir: &Path) -> Result<(Arc<dyn SecretStore>, &'static str), SecretError> {
    let unusable = |error: std::io::Error| {
        SecretError::new(format!("the wallet's folder can't be used: {error}")).caused_by(error)
    };
    private::create_dir(dir).map_err(unusable)?;
    let key_file = dir.join(KEY_FILE);
    #[cfg(feature = "keyring")]
    if !key_file.try_exists().map_err(unusable)? {
        use crate::platform::keyring::KeyringSecrets;
        const DESCRIPTION: &str = if cfg!(target_os = "macos") {
            "secrets are kept in the Keychain"
        } else if cfg!(target_os = "windows") {
            "secrets are kept in the Credential Manager"
        } else {
            "secrets are kept in the desktop's keyring (Secret Service)"
        };
        let mark = dir.join(KEYRING_MARK);
        let chosen = mark.try_exists().map_err(unusable)?;
        let opened = match KeyringSecrets::open(service).await {
            Ok(keyring) if chosen => Ok(keyring),
            Ok(keyring) => keyring.try_out().await.map(|()| keyring),
            Err(error) => Err(error),
        };
        match opened {
            Ok(keyring) => {
                if !chosen {
                    private::open_or_create(&mark)
                        .and_then(|mut file| writeln!(file, "service {service}").and_then(|()| file.sync_all()))
                        .map_err(unusable)?;
                }
                return Ok((Arc::new(keyring), DESCRIPTION));
            }
            Err(error) if chosen => {
                let detail = format!("this wallet's secrets are in the system's store, which can't be used: {error}");
                return Err(SecretError::new(detail).caused_by(error));
            }
            Err(error) => tracing::info!(%error, "no system store of secrets, a key file is used"),
        }
    }
    #[cfg(not(feature = "keyring"))]
    if dir.join(KEYRING_MARK).try_exists().map_err(unusable)? {
        let detail =
            format!("this wallet's secrets are in the system's store ({service}); this program has no way to it");
        return Err(SecretError::new(detail));
    }
    let secrets = FileSecrets::open(&key_file).await?;
    Ok((Arc::new(secrets), "secrets are kept in a key file that only its permissions protect (no system keyring)"))
}
