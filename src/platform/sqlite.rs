//! The durable store: `SQLite`, with every record sealed.

use std::fmt;
use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use rusqlite::types::ValueRef;
use rusqlite::{
    Connection, ErrorCode, OpenFlags, OptionalExtension as _, Row, Transaction, TransactionBehavior, params,
};
use zeroize::Zeroizing;

use super::private;
use super::seal::Sealer;
use super::secret::SecretStore;
use super::store::{Change, CredentialStore, Record, StoreError, StoreErrorKind, Table, check_expected, no_such_place};

mod key;

pub use key::KeyChanged;
use key::Number;

/// A [`CredentialStore`] in a folder on disk: `SQLite`, each record sealed with XChaCha20-Poly1305.
///
/// The key that seals rests in a [`SecretStore`] and is made when the store is new. Ids, sizes and
/// the order of records can be seen by who reads the disk, their contents can't. A record that was
/// altered, moved or given another revision does not open; that all of a row, or all of the files, was put
/// back from an older time can't be seen. One process at a time has the store: another one is refused as
/// [`StoreErrorKind::Locked`]. A second store in the same process waits three seconds for the first to let
/// go, then it is refused too.
#[derive(Clone)]
pub struct SqliteStore(Arc<Inner>);

struct Inner {
    // Fields drop in this order: the lock has to outlive the connection.
    database: Mutex<Database>,
    secrets: Arc<dyn SecretStore>,
    /// Held while the key is changed.
    changing_key: futures_util::lock::Mutex<()>,
    _lock: File,
}

/// The connection, and what opens what it gives.
struct Database {
    connection: Connection,
    sealer: Sealer,
    /// Which one of the store's keys the sealer has.
    key_number: i64,
}

const DATABASE: &str = "wallet.db";
const LOCK: &str = "lock";
const SCHEMA_VERSION: i64 = 2;
/// Opens with what it names, so that a wrong key is noticed before a record is asked for.
const KEY_CHECK: &[u8] = b"billfold store key";

const SCHEMA: &str = "
    CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
    CREATE TABLE records (
        position INTEGER PRIMARY KEY AUTOINCREMENT,
        drawer TEXT NOT NULL,
        id TEXT NOT NULL,
        revision INTEGER NOT NULL,
        sealed BLOB NOT NULL,
        UNIQUE (drawer, id)
    ) STRICT;
";

/// What version 2 added: records are found by their place, and the wrapping key can change.
const VERSION_2: &str = "
    CREATE INDEX records_in_order ON records (drawer, position);
    INSERT INTO meta VALUES ('key_number', x'31');
";

impl SqliteStore {
    /// Opens the store in a folder, or makes it there.
    pub async fn open(dir: &Path, secrets: Arc<dyn SecretStore>) -> Result<Self, StoreError> {
        let dir = dir.to_owned();
        let opened = super::blocking(move || Opened::open(&dir)).await?;
        let key = match &opened.origin {
            Origin::New { store_id } => key::make(&*secrets, store_id, 1).await?,
            Origin::Existing { store_id, key_number, .. } => key::read(&*secrets, store_id, *key_number).await?,
        };
        let store = super::blocking(move || opened.finish(&key, secrets)).await?;
        store.forget_old_keys().await;
        Ok(store)
    }

    /// Runs a piece of work on the connection, off the caller's thread.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Database) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = self.0.clone();
        super::blocking(move || {
            // A panic in the middle of a transaction has rolled it back.
            work(&mut inner.database.lock().unwrap_or_else(PoisonError::into_inner))
        })
        .await
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl CredentialStore for SqliteStore {
    async fn commit(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        self.run(move |Database { connection, sealer, .. }| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(database_failed)?;
            for change in changes {
                apply(&transaction, sealer, change)?;
            }
            transaction.commit().map_err(database_failed)
        })
        .await
    }

    async fn get(&self, table: Table, id: &str) -> Result<Option<Record>, StoreError> {
        let id = id.to_owned();
        self.run(move |Database { connection, sealer, .. }| {
            let found = connection
                .prepare("SELECT id, revision, sealed FROM records WHERE drawer = ?1 AND id = ?2")
                .and_then(|mut query| query.query_row((table.as_str(), &id), |row| Stored::read(row, 0)).optional())
                .map_err(database_failed)?;
            match found {
                Some(Stored { revision, sealed, .. }) => unseal(sealer, table, id, revision, &sealed).map(Some),
                None if position_of(connection, table, &id).map_err(database_failed)?.is_some() => {
                    Err(does_not_open(table, &id))
                }
                None => Ok(None),
            }
        })
        .await
    }

