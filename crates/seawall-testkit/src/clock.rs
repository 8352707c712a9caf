//! A clock that tests move.

use std::sync::atomic::{AtomicU64, Ordering};

use seawall_core::clock::{Clock, Now};

/// 2027-01-15T08:00:00Z in microseconds.
const START_UNIX_US: u64 = 1_800_000_000_000_000;

/// A clock that stands still until it is moved.
#[derive(Debug, Default)]
pub struct ManualClock {
    moved_us: AtomicU64,
}

impl ManualClock {
    /// Moves the clock forward.
    pub fn advance(&self, by: std::time::Duration) {
        self.moved_us.fetch_add(u64::try_from(by.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Now {
        let moved_us = self.moved_us.load(Ordering::Relaxed);
        Now { monotonic_us: 1_000_000 + moved_us, unix_us: START_UNIX_US + moved_us }
    }
}
