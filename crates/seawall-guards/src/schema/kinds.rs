//! Sets of the kinds of JSON values.

use std::fmt;

/// A set of kinds. Whole numbers and fractions are two, so that `number` is both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kinds(u8);

impl Kinds {
    pub(super) const NONE: Self = Self(0);
    pub(super) const NULL: Self = Self(1);
    pub(super) const BOOLEAN: Self = Self(2);
    pub(super) const INTEGER: Self = Self(4);
    pub(super) const FRACTION: Self = Self(8);
    pub(super) const NUMBER: Self = Self(4 | 8);
    pub(super) const STRING: Self = Self(16);
    pub(super) const ARRAY: Self = Self(32);
    pub(super) const OBJECT: Self = Self(64);
    pub(super) const ALL: Self = Self(127);

    /// The kinds of a word of `type`.
    pub(super) fn of(word: &str) -> Option<Self> {
        Some(match word {
            "null" => Self::NULL,
            "boolean" => Self::BOOLEAN,
            "integer" => Self::INTEGER,
            "number" => Self::NUMBER,
            "string" => Self::STRING,
            "array" => Self::ARRAY,
            "object" => Self::OBJECT,
            _ => return None,
        })
    }

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) const fn covers(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl fmt::Display for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = if self.covers(Self::NUMBER) { "a number" } else { "a whole number" };
        let words = [
            (Self::OBJECT, "an object"),
            (Self::ARRAY, "an array"),
            (Self::STRING, "text"),
            (Self::NUMBER, number),
            (Self::BOOLEAN, "a boolean"),
            (Self::NULL, "null"),
        ];
        let words: Vec<_> = words.into_iter().filter(|(kind, _)| self.has(*kind)).map(|(_, word)| word).collect();
        if words.is_empty() { f.write_str("nothing") } else { f.write_str(&words.join(" or ")) }
    }
}
