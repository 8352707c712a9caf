//! A look at a database that may belong to another process. SQLite itself keeps readers and the writer apart.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::{fault, session::SqliteSession};
use crate::{FromRow, StoreError, session::Session};

/// All rows of a query; nothing when there is no database, or not such a table.
pub(crate) fn peek<T: FromRow>(path: &Path, sql: &'static str) -> Result<Option<Vec<T>>, StoreError> {
    if !path.exists() {
        return Ok(None);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(fault::from_sqlite)?;
    let mut rows = Vec::new();
    let looked = SqliteSession::new(&connection, 0).query(sql, &[], &mut |row| {
        rows.push(T::from_row(row)?);
        Ok(())
    });
    match looked {
        Ok(()) => Ok(Some(rows)),
        Err(StoreError::Statement(what)) if what.contains("no such table") => Ok(None),
        Err(error) => Err(error),
    }
}
