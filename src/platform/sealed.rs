//! A seal around a store that does not seal by itself.

use std::fmt;

use async_trait::async_trait;
use zeroize::Zeroizing;

use super::seal::Sealer;
use super::secret::{SecretError, SecretStore};
use super::store::{Change, CredentialStore, Record, StoreError, StoreErrorKind, Table};

/// Another [`CredentialStore`], that is given sealed contents only (XChaCha20-Poly1305): for a store on a
/// platform's own database, or one that an app brings along.
///
/// The other store sees ids, sizes and the order of records. A record that was altered or moved does not open.
/// One that was put back from an older time does: the store underneath is trusted to count revisions.
pub struct SealedStore<S> {
    store: S,
    sealer: Sealer,
}

impl<S: CredentialStore> SealedStore<S> {
    /// Seals with the key that `secrets` keep for the store of that name; it is made when the store is empty. The
    /// key of a store that is not empty is never replaced: without it, that is a [`StoreErrorKind::Secret`].
    pub async fn open(store: S, secrets: &dyn SecretStore, name: &str) -> Result<Self, StoreError> {
        let failed = |error: SecretError| {
            StoreError::new(StoreErrorKind::Secret, format!("the secret store failed: {error}")).caused_by(error)
        };
        let name = format!("wrapping-key/sealed/{name}");
        let key: Zeroizing<[u8; 32]> = if let Some(kept) = secrets.get(&name).await.map_err(failed)? {
            Zeroizing::new(kept.as_slice().try_into().map_err(|_| {
                StoreError::new(StoreErrorKind::Secret, format!("{name} in the secret store is not 32 octets long"))
            })?)
        } else {
            for table in Table::ALL {
                if !store.page(table, None, 1).await?.is_empty() {
                    let detail = format!("the secret store has no {name}: without it this store can't be opened");
                    return Err(StoreError::new(StoreErrorKind::Secret, detail));
                }
            }
            let key = Zeroizing::new(super::random::<32>());
            secrets.put(&name, Zeroizing::new(key.to_vec())).await.map_err(failed)?;
            key
        };
        Ok(Self { store, sealer: Sealer::new(&key) })
    }

    fn unseal(&self, table: Table, mut record: Record) -> Result<Record, StoreError> {
        let mut content = self.sealer.open(&record.content, &place(table, &record.id)).map_err(|_| {
            let detail = format!("the record {} in {} does not open", record.id, table.as_str());
            StoreError::new(StoreErrorKind::Damaged, detail).about(&record.id)
        })?;
        record.content = std::mem::take(&mut *content);
        Ok(record)
    }
}

impl<S> fmt::Debug for SealedStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl<S: CredentialStore> CredentialStore for SealedStore<S> {
    async fn commit(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        let seal = |change| match change {
            Change::Put { table, id, content, expected } => {
                let content = self.sealer.seal(&Zeroizing::new(content), &place(table, &id));
                Change::Put { table, id, content, expected }
            }
            other @ Change::Remove { .. } => other,
        };
        self.store.commit(changes.into_iter().map(seal).collect()).await
    }

    async fn get(&self, table: Table, id: &str) -> Result<Option<Record>, StoreError> {
        let found = self.store.get(table, id).await?;
        // Whatever the store calls it, it has to be the one that was asked for.
        found.map(|record| self.unseal(table, Record { id: id.to_owned(), ..record })).transpose()
    }

    async fn list(&self, table: Table) -> Result<Vec<Record>, StoreError> {
        self.store.list(table).await?.into_iter().map(|record| self.unseal(table, record)).collect()
    }

    async fn page(&self, table: Table, after: Option<&str>, limit: usize) -> Result<Vec<Record>, StoreError> {
        let mut records = Vec::new();
        for record in self.store.page(table, after, limit).await? {
            match self.unseal(table, record) {
                Ok(record) => records.push(record),
                Err(error) if records.is_empty() => return Err(error),
                Err(_) => break,
            }
        }
        Ok(records)
    }
}

/// What a record's seal is bound to.
fn place(table: Table, id: &str) -> Vec<u8> {
    format!("billfold sealed record 1\n{}\n{id}", table.as_str()).into_bytes()
}
