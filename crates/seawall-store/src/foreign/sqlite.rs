//! A foreign SQLite file.
//!
//! SQLite makes files beside a database in WAL mode even for those who only read, unless it is told that nobody writes. So such a file
//! is opened as unchangeable while no log lies beside it, and whether somebody did change it is looked at after each page. While an
//! application has it open, its own files are used.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use rusqlite::{Connection, OpenFlags, ToSql, config::DbConfig, types::ValueRef};

use super::{
    ForeignError, ForeignKey, ForeignRow, ForeignValue, Select,
    nearest::listed,
    source::{Column, Described, Kind},
    statement::{Shape, nested, quoted},
};
use crate::{
    StoreError,
    sqlite::{beside, fault as from_sqlite},
};

/// What reading one page may take.
const LONGEST: Duration = Duration::from_secs(60);

/// How long is waited for a lock of the application.
const BUSY: Duration = Duration::from_secs(5);

/// An open file.
pub(super) struct Sqlite {
    path: PathBuf,
    connection: Arc<Mutex<Connection>>,
    shape: Option<Shape>,
    /// How the file was, when nobody may change it.
    as_was: Option<Looks>,
}

/// What a change of a file shows in.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Looks {
    size: u64,
    changed_at: Option<SystemTime>,
    logged: bool,
}

impl Sqlite {
    pub(super) async fn open(path: &Path, select: &Select) -> Result<(Self, Described), ForeignError> {
        let (path, select) = (path.to_owned(), select.clone());
        blocking(move || {
            let (connection, as_was) = connect(&path)?;
            let described = describe(&connection, &select)?;
            let connection = Arc::new(Mutex::new(connection));
            Ok((Self { path, connection, shape: None, as_was }, described))
        })
        .await
    }

    pub(super) async fn prepare(
        &mut self,
        of: &Described,
        columns: &[Column],
        key: &Column,
    ) -> Result<(), ForeignError> {
        let shape = Shape {
            from: of.from.clone(),
            key: quoted_key(key),
            read_key: quoted_key(key),
            parameter: "?1".to_owned(),
            columns: columns.iter().map(|column| quoted(&column.name)).collect(),
        };
        let (keyless, name) = (shape.keyless(), key.name.clone());
        self.shape = Some(shape);
        let lacking = self.ask(move |connection| Ok(connection.prepare(&keyless)?.exists([])?)).await?;
        if lacking { Err(ForeignError::BadKey { column: name, why: "is NULL in some rows" }) } else { Ok(()) }
    }

    pub(super) async fn count(&mut self) -> Result<u64, ForeignError> {
        let sql = self.shape()?.count();
        let count = self.ask(move |connection| Ok(connection.query_row(&sql, [], |row| row.get::<_, i64>(0))?)).await?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    pub(super) async fn page(
        &mut self,
        after: Option<&ForeignKey>,
        limit: u32,
    ) -> Result<Vec<ForeignRow>, ForeignError> {
        let sql = self.shape()?.page(after.is_some(), limit);
        let after = after.cloned();
        self.ask(move |connection| rows(connection, &sql, after.as_ref())).await
    }

    pub(super) async fn row(&mut self, key: &ForeignKey) -> Result<Vec<ForeignRow>, ForeignError> {
        let (sql, key) = (self.shape()?.row(), key.clone());
        self.ask(move |connection| rows(connection, &sql, Some(&key))).await
    }

    fn shape(&self) -> Result<&Shape, ForeignError> {
        let missing = || StoreError::Statement("no columns were chosen".to_owned());
        Ok(self.shape.as_ref().ok_or_else(missing)?)
    }

    /// Asks on a thread that may wait, and interrupts what takes too long.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, ForeignError> + Send + 'static,
    ) -> Result<T, ForeignError> {
        let (connection, path, as_was) = (Arc::clone(&self.connection), self.path.clone(), self.as_was);
        let stop = self.connection.lock().unwrap_or_else(PoisonError::into_inner).get_interrupt_handle();
        let mut asked = Box::pin(blocking(move || {
            let answer = question(&connection.lock().unwrap_or_else(PoisonError::into_inner))?;
            if as_was.is_some_and(|was| Looks::at(&path).ok() != Some(was)) {
                return Err(ForeignError::Changed(path));
            }
            Ok(answer)
        }));
        if let Ok(answer) = tokio::time::timeout(LONGEST, &mut asked).await {
            return answer;
        }
        stop.interrupt();
        drop(asked.await);
        Err(ForeignError::TimedOut(LONGEST.as_secs()))
    }
}

impl Looks {
    fn at(path: &Path) -> std::io::Result<Self> {
        let meta = fs::metadata(path)?;
        Ok(Self { size: meta.len(), changed_at: meta.modified().ok(), logged: filled(&beside(path, "wal")) })
    }
}

fn connect(path: &Path) -> Result<(Connection, Option<Looks>), ForeignError> {
    if !path.is_file() {
        return Err(ForeignError::NoFile(path.to_owned()));
    }
    let unusable = |source| ForeignError::Open(crate::OpenError::File { path: path.to_owned(), source });
    let looks = Looks::at(path).map_err(unusable)?;
    let unchangeable = in_wal_mode(path).map_err(unusable)? && !looks.logged;
    let unfinished = |what| Err(ForeignError::Unfinished { path: path.to_owned(), beside: beside(path, what) });
    if looks.logged && !beside(path, "shm").exists() {
        return unfinished("wal");
    }
    if filled(&beside(path, "journal")) {
        return unfinished("journal");
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let opened = Connection::open_with_flags(address(path, unchangeable), flags).map_err(from_sqlite)?;
    opened.busy_timeout(BUSY).map_err(from_sqlite)?;
    let set =
        "PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8000;";
    opened.execute_batch(set).map_err(from_sqlite)?;
    opened.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true).map_err(from_sqlite)?;
    Ok((opened, unchangeable.then_some(looks)))
}

