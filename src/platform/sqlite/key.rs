//! The key that a store is sealed with: where it is kept, and how it is changed for another one.
//!
//! Keys are numbered. The database says which one it is sealed with, so that it opens at every moment of a change:
//! the new key is kept before the first record is sealed with it, all records change over in one transaction, and
//! the old key goes last.

use std::ops::Range;

use rusqlite::{OptionalExtension as _, TransactionBehavior, params};
use zeroize::Zeroizing;

use super::{Database, KEY_CHECK, SqliteStore, Stored, database_failed, meta, octets, place};
use crate::platform::seal::Sealer;
use crate::platform::secret::{SecretError, SecretStore};
use crate::platform::store::{StoreError, StoreErrorKind};

/// What a [change of the key](SqliteStore::change_key) did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyChanged {
    /// How many records are sealed with the new key.
    pub records: usize,
    /// How many did not open with the old one. They are damaged, and stay as they are.
    pub unreadable: usize,
}

impl SqliteStore {
    /// Seals all records with a new key, and forgets the old one: because somebody may have seen it, or because a
    /// rule says so. Other calls wait meanwhile.
    ///
    /// It may be cut off at any moment: the store opens with the key that it is sealed with then. It takes as much
    /// room on disk as the records once more, until it is done, and memory for one record.
    pub async fn change_key(&self) -> Result<KeyChanged, StoreError> {
        let _one_at_a_time = self.0.changing_key.lock().await;
        let secrets = &*self.0.secrets;
        let (store_id, old) =
            self.run(|database| Ok((meta::<String>(&database.connection, "store_id")?, database.key_number))).await?;
        let new = old + 1;
        let key = make(secrets, &store_id, new).await?;
        // Everything depends on it from now on, so the secret store is not believed.
        if *read(secrets, &store_id, new).await? != *key {
            let detail = "the secret store does not give back the key that it was given; nothing was changed";
            return Err(StoreError::new(StoreErrorKind::Secret, detail));
        }
        let id = store_id.clone();
        let changed = self.run(move |database| reseal(database, &id, new, &key)).await?;
        self.forget_old_keys().await;
        Ok(changed)
    }

    /// Forgets the keys that came before. If that fails, it is tried again at the next change, and when the store is
    /// opened.
    pub(super) async fn forget_old_keys(&self) {
        if let Err(error) = self.try_to_forget_old_keys().await {
            tracing::warn!(target: "billfold::store", "a key that the store had before could not be forgotten: {error}");
        }
    }

    async fn try_to_forget_old_keys(&self) -> Result<(), StoreError> {
        let Some((store_id, old)) = self.run(|database| old_keys(database)).await? else { return Ok(()) };
        for number in old {
            self.0.secrets.remove(&name(&store_id, number)).await.map_err(failed)?;
        }
        self.run(|database| {
            let forget = "DELETE FROM meta WHERE name = 'old_key_number'";
            database.connection.execute(forget, []).map(drop).map_err(database_failed)
        })
        .await
    }
}

/// A record of `meta` that is a number in digits.
pub(super) struct Number(pub(super) i64);

impl TryFrom<Vec<u8>> for Number {
    type Error = StoreError;

    fn try_from(value: Vec<u8>) -> Result<Self, Self::Error> {
        let number = String::from_utf8(value).ok().and_then(|text| text.parse().ok());
        number.map(Self).ok_or_else(|| StoreError::new(StoreErrorKind::Damaged, "this is no number"))
    }
}

/// The store's name and the numbers of its keys that came before, as long as one may still be kept. What they open
/// is gone from the disk then.
fn old_keys(database: &Database) -> Result<Option<(String, Range<i64>)>, StoreError> {
    let found: Option<Vec<u8>> = database
        .connection
        .query_row("SELECT value FROM meta WHERE name = 'old_key_number'", [], |row| row.get(0))
        .optional()
        .map_err(database_failed)?;
    let Some(first) = found else { return Ok(None) };
    let emptied = database.connection.pragma_update_and_check(None, "wal_checkpoint", "TRUNCATE", |_| Ok(()));
    if let Err(error) = emptied {
        tracing::warn!(target: "billfold::store", "the log could not be emptied after a change of the key: {error}");
    }
    let first = Number::try_from(first)?.0.max(1);
    Ok(Some((meta(&database.connection, "store_id")?, first..database.key_number)))
}

