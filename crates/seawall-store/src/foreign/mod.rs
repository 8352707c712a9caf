//! Databases that are not ours: read, never written.
//!
//! [`ForeignSource`] is the only way to one. It reads a table, a view or a SELECT that an operator gave, some columns by name, a page
//! after the other in the order of a key. Each page is a transaction of its own, so that reading for hours keeps no writer of that
//! database waiting, and whoever was interrupted goes on after the last key.
//!
//! SQLite is opened read-only and no file is made beside it; PostgreSQL is asked in read-only transactions with time limits
//! ([decision 44](../../../../docs/decisions/0044-foreign-databases-are-read-in-pages.md)).

mod error;
mod nearest;
mod postgres;
mod source;
mod sqlite;
mod statement;
mod value;

pub use error::ForeignError;
pub use nearest::nearest;
pub use source::{ForeignSource, Select};
pub use value::{ForeignKey, ForeignRow, ForeignValue};
