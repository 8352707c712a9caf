//! PBKDF2 with HMAC, RFC 8018.

use crate::password::{Format, PasswordError, hash::Hash};

const MOST_ROUNDS: u32 = 5_000_000;
/// Each further block of output costs all rounds again, and one block is all that tells passwords apart.
const MOST_BLOCKS: usize = 4;

/// PBKDF2 with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pbkdf2 {
    pub(crate) hash: Hash,
    pub(crate) rounds: u32,
    pub(crate) salt: Vec<u8>,
}

impl Pbkdf2 {
    /// PBKDF2 for so many bytes, within the bounds.
    pub(crate) fn new(
        format: Format,
        hash: Hash,
        rounds: u32,
        salt: Vec<u8>,
        length: usize,
    ) -> Result<Self, PasswordError> {
        if rounds == 0 {
            return Err(format.malformed("its number of rounds is zero"));
        }
        let blocks = length.div_ceil(hash.length()).max(1);
        if blocks > MOST_BLOCKS {
            return Err(format.malformed("its hash is longer than four digests"));
        }
        let work = u64::from(rounds) * blocks as u64;
        format.bound("a number of rounds (for all blocks)", work, MOST_ROUNDS)?;
        Ok(Self { hash, rounds, salt })
    }

    pub(super) fn compute(&self, password: &[u8], length: usize) -> Vec<u8> {
        let mut out = vec![0; length];
        self.hash.pbkdf2(password, &self.salt, self.rounds, &mut out);
        out
    }
}
