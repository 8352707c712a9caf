//! A string, as it arrives: its characters are checked and counted, and decoded for whoever wants them.

use super::{Fault, keys::KeyHash};

/// Bytes in a word, one in each of them, and the highest bit of each.
const WORD: usize = 8;
const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = ONES << 7;

/// Where in a string the scanner is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Plain,
    /// After a backslash.
    Escape,
    /// In `\uXXXX`: so many digits, which make this; and the half before, when it is the second.
    Hex {
        digits: u8,
        value: u32,
        half: Option<u32>,
    },
    /// After the first half of a pair.
    Half(u32),
    /// After that and a backslash.
    HalfEscape(u32),
}

/// A string that is being read.
#[derive(Clone, Debug)]
pub(super) struct Text {
    key: bool,
    place: Place,
    characters: u32,
    hash: KeyHash,
    /// The start of a character whose rest has not arrived.
    part: [u8; 4],
    part_length: usize,
    decoded: String,
}

impl Text {
    pub(super) const fn new() -> Self {
        Self {
            key: false,
            place: Place::Plain,
            characters: 0,
            hash: KeyHash::new(),
            part: [0; 4],
            part_length: 0,
            decoded: String::new(),
        }
    }

    /// Behind its first quotation mark.
    pub(super) fn begin(&mut self, key: bool) {
        self.key = key;
        self.place = Place::Plain;
        self.characters = 0;
        self.hash = KeyHash::new();
        self.part_length = 0;
        self.decoded.clear();
    }

    pub(super) const fn key(&self) -> bool {
        self.key
    }

    pub(super) const fn hash(&self) -> KeyHash {
        self.hash
    }

    /// What it says, when that was wanted.
    pub(super) fn decoded(&self) -> &str {
        &self.decoded
    }

