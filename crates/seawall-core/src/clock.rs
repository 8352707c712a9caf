//! The clock port: the only source of time for decisions.

use std::fmt;

/// One reading of the clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Microseconds since an arbitrary start; never goes back. For windows, deadlines and durations.
    pub monotonic_us: u64,
    /// Microseconds since 1970-01-01T00:00:00Z. For people and for ids.
    pub unix_us: u64,
}

impl Now {
    /// Microseconds from `earlier` to this reading; zero when `earlier` is later.
    #[must_use]
    pub fn since_us(self, earlier: Self) -> u64 {
        self.monotonic_us.saturating_sub(earlier.monotonic_us)
    }
}

/// Where decisions read the time. Tests give one that they move.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The time now.
    fn now(&self) -> Now;

    /// The monotonic part of [`Clock::now`], for a clock that reads it alone at less cost.
    fn monotonic_us(&self) -> u64 {
        self.now().monotonic_us
    }
}
