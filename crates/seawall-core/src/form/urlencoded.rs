//! `application/x-www-form-urlencoded`: pairs of a name and a value, with percent-encoding.

use super::{
    Fault, Limits, Refusal,
    characters::Characters,
    name::{Name, Names},
};
use crate::word::until;

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
                            self.name.begin();
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
    #[inline(always)]
    fn whole_name(&mut self, rest: &mut &[u8]) -> Result<bool, Fault> {
        let length = until(rest, name_stops);
        let (name, behind) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        let Some((b'=', after)) = behind.split_first() else { return Ok(false) };
        if length > self.limits.characters as usize {
            return Ok(false);
        }
        *rest = behind;
        self.names.plain(name, &self.limits)?;
        self.place = Place::Value;
        *rest = after;
        Ok(true)
    }

    /// Takes what is plain of a name, and the sign behind it.
    fn plain_name(&mut self, rest: &mut &[u8]) -> Result<(), Fault> {
        let length = until(rest, name_stops);
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
    #[inline(always)]
    fn plain_value(&mut self, rest: &mut &[u8]) -> Result<bool, Fault> {
        let (mut here, mut characters) = (*rest, 0);
        let ended = loop {
            let run = until(here, value_stops);
            characters += run;
            let Some((_, behind)) = here.split_at_checked(run) else { break Ok(()) };
            here = behind;
            let [b'%', high, low, after @ ..] = here else { break Ok(()) };
            match byte(*high, *low) {
                None | Some(0) => break Ok(()),
                Some(1..0x80) => characters += 1,
                Some(byte) => match second(byte, after) {
                    Some(after) if self.value.whole() => {
                        characters += 1;
                        here = after;
                        continue;
                    }
                    _ => {
                        let added = self.value.ascii(std::mem::take(&mut characters));
                        if let Err(fault) = added.and_then(|()| self.value.push(byte)) {
                            break Err(fault);
                        }
                    }
                },
            }
            here = after;
        };
        let taken = here.len() < rest.len();
        *rest = here;
        ended?;
        self.value.ascii(characters)?;
        if let Some((b'&', after)) = rest.split_first() {
            self.end_pair()?;
            *rest = after;
            return Ok(true);
        }
        Ok(taken)
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
#[inline(always)]
fn byte(high: u8, low: u8) -> Option<u8> {
    let (high, low) = (DIGITS.get(usize::from(high))?, DIGITS.get(usize::from(low))?);
    (high | low < 16).then_some(high << 4 | low)
}

/// What is behind the second byte of a character of two, when that comes next.
#[inline(always)]
fn second(first: u8, rest: &[u8]) -> Option<&[u8]> {
    let [b'%', high, low, after @ ..] = rest else { return None };
    (matches!(first, 0xc2..=0xdf) && matches!(byte(*high, *low), Some(0x80..=0xbf))).then_some(after)
}

/// Whether a byte of a value does not stand for itself, or for a space.
#[inline(always)]
const fn value_stops(byte: u8) -> bool {
    // One more than 0x7f is negative, as what is no ASCII is, or zero.
    (byte.wrapping_add(1).cast_signed() <= b' '.cast_signed()) | (byte == b'&') | (byte == b'%')
}

/// The same in a name, where a bracket counts.
#[inline(always)]
const fn name_stops(byte: u8) -> bool {
    value_stops(byte) | (byte == b'+') | (byte == b'=') | (byte == b'[')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_stop_that_do_not_stand_for_themselves() {
        for byte in 0..=u8::MAX {
            let value = !matches!(byte, b' '..0x7f) || matches!(byte, b'&' | b'%');
            assert_eq!(value_stops(byte), value, "{byte:#x}");
            assert_eq!(name_stops(byte), value || matches!(byte, b'+' | b'=' | b'['), "{byte:#x}");
        }
        let digits = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        assert!((0..=u8::MAX).all(|byte| digit(byte) == digits(byte)));
    }
}
