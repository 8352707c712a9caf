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

/// A key, string or number, decoded.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// The part that it stands in, or itself.
    whole: &'a str,
    begin: usize,
    end: usize,
    in_part: bool,
}

impl<'a> Told<'a> {
    /// One that stands in a part as it is.
    pub(super) const fn in_part(part: &'a str, begin: usize, end: usize) -> Self {
        Self { whole: part, begin, end, in_part: true }
    }

    /// What it says.
    #[must_use]
    #[inline]
    pub fn text(self) -> &'a str {
        self.whole.get(self.begin..self.end).unwrap_or_default()
    }

    /// From which byte to which it stands in the part that was told last, when it stands there as it is.
    #[must_use]
    #[inline]
    pub const fn place(self) -> Option<(usize, usize)> {
        if self.in_part { Some((self.begin, self.end)) } else { None }
    }
}

impl<'a> From<&'a str> for Told<'a> {
    fn from(text: &'a str) -> Self {
        Self { whole: text, begin: 0, end: text.len(), in_part: false }
    }
}

/// Is told what a scanner reads, in the order of the document. What it is told is right so far, and may be refused yet.
pub trait Sink {
    /// Whether it wants texts at all; without, they are not decoded.
    const TEXTS: bool;

    /// The text of a part that is read next, without what of a character came before or comes behind it. Told when texts are wanted.
    fn part(&mut self, _text: &str) {}
    /// An array begins, or an object.
    fn open(&mut self, array: bool);
    /// The array or object that began last and has not ended ends.
    fn close(&mut self);
    /// The key of the value that comes next, and its hash ([`key_hash`](super::key_hash)).
    fn key(&mut self, key: Told<'_>, hash: u64);
    /// A string.
    fn text(&mut self, text: Told<'_>);
    /// A number as it was written.
    fn number(&mut self, number: Told<'_>);
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
    fn key(&mut self, _: Told<'_>, _: u64) {}
    fn text(&mut self, _: Told<'_>) {}
    fn number(&mut self, _: Told<'_>) {}
    fn word(&mut self, _: Word) {}
}
