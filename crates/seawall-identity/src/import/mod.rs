//! Importing users: rows of another system become users who sign in with the passwords they had.
//!
//! An import is known by the fingerprint of its source. Each batch of rows is one transaction, which also moves the position in the
//! source, so that whatever ends an import, the next run loses nothing and doubles nothing. Plaintext and fast hashes are put beneath
//! argon2id before they are written. What cannot be taken is listed by its place, its field and the reason, never by a value that may
//! be secret ([decision 45](../../../../docs/decisions/0045-an-import-is-batches-that-move-a-position.md)).

mod error;
mod examples;
mod existing;
mod fingerprint;
mod pool;
mod prepared;
mod progress;
mod report;
mod row;
mod run;
mod table;

pub use error::ImportError;
pub(crate) use examples::present;
pub(crate) use existing::forget;
pub use fingerprint::Fingerprint;
pub(crate) use pool::Imports;
pub use progress::{ForeignId, Progress};
pub use report::{BatchReport, FormatCount, Reject};
pub use row::{Batch, Existing, Fault, ImportOptions, ImportRow};
