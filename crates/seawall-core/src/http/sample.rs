//! The share of traces that are recorded.

use std::fmt;

use crate::settings::{Raw, Setting, Shape};

/// A share between 0 % and 100 %, in parts of a million.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sample(u32);

/// The whole.
const WHOLE: u32 = 1_000_000;

/// Digits after the point of a percentage that a part of a million still shows.
const DIGITS: usize = 4;

impl Sample {
    /// The share in `text`: `"1%"`, `"0.5%"`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let number = text.trim().strip_suffix('%')?.trim_end();
        let (percent, fraction) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(percent) || !digits(fraction) || fraction.len() > DIGITS {
            return None;
        }
        let parts = format!("{percent}{fraction:0<DIGITS$}").parse().ok()?;
        (parts <= WHOLE).then_some(Self(parts))
    }

    /// Whether the trace of this id is recorded: when its random part (the last 56 bits, W3C Trace Context level 2) is not
    /// below the threshold, as OpenTelemetry's consistent sampling has it. All who decide so by one share decide alike.
    #[must_use]
    pub const fn takes(self, trace_id: u128) -> bool {
        let random = trace_id & ((1 << 56) - 1);
        random * (WHOLE as u128) >= ((WHOLE - self.0) as u128) << 56
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (percent, fraction) = (self.0 / 10_000, self.0 % 10_000);
        match fraction {
            0 => write!(f, "{percent}%"),
            _ => write!(f, "{percent}.{}%", format!("{fraction:04}").trim_end_matches('0')),
        }
    }
}

impl Setting for Sample {
    const SHAPE: Shape = Shape::Text("percentage", "1%");

    fn read(raw: &Raw) -> Result<Self, String> {
        let Raw::Text(text) = raw else {
            return Err(format!("expected a percentage as text, such as \"1%\", found {}", raw.kind()));
        };
        Self::parse(text).ok_or_else(|| {
            format!(
                "\"{text}\" is not a percentage; write a number between 0 and 100 and %, such as \"1%\" or \"0.5%\""
            )
        })
    }

    fn measure(&self) -> Option<u64> {
        Some(self.0.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_read_as_people_write_them() {
        for (text, parts, printed) in [
            ("1%", 10_000, "1%"),
            ("0%", 0, "0%"),
            ("100%", WHOLE, "100%"),
            ("0.5 %", 5_000, "0.5%"),
            ("12.3456%", 123_456, "12.3456%"),
        ] {
            let sample = Sample::parse(text).unwrap();
            assert_eq!((sample.0, sample.to_string().as_str()), (parts, printed), "{text}");
        }
        for text in ["", "%", "1", "-1%", "101%", "100.1%", "1,5%", "0.00001%", "1.%", ".5%", "99999999999%"] {
            assert_eq!(Sample::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_share_takes_its_share() {
        let ids = (0..10_000_u128).map(|n| (n << 56).div_ceil(10_000));
        for (text, taken) in [("0%", 0), ("1%", 100), ("50%", 5_000), ("100%", 10_000)] {
            let sample = Sample::parse(text).unwrap();
            assert_eq!(ids.clone().filter(|&id| sample.takes(id)).count(), taken, "{text}");
        }
        assert!(Sample::parse("100%").unwrap().takes(u128::MAX));
        assert!(!Sample::parse("0%").unwrap().takes(0));
    }
}
