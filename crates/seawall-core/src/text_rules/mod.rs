//! What a text may hold to be safe where it goes next: ids, text for people, paths of files (checklist WK-1).
//!
//! Each rule is a type with a private field and `parse`; who holds one need not ask again. Why a text is refused is told by rule, place
//! and kind of character, and never with the text.
//!
//! ```
//! use seawall_core::text_rules::{SafeId, SafePath, by_name};
//!
//! assert_eq!(SafeId::parse("ord_42").unwrap().as_str(), "ord_42");
//! let fault = SafePath::parse("a/../b").unwrap_err();
//! assert_eq!(fault.to_string(), "safe_path: a segment that climbs, at character 3");
//! assert!(by_name("safe_string").unwrap().check("one\ntwo").is_err());
//! ```

mod id;
mod path;
mod string;
#[cfg(test)]
mod tests;

use std::fmt;

pub use id::SafeId;
pub use path::SafePath;
pub use string::{Lines, SafeString};

/// A rule, as schemas name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// [`SafeId`].
    Id,
    /// [`SafeString`] of one line.
    String,
    /// [`SafeString`] of any number of lines.
    Text,
    /// [`SafePath`].
    Path,
}

/// The rule of this name: `safe_id`, `safe_string`, `safe_text` or `safe_path`.
#[must_use]
pub fn by_name(name: &str) -> Option<Rule> {
    [Rule::Id, Rule::String, Rule::Text, Rule::Path].into_iter().find(|rule| rule.name() == name)
}

impl Rule {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Id => "safe_id",
            Self::String => "safe_string",
            Self::Text => "safe_text",
            Self::Path => "safe_path",
        }
    }

    /// Checks a text without keeping it.
    ///
    /// # Errors
    /// Where the text breaks the rule first.
    pub fn check(self, text: &str) -> Result<(), TextFault> {
        match self {
            Self::Id => id::check(text),
            Self::String => string::check(text, Lines::One, string::MOST_CHARACTERS),
            Self::Text => string::check(text, Lines::Many, string::MOST_CHARACTERS),
            Self::Path => path::check(text),
        }
    }
}

/// Why a text is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextFault {
    /// The rule.
    pub rule: Rule,
    /// What is wrong.
    pub kind: FaultKind,
    /// The character it is at, counted from 1.
    pub at: usize,
}

impl fmt::Display for TextFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}, at character {}", self.rule.name(), self.kind.words(), self.at)
    }
}

impl std::error::Error for TextFault {}

/// What is wrong with a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// It has no character.
    Empty,
    /// It has too many characters.
    TooLong,
    /// A character that the rule does not list.
    Unlisted,
    /// U+0000.
    Null,
    /// A control character, of C0 or C1.
    Control,
    /// A character that turns the direction of what follows, as in "Trojan Source" (CVE-2021-42574).
    Direction,
    /// A code point that is none of Unicode's characters, and never will be.
    Noncharacter,
    /// It begins at a root or a drive.
    Absolute,
    /// `..`.
    Climbs,
    /// `\`.
    Backslash,
    /// A percent-encoded dot, slash, backslash, percent sign or null.
    Encoded,
    /// A segment without a character, or of one dot.
    EmptySegment,
}

impl FaultKind {
    /// The words for people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLong => "too long",
            Self::Unlisted => "a character that is not taken",
            Self::Null => "a null character",
            Self::Control => "a control character",
            Self::Direction => "a character that turns the direction of text",
            Self::Noncharacter => "a code point that is no character",
            Self::Absolute => "a path that is not relative",
            Self::Climbs => "a segment that climbs",
            Self::Backslash => "a backslash",
            Self::Encoded => "an encoded separator",
            Self::EmptySegment => "a segment that names nothing",
        }
    }
}

/// Makes faults of one rule.
const fn fault(rule: Rule, kind: FaultKind, at: usize) -> TextFault {
    TextFault { rule, kind, at }
}
