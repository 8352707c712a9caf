//! Days and months of a calendar, in a time zone.

use jiff::{
    Timestamp, ToSpan, Zoned,
    civil::{Date, Time},
    tz::TimeZone,
};
use seawall_core::settings::{Raw, Setting, Shape, choice};

/// How long a budget lasts before it begins anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Per {
    Day,
    Month,
}

impl Setting for Per {
    const SHAPE: Shape = Shape::Choice(&["day", "month"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &[("day", Self::Day), ("month", Self::Month)])
    }
}

/// A time zone of the system's database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Zone(pub(crate) TimeZone);

impl Setting for Zone {
    const SHAPE: Shape = Shape::Text("time zone", "Europe/Berlin");

    fn read(raw: &Raw) -> Result<Self, String> {
        let Raw::Text(text) = raw else { return Err(format!("expected text, found {}", raw.kind())) };
        if text == "UTC" {
            return Ok(Self(TimeZone::UTC));
        }
        let unknown =
            || format!("\"{}\" is no time zone that this system knows, such as \"Europe/Berlin\"", text.escape_debug());
        TimeZone::get(text).map(Self).map_err(|_| unknown())
    }
}

/// A day or a month: its name, and when it begins and ends in microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Period {
    pub(crate) name: String,
    pub(crate) begins_at_us: i64,
    pub(crate) ends_at_us: i64,
}

impl Period {
    /// The one that holds this moment. Beyond the calendar it never ends.
    pub(crate) fn at(unix_us: u64, per: Per, zone: &Zone) -> Self {
        let found = i64::try_from(unix_us).ok().and_then(|us| Timestamp::from_microsecond(us).ok());
        found.and_then(|at| around(&at.to_zoned(zone.0.clone()), per)).unwrap_or_else(|| Self {
            name: "for ever".to_owned(),
            begins_at_us: 0,
            ends_at_us: i64::MAX,
        })
    }
}

fn around(at: &Zoned, per: Per) -> Option<Period> {
    let date = at.date();
    let (name, first, next): (String, Date, Date) = match per {
        Per::Day => (date.to_string(), date, date.checked_add(1.day()).ok()?),
        Per::Month => {
            let first = date.first_of_month();
            (date.strftime("%Y-%m").to_string(), first, first.checked_add(1.month()).ok()?)
        }
    };
    let midnight = |date: Date| {
        let midnight = date.to_datetime(Time::midnight()).to_zoned(at.time_zone().clone()).ok()?;
        Some(midnight.timestamp().as_microsecond())
    };
    Some(Period { name, begins_at_us: midnight(first)?, ends_at_us: midnight(next)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(moment: &str, per: Per, zone: &str) -> (String, String) {
        let us = moment.parse::<Timestamp>().unwrap().as_microsecond();
        let zone = Zone::read(&Raw::Text(zone.to_owned())).unwrap();
        let period = Period::at(us.try_into().unwrap(), per, &zone);
        (period.name, Timestamp::from_microsecond(period.ends_at_us).unwrap().to_string())
    }

    #[test]
    fn days_and_months_are_those_of_the_zone() {
        let check = |moment, per, zone, name: &str, end: &str| {
            assert_eq!(at(moment, per, zone), (name.into(), end.into()), "{moment}");
        };
        check("2026-11-22T23:59:59Z", Per::Day, "UTC", "2026-11-22", "2026-11-23T00:00:00Z");
        check("2026-11-22T23:30:00Z", Per::Day, "Europe/Berlin", "2026-11-23", "2026-11-23T23:00:00Z");
        check("2026-12-31T12:00:00Z", Per::Month, "UTC", "2026-12", "2027-01-01T00:00:00Z");
        // A day of 23 hours.
        check("2026-03-29T12:00:00Z", Per::Day, "Europe/Berlin", "2026-03-29", "2026-03-29T22:00:00Z");
        assert!(Zone::read(&Raw::Text("Mars/Olympus".to_owned())).is_err());
    }
}
