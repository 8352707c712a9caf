//! Paths: one spelling for matching and forwarding, so that no other spelling of a path escapes its route's guards.
//!
//! Normalising decodes percent-encoded unreserved characters (RFC 3986 section 6.2.2), which changes no meaning. Dot
//! segments, encoded slashes and NUL are where servers differ, and where guards are slipped past.
//!
//! Characters that part a path or a query stay encoded when they came so, since `%3A` and `:` may mean two things. Most applications read them
//! alike all the same, so patterns are compared with what is meant ([`find_literal`], [`is_literal`]).

use std::{borrow::Cow, collections::BTreeMap};

use super::percent;
use crate::settings::{Raw, Setting, Shape, choice};

/// What happens to a spelling that servers read differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathRule {
    /// Refuse the request.
    Refuse,
    /// Forward it as it is.
    Pass,
}

impl Setting for PathRule {
    const SHAPE: Shape = Shape::Choice(&["refuse", "pass"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &[("refuse", Self::Refuse), ("pass", Self::Pass)])
    }
}

/// How paths are read.
#[derive(Clone, Copy, Debug)]
pub struct PathRules {
    /// `%2F` and `%5C`, which some servers take for a separator.
    pub encoded_slash: PathRule,
}

/// Why a path is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathFault {
    /// `.` or `..`, plain or encoded.
    #[error("the path holds a dot segment")]
    DotSegment,
    /// `%2F`, `%5C` or a backslash.
    #[error("the path holds an encoded slash or a backslash")]
    Slash,
    /// `%00` or another control character.
    #[error("the path holds a control character")]
    Control,
    /// `%` without two hexadecimal digits.
    #[error("the path holds a broken percent-encoding")]
    Encoding,
}

/// The normal form of a request's path; borrowed when it is normal already.
///
/// # Errors
/// [`PathFault`] when servers would read the path differently.
pub fn normalise<'a>(path: &'a str, rules: &PathRules) -> Result<Cow<'a, str>, PathFault> {
    let normal = if path.bytes().any(|byte| matches!(byte, b'%' | b'\\') || byte.is_ascii_control()) {
        Cow::Owned(decode(path, rules)?)
    } else {
        Cow::Borrowed(path)
    };
    let separated = || normal.replace("%2F", "/").replace("%5C", "/").replace('\\', "/");
    // Encoded slashes that pass are separators to some servers, and to them what stands between two is a segment.
    if has_dot_segment(&normal) || (rules.encoded_slash == PathRule::Pass && has_dot_segment(&separated())) {
        return Err(PathFault::DotSegment);
    }
    Ok(normal)
}

/// Whether a segment is `.` or `..`. A segment's path parameters (`/..;x/`) count too: some servers cut them off first, and
/// some decode `%3B` before they do.
fn has_dot_segment(path: &str) -> bool {
    memchr_dot(path)
        && path.split('/').any(|segment| {
            let after = segment.strip_prefix("..").or_else(|| segment.strip_prefix('.'));
            after.is_some_and(|after| after.is_empty() || after.starts_with(';') || after.starts_with("%3B"))
        })
}

/// A quick look that most paths pass: a dot at the start of a segment.
fn memchr_dot(path: &str) -> bool {
    path.as_bytes().windows(2).any(|pair| pair == b"/.")
}

fn decode(path: &str, rules: &PathRules) -> Result<String, PathFault> {
    let mut out = String::with_capacity(path.len());
    let mut rest = path.chars();
    while let Some(c) = rest.next() {
        match c {
            '%' => {
                let byte = encoded(&mut rest).ok_or(PathFault::Encoding)?;
                push_encoded(byte, rules, &mut out)?;
            }
            '\\' if rules.encoded_slash == PathRule::Refuse => return Err(PathFault::Slash),
            c if c.is_ascii_control() => return Err(PathFault::Control),
            c => out.push(c),
        }
    }
    Ok(out)
}

fn encoded(rest: &mut std::str::Chars<'_>) -> Option<u8> {
    let high = rest.next()?.to_digit(16)?;
    let low = rest.next()?.to_digit(16)?;
    u8::try_from(high * 16 + low).ok()
}

fn push_encoded(byte: u8, rules: &PathRules, out: &mut String) -> Result<(), PathFault> {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    match byte {
        b if b.is_ascii_alphanumeric() || b"-._~".contains(&b) => out.push(char::from(b)),
        b if b.is_ascii_control() => return Err(PathFault::Control),
        b'/' | b'\\' if rules.encoded_slash == PathRule::Refuse => return Err(PathFault::Slash),
        b => {
            out.push('%');
            for digit in [b >> 4, b & 15] {
                out.push(HEX.get(usize::from(digit)).copied().unwrap_or('0'));
            }
        }
    }
    Ok(())
}

/// What is kept for the literal of a pattern that a segment stands for.
#[must_use]
pub fn find_literal<'a, V>(literals: &'a BTreeMap<String, V>, segment: &str) -> Option<&'a V> {
    match meant(segment) {
        Cow::Borrowed(meant) => literals.get(meant),
        Cow::Owned(meant) => literals.get(&meant).or_else(|| literals.get(without_parameters(&meant)?)),
    }
}

