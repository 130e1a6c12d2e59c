//! The feed of changes as it crosses the border.

use std::fmt;
use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// What became of a credential.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum CredentialChange {
    /// It was stored.
    Added {
        /// Its name in the wallet.
        id: String,
    },
    /// It is another than before.
    Changed {
        /// Its name in the wallet.
        id: String,
    },
    /// It was forgotten.
    Removed {
        /// The name that it had.
        id: String,
    },
    /// There was more than the listener took, or something that this layer does not know: read all again.
    Missed,
}

impl From<billfold::CredentialChange> for CredentialChange {
    fn from(change: billfold::CredentialChange) -> Self {
        match change {
            billfold::CredentialChange::Added(id) => Self::Added { id: id.to_string() },
            billfold::CredentialChange::Changed(id) => Self::Changed { id: id.to_string() },
            billfold::CredentialChange::Removed(id) => Self::Removed { id: id.to_string() },
            _ => Self::Missed,
        }
    }
}

/// The changes from when it was made on.
///
/// It keeps nothing of the wallet: when that goes, it ends.
#[derive(uniffi::Object)]
pub struct Changes(Mutex<Listening>);

struct Listening {
    /// None once it was ended.
    changes: Option<billfold::Changes>,
    /// Who waits, to be woken when it is ended.
    waker: Option<Waker>,
}

impl From<billfold::Changes> for Changes {
    fn from(changes: billfold::Changes) -> Self {
        Self(Mutex::new(Listening { changes: Some(changes), waker: None }))
    }
}

#[uniffi::export]
impl Changes {
    /// Waits for the next change; nothing when the wallet is gone, or this was ended. One at a time waits. May be
    /// given up and called again.
    pub async fn next(&self) -> Option<CredentialChange> {
        // In the caller's own future, which may be dropped: nothing is spent by waiting.
        poll_fn(|context| self.poll(context)).await
    }

    /// Ends it, for who waits too. (Swift can't drop a future that waits.)
    pub fn end(&self) {
        let mut listening = self.listening();
        listening.changes = None;
        let waker = listening.waker.take();
        drop(listening);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Changes {
    fn listening(&self) -> MutexGuard<'_, Listening> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn poll(&self, context: &mut Context<'_>) -> Poll<Option<CredentialChange>> {
        let mut listening = self.listening();
        let Some(changes) = &mut listening.changes else { return Poll::Ready(None) };
        let polled = pin!(changes.next()).poll(context);
        if polled.is_pending() {
            listening.waker = Some(context.waker().clone());
        }
        polled.map(|change| change.map(Into::into))
    }
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changes").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use billfold::platform::memory::MemoryStore;
    use billfold::platform::software_keys::SoftwareKeys;

    use super::*;

    #[tokio::test]
    async fn who_waits_learns_of_the_end() {
        let builder = billfold::Wallet::builder("me").keys(SoftwareKeys::new()).store(MemoryStore::new());
        let wallet = builder.build().expect("a wallet");
        let (ended, other) = (Arc::new(Changes::from(wallet.changes())), Arc::new(Changes::from(wallet.changes())));
        let wait = |changes: &Arc<Changes>| {
            let changes = changes.clone();
            tokio::spawn(async move { changes.next().await })
        };
        let (first, second) = (wait(&ended), wait(&other));
        tokio::task::yield_now().await;
        assert!(!first.is_finished());
        ended.end();
        assert_eq!(first.await.expect("it ends"), None);
        assert_eq!(ended.next().await, None, "and stays ended");
        tokio::task::yield_now().await;
        assert!(!second.is_finished(), "the other listener goes on");
        drop(wallet);
        assert_eq!(second.await.expect("it ends"), None);
    }
}
