//! What every request must be, before anything else is asked: one Host, one spelling of its path, a sane head.
//!
//! Servers differ on these, and where they differ guards are slipped past: a path with dot segments, a field name with an
//! underscore that becomes the same variable as its dashed twin, two hosts. The path is brought into one spelling, and
//! that spelling is matched and forwarded.
//!
//! Where an HTTP/1 message ends is checked on its bytes before a guard sees it (`seawall_core::http::framing`). What is checked
//! here as well is for HTTP/2, and for applications that use the guard as a layer; limits configured here hold for all.
//!
//! Always enforced: what a request means must be certain before a guard can decide on it.

mod config;
mod guard;
#[cfg(test)]
mod tests;

pub use config::{ENTRY, SECTION, values};
pub use guard::{
    HEADERS_TOO_LARGE, INVALID_HOST, INVALID_PATH, INVALID_REQUEST, METHOD_REFUSED, StrictHttpGuard,
    largest_field_list, path_rules, strip_connection_fields,
};