/// Whether a segment stands for the literal of a pattern.
#[must_use]
pub fn is_literal(literal: &str, segment: &str) -> bool {
    match meant(segment) {
        Cow::Borrowed(meant) => meant == literal,
        Cow::Owned(meant) => meant == literal || without_parameters(&meant) == Some(literal),
    }
}

/// A segment as the literals of patterns are kept: decoded, in lower case. What is not UTF-8 is meant as it stands there.
#[must_use]
pub fn meant(segment: &str) -> Cow<'_, str> {
    if !segment.bytes().any(|byte| byte == b'%' || byte.is_ascii_uppercase()) {
        return segment.into();
    }
    // What stands behind an encoded semicolon may be anything, and must not hide what stands before it.
    let whole = percent::decoded(segment, false).or_else(|| {
        let at = segment.find("%3B").or_else(|| segment.find("%3b"))?;
        percent::decoded(segment.get(..at + 3)?, false)
    });
    let mut meant = whole.map_or_else(|| segment.to_owned(), Cow::into_owned);
    meant.make_ascii_lowercase();
    meant.into()
}

/// What some applications make of a segment with an encoded semicolon: they decode first, and then cut its parameters off.
fn without_parameters(meant: &str) -> Option<&str> {
    meant.split_once(';').map(|(name, _)| name).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRICT: PathRules = PathRules { encoded_slash: PathRule::Refuse };

    #[test]
    fn one_spelling_for_all() {
        for (path, expect) in [
            ("/plain/path", Ok("/plain/path")),
            ("/%6Cogin", Ok("/login")),
            ("/a%2db%7Ec", Ok("/a-b~c")),
            ("/caf%c3%a9%20x", Ok("/caf%C3%A9%20x")),
            ("/file.txt/..x/...", Ok("/file.txt/..x/...")),
            ("/a//b", Ok("/a//b")),
            ("*", Ok("*")),
            ("/a/../b", Err(PathFault::DotSegment)),
            ("/a/.", Err(PathFault::DotSegment)),
            ("/%2e%2E/b", Err(PathFault::DotSegment)),
            ("/.%2e;x=1/b", Err(PathFault::DotSegment)),
            ("/a%2fb", Err(PathFault::Slash)),
            ("/a%5Cb", Err(PathFault::Slash)),
            ("/a\\b", Err(PathFault::Slash)),
            ("/a%00", Err(PathFault::Control)),
            ("/a%0d%0aX: y", Err(PathFault::Control)),
            ("/a%zz", Err(PathFault::Encoding)),
            ("/a%2", Err(PathFault::Encoding)),
        ] {
            assert_eq!(normalise(path, &STRICT).as_deref(), expect.as_ref().copied(), "{path}");
        }
        assert_eq!(normalise("/a%2fb", &PathRules { encoded_slash: PathRule::Pass }).as_deref(), Ok("/a%2Fb"));
    }

    #[test]
    fn a_segment_stands_for_what_is_meant_by_it() {
        let literals: BTreeMap<String, u8> =
            [("users:delete".to_owned(), 1), ("café".to_owned(), 2), ("a;b".to_owned(), 3)].into();
        for (segment, expect) in [
            ("users:delete", Some(1)),
            ("Users%3ADelete", Some(1)),
            ("users%3adelete%3Bx=1", Some(1)),
            ("users:delete%3B%FF", Some(1)),
            ("caf%C3%A9", Some(2)),
            ("caf%E9", None),
            ("a%3Bb", Some(3)),
            ("users%253Adelete", None),
            ("%3Busers:delete", None),
            ("", None),
        ] {
            assert_eq!(find_literal(&literals, segment).copied(), expect, "{segment}");
            let any = literals.iter().find(|(literal, _)| is_literal(literal, segment));
            assert_eq!(any.map(|(_, place)| *place), expect, "{segment}");
        }
    }

    #[test]
    fn a_dot_segment_before_an_encoded_semicolon_is_refused() {
        for path in ["/a/..%3B/b", "/a/.%3bx=1", "/%2e%2e%3b"] {
            assert_eq!(normalise(path, &STRICT), Err(PathFault::DotSegment), "{path}");
        }
        for path in ["/a%3B..", "/...%3B/b", "/..a%3B/b"] {
            assert_eq!(normalise(path, &STRICT).as_deref(), Ok(path));
        }
    }

    #[test]
    fn a_dot_segment_behind_an_encoded_slash_is_refused_where_the_slash_passes() {
        let rules = PathRules { encoded_slash: PathRule::Pass };
        for path in ["/%5c./", "/a%2f..%2fb", "/a/..%2Fb", "/a\\..\\b", "/a%2F%2e%2e;x/b"] {
            assert_eq!(normalise(path, &rules), Err(PathFault::DotSegment), "{path}");
        }
        for path in ["/a%2F.b", "/a%2F..b%5C...", "/a.%2Fb"] {
            assert_eq!(normalise(path, &rules).as_deref(), Ok(path));
        }
    }
}
