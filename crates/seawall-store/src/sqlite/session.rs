//! Statements on a connection to SQLite.

use rusqlite::{
    CachedStatement, Connection, ToSql,
    types::{ToSqlOutput, ValueRef},
};

use super::fault;
use crate::{
    Parameters, Row, StoreError, Value,
    dialect::Dialect,
    row::Cells,
    session::{Each, Savepoint, Session},
    value,
};

/// A connection inside a transaction.
#[derive(Debug)]
pub(super) struct SqliteSession<'a> {
    connection: &'a Connection,
    /// What the transaction may take, in milliseconds, for the message.
    limit_ms: u64,
}

impl<'a> SqliteSession<'a> {
    pub(super) const fn new(connection: &'a Connection, limit_ms: u64) -> Self {
        Self { connection, limit_ms }
    }

    fn prepare(&self, sql: &'static str, parameters: Parameters<'_>) -> Result<CachedStatement<'a>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(fault::from_sqlite)?;
        bind(&mut statement, sql, parameters)?;
        Ok(statement)
    }

    fn fault(&self, error: rusqlite::Error) -> StoreError {
        match fault::from_sqlite(error) {
            StoreError::TimedOut { .. } => StoreError::TimedOut { limit_ms: self.limit_ms },
            other => other,
        }
    }
}

impl Session for SqliteSession<'_> {
    fn execute(&mut self, sql: &'static str, parameters: Parameters<'_>) -> Result<u64, StoreError> {
        let mut statement = self.prepare(sql, parameters)?;
        if statement.column_count() > 0 {
            return Err(StoreError::Statement(format!("`{sql}` answers rows; query it")));
        }
        let changed = statement.raw_execute().map_err(|error| self.fault(error))?;
        Ok(changed as u64)
    }

    fn query(&mut self, sql: &'static str, parameters: Parameters<'_>, each: Each<'_>) -> Result<(), StoreError> {
        let mut statement = self.prepare(sql, parameters)?;
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(|error| self.fault(error))? {
            each(&Row::new(&SqliteCells(row)))?;
        }
        Ok(())
    }

    fn script(&mut self, sql: &str) -> Result<(), StoreError> {
        self.connection.execute_batch(sql).map_err(|error| self.fault(error))
    }

    fn any(&mut self, sql: &str) -> Result<bool, StoreError> {
        self.connection.prepare(sql).and_then(|mut statement| statement.exists([])).map_err(|error| self.fault(error))
    }

    fn lock_migrations(&mut self) -> Result<(), StoreError> {
        // Whoever writes has the database to itself.
        Ok(())
    }

    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn savepoint(&mut self, step: Savepoint) -> Result<(), StoreError> {
        // Savepoints of one name nest: the name means the innermost.
        let statements: &[&str] = match step {
            Savepoint::Set => &["SAVEPOINT part"],
            Savepoint::Release => &["RELEASE part"],
            Savepoint::Undo => &["ROLLBACK TO part", "RELEASE part"],
        };
        for sql in statements {
            self.connection
                .prepare_cached(sql)
                .and_then(|mut statement| statement.raw_execute())
                .map_err(fault::from_sqlite)?;
        }
        Ok(())
    }
}

/// Binds parameters by the numbers in their names. SQLite takes `$2` for a name and would number it by where it first stands, so
/// `$2, $1` would silently swap the two.
fn bind(statement: &mut CachedStatement<'_>, sql: &str, parameters: Parameters<'_>) -> Result<(), StoreError> {
    let wrong = |what: String| StoreError::Statement(format!("`{sql}` {what}"));
    let mut greatest = 0;
    for place in 1..=statement.parameter_count() {
        let number = statement.parameter_name(place).and_then(value::parameter_number);
        let number = number.ok_or_else(|| wrong("names a parameter otherwise than $1, $2, …".to_owned()))?;
        let parameter = number.checked_sub(1).and_then(|index| parameters.get(index));
        let parameter =
            parameter.ok_or_else(|| wrong(format!("wants ${number}, and {} were given", parameters.len())))?;
        statement.raw_bind_parameter(place, Bound(parameter.to_value())).map_err(fault::from_sqlite)?;
        greatest = greatest.max(number);
    }
    // PostgreSQL cannot tell the type of one that is left out.
    if greatest != statement.parameter_count() {
        return Err(wrong(format!("uses not all of $1 to ${greatest}")));
    }
    if greatest != parameters.len() {
        return Err(wrong(format!("wants {greatest} parameters, and {} were given", parameters.len())));
    }
    Ok(())
}

struct Bound<'a>(Value<'a>);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Bool(flag) => ValueRef::Integer(i64::from(flag)),
            Value::Integer(integer) => ValueRef::Integer(integer),
            Value::Real(real) => ValueRef::Real(real),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

struct SqliteCells<'a>(&'a rusqlite::Row<'a>);

impl Cells for SqliteCells<'_> {
    fn width(&self) -> usize {
        self.0.as_ref().column_count()
    }

    fn name(&self, place: usize) -> Option<&str> {
        self.0.as_ref().column_name(place).ok()
    }

    fn value(&self, place: usize) -> Result<Value<'_>, StoreError> {
        let column = |found| StoreError::Column { column: place.to_string(), found, expected: "a column" };
        Ok(match self.0.get_ref(place).map_err(|_| column("no such column"))? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(integer) => Value::Integer(integer),
            ValueRef::Real(real) => Value::Real(real),
            ValueRef::Text(text) => {
                Value::Text(std::str::from_utf8(text).map_err(|_| column("text that is not UTF-8"))?)
            }
            ValueRef::Blob(bytes) => Value::Bytes(bytes),
        })
    }
}
