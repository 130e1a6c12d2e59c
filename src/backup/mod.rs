//! Backups: what a wallet holds, sealed with a passphrase, for another device or a bad day.
//!
//! A backup holds credentials as they are stored: raw, with what was found out about them and how they are shown,
//! also those in quarantine. It holds no private key, which can't leave its device, and no session, notice or token:
//! tokens are bound to keys of the device as well, or would be as good as the credential for whoever has them.

mod file;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::credentials;
use crate::error::{Error, ErrorCode, Operation, Result};
use crate::json;
use crate::model::credential::{Credential, HolderKey};
use crate::model::ids::CredentialId;
use crate::model::time::Timestamp;
use crate::platform;
use crate::platform::keys::HolderKeys;
use crate::platform::seal::Cost;
use crate::platform::store::{Change, Expected, Table};
use crate::setup::{Setup, put_credential, read_credential};
use crate::wallet::Wallet;
use file::{Reader, Writer};

/// How many credentials are stored in one go.
const BATCH: usize = 32;
/// A longer name of a credential is none that was given by a wallet.
const LONGEST_ID: usize = 128;

/// The first line of a backup.
#[derive(Serialize, Deserialize)]
struct Manifest {
    made_at: Timestamp,
    credentials: usize,
}

/// What an [import](Wallet::import_backup) did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imported {
    /// Credentials that the wallet did not have.
    pub added: Vec<CredentialId>,
    /// Credentials that the wallet had, and could use or read less well than what the backup has: their keys were
    /// missing and it is newer, or their records were damaged.
    pub replaced: Vec<CredentialId>,
    /// Credentials that the wallet had. They stay as they are.
    pub known: Vec<CredentialId>,
    /// Those among the added and replaced ones whose keys are not on this device. They are kept and can be looked at;
    /// [`Wallet::refresh`] gets them anew, with new keys.
    pub without_key: Vec<CredentialId>,
}

impl Wallet {
    /// All credentials as one sealed file, to be kept by the user. `docs/backup-format.md` describes it.
    ///
    /// It holds no private key and no token: on another device the credentials can be looked at, and asked for anew
    /// at their issuers. It is as strong as its passphrase, for which a good part of a second and 64 MiB of memory
    /// are spent, here and at each guess. A credential whose record can't be read
    /// ([`Page::unreadable`](crate::Page::unreadable)) is not in it.
    pub async fn export_backup(&self, passphrase: impl Into<String>) -> Result<Vec<u8>> {
        export(self.setup(), Zeroizing::new(passphrase.into()), Cost::RECOMMENDED).await
    }

    /// Takes the credentials out of a backup. Those that the wallet has already stay as they are; what else came of
    /// each is told. The whole file is checked before the first credential is stored. An import that is cut off is
    /// begun again: what it stored is known then.
    ///
    /// What was found out about a credential is taken as the backup says, whose seal vouches for it;
    /// [`Wallet::recheck`] finds it out anew. Where a credential's keys are on this device, after all, it can be used
    /// at once (see [`HolderKeys::holds`]).
    ///
    /// [`ErrorCode::PassphraseWrong`], [`ErrorCode::BackupDamaged`], [`ErrorCode::BackupTooNew`] or
    /// [`ErrorCode::BackupTooLarge`] for a file that can't be used.
    pub async fn import_backup(&self, backup: impl Into<Vec<u8>>, passphrase: impl Into<String>) -> Result<Imported> {
        import(self.setup(), backup.into(), Zeroizing::new(passphrase.into())).await
    }
}

async fn export(wallet: &Setup, passphrase: Zeroizing<String>, cost: Cost) -> Result<Vec<u8>> {
    let mut writer = platform::blocking(move || Writer::new(&passphrase, cost)).await?;
    let (credentials, unreadable) = credentials::all(wallet).await?;
    if !unreadable.is_empty() {
        tracing::warn!(target: "billfold::store", "{} damaged records are not in the backup", unreadable.len());
    }
    let text = "a credential has only text keys and numbers that JSON has";
    let manifest = Manifest { made_at: wallet.clock.now(), credentials: credentials.len() };
    platform::blocking(move || {
        writer.line(&serde_json::to_vec(&manifest).expect(text))?;
        for credential in credentials {
            let line = Zeroizing::new(serde_json::to_vec(&portable(credential)).expect(text));
            writer.line(&line)?;
        }
        Ok(writer.finish())
    })
    .await
}

/// The credential without what is of this device only, and of no use or of too much use elsewhere.
fn portable(mut credential: Credential) -> Credential {
    credential.authorization = None;
    credential.contact = None;
    credential
}

async fn import(wallet: &Setup, file: Vec<u8>, passphrase: Zeroizing<String>) -> Result<Imported> {
    let credentials = platform::blocking(move || read(&file, &passphrase)).await?;
    let mut imported = Imported::default();
    let mut credentials = credentials.into_iter();
    loop {
        let batch: Vec<_> = credentials.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            return Ok(imported);
        }
        store(wallet, batch, &mut imported).await?;
    }
}

