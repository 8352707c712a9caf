//! The time of a line: RFC 3339 in UTC with microseconds.

use std::io::Write;

use jiff::Timestamp;

use super::json::digits;

/// Writes times; the part down to the second is kept until the second changes.
#[derive(Clone, Debug)]
pub(crate) struct Stamp {
    second: u64,
    /// `2026-11-05T12:00:00`
    text: [u8; LENGTH],
}

const LENGTH: usize = 19;

/// Where the time of day begins.
const TIME_OF_DAY: usize = 11;

impl Stamp {
    pub(crate) fn new() -> Self {
        Self { second: 0, text: *b"1970-01-01T00:00:00" }
    }

    /// Appends `2026-11-05T12:00:00.000001Z`.
    pub(crate) fn write(&mut self, out: &mut Vec<u8>, unix_us: u64) {
        out.extend_from_slice(self.at(unix_us));
        out.push(b'.');
        digits::<6>(out, unix_us % 1_000_000);
        out.push(b'Z');
    }

    /// Appends `12:00:00.000`, for people.
    pub(crate) fn write_time_of_day(&mut self, out: &mut Vec<u8>, unix_us: u64) {
        out.extend_from_slice(self.at(unix_us).get(TIME_OF_DAY..).unwrap_or_default());
        out.push(b'.');
        digits::<3>(out, unix_us / 1_000 % 1_000);
    }

    fn at(&mut self, unix_us: u64) -> &[u8] {
        let second = unix_us / 1_000_000;
        if second != self.second
            && let Some(time) = i64::try_from(second).ok().and_then(|second| Timestamp::from_second(second).ok())
        {
            self.second = second;
            // The text has the length of the array, but for the Z that does not fit.
            let _ = write!(&mut self.text[..], "{time}");
        }
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_with_microseconds() {
        let mut stamp = Stamp::new();
        for (unix_us, expected) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (1_793_880_000_000_001, "2026-11-05T12:00:00.000001Z"),
            (1_793_880_000_999_999, "2026-11-05T12:00:00.999999Z"),
            (1_709_251_199_000_000, "2024-02-29T23:59:59.000000Z"),
        ] {
            let mut out = Vec::new();
            stamp.write(&mut out, unix_us);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
        let mut out = Vec::new();
        stamp.write_time_of_day(&mut out, 1_793_880_000_012_345);
        assert_eq!(out, b"12:00:00.012");
    }

    #[test]
    fn a_time_beyond_the_calendar_still_writes_a_line() {
        let mut out = Vec::new();
        Stamp::new().write(&mut out, u64::MAX);
        assert_eq!(out.len(), "1970-01-01T00:00:00.000000Z".len());
    }
}
