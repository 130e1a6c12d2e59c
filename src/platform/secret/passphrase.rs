//! Secrets in a file that a passphrase opens.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::file::{SecretFile, Secrets};
use super::{SecretError, SecretStore};
use crate::platform::seal::{Cost, Sealer};

/// A [`SecretStore`] in a file that is sealed with a passphrase: Argon2id makes the key,
/// XChaCha20-Poly1305 seals.
///
/// It is as strong as the passphrase against whoever has the file. The key stays in memory as
/// long as this value.
#[derive(Clone)]
pub struct PassphraseSecrets(Arc<Inner>);

struct Inner {
    file: SecretFile,
    /// Held by every use of the file, before the file's own lock.
    lock: RwLock<Lock>,
}

/// What opens the file, and how it was made.
struct Lock {
    kdf: Kdf,
    sealer: Sealer,
}

impl PassphraseSecrets {
    /// Opens the file, or makes it. Takes a good part of a second and 64 MiB of memory: that is
    /// what guessing costs too.
    pub async fn open(path: &Path, passphrase: impl Into<String>) -> Result<Self, SecretError> {
        Self::open_with(path, Zeroizing::new(passphrase.into()), Cost::RECOMMENDED).await
    }

    async fn open_with(path: &Path, passphrase: Zeroizing<String>, cost: Cost) -> Result<Self, SecretError> {
        let file = SecretFile { path: path.to_owned() };
        crate::platform::blocking(move || {
            if let Some(content) = file.read()? {
                return Inner::open(file, &content, &passphrase);
            }
            // Written at once, so that the next one who opens it needs the same passphrase.
            let mut made = None;
            file.change(|found| {
                if let Some(content) = found {
                    made = Some(Err(content.clone()));
                    return Ok(None);
                }
                let kdf = Kdf::new(cost);
                let sealer = kdf.derive(&passphrase)?;
                let content = write(&kdf, &sealer, &Secrets::default());
                made = Some(Ok((kdf, sealer)));
                Ok(Some(content))
            })?;
            match made.expect("the change was made") {
                Ok((kdf, sealer)) => Ok(Inner { file, lock: RwLock::new(Lock { kdf, sealer }) }),
                Err(content) => Inner::open(file, &content, &passphrase),
            }
        })
        .await
        .map(|inner| Self(Arc::new(inner)))
    }

    /// Seals the file with another passphrase. It has the old one or the new one at every moment, whenever it is
    /// cut off. Who has the file open elsewhere can't use it any more, until it is opened with the new one.
    pub async fn change_passphrase(&self, new: impl Into<String>) -> Result<(), SecretError> {
        self.change_to(Zeroizing::new(new.into()), Cost::RECOMMENDED).await
    }

    async fn change_to(&self, new: Zeroizing<String>, cost: Cost) -> Result<(), SecretError> {
        let inner = self.0.clone();
        crate::platform::blocking(move || {
            let mut lock = inner.lock.write().unwrap_or_else(PoisonError::into_inner);
            let mut changed = None;
            inner.file.change(|content| {
                let secrets = inner.parse(content, &lock)?;
                let kdf = Kdf::new(cost);
                let sealer = kdf.derive(&new)?;
                let content = write(&kdf, &sealer, &secrets);
                changed = Some(Lock { kdf, sealer });
                Ok(Some(content))
            })?;
            *lock = changed.expect("the change was made");
            Ok(())
        })
        .await
    }
}

impl fmt::Debug for PassphraseSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PassphraseSecrets").field("path", &self.0.file.path).finish_non_exhaustive()
    }
}

#[async_trait]
impl SecretStore for PassphraseSecrets {
    async fn put(&self, name: &str, secret: Zeroizing<Vec<u8>>) -> Result<(), SecretError> {
        let (inner, name) = (self.0.clone(), name.to_owned());
        crate::platform::blocking(move || {
            let lock = inner.lock();
            inner.file.change(|content| {
                let mut secrets = inner.parse(content, &lock)?;
                secrets.insert(&name, &secret);
                Ok(Some(write(&lock.kdf, &lock.sealer, &secrets)))
            })
        })
        .await
    }

    async fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, SecretError> {
        let (inner, name) = (self.0.clone(), name.to_owned());
        crate::platform::blocking(move || {
            let lock = inner.lock();
            inner.parse(inner.file.read()?.as_deref(), &lock)?.get(&name)
        })
        .await
    }

