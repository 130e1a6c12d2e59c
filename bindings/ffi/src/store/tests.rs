//! A store of the app's own: nothing is lost on its way across, in either direction.

use std::sync::atomic::{AtomicBool, Ordering};

use billfold::platform::memory::MemoryStore;
use billfold::platform::store::CredentialStore as _;

use super::*;

/// An app's store, that can be made to misbehave.
#[derive(Default)]
struct Store {
    records: MemoryStore,
    too_much: AtomicBool,
    error: Option<StoreError>,
}

fn table(table: StoreTable) -> core::Table {
    core::Table::ALL
        .into_iter()
        .find(|found| StoreTable::try_from(*found).is_ok_and(|found| found == table))
        .expect("it has a name")
}

fn back(error: core::StoreError) -> StoreError {
    let kind = match error.kind {
        core::StoreErrorKind::Conflict => StoreErrorKind::Conflict,
        _ => StoreErrorKind::Failed,
    };
    StoreError::Failed { kind, detail: error.detail, record: error.record }
}

fn record(record: core::Record) -> StoreRecord {
    StoreRecord { id: record.id, revision: record.revision, content: record.content }
}

#[async_trait]
impl CredentialStore for Store {
    async fn commit(&self, changes: Vec<StoreChange>) -> Result<(), StoreError> {
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        let changes = changes.into_iter().map(|change| match change {
            StoreChange::Put { table: of, id, content, expected } => {
                let expected = match expected {
                    StoreExpectation::Anything => core::Expected::Anything,
                    StoreExpectation::Nothing => core::Expected::Nothing,
                    StoreExpectation::Revision { revision } => core::Expected::Revision(revision),
                };
                core::Change::Put { table: table(of), id, content, expected }
            }
            StoreChange::Remove { table: of, id } => core::Change::Remove { table: table(of), id },
        });
        self.records.commit(changes.collect()).await.map_err(back)
    }

    async fn get(&self, of: StoreTable, id: String) -> Result<Option<StoreRecord>, StoreError> {
        Ok(self.records.get(table(of), &id).await.map_err(back)?.map(record))
    }

    async fn list(&self, of: StoreTable) -> Result<Vec<StoreRecord>, StoreError> {
        Ok(self.records.list(table(of)).await.map_err(back)?.into_iter().map(record).collect())
    }

    async fn page(&self, of: StoreTable, after: Option<String>, limit: u32) -> Result<Vec<StoreRecord>, StoreError> {
        let limit = limit as usize + usize::from(self.too_much.load(Ordering::SeqCst));
        let page = self.records.page(table(of), after.as_deref(), limit).await.map_err(back)?;
        Ok(page.into_iter().map(record).collect())
    }
}

struct Factory(fn() -> Store);

impl StoreFactory for Factory {
    fn make(&self) -> Result<Arc<dyn CredentialStore>, StoreError> {
        Ok(Arc::new((self.0)()))
    }
}

#[test]
fn the_suite_passes_a_good_store_and_tells_what_is_wrong_with_a_bad_one() {
    let run = |make: fn() -> Store| {
        tokio::runtime::Runtime::new().expect("starts").block_on(check_store(Arc::new(Factory(make))))
    };
    assert_eq!(run(Store::default), Ok(()));
    let error = run(|| Store { too_much: AtomicBool::new(true), ..Store::default() }).expect_err("it gives too much");
    assert!(error.to_string().contains("asked for at most"), "{error}");
    let full = || Store {
        error: Some(StoreError::Failed {
            kind: StoreErrorKind::Failed,
            detail: String::from("the disk is full"),
            record: None,
        }),
        ..Store::default()
    };
    assert!(run(full).expect_err("it fails").to_string().contains("the disk is full"));
}

#[tokio::test]
async fn errors_keep_their_kind_and_their_record() {
    for (kind, expected) in [
        (StoreErrorKind::Locked, core::StoreErrorKind::Locked),
        (StoreErrorKind::TooNew, core::StoreErrorKind::TooNew),
        (StoreErrorKind::Damaged, core::StoreErrorKind::Damaged),
        (StoreErrorKind::Conflict, core::StoreErrorKind::Conflict),
        (StoreErrorKind::Failed, core::StoreErrorKind::Failed),
    ] {
        let error = StoreError::Failed { kind, detail: String::from("why"), record: Some(String::from("a")) };
        let store = StoreAdapter(Arc::new(Store { error: Some(error), ..Store::default() }));
        let found = core::CredentialStore::commit(&store, Vec::new()).await.expect_err("it fails");
        assert_eq!((found.kind, found.detail.as_str(), found.record.as_deref()), (expected, "why", Some("a")));
    }
}
