//! Content types that a route takes, and whether a request's is one of them.

use http::{HeaderMap, HeaderValue, header::CONTENT_TYPE};
use seawall_core::settings::{Raw, Setting, Shape};

/// A content type that is taken: `application/json`, or every one with a suffix (`application/*+json`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentType {
    /// What stands before the `/`, lower case.
    kind: String,
    /// What stands behind it, or the end of it.
    end: String,
    /// Whether anything may stand before that end.
    suffix: bool,
}

/// What a request says of its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said<'a> {
    /// Nothing.
    Nothing,
    /// This, before any parameters.
    Essence(&'a [u8], &'a [u8]),
    /// Something that readers take differently, or that is no content type.
    Garbage,
}

impl ContentType {
    /// Reads a content type without parameters.
    ///
    /// # Errors
    /// A sentence for the person who wrote it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "\"{text}\" is no content type; write one such as \"application/json\", or \"application/*+json\" for all that end so"
            )
        };
        let lower = text.to_ascii_lowercase();
        let (kind, rest) = lower.split_once('/').ok_or_else(wrong)?;
        let (end, suffix) = match rest.strip_prefix('*') {
            Some(end) if end.starts_with('+') => (end, true),
            Some(_) => return Err(wrong()),
            None => (rest, false),
        };
        let plain = |word: &str| !word.contains('*') && is_token(word.as_bytes());
        if !plain(kind) || !plain(end) || (suffix && end.len() < 2) {
            return Err(wrong());
        }
        Ok(Self { kind: kind.to_owned(), end: end.to_owned(), suffix })
    }

    fn takes(&self, kind: &[u8], subtype: &[u8]) -> bool {
        let end = match subtype.len().checked_sub(self.end.len()).and_then(|at| subtype.split_at_checked(at)) {
            Some((before, end)) if before.is_empty() != self.suffix => end,
            Some(_) | None => return false,
        };
        kind.eq_ignore_ascii_case(self.kind.as_bytes()) && end.eq_ignore_ascii_case(self.end.as_bytes())
    }
}

impl Setting for ContentType {
    const SHAPE: Shape = Shape::Text("content type", "application/json");

    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Text(text) => Self::parse(text),
            other => {
                Err(format!("expected a content type as text, such as \"application/json\", found {}", other.kind()))
            }
        }
    }
}

/// Whether what the request says of its body is one of these.
pub(super) fn is_one_of(taken: &[ContentType], said: Said<'_>) -> bool {
    match said {
        Said::Essence(kind, subtype) => taken.iter().any(|one| one.takes(kind, subtype)),
        Said::Nothing | Said::Garbage => false,
    }
}

/// What the fields say. One that is sent twice, or is not `type/subtype` and parameters to its end, is garbage: what a browser takes
/// for a form, another reader may take for JSON.
pub(super) fn said(headers: &HeaderMap) -> Said<'_> {
    let mut lines = headers.get_all(CONTENT_TYPE).iter().map(HeaderValue::as_bytes);
    match (lines.next(), lines.next()) {
        (None, _) => Said::Nothing,
        (Some(line), None) => read(line.trim_ascii()),
        (Some(_), Some(_)) => Said::Garbage,
    }
}

fn read(line: &[u8]) -> Said<'_> {
    let at = line.iter().position(|&byte| byte == b';').unwrap_or(line.len());
    let Some((essence, parameters)) = line.split_at_checked(at) else { return Said::Garbage };
    let mut words = essence.trim_ascii_end().splitn(2, |&byte| byte == b'/');
    match (words.next(), words.next()) {
        (Some(kind), Some(subtype)) if is_token(kind) && is_token(subtype) && are_parameters(parameters) => {
            Said::Essence(kind, subtype)
        }
        _ => Said::Garbage,
    }
}

/// RFC 9110 section 5.6.6, looked at once from the left to the right.
fn are_parameters(mut rest: &[u8]) -> bool {
    while let Some((_, after)) = rest.split_first() {
        rest = after.trim_ascii_start();
        let end = rest.iter().position(|&byte| !is_token_byte(byte)).unwrap_or(rest.len());
        let Some((name, after)) = rest.split_at_checked(end) else { return false };
        rest = after;
        if !name.is_empty() {
            let Some(value) = rest.strip_prefix(b"=") else { return false };
            let Some(after) = past_value(value) else { return false };
            rest = after;
        }
        rest = rest.trim_ascii_start();
        if !(rest.is_empty() || rest.starts_with(b";")) {
            return false;
        }
    }
    true
}

/// What follows a token or a quoted text.
fn past_value(value: &[u8]) -> Option<&[u8]> {
    let Some(quoted) = value.strip_prefix(b"\"") else {
        let end = value.iter().position(|&byte| !is_token_byte(byte)).unwrap_or(value.len());
        return if end == 0 { None } else { value.get(end..) };
    };
    let mut escaped = false;
    let end = quoted.iter().position(|&byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })?;
    quoted.get(end + 1..)
}

fn is_token(word: &[u8]) -> bool {
    !word.is_empty() && word.iter().all(|&byte| is_token_byte(byte))
}

/// A byte of a token (RFC 9110 section 5.6.2).
const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
        )
}
