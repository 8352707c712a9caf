//! Scopes: what a program may do with a key, by name.

use std::{fmt, sync::Arc};

use crate::settings::{Raw, Setting, Shape};

/// The longest name of a scope.
const LONGEST: usize = 64;

/// The name of a scope: `orders:read`. Lower-case letters, digits, `-`, `_`, `.` and `:`, beginning with a letter; at most 64 of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope(Arc<str>);

impl Scope {
    /// Reads a name.
    ///
    /// # Errors
    /// A sentence for the person who wrote it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let sign = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.:".contains(&byte);
        let fits = text.len() <= LONGEST && text.starts_with(|first: char| first.is_ascii_lowercase());
        if fits && text.bytes().all(sign) {
            return Ok(Self(text.into()));
        }
        Err(format!(
            "\"{}\" is no name of a scope; use lower-case letters, digits, -, _, . and :, beginning with a letter, {LONGEST} at most",
            text.chars().take(LONGEST).collect::<String>()
        ))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Setting for Scope {
    const SHAPE: Shape = Shape::Text("scope", "orders:read");

    fn read(raw: &Raw) -> Result<Self, String> {
        let Raw::Text(text) = raw else {
            return Err(format!("expected a scope as text, such as \"orders:read\", found {}", raw.kind()));
        };
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_plain_words() {
        for good in ["orders:read", "a", "x-1_2.3"] {
            assert_eq!(Scope::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "Orders:read", "1a", "a b", "a,b", "ä", "a\r", &"a".repeat(65)] {
            assert!(Scope::parse(bad).is_err(), "{bad:?}");
        }
    }
}
