//! When the next backup and the next verification are due: decided from times alone.

use std::time::Duration;

/// How often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// From one backup to the next.
    pub backup_every: Duration,
    /// From one verification to the next.
    pub verify_every: Duration,
}

impl Default for Schedule {
    fn default() -> Self {
        Self { backup_every: Duration::from_hours(1), verify_every: Duration::from_hours(24) }
    }
}

/// After a failure it is tried again after this long, twice as long after the next, and so on up to the usual time.
const RETRY: Duration = Duration::from_secs(60);

/// How one kind of work stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// When it last came out well, in microseconds since 1970.
    pub done_at_us: Option<i64>,
    /// When it was last tried and failed.
    pub failed_at_us: Option<i64>,
    /// How often it failed since it came out well.
    pub failures: u32,
}

/// All that is decided from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Backups.
    pub backup: Standing,
    /// Verifications.
    pub verification: Standing,
    /// A backup is wanted at once: a generation of changes has no snapshot yet, or the newest backup is not sound.
    pub wanted_at_once: bool,
    /// There is a backup to verify.
    pub anything_to_verify: bool,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Take a backup.
    Backup,
    /// Verify the newest one.
    Verification,
    /// Nothing before this time, in microseconds since 1970.
    Nothing {
        /// The time.
        until_us: i64,
    },
}

impl Schedule {
    /// What is due. A backup comes before a verification.
    #[must_use]
    pub fn due(&self, state: &State, now_us: i64) -> Due {
        let backup_us = match state.backup.failed_at_us {
            None if state.wanted_at_once => now_us,
            _ => state.backup.next_us(self.backup_every, now_us),
        };
        if backup_us <= now_us {
            return Due::Backup;
        }
        if !state.anything_to_verify {
            return Due::Nothing { until_us: backup_us };
        }
        let verify_us = state.verification.next_us(self.verify_every, now_us);
        if verify_us <= now_us { Due::Verification } else { Due::Nothing { until_us: backup_us.min(verify_us) } }
    }
}

impl Standing {
    /// It came out well.
    pub fn done(&mut self, at_us: i64) {
        *self = Self { done_at_us: Some(at_us), ..Self::default() };
    }

    /// It failed.
    pub fn failed(&mut self, at_us: i64) {
        self.failed_at_us = Some(at_us);
        self.failures = self.failures.saturating_add(1);
    }

    fn next_us(&self, every: Duration, now_us: i64) -> i64 {
        let us = |duration: Duration| i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        // A time that lies ahead is a clock that went back, and must not put things off for ever.
        let past = |at_us: i64| at_us.min(now_us);
        match self.failed_at_us {
            Some(at_us) => {
                let doubled = RETRY.saturating_mul(1 << self.failures.saturating_sub(1).min(16));
                past(at_us).saturating_add(us(doubled.min(every)))
            }
            None => self.done_at_us.map_or(now_us, |at_us| past(at_us).saturating_add(us(every))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000_000;
    const NOW: i64 = 1_790_000_000_000_000;

    fn done(at_us: i64) -> Standing {
        Standing { done_at_us: Some(at_us), ..Standing::default() }
    }

    #[test]
    fn the_first_backup_is_due_at_once_and_is_verified_then() {
        let schedule = Schedule::default();
        let mut state = State::default();
        assert_eq!(schedule.due(&state, NOW), Due::Backup);
        state.backup.done(NOW);
        state.anything_to_verify = true;
        assert_eq!(schedule.due(&state, NOW), Due::Verification);
        state.verification.done(NOW);
        assert_eq!(schedule.due(&state, NOW), Due::Nothing { until_us: NOW + 60 * MINUTE });
        assert_eq!(schedule.due(&state, NOW + 60 * MINUTE), Due::Backup);
    }

    #[test]
    fn failures_are_tried_again_ever_later_and_never_less_often_than_usual() {
        let schedule = Schedule::default();
        let mut state =
            State { backup: done(NOW), verification: done(NOW), anything_to_verify: true, ..State::default() };
        for (failures, minutes) in [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (50, 60)] {
            state.backup = Standing { failed_at_us: Some(NOW), failures, ..done(NOW) };
            assert_eq!(schedule.due(&state, NOW), Due::Nothing { until_us: NOW + minutes * MINUTE });
        }
    }

    #[test]
    fn what_is_wanted_at_once_is_due_unless_that_just_failed() {
        let schedule = Schedule::default();
        let mut state = State { backup: done(NOW), wanted_at_once: true, ..State::default() };
        assert_eq!(schedule.due(&state, NOW + 1), Due::Backup);
        state.backup.failed(NOW);
        assert_eq!(schedule.due(&state, NOW + 1), Due::Nothing { until_us: NOW + MINUTE });
    }

    #[test]
    fn a_clock_that_went_back_puts_nothing_off_for_long() {
        let state = State { backup: done(NOW + 100_000 * MINUTE), ..State::default() };
        assert_eq!(Schedule::default().due(&state, NOW), Due::Nothing { until_us: NOW + 60 * MINUTE });
    }
}
