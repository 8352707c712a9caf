//! The lease: who carries a request out, and by what that is told from everybody else.

use std::{fmt::Debug, sync::Arc};

use super::{Names, Seal};

/// One life of a process, by a random id: after a restart it is another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Life(pub [u8; 16]);

/// Names a lease among all that there ever were.
///
/// Invariant: no two leases have the same fence, so that whoever lost one can settle nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fence {
    /// Who has it.
    pub life: Life,
    /// Which of its leases it is.
    pub serial: i64,
}

/// The right, and the duty, to carry a request out and to settle what came of it. Whoever lets it go without settling leaves an
/// attempt behind whose outcome nobody knows.
#[derive(Debug)]
pub struct Lease {
    /// What it is for.
    pub names: Names,
    /// Which one it is.
    pub fence: Fence,
    /// Under what the answer is sealed, by a store that seals.
    pub seal: Seal,
    /// How long the answer is kept, in microseconds.
    pub ttl_us: u64,
    /// Whether an earlier attempt may have been carried out already: its outcome is unknown, and the route says to try again.
    pub again: bool,
    /// By what a store that may be closed knows whether somebody still has it; nothing for any other. A clone holds as the lease does.
    pub hold: Option<Arc<dyn Debug + Send + Sync>>,
}