/// Seals everything with another key: all of it, or nothing.
fn reseal(database: &mut Database, store_id: &str, number: i64, key: &[u8; 32]) -> Result<KeyChanged, StoreError> {
    let sealer = Sealer::new(key);
    let mut changed = KeyChanged { records: 0, unreadable: 0 };
    let transaction =
        database.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(database_failed)?;
    {
        let mut read = transaction
            .prepare(
                "SELECT position, drawer, id, revision, sealed FROM records WHERE position > ?1
                 ORDER BY position LIMIT 1",
            )
            .map_err(database_failed)?;
        let mut write =
            transaction.prepare("UPDATE records SET sealed = ?2 WHERE position = ?1").map_err(database_failed)?;
        let mut last = 0_i64;
        loop {
            let found = read
                .query_row([last], |row| {
                    let drawer = String::from_utf8_lossy(octets(row.get_ref(1)?)).into_owned();
                    Ok((row.get(0)?, drawer, Stored::read(row, 2)?))
                })
                .optional()
                .map_err(database_failed)?;
            let Some((position, drawer, Stored { id, revision, sealed })) = found else { break };
            let place = place(&drawer, &id, revision);
            match database.sealer.open(&sealed, &place) {
                Ok(content) => {
                    let sealed = sealer.seal(&content, &place);
                    write.execute(params![position, sealed]).map_err(database_failed)?;
                    changed.records += 1;
                }
                Err(_) => changed.unreadable += 1,
            }
            last = position;
        }
    }
    let check = sealer.seal(KEY_CHECK, store_id.as_bytes());
    for (name, value) in [("key_check", check), ("key_number", number.to_string().into_bytes())] {
        transaction.execute("INSERT OR REPLACE INTO meta VALUES (?1, ?2)", (name, value)).map_err(database_failed)?;
    }
    // An older one that could not be forgotten yet stays the first of those to be forgotten.
    let old = database.key_number.to_string().into_bytes();
    transaction.execute("INSERT OR IGNORE INTO meta VALUES ('old_key_number', ?1)", [old]).map_err(database_failed)?;
    transaction.commit().map_err(database_failed)?;
    database.sealer = sealer;
    database.key_number = number;
    Ok(changed)
}

/// Under which name a store's key is kept.
fn name(store_id: &str, number: i64) -> String {
    match number {
        1 => format!("wrapping-key/v1/{store_id}"),
        _ => format!("wrapping-key/v1/{store_id}/{number}"),
    }
}

/// The key is kept before anything is sealed with it, so that no store is ever without one.
pub(super) async fn make(
    secrets: &dyn SecretStore,
    store_id: &str,
    number: i64,
) -> Result<Zeroizing<[u8; 32]>, StoreError> {
    let key = Zeroizing::new(crate::platform::random::<32>());
    secrets.put(&name(store_id, number), Zeroizing::new(key.to_vec())).await.map_err(failed)?;
    Ok(key)
}

pub(super) async fn read(
    secrets: &dyn SecretStore,
    store_id: &str,
    number: i64,
) -> Result<Zeroizing<[u8; 32]>, StoreError> {
    let name = name(store_id, number);
    let Some(kept) = secrets.get(&name).await.map_err(failed)? else {
        let detail = format!("the secret store has no {name}: without it this store can't be opened");
        return Err(StoreError::new(StoreErrorKind::Secret, detail));
    };
    let mut key = Zeroizing::new([0; 32]);
    if kept.len() != key.len() {
        let detail = format!("{name} in the secret store is not 32 octets long");
        return Err(StoreError::new(StoreErrorKind::Secret, detail));
    }
    key.copy_from_slice(&kept);
    Ok(key)
}

fn failed(error: SecretError) -> StoreError {
    StoreError::new(StoreErrorKind::Secret, format!("the secret store failed: {error}")).caused_by(error)
}
