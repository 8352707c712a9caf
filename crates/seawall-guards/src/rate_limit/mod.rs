//! How often a client may ask (checklist WK-4, PM-5, RG-1, ST-11).
//!
//! Never more than the limit in any window: a sliding window, not a fixed one and not a bucket, each of which lets twice
//! as much through. Counters live in one table of fixed size for the whole process. A key that is pushed out of it comes
//! back through a sketch that may take it for busier than it was, so a flood of addresses buys nobody a fresh quota.
//!
//! Answers carry the current `RateLimit` and `RateLimit-Policy` fields (IETF draft) and, for older clients, `X-RateLimit-*`.
//! The limits of a route replace the default ones for its requests; a route without limits of its own shares the default
//! counters.

mod config;
mod guard;
mod headers;
mod memory;
#[cfg(test)]
mod tests;

pub use config::{CAPACITY, ENTRY, LIMITS, SECTION, values};
pub use guard::{Charged, LIMITED, RateLimitGuard, UNAVAILABLE};
use memory::MOST_LIMITS;
pub use memory::{EVICTIONS, MemoryRates, RETURNS};
