//! Files of a store that were cut or damaged: what can be read is what was written, the rest is an error.

use std::path::Path;
use std::sync::Arc;

use billfold::platform::secret::SecretStore;
use billfold::platform::sqlite::SqliteStore;
use billfold::platform::store::{Change, CredentialStore, StoreError, StoreErrorKind, Table};

use crate::sqlite::{Place, put};

const COMMITS: u32 = 12;

/// The records of one commit: one a table, all with one number.
fn batch(number: u32) -> Vec<Change> {
    Table::ALL.into_iter().map(|table| put(table, "x", &number.to_be_bytes().repeat(1500))).collect()
}

fn copy(from: &Path, to: &Path) {
    for name in ["wallet.db", "wallet.db-wal"] {
        // There is no log once a store was closed.
        let _ = std::fs::copy(from.join(name), to.join(name));
    }
}

async fn open(dir: &Path, secrets: &Arc<impl SecretStore + 'static>) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(dir, secrets.clone()).await
}

/// The number that all tables have, after so many commits; 0 before the first.
async fn state(store: &SqliteStore) -> u32 {
    let mut numbers = Vec::new();
    for table in Table::ALL {
        let number = store.get(table, "x").await.unwrap().map_or(0, |record| {
            let number = u32::from_be_bytes(record.content[..4].try_into().unwrap());
            assert_eq!(record.content, number.to_be_bytes().repeat(1500));
            assert_eq!(record.revision, u64::from(number));
            number
        });
        numbers.push(number);
    }
    assert!(numbers.iter().all(|number| *number == numbers[0]), "half a commit: {numbers:?}");
    numbers[0]
}

#[tokio::test]
async fn a_log_that_was_cut_gives_the_state_after_some_commit() {
    let place = Place::new();
    let store = place.open().await.unwrap();
    for number in 1..=COMMITS {
        store.commit(batch(number)).await.unwrap();
    }
    // As the disk is when the machine loses power, with the log not moved into the database yet.
    let frozen = tempfile::tempdir().unwrap();
    copy(&place.path(), frozen.path());
    let log = std::fs::read(frozen.path().join("wallet.db-wal")).unwrap();
    let (header, frame) = (32, 24 + 4096);
    assert!(log.len() > header + 20 * frame, "the commits are in the log");
    let frames = (log.len() - header) / frame;
    let mut lengths: Vec<_> = (0..=frames).map(|number| header + number * frame).collect();
    lengths.extend((0..frames).step_by(5).flat_map(|number| {
        let begin = header + number * frame;
        [begin + 1, begin + 23, begin + 24, begin + 2000, begin + frame - 1]
    }));
    lengths.extend([0, 1, 31]);
    lengths.sort_unstable();
    let mut last = 0;
    for length in lengths.into_iter().filter(|length| *length <= log.len()) {
        let dir = tempfile::tempdir().unwrap();
        copy(frozen.path(), dir.path());
        std::fs::write(dir.path().join("wallet.db-wal"), &log[..length]).unwrap();
        let opened = open(dir.path(), &place.secrets).await;
        // Before the log holds the first transaction there is no store yet, and one is made.
        let store = opened.unwrap_or_else(|error| panic!("a log of {length} octets: {error}"));
        let found = state(&store).await;
        assert!(found >= last, "{found} after {last} commits, with more of the log");
        last = found;
        // It works on from there.
        store.commit(batch(found + 1)).await.unwrap();
        drop(store);
        assert_eq!(state(&open(dir.path(), &place.secrets).await.unwrap()).await, found + 1);
    }
    assert_eq!(last, COMMITS);
}

#[tokio::test]
async fn a_log_with_damage_in_it_ends_there() {
    let place = Place::new();
    let store = place.open().await.unwrap();
    for number in 1..=COMMITS {
        store.commit(batch(number)).await.unwrap();
    }
    let log = std::fs::read(place.path().join("wallet.db-wal")).unwrap();
    for at in (0..log.len()).step_by(log.len() / 40) {
        let dir = tempfile::tempdir().unwrap();
        copy(&place.path(), dir.path());
        let mut damaged = log.clone();
        damaged[at] ^= 0x40;
        std::fs::write(dir.path().join("wallet.db-wal"), damaged).unwrap();
        let store = open(dir.path(), &place.secrets).await.unwrap();
        assert!(state(&store).await <= COMMITS, "octet {at}");
    }
}

