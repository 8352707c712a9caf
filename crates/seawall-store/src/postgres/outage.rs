//! What all threads know of a server that cannot be reached, so that one of them looks after it and the others keep nobody waiting.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::StoreError;

/// How long transactions wait for the server to come back, in microseconds, from when it was missed first. Later ones are
/// answered at once until it is back.
const HOPE_US: u64 = 2_000_000;

/// Between two attempts, in microseconds: doubled from the first to the last, less up to a half by chance.
const FIRST_US: u64 = 50_000;
const LAST_US: u64 = 1_000_000;

/// An attempt takes no longer, in microseconds; who has not told of it by then never will.
const ATTEMPT_US: u64 = 10_000_000;

/// The present outage, if there is one.
#[derive(Debug, Default)]
pub(super) struct Outage(Mutex<Option<Known>>);

#[derive(Debug)]
struct Known {
    since_us: u64,
    attempts: u32,
    next_us: u64,
    /// Until when somebody is trying.
    claimed_until_us: u64,
    failure: StoreError,
}

/// What a thread without a connection does.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Advice {
    /// Try to open one, and tell of it.
    Try,
    /// Ask again in so many microseconds.
    Wait(u64),
    /// Answer this.
    GiveUp(StoreError),
}

impl Outage {
    /// What to do at this time, in monotonic microseconds.
    pub(super) fn advice(&self, now_us: u64) -> Advice {
        let mut state = self.lock();
        let Some(known) = state.as_mut() else { return Advice::Try };
        if known.claimed_until_us <= now_us && known.next_us <= now_us {
            known.claimed_until_us = now_us + ATTEMPT_US;
            return Advice::Try;
        }
        if now_us.saturating_sub(known.since_us) >= HOPE_US {
            return Advice::GiveUp(known.failure.clone());
        }
        Advice::Wait(known.next_us.saturating_sub(now_us).max(FIRST_US / 2))
    }

    /// An attempt failed. `chance` is below 1.
    pub(super) fn failed(&self, now_us: u64, failure: StoreError, lasting: bool, chance: f64) {
        let mut state = self.lock();
        let (since_us, attempts) = state.as_ref().map_or((now_us, 0), |known| (known.since_us, known.attempts));
        // Without hope nobody is kept waiting for the next attempt.
        let since_us = if lasting { since_us.min(now_us.saturating_sub(HOPE_US)) } else { since_us };
        let next_us = now_us + delay_us(attempts, chance);
        *state = Some(Known { since_us, attempts: attempts.saturating_add(1), next_us, claimed_until_us: 0, failure });
    }

    /// An attempt succeeded.
    pub(super) fn over(&self) {
        if let Some(known) = self.lock().take() {
            tracing::info!(attempts = known.attempts, "PostgreSQL can be reached again");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of a number of microseconds")]
fn delay_us(attempts: u32, chance: f64) -> u64 {
    let full = FIRST_US.saturating_mul(1 << attempts.min(10)).min(LAST_US);
    full - (full as f64 * chance.clamp(0.0, 1.0) / 2.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gone() -> StoreError {
        StoreError::Unavailable("gone".to_owned())
    }

    #[test]
    fn one_looks_after_the_server_and_the_others_wait_or_give_up() {
        let outage = Outage::default();
        assert_eq!(outage.advice(0), Advice::Try);
        outage.failed(0, gone(), false, 0.0);
        assert_eq!(outage.advice(10_000), Advice::Wait(40_000));
        assert_eq!(outage.advice(50_000), Advice::Try);
        // Somebody tries, so the others wait, and later no more.
        assert_eq!(outage.advice(60_000), Advice::Wait(25_000));
        assert_eq!(outage.advice(2_000_000), Advice::GiveUp(gone()));
        outage.failed(2_100_000, gone(), false, 0.0);
        assert_eq!(outage.advice(2_150_000), Advice::GiveUp(gone()));
        assert_eq!(outage.advice(2_200_000), Advice::Try);
        outage.over();
        assert_eq!(outage.advice(2_200_001), Advice::Try);
    }

    #[test]
    fn what_lasts_is_answered_at_once() {
        let outage = Outage::default();
        outage.failed(5_000_000, gone(), true, 0.5);
        assert_eq!(outage.advice(5_000_001), Advice::GiveUp(gone()));
    }

    #[test]
    fn attempts_become_rarer_and_stay_bounded() {
        assert_eq!([0, 1, 4, 30].map(|attempts| delay_us(attempts, 0.0)), [50_000, 100_000, 800_000, 1_000_000]);
        assert_eq!(delay_us(30, 1.0), 500_000);
    }
}
