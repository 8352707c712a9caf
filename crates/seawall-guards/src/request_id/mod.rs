//! An id on every request (checklist WK-11, PM-7): in the answer, in the log, and told to the application.
//!
//! The id is a UUIDv7. An id that came with the request is kept only when the peer is a trusted proxy and the id is sane;
//! anybody else could choose ids to confuse a log.

mod config;
mod guard;
#[cfg(test)]
mod tests;

pub use config::{ENTRY, SECTION, values};
pub use guard::{NAME, RequestIdGuard};
