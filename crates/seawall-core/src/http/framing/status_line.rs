//! The first line of a response (RFC 9112 section 4).

use super::{Rule, request_line::Version};

/// Checks the line and says its version and status. The reason may be anything, or missing with the space before it.
pub(super) fn check(line: &[u8]) -> Result<(Version, u16), Rule> {
    let (version, rest) = line.split_at_checked(8).ok_or(Rule::InvalidStatusLine)?;
    let version = Version::parse(version).ok_or(Rule::InvalidStatusLine)?;
    let ([b' ', status @ ..], b"" | [b' ', ..]) = rest.split_at_checked(4).ok_or(Rule::InvalidStatusLine)? else {
        return Err(Rule::InvalidStatusLine);
    };
    if !status.iter().all(u8::is_ascii_digit) {
        return Err(Rule::InvalidStatusLine);
    }
    let status = status.iter().fold(0, |number, digit| number * 10 + u16::from(digit - b'0'));
    if (100..600).contains(&status) { Ok((version, status)) } else { Err(Rule::InvalidStatus) }
}
