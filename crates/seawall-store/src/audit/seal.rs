//! Sealing: unsealed entries get their places in the chain, in the order of their commits.
//!
//! On SQLite this happens at the end of each group, in the same commit. On PostgreSQL one process does it within a second, and only
//! below the oldest transaction that still runs, so that writers never wait for the head of the chain.

use super::{
    Record,
    chain::{self, Hash, ORIGIN},
};
use crate::{Cause, Db, FromRow, Parameters, StoreError, dialect::Dialect, session::Session, value::ToValue};

/// Entries that are sealed at once.
const BATCH: i64 = 1_000;

/// The lock of whoever seals on PostgreSQL: any number, the same in every process.
const LEADER: i64 = 0x5365_6177_616c_6c02;

/// Seals what waits to be sealed on PostgreSQL, if no other process is just doing it; answers how many entries. On SQLite nothing
/// ever waits.
///
/// # Errors
/// [`StoreError`].
pub async fn seal_waiting(db: &Db) -> Result<usize, StoreError> {
    db.write(&Cause::system("audit seal"), |tx| {
        if tx.dialect() == Dialect::Sqlite {
            return Ok(0);
        }
        let (leads,): (bool,) = tx.one("SELECT pg_try_advisory_xact_lock($1)", &[&LEADER])?;
        if leads { seal(tx.session()) } else { Ok(0) }
    })
    .await
}

/// Seals what can be sealed, a bounded number of entries; answers how many.
pub(crate) fn seal(session: &mut dyn Session) -> Result<usize, StoreError> {
    let unsealed: Vec<Record> = match session.dialect() {
        Dialect::Sqlite => all(
            session,
            "SELECT id, seq, at, actor_kind, actor_id, address, request_id, action, object_kind, object_id, outcome, before, after, hash
             FROM audit_log WHERE seq IS NULL ORDER BY id LIMIT $1",
            &[&BATCH],
        )?,
        Dialect::Postgres => all(
            session,
            "SELECT id, seq, at, actor_kind, actor_id, address, request_id, action, object_kind, object_id, outcome, before, after, hash
             FROM audit_log WHERE seq IS NULL AND written_by < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY id LIMIT $1",
            &[&BATCH],
        )?,
    };
    if unsealed.is_empty() {
        return Ok(0);
    }
    let (mut seq, mut head) = head(session)?;
    let places: Vec<(i64, Hash)> = unsealed
        .iter()
        .map(|record| {
            seq += 1;
            head = chain::hash(&head, seq, record);
            (seq, head)
        })
        .collect();
    let sealed = unsealed.iter().zip(&places);
    let rows: Vec<[&dyn ToValue; 3]> =
        sealed.map(|(record, (seq, hash))| [&record.id as _, seq as _, hash as _]).collect();
    let rows: Vec<Parameters<'_>> = rows.iter().map(<[_; 3]>::as_slice).collect();
    session.execute_each("UPDATE audit_log SET seq = $2, hash = $3 WHERE id = $1", &rows)?;
    Ok(unsealed.len())
}

/// The last place of the chain, and its hash.
fn head(session: &mut dyn Session) -> Result<(i64, Hash), StoreError> {
    let mut head = (0, ORIGIN);
    let sql = "SELECT seq, hash FROM audit_log WHERE seq IS NOT NULL ORDER BY seq DESC LIMIT 1";
    session.query(sql, &[], &mut |row| {
        head = (row.at(0)?, row.at(1)?);
        Ok(())
    })?;
    Ok(head)
}

fn all<T: FromRow>(
    session: &mut dyn Session,
    sql: &'static str,
    parameters: Parameters<'_>,
) -> Result<Vec<T>, StoreError> {
    let mut rows = Vec::new();
    session.query(sql, parameters, &mut |row| {
        rows.push(T::from_row(row)?);
        Ok(())
    })?;
    Ok(rows)
}
