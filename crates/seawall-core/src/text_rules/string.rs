//! Text that shows what it is.

use super::{FaultKind, Rule, TextFault, fault};

/// The most characters where nothing else is said, as of a string in JSON (checklist WK-1).
pub(super) const MOST_CHARACTERS: usize = 10_000;

/// Whether a text may have line feeds and tabs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lines {
    /// It is of one line.
    One,
    /// It may have line feeds, tabs, and carriage returns before line feeds.
    Many,
}

/// Unicode that shows what it is: no control characters of C0 or C1, nothing that turns the direction of what follows, no
/// noncharacters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SafeString(String);

impl SafeString {
    /// The text, when it has no more than `most` characters.
    ///
    /// # Errors
    /// Where the text breaks the rule first.
    pub fn parse(text: &str, lines: Lines, most: usize) -> Result<Self, TextFault> {
        check(text, lines, most).map(|()| Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

pub(super) fn check(text: &str, lines: Lines, most: usize) -> Result<(), TextFault> {
    let rule = if lines == Lines::One { Rule::String } else { Rule::Text };
    let mut characters = text.chars().enumerate().peekable();
    while let Some((place, character)) = characters.next() {
        if place == most {
            return Err(fault(rule, FaultKind::TooLong, place + 1));
        }
        let ends_line = match character {
            '\n' | '\t' => true,
            '\r' => characters.peek().is_some_and(|(_, next)| *next == '\n'),
            _ => false,
        };
        if lines == Lines::Many && ends_line {
            continue;
        }
        if let Some(kind) = unsafe_kind(character) {
            return Err(fault(rule, kind, place + 1));
        }
    }
    Ok(())
}

/// What is wrong with a character, when something is.
pub(super) fn unsafe_kind(character: char) -> Option<FaultKind> {
    match u32::from(character) {
        0 => Some(FaultKind::Null),
        // The last two are separators that break lines unseen.
        0x01..=0x1f | 0x7f..=0x9f | 0x2028 | 0x2029 => Some(FaultKind::Control),
        // Marks, embeddings, overrides and isolates (UAX #9 section 2).
        0x061c | 0x200e | 0x200f | 0x202a..=0x202e | 0x2066..=0x2069 => Some(FaultKind::Direction),
        scalar if matches!(scalar, 0xfdd0..=0xfdef) || scalar & 0xfffe == 0xfffe => Some(FaultKind::Noncharacter),
        _ => None,
    }
}
