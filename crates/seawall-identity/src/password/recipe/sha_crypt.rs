//! Crypt with SHA-256 and SHA-512, by Ulrich Drepper: `$5$` and `$6$` of Unix.

use sha_crypt::{Params, sha256_crypt, sha512_crypt};

use crate::password::{Format, PasswordError};

const MOST_ROUNDS: u32 = 5_000_000;
/// The original's bounds and default.
const LEAST_ROUNDS: u32 = 1_000;
pub(crate) const DEFAULT_ROUNDS: u32 = 5_000;

/// Crypt with SHA-2 and its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShaCrypt {
    long: bool,
    rounds: u32,
    salt: Vec<u8>,
}

impl ShaCrypt {
    /// Crypt with SHA-256, or SHA-512 if the format says so. As in the original, fewer than 1,000 rounds are 1,000.
    pub(crate) fn new(format: Format, rounds: u32, salt: Vec<u8>) -> Result<Self, PasswordError> {
        format.bound("a number of rounds", rounds, MOST_ROUNDS)?;
        Ok(Self { long: format == Format::Sha512Crypt, rounds: rounds.max(LEAST_ROUNDS), salt })
    }

    pub(super) fn compute(&self, password: &[u8]) -> Option<Vec<u8>> {
        let params = Params::new(self.rounds).ok()?;
        Some(if self.long {
            sha512_crypt(password, &self.salt, params).to_vec()
        } else {
            sha256_crypt(password, &self.salt, params).to_vec()
        })
    }

    /// At least 1,000.
    pub(super) fn rounds(&self) -> u32 {
        self.rounds
    }
}
