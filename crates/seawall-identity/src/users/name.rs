//! Names of users: as they are shown, and as they are compared.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

/// The longest name, in characters.
const LONGEST: usize = 128;

/// A name that a user can have.
#[derive(Clone, PartialEq, Eq)]
pub struct Name {
    shown: String,
    key: String,
}

/// A name that no user can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// There is nothing to see of it.
    #[error("the name is empty")]
    Empty,
    /// It is longer than any.
    #[error("the name has more than {LONGEST} characters")]
    TooLong,
    /// It holds what is not seen.
    #[error("the name holds a character that cannot be seen, such as a line break")]
    Invisible,
}

impl Name {
    /// Reads a name as somebody typed it.
    ///
    /// # Errors
    /// [`BadName`].
    pub fn parse(text: &str) -> Result<Self, BadName> {
        let trimmed = text.trim();
        // Composing can make a text longer, never without bound: 18 times (Unicode Standard Annex 15).
        if trimmed.len() > LONGEST * 4 {
            return Err(BadName::TooLong);
        }
        let shown = trimmed.nfc().collect::<String>();
        let key = folded(trimmed);
        if shown.is_empty() || key.is_empty() {
            return Err(BadName::Empty);
        }
        if shown.chars().count() > LONGEST || key.chars().count() > LONGEST {
            return Err(BadName::TooLong);
        }
        if shown.chars().any(invisible) {
            return Err(BadName::Invisible);
        }
        Ok(Self { shown, key })
    }

    /// As it is shown.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// As it is compared: two names with the same key are one.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

// What is typed as a name may be a password.
impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Name")
    }
}

/// Compatible forms brought together (NFKC) and case folded; by way of capitals, so that letters with two small forms are one.
fn folded(text: &str) -> String {
    let composed = text.nfkc().collect::<String>();
    let small = composed.to_lowercase().to_uppercase().to_lowercase();
    small.nfkc().collect::<String>().trim().to_owned()
}

/// Control characters, and those that change how the text around them is seen.
fn invisible(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> String {
        Name::parse(text).unwrap().key().to_owned()
    }

    #[test]
    fn spellings_of_one_name_are_one() {
        for (one, other) in [
            ("Ann", " ann "),
            ("ZOË", "zoe\u{308}"),
            ("Straße", "STRASSE"),
            ("ΣΑΣ", "σας"),
            ("ﬁn", "FIN"),
            ("Ａnn", "ann"),
        ] {
            assert_eq!(key(one), key(other), "{one} {other}");
        }
        assert_ne!(key("ann"), key("anna"));
        assert_eq!(Name::parse("  Zoe\u{308} ").unwrap().shown(), "Zoë");
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for (text, fault) in [
            ("", BadName::Empty),
            (" \t ", BadName::Empty),
            ("a\nb", BadName::Invisible),
            ("a\0b", BadName::Invisible),
            ("admin\u{200b}", BadName::Invisible),
            ("\u{202e}nimda", BadName::Invisible),
            (&"x".repeat(129), BadName::TooLong),
            (&"ﷺ".repeat(20), BadName::TooLong),
        ] {
            assert_eq!(Name::parse(text), Err(fault), "{text:?}");
        }
    }
}
