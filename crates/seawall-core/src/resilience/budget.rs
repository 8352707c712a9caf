//! The retry budget: how many retries a service may be sent, measured by how many requests it gets.
//!
//! Retries that each request may make multiply the load of a service that is failing from load. A budget shared by all
//! requests bounds that to a share, with a small reserve so that a quiet service can be asked again at all.
//!
//! Counted by whole seconds in fixed memory. Invariant: at every retry that is allowed, the retries of the ten seconds
//! up to then (it included) are at most `percent` of the requests of the same ten seconds plus ten times `per_second`.
//! It is exact because the two counts are rounded apart: requests are those of the last 9 to 10 seconds, retries those
//! of the last 10 to 11. A steady share therefore comes out up to a fifth smaller than `percent`, never larger.

use crate::clock::Now;

/// Seconds over which requests and retries are compared.
const WINDOW: u64 = 10;

/// One second more than the window, because the second in which the window begins has partly left it.
const SLOTS: usize = 11;

/// The numbers of a retry budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetSettings {
    /// Retries per hundred requests.
    pub percent: u32,
    /// Retries per second that are allowed beyond the share; ten seconds' worth may be used at once.
    pub per_second: u32,
}

impl Default for BudgetSettings {
    /// 20 % and 10 per second.
    fn default() -> Self {
        Self { percent: 20, per_second: 10 }
    }
}

impl BudgetSettings {
    /// Whether one more retry fits, after so many requests and retries in the window.
    #[must_use]
    pub fn allows(&self, requests: u64, retries: u64) -> bool {
        let share = u128::from(requests) * u128::from(self.percent) / 100;
        let reserve = u128::from(self.per_second) * u128::from(WINDOW);
        u128::from(retries) < share + reserve
    }
}

/// The state of one retry budget.
#[derive(Clone, Debug)]
pub struct RetryBudget {
    settings: BudgetSettings,
    requests: Seconds,
    retries: Seconds,
}

impl RetryBudget {
    /// A budget that has seen no request.
    #[must_use]
    pub fn new(settings: BudgetSettings, now: Now) -> Self {
        Self { settings, requests: Seconds::new(now), retries: Seconds::new(now) }
    }

    /// Counts a request: the first attempt, not its retries.
    pub fn requested(&mut self, now: Now) {
        self.requests.count(now);
    }

    /// Takes one retry when it fits; whether it did.
    #[must_use]
    pub fn withdraw(&mut self, now: Now) -> bool {
        let fits = self.settings.allows(self.requests.within_window(now), self.retries.covering_window(now));
        if fits {
            self.retries.count(now);
        }
        fits
    }

    /// Changes the numbers; what was counted stays.
    pub const fn configure(&mut self, settings: BudgetSettings) {
        self.settings = settings;
    }
}

/// Counts of the last seconds.
#[derive(Clone, Debug)]
pub struct Seconds {
    counts: [u32; SLOTS],
    /// The latest second that was looked at.
    head: u64,
}

impl Seconds {
    /// Nothing counted.
    #[must_use]
    pub fn new(now: Now) -> Self {
        Self { counts: [0; SLOTS], head: second(now) }
    }

    /// Counts one. A time before the latest one seen is taken for the latest.
    pub fn count(&mut self, now: Now) {
        self.advance(now);
        if let Some(count) = self.counts.get_mut(slot(self.head)) {
            *count = count.saturating_add(1);
        }
    }

    /// What was counted in the last 9 to 10 seconds: nothing older than the window.
    pub fn within_window(&mut self, now: Now) -> u64 {
        let all = self.covering_window(now);
        // The slot after the head holds the second that began before the window did.
        let oldest = self.counts.get(slot(self.head + 1)).copied().unwrap_or_default();
        all.saturating_sub(u64::from(oldest))
    }

    /// What was counted in the last 10 to 11 seconds: everything in the window.
    pub fn covering_window(&mut self, now: Now) -> u64 {
        self.advance(now);
        self.counts.iter().copied().map(u64::from).sum()
    }

    fn advance(&mut self, now: Now) {
        let now = second(now);
        if now.saturating_sub(self.head) > WINDOW {
            self.counts.fill(0);
        } else {
            for passed in self.head..now {
                if let Some(count) = self.counts.get_mut(slot(passed + 1)) {
                    *count = 0;
                }
            }
        }
        self.head = self.head.max(now);
    }
}

const fn second(now: Now) -> u64 {
    now.monotonic_us / 1_000_000
}

/// Where a second stands in the ring.
fn slot(second: u64) -> usize {
    usize::try_from(second % (WINDOW + 1)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
