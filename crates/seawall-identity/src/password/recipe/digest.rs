//! One digest, with or without a salt: what people wrote before they had heard of anything better.

use crate::password::hash::Hash;

/// Where the salt goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SaltAt {
    /// Before the password.
    Before,
    /// Behind the password.
    After,
    /// It is the key of an HMAC over the password.
    Key,
}

impl SaltAt {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
            Self::Key => "key",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Before, Self::After, Self::Key].into_iter().find(|place| place.name() == name)
    }
}

/// A digest with its salt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Digest {
    pub(crate) hash: Hash,
    pub(crate) salt_at: SaltAt,
    pub(crate) salt: Vec<u8>,
}

impl Digest {
    pub(crate) fn unsalted(hash: Hash) -> Self {
        Self { hash, salt_at: SaltAt::Before, salt: Vec::new() }
    }

    pub(super) fn compute(&self, password: &[u8]) -> Vec<u8> {
        match self.salt_at {
            SaltAt::Before => self.hash.digest(&[&self.salt, password]),
            SaltAt::After => self.hash.digest(&[password, &self.salt]),
            SaltAt::Key => self.hash.hmac(&self.salt, password),
        }
    }
}
