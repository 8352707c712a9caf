//! `application/x-www-form-urlencoded`: pairs of a name and a value, with percent-encoding.

use super::{
    Fault, Limits, Refusal,
    characters::Characters,
    name::{Name, Names},
};
use crate::{
    json::keys::KeyHash,
    word::{HIGHS, ONES, WORD, until},
};

/// Where in a pair the reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before it.
    Before,
    Name,
    Value,
}

/// How much of a percent-encoded byte was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Percent {
    None,
    Sign,
    Digit(u8),
}

/// Reads a form in parts.
#[derive(Debug)]
pub struct Urlencoded {
    limits: Limits,
    place: Place,
    percent: Percent,
    fields: u32,
    name: Name,
    value: Characters,
    names: Names,
    /// Bytes of the parts before.
    before: u64,
}

impl Urlencoded {
    /// A reader at the start of a form.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            place: Place::Before,
            percent: Percent::None,
            fields: 0,
            name: Name::new(&limits),
            value: Characters::new(limits.characters),
            names: Names::default(),
            before: 0,
        }
    }

    /// Reads the next part. Nothing may be fed after a refusal.
    ///
    /// # Errors
    /// [`Refusal`]: the form is refused, whatever follows.
    pub fn feed(&mut self, part: &[u8]) -> Result<(), Refusal> {
        let mut rest = part;
        let read = self.read(&mut rest);
        self.before += (part.len() - rest.len()) as u64;
        read.map_err(|fault| Refusal { fault, at: self.before })
    }

    /// The form is over.
    ///
    /// # Errors
    /// [`Refusal`]: it ends in the middle of a character.
    pub fn finish(mut self) -> Result<(), Refusal> {
        let ended = match self.percent {
            Percent::None => self.end_pair(),
            Percent::Sign | Percent::Digit(_) => Err(Fault::BadPercent),
        };
        ended.map_err(|fault| Refusal { fault, at: self.before })
    }

    fn read(&mut self, rest: &mut &[u8]) -> Result<(), Fault> {
        while let Some((&byte, after)) = rest.split_first() {
            if self.percent == Percent::None {
                match self.place {
                    Place::Before if byte != b'&' => {
                        self.begin_pair()?;
                        if !self.whole_name(rest)? {
                            self.plain_name(rest)?;
                        }
                        continue;
                    }
                    Place::Value => {
                        if self.plain_value(rest)? {
                            continue;
                        }
                    }
                    Place::Before | Place::Name => {}
                }
            }
            self.byte(byte)?;
            *rest = after;
        }
        Ok(())
    }

    /// Takes a name that is plain, and whole in this part, and the sign behind it; whether it was so.
    fn whole_name(&mut self, rest: &mut &[u8]) -> Result<bool, Fault> {
        let mut hash = KeyHash::new();
        let mut length = 0;
        loop {
            let word = rest.get(length..).and_then(|rest| rest.first_chunk::<WORD>());
            let Some(word) = word.map(|word| u64::from_le_bytes(*word)) else { return Ok(false) };
            let stops = name_stops(word);
            if stops != 0 {
                let before = stops.trailing_zeros() / 8;
                hash.add(word & (1_u64 << (before * 8)).wrapping_sub(1), before as usize);
                length += before as usize;
                break;
            }
            hash.add(word, WORD);
            length += WORD;
        }
        let Some((b'=', after)) = rest.get(length..).and_then(<[u8]>::split_first) else { return Ok(false) };
        if length > self.limits.characters as usize {
            return Ok(false);
        }
        self.names.plain(hash, &self.limits)?;
        self.place = Place::Value;
        *rest = after;
        Ok(true)
    }

    /// Takes what is plain of a name, and the sign behind it.
    fn plain_name(&mut self, rest: &mut &[u8]) -> Result<(), Fault> {
        let length = rest.iter().position(|byte| stops(*byte)[1]).unwrap_or(rest.len());
        let (run, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        self.name.run(run, &self.limits)?;
        *rest = after;
        if let Some((b'=', after)) = after.split_first() {
            self.end_name()?;
            *rest = after;
        }
        Ok(())
    }

    /// Takes what is plain of a value: characters that stand for themselves or for a space, and what is encoded as it should be; then the
    /// sign behind it. Whether that was any.
    fn plain_value(&mut self, rest: &mut &[u8]) -> Result<bool, Fault> {
        let length = rest.len();
        let mut characters = 0;
        loop {
            let run = plain(rest);
            characters += run;
            *rest = rest.get(run..).unwrap_or_default();
            let [b'%', high, low, after @ ..] = *rest else { break };
            match byte(*high, *low) {
                None | Some(0) => break,
                Some(1..0x80) => characters += 1,
                Some(byte) => {
                    self.value.ascii(std::mem::take(&mut characters))?;
                    self.value.push(byte)?;
                }
            }
            *rest = after;
        }
        self.value.ascii(characters)?;
        if let Some((b'&', after)) = rest.split_first() {
            self.end_pair()?;
            *rest = after;
        }
        Ok(rest.len() < length)
    }

    fn byte(&mut self, byte: u8) -> Result<(), Fault> {
        match (self.percent, digit(byte)) {
            (Percent::None, _) => {}
            (Percent::Sign, Some(digit)) => {
                self.percent = Percent::Digit(digit);
                return Ok(());
            }
            (Percent::Digit(high), Some(low)) => {
                self.percent = Percent::None;
                return self.push(high << 4 | low);
            }
            (Percent::Sign | Percent::Digit(_), None) => return Err(Fault::BadPercent),
        }
        if byte == b'&' {
            return self.end_pair();
        }
        match byte {
            b'%' => self.percent = Percent::Sign,
            b'+' => self.push(b' ')?,
            b'=' if self.place == Place::Name => self.end_name()?,
            0 => return Err(Fault::Null),
            1..b' ' | 0x7f => return Err(Fault::ControlCharacter),
            byte => self.push(byte)?,
        }
        Ok(())
    }

    /// One decoded byte.
    fn push(&mut self, byte: u8) -> Result<(), Fault> {
        if self.place == Place::Name { self.name.push(byte, &self.limits) } else { self.value.push(byte) }
    }

    fn begin_pair(&mut self) -> Result<(), Fault> {
        self.fields += 1;
        if self.fields > self.limits.fields {
            return Err(Fault::TooManyFields);
        }
        self.name.begin();
        self.value.begin();
        self.place = Place::Name;
        Ok(())
    }

    fn end_name(&mut self) -> Result<(), Fault> {
        self.name.end(&self.limits, &mut self.names)?;
        self.place = Place::Value;
        Ok(())
    }

    fn end_pair(&mut self) -> Result<(), Fault> {
        match std::mem::replace(&mut self.place, Place::Before) {
            Place::Before => Ok(()),
            Place::Name => self.name.end(&self.limits, &mut self.names),
            Place::Value => self.value.end(),
        }
    }
}

