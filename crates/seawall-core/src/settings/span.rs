//! Durations as words: `"30s"`, `"1500ms"`, `"15min"`.

use std::{fmt, time::Duration};

use super::raw::{Raw, Setting, Shape};

/// A length of time in whole milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(u64);

/// Units with their length in milliseconds; the first name of each is the one printed.
const UNITS: &[(&[&str], u64)] = &[
    (&["ms"], 1),
    (&["s", "sec", "second", "seconds"], 1_000),
    (&["min", "m", "minute", "minutes"], 60_000),
    (&["h", "hour", "hours"], 3_600_000),
    (&["day", "d", "days"], 86_400_000),
];

impl Span {
    /// So many milliseconds.
    #[must_use]
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms)
    }

    /// The number of milliseconds.
    #[must_use]
    pub const fn ms(self) -> u64 {
        self.0
    }

    /// The number of microseconds.
    #[must_use]
    pub const fn us(self) -> u64 {
        self.0.saturating_mul(1_000)
    }

    /// As the standard library has it.
    #[must_use]
    pub const fn duration(self) -> Duration {
        Duration::from_millis(self.0)
    }

    /// The span in `text`; a unit without a number means one (`"min"`), as in a rate.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let unit = unit.trim();
        let (_, scale) = UNITS.iter().find(|(names, _)| names.contains(&unit))?;
        let number = if number.is_empty() { 1 } else { number.parse::<u64>().ok()? };
        number.checked_mul(*scale).map(Self)
    }
}

impl fmt::Display for Span {
    /// The largest unit that divides it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let largest = UNITS.iter().rev().find(|(_, scale)| self.0 > 0 && self.0.is_multiple_of(*scale));
        match largest {
            Some((names, scale)) => write!(f, "{}{}", self.0 / scale, names.first().copied().unwrap_or_default()),
            None => f.write_str("0s"),
        }
    }
}

impl Setting for Span {
    const SHAPE: Shape = Shape::Text("duration", "30s");

    fn read(raw: &Raw) -> Result<Self, String> {
        let Raw::Text(text) = raw else {
            return Err(format!("expected a duration as text, such as \"30s\", found {}", raw.kind()));
        };
        let numbered = text.trim_start().starts_with(|c: char| c.is_ascii_digit());
        Self::parse(text).filter(|_| numbered).ok_or_else(|| {
            format!("\"{text}\" is not a duration; write a whole number and ms, s, min, h or day, such as \"30s\"")
        })
    }

    fn measure(&self) -> Option<u64> {
        Some(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_write_them() {
        for (text, ms) in [
            ("30s", 30_000),
            ("1500 ms", 1_500),
            ("15min", 900_000),
            ("2 hours", 7_200_000),
            ("1 day", 86_400_000),
            ("min", 60_000),
        ] {
            assert_eq!(Span::parse(text), Some(Span(ms)), "{text}");
        }
        for text in ["", "30", "1.5s", "-1s", "1 fortnight", "99999999999999999999s", "1M"] {
            assert_eq!(Span::parse(text), None, "{text}");
        }
        assert!(Span::read(&Raw::Text("min".to_owned())).is_err(), "a duration needs its number");
    }

    #[test]
    fn durations_print_as_they_read() {
        for (text, printed) in [("60s", "1min"), ("90s", "90s"), ("24h", "1day"), ("0s", "0s"), ("1ms", "1ms")] {
            let span = Span::parse(text).unwrap();
            assert_eq!(span.to_string(), printed);
            assert_eq!(Span::parse(printed), Some(span));
        }
    }
}
