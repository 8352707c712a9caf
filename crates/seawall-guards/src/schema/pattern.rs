//! Patterns of text, matched in time that grows with the text alone, never with what was tried.

use regex_lite::{Regex, RegexBuilder};

use super::class::Class;

/// The most bytes of text that a pattern is tried on; longer text does not match.
pub(super) const MOST_BYTES: usize = 65_536;

/// The most memory of one compiled pattern.
const MOST_COMPILED: usize = 256 * 1024;

/// A pattern of a document.
#[derive(Debug)]
pub(super) struct Pattern {
    regex: Regex,
    class: Option<Class>,
}

impl Pattern {
    /// # Errors
    /// A sentence on why the pattern cannot be used.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let why = if text.contains("(?=") || text.contains("(?!") || text.contains("(?<=") || text.contains("(?<!") {
            "looking ahead or behind is not supported, because it can take time without bound; say it with several patterns in `allOf`, or with a format"
        } else {
            "it is no pattern that is matched without going back"
        };
        let compiled = RegexBuilder::new(text).size_limit(MOST_COMPILED).build();
        compiled
            .map(|regex| Self { regex, class: Class::read(text) })
            .map_err(|error| format!("the pattern cannot be used: {why} ({error})"))
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        let matches = |class: &Class| class.matches(text);
        text.len() <= MOST_BYTES && self.class.as_ref().map_or_else(|| self.regex.is_match(text), matches)
    }
}
