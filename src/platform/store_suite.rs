//! The conformance suite that every [`CredentialStore`] has to pass.
//!
//! A program that brings its own store runs it in a test:
//!
//! ```
//! # futures_util::future::FutureExt::now_or_never(async {
//! use billfold::platform::{memory::MemoryStore, store_suite};
//!
//! store_suite::run(async || MemoryStore::new()).await;
//! # }).expect("nothing to wait for");
//! ```

use super::store::{Change, CredentialStore, Expected, Record, StoreError, StoreErrorKind, Table};

/// Runs every check; each on a new, empty store made by `make`.
///
/// # Panics
/// On the first thing that a store does otherwise than [`CredentialStore`] says.
pub async fn run<S: CredentialStore>(make: impl AsyncFn() -> S) {
    an_empty_store_has_nothing(&make().await).await;
    what_was_put_is_read_back(&make().await).await;
    any_content_survives(&make().await).await;
    any_id_survives(&make().await).await;
    revisions_count_writes(&make().await).await;
    expectations_are_kept(&make().await).await;
    a_commit_is_all_or_nothing(&make().await).await;
    changes_see_those_before_them(&make().await).await;
    lists_keep_the_order_of_first_writes(&make().await).await;
    pages_are_parts_of_lists(&make().await).await;
    pages_go_on_after_a_name(&make().await).await;
    tables_are_apart(&make().await).await;
    removing_forgets(&make().await).await;
    an_empty_commit_changes_nothing(&make().await).await;
    commits_at_once_do_not_mix(&make().await).await;
    pages_are_read_while_others_write(&make().await).await;
}

/// Checks that a durable store keeps everything when it is closed and opened again.
///
/// `reopen` takes the store, closes it and opens it anew.
///
/// # Panics
/// When something is missing or different afterwards.
pub async fn run_durable<S: CredentialStore>(store: S, reopen: impl AsyncFn(S) -> S) {
    let big = bytes(1024 * 1024);
    ok(store.commit(vec![put(Table::Credentials, "b", b"1"), put(Table::Credentials, "a", &big)]).await);
    ok(store.commit(vec![put(Table::Sessions, "s", b"old"), put(Table::Outbox, "gone", b"x")]).await);
    ok(store.commit(vec![put(Table::Sessions, "s", b"new"), remove(Table::Outbox, "gone")]).await);
    refused(store.commit(vec![put(Table::Sessions, "never", b""), put_new(Table::Sessions, "s", b"")]).await);

    let store = reopen(store).await;
    assert_eq!(ok(store.list(Table::Credentials).await), [record("b", 1, b"1"), record("a", 1, &big)]);
    assert_eq!(ok(store.list(Table::Sessions).await), [record("s", 2, b"new")]);
    assert_eq!(ok(store.list(Table::Outbox).await), []);

    // Positions and revisions go on where they were.
    ok(store.commit(vec![put_over(Table::Sessions, "s", b"newer", 2), put(Table::Credentials, "0", b"")]).await);
    let store = reopen(store).await;
    assert_eq!(ok(store.get(Table::Sessions, "s").await), Some(record("s", 3, b"newer")));
    let ids: Vec<_> = ok(store.list(Table::Credentials).await).into_iter().map(|record| record.id).collect();
    assert_eq!(ids, ["b", "a", "0"]);
}

async fn an_empty_store_has_nothing(store: &impl CredentialStore) {
    for table in Table::ALL {
        assert_eq!(ok(store.get(table, "x").await), None);
        assert_eq!(ok(store.list(table).await), []);
        assert_eq!(ok(store.page(table, None, 10).await), []);
    }
}

async fn what_was_put_is_read_back(store: &impl CredentialStore) {
    ok(store.commit(vec![put(Table::Sessions, "x", b"content")]).await);
    assert_eq!(ok(store.get(Table::Sessions, "x").await), Some(record("x", 1, b"content")));
    assert_eq!(ok(store.get(Table::Sessions, "y").await), None);
    assert_eq!(ok(store.list(Table::Sessions).await), [record("x", 1, b"content")]);
}

async fn any_content_survives(store: &impl CredentialStore) {
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    for content in [&[][..], &[0], &[0, 0, 255, 254], &every_byte, &bytes(1024 * 1024)] {
        ok(store.commit(vec![put(Table::Credentials, "x", content)]).await);
        let read = ok(store.get(Table::Credentials, "x").await).expect("it was just written");
        assert!(read.content == content, "{} octets came back as others", content.len());
    }
}

