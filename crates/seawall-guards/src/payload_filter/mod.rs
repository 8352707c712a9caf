//! Texts that look like attacks: SQL injection, cross-site scripting, path traversal and shell commands (checklist WK-1).
//!
//! It is off until `enabled` says otherwise, and then reports: a filter of this kind guesses, and what it takes for an attack may be what
//! people of this application write. Values of the path, the query, JSON bodies and forms are each scored alone, with what hides them
//! undone; the strongest finding counts. Fields in which such text belongs are allowed by name. It replaces no care in the
//! application: parameters in SQL and escaping in pages are what protects.
//!
//! `score/` is pure: bytes in, points out.

mod allow;
mod config;
mod filter;
mod form;
mod guard;
mod head;
mod look;
mod score;
#[cfg(test)]
mod tests;
mod tree;

pub use config::{ENTRY, FINDINGS, SECTION, values};
pub use filter::{Filter, Finding, Place, Tally};
pub use guard::{PayloadFilterGuard, SUSPICIOUS_PAYLOAD};
pub use score::{Class, Classes, Found, strongest};