    async fn list(&self, table: Table) -> Result<Vec<Record>, StoreError> {
        self.run(move |Database { connection, sealer, .. }| {
            let mut query = connection
                .prepare("SELECT id, revision, sealed FROM records WHERE drawer = ?1 ORDER BY position")
                .map_err(database_failed)?;
            let mut rows = query.query([table.as_str()]).map_err(database_failed)?;
            let mut records = Vec::new();
            while let Some(row) = rows.next().map_err(database_failed)? {
                let Stored { id, revision, sealed } = Stored::read(row, 0).map_err(database_failed)?;
                records.push(unseal(sealer, table, id, revision, &sealed)?);
            }
            Ok(records)
        })
        .await
    }

    async fn page(&self, table: Table, after: Option<&str>, limit: usize) -> Result<Vec<Record>, StoreError> {
        let after = after.map(str::to_owned);
        self.run(move |Database { connection, sealer, .. }| {
            let position: i64 = match &after {
                None => 0,
                Some(after) => position_of(connection, table, after)
                    .map_err(database_failed)?
                    .ok_or_else(|| no_such_place(table, after))?,
            };
            let mut query = connection
                .prepare(
                    "SELECT id, revision, sealed FROM records INDEXED BY records_in_order
                     WHERE drawer = ?1 AND position > ?2 ORDER BY position LIMIT ?3",
                )
                .map_err(database_failed)?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let mut rows = query.query((table.as_str(), position, limit)).map_err(database_failed)?;
            let mut records = Vec::new();
            while let Some(row) = rows.next().map_err(database_failed)? {
                let Stored { id, revision, sealed } = Stored::read(row, 0).map_err(database_failed)?;
                match unseal(sealer, table, id, revision, &sealed) {
                    Ok(record) => records.push(record),
                    Err(error) if records.is_empty() => return Err(error),
                    Err(_) => break,
                }
            }
            Ok(records)
        })
        .await
    }
}

fn apply(transaction: &Transaction<'_>, sealer: &Sealer, change: Change) -> Result<(), StoreError> {
    match change {
        Change::Put { table, id, content, expected } => {
            let content = Zeroizing::new(content);
            let found: Option<i64> = transaction
                .prepare("SELECT revision FROM records WHERE drawer = ?1 AND id = ?2")
                .and_then(|mut query| query.query_row((table.as_str(), &id), |row| row.get(0)).optional())
                .map_err(database_failed)?;
            check_expected(table, &id, expected, found.map(i64::cast_unsigned))?;
            let revision = found.unwrap_or(0) + 1;
            let sealed = sealer.seal(&content, &place(table.as_str(), &id, revision));
            transaction
                .prepare(
                    "INSERT INTO records (drawer, id, revision, sealed) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (drawer, id) DO UPDATE SET revision = excluded.revision, sealed = excluded.sealed",
                )
                .and_then(|mut write| write.execute(params![table.as_str(), id, revision, sealed]))
                .map_err(database_failed)?;
        }
        Change::Remove { table, id } => {
            if let Some(position) = position_of(transaction, table, &id).map_err(database_failed)? {
                transaction
                    .prepare("DELETE FROM records WHERE position = ?1")
                    .and_then(|mut removal| removal.execute([position]))
                    .map_err(database_failed)?;
            }
        }
    }
    Ok(())
}

/// A row as it is on the disk, where damage may have made anything of it: what is no longer what it was does
/// not open, and hides no other.
struct Stored {
    id: String,
    revision: i64,
    sealed: Vec<u8>,
}

impl Stored {
    /// From three columns, of which `id` is the first.
    fn read(row: &Row<'_>, id: usize) -> rusqlite::Result<Self> {
        Ok(Self {
            id: String::from_utf8_lossy(octets(row.get_ref(id)?)).into_owned(),
            // They count from 1.
            revision: row.get_ref(id + 1)?.as_i64().unwrap_or(0),
            sealed: octets(row.get_ref(id + 2)?).to_vec(),
        })
    }
}

