//! The retry budget as a handle that threads share.
//!
//! A request adds to one of a few counters without a lock; a retry, which is rare, takes a lock, so that no two threads
//! take the last one. No request is lost, but its second may be wrong: one whose time was read ten seconds or more before
//! it is counted finds its second's place taken, and counts for the second that took it. The share is therefore exact
//! but for requests that were under way between clock and counter for that long. A retry that races a request may miss it.

use std::{
    array,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use seawall_core::{
    clock::{Clock, Now},
    resilience::{BudgetSettings, Seconds},
};

/// Seconds whose requests count: the window of [`seawall_core::resilience::budget`].
const SLOTS: usize = 10;

/// The low half of a slot.
const COUNT: u64 = 0xffff_ffff;

/// A retry budget. Cheap to clone; clones are the same budget.
#[derive(Clone, Debug)]
pub struct RetryBudget(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    clock: Arc<dyn Clock>,
    requests: [Slot; SLOTS],
    retries: Mutex<Retries>,
}

#[derive(Debug)]
struct Retries {
    settings: BudgetSettings,
    taken: Seconds,
}

/// The requests of one second: its number in the high half, their count in the low half.
#[derive(Debug, Default)]
struct Slot(AtomicU64);

impl RetryBudget {
    /// A budget that has seen no request.
    #[must_use]
    pub fn new(settings: BudgetSettings, clock: Arc<dyn Clock>) -> Self {
        let retries = Mutex::new(Retries { settings, taken: Seconds::new(clock.now()) });
        Self(Arc::new(Shared { clock, requests: array::from_fn(|_| Slot::default()), retries }))
    }

    /// Counts a request: the first attempt, not its retries.
    pub fn requested(&self) {
        self.requested_at(self.0.clock.now());
    }

    /// Counts a request whose time was read already.
    pub fn requested_at(&self, now: Now) {
        let second = second(now);
        if let Some(slot) = usize::try_from(second).ok().and_then(|second| self.0.requests.get(second % SLOTS)) {
            slot.count(second);
        }
    }

    /// Takes one retry when it fits; whether it did.
    #[must_use]
    pub fn withdraw(&self) -> bool {
        let mut retries = self.0.retries.lock().unwrap_or_else(PoisonError::into_inner);
        // Read under the lock, so that times come in order.
        let now = self.0.clock.now();
        let requests = self.0.requests.iter().map(|slot| slot.within(second(now))).sum();
        let taken = retries.taken.covering_window(now);
        let fits = retries.settings.allows(requests, taken);
        if fits {
            retries.taken.count(now);
        }
        fits
    }

    /// Changes the numbers; what was counted stays.
    pub fn configure(&self, settings: BudgetSettings) {
        self.0.retries.lock().unwrap_or_else(PoisonError::into_inner).settings = settings;
    }
}

impl Slot {
    /// Relaxed is enough: a slot is one word, and nothing else is read on the strength of it.
    fn count(&self, second: u64) {
        let mut held = self.0.load(Ordering::Relaxed);
        while number(held) < second {
            // The first request of a second takes the slot over from an earlier one.
            match self.0.compare_exchange_weak(held, (second << 32) | 1, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return,
                Err(other) => held = other,
            }
        }
        // 2^32 requests in one second would carry into the number; no machine has them.
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// The requests of this slot when its second is one of the ten that end with `latest`.
    fn within(&self, latest: u64) -> u64 {
        let held = self.0.load(Ordering::Relaxed);
        if latest.saturating_sub(number(held)) < u64::try_from(SLOTS).unwrap_or(u64::MAX) { held & COUNT } else { 0 }
    }
}

const fn number(held: u64) -> u64 {
    held >> 32
}

/// The clock's second. It fills 32 bits after 136 years.
const fn second(now: Now) -> u64 {
    now.monotonic_us / 1_000_000
}

#[cfg(test)]
mod tests;
