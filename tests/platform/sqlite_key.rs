//! Another key for a store: nothing is lost, whenever the change is cut off.

use std::collections::BTreeMap;
use std::future::pending;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use billfold::platform::secret::{FileSecrets, SecretError, SecretStore};
use billfold::platform::sqlite::SqliteStore;
use billfold::platform::store::{Change, CredentialStore, Expected, Record, StoreErrorKind, Table};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::Notify;
use zeroize::Zeroizing;

use crate::sqlite::{Place, put};

/// Secrets that can be looked at, and stop at a point.
#[derive(Default)]
struct Fused {
    kept: Mutex<BTreeMap<String, Zeroizing<Vec<u8>>>>,
    /// How many points are passed before nothing happens any more; `usize::MAX` for all.
    left: AtomicUsize,
    blown: Notify,
}

impl Fused {
    fn whole() -> Arc<Self> {
        Arc::new(Self { left: usize::MAX.into(), ..Self::default() })
    }

    fn names(&self) -> Vec<String> {
        self.kept.lock().unwrap().keys().cloned().collect()
    }

    async fn point(&self) {
        let less = |left: usize| if left == usize::MAX { Some(left) } else { left.checked_sub(1) };
        if self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_err() {
            self.blown.notify_one();
            pending::<()>().await;
        }
    }
}

#[async_trait]
impl SecretStore for Fused {
    async fn put(&self, name: &str, secret: Zeroizing<Vec<u8>>) -> Result<(), SecretError> {
        self.point().await;
        self.kept.lock().unwrap().insert(name.to_owned(), secret);
        self.point().await;
        Ok(())
    }

    async fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, SecretError> {
        self.point().await;
        Ok(self.kept.lock().unwrap().get(name).cloned())
    }

    async fn remove(&self, name: &str) -> Result<(), SecretError> {
        self.point().await;
        self.kept.lock().unwrap().remove(name);
        self.point().await;
        Ok(())
    }
}

async fn fill(store: &SqliteStore) {
    for number in 0..30_u8 {
        let table = Table::ALL[usize::from(number) % Table::ALL.len()];
        let content = vec![number; usize::from(number) * 700];
        store.commit(vec![put(table, &format!("record {number}"), &content)]).await.unwrap();
    }
    store.commit(vec![put(Table::Sessions, "record 0", b"written again")]).await.unwrap();
}

async fn contents(store: &SqliteStore) -> Vec<(Table, Record)> {
    let mut all = Vec::new();
    for table in Table::ALL {
        all.extend(store.list(table).await.unwrap().into_iter().map(|record| (table, record)));
    }
    all
}

