//! Conditional requests, and requests that are alike (checklist WK-14, WK-15, RG-15).
//!
//! Three things, each of which a route asks for. An answer without `ETag` gets one, made of its body, and a client that has that very
//! answer is told so (304) instead of getting it again. A request that changes something has to say which state it knows
//! (`If-Match`, or else 428), and that can be held against the application's current state first: one request for a resource at a
//! time, each after a GET to the application (412 when the state is another). And of GETs that one caller sends at the same time, all
//! alike, one goes to the application and all have its answer.
//!
//! The guard decides who is concerned and what is answered; [`Conditional`] tells the exchange what it waits for.

mod additions;
mod answer;
mod condition;
mod config;
mod guard;
mod hold;
mod problems;
mod state;
#[cfg(test)]
mod tests;

pub use additions::additions;
pub use answer::{shareable, tagging};
pub use config::{ENTRY, SECTION, values};
pub use guard::ConditionalGuard;
pub use problems::{CURRENT_UNKNOWN, PRECONDITION_FAILED, PRECONDITION_REQUIRED, RESOURCE_BUSY};
pub use state::{Alike, Check, Conditional, Current};
