//! Cross-origin requests (checklist WK-3, PM-3, RG-9): exact origins, answered here.
//!
//! With `origins` listed, Seawall is in charge: it answers preflights, refuses those of other origins, and replaces what
//! the application says about CORS. Without, the application is in charge, except that outside production localhost
//! origins are granted when the application says nothing, so that a front end on another port just works.
//!
//! A wildcard or an empty list is refused in production, where this section is used. A WebSocket's origin is checked as
//! well, because browsers do not ask before they open one.

mod config;
mod guard;
#[cfg(test)]
mod tests;

pub(crate) use config::origins;
pub use config::{ENTRY, SECTION, values};
pub(crate) use guard::same_origin;
pub use guard::{CorsGuard, Granted, ORIGIN_REFUSED};
