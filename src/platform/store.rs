//! Where records rest: sessions, credentials, what is still to be told.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

/// The drawers of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Table {
    /// Issuances that have not ended.
    Sessions,
    /// Credentials, usable and quarantined.
    Credentials,
    /// Notifications that the issuer has not confirmed.
    Outbox,
    /// Tokens that credentials can be renewed with, and what issuers are told with.
    Authorizations,
    /// What can be fetched again: pictures, type metadata, status lists. It may be emptied at any time.
    Cache,
}

impl Table {
    /// All drawers.
    pub const ALL: [Self; 5] = [Self::Sessions, Self::Credentials, Self::Outbox, Self::Authorizations, Self::Cache];

    /// The name on disk.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::Credentials => "credentials",
            Self::Outbox => "outbox",
            Self::Authorizations => "authorizations",
            Self::Cache => "cache",
        }
    }
}

/// A record as it was read. `Debug` leaves its content out: it may hold secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// Its name within its table.
    pub id: String,
    /// Counts its writes, from 1.
    pub revision: u64,
    /// Its content, opened.
    pub content: Vec<u8>,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, revision, content } = self;
        f.debug_struct("Record")
            .field("id", id)
            .field("revision", revision)
            .field("content", &format_args!("[{} octets]", content.len()))
            .finish()
    }
}

/// What a write expects to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Whatever is there.
    Anything,
    /// Nothing under this id.
    Nothing,
    /// Exactly this revision.
    Revision(u64),
}

/// One change of a [commit](CredentialStore::commit). `Debug` leaves contents out.
#[derive(Clone, PartialEq, Eq)]
pub enum Change {
    /// Writes a record.
    Put {
        /// Where.
        table: Table,
        /// Under which id.
        id: String,
        /// Which content.
        content: Vec<u8>,
        /// Over what.
        expected: Expected,
    },
    /// Removes a record. One that is not there is no error.
    Remove {
        /// Where.
        table: Table,
        /// Under which id.
        id: String,
    },
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Put { table, id, content, expected } => f
                .debug_struct("Put")
                .field("table", table)
                .field("id", id)
                .field("content", &format_args!("[{} octets]", content.len()))
                .field("expected", expected)
                .finish(),
            Self::Remove { table, id } => f.debug_struct("Remove").field("table", table).field("id", id).finish(),
        }
    }
}

/// Keeps records, sealed at rest.
///
/// Every implementation passes the conformance suite in `platform::store_suite` (feature `testing`).
#[async_trait]
pub trait CredentialStore: Send + Sync {
    /// Applies all changes, or none. Once it returns, they survive a crash of the process and,
    /// for a durable store, of the machine.
    async fn commit(&self, changes: Vec<Change>) -> Result<(), StoreError>;

    /// The record of that id.
    async fn get(&self, table: Table, id: &str) -> Result<Option<Record>, StoreError>;

    /// All records of a table, in the order in which they were first written.
    async fn list(&self, table: Table) -> Result<Vec<Record>, StoreError>;

    /// The records that follow the one called `after`, in the order in which they were first written, at most
    /// `limit` of them; without `after` the first ones. Nothing follows the last record, and only then the answer
    /// is empty (or if nothing was asked for).
    ///
    /// A record that does not open hides no other: the page ends before it. If it would be the first one, the
    /// answer is [`StoreErrorKind::Damaged`] with its name in [`StoreError::record`], and the next page is the one
    /// after that name. An `after` that is not there (any more) is a [`StoreErrorKind::Conflict`].
    async fn page(&self, table: Table, after: Option<&str>, limit: usize) -> Result<Vec<Record>, StoreError>;
}

#[async_trait]
impl<T: CredentialStore + ?Sized> CredentialStore for Arc<T> {
    async fn commit(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        (**self).commit(changes).await
    }

    async fn get(&self, table: Table, id: &str) -> Result<Option<Record>, StoreError> {
        (**self).get(table, id).await
    }

    async fn list(&self, table: Table) -> Result<Vec<Record>, StoreError> {
        (**self).list(table).await
    }

    async fn page(&self, table: Table, after: Option<&str>, limit: usize) -> Result<Vec<Record>, StoreError> {
        (**self).page(table, after, limit).await
    }
}

/// Compares what a write expects with the revision that is there.
pub(super) fn check_expected(table: Table, id: &str, expected: Expected, found: Option<u64>) -> Result<(), StoreError> {
    let fits = match expected {
        Expected::Anything => true,
        Expected::Nothing => found.is_none(),
        Expected::Revision(revision) => found == Some(revision),
    };
    if fits {
        return Ok(());
    }
    let found = found.map_or_else(|| "nothing".to_owned(), |revision| format!("revision {revision}"));
    let expected = match expected {
        Expected::Revision(revision) => format!("revision {revision}"),
        _ => "nothing".to_owned(),
    };
    let table = table.as_str();
    Err(StoreError::new(
        StoreErrorKind::Conflict,
        format!("the record {id} in {table} was changed meanwhile: expected {expected}, found {found}"),
    ))
}

/// Nothing can follow a record that is not there.
pub(super) fn no_such_place(table: Table, after: &str) -> StoreError {
    let detail = format!("the record {after} in {}, after which to go on, is not there (any more)", table.as_str());
    StoreError::new(StoreErrorKind::Conflict, detail)
}

/// What went wrong in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// Another process has it open.
    Locked,
    /// It was written by a newer version.
    TooNew,
    /// A record does not open: a wrong key, or damage.
    Damaged,
    /// A write found something else than it expected; nothing was changed.
    Conflict,
    /// The wrapping key could not be had.
    Secret,
    /// Anything else: the disk, the database.
    Failed,
}

/// A store operation that failed; nothing was changed.
#[derive(Debug, thiserror::Error)]
#[error("{detail}")]
pub struct StoreError {
    /// What went wrong.
    pub kind: StoreErrorKind,
    /// A sentence for developers, without content of records.
    pub detail: String,
    /// The name of the record that does not open, where it is about one.
    pub record: Option<String>,
    /// The cause.
    #[source]
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

impl StoreError {
    /// An error without a cause.
    pub fn new(kind: StoreErrorKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), record: None, source: None }
    }

    /// Names the record that does not open.
    #[must_use]
    pub fn about(mut self, record: impl Into<String>) -> Self {
        self.record = Some(record.into());
        self
    }

    /// Keeps the cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}
