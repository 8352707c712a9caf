//! Security headers on every answer, whoever gave it and whatever its status (checklist WK-3, ST-11, RG-9).
//!
//! What the application set itself is respected, unless `upstream = "override"`; a value that cannot be right is
//! corrected. JSON answers get a policy that lets them do nothing, pages one that blocks nothing they load
//! (`frame-ancestors`, `base-uri`, `object-src`) and a stricter one in report-only form, so that a browser's console
//! shows what a stricter policy would ask for. `Strict-Transport-Security` is sent only over https.

mod config;
mod guard;
#[cfg(test)]
mod tests;

pub use config::{ENTRY, SECTION, values};
pub use guard::SecurityHeadersGuard;