/// The path as SQLite's URIs have it: what means something there is written by its bytes.
fn address(path: &Path, unchangeable: bool) -> String {
    let mut text = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => text.push(char::from(*byte)),
            other => text.push_str(&format!("%{other:02x}")),
        }
    }
    text + if unchangeable { "?mode=ro&immutable=1" } else { "?mode=ro" }
}

fn filled(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.len() > 0)
}

/// Whether the file's header says that changes go to a log (<https://sqlite.org/fileformat2.html>, bytes 18 and 19).
fn in_wal_mode(path: &Path) -> std::io::Result<bool> {
    let mut header = Vec::with_capacity(20);
    fs::File::open(path)?.take(20).read_to_end(&mut header)?;
    Ok(header.get(18..20) == Some(&[2, 2]))
}

fn describe(connection: &Connection, select: &Select) -> Result<Described, ForeignError> {
    let (from, key) = match select {
        Select::Table(name) => {
            let listing = "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
            let known = names(connection, listing, None)?;
            if !known.contains(name) {
                return Err(ForeignError::NoTable { name: name.clone(), known: listed(&known) });
            }
            (quoted(name), key_of(connection, name)?)
        }
        Select::Query(text) => {
            readable(connection, text)?;
            (nested(text), None)
        }
    };
    let statement = connection.prepare(&format!("SELECT * FROM {from} LIMIT 0")).map_err(from_sqlite)?;
    let columns = statement.column_names();
    let columns = columns.map(|name| Column { name: name.to_owned(), kind: Kind::Plain }).collect();
    Ok(Described { from, columns, key })
}

/// Refuses what would not read, and what does not stand by itself: within parentheses it could end them.
fn readable(connection: &Connection, text: &str) -> Result<(), ForeignError> {
    let not = |why: &str| ForeignError::NotASelect(why.to_owned());
    let alone = text.trim().trim_end_matches(';');
    let statement = connection.prepare(alone).map_err(|error| match from_sqlite(error) {
        StoreError::Statement(what) => not(&what),
        other => other.into(),
    })?;
    if !statement.readonly() || statement.column_count() == 0 {
        return Err(not("it does not answer rows, or changes something"));
    }
    Ok(())
}

/// The primary key of one column, or the rowid of a table that has one.
fn key_of(connection: &Connection, table: &str) -> Result<Option<String>, ForeignError> {
    let keys = names(connection, "SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk", Some(table))?;
    if let [key] = keys.as_slice() {
        return Ok(Some(key.clone()));
    }
    Ok(connection.prepare(&format!("SELECT rowid FROM {} LIMIT 0", quoted(table))).is_ok().then(|| "rowid".to_owned()))
}

/// The rowid in quotes would be taken for text where there is none.
fn quoted_key(key: &Column) -> String {
    if key.name == "rowid" { key.name.clone() } else { quoted(&key.name) }
}

fn names(connection: &Connection, sql: &str, of: Option<&str>) -> Result<Vec<String>, ForeignError> {
    let mut statement = connection.prepare(sql).map_err(from_sqlite)?;
    let read = statement.query_map(rusqlite::params_from_iter(of), |row| row.get(0));
    Ok(read.and_then(Iterator::collect).map_err(from_sqlite)?)
}

fn rows(connection: &Connection, sql: &str, key: Option<&ForeignKey>) -> Result<Vec<ForeignRow>, ForeignError> {
    let mut statement = connection.prepare_cached(sql)?;
    let key: Option<&dyn ToSql> = key.map(|key| match key {
        ForeignKey::Integer(number) => number as &dyn ToSql,
        ForeignKey::Text(text) => text,
        ForeignKey::Bytes(bytes) => bytes,
    });
    let width = statement.column_count();
    let mut found = statement.query(rusqlite::params_from_iter(key))?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let key = value(row.get_ref(0)?).key();
        let unfit =
            || StoreError::Column { column: "key".to_owned(), found: "a number with fractions", expected: "a key" };
        let values = (1..width).map(|place| row.get_ref(place).map(value)).collect::<Result<_, _>>()?;
        rows.push(ForeignRow { key: key.ok_or_else(unfit)?, values });
    }
    Ok(rows)
}

fn value(value: ValueRef<'_>) -> ForeignValue {
    match value {
        ValueRef::Null => ForeignValue::Null,
        ValueRef::Integer(number) => ForeignValue::Integer(number),
        ValueRef::Real(number) => ForeignValue::Real(number),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => ForeignValue::Text(text.to_owned()),
            Err(_) => ForeignValue::Bytes(bytes.to_owned()),
        },
        ValueRef::Blob(bytes) => ForeignValue::Bytes(bytes.to_owned()),
    }
}

impl From<rusqlite::Error> for ForeignError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(from_sqlite(error))
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ForeignError> + Send + 'static,
) -> Result<T, ForeignError> {
    let died = |_| StoreError::Panicked("reading a foreign database".to_owned());
    tokio::task::spawn_blocking(work).await.map_err(died)?
}
