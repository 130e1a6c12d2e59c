//! What can be fetched again, kept in the store's drawer for it: pictures, type metadata, status lists.

use std::collections::VecDeque;

use futures_util::lock::Mutex;

use crate::platform::store::{Change, CredentialStore, Expected, StoreError, StoreErrorKind, Table};

/// What the drawer may hold in all.
const MOST_BYTES: usize = 16 * 1024 * 1024;
/// And in how many records.
const MOST_RECORDS: usize = 1024;
/// One longer than this is not kept: it would throw out too many others.
const LONGEST: usize = MOST_BYTES / 4;
/// How many records are looked at in one go.
const PAGE: usize = 16;

/// Keeps the drawer [`Table::Cache`] within its limits. It never fails: what can't be kept or read is fetched.
#[derive(Default)]
pub(crate) struct Cache {
    /// Names and sizes of what is in the drawer, the oldest first; nothing until it was looked at.
    known: Mutex<Option<VecDeque<(String, usize)>>>,
}

impl Cache {
    /// What was kept under that name.
    pub(crate) async fn get(&self, store: &dyn CredentialStore, id: &str) -> Option<Vec<u8>> {
        match store.get(Table::Cache, id).await {
            Ok(found) => found.map(|record| record.content),
            Err(error) => {
                tracing::debug!(target: "billfold::store", "what was fetched before can't be read: {error}");
                None
            }
        }
    }

    /// Keeps something under a name, in the place of what was there; the oldest makes room for it.
    pub(crate) async fn put(&self, store: &dyn CredentialStore, id: &str, content: Vec<u8>) {
        if content.len() > LONGEST {
            return;
        }
        let mut known = self.known.lock().await;
        // If it fails, or is given up on the way, the drawer is looked at again.
        match put(known.take(), store, id, content).await {
            Ok(kept) => *known = Some(kept),
            Err(error) => tracing::debug!(target: "billfold::store", "what was fetched can't be kept: {error}"),
        }
    }
}

async fn put(
    known: Option<VecDeque<(String, usize)>>,
    store: &dyn CredentialStore,
    id: &str,
    content: Vec<u8>,
) -> Result<VecDeque<(String, usize)>, StoreError> {
    let mut kept = match known {
        Some(kept) => kept,
        None => look(store).await?,
    };
    let mut room = content.len();
    let remove = |id: String| Change::Remove { table: Table::Cache, id };
    let mut changes = Vec::new();
    if let Some(at) = kept.iter().position(|(other, _)| other == id) {
        // Taken out first, so that it becomes the newest.
        kept.remove(at);
        changes.push(remove(id.to_owned()));
    }
    room += kept.iter().map(|(_, length)| length).sum::<usize>();
    while room > MOST_BYTES || kept.len() >= MOST_RECORDS {
        let Some((oldest, length)) = kept.pop_front() else { break };
        room -= length;
        changes.push(remove(oldest));
    }
    kept.push_back((id.to_owned(), content.len()));
    changes.push(Change::Put { table: Table::Cache, id: id.to_owned(), content, expected: Expected::Anything });
    store.commit(changes).await?;
    Ok(kept)
}