/// What is in a backup, all of it checked.
fn read(file: &[u8], passphrase: &str) -> Result<Vec<Credential>> {
    let mut content = Content::default();
    Reader::open(file, passphrase)?.lines(|line| content.line(line))?;
    content.finish()
}

/// The lines of a backup, taken apart.
#[derive(Default)]
struct Content {
    manifest: Option<Manifest>,
    credentials: Vec<Credential>,
    ids: BTreeSet<CredentialId>,
}

impl Content {
    fn line(&mut self, line: &[u8]) -> Result<()> {
        let Some(manifest) = &self.manifest else {
            let manifest = serde_json::from_slice(line);
            let unreadable =
                |error| damaged("the backup's first line can't be read").caused_by(json::without_values(&error));
            self.manifest = Some(manifest.map_err(unreadable)?);
            return Ok(());
        };
        if self.credentials.len() >= manifest.credentials {
            return Err(damaged("the backup holds more than it says"));
        }
        let unreadable = |error: Error| damaged("a credential in the backup can't be read").caused_by(error);
        // Whatever somebody wrote there: it would be taken for this device's own.
        let credential = portable(read_credential(line).map_err(unreadable)?);
        if credential.instances.is_empty() || !self.ids.insert(credential.id.clone()) {
            return Err(damaged("a credential in the backup has no copy, or stands there twice"));
        }
        // It is written to logs and terminals, where names of a wallet's own making are harmless.
        let id = credential.id.as_str();
        if !(1..=LONGEST_ID).contains(&id.len()) || !id.bytes().all(|octet| octet.is_ascii_graphic()) {
            return Err(damaged("a credential in the backup has a name that no wallet gives"));
        }
        self.credentials.push(credential);
        Ok(())
    }

    fn finish(self) -> Result<Vec<Credential>> {
        match self.manifest {
            Some(manifest) if manifest.credentials == self.credentials.len() => Ok(self.credentials),
            _ => Err(damaged("the backup holds less than it says")),
        }
    }
}

fn damaged(detail: &str) -> Error {
    Error::new(ErrorCode::BackupDamaged, detail).at(Operation::Store)
}

/// Reads the lines of a backup as they are when its seal is off: for fuzzers.
#[cfg(any(test, feature = "testing"))]
pub(crate) fn read_lines(text: &[u8]) -> Result<usize> {
    let mut content = Content::default();
    text.split(|octet| *octet == b'\n').try_for_each(|line| content.line(line))?;
    content.finish().map(|credentials| credentials.len())
}

/// Opens a file that may hold anything: for fuzzers.
#[cfg(any(test, feature = "testing"))]
pub(crate) fn open_file(file: &[u8], passphrase: &str) -> Result<usize> {
    read(file, passphrase).map(|credentials| credentials.len())
}

async fn store(wallet: &Setup, batch: Vec<Credential>, imported: &mut Imported) -> Result<()> {
    let mut changes: Vec<Change> = Vec::new();
    let mut done = Imported::default();
    for credential in batch {
        let id = credential.id.clone();
        let (expected, own) = match wallet.store.get(Table::Credentials, id.as_str()).await.map_err(Error::from) {
            Ok(None) => (Expected::Nothing, None),
            Ok(Some(record)) => (Expected::Revision(record.revision), read_credential(&record.content).ok()),
            Err(error) if error.code() == ErrorCode::RecordDamaged => (Expected::Anything, None),
            Err(error) => return Err(error),
        };
        let credential = with_keys_of(wallet, credential).await?;
        let is_better = own.as_ref().is_none_or(|own| {
            own.is_without_key() && (!credential.is_without_key() || credential.issued_at > own.issued_at)
        });
        if !is_better {
            done.known.push(id);
            continue;
        }
        changes.push(put_credential(&credential, expected));
        if credential.instances.iter().any(|copy| copy.missing_key.is_some()) {
            done.without_key.push(id.clone());
        }
        match expected {
            Expected::Nothing => done.added.push(id),
            _ => done.replaced.push(id),
        }
    }
    if !changes.is_empty() {
        wallet.store.commit(changes).await?;
    }
    imported.added.append(&mut done.added);
    imported.replaced.append(&mut done.replaced);
    imported.known.append(&mut done.known);
    imported.without_key.append(&mut done.without_key);
    Ok(())
}

/// The credential with the keys that are on this device, and the others marked as missing.
async fn with_keys_of(wallet: &Setup, mut credential: Credential) -> Result<Credential> {
    let keys: Vec<HolderKey> = credential.instances.iter().filter_map(|copy| copy.key.clone()).collect();
    if keys.is_empty() {
        return Ok(credential);
    }
    let held = wallet.keys.holds(&keys).await.map_err(|error| crate::channel::key_error(error, false))?;
    let mut held = held.into_iter();
    for copy in &mut credential.instances {
        let Some(key) = copy.key.take() else { continue };
        match held.next() {
            Some(true) => copy.key = Some(key),
            _ => copy.missing_key = Some(key.public_jwk),
        }
    }
    Ok(credential)
}

#[cfg(test)]
mod tests;
