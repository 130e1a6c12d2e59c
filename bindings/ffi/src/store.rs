//! A store that an app brings along in its own language, and the adapter that makes it the core's.

use std::sync::Arc;

use async_trait::async_trait;
use billfold::platform::store as core;
use billfold::platform::store_suite;

use crate::runtime;

/// The drawers of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, uniffi::Enum)]
pub enum StoreTable {
    /// Issuances that have not ended.
    Sessions,
    /// Credentials.
    Credentials,
    /// What issuers are still to be told.
    Outbox,
    /// What credentials can be renewed with.
    Authorizations,
    /// What can be fetched again. It may be emptied at any time.
    Cache,
}

impl TryFrom<core::Table> for StoreTable {
    type Error = core::StoreError;

    fn try_from(table: core::Table) -> Result<Self, core::StoreError> {
        match table {
            core::Table::Sessions => Ok(Self::Sessions),
            core::Table::Credentials => Ok(Self::Credentials),
            core::Table::Outbox => Ok(Self::Outbox),
            core::Table::Authorizations => Ok(Self::Authorizations),
            core::Table::Cache => Ok(Self::Cache),
            other => Err(failed(format!("the drawer {} does not cross the border", other.as_str()))),
        }
    }
}

/// A record as it was read.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct StoreRecord {
    /// Its name within its table: any text.
    pub id: String,
    /// Counts its writes, from 1.
    pub revision: u64,
    /// Its content, sealed.
    pub content: Vec<u8>,
}

/// What a write expects to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum StoreExpectation {
    /// Whatever is there.
    Anything,
    /// Nothing under this id.
    Nothing,
    /// Exactly this revision.
    Revision {
        /// Which one.
        revision: u64,
    },
}

/// One change of a commit.
#[derive(Clone, PartialEq, Eq, uniffi::Enum)]
pub enum StoreChange {
    /// Writes a record.
    Put {
        /// Where.
        table: StoreTable,
        /// Under which id.
        id: String,
        /// Which content: sealed octets.
        content: Vec<u8>,
        /// Over what.
        expected: StoreExpectation,
    },
    /// Removes a record. One that is not there is no error.
    Remove {
        /// Where.
        table: StoreTable,
        /// Under which id.
        id: String,
    },
}

/// What went wrong in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum StoreErrorKind {
    /// Somebody else has it open.
    Locked,
    /// It was written by a newer version.
    TooNew,
    /// A record can't be read.
    Damaged,
    /// A write found something else than it expected, or nothing is there to go on after; nothing was changed.
    Conflict,
    /// Anything else: the disk, the database.
    Failed,
}

/// A store operation that failed; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum StoreError {
    /// The only variant.
    #[error("{detail}")]
    Failed {
        /// What went wrong.
        kind: StoreErrorKind,
        /// A sentence for developers, without contents.
        detail: String,
        /// The id of the record that can't be read, where it is about one.
        record: Option<String>,
    },
}

impl From<uniffi::UnexpectedUniFFICallbackError> for StoreError {
    /// The text of an unexpected exception may hold anything, so it stays behind.
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Failed {
            kind: StoreErrorKind::Failed,
            detail: String::from("the app's store threw something unexpected"),
            record: None,
        }
    }
}

/// Keeps records. Their contents are sealed before they get here; ids are random names, or say what can be
/// fetched again.
#[uniffi::export(foreign)]
#[async_trait]
pub trait CredentialStore: Send + Sync {
    /// Applies all changes in their order, each seeing those before it, or none of them. Once it returns, they
    /// survive a crash.
    async fn commit(&self, changes: Vec<StoreChange>) -> Result<(), StoreError>;

    /// The record of that id.
    async fn get(&self, table: StoreTable, id: String) -> Result<Option<StoreRecord>, StoreError>;

    /// All records of a table, in the order in which they were first written.
    async fn list(&self, table: StoreTable) -> Result<Vec<StoreRecord>, StoreError>;

    /// The records that follow the one called `after`, in the same order, at most `limit`; without `after` the
    /// first ones. A page that is not full may be followed by another one, an empty one is the end. An `after`
    /// that is not there is a `Conflict`.
    async fn page(&self, table: StoreTable, after: Option<String>, limit: u32) -> Result<Vec<StoreRecord>, StoreError>;
}

