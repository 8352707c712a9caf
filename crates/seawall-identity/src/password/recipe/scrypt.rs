//! Scrypt, RFC 7914.

use scrypt::Params;

use crate::password::{Format, PasswordError};

const MOST_MEMORY_KIB: u64 = 256 * 1024;
const MOST_PARALLELISM: u32 = 16;
/// All blocks that are mixed, in KiB: parallelism repeats the work in the same memory.
const MOST_WORK_KIB: u64 = 1024 * 1024;

/// Scrypt with its parameters.
#[derive(Clone, Debug)]
pub(crate) struct Scrypt {
    params: Params,
    memory_kib: u64,
    shape: (u8, u32, u32),
    salt: Vec<u8>,
}

impl Scrypt {
    /// `block` is the standard's r, `parallelism` its p.
    pub(crate) fn new(
        format: Format,
        log_n: u8,
        block: u32,
        parallelism: u32,
        salt: Vec<u8>,
    ) -> Result<Self, PasswordError> {
        if log_n == 0 || block == 0 || parallelism == 0 {
            return Err(format.malformed("a cost parameter is zero"));
        }
        format.bound("a log2 of N", log_n, 30_u8)?;
        let memory_kib = (u64::from(block) << log_n) / 8;
        format.bound("memory in KiB", memory_kib, MOST_MEMORY_KIB)?;
        format.bound("a parallelism", parallelism, MOST_PARALLELISM)?;
        format.bound("work in KiB", memory_kib * u64::from(parallelism), MOST_WORK_KIB)?;
        format.bound("a block size", block, 1024_u32)?;
        let params = Params::new(log_n, block, parallelism)
            .map_err(|_| format.malformed("its cost parameters do not fit together"))?;
        Ok(Self { params, memory_kib, shape: (log_n, block, parallelism), salt })
    }

    /// Like [`Self::new`], with N itself.
    pub(crate) fn with_n(
        format: Format,
        n: u64,
        block: u32,
        parallelism: u32,
        salt: Vec<u8>,
    ) -> Result<Self, PasswordError> {
        if !n.is_power_of_two() {
            return Err(format.malformed("its N is no power of two"));
        }
        let log_n = u8::try_from(n.trailing_zeros()).map_err(|_| format.malformed("its N is too large"))?;
        Self::new(format, log_n, block, parallelism, salt)
    }

    pub(super) fn compute(&self, password: &[u8], length: usize) -> Option<Vec<u8>> {
        let mut out = vec![0; length];
        scrypt::scrypt(password, &self.salt, &self.params, &mut out).ok()?;
        Some(out)
    }

    pub(super) fn memory_kib(&self) -> u64 {
        self.memory_kib
    }

    pub(super) fn work_kib(&self) -> u64 {
        let (_, _, parallelism) = self.shape;
        self.memory_kib * u64::from(parallelism)
    }
}

impl PartialEq for Scrypt {
    fn eq(&self, other: &Self) -> bool {
        (self.shape, &self.salt) == (other.shape, &other.salt)
    }
}

impl Eq for Scrypt {}
