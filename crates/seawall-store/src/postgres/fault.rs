//! PostgreSQL's errors in the store's words.
//!
//! Only an error's first line is taken over: its DETAIL and CONTEXT hold the values of rows and parameters.

use std::error::Error as _;

use tokio_postgres::{
    Error,
    error::{DbError, Severity, SqlState},
};

use super::value::Mismatch;
use crate::StoreError;

/// How a call to the server failed.
#[derive(Debug)]
pub(super) enum Fault {
    /// The statement failed; the connection can go on.
    Store(StoreError),
    /// The statement was stopped when its time was over; the connection can go on.
    TimedOut,
    /// Another transaction held a lock for too long; the connection can go on.
    Locked,
    /// Others changed the same rows: the transaction may succeed when it runs again.
    Contended,
    /// A prepared statement no longer fits the tables; prepared anew, it does.
    Stale,
    /// The connection is gone, and what it was doing with it.
    Lost(String),
    /// The server did not answer in time; the connection has to be given up.
    Silent,
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        if let Some(answer) = error.as_db_error() {
            return answered(answer);
        }
        match error.source().and_then(|source| source.downcast_ref::<Mismatch>()) {
            Some(mismatch) => Self::Store(StoreError::Statement(mismatch.to_string())),
            None => Self::Lost(chain(&error)),
        }
    }
}

/// What the server's answer means.
fn answered(error: &DbError) -> Fault {
    let message = || error.message().to_owned();
    if matches!(error.parsed_severity(), Some(Severity::Fatal | Severity::Panic)) {
        return Fault::Lost(message());
    }
    let code = error.code();
    // The routine's name is the same in every language, the message is not.
    let revalidated = *code == SqlState::FEATURE_NOT_SUPPORTED && error.routine() == Some("RevalidateCachedQuery");
    if revalidated || *code == SqlState::INVALID_SQL_STATEMENT_NAME {
        return Fault::Stale;
    }
    if *code == SqlState::UNIQUE_VIOLATION || *code == SqlState::EXCLUSION_VIOLATION {
        return Fault::Store(StoreError::Conflict(message()));
    }
    let class = code.code().get(..2).unwrap_or_default();
    match code.code() {
        "40001" | "40P01" => Fault::Contended,
        "57014" => Fault::TimedOut,
        "55P03" => Fault::Locked,
        "53100" => Fault::Store(StoreError::Full),
        "25006" => Fault::Store(StoreError::ReadOnly(message())),
        "XX001" | "XX002" => Fault::Store(StoreError::Corrupt(message())),
        "57P01" | "57P02" | "57P03" => Fault::Lost(message()),
        "53200" | "53300" | "53400" => Fault::Store(StoreError::Unavailable(message())),
        // A trigger of ours raised it, as `RAISE(ABORT, …)` does in SQLite.
        "P0001" => Fault::Store(StoreError::Refused(message())),
        _ if class == "23" => Fault::Store(StoreError::Refused(message())),
        _ if class == "08" => Fault::Lost(message()),
        // These messages quote the value.
        other if class == "22" => {
            Fault::Store(StoreError::Statement(format!("a value is of the wrong form (SQLSTATE {other})")))
        }
        _ => Fault::Store(StoreError::Statement(message())),
    }
}

/// An error of the connection with its causes, in one line.
pub(super) fn chain(error: &Error) -> String {
    if let Some(answer) = error.as_db_error() {
        return answer.message().to_owned();
    }
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
