//! Characters of a text, as its bytes arrive: whether they are UTF-8, and how many.

use super::Fault;
use crate::word::{WORD, ascii_without_null};

/// Counts up to a limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Characters {
    most: u32,
    count: u32,
    /// Bytes of the character that are still to come, and what the next may be (Unicode, table 3-7).
    left: u8,
    low: u8,
    high: u8,
}

const LOW: u8 = 0x80;
const HIGH: u8 = 0xbf;

impl Characters {
    pub(super) const fn new(most: u32) -> Self {
        Self { most, count: 0, left: 0, low: LOW, high: HIGH }
    }

    /// A text begins.
    pub(super) const fn begin(&mut self) {
        *self = Self::new(self.most);
    }

    /// Whether no character is open.
    pub(super) const fn whole(&self) -> bool {
        self.left == 0
    }

    /// Takes a run of bytes.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let run = if self.left == 0 { plain(rest) } else { 0 };
            self.ascii(run)?;
            let (_, after) = rest.split_at_checked(run).unwrap_or((rest, &[]));
            let Some((&byte, after)) = after.split_first() else { return Ok(()) };
            self.push(byte)?;
            rest = after;
        }
        Ok(())
    }

    /// So many characters of ASCII, none of them U+0000.
    #[inline]
    pub(super) fn ascii(&mut self, characters: usize) -> Result<(), Fault> {
        if characters == 0 {
            return Ok(());
        }
        if self.left != 0 {
            return Err(Fault::NotUtf8);
        }
        self.count(u32::try_from(characters).unwrap_or(u32::MAX))
    }

    /// One byte.
    #[inline]
    pub(super) fn push(&mut self, byte: u8) -> Result<(), Fault> {
        if self.left == 0 && matches!(byte, 1..0x80) { self.count(1) } else { self.part(byte) }
    }

    /// A byte of a longer character, or one that cannot stand there.
    fn part(&mut self, byte: u8) -> Result<(), Fault> {
        if self.left > 0 {
            if !(self.low..=self.high).contains(&byte) {
                return Err(Fault::NotUtf8);
            }
            (self.left, self.low, self.high) = (self.left - 1, LOW, HIGH);
            return if self.left == 0 { self.count(1) } else { Ok(()) };
        }
        (self.left, self.low, self.high) = match byte {
            0 => return Err(Fault::Null),
            0xc2..=0xdf => (1, LOW, HIGH),
            0xe0 => (2, 0xa0, HIGH),
            0xe1..=0xec | 0xee | 0xef => (2, LOW, HIGH),
            0xed => (2, LOW, 0x9f),
            0xf0 => (3, 0x90, HIGH),
            0xf1..=0xf3 => (3, LOW, HIGH),
            0xf4 => (3, LOW, 0x8f),
            _ => return Err(Fault::NotUtf8),
        };
        Ok(())
    }

    /// The text is over.
    pub(super) const fn end(&self) -> Result<(), Fault> {
        if self.left == 0 { Ok(()) } else { Err(Fault::NotUtf8) }
    }

    fn count(&mut self, more: u32) -> Result<(), Fault> {
        self.count = self.count.saturating_add(more);
        if self.count > self.most { Err(Fault::LongText) } else { Ok(()) }
    }
}

/// How many bytes at the front are ASCII and not U+0000.
fn plain(bytes: &[u8]) -> usize {
    let (words, tail) = bytes.as_chunks::<WORD>();
    let stands = |byte: &u8| byte.is_ascii() && *byte != 0;
    match words.iter().position(|word| !ascii_without_null(u64::from_le_bytes(*word))) {
        Some(place) => {
            let word = words.get(place).map_or(&[][..], |word| &word[..]);
            place * WORD + word.iter().take_while(|byte| stands(byte)).count()
        }
        None => words.len() * WORD + tail.iter().take_while(|byte| stands(byte)).count(),
    }
}
