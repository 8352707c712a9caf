//! One part of a document, and the tokens that are whole in it.

use crate::word::{ONES, WORD, below, equal};

/// A string of more bytes is looked at in blocks.
const LONG: usize = 4 * WORD;
const BLOCK: usize = 64;

/// A part that is being read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'a> {
    bytes: &'a [u8],
    at: usize,
    /// As much of it as is UTF-8, from where its first character begins.
    text: &'a str,
    begin: usize,
}

impl<'a> Part<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        // The rest of a character whose start came with the part before.
        let begin = bytes.iter().take(3).take_while(|byte| matches!(byte, 0x80..0xc0)).count();
        let own = bytes.get(begin..).unwrap_or_default();
        let text = std::str::from_utf8(own).unwrap_or_else(|error| {
            let valid = own.get(..error.valid_up_to()).unwrap_or_default();
            std::str::from_utf8(valid).unwrap_or_default()
        });
        Self { bytes, at: 0, text, begin }
    }

    /// Bytes that were taken.
    pub(super) const fn taken(&self) -> usize {
        self.at
    }

    /// What was not taken yet.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Takes so many bytes, all that are left at most.
    pub(super) fn leave_out(&mut self, count: usize) {
        self.at = self.bytes.len().min(self.at + count);
    }

    /// So many bytes that come next, when they are UTF-8.
    pub(super) fn text(&self, length: usize) -> Option<&'a str> {
        let from = self.at.checked_sub(self.begin)?;
        self.text.get(from..from + length)
    }

    /// The next byte.
    pub(super) fn next(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The next byte that is not white space; what is before it is taken.
    #[inline(always)]
    pub(super) fn sign(&mut self) -> Option<u8> {
        loop {
            let byte = *self.bytes.get(self.at)?;
            if byte > b' ' || !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    /// Takes one byte.
    pub(super) const fn skip(&mut self) {
        self.at += 1;
    }

    /// Takes the next byte when it is this one.
    #[inline(always)]
    pub(super) fn skip_if(&mut self, byte: u8) -> bool {
        let found = self.bytes.get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found
    }

    /// The string that comes next, when all of it is here, nothing in it is escaped, it is UTF-8, and has no more bytes. Near the end of the
    /// part there is no answer.
    #[inline(always)]
    pub(super) fn string(&self, most: u32) -> Option<Token> {
        self.words(most, |_, _| (), plain_blocks)
    }

    /// The same of a key; `tell` gets it word by word, the last one filled up with zeros.
    #[inline(always)]
    pub(super) fn key(&self, most: u32, tell: impl FnMut(u64, usize)) -> Option<Token> {
        self.words(most, tell, |_| 0)
    }

    /// `skip` says how much may be left out once the string is known to be a long one.
    #[inline(always)]
    fn words(&self, most: u32, mut tell: impl FnMut(u64, usize), skip: impl Fn(&[u8]) -> usize) -> Option<Token> {
        if self.bytes.get(self.at) != Some(&b'"') {
            return None;
        }
        let begin = self.at + 1;
        let mut end = begin;
        loop {
            let word = u64::from_le_bytes(*self.bytes.get(end..)?.first_chunk::<WORD>()?);
            // With this bit changed, quotation marks and control characters are all that is below 0x21.
            let stops = below(word ^ (ONES << 1), 0x21) | equal(word, b'\\');
            if stops != 0 {
                let before = stops.trailing_zeros() / 8;
                tell(word & (1_u64 << (before * 8)).wrapping_sub(1), before as usize);
                end += before as usize;
                break;
            }
            tell(word, WORD);
            end += WORD;
            if end - begin == LONG {
                end += skip(self.bytes.get(end..).unwrap_or_default());
            }
        }
        let sound = end - begin <= most as usize && end <= self.begin + self.text.len();
        (sound && self.bytes.get(end) == Some(&b'"')).then_some(Token { begin, end, next: end + 1 })
    }

    /// The number that comes next, when it is sound, has no exponent and no more bytes, and what ends it is here.
    #[inline(always)]
    pub(super) fn number(&self, most: usize) -> Option<Token> {
        let minus = self.bytes.get(self.at) == Some(&b'-');
        let begin = self.at + usize::from(minus);
        let mut end = digits(self.bytes, begin);
        if self.bytes.get(begin) == Some(&b'0') {
            end = begin + 1;
        } else if end == begin {
            return None;
        }
        if self.bytes.get(end) == Some(&b'.') {
            let fraction = end + 1;
            end = digits(self.bytes, fraction);
            if end == fraction {
                return None;
            }
        }
        let ends = !matches!(self.bytes.get(end)?, b'e' | b'E');
        (ends && end - self.at <= most).then_some(Token { begin: self.at, end, next: end })
    }

    /// These bytes, when they come next.
    #[inline(always)]
    pub(super) fn word(&self, word: &[u8]) -> Option<Token> {
        let end = self.at + word.len();
        (self.bytes.get(self.at..end)? == word).then_some(Token { begin: self.at, end, next: end })
    }

    /// Takes a token.
    #[inline(always)]
    pub(super) const fn take(&mut self, token: Token) {
        self.at = token.next;
    }
}

/// A token that was found, by its place in a part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    begin: usize,
    end: usize,
    next: usize,
}

impl Token {
    /// As it is written in the part, without quotation marks.
    #[inline(always)]
    pub(super) fn of<'a>(self, part: &Part<'a>) -> &'a str {
        let place = self.begin.checked_sub(part.begin).zip(self.end.checked_sub(part.begin));
        place.and_then(|(begin, end)| part.text.get(begin..end)).unwrap_or_default()
    }
}

/// So many bytes of blocks at the front are plain. A block costs little more than a word.
fn plain_blocks(bytes: &[u8]) -> usize {
    let (blocks, _) = bytes.as_chunks::<BLOCK>();
    let plain = |block: &[u8; BLOCK]| {
        let stops = |byte: &u8| (*byte < b' ') | (*byte == b'"') | (*byte == b'\\');
        !block.iter().fold(false, |found, byte| found | stops(byte))
    };
    blocks.iter().take_while(|block| plain(block)).count() * BLOCK
}

/// Where the digits end that begin there.
#[inline(always)]
fn digits(bytes: &[u8], begin: usize) -> usize {
    let mut end = begin;
    while bytes.get(end).is_some_and(u8::is_ascii_digit) {
        end += 1;
    }
    end
}
