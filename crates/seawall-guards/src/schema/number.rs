//! Numbers as schemas compare them: whole ones exactly, all others as floating point.

use std::{cmp::Ordering, fmt};

/// The most digits of a whole number that is kept exactly; it fits 128 bits.
const MOST_DIGITS: usize = 30;

/// A number.
#[derive(Clone, Copy, Debug)]
pub(super) enum Number {
    Integer(i128),
    Float(f64),
}

impl Number {
    /// A number of a value, as it was written there.
    pub(super) fn of(text: &str) -> Self {
        // Up to this length a whole number fits 64 bits.
        if text.len() <= 18
            && let Some(whole) = digits(text.as_bytes())
        {
            return Self::Integer(whole.into());
        }
        // The scanner refuses what no 64-bit number holds, so there is always one.
        Self::read(text).unwrap_or(Self::Float(f64::NAN))
    }

    /// A number of a document.
    pub(super) fn in_document(number: &serde_json::Number) -> Self {
        let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
        whole.map_or_else(|| Self::Float(number.as_f64().unwrap_or(f64::NAN)), Self::Integer)
    }

    /// A number as text has it: `-12`, `007`, `1.5e3`. Infinite ones are none.
    pub(super) fn read(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        if !digits.bytes().next()?.is_ascii_digit() || !digits.bytes().last()?.is_ascii_digit() {
            return None;
        }
        if digits.len() <= MOST_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().ok().map(Self::Integer);
        }
        let plain =
            digits.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'));
        text.parse::<f64>().ok().filter(|float| plain && float.is_finite()).map(Self::Float)
    }

    pub(super) fn whole(self) -> bool {
        match self {
            Self::Integer(_) => true,
            Self::Float(float) => float.fract() == 0.0,
        }
    }

    pub(super) fn float(self) -> f64 {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "only compared with floating point")]
            Self::Integer(whole) => whole as f64,
            Self::Float(float) => float,
        }
    }

    pub(super) fn multiple_of(self, of: Self) -> bool {
        match (self, of) {
            (Self::Integer(number), Self::Integer(of)) => of != 0 && number.checked_rem(of) == Some(0),
            _ => {
                let times = self.float() / of.float();
                (times - times.round()).abs() <= 1e-9 * times.abs().max(1.0)
            }
        }
    }
}

/// At least one digit and nothing else.
fn digits(text: &[u8]) -> Option<u64> {
    let digit = |whole: u64, byte: &u8| byte.is_ascii_digit().then(|| whole * 10 + u64::from(byte - b'0'));
    text.iter().try_fold(0, digit).filter(|_| !text.is_empty())
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => Some(a.cmp(b)),
            _ => self.float().partial_cmp(&other.float()),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(whole) => whole.fmt(f),
            Self::Float(float) => float.fmt(f),
        }
    }
}
