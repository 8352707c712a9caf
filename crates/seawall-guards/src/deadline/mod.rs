//! Time limits of an exchange (checklist RG-4): nothing waits for ever, and whoever was slow is named.
//!
//! The guard decides nothing by itself; it gives the stages around it their limits. Long answers and streams are bounded
//! by silence, not by length, so downloads and event streams live as long as they flow, unless `total` is set.

mod config;
mod guard;
#[cfg(test)]
mod tests;

pub use config::{ENTRY, SECTION, values};
pub use guard::{DeadlineGuard, Deadlines};
