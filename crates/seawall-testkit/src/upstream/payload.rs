//! The bytes that large bodies are made of, and the checksum that says whether they arrived unharmed.

use std::fmt;
use std::sync::LazyLock;

/// The size in bytes of one write of a large body.
pub(super) const BLOCK: usize = 64 * 1024;

// Invariant: 251 is prime and below 256, so a shift by any number of bytes shows within a block.
static PATTERN: LazyLock<Vec<u8>> = LazyLock::new(|| (0..=250_u8).cycle().take(BLOCK).collect());

pub(super) fn block() -> &'static [u8] {
    &PATTERN
}

/// The first `length` bytes of what `/bytes` and `/chunked` answer.
pub fn pattern(length: usize) -> Vec<u8> {
    block().iter().copied().cycle().take(length).collect()
}

/// FNV-1a over 64 bits: cheap, incremental, and different when bytes are lost, doubled or swapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checksum(u64);

impl Checksum {
    /// The checksum of all of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        let mut checksum = Self::default();
        checksum.add(bytes);
        checksum
    }

    /// Continues with more bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3));
    }
}

impl Default for Checksum {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

/// Sixteen hexadecimal digits.
impl fmt::Display for Checksum {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}", self.0)
    }
}
