//! What the application says when it fails stays inside (checklist WK-8, PM-7).
//!
//! An answer with a 5xx status may carry a stack trace, a query or a secret. In production it is replaced by a problem
//! with the same status; the original goes to the log under the request id, redacted. In development and staging it goes
//! through as it is. A panic of our own becomes a 500 problem in the same way, and the process lives.

mod config;
mod guard;
#[cfg(test)]
mod tests;

pub use config::{ENTRY, SECTION, values};
pub use guard::{INTERNAL, RescueGuard, UPSTREAM_ERROR};
