//! Request bodies up to a size (checklist WK-1: 10 MB).
//!
//! A declared length beyond the limit is refused before anything is sent on. A body without a declared length is counted
//! while it streams; the request is cut off, and the client told why, when it passes the limit. In report-only mode both
//! go through and are recorded.

mod config;
mod guard;
#[cfg(test)]
mod tests;

pub use config::{ENTRY, MAX, SECTION, values};
pub use guard::{BodyGuard, TOO_LARGE};
