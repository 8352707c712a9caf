//! Bcrypt, of a password up to its 72nd byte.

use crate::password::{Format, PasswordError};

const MOST_COST: u32 = 15;
/// What bcrypt reads of a password; all implementations leave the rest out.
const READ_BYTES: usize = 72;
/// Of 24 bytes that come out 23 are written.
pub(crate) const LENGTH: usize = 23;

/// Bcrypt with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bcrypt {
    cost: u32,
    salt: [u8; 16],
}

impl Bcrypt {
    pub(crate) fn new(format: Format, cost: u32, salt: &[u8]) -> Result<Self, PasswordError> {
        format.bound("a cost", cost, MOST_COST)?;
        if cost < 4 {
            return Err(format.malformed("its cost is below 4"));
        }
        let salt = salt.try_into().map_err(|_| format.malformed("its salt has not 16 bytes"))?;
        Ok(Self { cost, salt })
    }

    pub(super) fn compute(&self, password: &[u8]) -> Vec<u8> {
        let mut key = zeroize::Zeroizing::new(Vec::with_capacity(READ_BYTES));
        // The original ends at a zero byte and reads it too.
        key.extend(password.iter().copied().take_while(|byte| *byte != 0).chain([0]).take(READ_BYTES));
        let mut digest = bcrypt::bcrypt(self.cost, self.salt, &key).to_vec();
        digest.truncate(LENGTH);
        digest
    }

    pub(super) fn cost(&self) -> u32 {
        self.cost
    }
}
