//! Secrets in a file that only its owner may read.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use super::{SecretError, SecretStore};
use crate::platform::private;

/// A [`SecretStore`] in a plain file.
///
/// It protects against other users of the machine by the file's permissions (0600; on Windows
/// those of its folder), and against nothing else: every program of the same user, and whoever
/// has the disk or a backup of it, can read the secrets. For machines without a keyring; where a
/// person can type a passphrase, [`PassphraseSecrets`](super::PassphraseSecrets) is better.
#[derive(Clone)]
pub struct FileSecrets {
    file: Arc<SecretFile>,
}

impl FileSecrets {
    /// Secrets in this file, which is made by the first secret. Fails when others may read it, or
    /// when it is no file of secrets.
    pub async fn open(path: &Path) -> Result<Self, SecretError> {
        let file = Arc::new(SecretFile { path: path.to_owned() });
        let opened = file.clone();
        crate::platform::blocking(move || opened.read().and_then(|content| parse(content.as_deref()))).await?;
        Ok(Self { file })
    }
}

impl fmt::Debug for FileSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileSecrets").field("path", &self.file.path).finish_non_exhaustive()
    }
}

#[async_trait]
impl SecretStore for FileSecrets {
    async fn put(&self, name: &str, secret: Zeroizing<Vec<u8>>) -> Result<(), SecretError> {
        let (file, name) = (self.file.clone(), name.to_owned());
        crate::platform::blocking(move || {
            file.change(|content| {
                let mut secrets = parse(content)?;
                secrets.insert(&name, &secret);
                Ok(Some(secrets.to_json()))
            })
        })
        .await
    }

    async fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, SecretError> {
        let (file, name) = (self.file.clone(), name.to_owned());
        crate::platform::blocking(move || parse(file.read()?.as_deref())?.get(&name)).await
    }

    async fn remove(&self, name: &str) -> Result<(), SecretError> {
        let (file, name) = (self.file.clone(), name.to_owned());
        crate::platform::blocking(move || {
            file.change(|content| {
                let mut secrets = parse(content)?;
                Ok(secrets.remove(&name).then(|| secrets.to_json()))
            })
        })
        .await
    }
}

fn parse(content: Option<&Vec<u8>>) -> Result<Secrets, SecretError> {
    content.map_or_else(|| Ok(Secrets::default()), |content| Secrets::parse(content))
}

/// What both kinds of file hold: secrets by name, as JSON.
#[derive(Serialize, Deserialize)]
pub(super) struct Secrets {
    version: u32,
    /// In base64.
    secrets: BTreeMap<String, String>,
}

const VERSION: u32 = 1;

impl Default for Secrets {
    fn default() -> Self {
        Self { version: VERSION, secrets: BTreeMap::new() }
    }
}

impl Secrets {
    pub(super) fn parse(json: &[u8]) -> Result<Self, SecretError> {
        // What serde says about a mistake can quote the text, so it is not passed on.
        let secrets: Self =
            serde_json::from_slice(json).map_err(|_| SecretError::new("the file of secrets is damaged"))?;
        if secrets.version != VERSION {
            let version = secrets.version;
            return Err(SecretError::new(format!("the file of secrets has format {version}, which is not known")));
        }
        Ok(secrets)
    }

    pub(super) fn to_json(&self) -> Zeroizing<Vec<u8>> {
        // Room for all of it from the start: growing would leave copies behind.
        let room = self.secrets.iter().map(|(name, secret)| 6 * name.len() + secret.len() + 8).sum::<usize>() + 64;
        let mut json = Zeroizing::new(Vec::with_capacity(room));
        serde_json::to_writer(&mut *json, self).expect("names and texts are JSON");
        json
    }

    pub(super) fn insert(&mut self, name: &str, secret: &[u8]) {
        if let Some(mut old) = self.secrets.insert(name.to_owned(), STANDARD.encode(secret)) {
            old.zeroize();
        }
    }

    pub(super) fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, SecretError> {
        let Some(text) = self.secrets.get(name) else { return Ok(None) };
        let secret = STANDARD.decode(text).map_err(|_| SecretError::new(format!("the secret {name} is damaged")))?;
        Ok(Some(Zeroizing::new(secret)))
    }

    /// Whether it was there.
    pub(super) fn remove(&mut self, name: &str) -> bool {
        self.secrets.remove(name).map(|mut old| old.zeroize()).is_some()
    }
}

impl Drop for Secrets {
    fn drop(&mut self) {
        self.secrets.values_mut().for_each(Zeroize::zeroize);
    }
}

/// A file that is replaced as a whole, for its owner only.
pub(super) struct SecretFile {
    pub(super) path: PathBuf,
}

impl SecretFile {
    /// What is in it; nothing when it is not there.
    pub(super) fn read(&self) -> Result<Option<Zeroizing<Vec<u8>>>, SecretError> {
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.failed("could not be read", error)),
        };
        self.refuse_shared(&file)?;
        let length = file.metadata().map_or(0, |found| usize::try_from(found.len()).unwrap_or(0));
        let mut content = Zeroizing::new(Vec::with_capacity(length + 1));
        file.read_to_end(&mut content).map_err(|error| self.failed("could not be read", error))?;
        Ok(Some(content))
    }

    /// Replaces its content by what `change` makes of it, or leaves it. Other changes, of other
    /// processes too, wait meanwhile.
    pub(super) fn change(
        &self,
        change: impl FnOnce(Option<&Vec<u8>>) -> Result<Option<Zeroizing<Vec<u8>>>, SecretError>,
    ) -> Result<(), SecretError> {
        let failed = |error| self.failed("could not be written", error);
        if let Some(dir) = self.path.parent() {
            private::create_dir(dir).map_err(failed)?;
        }
        let lock = private::open_or_create(&self.beside(".lock")).map_err(failed)?;
        lock.lock().map_err(failed)?;
        let Some(content) = change(self.read()?.as_deref())? else { return Ok(()) };
        let new = self.beside(&format!(".{}.new", hex::encode(crate::platform::random::<8>())));
        let written = private::create_new(&new).and_then(|mut file| {
            file.write_all(&content)?;
            file.sync_all()?;
            std::fs::rename(&new, &self.path)
        });
        if let Err(error) = written {
            // It may not even be there.
            let _ = std::fs::remove_file(&new);
            return Err(failed(error));
        }
        // The new name has to reach the disk too. Only Unix can be told so.
        #[cfg(unix)]
        if let Some(dir) = self.path.parent() {
            let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
            File::open(dir).and_then(|dir| dir.sync_all()).map_err(failed)?;
        }
        Ok(())
    }

    #[cfg(unix)]
    fn refuse_shared(&self, file: &File) -> Result<(), SecretError> {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = file.metadata().map_err(|error| self.failed("could not be read", error))?.permissions().mode();
        let others = mode & 0o077;
        if others == 0 {
            return Ok(());
        }
        let detail = format!(
            "{} may be read by others (mode {:03o}); take these rights away (chmod 600) and, if others may have read \
             it, regard its secrets as known",
            self.path.display(),
            mode & 0o777
        );
        Err(SecretError::new(detail))
    }

    #[cfg(not(unix))]
    #[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "as on Unix")]
    fn refuse_shared(&self, _file: &File) -> Result<(), SecretError> {
        Ok(())
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(suffix);
        name.into()
    }

    fn failed(&self, what: &str, error: io::Error) -> SecretError {
        SecretError::new(format!("{} {what}: {error}", self.path.display())).caused_by(error)
    }
}
