//! The tables of imports.

use seawall_store::{FromRow, Parameters, ReadTx, Row, StoreError, ToValue, Tx};

use super::{
    progress::{ForeignId, Progress},
    report::Reject,
};
use crate::users::roles;

/// Where an import of this fingerprint is.
pub(super) fn by_fingerprint(tx: &mut ReadTx<'_>, fingerprint: &str) -> Result<Option<Progress>, StoreError> {
    tx.find(
        "SELECT id, position, run, seen, added, updated, skipped, rejected, without_password, formats, finished_at
         FROM imports WHERE fingerprint = $1",
        &[&fingerprint],
    )
}

/// Where an import is.
pub(super) fn by_id(tx: &mut ReadTx<'_>, id: &str) -> Result<Option<Progress>, StoreError> {
    tx.find(
        "SELECT id, position, run, seen, added, updated, skipped, rejected, without_password, formats, finished_at
         FROM imports WHERE id = $1",
        &[&id],
    )
}

pub(super) fn begin(tx: &mut Tx<'_>, id: &str, fingerprint: &str, source: &str) -> Result<(), StoreError> {
    let at = tx.at_us();
    let sql = "INSERT INTO imports (id, fingerprint, source, begun_at) VALUES ($1, $2, $3, $4)";
    tx.execute(sql, &[&id, &fingerprint, &source, &at]).map(drop)
}

/// Lets an import begin anew; the users that it made stay.
pub(super) fn begin_again(tx: &mut Tx<'_>, id: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM import_rejects WHERE import_id = $1", &[&id])?;
    let at = tx.at_us();
    tx.execute(
        "UPDATE imports SET position = '', run = run + 1, seen = 0, added = 0, updated = 0, skipped = 0, rejected = 0,
         without_password = 0, formats = '[]', begun_at = $2, finished_at = NULL WHERE id = $1",
        &[&id, &at],
    )
    .map(drop)
}

/// Holds the import's row until the transaction ends. Answers whether it is where a batch begins.
pub(super) fn moves(tx: &mut Tx<'_>, id: &str, from: &str, to: &str) -> Result<bool, StoreError> {
    let sql = "UPDATE imports SET position = $3, finished_at = NULL WHERE id = $1 AND position = $2";
    Ok(tx.execute(sql, &[&id, &from, &to])? > 0)
}

/// Writes down what became of an import so far.
pub(super) fn count(tx: &mut Tx<'_>, sum: &Progress) -> Result<(), StoreError> {
    let formats = serde_json::json!(sum.formats).to_string();
    tx.execute(
        "UPDATE imports SET seen = $2, added = $3, updated = $4, skipped = $5, rejected = $6, without_password = $7, formats = $8
         WHERE id = $1",
        &[&sum.id, &sum.seen, &sum.added, &sum.updated, &sum.skipped, &sum.rejected, &sum.without_password, &formats],
    )
    .map(drop)
}

pub(super) fn finish(tx: &mut Tx<'_>, id: &str) -> Result<(), StoreError> {
    let at = tx.at_us();
    tx.execute("UPDATE imports SET finished_at = $2 WHERE id = $1", &[&id, &at]).map(drop)
}

/// Lists rows that were not taken, from this number on.
pub(super) fn reject(tx: &mut Tx<'_>, id: &str, first: i64, rejects: &[Reject]) -> Result<(), StoreError> {
    let numbers: Vec<i64> = (first..).take(rejects.len()).collect();
    let rows = numbers.iter().zip(rejects);
    let rows: Vec<[&dyn ToValue; 6]> = rows
        .map(|(number, one)| {
            [&id as _, number as _, &one.position as _, &one.place as _, &one.field as _, &one.reason as _]
        })
        .collect();
    let rows: Vec<Parameters<'_>> = rows.iter().map(<[_; 6]>::as_slice).collect();
    let sql = "INSERT INTO import_rejects (import_id, number, position, place, field, reason) VALUES ($1, $2, $3, $4, $5, $6)";
    tx.execute_each(sql, &rows)
}

/// Rows that were not taken, from a number on.
pub(super) fn rejects(tx: &mut ReadTx<'_>, id: &str, from: i64, limit: u32) -> Result<Vec<Reject>, StoreError> {
    tx.all(
        "SELECT position, place, field, reason FROM import_rejects WHERE import_id = $1 AND number >= $2 ORDER BY number LIMIT $3",
        &[&id, &from, &limit],
    )
}

/// Ids of other systems, in the order of the users' ids, behind one.
pub(super) fn foreign_ids(
    tx: &mut ReadTx<'_>,
    (user, import): (&str, &str),
    limit: u32,
) -> Result<Vec<ForeignId>, StoreError> {
    tx.all(
        "SELECT import_id, foreign_id, user_id FROM foreign_ids
         WHERE foreign_id IS NOT NULL AND (user_id, import_id) > ($1, $2) ORDER BY user_id, import_id LIMIT $3",
        &[&user, &import, &limit],
    )
}

/// A user who has one of the names.
pub(super) struct Namesake {
    pub(super) id: String,
    pub(super) name_key: String,
    pub(super) email: Option<String>,
    pub(super) roles: Vec<seawall_core::principal::Role>,
    pub(super) disabled: bool,
    /// Under which id this import knows the user, and since which run, if it does.
    pub(super) known: Option<(Option<String>, i64)>,
}

impl FromRow for Namesake {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let run: Option<i64> = row.at(6)?;
        let foreign: Option<String> = row.at(5)?;
        Ok(Self {
            id: row.at(0)?,
            name_key: row.at(1)?,
            email: row.at(2)?,
            roles: roles::read(&row.at::<String>(3)?),
            disabled: row.at(4)?,
            known: run.map(|run| (foreign, run)),
        })
    }
}

impl FromRow for Reject {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self { position: row.at(0)?, place: row.at(1)?, field: row.at(2)?, reason: row.at(3)? })
    }
}
