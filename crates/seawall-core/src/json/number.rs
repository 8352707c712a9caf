//! A number, as it arrives.

use super::Fault;

/// The longest number there can be.
const LONGEST: usize = 64;

/// How far a number is (RFC 8259 section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
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
    part: Part,
    bytes: [u8; LONGEST],
    length: usize,
}

impl Number {
    pub(super) const fn new() -> Self {
        Self { part: Part::Begun, bytes: [0; LONGEST], length: 0 }
    }

    pub(super) const fn begin(&mut self) {
        self.part = Part::Begun;
        self.length = 0;
    }

    /// Takes what belongs to it from the front; whether its end was found.
    pub(super) fn take(&mut self, rest: &mut &[u8], most: u8) -> Result<bool, Fault> {
        while let Some((&byte, after)) = rest.split_first() {
            let Some(part) = self.part.after(byte) else { return Ok(true) };
            let most = usize::from(most).min(LONGEST);
            match self.bytes.get_mut(self.length) {
                Some(place) if self.length < most => *place = byte,
                _ => return Err(Fault::LongNumber),
            }
            self.length += 1;
            self.part = part;
            *rest = after;
        }
        Ok(false)
    }

    /// The number, once its end was found.
    pub(super) fn end(&self) -> Result<&str, Fault> {
        let text = self.bytes.get(..self.length).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default();
        match self.part {
            Part::Zero | Part::Whole | Part::Fraction => Ok(text),
            Part::Power if text.parse::<f64>().is_ok_and(f64::is_finite) => Ok(text),
            Part::Power => Err(Fault::LargeNumber),
            Part::Begun | Part::Minus | Part::Point | Part::Exponent | Part::Sign => Err(Fault::BadNumber),
        }
    }
}

impl Part {
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
