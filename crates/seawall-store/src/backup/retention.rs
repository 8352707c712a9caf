//! What is kept: decided from times alone.

use std::{collections::BTreeSet, time::Duration};

use jiff::{Timestamp, civil::Date, tz::TimeZone};

/// How many backups are kept of each period; the newest of each counts. Periods without a backup do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Of hours.
    pub hourly: usize,
    /// Of days.
    pub daily: usize,
    /// Of weeks, which begin on Mondays.
    pub weekly: usize,
    /// Of months.
    pub monthly: usize,
    /// How far back any second can be restored.
    pub seconds_for: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Self { hourly: 24, daily: 7, weekly: 4, monthly: 12, seconds_for: Duration::from_hours(24) }
    }
}

/// A backup as retention sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aged {
    /// Its time, in microseconds since 1970.
    pub taken_at_us: i64,
    /// Whether it has been verified and was well.
    pub verified: bool,
}

impl Retention {
    /// For each backup, whether it is kept. The newest always is, and so is the newest verified one, and the one that the oldest
    /// second to be restored begins with.
    #[must_use]
    pub fn keep(&self, backups: &[Aged], now_us: i64) -> Vec<bool> {
        let mut newest_first: Vec<(usize, Aged)> = backups.iter().copied().enumerate().collect();
        newest_first.sort_by_key(|(_, backup)| std::cmp::Reverse(backup.taken_at_us));
        let mut kept = BTreeSet::new();
        let periods: [(usize, Period); 4] =
            [(self.hourly, hour), (self.daily, day), (self.weekly, week), (self.monthly, month)];
        for (count, period) in periods {
            let mut seen = BTreeSet::new();
            for (place, backup) in &newest_first {
                if seen.len() >= count {
                    break;
                }
                if seen.insert(period(backup.taken_at_us)) {
                    kept.insert(*place);
                }
            }
        }
        let base = self.base(newest_first.iter().map(|(_, backup)| backup.taken_at_us), now_us);
        kept.extend(newest_first.first().map(|(place, _)| *place));
        kept.extend(newest_first.iter().find(|(_, backup)| backup.verified).map(|(place, _)| *place));
        kept.extend(newest_first.iter().find(|(_, backup)| Some(backup.taken_at_us) == base).map(|(place, _)| *place));
        (0..backups.len()).map(|place| kept.contains(&place)).collect()
    }

    /// From when on changes are kept, with backups of those times.
    #[must_use]
    pub fn segments_from(&self, backups: &[i64], now_us: i64) -> i64 {
        let begin = self.begin(now_us);
        self.base(backups.iter().copied(), now_us).unwrap_or(begin).min(begin)
    }

    /// The backup that the oldest second to be restored begins with.
    fn base(&self, backups: impl Iterator<Item = i64>, now_us: i64) -> Option<i64> {
        let begin = self.begin(now_us);
        backups.filter(|&taken_at_us| taken_at_us <= begin).max()
    }

    fn begin(&self, now_us: i64) -> i64 {
        now_us.saturating_sub(i64::try_from(self.seconds_for.as_micros()).unwrap_or(i64::MAX))
    }
}

/// Numbers the periods of one length by a time in them.
type Period = fn(i64) -> i64;

fn hour(at_us: i64) -> i64 {
    at_us.div_euclid(3_600_000_000)
}

fn day(at_us: i64) -> i64 {
    at_us.div_euclid(86_400_000_000)
}

fn week(at_us: i64) -> i64 {
    // 1970-01-01 was a Thursday.
    (day(at_us) + 3).div_euclid(7)
}

fn month(at_us: i64) -> i64 {
    let date = Timestamp::from_microsecond(at_us).map_or(Date::ZERO, |at| TimeZone::UTC.to_datetime(at).date());
    i64::from(date.year()) * 12 + i64::from(date.month())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: i64 = 3_600_000_000;
    const NOW: i64 = 1_790_000_000_000_000;

    fn aged(times: &[(i64, bool)]) -> Vec<Aged> {
        times.iter().map(|&(hours, verified)| Aged { taken_at_us: NOW - hours * HOUR, verified }).collect()
    }

    #[test]
    fn a_year_of_hourly_backups_becomes_few() {
        let backups = aged(&(0..9_000).map(|hours| (hours, true)).collect::<Vec<_>>());
        let kept = Retention::default().keep(&backups, NOW).into_iter().filter(|&kept| kept).count();
        assert!((40..=47).contains(&kept), "{kept}");
    }

    proptest! {
        #[test]
        fn what_must_stay_stays(times in prop::collection::vec((0_i64..20_000, any::<bool>()), 1..200)) {
            let backups = aged(&times);
            let kept = Retention::default().keep(&backups, NOW);
            let newest = |wanted: &dyn Fn(&Aged) -> bool| {
                (0..backups.len()).filter(|&at| wanted(&backups[at])).max_by_key(|&at| backups[at].taken_at_us)
            };
            let times_kept: Vec<i64> = (0..backups.len()).filter(|&at| kept[at]).map(|at| backups[at].taken_at_us).collect();
            for must in [newest(&|_| true), newest(&|aged| aged.verified), newest(&|aged| aged.taken_at_us <= NOW - 24 * HOUR)] {
                prop_assert!(must.is_none_or(|at| times_kept.contains(&backups[at].taken_at_us)));
            }
            prop_assert!(times_kept.len() <= 24 + 7 + 4 + 12 + 2);
            // Each of the last days has one: looking again later loses nothing of what is kept for longer.
            let mut days: Vec<i64> = backups.iter().map(|aged| day(aged.taken_at_us)).collect();
            days.sort_unstable();
            days.dedup();
            for wanted in days.iter().rev().take(7) {
                prop_assert!(times_kept.iter().any(|&at| day(at) == *wanted));
            }
        }

        #[test]
        fn what_is_kept_is_kept_again(times in prop::collection::vec((0_i64..20_000, any::<bool>()), 1..100)) {
            let backups = aged(&times);
            let retention = Retention::default();
            let kept = retention.keep(&backups, NOW);
            let left: Vec<Aged> = backups.iter().zip(&kept).filter(|(_, kept)| **kept).map(|(aged, _)| *aged).collect();
            prop_assert!(retention.keep(&left, NOW).into_iter().all(|kept| kept));
        }

        #[test]
        fn every_second_of_the_last_day_keeps_its_segments(times in prop::collection::vec(0_i64..100, 1..50), back in 0_i64..86_400) {
            let backups: Vec<i64> = times.iter().map(|hours| NOW - hours * HOUR).collect();
            let wanted = NOW - back * 1_000_000;
            // From the snapshot before the wanted second up to it, no segment may be gone.
            if let Some(snapshot) = backups.iter().copied().filter(|&at| at <= wanted).max() {
                let retention = Retention::default();
                for part in 0..=10 {
                    prop_assert!(snapshot + (wanted - snapshot) / 10 * part >= retention.segments_from(&backups, NOW));
                }
            }
        }
    }
}