/// Names and sizes of what is in the drawer. What does not open is thrown away.
async fn look(store: &dyn CredentialStore) -> Result<VecDeque<(String, usize)>, StoreError> {
    let mut kept: VecDeque<(String, usize)> = VecDeque::new();
    loop {
        let after = kept.back().map(|(id, _)| id.clone());
        match store.page(Table::Cache, after.as_deref(), PAGE).await {
            Ok(page) if page.is_empty() => return Ok(kept),
            Ok(page) => kept.extend(page.into_iter().map(|record| (record.id, record.content.len()))),
            Err(error) if error.kind == StoreErrorKind::Damaged && error.record.is_some() => {
                let id = error.record.unwrap_or_default();
                store.commit(vec![Change::Remove { table: Table::Cache, id }]).await?;
            }
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::platform::memory::MemoryStore;
    use crate::platform::store::Record;

    async fn ids(store: &MemoryStore) -> Vec<String> {
        store.list(Table::Cache).await.expect("a list").into_iter().map(|record| record.id).collect()
    }

    #[test]
    fn the_oldest_makes_room() {
        async {
            let (store, cache) = (MemoryStore::new(), Cache::default());
            for number in 0..4 {
                cache.put(&store, &number.to_string(), vec![number; LONGEST]).await;
            }
            assert_eq!(ids(&store).await, ["0", "1", "2", "3"]);
            // Written again, it is the newest.
            cache.put(&store, "0", vec![9; LONGEST]).await;
            assert_eq!(ids(&store).await, ["1", "2", "3", "0"]);
            assert_eq!(cache.get(&store, "0").await, Some(vec![9; LONGEST]));
            cache.put(&store, "small", vec![1]).await;
            assert_eq!(ids(&store).await, ["2", "3", "0", "small"]);
            // Nothing is thrown out for one that is too long.
            cache.put(&store, "long", vec![1; LONGEST + 1]).await;
            assert_eq!(cache.get(&store, "long").await, None);
            assert_eq!(ids(&store).await, ["2", "3", "0", "small"]);

            // Another process goes on with what is there.
            let cache = Cache::default();
            cache.put(&store, "4", vec![4; LONGEST]).await;
            assert_eq!(ids(&store).await, ["3", "0", "small", "4"]);
            // Emptied by somebody, it works on.
            let all = ids(&store).await.into_iter().map(|id| Change::Remove { table: Table::Cache, id }).collect();
            store.commit(all).await.expect("removed");
            assert_eq!(cache.get(&store, "4").await, None);
            cache.put(&store, "5", vec![5]).await;
            assert_eq!(cache.get(&store, "5").await, Some(vec![5]));
        }
        .now_or_never()
        .expect("nothing to wait for");
    }

    #[test]
    fn there_are_only_so_many() {
        async {
            let (store, cache) = (MemoryStore::new(), Cache::default());
            for number in 0..MOST_RECORDS + 3 {
                cache.put(&store, &number.to_string(), Vec::new()).await;
            }
            let ids = ids(&store).await;
            assert_eq!((ids.len(), ids[0].as_str()), (MOST_RECORDS, "3"));
        }
        .now_or_never()
        .expect("nothing to wait for");
    }

    /// Does not begin to write until it is told to.
    #[derive(Default)]
    struct Waiting(MemoryStore, std::sync::atomic::AtomicBool);

    #[async_trait::async_trait]
    impl CredentialStore for Waiting {
        async fn commit(&self, changes: Vec<Change>) -> Result<(), StoreError> {
            if self.1.load(std::sync::atomic::Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            self.0.commit(changes).await
        }

        async fn get(&self, table: Table, id: &str) -> Result<Option<Record>, StoreError> {
            self.0.get(table, id).await
        }

        async fn list(&self, table: Table) -> Result<Vec<Record>, StoreError> {
            self.0.list(table).await
        }

        async fn page(&self, table: Table, after: Option<&str>, limit: usize) -> Result<Vec<Record>, StoreError> {
            self.0.page(table, after, limit).await
        }
    }

    #[test]
    fn what_was_given_up_on_the_way_is_not_counted() {
        async {
            let (store, cache) = (Waiting::default(), Cache::default());
            for number in 0..4 {
                cache.put(&store, &number.to_string(), vec![number; LONGEST]).await;
            }
            store.1.store(true, std::sync::atomic::Ordering::SeqCst);
            for id in ["4", "5", "6"] {
                assert!(cache.put(&store, id, vec![1; LONGEST]).now_or_never().is_none());
            }
            store.1.store(false, std::sync::atomic::Ordering::SeqCst);
            cache.put(&store, "7", vec![7; LONGEST]).await;
            assert_eq!(ids(&store.0).await, ["1", "2", "3", "7"]);
        }
        .now_or_never()
        .expect("nothing to wait for");
    }
}
