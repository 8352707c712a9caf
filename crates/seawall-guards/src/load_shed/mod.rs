//! How much at once: requests in flight up to a number, the rest refused at once with 503 and `Retry-After`.
//!
//! A server that queues without end answers nobody. Refusing early keeps the requests that were accepted quick, and tells
//! the others when to come back. The place is given back when the exchange ends, however it ends.

mod config;
mod guard;
mod permits;
#[cfg(test)]
mod tests;

pub use config::{ENTRY, SECTION, values};
pub use guard::{LoadShedGuard, OVERLOADED};
pub use permits::{Permits, Places};
