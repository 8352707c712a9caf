//! W3C Trace Context: the request's place in a trace, continued or begun, and told to the application.
//!
//! A trace that comes from a trusted proxy is continued; a stranger's is not, unless `accept = "any"`, because it could
//! choose ids that belong to others or have every request recorded.

mod config;
mod guard;
#[cfg(test)]
mod tests;

pub use config::{ENTRY, SECTION, values};
pub use guard::TraceContextGuard;
