//! A copy of a SQLite database that is in use, page by page, as of one moment.
//!
//! One read transaction is open on a connection of its own while pages are copied in steps. SQLite starts its online backup anew
//! when others write between two steps and no transaction is open; inside one, the source does not change, and writers go on
//! beside it, because readers never wait for writers in WAL mode nor the other way round. What grows meanwhile is the log.

use std::{collections::BTreeMap, fs::File, path::Path};

use rusqlite::{
    Connection, OpenFlags,
    backup::{Backup, StepResult},
};

use super::{
    BackupError,
    manifest::{AuditHead, Sentinel},
    progress::{Phase, Progress},
};
use crate::{hex::hex, meta};

/// Pages in one step: 1 MiB of the usual size.
const STEP_PAGES: i32 = 256;

/// Steps after which the copy is flushed. Many unwritten pages would make the flush of somebody's COMMIT wait for them too.
const STEPS_PER_FLUSH: u32 = 2;

/// What is in a copy.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) page_size: u32,
    pub(super) rows: BTreeMap<String, i64>,
    pub(super) schema: BTreeMap<String, i64>,
    pub(super) audit: Option<AuditHead>,
    pub(super) sentinel: Option<Sentinel>,
}

/// Copies the database at `source` to the new file `into`. `begun` is called once the state that is copied is fixed.
pub(super) fn copy<T>(
    source: &Path,
    into: &Path,
    begun: impl FnOnce() -> T,
    progress: &Progress,
) -> Result<T, BackupError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let from = Connection::open_with_flags(source, flags).map_err(BackupError::sqlite)?;
    from.execute_batch("PRAGMA busy_timeout = 5000; BEGIN").map_err(BackupError::sqlite)?;
    // The transaction begins with its first read.
    let page_size: u32 = from
        .query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
        .and_then(|()| from.query_row("PRAGMA page_size", [], |row| row.get(0)))
        .map_err(BackupError::sqlite)?;
    let noted = begun();
    let mut to = Connection::open(into).map_err(BackupError::sqlite)?;
    // Nobody has the copy before it is whole, so nothing has to be undone in it.
    to.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -4000")
        .map_err(BackupError::sqlite)?;
    let flushed = File::open(into).map_err(BackupError::file(into))?;
    let backup = Backup::new(&from, &mut to).map_err(BackupError::sqlite)?;
    let mut steps = 0_u32;
    loop {
        match backup.step(STEP_PAGES).map_err(BackupError::sqlite)? {
            StepResult::Done => break,
            StepResult::More => {}
            // Nobody writes to the copy, and the source is read in a transaction: neither can be for long.
            _ => std::thread::yield_now(),
        }
        steps += 1;
        if steps.is_multiple_of(STEPS_PER_FLUSH) {
            flushed.sync_data().map_err(BackupError::file(into))?;
        }
        let at = backup.progress();
        let bytes = |pages: i32| u64::try_from(pages).unwrap_or_default() * u64::from(page_size);
        let total = bytes(at.pagecount);
        progress.tell(Phase::Copy, total.saturating_sub(bytes(at.remaining)), total);
    }
    drop(backup);
    to.close().map_err(|(_, error)| BackupError::sqlite(error))?;
    Ok(noted)
}

/// What an operator should know of a file whose writers wait while it is read: one that is not in WAL mode.
pub(super) fn keeps_writers_waiting(path: &Path) -> Result<Option<&'static str>, BackupError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(BackupError::sqlite)?;
    let mode: String = connection
        .execute_batch("PRAGMA busy_timeout = 5000")
        .and_then(|()| connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)))
        .map_err(BackupError::sqlite)?;
    Ok((mode != "wal")
        .then_some("the file has a rollback journal, so its writers wait while it is copied; `PRAGMA journal_mode = WAL` ends that"))
}

/// Opens a copy that nobody writes to, without making files beside it.
pub(super) fn open_copy(path: &Path) -> Result<Connection, BackupError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let mut uri = "file:".to_owned();
    for &byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02x}"));
        }
    }
    uri.push_str("?immutable=1");
    let connection = Connection::open_with_flags(uri, flags).map_err(BackupError::sqlite)?;
    connection.execute_batch("PRAGMA query_only = ON; PRAGMA trusted_schema = OFF").map_err(BackupError::sqlite)?;
    Ok(connection)
}

/// Whether a copy is a database at all.
pub(super) fn check_readable(path: &Path) -> Result<(), BackupError> {
    let connection = open_copy(path)?;
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).map_err(BackupError::sqlite)
}

/// Reads what is in a copy.
pub(super) fn facts(path: &Path) -> Result<Facts, BackupError> {
    let connection = open_copy(path)?;
    read(&connection).map_err(BackupError::sqlite)
}

fn read(connection: &Connection) -> rusqlite::Result<Facts> {
    let mut facts =
        Facts { page_size: connection.query_row("PRAGMA page_size", [], |row| row.get(0))?, ..Facts::default() };
    let mut tables = connection.prepare(
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    )?;
    let tables: Vec<String> = tables.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for table in tables {
        let sql = format!("SELECT count(*) FROM \"{}\"", table.replace('"', "\"\""));
        let count = connection.query_row(&sql, [], |row| row.get(0))?;
        facts.rows.insert(table, count);
    }
    if facts.rows.contains_key("seawall_migrations") {
        let mut applied = connection.prepare("SELECT ledger, max(number) FROM seawall_migrations GROUP BY ledger")?;
        facts.schema = applied.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    }
    if facts.rows.contains_key("audit_log") {
        let sql = "SELECT seq, hash FROM audit_log WHERE seq IS NOT NULL ORDER BY seq DESC LIMIT 1";
        facts.audit = optional(
            connection
                .query_row(sql, [], |row| Ok(AuditHead { seq: row.get(0)?, hash: hex(&row.get::<_, Vec<u8>>(1)?) })),
        )?;
    }
    if facts.rows.contains_key("seawall_meta") {
        let sql = "SELECT value FROM seawall_meta WHERE key = ?1";
        let value: Option<String> = optional(connection.query_row(sql, [meta::SENTINEL], |row| row.get(0)))?;
        facts.sentinel = value.as_deref().and_then(parse_sentinel);
    }
    Ok(facts)
}

/// A sentinel's value holds its time.
pub(super) fn parse_sentinel(value: &str) -> Option<Sentinel> {
    let (at_us, _) = value.split_once(' ')?;
    Some(Sentinel { value: value.to_owned(), at_us: at_us.parse().ok()? })
}

fn optional<T>(row: rusqlite::Result<T>) -> rusqlite::Result<Option<T>> {
    match row {
        Err(rusqlite::Error::QueryReturnedNoRows) => Ok(None),
        other => other.map(Some),
    }
}
