//! Fault points: named steps of a protocol at which a test has the process end, as `kill -9` would end it.
//!
//! They are there with debug assertions only. In what is released a point is nothing: no branch, no name, and no variable that anybody
//! could set.

/// The environment variable that names the point at which the process ends.
pub const VARIABLE: &str = "SEAWALL_FAULT_POINT";

/// Passes a point; the process ends here when the variable names it. Nothing is written, closed or told any more.
#[inline]
pub fn point(name: &'static str) {
    #[cfg(debug_assertions)]
    if armed() == Some(name) {
        std::process::abort();
    }
    #[cfg(not(debug_assertions))]
    let _ = name;
}

#[cfg(debug_assertions)]
#[expect(
    clippy::disallowed_methods,
    reason = "a test tells the process that it starts, and nothing is configured by it"
)]
fn armed() -> Option<&'static str> {
    static ARMED: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    ARMED.get_or_init(|| std::env::var(VARIABLE).ok()).as_deref()
}
