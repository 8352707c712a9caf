//! Guessing of passwords: who has tried too often is not heard for a while, whether the name exists or not.
//!
//! One layer so far: attempts at one name from one source. It is kept in a table, so that a restart forgets none and all nodes on one
//! database count together. Names are kept as keyed hashes only: people type passwords where a name belongs.

mod key;
mod table;

pub use key::AttemptsKey;
pub(crate) use table::{Attempt, clear, count};
