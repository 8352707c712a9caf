//! How far an import is, as the store has it.

use seawall_store::{FromRow, Row, StoreError};
use serde::{Deserialize, Serialize};

use super::report::FormatCount;

/// An import, and what became of its rows so far, in all its runs since it began or was begun anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Its id.
    pub id: String,
    /// Where the next batch begins; empty at the beginning.
    pub position: String,
    /// How often it was begun.
    pub run: i64,
    /// Rows that were looked at.
    pub seen: i64,
    /// Users that were added.
    pub added: i64,
    /// Users that were changed.
    pub updated: i64,
    /// Users that there were already, left as they are.
    pub skipped: i64,
    /// Rows that were not taken.
    pub rejected: i64,
    /// Users without a password.
    pub without_password: i64,
    /// By format.
    pub formats: Vec<FormatCount>,
    /// When it came to the end of its source, in microseconds since 1970-01-01T00:00:00Z.
    pub finished_at: Option<i64>,
}

/// Under which id another system knew a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignId {
    /// The import.
    pub import: String,
    /// The id there.
    pub foreign_id: String,
    /// The user.
    pub user: String,
}

impl FromRow for Progress {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let formats = serde_json::from_str(&row.at::<String>(9)?);
        let unread = |_| StoreError::Column { column: "formats".to_owned(), found: "text", expected: "counts as JSON" };
        Ok(Self {
            id: row.at(0)?,
            position: row.at(1)?,
            run: row.at(2)?,
            seen: row.at(3)?,
            added: row.at(4)?,
            updated: row.at(5)?,
            skipped: row.at(6)?,
            rejected: row.at(7)?,
            without_password: row.at(8)?,
            formats: formats.map_err(unread)?,
            finished_at: row.at(10)?,
        })
    }
}

impl FromRow for ForeignId {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self { import: row.at(0)?, foreign_id: row.at(1)?, user: row.at(2)? })
    }
}
