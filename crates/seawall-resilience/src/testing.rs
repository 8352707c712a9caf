//! A clock that tests move, and that counts how often it is read.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use seawall_core::clock::{Clock, Now};

#[derive(Debug, Default)]
pub(crate) struct ManualClock {
    us: AtomicU64,
    read: AtomicU64,
}

impl ManualClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.us.fetch_add(u64::try_from(by.as_micros()).unwrap(), Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Now {
        self.read.fetch_add(1, Ordering::Relaxed);
        Now { monotonic_us: self.us.load(Ordering::Relaxed), unix_us: 0 }
    }
}