fn octets(value: ValueRef<'_>) -> &[u8] {
    match value {
        ValueRef::Text(octets) | ValueRef::Blob(octets) => octets,
        _ => &[],
    }
}

/// Where a record stands. One whose name is damaged stands under the name that [`Stored`] gives it.
fn position_of(connection: &Connection, table: Table, id: &str) -> rusqlite::Result<Option<i64>> {
    let found = connection
        .prepare("SELECT position FROM records WHERE drawer = ?1 AND id = ?2")?
        .query_row((table.as_str(), id), |row| row.get(0))
        .optional()?;
    if found.is_some() || !id.contains(char::REPLACEMENT_CHARACTER) {
        return Ok(found);
    }
    let mut query = connection.prepare("SELECT position, id FROM records WHERE drawer = ?1")?;
    let mut rows = query.query([table.as_str()])?;
    while let Some(row) = rows.next()? {
        if String::from_utf8_lossy(octets(row.get_ref(1)?)) == id {
            return row.get(0).map(Some);
        }
    }
    Ok(None)
}

fn unseal(sealer: &Sealer, table: Table, id: String, revision: i64, sealed: &[u8]) -> Result<Record, StoreError> {
    let mut content =
        sealer.open(sealed, &place(table.as_str(), &id, revision)).map_err(|_| does_not_open(table, &id))?;
    Ok(Record { id, revision: revision.cast_unsigned(), content: std::mem::take(&mut *content) })
}

fn does_not_open(table: Table, id: &str) -> StoreError {
    let detail = format!("the record {id} in {} does not open", table.as_str());
    StoreError::new(StoreErrorKind::Damaged, detail).about(id)
}

/// What a record's seal is bound to. The id comes last and may hold anything; what is before it
/// can't be mistaken for a part of it.
fn place(drawer: &str, id: &str, revision: i64) -> Vec<u8> {
    format!("billfold store 1\n{drawer}\n{revision}\n{id}").into_bytes()
}

/// The database and its lock, before the key is there.
struct Opened {
    connection: Connection,
    lock: File,
    origin: Origin,
}

enum Origin {
    New { store_id: String },
    Existing { store_id: String, key_check: Vec<u8>, key_number: i64, version: i64 },
}

impl Opened {
    fn open(dir: &Path) -> Result<Self, StoreError> {
        private::create_dir(dir).map_err(|error| io_failed("the store's folder could not be made", error))?;
        let lock = lock(dir)?;
        let connection = connect(&dir.join(DATABASE))?;
        let version: i64 =
            connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(database_failed)?;
        let origin = match version {
            0 => {
                let tables: i64 = connection
                    .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
                    .map_err(database_failed)?;
                if tables != 0 {
                    let detail = "the database was made by another program";
                    return Err(StoreError::new(StoreErrorKind::Failed, detail));
                }
                Origin::New { store_id: hex::encode(super::random::<16>()) }
            }
            1 | SCHEMA_VERSION => Origin::Existing {
                store_id: meta(&connection, "store_id")?,
                key_number: if version == 1 { 1 } else { meta::<Number>(&connection, "key_number")?.0 },
                key_check: meta(&connection, "key_check")?,
                version,
            },
            newer => {
                let detail =
                    format!("the store has format {newer}; this version reads no newer one than {SCHEMA_VERSION}");
                return Err(StoreError::new(StoreErrorKind::TooNew, detail));
            }
        };
        Ok(Self { connection, lock, origin })
    }

