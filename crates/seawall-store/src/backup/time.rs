//! Times in names and messages.

use jiff::Timestamp;
use seawall_core::clock::Clock;

/// Microseconds since 1970-01-01T00:00:00Z by this clock.
pub(super) fn now_us(clock: &dyn Clock) -> i64 {
    i64::try_from(clock.now().unix_us).unwrap_or(i64::MAX)
}

/// A time as it stands in names, which sort like the times they hold: `20261121T151800.000000Z`.
pub(super) fn compact(at_us: i64) -> String {
    Timestamp::from_microsecond(at_us)
        .map_or_else(|_| at_us.to_string(), |at| at.strftime("%Y%m%dT%H%M%S%.6fZ").to_string())
}

/// A time for people: RFC 3339, UTC.
pub(super) fn plain(at_us: i64) -> String {
    Timestamp::from_microsecond(at_us).map_or_else(|_| at_us.to_string(), |at| at.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_like_times() {
        assert_eq!(compact(0), "19700101T000000.000000Z");
        assert_eq!(compact(1_700_000_000_123_456), "20231114T221320.123456Z");
        assert_eq!(plain(1_700_000_000_000_000), "2023-11-14T22:13:20Z");
    }
}
