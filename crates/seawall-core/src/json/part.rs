//! One part of a document, and the tokens that are whole in it.

use super::{Told, keys::KeyHash, text::plain};
use crate::word::{HIGHS, ONES, WINDOW, WORD, before, first, marks, words};

/// A string of more bytes is looked at in blocks.
const LONG: usize = 2 * WINDOW;
const BLOCK: usize = 64;

/// A part that is being read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'a> {
    bytes: &'a [u8],
    at: usize,
    /// As much of it as is UTF-8, from where its first character begins; nothing when nobody wants texts.
    text: &'a str,
    begin: usize,
}

impl<'a> Part<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, text: "", begin: 0 }
    }

    /// One whose tokens are wanted as texts.
    pub(super) fn with_texts(bytes: &'a [u8]) -> Self {
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

    /// As much of it as is text.
    pub(super) const fn whole_text(&self) -> &'a str {
        self.text
    }

    /// So many bytes that come next, when they are UTF-8.
    pub(super) fn text(&self, length: usize) -> Option<&'a str> {
        let from = self.at.checked_sub(self.begin)?;
        self.text.get(from..from + length)
    }

    /// The next byte.
    #[inline(always)]
    pub(super) fn next(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The next byte that is not white space; what is before it is taken.
    #[inline(always)]
    pub(super) fn sign(&mut self) -> Option<u8> {
        let byte = self.next()?;
        if byte > b' ' {
            return Some(byte);
        }
        // Most white space is one space.
        if byte == b' ' {
            self.at += 1;
        }
        if self.next()? <= b' ' {
            self.at = behind_space(self.bytes, self.at);
        }
        self.next()
    }

    /// Takes one byte.
    pub(super) const fn skip(&mut self) {
        self.at += 1;
    }

    /// The string behind the quotation mark that comes next, when all of it is here, nothing in it is escaped, it is UTF-8, and has no more
    /// bytes.
    #[inline(always)]
    pub(super) fn string(&self, most: u32) -> Option<Token> {
        let begin = self.at + 1;
        let (mut end, mut rest) = (begin, self.bytes.get(begin..)?);
        while let Some((window, behind)) = rest.split_first_chunk() {
            let [low, high] = marks(window, stops);
            if low != 0 {
                return self.ended(begin, end + first(low), most);
            }
            if high != 0 {
                return self.ended(begin, end + WORD + first(high), most);
            }
            (end, rest) = (end + WINDOW, behind);
            if end - begin == LONG {
                end += plain_blocks(rest);
                rest = self.bytes.get(end..)?;
            }
        }
        self.ended(begin, last_stop(self.bytes, end), most)
    }

    /// The same of a key, with its hash.
    #[inline(always)]
    pub(super) fn key(&self, most: u32) -> Option<(Token, u64)> {
        let begin = self.at + 1;
        let (mut end, mut rest) = (begin, self.bytes.get(begin..)?);
        let mut hash = KeyHash::new();
        while let Some((window, behind)) = rest.split_first_chunk() {
            let ([low, high], [one, other]) = (marks(window, stops), words(window));
            if low != 0 {
                hash.add(before(one, low), first(low));
                end += first(low);
                return self.key_ended(begin, end, most, hash);
            }
            hash.add(one, WORD);
            if high != 0 {
                hash.add(before(other, high), first(high));
                end += WORD + first(high);
                return self.key_ended(begin, end, most, hash);
            }
            hash.add(other, WORD);
            (end, rest) = (end + WINDOW, behind);
        }
        hash = KeyHash::new();
        end = last_stop(self.bytes, end);
        hash.update(self.bytes.get(begin..end)?);
        self.key_ended(begin, end, most, hash)
    }

    #[inline(always)]
    fn key_ended(&self, begin: usize, end: usize, most: u32, hash: KeyHash) -> Option<(Token, u64)> {
        let (end, hash) = match self.bytes.get(end) {
            Some(b'"') => (end, hash.value()),
            _ => other_key(self.bytes, (begin, end), self.known()),
        };
        (end > 0 && end - begin <= most as usize).then_some((Token { begin, end, next: end + 1 }, hash))
    }

    /// How much of it is known to be UTF-8.
    #[inline(always)]
    const fn known(&self) -> usize {
        self.begin + self.text.len()
    }

    /// The string that begins and stops there, when its end is what it stops at, or something that is no ASCII.
    #[inline(always)]
    fn ended(&self, begin: usize, end: usize, most: u32) -> Option<Token> {
        let end = match self.bytes.get(end)? {
            b'"' => end,
            0x80.. => beyond_ascii(self.bytes, (begin, end), self.known())?,
            _ => return None,
        };
        (end - begin <= most as usize).then_some(Token { begin, end, next: end + 1 })
    }

    /// The number that comes next, when it is sound, has no exponent and no more bytes, and what ends it is here.
    #[inline(always)]
    pub(super) fn number(&self, most: usize) -> Option<Token> {
        let begin = self.at + usize::from(self.next() == Some(b'-'));
        let mut end = self.digits(begin);
        if self.bytes.get(begin) == Some(&b'0') {
            end = begin + 1;
        } else if end == begin {
            return None;
        }
        if self.bytes.get(end) == Some(&b'.') {
            let fraction = end + 1;
            end = self.digits(fraction);
            if end == fraction {
                return None;
            }
        }
        let ends = !matches!(self.bytes.get(end)?, b'e' | b'E');
        (ends && end - self.at <= most).then_some(Token { begin: self.at, end, next: end })
    }

    /// Where the digits end that begin there.
    #[inline(always)]
    fn digits(&self, begin: usize) -> usize {
        let mut end = begin;
        while let Some(word) = self.bytes.get(end..).and_then(|rest| rest.first_chunk()) {
            let others = no_digits(u64::from_le_bytes(*word));
            if others != 0 {
                return end + first(others);
            }
            end += WORD;
        }
        let rest = self.bytes.get(end..).unwrap_or_default();
        end + rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
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
    /// As it stands in the part, without quotation marks.
    #[inline(always)]
    pub(super) const fn of<'a>(self, part: &Part<'a>) -> Told<'a> {
        // Invariant: no token begins in the character that came with the part before.
        Told::in_part(part.text, self.begin.saturating_sub(part.begin), self.end.saturating_sub(part.begin))
    }
}