/// Opens the folder and reads everything; what comes out is what was written, or an error of the right kind.
async fn look(dir: &Path, place: &Place, what: &str) -> bool {
    let typed = |error: &StoreError| {
        let expected =
            [StoreErrorKind::Damaged, StoreErrorKind::Failed, StoreErrorKind::TooNew, StoreErrorKind::Secret];
        assert!(expected.contains(&error.kind), "{what}: {error:?}");
    };
    let store = match open(dir, &place.secrets).await {
        Ok(store) => store,
        Err(error) => {
            typed(&error);
            return false;
        }
    };
    let mut whole = true;
    for number in 0..40_u32 {
        match store.get(Table::Credentials, &number.to_string()).await {
            Ok(Some(record)) => assert_eq!(record.content, content(number), "{what}"),
            Ok(None) => whole = false,
            Err(error) => {
                typed(&error);
                whole = false;
            }
        }
    }
    let mut after = None::<String>;
    loop {
        match store.page(Table::Credentials, after.as_deref(), 7).await {
            Ok(page) if page.is_empty() => return whole,
            Ok(page) => {
                for record in &page {
                    assert_eq!(record.content, content(record.id.parse().unwrap()), "{what}");
                }
                after = page.last().map(|record| record.id.clone());
            }
            Err(error) => {
                if error.kind != StoreErrorKind::Conflict {
                    typed(&error);
                }
                match error.record {
                    Some(id) if after.as_ref() != Some(&id) => after = Some(id),
                    _ => return false,
                }
            }
        }
    }
}

fn content(number: u32) -> Vec<u8> {
    number.to_be_bytes().repeat(600)
}

#[tokio::test]
async fn a_database_that_was_cut_or_damaged_gives_no_wrong_record() {
    let place = Place::new();
    let store = place.open().await.unwrap();
    store
        .commit((0..40).map(|number| put(Table::Credentials, &number.to_string(), &content(number))).collect())
        .await
        .unwrap();
    drop(store);
    let whole = std::fs::read(place.path().join("wallet.db")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut unharmed = 0;
    let mut spoil = async |database: &[u8], what: String| {
        for name in ["wallet.db-wal", "wallet.db-journal"] {
            let _ = std::fs::remove_file(dir.path().join(name));
        }
        std::fs::write(dir.path().join("wallet.db"), database).unwrap();
        unharmed += usize::from(look(dir.path(), &place, &what).await);
    };
    spoil(&whole, "untouched".to_owned()).await;
    for length in (1..whole.len()).step_by(2731).chain([512, 4096, whole.len() - 4096, whole.len() - 1]) {
        spoil(&whole[..length], format!("cut to {length}")).await;
    }
    for at in (0..whole.len()).step_by(1777) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x11;
        spoil(&damaged, format!("octet {at}")).await;
    }
    for page in 0..whole.len() / 4096 {
        let mut damaged = whole.clone();
        damaged[page * 4096..(page + 1) * 4096].fill(0);
        spoil(&damaged, format!("page {page} wiped")).await;
    }
    assert!(unharmed >= 1, "the one that was not touched");
}

#[tokio::test]
async fn a_record_whose_name_is_damaged_hides_no_other() {
    let place = Place::new();
    let store = place.open().await.unwrap();
    store.commit(["a", "b", "c"].map(|id| put(Table::Credentials, id, id.as_bytes())).into()).await.unwrap();
    drop(store);
    place.database().execute("UPDATE records SET id = CAST(x'e2' AS TEXT) WHERE id = 'b'", []).unwrap();
    let store = place.open().await.unwrap();
    let ids = async |after| {
        let page = store.page(Table::Credentials, after, 9).await?;
        Ok::<_, StoreError>(page.into_iter().map(|record| record.id).collect::<Vec<_>>())
    };
    assert_eq!(ids(None).await.unwrap(), ["a"]);
    let error = ids(Some("a")).await.unwrap_err();
    assert_eq!((error.kind, error.record.as_deref()), (StoreErrorKind::Damaged, Some("\u{fffd}")));
    assert_eq!(ids(Some("\u{fffd}")).await.unwrap(), ["c"]);
    assert_eq!(store.list(Table::Credentials).await.unwrap_err().kind, StoreErrorKind::Damaged);
    assert_eq!(store.get(Table::Credentials, "\u{fffd}").await.unwrap_err().kind, StoreErrorKind::Damaged);
    assert_eq!(store.get(Table::Credentials, "\u{fffd}\u{fffd}").await.unwrap(), None);
    let changed = store.change_key().await.unwrap();
    assert_eq!((changed.records, changed.unreadable), (2, 1));
    let forget = Change::Remove { table: Table::Credentials, id: "\u{fffd}".to_owned() };
    store.commit(vec![forget]).await.unwrap();
    assert_eq!(ids(None).await.unwrap(), ["a", "c"]);
}
