//! One connection inside a transaction, as an engine offers it to [`crate::Tx`].

use crate::{Parameters, Row, StoreError, dialect::Dialect};

/// What to do with the innermost savepoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Savepoint {
    /// Sets one.
    Set,
    /// Keeps what was done since.
    Release,
    /// Undoes what was done since, and removes it.
    Undo,
}

/// Sees one row after the other.
pub(crate) type Each<'a> = &'a mut dyn FnMut(&Row<'_>) -> Result<(), StoreError>;

/// Runs statements inside the transaction that is open.
pub(crate) trait Session {
    /// Runs a statement; answers how many rows it changed.
    fn execute(&mut self, sql: &'static str, parameters: Parameters<'_>) -> Result<u64, StoreError>;

    /// Runs a statement once for each row of parameters. Over a network they go out together, and are waited for once.
    fn execute_each(&mut self, sql: &'static str, rows: &[Parameters<'_>]) -> Result<(), StoreError> {
        rows.iter().try_for_each(|parameters| self.execute(sql, parameters).map(drop))
    }

    /// Runs a statement and shows its rows.
    fn query(&mut self, sql: &'static str, parameters: Parameters<'_>, each: Each<'_>) -> Result<(), StoreError>;

    /// Runs a script of the store's own: several statements without parameters or rows.
    fn script(&mut self, sql: &str) -> Result<(), StoreError>;

    /// Whether a query of the store's own, without parameters, has rows.
    fn any(&mut self, sql: &str) -> Result<bool, StoreError>;

    /// Keeps every other migrator waiting until the transaction ends.
    fn lock_migrations(&mut self) -> Result<(), StoreError>;

    /// Whose words the statements are.
    fn dialect(&self) -> Dialect;

    /// Moves between savepoints.
    fn savepoint(&mut self, step: Savepoint) -> Result<(), StoreError>;
}
