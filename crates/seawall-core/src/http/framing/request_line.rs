//! The first line of a request (RFC 9112 section 3).

use super::{Rule, octets::token_length, target};

/// The versions that are spoken here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// HTTP/1.0.
    Old,
    /// HTTP/1.1.
    Current,
}

impl Version {
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        match text {
            b"HTTP/1.1" => Some(Self::Current),
            b"HTTP/1.0" => Some(Self::Old),
            _ => None,
        }
    }
}

/// Checks the line and says its version.
pub(super) fn check(line: &[u8]) -> Result<Version, Rule> {
    let (method, rest) = line.split_at_checked(token_length(line)).ok_or(Rule::InvalidMethod)?;
    let (b"" | [b' ', ..]) = rest else { return Err(Rule::InvalidMethod) };
    if method.is_empty() {
        return Err(Rule::InvalidMethod);
    }
    let rest = rest.strip_prefix(b" ").ok_or(Rule::MissingVersion)?;
    let space = rest.iter().position(|&byte| byte == b' ').ok_or(Rule::MissingVersion)?;
    let (target, version) = rest.split_at_checked(space).ok_or(Rule::MissingVersion)?;
    let version = version.strip_prefix(b" ").unwrap_or_default();
    if target.is_empty() || version.contains(&b' ') {
        return Err(Rule::RequestLineSpaces);
    }
    let spoken = match (Version::parse(version), version) {
        (Some(spoken), _) => spoken,
        (None, [b'H', b'T', b'T', b'P', b'/', major, b'.', minor])
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            return Err(Rule::UnsupportedVersion);
        }
        (None, _) => return Err(Rule::InvalidVersion),
    };
    target::check(method, target)?;
    Ok(spoken)
}
