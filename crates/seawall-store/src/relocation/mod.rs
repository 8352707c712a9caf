//! Moving everything from one database to another, such as from SQLite to PostgreSQL when one machine is outgrown.
//!
//! The target gets its tables by migration, then the rows of each table in the order of its key, a batch in each transaction. A move
//! that was interrupted goes on where the target ends. At the end both are read once more: every table has to have as many rows, and
//! the same hash over all of them.
//!
//! Nothing may write to the source meanwhile; its owner sees to that by closing the server first.

mod cells;
mod copy;
mod proof;
mod table;

pub use copy::{Moved, Progress, RelocationError, relocate, unfinished};
