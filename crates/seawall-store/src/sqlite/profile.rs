//! How connections to SQLite are set up.

use std::{
    fs::OpenOptions,
    io,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};

use super::fault;
use crate::{StoreError, watch::Watch};

/// How many virtual-machine instructions a statement runs before its time is looked at: some 50 µs.
const PROGRESS_STEPS: i32 = 1_000;

/// How long is waited for a lock, which only another program can hold.
pub(super) const BUSY: Duration = Duration::from_secs(5);

/// Prepared statements that each connection keeps.
const STATEMENTS: usize = 256;

/// What every connection is told, after how long it waits for a lock, because these may have to wait already.
/// `wal_autocheckpoint` is off: the writer checkpoints, between groups.
const EVERY: &str = "
    PRAGMA foreign_keys = ON;
    PRAGMA temp_store = MEMORY;
    PRAGMA trusted_schema = OFF;
    PRAGMA wal_autocheckpoint = 0;
";

/// What the writer is told besides. FULL flushes the log at each commit, so that it survives a loss of power; grouped commits
/// share that cost. What is deleted is overwritten, so that what was erased is gone.
const WRITER: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA secure_delete = ON;
    PRAGMA journal_size_limit = 67108864;
";

/// Kibibytes of pages that a connection keeps.
const CACHE_KIB: i32 = 16_000;

/// Those that the writer keeps until the start is over, which makes tables and comes back to few of them.
const CACHE_AT_START_KIB: i32 = 256;

/// When the transaction that runs on a connection must have ended, as monotonic microseconds.
#[derive(Clone, Debug)]
pub(super) struct Deadline(Arc<AtomicU64>);

impl Deadline {
    /// Sets it for the transaction that begins.
    pub(super) fn set(&self, deadline_us: u64) {
        self.0.store(deadline_us, Ordering::Relaxed);
    }

    /// Lets statements take as long as they need.
    pub(super) fn clear(&self) {
        self.set(u64::MAX);
    }
}

/// Opens the connection that writes; makes the file when it is missing.
pub(super) fn open_writer(path: &Path, watch: &Arc<Watch>) -> Result<(Connection, Deadline), StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    private(path)?;
    let mut connection = Connection::open_with_flags(path, flags).map_err(fault::from_sqlite)?;
    let deadline = set_up(&mut connection, watch)?;
    connection.execute_batch(WRITER).map_err(fault::from_sqlite)?;
    keep(&connection, CACHE_AT_START_KIB)?;
    Ok((connection, deadline))
}

/// Lets the writer keep as many pages as it does when the start is over.
pub(super) fn started(connection: &Connection) -> Result<(), StoreError> {
    keep(connection, CACHE_KIB)
}

fn keep(connection: &Connection, kib: i32) -> Result<(), StoreError> {
    connection.execute_batch(&format!("PRAGMA cache_size = -{kib}")).map_err(fault::from_sqlite)
}

/// Makes the file, when it is missing, so that only its owner may read it. SQLite gives its log the same rights.
fn private(path: &Path) -> Result<(), StoreError> {
    let made = OpenOptions::new().create(true).append(true).mode(0o600).open(path);
    made.map(drop).map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => StoreError::ReadOnly(error.to_string()),
        io::ErrorKind::StorageFull => StoreError::Full,
        _ => StoreError::Unavailable(error.to_string()),
    })
}

/// Opens a connection that only reads.
pub(super) fn open_reader(path: &Path, watch: &Arc<Watch>) -> Result<(Connection, Deadline), StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(fault::from_sqlite)?;
    let deadline = set_up(&mut connection, watch)?;
    keep(&connection, CACHE_KIB)?;
    connection.execute_batch("PRAGMA query_only = ON").map_err(fault::from_sqlite)?;
    Ok((connection, deadline))
}

fn set_up(connection: &mut Connection, watch: &Arc<Watch>) -> Result<Deadline, StoreError> {
    connection.busy_timeout(BUSY).map_err(fault::from_sqlite)?;
    connection.execute_batch(EVERY).map_err(fault::from_sqlite)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true).map_err(fault::from_sqlite)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    let deadline = Deadline(Arc::new(AtomicU64::new(u64::MAX)));
    let (at, watch) = (deadline.clone(), Arc::clone(watch));
    let over = move || at.0.load(Ordering::Relaxed) < watch.now().monotonic_us;
    connection.progress_handler(PROGRESS_STEPS, Some(over)).map_err(fault::from_sqlite)?;
    Ok(deadline)
}
