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
        plain(text.as_bytes()).or_else(|| Self::parse(text))
    }

    fn parse(text: &str) -> Option<Self> {
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

/// Powers of ten that floating point holds exactly.
const TENS: [f64; 16] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// A number of at most fifteen digits, with a point in it or not, and nothing else.
fn plain(text: &[u8]) -> Option<Number> {
    let (mut digits, mut whole, mut after) = (0_u64, 0_usize, None::<usize>);
    for byte in text {
        match byte {
            b'0'..=b'9' if whole + after.unwrap_or_default() < 15 => {
                digits = digits * 10 + u64::from(byte - b'0');
                match &mut after {
                    Some(after) => *after += 1,
                    None => whole += 1,
                }
            }
            b'.' if after.is_none() && whole > 0 => after = Some(0),
            _ => return None,
        }
    }
    match after {
        None if whole > 0 => Some(Number::Integer(digits.into())),
        // Both are exact, so their quotient is the number's nearest.
        #[expect(clippy::cast_precision_loss, reason = "fifteen digits are exact")]
        Some(after) if after > 0 => TENS.get(after).map(|ten| Number::Float(digits as f64 / ten)),
        _ => None,
    }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_number_is_the_one_that_was_written(text in "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?") {
            let number = Number::of(&text);
            prop_assert_eq!(number.float(), text.parse::<f64>().unwrap(), "{}", text);
            prop_assert_eq!(matches!(number, Number::Integer(_)), text.parse::<i128>().is_ok(), "{}", text);
        }
    }

    #[test]
    fn what_is_near_a_number_is_none() {
        for text in ["", ".", "1.", ".5", "1.2.3", "-", "1,5", "1e", " 1"] {
            assert!(Number::read(text).is_none(), "{text}");
        }
    }
}
