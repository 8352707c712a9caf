//! For how long a process is believed to live.
//!
//! Invariant: no attempt is written by a life that is not believed to live for longer than the transaction may take. While it was
//! said lately, attempts need not say it again.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use seawall_core::idempotency::Life;

use crate::{StoreError, Tx};

/// How long a life is believed after it was last heard of.
const BELIEVED: Duration = Duration::from_secs(30);

/// After how long an attempt says again that its life goes on.
const EVERY: Duration = Duration::from_secs(10);

/// How often a life says so by itself: often enough that two failures in a row let nobody take it for dead.
pub(super) const BEAT: Duration = Duration::from_secs(5);

/// A life, and when it was last said that it goes on.
#[derive(Debug)]
pub(super) struct Heart {
    pub(super) life: Life,
    /// When that was asked for, as monotonic microseconds, one more so that zero is never.
    said_us: AtomicU64,
    /// Until when an attempt may be in hands, as monotonic microseconds.
    wanted_us: AtomicU64,
}

impl Heart {
    pub(super) const fn new(life: Life) -> Self {
        Self { life, said_us: AtomicU64::new(0), wanted_us: AtomicU64::new(0) }
    }

    /// Whether it has to be said again.
    pub(super) fn due(&self, now_us: u64) -> bool {
        let said_us = self.said_us.load(Ordering::Acquire);
        said_us == 0 || now_us >= (said_us - 1).saturating_add(us(EVERY))
    }

    /// Whether attempts of this life may be in hands, for which it has to go on.
    pub(super) fn wanted(&self, now_us: u64) -> bool {
        self.wanted_us.load(Ordering::Acquire) > now_us
    }

    /// An attempt may be in hands until then.
    pub(super) fn want(&self, until_us: u64) {
        self.wanted_us.fetch_max(until_us, Ordering::AcqRel);
    }

    /// It was said, in a transaction that was asked for then and is kept.
    pub(super) fn said(&self, asked_us: u64) {
        self.said_us.fetch_max(asked_us.saturating_add(1), Ordering::AcqRel);
    }

    /// Attempts are written no more without saying it.
    pub(super) fn forget(&self) {
        self.said_us.store(0, Ordering::Release);
    }
}

/// Says that a life goes on, at a time of the store's clock.
pub(super) fn beat(tx: &mut Tx<'_>, life: Life, now_us: i64) -> Result<(), StoreError> {
    let until_us = now_us.saturating_add_unsigned(us(BELIEVED));
    tx.execute(
        "INSERT INTO idempotency_lives (life, alive_until) VALUES ($1, $2)
         ON CONFLICT (life) DO UPDATE SET alive_until = excluded.alive_until",
        &[&life.0, &until_us],
    )
    .map(drop)
}

/// Says that a life has ended: what it has not settled is unknown from here on.
pub(super) fn end(tx: &mut Tx<'_>, life: Life) -> Result<(), StoreError> {
    tx.execute("DELETE FROM idempotency_lives WHERE life = $1", &[&life.0]).map(drop)
}

const fn us(duration: Duration) -> u64 {
    duration.as_secs() * 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_says_so_at_first_and_every_ten_seconds() {
        let heart = Heart::new(Life([1; 16]));
        assert!(heart.due(0));
        heart.said(0);
        assert!(!heart.due(0) && !heart.due(9_999_999));
        assert!(heart.due(10_000_000));
        heart.said(10_000_000);
        heart.said(5);
        assert!(!heart.due(19_999_999), "what was kept later counts");
        heart.forget();
        assert!(heart.due(0));
    }

    #[test]
    fn it_goes_on_while_an_attempt_may_be_in_hands() {
        let heart = Heart::new(Life([1; 16]));
        assert!(!heart.wanted(0));
        heart.want(50);
        heart.want(20);
        assert!(heart.wanted(49) && !heart.wanted(50));
    }
}
