//! What can be wrong with a database that is not ours.

use std::path::PathBuf;

use crate::{OpenError, StoreError};

/// What was attempted and why it failed. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ForeignError {
    /// It could not be reached.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is no such file.
    #[error("there is no database at {0}")]
    NoFile(PathBuf),
    /// Changes lie beside the file that only the program itself can bring into it.
    #[error(
        "changes that are not in {path} yet lie in {} beside it; start and end the application once, or copy the database with `sqlite3 {path} \".backup COPY\"` and read the copy",
        .beside.display(), path = .path.display()
    )]
    Unfinished {
        /// The database.
        path: PathBuf,
        /// What lies beside it.
        beside: PathBuf,
    },
    /// Somebody wrote to the file while it was read.
    #[error("{0} was changed while it was read; stop the application, or read a copy, and run the same again")]
    Changed(PathBuf),
    /// There is no such table.
    #[error("there is no table or view `{name}`; there are: {known}")]
    NoTable {
        /// What was asked for.
        name: String,
        /// Those there are.
        known: String,
    },
    /// There is no such column.
    #[error("there is no column `{name}`; {known}")]
    NoColumn {
        /// What was asked for.
        name: String,
        /// The nearest one, or those there are.
        known: String,
    },
    /// It is more than one SELECT.
    #[error("that is not one SELECT: {0}")]
    NotASelect(String),
    /// Nothing says in which order the rows come.
    #[error("`{0}` has no primary key of one column; name a column that is unique and never NULL")]
    NoKey(String),
    /// The key does not tell rows apart.
    #[error("the column `{column}` {why}, so rows would be lost; name another that is unique and never NULL")]
    BadKey {
        /// The column.
        column: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// It did not answer in time.
    #[error("the database did not answer within {0} s")]
    TimedOut(u64),
    /// A statement failed there.
    #[error("the database could not be read")]
    Store(#[from] StoreError),
}
