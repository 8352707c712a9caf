//! Who a request is from (checklist RG-19).
//!
//! Whatever the client says of that in header fields that only Seawall writes is removed, always and in every spelling: an application
//! that believes `X-Seawall-User` must never see a stranger's. Then the session cookie, when there is one, is shown to whoever knows
//! sessions. A good one makes the request its owner's, and the application is told whose that is; the cookie itself stays here. One
//! that is unknown or has expired makes it nobody's request, as if nothing had been shown: whether that is enough, `access` decides.
//!
//! Other credentials, such as an `Authorization` field, are the application's own business and pass untouched.

mod config;
mod cookie;
mod guard;
#[cfg(test)]
mod tests;

pub use config::{ENTRY, SECTION, values};
pub(crate) use guard::unavailable;
pub use guard::{AuthenticationGuard, FAILURES, UNAVAILABLE};
