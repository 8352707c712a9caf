//! Requests with an `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header; checklist WK-13): carried out once, however often
//! they come.
//!
//! Here is what is decided: whether a request asks for it ([`Rules::asked`]), whose key it is ([`caller`]), what a claim means
//! ([`Rules::decide`]), and what is kept when the exchange ends ([`Rules::answered`], [`unanswered`], [`Rules::settled`]). The body
//! stage, which has the request and the answer whole, asks these; the store is asked between them
//! ([`IdempotencyStore`](seawall_core::idempotency::IdempotencyStore)), here in memory ([`MemoryAttempts`]).
//!
//! A replay is marked with `Idempotent-Replayed: true`.
//!
//! Behind [`GuardLayer`](crate::GuardLayer) a client that leaves leaves an unknown outcome, unless the application calls the layered
//! service in a task of its own.

mod additions;
mod budget;
mod config;
mod guard;
mod keeping;
mod memory;
mod problems;
mod rules;
#[cfg(test)]
mod tests;

pub use additions::additions;
pub use config::{ENTRY, SECTION, values};
pub use guard::{Attempt, IdempotencyGuard, REQUESTS};
pub use memory::{MemoryAttempts, MemoryBounds};
pub use problems::{FULL, IN_FLIGHT, INVALID, MISSING, NOT_KEPT, PROBLEMS, REUSED, UNAVAILABLE, UNKNOWN};
pub use rules::{Asked, REPLAYED, Rules, Step, caller, unanswered};