#[tokio::test]
async fn records_keep_all_but_their_seal() {
    let place = Place::new();
    let store = place.open().await.unwrap();
    fill(&store).await;
    let before = contents(&store).await;
    drop(store);
    // The store has the database for itself as long as it is open.
    let old_name = place.key_name();
    let sealed: Vec<Vec<u8>> = {
        let database = place.database();
        let mut query = database.prepare("SELECT sealed FROM records").unwrap();
        query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    assert_eq!(sealed.len(), 30);
    let store = place.open().await.unwrap();
    let old = place.secrets.get(&old_name).await.unwrap().unwrap();
    let changed = store.change_key().await.unwrap();
    assert_eq!((changed.records, changed.unreadable), (30, 0));
    assert_eq!(contents(&store).await, before);
    // Nothing that the old key opens is left, neither in the database nor in its log.
    for name in ["wallet.db", "wallet.db-wal"] {
        let octets = std::fs::read(place.path().join(name)).unwrap();
        for sealed in &sealed {
            assert!(!octets.windows(40).any(|window| window == &sealed[..40]), "{name} has a record as it was");
        }
    }
    assert!(place.secrets.get(&old_name).await.unwrap().is_none(), "the old key is still there");
    let new_name = format!("{old_name}/2");
    let new = place.secrets.get(&new_name).await.unwrap().unwrap();
    assert_ne!(new, old);

    // It goes on as before, and opens again.
    store.commit(vec![put(Table::Credentials, "later", b"1")]).await.unwrap();
    drop(store);
    let store = place.open().await.unwrap();
    assert_eq!(contents(&store).await.len(), before.len() + 1);
    store.change_key().await.unwrap();
    store.change_key().await.unwrap();
    drop(store);
    assert!(place.secrets.get(&new_name).await.unwrap().is_none());
    assert_eq!(contents(&place.open().await.unwrap()).await.len(), before.len() + 1);

    // With the old key in the place of the new one it does not open.
    place.secrets.put(&format!("{old_name}/4"), old).await.unwrap();
    assert_eq!(place.open().await.unwrap_err().kind, StoreErrorKind::Damaged);
}

#[tokio::test]
async fn the_plug_is_pulled_at_every_secret() {
    let mut points = 0;
    loop {
        let dir = tempfile::tempdir().unwrap();
        let secrets = Fused::whole();
        let store = SqliteStore::open(dir.path(), secrets.clone()).await.unwrap();
        fill(&store).await;
        let before = contents(&store).await;
        secrets.left.store(points, Ordering::SeqCst);
        let cut_off = {
            let mut change = std::pin::pin!(store.change_key());
            tokio::select! {
                done = &mut change => { done.unwrap(); false }
                () = secrets.blown.notified() => true,
            }
        };
        drop(store);
        secrets.left.store(usize::MAX, Ordering::SeqCst);
        let store = SqliteStore::open(dir.path(), secrets.clone()).await.unwrap();
        assert_eq!(contents(&store).await, before, "cut off at point {points}");
        // One more change ends with one key, whatever was left over.
        store.change_key().await.unwrap();
        assert_eq!(contents(&store).await, before);
        assert_eq!(secrets.names().len(), 1, "keys stay behind: {:?}", secrets.names());
        if !cut_off {
            break;
        }
        points += 1;
    }
    assert!(points >= 5, "keeping, reading back and forgetting are {points} points");
}

#[tokio::test]
async fn a_key_that_came_before_is_forgotten_when_the_store_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    let secrets = Fused::whole();
    let store = SqliteStore::open(dir.path(), secrets.clone()).await.unwrap();
    // Kept twice, read once: then the removal is cut off.
    secrets.left.store(3, Ordering::SeqCst);
    {
        let mut change = std::pin::pin!(store.change_key());
        tokio::select! {
            _ = &mut change => panic!("it was to be cut off"),
            () = secrets.blown.notified() => {}
        }
    }
    assert_eq!(secrets.names().len(), 2);
    drop(store);
    secrets.left.store(usize::MAX, Ordering::SeqCst);
    drop(SqliteStore::open(dir.path(), secrets.clone()).await.unwrap());
    assert_eq!(secrets.names().len(), 1);
}

#[tokio::test]
async fn damaged_records_stay_and_hinder_nothing() {
    let place = Place::new();
    let store = place.open().await.unwrap();
    fill(&store).await;
    drop(store);
    place.database().execute("UPDATE records SET sealed = x'00' WHERE id IN ('record 4', 'record 9')", []).unwrap();
    let store = place.open().await.unwrap();
    let changed = store.change_key().await.unwrap();
    assert_eq!((changed.records, changed.unreadable), (28, 2));
    assert_eq!(store.get(Table::Cache, "record 4").await.unwrap_err().kind, StoreErrorKind::Damaged);
    assert_eq!(store.get(Table::Authorizations, "record 3").await.unwrap().unwrap().content, vec![3; 2100]);
}

/// Forgets nothing.
struct Clinging(Arc<Fused>);

#[async_trait]
impl SecretStore for Clinging {
    async fn put(&self, name: &str, secret: Zeroizing<Vec<u8>>) -> Result<(), SecretError> {
        self.0.put(name, secret).await
    }

    async fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, SecretError> {
        self.0.get(name).await
    }

    async fn remove(&self, _: &str) -> Result<(), SecretError> {
        Err(SecretError::new("not now"))
    }
}

#[tokio::test]
async fn all_keys_that_could_not_be_forgotten_at_once_are_forgotten_later() {
    let dir = tempfile::tempdir().unwrap();
    let secrets = Fused::whole();
    let store = SqliteStore::open(dir.path(), Arc::new(Clinging(secrets.clone()))).await.unwrap();
    fill(&store).await;
    let before = contents(&store).await;
    for _ in 0..3 {
        store.change_key().await.unwrap();
    }
    assert_eq!(secrets.names().len(), 4);
    drop(store);
    let store = SqliteStore::open(dir.path(), secrets.clone()).await.unwrap();
    assert_eq!(secrets.names().len(), 1);
    assert_eq!(contents(&store).await, before);
}

