//! A string, as it arrives: its characters are checked and counted, and decoded for whoever wants them.

use super::{Fault, keys::KeyHash, part::Part};
use crate::word::until;

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

    pub(super) fn hash(&self) -> u64 {
        self.hash.value()
    }

    /// What it says, when that was wanted.
    pub(super) fn decoded(&self) -> &str {
        &self.decoded
    }

    /// Takes what belongs to it from the front; whether its last quotation mark was found.
    pub(super) fn take<const DECODE: bool>(&mut self, from: &mut Part<'_>, most: u32) -> Result<bool, Fault> {
        loop {
            if self.place == Place::Plain {
                let length = plain(from.rest());
                match from.text(length).filter(|_| self.part_length == 0) {
                    Some(text) => self.whole::<DECODE>(text),
                    None => self.run::<DECODE>(from.rest().get(..length).unwrap_or_default(), most)?,
                }
                from.leave_out(length);
                self.within(most)?;
            }
            let Some(byte) = from.next() else { return Ok(false) };
            match self.place {
                Place::Plain if self.part_length > 0 => return Err(Fault::NotUtf8),
                Place::Plain => match byte {
                    b'"' => {
                        from.skip();
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
            from.skip();
        }
    }

    fn within(&self, most: u32) -> Result<(), Fault> {
        if self.characters > most { Err(Fault::LongString) } else { Ok(()) }
    }

    /// Characters that stand for themselves.
    fn whole<const DECODE: bool>(&mut self, text: &str) {
        if self.key {
            self.hash.update(text.as_bytes());
        }
        let count = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
        self.characters = self.characters.saturating_add(count);
        if DECODE {
            self.decoded.push_str(text);
        }
    }

    /// Bytes that stand for themselves, and begin or end in the middle of a character.
    fn run<const DECODE: bool>(&mut self, run: &[u8], most: u32) -> Result<(), Fault> {
        if self.key {
            self.hash.update(run);
        }
        let mut run = run;
        while self.part_length > 0 {
            let Some((&byte, after)) = run.split_first() else { return Ok(()) };
            self.complete::<DECODE>(byte)?;
            run = after;
        }
        let (whole, part, broken) = match std::str::from_utf8(run) {
            Ok(whole) => (whole, &[][..], false),
            Err(error) => {
                let (whole, part) = run.split_at_checked(error.valid_up_to()).unwrap_or_default();
                let whole = std::str::from_utf8(whole).map_err(|_| Fault::NotUtf8)?;
                (whole, part, error.error_len().is_some())
            }
        };
        let count = u32::try_from(whole.chars().count()).unwrap_or(u32::MAX);
        self.characters = self.characters.saturating_add(count);
        if broken {
            // What is too long before it is found first, as when the bytes come one by one.
            self.within(most)?;
            return Err(Fault::NotUtf8);
        }
        for (place, byte) in self.part.iter_mut().zip(part) {
            *place = *byte;
        }
        self.part_length = part.len();
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

/// How many bytes at the front are neither quotation mark nor backslash nor control character.
pub(super) fn plain(bytes: &[u8]) -> usize {
    until(bytes, |byte| (byte < b' ') | (byte == b'"') | (byte == b'\\'))
}
