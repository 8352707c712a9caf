//! Which passwords may be chosen: long enough, not common, not the user's or the site's own name. Nothing about their composition.
//!
//! NIST SP 800-63B-4 and ASVS 5.0, 6.2: at least 8 characters, 15 where the password is the only factor, no rules about kinds of
//! characters, nothing trimmed or cut off, common passwords and words of the context refused.

mod common;
mod context;

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use super::{MAX_BYTES, PasswordError};

pub use context::PasswordContext;

const LEAST_CHARACTERS: usize = 8;
/// NIST SP 800-63B-4, 3.1.1.1: where nothing but the password is asked.
const ONLY_FACTOR_CHARACTERS: usize = 15;
/// ASVS 5.0, 6.2.9: passwords of 64 characters are permitted.
const LARGEST_LEAST: usize = 64;

/// Which passwords may be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordPolicy {
    least_characters: usize,
}

/// Why a password may not be chosen, and what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It has too few characters.
    #[error("the password has {found} characters; take at least {least}, for instance four or five words")]
    TooShort {
        /// How many it has.
        found: usize,
        /// How many it needs.
        least: usize,
    },
    /// It has too many bytes.
    #[error("the password has {found} bytes; take at most {}", MAX_BYTES)]
    TooLong {
        /// How many it has.
        found: usize,
    },
    /// It is on the list that everybody tries first.
    #[error("the password is among the most common ones, which are tried first; take one that nobody else has")]
    Common,
    /// It is, or mostly consists of, a name that others know.
    #[error(
        "the password consists mostly of your name, your e-mail address or this site's name; take one that has nothing to do with them"
    )]
    Context,
}

impl PasswordPolicy {
    /// With at least so many characters: 8 to 64.
    ///
    /// # Errors
    /// The number is outside.
    pub fn new(least_characters: usize) -> Result<Self, PasswordError> {
        if !(LEAST_CHARACTERS..=LARGEST_LEAST).contains(&least_characters) {
            return Err(PasswordError::Setting("the least length of a password is between 8 and 64 characters"));
        }
        Ok(Self { least_characters })
    }

    /// With at least 15 characters: for where the password is the only factor.
    #[must_use]
    pub const fn only_factor() -> Self {
        Self { least_characters: ONLY_FACTOR_CHARACTERS }
    }

    /// How many characters a password has at least.
    #[must_use]
    pub const fn least(&self) -> usize {
        self.least_characters
    }

    /// Whether the password may be chosen. Characters are counted as they are hashed: in composed form.
    ///
    /// # Errors
    /// Says why not.
    pub fn check(&self, password: &str, context: &PasswordContext) -> Result<(), Refusal> {
        // Composing at most triples the length, so the bound comes first; and what is hashed has to keep to it as well.
        let too_long = |found: usize| if found > MAX_BYTES { Err(Refusal::TooLong { found }) } else { Ok(()) };
        too_long(password.len())?;
        let composed = Zeroizing::new(password.nfc().collect::<String>());
        too_long(composed.len())?;
        let (found, least) = (composed.chars().count(), self.least_characters);
        if found < least {
            return Err(Refusal::TooShort { found, least });
        }
        let small = Zeroizing::new(composed.to_lowercase());
        if common::contains(&small) {
            return Err(Refusal::Common);
        }
        if context.makes_up(&small) {
            return Err(Refusal::Context);
        }
        Ok(())
    }
}

/// At least 8 characters.
impl Default for PasswordPolicy {
    fn default() -> Self {
        Self { least_characters: LEAST_CHARACTERS }
    }
}

#[cfg(test)]
mod tests;
