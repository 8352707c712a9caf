//! SQLite's errors in the store's words.

use rusqlite::{Error, ErrorCode};

use crate::StoreError;

/// What a failed call means.
pub(crate) fn from_sqlite(error: Error) -> StoreError {
    let Error::SqliteFailure(failure, message) = error else {
        return StoreError::Statement(error.to_string());
    };
    let message = message.unwrap_or_else(|| failure.to_string());
    match failure.code {
        ErrorCode::ConstraintViolation => match failure.extended_code {
            rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE
            | rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY
            | rusqlite::ffi::SQLITE_CONSTRAINT_ROWID => StoreError::Conflict(message),
            _ => StoreError::Refused(message),
        },
        ErrorCode::DiskFull => StoreError::Full,
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied => StoreError::ReadOnly(message),
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreError::Corrupt(message),
        ErrorCode::DatabaseBusy
        | ErrorCode::DatabaseLocked
        | ErrorCode::SystemIoFailure
        | ErrorCode::CannotOpen
        | ErrorCode::OutOfMemory
        | ErrorCode::FileLockingProtocolFailed => StoreError::Unavailable(message),
        // The caller knows the limit, and puts it in.
        ErrorCode::OperationInterrupted => StoreError::TimedOut { limit_ms: 0 },
        _ => StoreError::Statement(message),
    }
}
