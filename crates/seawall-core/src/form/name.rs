//! The name of a field, as it arrives decoded.

use super::{Duplicates, Fault, Limits, characters::Characters};
use crate::json::keys::{KeyHash, Keys, Own};

/// The names of a form, by their hashes.
#[derive(Debug, Default)]
pub(super) struct Names {
    keys: Keys,
    own: Own,
}

impl Names {
    /// A name that came whole and plain, with no bracket in it.
    #[inline]
    pub(super) fn plain(&mut self, name: &[u8], limits: &Limits) -> Result<(), Fault> {
        if limits.duplicates == Duplicates::Allow {
            return Ok(());
        }
        let mut hash = KeyHash::new();
        hash.update(name);
        if self.keys.insert(&mut self.own, hash.value()) { Ok(()) } else { Err(Fault::DuplicateName) }
    }
}

/// A name that is being read.
#[derive(Debug)]
pub(super) struct Name {
    characters: Characters,
    depth: u16,
    hash: KeyHash,
    /// Its last two bytes.
    last: [u8; 2],
}

impl Name {
    pub(super) const fn new(limits: &Limits) -> Self {
        Self { characters: Characters::new(limits.characters), depth: 0, hash: KeyHash::new(), last: [0; 2] }
    }

    pub(super) const fn begin(&mut self) {
        self.characters.begin();
        (self.depth, self.hash, self.last) = (0, KeyHash::new(), [0; 2]);
    }

    pub(super) fn push(&mut self, byte: u8, limits: &Limits) -> Result<(), Fault> {
        self.characters.push(byte)?;
        if byte == b'[' {
            self.depth = self.depth.saturating_add(1);
            if self.depth > limits.depth {
                return Err(Fault::TooDeep);
            }
        }
        if limits.duplicates == Duplicates::Refuse {
            self.hash.update(&[byte]);
            let [_, before] = self.last;
            self.last = [before, byte];
        }
        Ok(())
    }

    /// Bytes of ASCII that are neither U+0000 nor a bracket that opens.
    pub(super) fn run(&mut self, bytes: &[u8], limits: &Limits) -> Result<(), Fault> {
        self.characters.ascii(bytes.len())?;
        if limits.duplicates == Duplicates::Refuse {
            self.hash.update(bytes);
            self.last = match (self.last, bytes) {
                (_, [.., before, last]) => [*before, *last],
                ([_, before], [last]) => [before, *last],
                (last, []) => last,
            };
        }
        Ok(())
    }

    /// The name is over; `names` are those before it.
    pub(super) fn end(&self, limits: &Limits, names: &mut Names) -> Result<(), Fault> {
        self.characters.end()?;
        match limits.duplicates {
            Duplicates::Refuse if self.last != *b"[]" && !names.keys.insert(&mut names.own, self.hash.value()) => {
                Err(Fault::DuplicateName)
            }
            Duplicates::Refuse | Duplicates::Allow => Ok(()),
        }
    }
}
