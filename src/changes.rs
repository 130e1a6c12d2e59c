//! The feed of changes: which credentials came, changed and went.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use futures_util::Stream;

use crate::model::ids::CredentialId;
use crate::platform;
use crate::platform::store::{Change, CredentialStore, Expected, Record, StoreError, Table};

/// What a listener may have before it. One that falls further behind has missed something.
const MOST_WAITING: usize = 256;

/// What became of a credential.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CredentialChange {
    /// It was stored: issued, put into quarantine, or imported.
    Added(CredentialId),
    /// It is another than before: renewed, checked again, or a copy of it was used.
    Changed(CredentialId),
    /// It was forgotten.
    Removed(CredentialId),
    /// There were more changes than the listener took: read all credentials again. Those that follow are whole.
    Missed,
}

/// The changes from when it was made on, of [`Wallet::changes`](crate::Wallet::changes). Each comes after it was
/// written down. It is a [`Stream`] too.
pub struct Changes(Arc<Listener>);

impl Changes {
    /// Waits for the next change; nothing once the wallet and everything that came of it is dropped. May be
    /// given up and called again, nothing is lost by that.
    pub async fn next(&mut self) -> Option<CredentialChange> {
        poll_fn(|context| self.0.poll(context)).await
    }
}

impl Stream for Changes {
    type Item = CredentialChange;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll(context)
    }
}

impl std::fmt::Debug for Changes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Changes").finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Listener(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    changes: VecDeque<CredentialChange>,
    waker: Option<Waker>,
    ended: bool,
}

