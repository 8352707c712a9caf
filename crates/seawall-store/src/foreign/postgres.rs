//! A foreign PostgreSQL database.

use tokio_postgres::{
    Row,
    types::{ToSql, Type},
};

use super::{
    ForeignError, ForeignKey, ForeignRow, ForeignValue, Select,
    nearest::listed,
    source::{Column, Described, Kind},
    statement::{Shape, nested, quoted},
};
use crate::{PostgresUrl, StoreError, postgres::ForeignConnection};

/// Tables and views that the user may see, as they are named: those on the search path by their names alone.
const TABLES: &str = "SELECT CASE WHEN pg_table_is_visible(c.oid) THEN c.relname::text ELSE n.nspname || '.' || c.relname END, \
    n.nspname::text, c.relname::text \
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') \
    ORDER BY 1";

/// The columns of a table's primary key.
const KEY: &str = "SELECT a.attname::text FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) \
    WHERE i.indisprimary AND i.indrelid = CAST(CAST($1 AS text) AS regclass)";

/// An open database.
pub(super) struct Postgres {
    connection: ForeignConnection,
    shape: Option<Shape>,
}

impl Postgres {
    pub(super) async fn open(url: &PostgresUrl, select: &Select) -> Result<(Self, Described), ForeignError> {
        let connection = ForeignConnection::open(url).await?;
        let (from, key) = match select {
            Select::Table(name) => named(&connection, name).await?,
            Select::Query(text) => {
                // By itself first: within parentheses it could end them.
                let alone = connection.columns(text.trim().trim_end_matches(';')).await;
                if alone.map_err(not_a_select)?.is_empty() {
                    return Err(ForeignError::NotASelect("it does not answer rows".to_owned()));
                }
                (nested(text), None)
            }
        };
        let columns =
            connection.columns(&format!("SELECT * FROM {from} LIMIT 0")).await.map_err(|error| match select {
                Select::Query(_) => not_a_select(error),
                Select::Table(_) => error.into(),
            })?;
        let columns = columns.into_iter().map(|(name, kind)| Column { name, kind: read_as(&kind) }).collect();
        Ok((Self { connection, shape: None }, Described { from, columns, key }))
    }

    pub(super) async fn prepare(
        &mut self,
        of: &Described,
        columns: &[Column],
        key: &Column,
    ) -> Result<(), ForeignError> {
        let shape = Shape {
            from: of.from.clone(),
            key: quoted(&key.name),
            read_key: read(key),
            parameter: match &key.kind {
                Kind::Plain => "CAST($1 AS text)".to_owned(),
                Kind::Bytes => "CAST($1 AS bytea)".to_owned(),
                Kind::Integer => "CAST($1 AS int8)".to_owned(),
                Kind::Cast(kind) => format!("CAST(CAST($1 AS text) AS {kind})"),
                Kind::Flag => {
                    return Err(ForeignError::BadKey { column: key.name.clone(), why: "is a truth value" });
                }
            },
            columns: columns.iter().map(read).collect(),
        };
        let lacking = self.connection.ask(&shape.keyless(), &[]).await?;
        self.shape = Some(shape);
        if lacking.is_empty() {
            return Ok(());
        }
        Err(ForeignError::BadKey { column: key.name.clone(), why: "is NULL in some rows" })
    }

