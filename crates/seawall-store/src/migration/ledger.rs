//! The migrations of one crate.

use aws_lc_rs::digest::{Context, SHA256};

use crate::hex::hex;

/// All migrations of one crate, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ledger {
    /// The crate, such as `identity`; recorded with each migration.
    pub name: &'static str,
    /// The migrations; the first has number 1.
    pub migrations: &'static [Migration],
}

/// One step of the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migration {
    /// What it does, in few words: `users`.
    pub name: &'static str,
    /// Whether a program that does not know it can go on working beside it.
    pub overlap: Overlap,
    /// The way there.
    pub up: &'static str,
    /// The way back.
    pub down: &'static str,
}

/// Whether the program before and the program after a migration can work on one database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlap {
    /// It only adds: tables, columns with defaults, indexes.
    Expands,
    /// It takes away or changes what the program before relies on.
    Contracts,
}

impl Migration {
    /// A hash of both ways, in hexadecimal digits, by which a later change is noticed.
    #[must_use]
    pub fn checksum(&self) -> String {
        let mut hash = Context::new(&SHA256);
        hash.update(&(self.up.len() as u64).to_be_bytes());
        hash.update(self.up.as_bytes());
        hash.update(self.down.as_bytes());
        hex(hash.finish().as_ref())
    }

    /// The tables that the way back drops.
    pub(super) fn dropped_tables(&self) -> impl Iterator<Item = &'static str> {
        let statements = self.down.split(';').map(str::trim);
        statements.filter_map(|statement| statement.strip_prefix("DROP TABLE")).map(str::trim)
    }

    /// Whether the way back drops columns.
    pub(super) fn drops_columns(&self) -> bool {
        self.down.contains("DROP COLUMN")
    }
}
