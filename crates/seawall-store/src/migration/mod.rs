//! Migrations: how the database's tables come to be, change, and go back.
//!
//! Each crate lists its own in a [`Ledger`], numbered from 1 without gaps, each with a way up and a way down. What was applied is
//! recorded with a checksum: a migration that was changed afterwards, and one that this program does not know, are refused. Each
//! is one transaction, and only one process migrates at a time.

mod ledger;
mod plan;
mod run;

pub use ledger::{Ledger, Migration, Overlap};
pub use plan::{Applied, MigrationError, State, Status, acceptable};
pub use run::{DataLoss, down, peek, status, up};