/// Whether a string is no longer plain with this byte: a quotation mark, a backslash, a control character, or no ASCII.
#[inline(always)]
const fn stops(byte: u8) -> bool {
    // With this bit changed, quotation marks and control characters are all that is below 0x21; what is no ASCII is negative.
    ((byte ^ 2).cast_signed() < 0x21) | (byte == b'\\')
}

/// Marks the bytes that are no digits, up to the first.
#[inline(always)]
const fn no_digits(word: u64) -> u64 {
    // A digit is below ten without the bits of `0`; what is ten or more has the highest bit once 0x76 is added.
    let digits = word ^ (ONES * b'0' as u64);
    (digits.wrapping_add(ONES * 0x76) | digits) & HIGHS
}

/// Where the string ends that begins there and is ASCII up to a byte; what is in front of `known` is UTF-8.
#[cold]
#[inline(never)]
fn beyond_ascii(bytes: &[u8], (begin, ascii): (usize, usize), known: usize) -> Option<usize> {
    let end = ascii + plain(bytes.get(ascii..)?);
    if bytes.get(end) != Some(&b'"') {
        return None;
    }
    (end <= known || std::str::from_utf8(bytes.get(begin..end)?).is_ok()).then_some(end)
}

/// Where a key ends that stops there and is no ASCII, and its hash; zero when it does not end, or is not plain.
#[cold]
#[inline(never)]
fn other_key(bytes: &[u8], (begin, stop): (usize, usize), known: usize) -> (usize, u64) {
    let ascii = bytes.get(stop).is_none_or(u8::is_ascii);
    let end = if ascii { 0 } else { beyond_ascii(bytes, (begin, stop), known).unwrap_or_default() };
    let mut hash = KeyHash::new();
    hash.update(bytes.get(begin..end).unwrap_or_default());
    (end, hash.value())
}

/// Where a string stops whose end is near that of the part.
#[cold]
#[inline(never)]
fn last_stop(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    from + rest.iter().position(|byte| stops(*byte)).unwrap_or(rest.len())
}

/// Where the white space ends that begins there.
#[cold]
#[inline(never)]
fn behind_space(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    let space = |byte: &u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
    from + rest.iter().position(|byte| !space(byte)).unwrap_or(rest.len())
}

/// So many bytes of blocks at the front are plain. A block costs little more than a window.
fn plain_blocks(bytes: &[u8]) -> usize {
    let (blocks, _) = bytes.as_chunks::<BLOCK>();
    let plain = |block: &[u8; BLOCK]| !block.iter().fold(false, |found, byte| found | stops(*byte));
    blocks.iter().take_while(|block| plain(block)).count() * BLOCK
}
