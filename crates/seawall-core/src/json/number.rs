//! A number, as it arrives.

use super::{Fault, part::Part};

/// The longest number there can be.
pub(super) const LONGEST: usize = 64;

/// How far a number is (RFC 8259 section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Begun,
    Minus,
    Zero,
    Whole,
    Point,
    Fraction,
    Exponent,
    Sign,
    Power,
}

/// A number that is being read.
#[derive(Clone, Debug)]
pub(super) struct Number {
    place: Place,
    bytes: [u8; LONGEST],
    length: usize,
}

impl Number {
    pub(super) const fn new() -> Self {
        Self { place: Place::Begun, bytes: [0; LONGEST], length: 0 }
    }

    pub(super) const fn begin(&mut self) {
        self.place = Place::Begun;
        self.length = 0;
    }

    /// Takes what belongs to it from the front; whether its end was found.
    pub(super) fn take(&mut self, from: &mut Part<'_>, most: u8) -> Result<bool, Fault> {
        while let Some(byte) = from.next() {
            let Some(place) = self.place.after(byte) else { return Ok(true) };
            let most = usize::from(most).min(LONGEST);
            match self.bytes.get_mut(self.length) {
                Some(slot) if self.length < most => *slot = byte,
                _ => return Err(Fault::LongNumber),
            }
            self.length += 1;
            self.place = place;
            from.skip();
        }
        Ok(false)
    }

    /// The number, once its end was found.
    pub(super) fn end(&self) -> Result<&str, Fault> {
        let text = self.bytes.get(..self.length).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default();
        match self.place {
            Place::Zero | Place::Whole | Place::Fraction => Ok(text),
            Place::Power if text.parse::<f64>().is_ok_and(f64::is_finite) => Ok(text),
            Place::Power => Err(Fault::LargeNumber),
            Place::Begun | Place::Minus | Place::Point | Place::Exponent | Place::Sign => Err(Fault::BadNumber),
        }
    }
}

impl Place {
    /// How far it is with this byte; nothing when the byte is none of it.
    const fn after(self, byte: u8) -> Option<Self> {
        match (self, byte) {
            (Self::Begun, b'-') => Some(Self::Minus),
            (Self::Begun | Self::Minus, b'0') => Some(Self::Zero),
            (Self::Begun | Self::Minus, b'1'..=b'9') | (Self::Whole, b'0'..=b'9') => Some(Self::Whole),
            (Self::Zero | Self::Whole, b'.') => Some(Self::Point),
            (Self::Point | Self::Fraction, b'0'..=b'9') => Some(Self::Fraction),
            (Self::Zero | Self::Whole | Self::Fraction, b'e' | b'E') => Some(Self::Exponent),
            (Self::Exponent, b'+' | b'-') => Some(Self::Sign),
            (Self::Exponent | Self::Sign | Self::Power, b'0'..=b'9') => Some(Self::Power),
            _ => None,
        }
    }
}
