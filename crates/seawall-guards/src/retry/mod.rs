//! Which failed requests are sent to the upstream again, and how often (checklist WK-5).
//!
//! The guard decides nothing by itself; it gives the exchange with the upstream its rules. A request of which nothing was sent
//! may always be sent again. One that was sent may have had an effect, so it is sent again only when a second time does no
//! harm: its method is idempotent (RFC 9110 section 9.2.2), or the client gave it an `Idempotency-Key` with which
//! Seawall does not carry it out once itself (`[idempotency]`). All attempts share the
//! time limits of one, and the upstream's `retry_budget` keeps retries from doubling the load on one that is failing.

mod config;
mod guard;
#[cfg(test)]
mod tests;

pub use config::{ENTRY, SECTION, values};
pub use guard::{Retries, RetryGuard};
