//! Stores that live as long as the program: for tests, and for wallets that are not to outlast it.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use zeroize::Zeroizing;

use super::secret::{SecretError, SecretStore};
use super::store::{Change, CredentialStore, Record, StoreError, Table, check_expected, no_such_place};

/// A [`CredentialStore`] in memory. It is volatile: what it holds is gone when it is dropped.
#[derive(Default)]
pub struct MemoryStore {
    drawers: Mutex<Drawers>,
}

#[derive(Default)]
struct Drawers {
    records: BTreeMap<(Table, String), Stored>,
    /// The same records' names by their place.
    order: BTreeMap<(Table, u64), String>,
    /// The position of the next new record.
    next: u64,
}

struct Stored {
    position: u64,
    revision: u64,
    content: Zeroizing<Vec<u8>>,
}

/// What stood under a name before a change.
type Before = ((Table, String), Option<Stored>);

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn drawers(&self) -> MutexGuard<'_, Drawers> {
        // Nothing in a commit panics.
        self.drawers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl CredentialStore for MemoryStore {
    async fn commit(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        let mut drawers = self.drawers();
        let mut done: Vec<Before> = Vec::with_capacity(changes.len());
        for change in changes {
            match drawers.apply(change) {
                Ok(before) => done.push(before),
                Err(error) => {
                    done.into_iter().rev().for_each(|(key, before)| drop(drawers.set(key, before)));
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    async fn get(&self, table: Table, id: &str) -> Result<Option<Record>, StoreError> {
        let key = (table, id.to_owned());
        Ok(self.drawers().records.get(&key).map(|stored| stored.record(id)))
    }

    async fn list(&self, table: Table) -> Result<Vec<Record>, StoreError> {
        Ok(self.drawers().from(table, 0).collect())
    }

    async fn page(&self, table: Table, after: Option<&str>, limit: usize) -> Result<Vec<Record>, StoreError> {
        let drawers = self.drawers();
        let first = match after {
            None => 0,
            Some(after) => {
                let found = drawers.records.get(&(table, after.to_owned()));
                found.ok_or_else(|| no_such_place(table, after))?.position + 1
            }
        };
        Ok(drawers.from(table, first).take(limit).collect())
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("records", &self.drawers().records.len()).finish()
    }
}

impl Drawers {
    /// The records of a table from a position on.
    fn from(&self, table: Table, first: u64) -> impl Iterator<Item = Record> {
        self.order
            .range((table, first)..=(table, u64::MAX))
            .filter_map(move |(_, id)| self.records.get(&(table, id.clone())).map(|stored| stored.record(id)))
    }

    fn apply(&mut self, change: Change) -> Result<Before, StoreError> {
        match change {
            Change::Put { table, id, content, expected } => {
                let key = (table, id);
                let found = self.records.get(&key);
                check_expected(table, &key.1, expected, found.map(|stored| stored.revision))?;
                let position = found.map_or(self.next, |stored| stored.position);
                let revision = found.map_or(0, |stored| stored.revision) + 1;
                self.next = self.next.max(position + 1);
                Ok(self.set(key, Some(Stored { position, revision, content: Zeroizing::new(content) })))
            }
            Change::Remove { table, id } => Ok(self.set((table, id), None)),
        }
    }

    /// Puts something, or nothing, under a name.
    fn set(&mut self, key: (Table, String), stored: Option<Stored>) -> Before {
        let before = match &stored {
            Some(_) => None,
            None => self.records.remove(&key),
        };
        if let Some(before) = &before {
            self.order.remove(&(key.0, before.position));
        }
        let Some(stored) = stored else { return (key, before) };
        self.order.insert((key.0, stored.position), key.1.clone());
        let before = self.records.insert(key.clone(), stored);
        (key, before)
    }
}

impl Stored {
    fn record(&self, id: &str) -> Record {
        Record { id: id.to_owned(), revision: self.revision, content: self.content.to_vec() }
    }
}

/// A [`SecretStore`] in memory. It is volatile: a durable wallet whose keys rest here loses them
/// when the program ends.
#[derive(Default)]
pub struct MemorySecrets {
    secrets: Mutex<HashMap<String, Zeroizing<Vec<u8>>>>,
}

impl MemorySecrets {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn secrets(&self) -> MutexGuard<'_, HashMap<String, Zeroizing<Vec<u8>>>> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl SecretStore for MemorySecrets {
    async fn put(&self, name: &str, secret: Zeroizing<Vec<u8>>) -> Result<(), SecretError> {
        self.secrets().insert(name.to_owned(), secret);
        Ok(())
    }

    async fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, SecretError> {
        Ok(self.secrets().get(name).cloned())
    }

    async fn remove(&self, name: &str) -> Result<(), SecretError> {
        self.secrets().remove(name);
        Ok(())
    }
}

impl fmt::Debug for MemorySecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySecrets").field("secrets", &self.secrets().len()).finish()
    }
}
