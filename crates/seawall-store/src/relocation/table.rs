//! Tables as the databases themselves describe them, and the statements that read and write all of one.

use std::collections::HashMap;

use crate::{Db, Lane, ReadTx, StoreError, dialect::Dialect};

/// Rows in one transaction.
pub(super) const BATCH: usize = 500;

/// A table of the source, and the statements for it. They are the same in both engines.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    /// The places of the key's columns among all.
    pub(super) key: &'static [usize],
    pub(super) count: &'static str,
    /// The first rows by their keys.
    pub(super) first: &'static str,
    /// The rows after a key.
    pub(super) after: &'static str,
    /// The last row.
    pub(super) last: &'static str,
    pub(super) insert: &'static str,
}

/// All tables of a database but those named, in the order in which they were made: what refers to another comes after it.
pub(super) async fn tables(db: &Db, except: &'static [&'static str]) -> Result<Vec<Table>, StoreError> {
    db.read(Lane::Background, move |tx| {
        let names: Vec<(String,)> = tx.all(
            match tx.dialect() {
                Dialect::Sqlite => {
                    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid"
                }
                Dialect::Postgres => {
                    "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = CAST(current_schema() AS regnamespace) ORDER BY oid"
                }
            },
            &[],
        )?;
        let wanted = names.into_iter().filter(|(name,)| !except.contains(&name.as_str()));
        wanted.map(|(name,)| describe(tx, &name)).collect()
    })
    .await
}

fn describe(tx: &mut ReadTx<'_>, name: &str) -> Result<Table, StoreError> {
    // The place in the key from 1, and 0 for columns outside it. A column that only PostgreSQL has is not carried over.
    let columns: Vec<(String, i64)> = tx.all(
        match tx.dialect() {
            Dialect::Sqlite => "SELECT name, pk FROM pragma_table_info($1) ORDER BY cid",
            Dialect::Postgres => {
                "SELECT a.attname, CAST(COALESCE(array_position(CAST(i.indkey AS int2[]), a.attnum), -1) + 1 AS BIGINT)
                 FROM pg_attribute a
                 JOIN pg_class c ON c.oid = a.attrelid AND c.relnamespace = CAST(current_schema() AS regnamespace)
                 LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
                 WHERE c.relname = $1 AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid <> CAST('xid8' AS regtype)
                 ORDER BY a.attnum"
            }
        },
        &[&name],
    )?;
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let all = columns.iter().map(|(name, _)| quoted(name)).collect::<Vec<_>>().join(", ");
    let places: HashMap<i64, usize> = columns.iter().enumerate().map(|(place, (_, key))| (*key, place)).collect();
    let key: Vec<usize> = (1..).map_while(|number| places.get(&number).copied()).collect();
    if key.is_empty() {
        return Err(StoreError::Statement(format!("the table {name} has no primary key, so it cannot be moved")));
    }
    let key_names: Vec<String> = key.iter().filter_map(|&place| Some(quoted(&columns.get(place)?.0))).collect();
    let ascending = key_names.join(", ");
    let descending = key_names.iter().map(|name| format!("{name} DESC")).collect::<Vec<_>>().join(", ");
    let numbers = |count: usize| (1..=count).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ");
    let (table, of_key, of_all) = (quoted(name), numbers(key.len()), numbers(columns.len()));
    Ok(Table {
        name: kept(name.to_owned()),
        count: kept(format!("SELECT COUNT(*) FROM {table}")),
        first: kept(format!("SELECT {all} FROM {table} ORDER BY {ascending} LIMIT {BATCH}")),
        after: kept(format!(
            "SELECT {all} FROM {table} WHERE ({ascending}) > ({of_key}) ORDER BY {ascending} LIMIT {BATCH}"
        )),
        last: kept(format!("SELECT {all} FROM {table} ORDER BY {descending} LIMIT 1")),
        insert: kept(format!("INSERT INTO {table} ({all}) VALUES ({of_all})")),
        key: Box::leak(key.into_boxed_slice()),
    })
}

/// Statements are constants everywhere else. These are made of the names of our own tables, once for each, in a command that ends
/// when the move does.
fn kept(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}
