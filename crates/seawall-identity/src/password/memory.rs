//! The memory that argon2 works in, kept by a thread from one password to the next.

use std::fmt;

use argon2::Block;

/// Blocks for argon2. Getting 19 MiB from the system and clearing them anew for each login costs a tenth of the login.
#[derive(Default)]
pub struct Memory {
    blocks: Vec<Block>,
}

impl Memory {
    /// No memory yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { blocks: Vec::new() }
    }

    /// So many blocks, with anything in them: argon2 writes each before it reads it.
    pub(crate) fn blocks(&mut self, count: usize) -> &mut [Block] {
        if self.blocks.len() < count {
            // Nothing is copied to a larger place: what was in the blocks is of no use.
            self.blocks = Vec::new();
            self.blocks.resize(count, Block::new());
        }
        self.blocks.get_mut(..count).unwrap_or_default()
    }

    /// Gives back what goes beyond so many KiB.
    pub(crate) fn keep_at_most(&mut self, kib: u32) {
        if self.blocks.len() > kib as usize {
            self.release();
        }
    }

    /// Gives all of it back.
    pub fn release(&mut self) {
        self.blocks = Vec::new();
    }

    /// How much is held.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.blocks.capacity() * Block::SIZE
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("bytes", &self.bytes()).finish()
    }
}