async fn any_id_survives(store: &impl CredentialStore) {
    let ids = ["a", "A", "ä", "", " a", "a'; DROP TABLE sessions; --", "a/b\\c", "%_*?", "\u{1f511}", "a\n", "a\0b"];
    ok(store.commit(ids.iter().map(|id| put(Table::Outbox, id, id.as_bytes())).collect()).await);
    for id in ids {
        assert_eq!(ok(store.get(Table::Outbox, id).await), Some(record(id, 1, id.as_bytes())), "id {id:?}");
    }
    assert_eq!(ok(store.list(Table::Outbox).await).len(), ids.len());
}

async fn revisions_count_writes(store: &impl CredentialStore) {
    for revision in 1..=5 {
        ok(store.commit(vec![put(Table::Sessions, "x", b"same")]).await);
        assert_eq!(ok(store.get(Table::Sessions, "x").await), Some(record("x", revision, b"same")));
    }
}

async fn expectations_are_kept(store: &impl CredentialStore) {
    refused(store.commit(vec![put_over(Table::Sessions, "x", b"0", 0)]).await);
    refused(store.commit(vec![put_over(Table::Sessions, "x", b"0", 1)]).await);
    assert_eq!(ok(store.get(Table::Sessions, "x").await), None);

    ok(store.commit(vec![put_new(Table::Sessions, "x", b"1")]).await);
    refused(store.commit(vec![put_new(Table::Sessions, "x", b"2")]).await);
    refused(store.commit(vec![put_over(Table::Sessions, "x", b"2", 2)]).await);
    refused(store.commit(vec![put_over(Table::Sessions, "x", b"2", 0)]).await);
    refused(store.commit(vec![put_over(Table::Sessions, "x", b"2", u64::MAX)]).await);
    assert_eq!(ok(store.get(Table::Sessions, "x").await), Some(record("x", 1, b"1")));

    ok(store.commit(vec![put_over(Table::Sessions, "x", b"2", 1)]).await);
    refused(store.commit(vec![put_over(Table::Sessions, "x", b"3", 1)]).await);
    assert_eq!(ok(store.get(Table::Sessions, "x").await), Some(record("x", 2, b"2")));
}

async fn a_commit_is_all_or_nothing(store: &impl CredentialStore) {
    ok(store.commit(vec![put(Table::Sessions, "kept", b"1"), put(Table::Outbox, "there", b"1")]).await);
    refused(
        store
            .commit(vec![
                put(Table::Sessions, "kept", b"2"),
                put(Table::Credentials, "new", b"1"),
                remove(Table::Outbox, "there"),
                put_over(Table::Sessions, "kept", b"3", 1),
            ])
            .await,
    );
    assert_eq!(ok(store.list(Table::Sessions).await), [record("kept", 1, b"1")]);
    assert_eq!(ok(store.list(Table::Credentials).await), []);
    assert_eq!(ok(store.list(Table::Outbox).await), [record("there", 1, b"1")]);
}

async fn changes_see_those_before_them(store: &impl CredentialStore) {
    ok(store
        .commit(vec![
            put_new(Table::Sessions, "x", b"1"),
            put_over(Table::Sessions, "x", b"2", 1),
            put_new(Table::Sessions, "y", b"1"),
            remove(Table::Sessions, "y"),
            put_new(Table::Sessions, "y", b"2"),
        ])
        .await);
    assert_eq!(ok(store.list(Table::Sessions).await), [record("x", 2, b"2"), record("y", 1, b"2")]);
}

async fn lists_keep_the_order_of_first_writes(store: &impl CredentialStore) {
    for id in ["m", "z", "a"] {
        ok(store.commit(vec![put(Table::Credentials, id, b"")]).await);
    }
    // Written again, a record stays where it is; removed and written, it is new.
    ok(store.commit(vec![put(Table::Credentials, "m", b"2")]).await);
    assert_eq!(ids(store).await, ["m", "z", "a"]);
    ok(store.commit(vec![remove(Table::Credentials, "z")]).await);
    ok(store.commit(vec![put(Table::Credentials, "z", b"")]).await);
    assert_eq!(ids(store).await, ["m", "a", "z"]);
    // The last one removed must not give its place away to an older one.
    ok(store.commit(vec![remove(Table::Credentials, "z"), put(Table::Credentials, "b", b"")]).await);
    assert_eq!(ids(store).await, ["m", "a", "b"]);
}

