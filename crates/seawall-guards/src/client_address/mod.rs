//! Who the client is: its address, and what the application is told about it.
//!
//! Without trusted proxies the peer is the client, and `Forwarded` and `X-Forwarded-*` that came with the request are
//! replaced by ours. Behind trusted proxies (`trusted`) the chain they wrote is walked from the right to the first
//! address that is not trusted, and ours is added to it. Never is the first, or the last, or the n-th address believed
//! because of its place.

mod config;
mod guard;
#[cfg(test)]
mod tests;

pub use config::{ENTRY, SECTION, trusted, values};
pub use guard::ClientAddressGuard;
