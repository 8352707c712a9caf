//! Money: whole billionths of a US dollar, so that sums are exact.

use std::fmt;

use seawall_core::settings::{Raw, Setting, Shape};

/// Billionths of a dollar in a dollar.
const NANOS: u64 = 1_000_000_000;

/// An amount of US dollars, in billionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Money(u64);

impl Money {
    /// So many billionths of a dollar.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Billionths of a dollar.
    #[must_use]
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// Dollars as a price table has them, rounded up: a cap errs to the safe side.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float beyond the range becomes its end, and no number becomes 0"
    )]
    pub(crate) fn from_dollars(dollars: f64) -> Self {
        // Prices are sums of products of floats: what is beyond their precision is no part of the price.
        Self((dollars * 1e9 - 1e-3).ceil().max(0.0) as u64)
    }

    /// The price of so many things of which a million costs this.
    pub(crate) fn of_million(self, things: u64) -> Self {
        let nanos = (u128::from(self.0) * u128::from(things)).div_ceil(1_000_000);
        Self(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// Both together.
    pub(crate) const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// So many times as much.
    pub(crate) const fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(count))
    }

    /// Reads `12`, `0.15` or `$0.000002`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().strip_prefix('$').unwrap_or(text.trim());
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty()
            || !digits(whole)
            || !digits(part)
            || part.len() > 9
            || (part.is_empty() && text.ends_with('.'))
        {
            return None;
        }
        let nanos: u64 = format!("{part:0<9}").parse().ok()?;
        whole.parse::<u64>().ok()?.checked_mul(NANOS)?.checked_add(nanos).map(Self)
    }
}

impl fmt::Display for Money {
    /// `0.0215`: dollars, with at least two decimals and no more than are needed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = format!("{:09}", self.0 % NANOS);
        let kept = part.trim_end_matches('0').len().max(2);
        write!(f, "{}.{}", self.0 / NANOS, part.get(..kept).unwrap_or_default())
    }
}

impl Setting for Money {
    const SHAPE: Shape = Shape::Text("amount of dollars", "0.15");

    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Text(text) => Self::parse(text)
                .ok_or_else(|| format!("\"{}\" is no amount of dollars such as \"0.15\"", text.escape_debug())),
            Raw::Integer(whole) => u64::try_from(*whole)
                .ok()
                .and_then(|whole| whole.checked_mul(NANOS))
                .map(Self)
                .ok_or_else(|| format!("{whole} is no amount of dollars")),
            other => Err(format!("expected dollars as text, such as \"0.15\", found {}", other.kind())),
        }
    }

    fn measure(&self) -> Option<u64> {
        Some(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_and_shown_as_people_write_them() {
        for (text, nanos, shown) in [
            ("12", 12 * NANOS, "12.00"),
            ("$0.15", 150_000_000, "0.15"),
            ("0.000000001", 1, "0.000000001"),
            ("3.10", 3_100_000_000, "3.10"),
        ] {
            assert_eq!((Money::parse(text), Money(nanos).to_string().as_str()), (Some(Money(nanos)), shown), "{text}");
        }
        for wrong in ["", ".", "1.", "-1", "1.0000000001", "1e3", "a", "99999999999"] {
            assert_eq!(Money::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn prices_are_rounded_up_and_exact_where_they_are_exact() {
        assert_eq!(Money::from_dollars(0.1 + 0.2).nanos(), 300_000_000);
        assert_eq!(Money::from_dollars(1.5e-10).nanos(), 1);
        assert_eq!(Money::parse("0.15").unwrap().of_million(1).nanos(), 150);
        assert_eq!(Money::parse("0.0025").unwrap().of_million(1).nanos(), 3);
        assert_eq!(Money::from_dollars(f64::NAN), Money(0));
    }
}