async fn pages_are_parts_of_lists(store: &impl CredentialStore) {
    const RECORDS: usize = 23;
    // Names whose order is neither that of writing nor the reverse, and others' records between them.
    let name = |number: usize| format!("{} \u{1f511}", number * 7 % RECORDS);
    for number in 0..RECORDS {
        let mine = put(Table::Credentials, &name(number), &bytes(number));
        ok(store.commit(vec![put(Table::Cache, &name(number), b"picture"), mine]).await);
    }
    ok(store.commit(vec![put(Table::Credentials, &name(3), b"again"), remove(Table::Credentials, &name(11))]).await);
    let list = ok(store.list(Table::Credentials).await);
    assert_eq!(list.len(), RECORDS - 1);
    for limit in [1, 2, 7, RECORDS - 1, RECORDS, 1000] {
        let (mut read, mut after) = (Vec::new(), None::<String>);
        loop {
            let page = ok(store.page(Table::Credentials, after.as_deref(), limit).await);
            assert!(page.len() <= limit, "a page of at most {limit} has {} records", page.len());
            let Some(last) = page.last() else { break };
            after = Some(last.id.clone());
            read.extend(page);
        }
        assert!(read == list, "pages of {limit} give other records than the list");
    }
    assert_eq!(ok(store.page(Table::Credentials, None, 0).await), []);
    assert_eq!(ok(store.page(Table::Sessions, None, 5).await), []);
}

async fn pages_go_on_after_a_name(store: &impl CredentialStore) {
    ok(store.commit(["a", "b", "c"].map(|id| put(Table::Cache, id, id.as_bytes())).into()).await);
    // What was written again keeps its place, also as a place to go on from.
    ok(store.commit(vec![put(Table::Cache, "a", b"2")]).await);
    let after = async |id| ok(store.page(Table::Cache, Some(id), 9).await).into_iter().map(|found| found.id);
    assert!(after("a").await.eq(["b", "c"]));
    assert!(after("c").await.eq([""; 0]));
    // What was removed in between is not there; what comes after it is.
    ok(store.commit(vec![remove(Table::Cache, "b")]).await);
    assert!(after("a").await.eq(["c"]));
    // A name that is gone, was never there, or is in another table, is no place.
    ok(store.commit(vec![put(Table::Outbox, "o", b"")]).await);
    for id in ["b", "A", "", "o"] {
        match store.page(Table::Cache, Some(id), 9).await {
            Ok(_) => panic!("the store went on after {id:?}, which is not there"),
            Err(error) => assert_eq!(error.kind, StoreErrorKind::Conflict, "{error:?}"),
        }
    }
}

async fn tables_are_apart(store: &impl CredentialStore) {
    for table in Table::ALL {
        ok(store.commit(vec![put_new(table, "x", table.as_str().as_bytes())]).await);
    }
    ok(store.commit(vec![remove(Table::Sessions, "x")]).await);
    assert_eq!(ok(store.get(Table::Sessions, "x").await), None);
    assert_eq!(ok(store.list(Table::Credentials).await), [record("x", 1, b"credentials")]);
    assert_eq!(ok(store.list(Table::Outbox).await), [record("x", 1, b"outbox")]);
}

async fn removing_forgets(store: &impl CredentialStore) {
    ok(store.commit(vec![remove(Table::Sessions, "x")]).await);
    ok(store.commit(vec![put(Table::Sessions, "x", b"1")]).await);
    ok(store.commit(vec![put(Table::Sessions, "x", b"2")]).await);
    ok(store.commit(vec![remove(Table::Sessions, "x")]).await);
    assert_eq!(ok(store.get(Table::Sessions, "x").await), None);
    refused(store.commit(vec![put_over(Table::Sessions, "x", b"3", 2)]).await);
    ok(store.commit(vec![put_new(Table::Sessions, "x", b"3")]).await);
    assert_eq!(ok(store.get(Table::Sessions, "x").await), Some(record("x", 1, b"3")));
}

async fn an_empty_commit_changes_nothing(store: &impl CredentialStore) {
    ok(store.commit(vec![put(Table::Sessions, "x", b"1")]).await);
    ok(store.commit(Vec::new()).await);
    assert_eq!(ok(store.list(Table::Sessions).await), [record("x", 1, b"1")]);
}

