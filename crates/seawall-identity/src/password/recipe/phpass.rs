//! PHPass: a digest over and over. WordPress, phpBB and others with MD5, Drupal 7 with SHA-512.

use crate::password::{Format, PasswordError, hash::Hash};

const LEAST_LOG2: u32 = 7;
/// Four million rounds; WordPress made 8,192 and Drupal 32,768.
const MOST_LOG2: u32 = 22;

/// PHPass with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Phpass {
    pub(crate) hash: Hash,
    pub(crate) rounds_log2: u32,
    pub(crate) salt: Vec<u8>,
}

impl Phpass {
    pub(crate) fn new(format: Format, hash: Hash, rounds_log2: u32, salt: Vec<u8>) -> Result<Self, PasswordError> {
        format.bound("a log2 of the rounds", rounds_log2, MOST_LOG2)?;
        if rounds_log2 < LEAST_LOG2 {
            return Err(format.malformed("its number of rounds is below 128"));
        }
        Ok(Self { hash, rounds_log2, salt })
    }

    pub(super) fn compute(&self, password: &[u8], length: usize) -> Vec<u8> {
        let mut digest = self.hash.digest(&[&self.salt, password]);
        for _ in 0..1_u32 << self.rounds_log2 {
            digest = self.hash.digest(&[&digest, password]);
        }
        digest.truncate(length);
        digest
    }
}