/// No digit.
const NONE: u8 = 0xff;

/// What a byte is as a hexadecimal digit.
const DIGITS: [u8; 256] = {
    let mut digits = [NONE; 256];
    let mut value = 0;
    while value < 16 {
        #[expect(clippy::indexing_slicing, reason = "computed when it is compiled")]
        {
            digits[b"0123456789abcdef"[value as usize] as usize] = value;
            digits[b"0123456789ABCDEF"[value as usize] as usize] = value;
        }
        value += 1;
    }
    digits
};

fn digit(byte: u8) -> Option<u8> {
    DIGITS.get(usize::from(byte)).copied().filter(|digit| *digit != NONE)
}

/// The byte of two digits.
fn byte(high: u8, low: u8) -> Option<u8> {
    Some(digit(high)? << 4 | digit(low)?)
}

/// Whether a byte stops a run in a value, or in a name.
const fn stops(byte: u8) -> [bool; 2] {
    let value = !matches!(byte, b' '..0x7f) || matches!(byte, b'&' | b'%');
    [value, value || matches!(byte, b'+' | b'=' | b'[')]
}

/// The highest bit of each byte that is zero, up to the first; other bits mean nothing.
const fn zero(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word
}

/// The highest bit of each byte that stops a run in a value, up to the first.
const fn value_stops(word: u64) -> u64 {
    // One more than 0x7f has the highest bit, as what is no ASCII has.
    let no_text = word | word.wrapping_add(ONES) | (word.wrapping_sub(ONES * b' ' as u64) & !word);
    (no_text | zero(word ^ (ONES * b'&' as u64)) | zero(word ^ (ONES * b'%' as u64))) & HIGHS
}

/// The same in a name.
const fn name_stops(word: u64) -> u64 {
    let more =
        zero(word ^ (ONES * b'+' as u64)) | zero(word ^ (ONES * b'=' as u64)) | zero(word ^ (ONES * b'[' as u64));
    value_stops(word) | (more & HIGHS)
}

/// How many bytes at the front of a value stand for themselves, or for a space: one character each.
#[inline(always)]
fn plain(bytes: &[u8]) -> usize {
    until(bytes, value_stops, |byte| stops(byte)[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stop_where_bytes_do() {
        for byte in 0..=u8::MAX {
            let word = u64::from_le_bytes([b'a', b'b', b'c', byte, 0xff, b'&', 0, b'=']);
            let [value, name] = stops(byte);
            let place = |stops: u64| stops.trailing_zeros() / 8;
            assert_eq!(place(value_stops(word)), if value { 3 } else { 4 }, "{byte:#x}");
            assert_eq!(place(name_stops(word)), if name { 3 } else { 4 }, "{byte:#x}");
        }
        let digits = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        assert!((0..=u8::MAX).all(|byte| digit(byte) == digits(byte)));
    }
}