async fn commits_at_once_do_not_mix(store: &impl CredentialStore) {
    const WRITERS: usize = 16;
    ok(store.commit(vec![put(Table::Sessions, "counter", b"0")]).await);

    // Of several that found the same revision, one wins.
    let results = futures_util::future::join_all((0..WRITERS).map(|writer| async move {
        let mine = writer.to_string();
        let changes = vec![
            put(Table::Outbox, &mine, mine.as_bytes()),
            put_over(Table::Sessions, "counter", mine.as_bytes(), 1),
            put(Table::Credentials, &mine, mine.as_bytes()),
        ];
        (mine, store.commit(changes).await)
    }))
    .await;
    let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(|(_, result)| result.is_ok());
    assert_eq!(won.len(), 1, "exactly one writer may win");
    for (_, result) in lost {
        refused(result);
    }
    let winner = won[0].0.as_str();
    assert_eq!(ok(store.list(Table::Sessions).await), [record("counter", 2, winner.as_bytes())]);
    assert_eq!(ok(store.list(Table::Outbox).await), [record(winner, 1, winner.as_bytes())]);
    assert_eq!(ok(store.list(Table::Credentials).await), [record(winner, 1, winner.as_bytes())]);

    // Of several that ask for nothing, all are counted.
    let writes = (0..WRITERS).map(|_| store.commit(vec![put(Table::Sessions, "counter", b"n")]));
    for result in futures_util::future::join_all(writes).await {
        ok(result);
    }
    let counter = ok(store.get(Table::Sessions, "counter").await).expect("it is there");
    assert_eq!(counter.revision, 2 + WRITERS as u64);
}

async fn pages_are_read_while_others_write(store: &impl CredentialStore) {
    const RECORDS: usize = 40;
    let name = |number: usize| format!("{number:03}");
    ok(store.commit((0..RECORDS).map(|number| put(Table::Credentials, &name(number), b"1")).collect()).await);
    let write = async {
        for number in 0..RECORDS {
            ok(store.commit(vec![put(Table::Credentials, &name(number), b"2"), put(Table::Cache, "x", b"")]).await);
            ok(store.commit(vec![put_new(Table::Credentials, &name(RECORDS + number), b"1")]).await);
        }
    };
    let read = async {
        let (mut seen, mut after) = (Vec::new(), None::<String>);
        loop {
            let page = ok(store.page(Table::Credentials, after.as_deref(), 3).await);
            let Some(last) = page.last() else { break };
            after = Some(last.id.clone());
            seen.extend(page.into_iter().map(|record| record.id));
        }
        seen
    };
    let ((), seen) = futures_util::future::join(write, read).await;
    // All that was there, once and in order; of what came meanwhile, a beginning.
    assert!(seen.len() >= RECORDS, "pages left records out: {seen:?}");
    assert!(seen.iter().enumerate().all(|(at, id)| *id == name(at)), "pages mix their order up: {seen:?}");
    assert_eq!(ok(store.list(Table::Credentials).await).len(), 2 * RECORDS);
}

async fn ids(store: &impl CredentialStore) -> Vec<String> {
    ok(store.list(Table::Credentials).await).into_iter().map(|record| record.id).collect()
}

fn put(table: Table, id: &str, content: &[u8]) -> Change {
    Change::Put { table, id: id.to_owned(), content: content.to_vec(), expected: Expected::Anything }
}

fn put_new(table: Table, id: &str, content: &[u8]) -> Change {
    Change::Put { table, id: id.to_owned(), content: content.to_vec(), expected: Expected::Nothing }
}

fn put_over(table: Table, id: &str, content: &[u8], revision: u64) -> Change {
    Change::Put { table, id: id.to_owned(), content: content.to_vec(), expected: Expected::Revision(revision) }
}

fn remove(table: Table, id: &str) -> Change {
    Change::Remove { table, id: id.to_owned() }
}

fn record(id: &str, revision: u64, content: &[u8]) -> Record {
    Record { id: id.to_owned(), revision, content: content.to_vec() }
}

/// Octets that do not repeat in a short cycle.
fn bytes(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let next = move |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..length).map(next).collect()
}

#[track_caller]
fn ok<T>(result: Result<T, StoreError>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("the store failed: {error:?}"),
    }
}

#[track_caller]
fn refused(result: Result<(), StoreError>) {
    match result {
        Ok(()) => panic!("the store took a change that does not fit what is there"),
        Err(error) => assert_eq!(error.kind, StoreErrorKind::Conflict, "{error:?}"),
    }
}