    fn finish(mut self, key: &[u8; 32], secrets: Arc<dyn SecretStore>) -> Result<SqliteStore, StoreError> {
        let sealer = Sealer::new(key);
        let mut number = 1;
        settings(&self.connection).map_err(database_failed)?;
        match &self.origin {
            Origin::New { store_id } => {
                let key_check = sealer.seal(KEY_CHECK, store_id.as_bytes());
                initialise(&mut self.connection, store_id, &key_check).map_err(database_failed)?;
            }
            Origin::Existing { store_id, key_check, key_number, version } => {
                number = *key_number;
                if sealer.open(key_check, store_id.as_bytes()).is_err() {
                    let detail = "the wrapping key in the secret store is not the one of this store";
                    return Err(StoreError::new(StoreErrorKind::Damaged, detail));
                }
                if *version < SCHEMA_VERSION {
                    migrate(&mut self.connection).map_err(database_failed)?;
                }
            }
        }
        let database = Database { connection: self.connection, sealer, key_number: number };
        Ok(SqliteStore(Arc::new(Inner {
            database: Mutex::new(database),
            secrets,
            changing_key: futures_util::lock::Mutex::default(),
            _lock: self.lock,
        })))
    }
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    // SQLite gives its other files the mode of this one.
    private::open_or_create(path).map_err(|error| io_failed("the database could not be made", error))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(database_failed)?;
    connection
        .busy_timeout(Duration::ZERO)
        // Before anything is read: the write-ahead log then needs no shared memory beside it.
        .and_then(|()| connection.pragma_update_and_check(None, "locking_mode", "EXCLUSIVE", |_| Ok(())))
        .map_err(database_failed)?;
    Ok(connection)
}

fn settings(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Where fsync alone does not reach the disk (Apple systems).
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
    connection.pragma_update(None, "trusted_schema", false)
}

fn initialise(connection: &mut Connection, store_id: &str, key_check: &[u8]) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(SCHEMA)?;
    transaction.execute("INSERT INTO meta VALUES ('store_id', ?1)", [store_id.as_bytes()])?;
    transaction.execute("INSERT INTO meta VALUES ('key_check', ?1)", [key_check])?;
    transaction.execute_batch(VERSION_2)?;
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    transaction.commit()
}

/// Makes a store of version 1 one of this version: all of it, or nothing.
fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(VERSION_2)?;
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    transaction.commit()
}

fn meta<T: TryFrom<Vec<u8>>>(connection: &Connection, name: &str) -> Result<T, StoreError> {
    let value: Option<Vec<u8>> = connection
        .query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| row.get(0))
        .optional()
        .map_err(database_failed)?;
    value.and_then(|value| value.try_into().ok()).ok_or_else(|| {
        StoreError::new(StoreErrorKind::Damaged, format!("the store's own record {name} is missing or damaged"))
    })
}

/// How long an earlier store of the same process has to let go of the folder: a wallet that was just
/// closed may be telling an issuer something.
const LET_GO: Duration = Duration::from_secs(3);

/// Takes the folder for this process, until the file is closed or the process ends.
fn lock(dir: &Path) -> Result<File, StoreError> {
    let cannot = |error| io_failed("the store's lock could not be had", error);
    let mut file = private::open_or_create(&dir.join(LOCK)).map_err(cannot)?;
    let this_process = format!("process {}", std::process::id());
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(cannot(error)),
        }
        let holder = holder(&mut file).unwrap_or_else(|| "another process".to_owned());
        let ours =
            holder.strip_prefix(&this_process).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()));
        if !ours || began.elapsed() > LET_GO {
            let detail = format!("the store in {} is in use by {holder}", dir.display());
            return Err(StoreError::new(StoreErrorKind::Locked, detail));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let program = std::env::current_exe().ok();
    let program = program
        .as_deref()
        .and_then(Path::file_name)
        .map_or_else(String::new, |name| format!(" ({})", name.to_string_lossy().replace(char::is_control, "?")));
    file.set_len(0)
        .and_then(|()| file.write_all(format!("process {}{program}\n", std::process::id()).as_bytes()))
        .map_err(cannot)?;
    Ok(file)
}

/// What the holder of the lock wrote about itself.
fn holder(file: &mut File) -> Option<String> {
    let mut text = String::new();
    file.seek(SeekFrom::Start(0)).ok()?;
    file.take(400).read_to_string(&mut text).ok()?;
    let line = text.lines().next().unwrap_or_default().trim();
    (!line.is_empty()).then(|| line.to_owned())
}

fn database_failed(error: rusqlite::Error) -> StoreError {
    let (kind, what) = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            (StoreErrorKind::Locked, "another program has the database open")
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            (StoreErrorKind::Damaged, "the database is damaged")
        }
        _ => (StoreErrorKind::Failed, "the database failed"),
    };
    StoreError::new(kind, format!("{what}: {error}")).caused_by(error)
}

fn io_failed(what: &str, error: std::io::Error) -> StoreError {
    StoreError::new(StoreErrorKind::Failed, format!("{what}: {error}")).caused_by(error)
}
