//! What ids look like.

use super::{FaultKind, Rule, TextFault, fault};

/// The most characters of an id.
const MOST_CHARACTERS: usize = 128;

/// An id: 1 to 128 of `A–Z a–z 0–9 . _ ~ : -`, without `..`. It means itself in a path, a query, a header, a log and a file's name on Unix.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SafeId(String);

impl SafeId {
    /// The id in `text`.
    ///
    /// # Errors
    /// Where the text is no id.
    pub fn parse(text: &str) -> Result<Self, TextFault> {
        check(text).map(|()| Self(text.to_owned()))
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

pub(super) fn check(text: &str) -> Result<(), TextFault> {
    let wrong = |kind, at| Err(fault(Rule::Id, kind, at));
    if text.is_empty() {
        return wrong(FaultKind::Empty, 1);
    }
    let mut before = ' ';
    for (place, character) in text.chars().enumerate() {
        if place == MOST_CHARACTERS {
            return wrong(FaultKind::TooLong, place + 1);
        }
        if !character.is_ascii_alphanumeric() && !"._~:-".contains(character) {
            return wrong(FaultKind::Unlisted, place + 1);
        }
        if character == '.' && before == '.' {
            return wrong(FaultKind::Climbs, place);
        }
        before = character;
    }
    Ok(())
}