    async fn remove(&self, name: &str) -> Result<(), SecretError> {
        let (inner, name) = (self.0.clone(), name.to_owned());
        crate::platform::blocking(move || {
            let lock = inner.lock();
            inner.file.change(|content| {
                let mut secrets = inner.parse(content, &lock)?;
                Ok(secrets.remove(&name).then(|| write(&lock.kdf, &lock.sealer, &secrets)))
            })
        })
        .await
    }
}

impl Inner {
    fn open(file: SecretFile, content: &[u8], passphrase: &str) -> Result<Self, SecretError> {
        let sealed = SealedFile::parse(content)?;
        let sealer = sealed.kdf.derive(passphrase)?;
        sealed.open(&sealer).map_err(|_| {
            let path = file.path.display();
            SecretError::new(format!("the passphrase is wrong, or {path} is damaged"))
        })?;
        Ok(Self { file, lock: RwLock::new(Lock { kdf: sealed.kdf, sealer }) })
    }

    fn lock(&self) -> RwLockReadGuard<'_, Lock> {
        self.lock.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn parse(&self, content: Option<&Vec<u8>>, lock: &Lock) -> Result<Secrets, SecretError> {
        let path = self.file.path.display();
        // It was there when this value was made: an empty start would hide a loss.
        let content = content.ok_or_else(|| SecretError::new(format!("{path} is gone")))?;
        SealedFile::parse(content)?
            .open(&lock.sealer)
            .map_err(|_| SecretError::new(format!("{path} is damaged, or was made anew with another passphrase")))
    }
}

#[derive(Serialize, Deserialize)]
struct SealedFile {
    version: u32,
    kdf: Kdf,
    /// In base64.
    sealed: String,
}

/// How the key is made from the passphrase.
#[derive(Clone, Serialize, Deserialize)]
struct Kdf {
    name: String,
    #[serde(flatten)]
    cost: Cost,
    /// In base64.
    salt: String,
}

/// What a file may ask for at most: it must not bring the machine down.
const MOST: Cost = Cost { memory_kib: 1024 * 1024, passes: 64, lanes: 64 };

const VERSION: u32 = 1;
const KDF_NAME: &str = "argon2id";

impl SealedFile {
    fn parse(json: &[u8]) -> Result<Self, SecretError> {
        let file: Self = serde_json::from_slice(json)
            .map_err(|error| SecretError::new("the file of secrets is damaged").caused_by(error))?;
        if file.version != VERSION || file.kdf.name != KDF_NAME {
            return Err(SecretError::new("the file of secrets has a format that is not known"));
        }
        Ok(file)
    }

    fn open(&self, sealer: &Sealer) -> Result<Secrets, SecretError> {
        let damaged = || SecretError::new("the file of secrets is damaged");
        let sealed = STANDARD.decode(&self.sealed).map_err(|_| damaged())?;
        Secrets::parse(&sealer.open(&sealed, &self.kdf.place()).map_err(|_| damaged())?)
    }
}

impl Kdf {
    fn new(cost: Cost) -> Self {
        Self { name: KDF_NAME.to_owned(), cost, salt: STANDARD.encode(crate::platform::random::<16>()) }
    }

    fn derive(&self, passphrase: &str) -> Result<Sealer, SecretError> {
        let unusable = || SecretError::new("the file of secrets asks for a key derivation that is not accepted");
        if !self.cost.is_within(MOST) {
            return Err(unusable());
        }
        let salt = STANDARD.decode(&self.salt).map_err(|_| unusable())?;
        Sealer::of_passphrase(passphrase, &salt, self.cost).ok_or_else(unusable)
    }

    /// What the seal is bound to.
    fn place(&self) -> Vec<u8> {
        let Cost { memory_kib, passes, lanes } = self.cost;
        let (name, salt) = (&self.name, &self.salt);
        format!("billfold secrets {VERSION}\n{name} {memory_kib} {passes} {lanes} {salt}").into_bytes()
    }
}