    /// Takes what belongs to it from the front; whether its last quotation mark was found.
    pub(super) fn take<const DECODE: bool>(&mut self, rest: &mut &[u8], most: u32) -> Result<bool, Fault> {
        loop {
            if self.place == Place::Plain {
                let (length, ascii) = plain(rest);
                let (run, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
                self.run::<DECODE>(run, ascii)?;
                *rest = after;
                self.within(most)?;
            }
            let Some((&byte, after)) = rest.split_first() else { return Ok(false) };
            match self.place {
                Place::Plain if self.part_length > 0 => return Err(Fault::NotUtf8),
                Place::Plain => match byte {
                    b'"' => {
                        *rest = after;
                        return Ok(true);
                    }
                    b'\\' => self.place = Place::Escape,
                    0 => return Err(Fault::Null),
                    _ => return Err(Fault::ControlCharacter),
                },
                Place::Escape => self.escape::<DECODE>(byte)?,
                Place::Hex { digits, value, half } => self.hex::<DECODE>(byte, digits, value, half)?,
                Place::Half(half) if byte == b'\\' => self.place = Place::HalfEscape(half),
                Place::HalfEscape(half) if byte == b'u' => {
                    self.place = Place::Hex { digits: 0, value: 0, half: Some(half) };
                }
                Place::Half(_) | Place::HalfEscape(_) => return Err(Fault::LoneSurrogate),
            }
            *rest = after;
        }
    }

    fn within(&self, most: u32) -> Result<(), Fault> {
        if self.characters > most { Err(Fault::LongString) } else { Ok(()) }
    }

    /// Bytes that stand for themselves.
    fn run<const DECODE: bool>(&mut self, run: &[u8], ascii: bool) -> Result<(), Fault> {
        if self.key {
            self.hash.update(run);
        }
        if ascii && self.part_length == 0 {
            self.characters = self.characters.saturating_add(u32::try_from(run.len()).unwrap_or(u32::MAX));
            if DECODE {
                self.decoded.push_str(std::str::from_utf8(run).map_err(|_| Fault::NotUtf8)?);
            }
            return Ok(());
        }
        let mut run = run;
        while self.part_length > 0 {
            let Some((&byte, after)) = run.split_first() else { return Ok(()) };
            self.complete::<DECODE>(byte)?;
            run = after;
        }
        let whole = match std::str::from_utf8(run) {
            Ok(whole) => whole,
            Err(error) if error.error_len().is_some() => return Err(Fault::NotUtf8),
            Err(error) => {
                let (whole, part) = run.split_at_checked(error.valid_up_to()).unwrap_or_default();
                for (place, byte) in self.part.iter_mut().zip(part) {
                    *place = *byte;
                }
                self.part_length = part.len();
                std::str::from_utf8(whole).map_err(|_| Fault::NotUtf8)?
            }
        };
        let count = u32::try_from(whole.chars().count()).unwrap_or(u32::MAX);
        self.characters = self.characters.saturating_add(count);
        if DECODE {
            self.decoded.push_str(whole);
        }
        Ok(())
    }

    /// One more byte of a character that came in parts.
    fn complete<const DECODE: bool>(&mut self, byte: u8) -> Result<(), Fault> {
        let place = self.part.get_mut(self.part_length).ok_or(Fault::NotUtf8)?;
        *place = byte;
        self.part_length += 1;
        match std::str::from_utf8(self.part.get(..self.part_length).unwrap_or_default()) {
            Ok(character) => {
                self.characters = self.characters.saturating_add(1);
                self.part_length = 0;
                if DECODE {
                    self.decoded.push_str(character);
                }
                Ok(())
            }
            Err(error) if error.error_len().is_some() => Err(Fault::NotUtf8),
            Err(_) => Ok(()),
        }
    }

    fn escape<const DECODE: bool>(&mut self, byte: u8) -> Result<(), Fault> {
        let character = match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                self.place = Place::Hex { digits: 0, value: 0, half: None };
                return Ok(());
            }
            _ => return Err(Fault::BadEscape),
        };
        self.push::<DECODE>(character);
        Ok(())
    }

    fn hex<const DECODE: bool>(&mut self, byte: u8, digits: u8, value: u32, half: Option<u32>) -> Result<(), Fault> {
        let value = value << 4 | char::from(byte).to_digit(16).ok_or(Fault::BadEscape)?;
        if digits < 3 {
            self.place = Place::Hex { digits: digits + 1, value, half };
            return Ok(());
        }
        let character = match (half, value) {
            (Some(half), 0xdc00..=0xdfff) => 0x1_0000 + ((half - 0xd800) << 10) + (value - 0xdc00),
            (Some(_), _) | (None, 0xdc00..=0xdfff) => return Err(Fault::LoneSurrogate),
            (None, 0xd800..=0xdbff) => {
                self.place = Place::Half(value);
                return Ok(());
            }
            (None, 0) => return Err(Fault::Null),
            (None, _) => value,
        };
        self.push::<DECODE>(char::from_u32(character).ok_or(Fault::LoneSurrogate)?);
        Ok(())
    }

    fn push<const DECODE: bool>(&mut self, character: char) {
        self.place = Place::Plain;
        self.characters = self.characters.saturating_add(1);
        if self.key {
            self.hash.update(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
        if DECODE {
            self.decoded.push(character);
        }
    }
}

/// How many bytes at the front are neither quotation mark nor backslash nor control character, and whether they are ASCII.
fn plain(bytes: &[u8]) -> (usize, bool) {
    let (mut length, mut high) = (0, 0);
    let (words, tail) = bytes.as_chunks::<WORD>();
    for word in words {
        let word = u64::from_le_bytes(*word);
        let stops = below(word, b' ') | equal(word, b'"') | equal(word, b'\\');
        if stops != 0 {
            // The lowest bit that is set is right; higher ones may be a borrow of it.
            let before = stops.trailing_zeros() / 8;
            let own = word & (1_u64 << (before * 8)).wrapping_sub(1);
            return (length + before as usize, (high | own) & HIGHS == 0);
        }
        high |= word;
        length += WORD;
    }
    let count = tail.iter().position(|byte| *byte < b' ' || matches!(byte, b'"' | b'\\')).unwrap_or(tail.len());
    let ascii = tail.iter().take(count).all(u8::is_ascii);
    (length + count, high & HIGHS == 0 && ascii)
}

/// The highest bit of each byte that is below `limit`, up to the first one.
const fn below(word: u64, limit: u8) -> u64 {
    word.wrapping_sub(ONES * limit as u64) & !word & HIGHS
}

/// The highest bit of each byte that is this one, up to the first.
const fn equal(word: u64, byte: u8) -> u64 {
    below(word ^ (ONES * byte as u64), 1)
}
