//! Dates and times of RFC 3339, and whether they are in the future. A date ends when it ends in UTC.

use seawall_core::clock::Now;

const DAY_US: u64 = 86_400_000_000;

/// The day that it is, counted from 1970.
fn today(now: Now) -> i64 {
    i64::try_from(now.unix_us / DAY_US).unwrap_or(i64::MAX)
}

/// Whether text is a date or a time that has not come yet. What is neither is not.
pub(in crate::schema) fn date_in_future(text: &str, now: Now) -> bool {
    if let Some(day) = date(text) {
        return day > today(now);
    }
    date_time(text).is_some_and(|second| second > i64::try_from(now.unix_us / 1_000_000).unwrap_or(i64::MAX))
}

/// A date as the days from 1970 on.
pub(super) fn date(text: &str) -> Option<i64> {
    let &[y, e, a, r, b'-', m, n, b'-', d, f] = text.as_bytes() else { return None };
    let (year, month, day) = (digits(y, e)? * 100 + digits(a, r)?, digits(m, n)?, digits(d, f)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    (1..=days).contains(&day).then(|| days_from_1970(year, month, day))
}

/// A time as the seconds from 1970 on.
pub(super) fn date_time(text: &str) -> Option<i64> {
    let (day, clock) = (text.get(..10)?, text.get(10..)?);
    let clock = clock.strip_prefix(['T', 't', ' '])?;
    Some(date(day)? * 86_400 + time(clock)?)
}

/// A time of day with its zone, as seconds of the day in UTC.
pub(super) fn time(text: &str) -> Option<i64> {
    let [hour, minute, second] = clock(text.get(..8)?)?;
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut rest = text.get(8..)?;
    if let Some(fraction) = rest.strip_prefix('.') {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        rest = fraction.get(digits..).filter(|_| digits > 0)?;
    }
    Some(hour * 3_600 + minute * 60 + second - zone(rest)?)
}

fn clock(text: &str) -> Option<[i64; 3]> {
    let &[h, o, b':', m, n, b':', s, t] = text.as_bytes() else { return None };
    Some([digits(h, o)?, digits(m, n)?, digits(s, t)?])
}

/// The seconds that a zone is ahead of UTC.
fn zone(text: &str) -> Option<i64> {
    if matches!(text, "Z" | "z") {
        return Some(0);
    }
    let sign = match text.bytes().next()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let &[_, h, o, b':', m, n] = text.as_bytes() else { return None };
    let (hours, minutes) = (digits(h, o)?, digits(m, n)?);
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 3_600 + minutes * 60))
}

/// The number of two digits.
fn digits(ten: u8, one: u8) -> Option<i64> {
    (ten.is_ascii_digit() && one.is_ascii_digit()).then(|| i64::from(ten - b'0') * 10 + i64::from(one - b'0'))
}

/// Howard Hinnant's `days_from_civil`, for years from 0 to 9999.
fn days_from_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(date("1970-01-01"), Some(0));
        assert_eq!(date("2024-02-29"), Some(19_782));
        assert_eq!(date("0000-03-01"), Some(-719_468));
        for bad in ["2023-02-29", "2024-13-01", "2024-04-31", "2024-1-01", "24-01-01", "2024-01-0é", "", "+024-01-01"]
        {
            assert_eq!(date(bad), None, "{bad}");
        }
        assert_eq!(date_time("1970-01-02T01:00:00.5+01:00"), Some(86_400));
        for bad in ["2024-01-01T24:00:00Z", "2024-01-01T10:00:00", "2024-01-01T10:00:00.Z", "2024-01-01"] {
            assert_eq!(date_time(bad), None, "{bad}");
        }
    }

    #[test]
    fn pm_6_a_date_is_in_the_future_from_the_next_day_in_utc_on() {
        let now = Now { monotonic_us: 0, unix_us: DAY_US * 19_782 + 5 };
        assert!(!date_in_future("2024-02-29", now) && date_in_future("2024-03-01", now));
        assert!(!date_in_future("2024-02-29T00:00:00Z", now) && date_in_future("2024-02-29T00:00:01Z", now));
        assert!(!date_in_future("2024-02-29T00:30:00+01:00", now) && !date_in_future("no date", now));
    }
}