fn write(kdf: &Kdf, sealer: &Sealer, secrets: &Secrets) -> Zeroizing<Vec<u8>> {
    let sealed = STANDARD.encode(sealer.seal(&secrets.to_json(), &kdf.place()));
    let file = SealedFile { version: VERSION, kdf: kdf.clone(), sealed };
    Zeroizing::new(serde_json::to_vec(&file).expect("texts and numbers are JSON"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Cost = Cost { memory_kib: 8, passes: 1, lanes: 1 };

    async fn open(path: &Path, passphrase: &str) -> Result<PassphraseSecrets, SecretError> {
        PassphraseSecrets::open_with(path, Zeroizing::new(passphrase.to_owned()), CHEAP).await
    }

    fn secret(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(bytes.to_vec())
    }

    #[tokio::test]
    async fn the_same_passphrase_opens_and_another_does_not() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("secrets");
        let secrets = open(&path, "correct horse").await.expect("made");
        secrets.put("a", secret(&[0, 255])).await.expect("kept");
        secrets.put("b", secret(b"")).await.expect("kept");
        secrets.put("b", secret(b"hidden text")).await.expect("replaced");
        secrets.put("c", secret(b"x")).await.expect("kept");
        secrets.remove("c").await.expect("removed");
        secrets.remove("c").await.expect("no error");
        drop(secrets);

        let written = std::fs::read_to_string(&path).expect("text");
        assert!(!written.contains("hidden") && !written.contains(&STANDARD.encode(b"hidden text")), "{written}");
        let secrets = open(&path, "correct horse").await.expect("opened");
        assert_eq!(secrets.get("a").await.expect("read"), Some(secret(&[0, 255])));
        assert_eq!(secrets.get("b").await.expect("read"), Some(secret(b"hidden text")));
        assert_eq!(secrets.get("c").await.expect("read"), None);

        for wrong in ["", "correct horse ", "Correct horse"] {
            let error = open(&path, wrong).await.expect_err("refused");
            assert!(error.to_string().contains("the passphrase is wrong"), "{error}");
        }
        assert_eq!(std::fs::read_to_string(&path).expect("text"), written);
    }

    #[tokio::test]
    async fn the_passphrase_can_be_changed() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("secrets");
        let secrets = open(&path, "old").await.expect("made");
        let elsewhere = open(&path, "old").await.expect("opened");
        secrets.put("a", secret(b"1")).await.expect("kept");
        secrets.change_to(Zeroizing::new("new".to_owned()), CHEAP).await.expect("changed");
        secrets.put("b", secret(b"2")).await.expect("kept");
        assert_eq!(secrets.get("a").await.expect("read"), Some(secret(b"1")));
        open(&path, "old").await.expect_err("refused");
        let again = open(&path, "new").await.expect("opened");
        assert_eq!(again.get("a").await.expect("read"), Some(secret(b"1")));
        assert_eq!(again.get("b").await.expect("read"), Some(secret(b"2")));
        // Who has it open with the old one learns it, and overwrites nothing.
        elsewhere.get("a").await.expect_err("another passphrase");
        elsewhere.put("a", secret(b"3")).await.expect_err("another passphrase");
        assert_eq!(again.get("a").await.expect("read"), Some(secret(b"1")));
        // One that can't be written changes nothing.
        std::fs::remove_file(&path).expect("removed");
        secrets.change_to(Zeroizing::new("third".to_owned()), CHEAP).await.expect_err("it is gone");
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn the_passphrase_counts_before_the_first_secret() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("secrets");
        open(&path, "one").await.expect("made");
        open(&path, "other").await.expect_err("refused");
    }

    #[tokio::test]
    async fn damage_is_an_error_and_no_empty_start() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("secrets");
        let secrets = open(&path, "x").await.expect("made");
        secrets.put("a", secret(b"1")).await.expect("kept");
        let whole = std::fs::read_to_string(&path).expect("text");
        for damaged in [
            String::new(),
            "{}".to_owned(),
            whole[..whole.len() / 2].to_owned(),
            whole.replace("\"version\":1", "\"version\":2"),
            whole.replace("argon2id", "argon2i"),
            whole.replace("\"passes\":1", "\"passes\":2"),
            whole.replace("\"memory_kib\":8", "\"memory_kib\":4000000000"),
            whole.replace("\"lanes\":1", "\"lanes\":0"),
            whole.replace("\"sealed\":\"", "\"sealed\":\"A"),
        ] {
            assert_ne!(damaged, whole);
            std::fs::write(&path, &damaged).expect("written");
            open(&path, "x").await.expect_err("refused");
            secrets.put("b", secret(b"2")).await.expect_err("refused");
            assert_eq!(std::fs::read_to_string(&path).expect("text"), damaged, "it was overwritten");
        }
        std::fs::remove_file(&path).expect("removed");
        secrets.get("a").await.expect_err("gone");
        secrets.put("b", secret(b"2")).await.expect_err("gone");
    }
}
