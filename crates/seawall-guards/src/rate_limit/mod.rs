//! How often a client may ask (checklist WK-4, PM-5, RG-1, ST-11).
//!
//! Never more than the limit in any window: a sliding window, not a fixed one and not a bucket, each of which lets twice
//! as much through. Counters live in one table of fixed size for the whole process. A key that is pushed out of it comes
//! back through a sketch that may take it for busier than it was, so a flood of addresses buys nobody a fresh quota.
//!
//! Several processes may count together in a shared store. While that cannot be asked, `when_unavailable` decides; with `local` the
//! table of this process counts on, and because it was charged all the while it starts from what this process let pass. It may
//! refuse too what the store accepted: so one process never lets more than the limit pass in any window, whatever the store forgot.
//!
//! What is counted by address is counted before anything is looked up; what is counted by person, key or organisation once it is known
//! who asks (`principal.rs`), in counters of the same kind.
//!
//! Answers carry the current `RateLimit` and `RateLimit-Policy` fields (IETF draft) and, for older clients, `X-RateLimit-*`.
//! The limits of a route replace the default ones for its requests; a route without limits of its own shares the default
//! counters.

mod config;
mod decision;
mod guard;
mod headers;
mod measure;
mod memory;
mod number;
mod principal;
#[cfg(test)]
mod principal_tests;
#[cfg(test)]
mod tests;

pub use config::{
    BY_PRINCIPAL, CAPACITY, ENTRY, LEGACY_HEADERS, LIMITS, MOST_OF_A_TIER, SECTION, needs_counters, values,
};
pub use guard::{Charged, FALLBACKS, LIMITED, RateLimitGuard, UNAVAILABLE};
use memory::MOST_LIMITS;
pub use memory::{EVICTIONS, MemoryRates, RETURNS};
pub use principal::PrincipalRateLimitGuard;