impl Listener {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn poll(&self, context: &Context<'_>) -> Poll<Option<CredentialChange>> {
        let mut waiting = self.waiting();
        match waiting.changes.pop_front() {
            Some(change) => Poll::Ready(Some(change)),
            None if waiting.ended => Poll::Ready(None),
            None => {
                waiting.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    fn tell(&self, changes: &[CredentialChange]) {
        let mut waiting = self.waiting();
        if waiting.changes.len() + changes.len() > MOST_WAITING {
            waiting.changes.clear();
            waiting.changes.push_back(CredentialChange::Missed);
        } else {
            waiting.changes.extend(changes.iter().cloned());
        }
        wake(waiting);
    }

    fn end(&self) {
        let mut waiting = self.waiting();
        waiting.ended = true;
        wake(waiting);
    }
}

/// Outside the lock: whoever is woken may look at once.
fn wake(mut waiting: MutexGuard<'_, Waiting>) {
    let waker = waiting.waker.take();
    drop(waiting);
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// Those who listen to a wallet.
#[derive(Default)]
pub(crate) struct Feed(Mutex<Vec<Weak<Listener>>>);

impl Feed {
    pub(crate) fn changes(&self) -> Changes {
        let listener = Arc::new(Listener::default());
        let mut listeners = self.listeners();
        listeners.retain(|listener| listener.strong_count() > 0);
        listeners.push(Arc::downgrade(&listener));
        Changes(listener)
    }

    fn listeners(&self) -> MutexGuard<'_, Vec<Weak<Listener>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn living(&self) -> Vec<Arc<Listener>> {
        self.listeners().iter().filter_map(Weak::upgrade).collect()
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.living().iter().for_each(|listener| listener.end());
    }
}

/// The wallet's store. Every change of a credential goes through here, and is told.
pub(crate) struct ObservedStore {
    store: Arc<dyn CredentialStore>,
    feed: Arc<Feed>,
}

impl ObservedStore {
    pub(crate) fn new(store: Arc<dyn CredentialStore>, feed: Arc<Feed>) -> Self {
        Self { store, feed }
    }
}

#[async_trait]
impl CredentialStore for ObservedStore {
    async fn commit(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        let told: Vec<_> = changes.iter().filter_map(change_of).collect();
        if told.is_empty() {
            return self.store.commit(changes).await;
        }
        let (store, feed) = (self.store.clone(), self.feed.clone());
        platform::to_the_end(async move {
            store.commit(changes).await?;
            feed.living().iter().for_each(|listener| listener.tell(&told));
            Ok(())
        })
        .await
    }

    async fn get(&self, table: Table, id: &str) -> Result<Option<Record>, StoreError> {
        self.store.get(table, id).await
    }

    async fn list(&self, table: Table) -> Result<Vec<Record>, StoreError> {
        self.store.list(table).await
    }

    async fn page(&self, table: Table, after: Option<&str>, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.store.page(table, after, limit).await
    }
}

/// What a change of a record means for who watches credentials. Who writes one always says over what.
fn change_of(change: &Change) -> Option<CredentialChange> {
    match change {
        Change::Put { table: Table::Credentials, id, expected, .. } => Some(match expected {
            Expected::Nothing => CredentialChange::Added(id.as_str().into()),
            Expected::Anything | Expected::Revision(_) => CredentialChange::Changed(id.as_str().into()),
        }),
        Change::Remove { table: Table::Credentials, id } => Some(CredentialChange::Removed(id.as_str().into())),
        Change::Put { .. } | Change::Remove { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt as _, StreamExt as _};

    use super::*;
    use crate::platform::memory::MemoryStore;

    fn put(table: Table, id: &str, expected: Expected) -> Change {
        Change::Put { table, id: id.to_owned(), content: Vec::new(), expected }
    }

    struct Store(ObservedStore);

    impl Store {
        fn new() -> Self {
            Self(ObservedStore::new(Arc::new(MemoryStore::new()), Arc::default()))
        }

        fn changes(&self) -> Changes {
            self.0.feed.changes()
        }

        async fn commit(&self, changes: Vec<Change>) -> Result<(), StoreError> {
            self.0.commit(changes).await
        }
    }

    #[test]
    fn what_was_written_is_told_to_all_who_listen() {
        async {
            let store = Store::new();
            let (mut first, dropped) = (store.changes(), store.changes());
            let new = put(Table::Credentials, "a", Expected::Nothing);
            store.commit(vec![new.clone(), put(Table::Sessions, "s", Expected::Anything)]).await.expect("written");
            drop(dropped);
            let mut second = store.changes();
            store.commit(vec![new]).await.expect_err("it is there");
            store.commit(vec![put(Table::Credentials, "a", Expected::Revision(1))]).await.expect("written");
            let gone = Change::Remove { table: Table::Credentials, id: "a".to_owned() };
            store.commit(vec![gone]).await.expect("removed");
            drop(store);
            let a = || CredentialId::from("a");
            let later = [CredentialChange::Changed(a()), CredentialChange::Removed(a())];
            assert_eq!(first.next().await, Some(CredentialChange::Added(a())));
            for expected in later.clone() {
                assert_eq!(first.next().await, Some(expected));
            }
            assert_eq!(first.next().await, None);
            assert_eq!((&mut second).collect::<Vec<_>>().await, later);
        }
        .now_or_never()
        .expect("nothing to wait for");
    }

    #[tokio::test]
    async fn who_waits_is_woken_by_a_change_and_by_the_end() {
        let store = Store::new();
        let mut changes = store.changes();
        // Given up on the way, it loses nothing.
        assert!(changes.next().now_or_never().is_none());
        let waits = tokio::spawn(async move { (changes.next().await, changes.next().await) });
        tokio::task::yield_now().await;
        store.commit(vec![put(Table::Credentials, "a", Expected::Nothing)]).await.expect("written");
        tokio::task::yield_now().await;
        drop(store);
        let (first, end) = waits.await.expect("it ends");
        assert_eq!((first, end), (Some(CredentialChange::Added("a".into())), None));
    }

    /// Takes its time, and writes whether or not anybody still waits for it.
    #[derive(Default)]
    struct Slow(Arc<MemoryStore>);

    #[async_trait]
    impl CredentialStore for Slow {
        async fn commit(&self, changes: Vec<Change>) -> Result<(), StoreError> {
            let store = self.0.clone();
            platform::blocking(move || {
                std::thread::sleep(std::time::Duration::from_millis(50));
                store.commit(changes).now_or_never().expect("nothing to wait for")
            })
            .await
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

    #[tokio::test]
    async fn a_change_is_told_when_its_writer_was_given_up() {
        let store = Store(ObservedStore::new(Arc::new(Slow::default()), Arc::default()));
        let mut changes = store.changes();
        let begun = store.commit(vec![put(Table::Credentials, "a", Expected::Nothing)]).now_or_never();
        assert!(begun.is_none(), "it was given up on the way");
        let told = tokio::time::timeout(std::time::Duration::from_secs(20), changes.next()).await;
        assert_eq!(told.expect("it is told"), Some(CredentialChange::Added("a".into())));
        assert!(store.0.get(Table::Credentials, "a").await.expect("read").is_some());
    }

    #[test]
    fn who_is_too_slow_learns_that_something_was_missed() {
        async {
            let store = Store::new();
            let mut changes = store.changes();
            for number in 0..=MOST_WAITING {
                let id = number.to_string();
                store.commit(vec![put(Table::Credentials, &id, Expected::Nothing)]).await.expect("written");
            }
            store.commit(vec![put(Table::Credentials, "last", Expected::Nothing)]).await.expect("written");
            assert_eq!(changes.next().await, Some(CredentialChange::Missed));
            assert_eq!(changes.next().await, Some(CredentialChange::Added("last".into())));
            assert!(changes.next().now_or_never().is_none());
            // More at once than anybody may have before him.
            let many =
                (0..=MOST_WAITING).map(|number| put(Table::Credentials, &format!("more {number}"), Expected::Nothing));
            store.commit(many.collect()).await.expect("written");
            assert_eq!(changes.next().await, Some(CredentialChange::Missed));
            assert!(changes.next().now_or_never().is_none());
        }
        .now_or_never()
        .expect("nothing to wait for");
    }
}
