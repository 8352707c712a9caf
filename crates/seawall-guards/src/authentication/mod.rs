//! Who a request is from (checklist RG-19).
//!
//! Whatever the client says of that in header fields that only Seawall writes is removed, always and in every spelling: an application
//! that believes `X-Seawall-User` must never see a stranger's. Then the session cookie, when there is one, is shown to whoever knows
//! sessions. A good one makes the request its owner's, and the application is told whose that is; the cookie itself stays here. One
//! that is unknown or has expired makes it nobody's request, as if nothing had been shown: whether that is enough, `access` decides.
//!
//! An API key, in `X-API-Key` or `Authorization: Bearer sw_…`, counts before a token, and an access token of this installation
//! (`Authorization: Bearer`, a JWT that names one of its keys) before a cookie. A program that shows one means it, so one that does not
//! hold is refused, whatever the route requires (checklist WK-9). Any other `Authorization` field is the application's own business and
//! passes untouched.

mod bearer;
mod config;
mod cookie;
mod guard;
mod jwt;
mod problems;
#[cfg(test)]
mod tests;

pub use config::{ENTRY, SECTION, values};
pub use guard::{AuthenticationGuard, FAILURES};
pub(crate) use problems::unavailable;
pub use problems::{ELSEWHERE, UNAVAILABLE};