/// Takes a secret, and does not keep it.
struct Forgetful(Arc<Fused>);

#[async_trait]
impl SecretStore for Forgetful {
    async fn put(&self, _: &str, _: Zeroizing<Vec<u8>>) -> Result<(), SecretError> {
        Ok(())
    }

    async fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, SecretError> {
        self.0.get(name).await
    }

    async fn remove(&self, name: &str) -> Result<(), SecretError> {
        self.0.remove(name).await
    }
}

#[tokio::test]
async fn a_secret_store_that_does_not_keep_the_new_key_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let secrets = Fused::whole();
    let store = SqliteStore::open(dir.path(), secrets.clone()).await.unwrap();
    fill(&store).await;
    let before = contents(&store).await;
    drop(store);
    let store = SqliteStore::open(dir.path(), Arc::new(Forgetful(secrets.clone()))).await.unwrap();
    assert_eq!(store.change_key().await.unwrap_err().kind, StoreErrorKind::Secret);
    assert_eq!(contents(&store).await, before);
    drop(store);
    assert_eq!(contents(&SqliteStore::open(dir.path(), secrets).await.unwrap()).await, before);
}

#[tokio::test]
async fn others_read_and_write_while_the_key_changes() {
    let place = Place::new();
    let store = place.open().await.unwrap();
    fill(&store).await;
    let writer = store.clone();
    let write = tokio::spawn(async move {
        for number in 0..50_u32 {
            let content = number.to_be_bytes().to_vec();
            let (table, id) = (Table::Outbox, "busy".to_owned());
            writer.commit(vec![Change::Put { table, id, content, expected: Expected::Anything }]).await.unwrap();
            assert_eq!(writer.get(Table::Outbox, "busy").await.unwrap().unwrap().content, number.to_be_bytes());
        }
    });
    for _ in 0..4 {
        store.change_key().await.unwrap();
    }
    write.await.unwrap();
    assert_eq!(store.get(Table::Outbox, "busy").await.unwrap().unwrap().revision, 50);
    assert_eq!(contents(&store).await.len(), 31);
}

#[tokio::test]
#[ignore = "runs only as a child of a_process_killed_in_a_change_leaves_everything"]
async fn child_that_changes_keys_until_killed() {
    let Ok(dir) = std::env::var("BILLFOLD_TEST_STORE") else { return };
    let dir = Path::new(&dir);
    let secrets = FileSecrets::open(&dir.join("secrets.json")).await.unwrap();
    let store = SqliteStore::open(&dir.join("wallet"), Arc::new(secrets)).await.unwrap();
    loop {
        store.change_key().await.unwrap();
        println!("changed");
    }
}

#[tokio::test]
async fn a_process_killed_in_a_change_leaves_everything() {
    let dir = tempfile::tempdir().unwrap();
    let open = async || {
        let secrets = Arc::new(FileSecrets::open(&dir.path().join("secrets.json")).await.unwrap());
        SqliteStore::open(&dir.path().join("wallet"), secrets).await.unwrap()
    };
    let store = open().await;
    let records = |number: u8| put(Table::Credentials, &number.to_string(), &vec![number; 30_000]);
    store.commit((0..100).map(records).collect()).await.unwrap();
    let before = contents(&store).await;
    drop(store);
    for round in 0..8_u64 {
        let mut child = tokio::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "sqlite_key::child_that_changes_keys_until_killed", "--ignored", "--nocapture"])
            .env("BILLFOLD_TEST_STORE", dir.path())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        while lines.next_line().await.unwrap().expect("the child goes on until it is killed") != "changed" {}
        // At another moment of the next change.
        tokio::time::sleep(Duration::from_millis(round * 7)).await;
        child.start_kill().unwrap();
        assert!(!child.wait().await.unwrap().success());
        assert_eq!(contents(&open().await).await, before, "round {round}");
    }
}
