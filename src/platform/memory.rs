//! Stores that live as long as the program: for tests, and for wallets that are not to outlast it.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use zeroize::Zeroizing;

use super::secret::{SecretError, SecretStore};
use super::store::{Change, CredentialStore, Record, StoreError, Table, check_expected};

/// A [`CredentialStore`] in memory. It is volatile: what it holds is gone when it is dropped.
#[derive(Default)]
pub struct MemoryStore {
    drawers: Mutex<Drawers>,
}

#[derive(Clone, Default)]
struct Drawers {
    records: BTreeMap<(Table, String), Stored>,
    /// The position of the next new record.
    next: u64,
}

#[derive(Clone)]
struct Stored {
    position: u64,
    revision: u64,
    content: Arc<Zeroizing<Vec<u8>>>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn drawers(&self) -> MutexGuard<'_, Drawers> {
        // A commit replaces the whole state at its end, so that a panic leaves the old one.
        self.drawers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl CredentialStore for MemoryStore {
    async fn commit(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        let mut current = self.drawers();
        let mut changed = current.clone();
        for change in changes {
            changed.apply(change)?;
        }
        *current = changed;
        Ok(())
    }

    async fn get(&self, table: Table, id: &str) -> Result<Option<Record>, StoreError> {
        let key = (table, id.to_owned());
        Ok(self.drawers().records.get(&key).map(|stored| stored.record(id)))
    }

    async fn list(&self, table: Table) -> Result<Vec<Record>, StoreError> {
        let drawers = self.drawers();
        let mut found: Vec<_> = drawers.records.iter().filter(|((of, _), _)| *of == table).collect();
        found.sort_by_key(|(_, stored)| stored.position);
        Ok(found.into_iter().map(|((_, id), stored)| stored.record(id)).collect())
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("records", &self.drawers().records.len()).finish()
    }
}

impl Drawers {
    fn apply(&mut self, change: Change) -> Result<(), StoreError> {
        match change {
            Change::Put { table, id, content, expected } => {
                let key = (table, id);
                let found = self.records.get(&key);
                check_expected(table, &key.1, expected, found.map(|stored| stored.revision))?;
                let position = found.map_or(self.next, |stored| stored.position);
                let revision = found.map_or(0, |stored| stored.revision) + 1;
                self.next = self.next.max(position + 1);
                self.records.insert(key, Stored { position, revision, content: Arc::new(Zeroizing::new(content)) });
            }
            Change::Remove { table, id } => {
                self.records.remove(&(table, id));
            }
        }
        Ok(())
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
