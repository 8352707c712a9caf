//! Rows as they come, in batches.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Rows in one batch, and so in one transaction, at most.
pub(super) const MOST_ROWS: usize = 1_000;

/// One user of another system. What is not given is not told, and left as it is in a user there is already.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportRow {
    /// Where it stands in the source, as whoever reads the source finds it again.
    pub position: String,
    /// The same for people: `line 7`.
    pub place: String,
    /// The name to sign in with.
    pub name: Option<String>,
    /// The e-mail address.
    pub email: Option<String>,
    /// The stored password.
    pub password: Option<String>,
    /// The roles.
    pub roles: Option<Vec<String>>,
    /// The id in the other system.
    pub id: Option<String>,
    /// Whether the user is kept out.
    pub disabled: Option<bool>,
    /// What was wrong with it already when it was read.
    pub fault: Option<Fault>,
}

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The field, or the column.
    pub field: String,
    /// Why, and what to do.
    pub reason: String,
}

impl Fault {
    /// What is wrong with a field.
    pub fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { field: field.into(), reason: reason.into() }
    }
}

/// What becomes of users that there are already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Existing {
    /// They stay as they are.
    #[default]
    Skip,
    /// They get what the row says.
    Update,
    /// The row is refused.
    Fail,
}

/// What holds for all rows.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ImportOptions {
    /// Roles that every new user gets, besides those of its row.
    pub roles: Vec<String>,
    /// The format that every stored password has to have, by its name.
    pub format: Option<String>,
    /// What becomes of users that there are already.
    pub existing: Existing,
}

/// Rows that follow one another in the source.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// Where the import has to be for them; empty at the beginning.
    pub from: String,
    /// Where it is behind them.
    pub to: String,
    /// What holds for all.
    #[serde(default)]
    pub options: ImportOptions,
    /// The rows.
    pub rows: Vec<ImportRow>,
}

// Stored passwords are not shown.
impl fmt::Debug for ImportRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImportRow").field("place", &self.place).finish_non_exhaustive()
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("from", &self.from).field("rows", &self.rows.len()).finish_non_exhaustive()
    }
}
