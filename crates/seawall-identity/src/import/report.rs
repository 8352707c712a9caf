//! What became of rows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A row that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reject {
    /// Where it stands in the source, for whoever reads it.
    pub position: String,
    /// The same for people.
    pub place: String,
    /// What of it is wrong.
    pub field: String,
    /// Why, and what to do.
    pub reason: String,
}

/// How many stored passwords there are of one format and cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormatCount {
    /// The format's name.
    pub format: String,
    /// The magnitude of its cost, in units of its own; for bcrypt the cost itself.
    pub cost: u32,
    /// How many.
    pub rows: u64,
    /// How many of them were put beneath argon2id.
    pub wrapped: u64,
    /// What one verification takes here, in microseconds.
    pub verify_us: u64,
}

/// What became of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchReport {
    /// Users that were added.
    pub added: u64,
    /// Users that were changed.
    pub updated: u64,
    /// Users that there were already, left as they are.
    pub skipped: u64,
    /// Taken without a password: their rows have none, or that of a locked account.
    pub without_password: u64,
    /// By format.
    pub formats: Vec<FormatCount>,
    /// What was not taken.
    pub rejected: Vec<Reject>,
}

/// Adds counts to others, format by format.
pub(super) fn added(to: &[FormatCount], more: &[FormatCount]) -> Vec<FormatCount> {
    let mut sums: BTreeMap<(String, u32), FormatCount> = BTreeMap::new();
    for count in to.iter().chain(more) {
        let sum = sums.entry((count.format.clone(), count.cost)).or_insert_with(|| FormatCount {
            rows: 0,
            wrapped: 0,
            ..count.clone()
        });
        sum.rows += count.rows;
        sum.wrapped += count.wrapped;
        sum.verify_us = count.verify_us;
    }
    sums.into_values().collect()
}