/// The app's store as the core's.
pub(crate) struct StoreAdapter(pub(crate) Arc<dyn CredentialStore>);

#[async_trait]
impl core::CredentialStore for StoreAdapter {
    async fn commit(&self, changes: Vec<core::Change>) -> Result<(), core::StoreError> {
        let changes = changes.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?;
        Ok(self.0.commit(changes).await?)
    }

    async fn get(&self, table: core::Table, id: &str) -> Result<Option<core::Record>, core::StoreError> {
        Ok(self.0.get(table.try_into()?, id.to_owned()).await?.map(Into::into))
    }

    async fn list(&self, table: core::Table) -> Result<Vec<core::Record>, core::StoreError> {
        Ok(self.0.list(table.try_into()?).await?.into_iter().map(Into::into).collect())
    }

    async fn page(
        &self,
        table: core::Table,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<core::Record>, core::StoreError> {
        let wanted = u32::try_from(limit).unwrap_or(u32::MAX);
        let page = self.0.page(table.try_into()?, after.map(str::to_owned), wanted).await?;
        if page.len() > limit {
            let detail = format!("the app's store was asked for at most {limit} records and gave {}", page.len());
            return Err(failed(detail));
        }
        Ok(page.into_iter().map(Into::into).collect())
    }
}

fn failed(detail: String) -> core::StoreError {
    core::StoreError::new(core::StoreErrorKind::Failed, detail)
}

impl TryFrom<core::Change> for StoreChange {
    type Error = core::StoreError;

    fn try_from(change: core::Change) -> Result<Self, core::StoreError> {
        Ok(match change {
            core::Change::Put { table, id, content, expected } => {
                Self::Put { table: table.try_into()?, id, content, expected: expected.into() }
            }
            core::Change::Remove { table, id } => Self::Remove { table: table.try_into()?, id },
        })
    }
}

impl From<core::Expected> for StoreExpectation {
    fn from(expected: core::Expected) -> Self {
        match expected {
            core::Expected::Anything => Self::Anything,
            core::Expected::Nothing => Self::Nothing,
            core::Expected::Revision(revision) => Self::Revision { revision },
        }
    }
}

impl From<StoreRecord> for core::Record {
    fn from(record: StoreRecord) -> Self {
        let StoreRecord { id, revision, content } = record;
        Self { id, revision, content }
    }
}

impl From<StoreError> for core::StoreError {
    fn from(error: StoreError) -> Self {
        let StoreError::Failed { kind, detail, record } = error;
        let kind = match kind {
            StoreErrorKind::Locked => core::StoreErrorKind::Locked,
            StoreErrorKind::TooNew => core::StoreErrorKind::TooNew,
            StoreErrorKind::Damaged => core::StoreErrorKind::Damaged,
            StoreErrorKind::Conflict => core::StoreErrorKind::Conflict,
            StoreErrorKind::Failed => core::StoreErrorKind::Failed,
        };
        let error = Self::new(kind, detail);
        match record {
            Some(record) => error.about(record),
            None => error,
        }
    }
}

/// Makes stores for `check_store`.
#[uniffi::export(foreign)]
pub trait StoreFactory: Send + Sync {
    /// A new store with nothing in it.
    fn make(&self) -> Result<Arc<dyn CredentialStore>, StoreError>;
}

/// Runs the conformance suite over stores that are made for it. Fails on the first thing that a store does
/// otherwise than [`CredentialStore`] says, and tells what: for the tests of an app that brings its own.
#[uniffi::export]
pub async fn check_store(factory: Arc<dyn StoreFactory>) -> Result<(), StoreError> {
    let test = async move || {
        store_suite::run(async || match factory.make() {
            Ok(store) => StoreAdapter(store),
            Err(error) => panic!("no store was made: {error}"),
        })
        .await;
    };
    runtime::try_out(test).await.map_err(|detail| StoreError::Failed {
        kind: StoreErrorKind::Failed,
        detail,
        record: None,
    })
}

#[cfg(test)]
mod tests;
