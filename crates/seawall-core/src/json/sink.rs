//! Whoever is told what a scanner reads.

/// A value that is a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// `null`.
    Null,
    /// `true`.
    True,
    /// `false`.
    False,
}

impl Word {
    /// As it is written.
    pub(super) const fn text(self) -> &'static [u8] {
        match self {
            Self::Null => b"null",
            Self::True => b"true",
            Self::False => b"false",
        }
    }
}

/// Is told what a scanner reads, in the order of the document. What it is told is right so far, and may be refused yet.
pub trait Sink {
    /// Whether it wants texts at all; without, they are not decoded.
    const TEXTS: bool;

    /// An array begins, or an object.
    fn open(&mut self, array: bool);
    /// The array or object that began last and has not ended ends.
    fn close(&mut self);
    /// The key of the value that comes next, and its hash ([`key_hash`](super::key_hash)).
    fn key(&mut self, key: &str, hash: u64);
    /// A string, decoded.
    fn text(&mut self, text: &str);
    /// A number as it was written.
    fn number(&mut self, number: &str);
    /// A word.
    fn word(&mut self, word: Word);
}

/// Wants to hear nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Discard;

impl Sink for Discard {
    const TEXTS: bool = false;

    fn open(&mut self, _: bool) {}
    fn close(&mut self) {}
    fn key(&mut self, _: &str, _: u64) {}
    fn text(&mut self, _: &str) {}
    fn number(&mut self, _: &str) {}
    fn word(&mut self, _: Word) {}
}
