//! Peppers: keys outside the database, without which its hashes cannot even be guessed at.

use std::fmt;

use seawall_core::settings::Secret;

use super::{PasswordError, hash::Hash};

/// Each stays as long as a hash that was made with it, so a handful is many.
const MOST: usize = 16;
const LEAST_KEY_BYTES: usize = 32;
const MOST_ID_BYTES: usize = 32;
/// A key that is used for something else too gives other values there.
const PURPOSE: &[u8] = b"seawall password pepper 1\0";

/// The name of a pepper, as stored hashes have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyId(String);

impl KeyId {
    /// A name of 1 to 32 small letters, digits, `-` and `_`.
    ///
    /// # Errors
    /// The text is no such name.
    pub fn parse(text: &str) -> Result<Self, PasswordError> {
        let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
        if (1..=MOST_ID_BYTES).contains(&text.len()) && text.bytes().all(known) {
            Ok(Self(text.to_owned()))
        } else {
            Err(PasswordError::Setting("a pepper is named by 1 to 32 small letters, digits, `-` and `_`"))
        }
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A key with its name.
#[derive(Clone, Debug)]
pub struct Pepper {
    id: KeyId,
    key: Secret,
}

impl Pepper {
    /// A pepper.
    ///
    /// # Errors
    /// The key has less than 32 bytes.
    pub fn new(id: KeyId, key: Secret) -> Result<Self, PasswordError> {
        if key.expose().len() < LEAST_KEY_BYTES {
            return Err(PasswordError::Setting("a pepper has at least 32 bytes; `openssl rand -base64 32` makes one"));
        }
        Ok(Self { id, key })
    }
}

/// All peppers: the one that hashes are made with, and those that they were made with. Empty without any.
#[derive(Clone, Debug, Default)]
pub struct PepperRing {
    current: Option<Pepper>,
    former: Vec<Pepper>,
}

impl PepperRing {
    /// No pepper.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Makes hashes with `current` and verifies with all. Without a current one, hashes lose their pepper at the next login.
    ///
    /// # Errors
    /// There are more than 16, or two of one name.
    pub fn new(current: Option<Pepper>, former: Vec<Pepper>) -> Result<Self, PasswordError> {
        let ring = Self { current, former };
        let all: Vec<_> = ring.all().collect();
        if all.len() > MOST {
            return Err(PasswordError::Setting("there are more than 16 peppers; drop those that no hash needs"));
        }
        let twice = |(place, pepper): (usize, &&Pepper)| all.iter().take(place).any(|other| other.id == pepper.id);
        if all.iter().enumerate().any(twice) {
            return Err(PasswordError::Setting(
                "two peppers have one name; hashes name the pepper they were made with",
            ));
        }
        Ok(ring)
    }

    pub(super) fn current(&self) -> Option<&KeyId> {
        self.current.as_ref().map(|pepper| &pepper.id)
    }

    /// The hash with a pepper.
    pub(super) fn apply(&self, id: &KeyId, hash: &[u8]) -> Result<Vec<u8>, PasswordError> {
        let pepper = self.all().find(|pepper| pepper.id == *id);
        let pepper = pepper.ok_or_else(|| PasswordError::PepperMissing(id.to_string()))?;
        Ok(Hash::Sha256.hmac(pepper.key.expose().as_bytes(), &[PURPOSE, hash].concat()))
    }

    fn all(&self) -> impl Iterator<Item = &Pepper> {
        self.current.iter().chain(&self.former)
    }
}
