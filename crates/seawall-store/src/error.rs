//! What can go wrong in the store.

use std::path::PathBuf;

use seawall_core::reply::PortError;

/// What was attempted and why it failed. Nothing of a failed transaction is kept, but for [`StoreError::OutcomeUnknown`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// As many transactions wait as may.
    #[error("the store is busy: {waiting} transactions wait already")]
    Busy {
        /// How many wait.
        waiting: usize,
    },
    /// The transaction took longer than it may, waiting included.
    #[error("the transaction took longer than {limit_ms} ms")]
    TimedOut {
        /// What it may take, in milliseconds.
        limit_ms: u64,
    },
    /// The database cannot be reached or used; the same transaction may succeed later.
    #[error("the database cannot be used: {0}")]
    Unavailable(String),
    /// The store has been closed.
    #[error("the store is closed")]
    Closed,
    /// A row with the same key exists already.
    #[error("a row with the same key exists: {0}")]
    Conflict(String),
    /// A row does not fit a rule of its table.
    #[error("a rule of the table refuses the row: {0}")]
    Refused(String),
    /// Others changed the same rows again and again.
    #[error("others changed the same rows, {attempts} times in a row")]
    Contended {
        /// How often it was tried.
        attempts: u32,
    },
    /// The disk has no room.
    #[error("the disk is full")]
    Full,
    /// The database does not take changes.
    #[error("the database is read-only: {0}")]
    ReadOnly(String),
    /// The database's content is damaged.
    #[error("the database is damaged: {0}")]
    Corrupt(String),
    /// The connection broke during COMMIT: the transaction may have been kept.
    #[error("the connection broke during COMMIT, so whether the transaction was kept is not known: {0}")]
    OutcomeUnknown(String),
    /// The statement is wrong, or used where it may not be.
    #[error("the statement is wrong: {0}")]
    Statement(String),
    /// A column is missing or holds another kind of value.
    #[error("column {column} holds {found}, not {expected}")]
    Column {
        /// Its name, or its place.
        column: String,
        /// What it holds.
        found: &'static str,
        /// What was expected.
        expected: &'static str,
    },
    /// The statement found no row where one was expected.
    #[error("no row was found")]
    NoRow,
    /// A parameter holds U+0000, which no column can keep.
    #[error("parameter ${parameter} holds U+0000")]
    Unstorable {
        /// Its number.
        parameter: usize,
    },
    /// The transaction's code panicked.
    #[error("the transaction's code panicked: {0}")]
    Panicked(String),
}

/// Why a store could not be opened. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL is of no known form.
    #[error("`{url}` is no database URL: {reason}")]
    Url {
        /// The URL, without its password.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// Another process has the file.
    #[error("{0} is in use by another process; SQLite files belong to one Seawall at a time")]
    InUse(PathBuf),
    /// The file is on a file system that other machines share.
    #[error(
        "{path} is on {kind}, a network file system, where SQLite's locks cannot be trusted; put the data on a local disk or use PostgreSQL"
    )]
    Network {
        /// The file.
        path: PathBuf,
        /// The file system.
        kind: &'static str,
    },
    /// The file or its directory cannot be used.
    #[error("{path} cannot be used")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The linked SQLite has a known fault.
    #[error("SQLite {0} is linked, and versions before 3.51.3 can damage a database; build with the bundled one")]
    Version(String),
    /// The server is too old.
    #[error("PostgreSQL {version} is too old; version {oldest} or later is needed")]
    ServerVersion {
        /// What it says it is.
        version: String,
        /// The oldest that is known to work.
        oldest: u32,
    },
    /// The server keeps text in another encoding.
    #[error("the database keeps text as {0}; make it anew with `createdb --encoding=UTF8 --template=template0`")]
    Encoding(String),
    /// Connections cannot be encrypted.
    #[error("connections cannot be encrypted: {0}")]
    Tls(String),
    /// The database was opened but does not work.
    #[error("{what} failed")]
    Database {
        /// What was attempted.
        what: &'static str,
        /// Why.
        source: StoreError,
    },
    /// A thread could not be started.
    #[error("a thread of the store could not be started")]
    Thread(#[source] std::io::Error),
}

impl StoreError {
    /// Whether the same transaction may succeed a little later.
    #[must_use]
    pub const fn retryable(&self) -> bool {
        matches!(
            self,
            Self::Busy { .. }
                | Self::TimedOut { .. }
                | Self::Unavailable(_)
                | Self::Closed
                | Self::Contended { .. }
                | Self::Full
        )
    }
}

impl From<&StoreError> for PortError {
    fn from(error: &StoreError) -> Self {
        match error {
            StoreError::Busy { .. } => Self::Full,
            StoreError::TimedOut { .. } => Self::TimedOut,
            _ => Self::Unavailable,
        }
    }
}
