//! Everything a format has to compute from a password, with its parameters: one of these, then compare.

mod argon2;
mod bcrypt;
mod digest;
mod firebase;
mod md5_crypt;
mod pbkdf2;
mod phpass;
mod scrypt;
mod sha_crypt;

pub(crate) use self::{
    argon2::{Argon2, Demand, MOST_LANES, MOST_MEMORY_KIB, MOST_PASSES, Variant},
    bcrypt::Bcrypt,
    digest::{Digest, SaltAt},
    firebase::Firebase,
    md5_crypt::{Flavour, Md5Crypt},
    pbkdf2::Pbkdf2,
    phpass::Phpass,
    scrypt::Scrypt,
    sha_crypt::{DEFAULT_ROUNDS, ShaCrypt},
};
use super::{Format, Memory, PasswordError};

/// Formats that read the password in each round read so much in all: some seconds.
const MOST_READ_BYTES: u64 = 2 << 30;

/// From a password's bytes to those that are compared. Costs were bounded when it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Recipe {
    Argon2(Argon2),
    Bcrypt(Bcrypt),
    Scrypt(Scrypt),
    Pbkdf2(Pbkdf2),
    Digest(Digest),
    Md5Crypt(Md5Crypt),
    ShaCrypt(ShaCrypt),
    Phpass(Phpass),
    Firebase(Firebase),
    /// The password itself.
    Plain,
}

impl Recipe {
    /// Computes so many bytes.
    pub(crate) fn compute(
        &self,
        format: Format,
        password: &[u8],
        length: usize,
        memory: &mut Memory,
    ) -> Result<Vec<u8>, PasswordError> {
        let read_bytes = self.rounds_that_read() * password.len() as u64;
        format.bound("bytes to read (rounds times this password's length)", read_bytes, MOST_READ_BYTES)?;
        let failed = PasswordError::Computation(format);
        Ok(match self {
            Self::Argon2(argon2) => argon2.compute(password, length, memory).ok_or(failed)?,
            Self::Bcrypt(bcrypt) => bcrypt.compute(password),
            Self::Scrypt(scrypt) => scrypt.compute(password, length).ok_or(failed)?,
            Self::Pbkdf2(pbkdf2) => pbkdf2.compute(password, length),
            Self::Digest(digest) => digest.compute(password),
            Self::Md5Crypt(md5_crypt) => md5_crypt.compute(password),
            Self::ShaCrypt(sha_crypt) => sha_crypt.compute(password).ok_or(failed)?,
            Self::Phpass(phpass) => phpass.compute(password, length),
            Self::Firebase(firebase) => firebase.compute(password).ok_or(failed)?,
            Self::Plain => password.to_vec(),
        })
    }

    /// How often the password is read, where that is more than once.
    fn rounds_that_read(&self) -> u64 {
        match self {
            // Twice in nearly each round.
            Self::ShaCrypt(sha_crypt) => 2 * u64::from(sha_crypt.rounds()),
            Self::Phpass(phpass) => 1 << phpass.rounds_log2,
            _ => 0,
        }
    }

    /// How much memory it takes, in KiB.
    pub(crate) fn memory_kib(&self) -> u64 {
        match self {
            Self::Argon2(argon2) => u64::from(argon2.memory_kib()),
            Self::Scrypt(scrypt) => scrypt.memory_kib(),
            Self::Firebase(firebase) => firebase.memory_kib(),
            _ => 0,
        }
    }

    /// The order of magnitude of the work, as a power of two, in units of the recipe's own.
    pub(crate) fn magnitude(&self) -> u32 {
        match self {
            Self::Argon2(argon2) => (u64::from(argon2.memory_kib()) * u64::from(argon2.passes())).ilog2(),
            Self::Bcrypt(bcrypt) => bcrypt.cost(),
            Self::Scrypt(scrypt) => scrypt.work_kib().max(1).ilog2(),
            Self::Pbkdf2(pbkdf2) => pbkdf2.rounds.max(1).ilog2(),
            Self::ShaCrypt(sha_crypt) => sha_crypt.rounds().ilog2(),
            Self::Phpass(phpass) => phpass.rounds_log2,
            Self::Firebase(firebase) => firebase.scrypt.work_kib().max(1).ilog2(),
            Self::Digest(_) | Self::Md5Crypt(_) | Self::Plain => 0,
        }
    }
}
