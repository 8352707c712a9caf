//! Versions of an API (checklist WK-15, PM-7): which one a request is for, and how an old one ends.
//!
//! A request names its version in the path, a header field or the media type that it accepts. One that is not listed is refused
//! here. A version that is deprecated says so on every answer (`Deprecation`, RFC 9745), with the day of its end (`Sunset`, RFC 8594)
//! and what follows it (`Link`), and it is remembered who still uses it. After that day it can be refused, with 410.

mod additions;
mod callers;
mod config;
mod guard;
mod reading;
#[cfg(test)]
mod tests;
mod version;

pub use additions::additions;
pub use callers::{Caller, Callers, Who};
pub use config::{ENTRY, REQUESTS, SECTION, values};
pub use guard::{GONE, UNKNOWN, VersionsGuard};
pub use reading::Reading;
