//! Carrying the rows over.

use std::time::Duration;

use super::{
    cells::{Cell, Cells},
    proof,
    table::{BATCH, Table, tables},
};
use crate::{
    Cause, Db, Lane, ReadTx, StoreError, ToValue,
    dialect::Dialect,
    migration::{self, Ledger, MigrationError, State},
};

/// The table that marks a target while it is filled. Its one row says from where.
const MARK: &str = "seawall_relocation";

/// Tables that every database has by itself.
const OWN: &[&str] = &["seawall_migrations", MARK];

const CAUSE: Cause = Cause::system("relocation");

/// What one batch may take, however far away the other database is.
const LONGEST: Duration = Duration::from_secs(10 * 60);

/// How far it has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The table that is carried over or compared.
    pub table: String,
    /// Whether it is compared already.
    pub comparing: bool,
    /// Rows that are done.
    pub done: u64,
    /// Rows in all.
    pub of: u64,
}

/// What was moved, once both are proven equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The table.
    pub table: String,
    /// How many rows it has.
    pub rows: u64,
    /// The hash over all of them, in hexadecimal digits.
    pub hash: String,
}

/// Why it did not come to its end. What was carried over stays, and the next attempt goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum RelocationError {
    /// The source lacks migrations, so that its rows would not fit.
    #[error(
        "the source is not of this version: migration {0} is pending there; start the server once on it, or `seawall migrate up`"
    )]
    Behind(String),
    /// The source is itself the target of a move that has not come to its end.
    #[error("the source holds part of {0} only: a move to it has not come to its end")]
    Partial(String),
    /// The target holds rows that no move has put there.
    #[error("the target is not empty: the table {0} has rows")]
    Occupied(String),
    /// The target is being filled from elsewhere.
    #[error("the target holds part of another database, {0}; empty it first")]
    Elsewhere(String),
    /// Both differ after all was carried over.
    #[error("the table {table} differs: {source_rows} rows at the source, {target_rows} at the target")]
    Differs {
        /// The table.
        table: String,
        /// Rows at the source.
        source_rows: u64,
        /// Rows at the target.
        target_rows: u64,
    },
    /// One of the databases could not be migrated.
    #[error(transparent)]
    Migration(#[from] MigrationError),
    /// One of the databases could not be used.
    #[error("a database could not be read or written")]
    Store(#[from] StoreError),
}

/// Carries all tables over from `source` to `target`, and proves that both are equal. `tell` hears how far it is.
///
/// # Errors
/// [`RelocationError`].
pub async fn relocate(
    source: &Db,
    target: &Db,
    ledgers: &[&'static Ledger],
    mut tell: impl FnMut(&Progress),
) -> Result<Vec<Moved>, RelocationError> {
    let (source, target) = (&source.within(LONGEST), &target.within(LONGEST));
    let statuses = migration::status(source, ledgers).await?;
    migration::acceptable(&statuses)?;
    if let Some(pending) = statuses.iter().find(|status| matches!(status.state, State::Pending(_))) {
        return Err(RelocationError::Behind(format!("{} {} ({})", pending.ledger, pending.number, pending.name)));
    }
    if let Some(origin) = unfinished(source).await? {
        return Err(RelocationError::Partial(origin));
    }
    migration::up(target, ledgers, |_| {}).await?;
    let tables = tables(source, OWN).await?;
    mark(source, target, &tables).await?;
    for table in &tables {
        carry(source, target, *table, &mut tell).await?;
    }
    let mut moved = Vec::new();
    for table in &tables {
        moved.push(proof::equal(source, target, *table, &mut tell).await?);
    }
    target.write::<_, StoreError>(&CAUSE, |tx| tx.script("relocation mark", "DROP TABLE seawall_relocation")).await?;
    Ok(moved)
}

/// Where the rows of a database come from whose move has not come to its end; nothing when it is whole.
///
/// # Errors
/// [`StoreError`].
pub async fn unfinished(db: &Db) -> Result<Option<String>, StoreError> {
    db.read(Lane::Interactive, |tx| {
        let sql = match tx.dialect() {
            Dialect::Sqlite => "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name = $1",
            Dialect::Postgres => "SELECT COUNT(*) FROM pg_class WHERE relname = $1 AND relnamespace = CAST(current_schema() AS regnamespace)",
        };
        let (marked,): (i64,) = tx.one(sql, &[&MARK])?;
        if marked == 0 {
            return Ok(None);
        }
        Ok(tx.find("SELECT origin FROM seawall_relocation", &[])?.map(|(origin,)| origin))
    })
    .await
}

/// Marks the target as one that is filled from this source, unless it has rows of its own.
async fn mark(source: &Db, target: &Db, tables: &[Table]) -> Result<(), RelocationError> {
    let from = source.url().to_string();
    let held: Option<String> = target
        .write::<_, StoreError>(&CAUSE, |tx| {
            let script = tx.dialect().translate("CREATE TABLE IF NOT EXISTS seawall_relocation (\n    id BIGINT PRIMARY KEY NOT NULL,\n    origin TEXT NOT NULL\n);\n");
            tx.script("relocation mark", &script)?;
            Ok(tx.find("SELECT origin FROM seawall_relocation", &[])?.map(|(origin,)| origin))
        })
        .await?;
    match held {
        Some(origin) if origin == from => return Ok(()),
        Some(origin) => return Err(RelocationError::Elsewhere(origin)),
        None => {}
    }
    for table in tables {
        let count = table.count;
        let (rows,): (i64,) = read(target, move |tx| tx.one(count, &[])).await?;
        if rows > 0 {
            return Err(RelocationError::Occupied(table.name.to_owned()));
        }
    }
    let sql = "INSERT INTO seawall_relocation (id, origin) VALUES (1, $1)";
    target.write::<_, StoreError>(&CAUSE, move |tx| tx.execute(sql, &[&from]).map(drop)).await?;
    Ok(())
}

/// Carries one table over, from where the target ends.
async fn carry(source: &Db, target: &Db, table: Table, tell: &mut impl FnMut(&Progress)) -> Result<(), StoreError> {
    let (of,): (i64,) = read(source, move |tx| tx.one(table.count, &[])).await?;
    let (mut done,): (i64,) = read(target, move |tx| tx.one(table.count, &[])).await?;
    let mut last: Option<Cells> = read(target, move |tx| tx.find(table.last, &[])).await?;
    loop {
        let rows = batch(source, table, last.take()).await?;
        if rows.is_empty() {
            return Ok(());
        }
        done += i64::try_from(rows.len()).unwrap_or(i64::MAX);
        last = rows.last().cloned();
        target
            .write::<_, StoreError>(&CAUSE, move |tx| {
                rows.iter().try_for_each(|row| tx.execute(table.insert, &parameters(&row.0)).map(drop))
            })
            .await?;
        let count = |rows: i64| u64::try_from(rows).unwrap_or_default();
        tell(&Progress { table: table.name.to_owned(), comparing: false, done: count(done), of: count(of) });
    }
}

/// The rows of a table that follow one, or the first ones.
pub(super) async fn batch(db: &Db, table: Table, after: Option<Cells>) -> Result<Vec<Cells>, StoreError> {
    let rows: Vec<Cells> = read(db, move |tx| match &after {
        None => tx.all(table.first, &[]),
        Some(Cells(cells)) => {
            let key: Vec<&dyn ToValue> =
                table.key.iter().filter_map(|&place| cells.get(place).map(|cell| cell as &dyn ToValue)).collect();
            tx.all(table.after, &key)
        }
    })
    .await?;
    debug_assert!(rows.len() <= BATCH, "a batch has a bound");
    Ok(rows)
}

fn parameters(cells: &[Cell]) -> Vec<&dyn ToValue> {
    cells.iter().map(|cell| cell as &dyn ToValue).collect()
}

async fn read<T: Send + 'static>(
    db: &Db,
    body: impl FnMut(&mut ReadTx<'_>) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    db.read(Lane::Background, body).await
}
