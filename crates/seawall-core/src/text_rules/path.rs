//! Paths that stay below where they begin.

use super::{FaultKind, Rule, TextFault, fault, string::unsafe_kind};

/// The most characters of a path.
const MOST_CHARACTERS: usize = 1_024;

/// A relative path of a file with `/` between its segments: no segment is empty or of dots alone, nothing in it is a root, a drive or a
/// backslash, and it stays so for whoever decodes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SafePath(String);

impl SafePath {
    /// The path in `text`.
    ///
    /// # Errors
    /// Where the text breaks the rule first.
    pub fn parse(text: &str) -> Result<Self, TextFault> {
        check(text).map(|()| Self(text.to_owned()))
    }

    /// The path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its segments.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }
}

pub(super) fn check(text: &str) -> Result<(), TextFault> {
    let wrong = |kind, at| Err(fault(Rule::Path, kind, at));
    if text.is_empty() {
        return wrong(FaultKind::Empty, 1);
    }
    if text.starts_with('/') {
        return wrong(FaultKind::Absolute, 1);
    }
    for (place, (at, character)) in text.char_indices().enumerate() {
        if place == MOST_CHARACTERS {
            return wrong(FaultKind::TooLong, place + 1);
        }
        let kind = match character {
            '\\' => Some(FaultKind::Backslash),
            // A drive, or a stream of a file on Windows.
            ':' => Some(FaultKind::Absolute),
            '%' if encodes(text.get(at..).unwrap_or_default()) => Some(FaultKind::Encoded),
            // Full-width, and others that some systems take for `.`, `/` and `\`.
            '．' | '／' | '＼' | '\u{2215}' | '\u{2044}' | '\u{2024}' | '\u{2216}' => Some(FaultKind::Encoded),
            other => unsafe_kind(other),
        };
        if let Some(kind) = kind {
            return wrong(kind, place + 1);
        }
    }
    let mut at = 1;
    for segment in text.split('/') {
        // Windows leaves out dots and spaces at the end of a name.
        let name = segment.trim_end_matches(['.', ' ']);
        if name.is_empty() {
            let climbs = segment.matches('.').count() > 1;
            return wrong(if climbs { FaultKind::Climbs } else { FaultKind::EmptySegment }, at);
        }
        at += segment.chars().count() + 1;
    }
    Ok(())
}

/// Whether an encoded dot, slash, backslash, null, colon or percent sign begins the text, or the first byte of an overlong one.
fn encodes(text: &str) -> bool {
    let digits = text.get(1..3).unwrap_or_default();
    let digits = digits.to_ascii_lowercase();
    matches!(digits.as_str(), "2e" | "2f" | "5c" | "00" | "3a" | "25" | "c0" | "c1" | "e0") || digits.starts_with('u')
}