    pub(super) async fn count(&mut self) -> Result<u64, ForeignError> {
        let rows = self.connection.ask(&self.shape()?.count(), &[]).await?;
        let count: i64 = rows.first().map_or(Ok(0), |row| row.try_get(0)).map_err(|_| unreadable("count"))?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    pub(super) async fn page(
        &mut self,
        after: Option<&ForeignKey>,
        limit: u32,
    ) -> Result<Vec<ForeignRow>, ForeignError> {
        let sql = self.shape()?.page(after.is_some(), limit);
        self.rows(&sql, after).await
    }

    pub(super) async fn row(&mut self, key: &ForeignKey) -> Result<Vec<ForeignRow>, ForeignError> {
        let sql = self.shape()?.row();
        self.rows(&sql, Some(key)).await
    }

    async fn rows(&self, sql: &str, key: Option<&ForeignKey>) -> Result<Vec<ForeignRow>, ForeignError> {
        let key: Option<&(dyn ToSql + Sync)> = key.map(|key| match key {
            ForeignKey::Integer(number) => number as &(dyn ToSql + Sync),
            ForeignKey::Text(text) => text,
            ForeignKey::Bytes(bytes) => bytes,
        });
        let rows = self.connection.ask(sql, key.as_slice()).await?;
        rows.iter().map(row).collect()
    }

    fn shape(&self) -> Result<&Shape, ForeignError> {
        let missing = || StoreError::Statement("no columns were chosen".to_owned());
        Ok(self.shape.as_ref().ok_or_else(missing)?)
    }
}

fn not_a_select(error: StoreError) -> ForeignError {
    match error {
        StoreError::Statement(what) => ForeignError::NotASelect(what),
        other => other.into(),
    }
}

/// Finds a table among those there are, and its primary key when that is one column.
async fn named(connection: &ForeignConnection, name: &str) -> Result<(String, Option<String>), ForeignError> {
    let rows = connection.ask(TABLES, &[]).await?;
    let text = |row: &Row, place| row.try_get::<_, String>(place).map_err(|_| unreadable("name"));
    let mut known = Vec::new();
    let mut found = None;
    for row in &rows {
        let (shown, schema, table) = (text(row, 0)?, text(row, 1)?, text(row, 2)?);
        if shown == name || format!("{schema}.{table}") == name {
            found = Some(format!("{}.{}", quoted(&schema), quoted(&table)));
        }
        known.push(shown);
    }
    let Some(from) = found else {
        return Err(ForeignError::NoTable { name: name.to_owned(), known: listed(&known) });
    };
    let keys = connection.ask(KEY, &[&from]).await?;
    let key = match keys.as_slice() {
        [key] => Some(text(key, 0)?),
        _ => None,
    };
    Ok((from, key))
}

fn read_as(kind: &Type) -> Kind {
    match *kind {
        Type::BOOL => Kind::Flag,
        Type::INT2 | Type::INT4 | Type::INT8 => Kind::Integer,
        Type::BYTEA => Kind::Bytes,
        Type::TEXT | Type::VARCHAR => Kind::Plain,
        ref other => Kind::Cast(format!("{}.{}", quoted(other.schema()), quoted(other.name()))),
    }
}

/// A column as it is read.
fn read(column: &Column) -> String {
    let name = quoted(&column.name);
    match column.kind {
        Kind::Plain | Kind::Bytes | Kind::Flag => name,
        Kind::Integer => format!("CAST({name} AS int8)"),
        Kind::Cast(_) => format!("CAST({name} AS text)"),
    }
}

fn row(row: &Row) -> Result<ForeignRow, ForeignError> {
    let key = value(row, 0)?.key().ok_or_else(|| unreadable("key"))?;
    let values = (1..row.len()).map(|place| value(row, place)).collect::<Result<_, _>>()?;
    Ok(ForeignRow { key, values })
}

fn value(row: &Row, place: usize) -> Result<ForeignValue, ForeignError> {
    let column = row.columns().get(place).ok_or_else(|| unreadable("column"))?;
    let read = match *column.type_() {
        Type::BOOL => row.try_get::<_, Option<bool>>(place).map(|value| value.map(ForeignValue::Bool)),
        Type::INT8 => row.try_get::<_, Option<i64>>(place).map(|value| value.map(ForeignValue::Integer)),
        Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(place).map(|value| value.map(ForeignValue::Bytes)),
        _ => row.try_get::<_, Option<String>>(place).map(|value| value.map(ForeignValue::Text)),
    };
    Ok(read.map_err(|_| unreadable(column.name()))?.unwrap_or(ForeignValue::Null))
}

fn unreadable(column: &str) -> ForeignError {
    let found = "a value in no form that is known";
    StoreError::Column { column: column.to_owned(), found, expected: "a value of its type" }.into()
}
