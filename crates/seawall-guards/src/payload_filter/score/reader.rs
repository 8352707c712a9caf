//! A place in a text, and small questions about what stands there.

/// Reads forward.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.ahead(0)
    }

    pub(super) fn ahead(&self, by: usize) -> Option<u8> {
        self.text.get(self.at + by).copied()
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn skip(&mut self, by: usize) {
        self.at = self.text.len().min(self.at + by);
    }

    /// Takes what is so.
    pub(super) fn take(&mut self, so: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let length = rest.iter().position(|&byte| !so(byte)).unwrap_or(rest.len());
        self.skip(length);
        rest.get(..length).unwrap_or_default()
    }

    /// Goes behind the next of these; to the end when there is none.
    pub(super) fn past(&mut self, end: &[u8]) {
        match find(self.rest(), end) {
            Some(at) => self.skip(at + end.len()),
            None => self.skip(self.text.len()),
        }
    }
}

/// Where `needle` begins, in the case it has.
pub(super) fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len()).position(|window| window == needle)
}

/// Whether `needle`, in lower case, stands anywhere, in any case.
pub(super) fn holds(text: &[u8], needle: &[u8]) -> bool {
    text.windows(needle.len()).any(|window| window.eq_ignore_ascii_case(needle))
}

/// Whether the text begins with `needle`, in any case.
pub(super) fn begins(text: &[u8], needle: &[u8]) -> bool {
    text.get(..needle.len()).is_some_and(|start| start.eq_ignore_ascii_case(needle))
}

/// A word in lower case, when it is short enough to be one that is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lower {
    bytes: [u8; Self::MOST],
    length: usize,
}

impl Lower {
    const MOST: usize = 32;

    pub(super) fn of(word: &[u8]) -> Self {
        let mut lower = Self { bytes: [0; Self::MOST], length: 0 };
        if word.len() <= Self::MOST {
            lower.length = word.len();
            lower.bytes.iter_mut().zip(word).for_each(|(to, from)| *to = from.to_ascii_lowercase());
        }
        lower
    }

    /// Empty when the word was too long.
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// The value that a text begins with, as a parameter holds one: a name, a number, an address, a file. Nothing when it is too long for
/// one, or is followed by what prose goes on with.
pub(super) fn value_length(text: &[u8]) -> usize {
    const LONGEST: usize = 64;
    let so = |byte: &u8| byte.is_ascii_alphanumeric() || !byte.is_ascii() || b"_.@:-/".contains(byte);
    let length = text.iter().position(|byte| !so(byte)).unwrap_or(text.len());
    if length > LONGEST { text.len() } else { length }
}
