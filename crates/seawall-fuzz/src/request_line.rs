//! Target: the first line of a request, and what the library and the path's rules make of it.
//!
//! Input: four bytes that say how the head is cut, and the line.

use seawall_core::http::path::PathRule;

use crate::{framing, path, pieces::Cuts, verdict::Side};

/// Panics when something does not hold for the line.
pub fn check(input: &[u8]) {
    let Some((cuts, line)) = Cuts::take(input) else { return };
    let head = [line, b"\r\nHost: a.example\r\n\r\n"].concat();
    for seen in framing::check(Side::Requests, &head, cuts) {
        if seen.target.starts_with('/') {
            let mut words = line.split(|byte| b" \r\n".contains(byte));
            let sent = words.any(|word| word == seen.target.as_bytes());
            assert!(sent, "the library reads {}: {}", seen.target, line.escape_ascii());
            path::one_spelling(seen.target.split('?').next().unwrap_or_default(), PathRule::Refuse);
        }
    }
}
