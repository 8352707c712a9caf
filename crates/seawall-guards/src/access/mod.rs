//! Who may use a route (checklist RG-19, WK-9): anyone, whoever signed in, whoever has one of some roles, or a key that holds for it.
//!
//! Nobody in particular gets 401, and whoever lacks the role 403; a route that is `hidden` answers both as if it were not there. Seawall's
//! own paths say themselves what they require.

mod config;
mod guard;
mod requirement;
#[cfg(test)]
mod tests;

pub use config::{ENTRY, SECTION, values};
pub use guard::{AccessGuard, NOT_ALLOWED, short_of};
pub use requirement::Requirement;
