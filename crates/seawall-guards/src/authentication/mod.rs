//! Who a request is from (checklist RG-19).
//!
//! Whatever the client says of that in header fields that only Seawall writes is removed, always and in every spelling: an application
//! that believes `X-Seawall-User` must never see a stranger's. Then the session cookie, when there is one, is shown to whoever knows
//! sessions. A good one makes the request its owner's, and the application is told whose that is; the cookie itself stays here. One
//! that is unknown or has expired makes it nobody's request, as if nothing had been shown: whether that is enough, `access` decides.
//!
//! An access token of this installation (`Authorization: Bearer`, a JWT that names one of its keys) decides before the cookie, and is
//! refused when it does not hold: whoever shows one means to be somebody. Any other `Authorization` field is the application's own
//! business and passes untouched.

mod config;
mod cookie;
mod guard;
mod jwt;
#[cfg(test)]
mod tests;

pub use config::{ENTRY, SECTION, values};
pub(crate) use guard::unavailable;
pub use guard::{AuthenticationGuard, FAILURES, UNAVAILABLE};
