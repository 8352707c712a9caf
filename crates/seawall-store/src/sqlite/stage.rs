//! The savepoint in which each transaction of a group runs, so that it can be undone without the others.

use rusqlite::{CachedStatement, Connection};

use super::fault;
use crate::StoreError;

/// Its statements, looked up once for a whole group.
pub(super) struct Stage<'a> {
    set: CachedStatement<'a>,
    release: CachedStatement<'a>,
    undo: CachedStatement<'a>,
}

impl<'a> Stage<'a> {
    /// On the connection that writes.
    pub(super) fn on(connection: &'a Connection) -> Result<Self, StoreError> {
        let prepare = |sql| connection.prepare_cached(sql).map_err(fault::from_sqlite);
        // Named otherwise than savepoints within a transaction: one that a panic has left open goes with it.
        Ok(Self { set: prepare("SAVEPOINT job")?, release: prepare("RELEASE job")?, undo: prepare("ROLLBACK TO job")? })
    }

    /// A transaction begins.
    pub(super) fn begin(&mut self) -> Result<(), StoreError> {
        step(&mut self.set)
    }

    /// It has ended, and is kept or not.
    pub(super) fn end(&mut self, kept: bool) -> Result<(), StoreError> {
        if !kept {
            step(&mut self.undo)?;
        }
        step(&mut self.release)
    }
}

fn step(statement: &mut CachedStatement<'_>) -> Result<(), StoreError> {
    statement.raw_execute().map(drop).map_err(fault::from_sqlite)
}
