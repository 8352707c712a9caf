//! Days as words: `"2026-12-31"`, which begins at midnight UTC.

use std::fmt;

use super::raw::{Raw, Setting, Shape};

/// A day of the Gregorian calendar, from 1970 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day {
    year: u16,
    month: u8,
    day: u8,
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The first of January 1970 was a Thursday.
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

impl Day {
    /// The day in `text`, as ISO 8601 writes it: `2026-12-31`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let shaped = text.len() == 10 && text.bytes().enumerate().all(|(at, byte)| digit_or_dash(at, byte));
        let mut parts = text.split('-');
        let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
        let (year, month, day): (u16, u8, u8) = (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
        let exists = shaped && year >= 1970 && day >= 1 && day <= length(year, month);
        exists.then_some(Self { year, month, day })
    }

    /// When it begins, in seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn begins_at_unix_s(self) -> u64 {
        let years = (1970..self.year).map(|year| if leap(year) { 366 } else { 365 }).sum::<u64>();
        let months = (1..self.month).map(|month| u64::from(length(self.year, month))).sum::<u64>();
        (years + months + u64::from(self.day) - 1) * 86_400
    }

    /// When it begins, as HTTP writes a date (RFC 9110 section 5.6.7).
    #[must_use]
    pub fn http_date(self) -> String {
        let since = usize::try_from(self.begins_at_unix_s() / 86_400).unwrap_or_default();
        let weekday = WEEKDAYS.get(since % 7).copied().unwrap_or_default();
        let month = MONTHS.get(usize::from(self.month).saturating_sub(1)).copied().unwrap_or_default();
        format!("{weekday}, {:02} {month} {:04} 00:00:00 GMT", self.day, self.year)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl Setting for Day {
    const SHAPE: Shape = Shape::Text("day", "2026-12-31");

    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Text(text) => {
                Self::parse(text).ok_or_else(|| format!("\"{text}\" is not a day; write one such as \"2026-12-31\""))
            }
            other => Err(format!("expected a day as text, such as \"2026-12-31\", found {}", other.kind())),
        }
    }
}

const fn digit_or_dash(at: usize, byte: u8) -> bool {
    if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() }
}

const fn leap(year: u16) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// The days of a month; none when there is no such month.
const fn length(year: u16, month: u8) -> u8 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap(year) => 29,
        2 => 28,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (text, unix_s, date) in [
            ("1970-01-01", 0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            ("1994-11-06", 784_080_000, "Sun, 06 Nov 1994 00:00:00 GMT"),
            ("2000-02-29", 951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            ("2026-12-31", 1_798_675_200, "Thu, 31 Dec 2026 00:00:00 GMT"),
            ("9999-12-31", 253_402_214_400, "Fri, 31 Dec 9999 00:00:00 GMT"),
        ] {
            let day = Day::parse(text).unwrap();
            assert_eq!((day.begins_at_unix_s(), &*day.http_date(), &*day.to_string()), (unix_s, date, text));
        }
        for bad in [
            "",
            "2026",
            "2026-13-01",
            "2026-00-01",
            "2026-02-29",
            "2100-02-29",
            "2026-04-31",
            "2026-1-01",
            "1969-12-31",
        ] {
            assert_eq!(Day::parse(bad), None, "{bad}");
        }
        for bad in ["2026-01-00", "2026-01-01T00", "+026-01-01", "2026/01/01", "2026-01-01-1", "20260-1-01"] {
            assert_eq!(Day::parse(bad), None, "{bad}");
        }
        assert!(Day::read(&Raw::Integer(2_026)).is_err());
    }
}
