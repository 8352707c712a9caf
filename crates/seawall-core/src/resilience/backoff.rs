//! How long to wait before an attempt is repeated: twice as long each time, up to a bound, with full jitter.
//!
//! Callers that failed together would come back together; a wait drawn evenly from zero to the bound spreads them as
//! far as they can be spread.

use std::time::Duration;

/// The waits between attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The longest wait before the second attempt.
    pub first: Duration,
    /// No wait is longer than this.
    pub most: Duration,
    /// How many times longer each wait may be than the one before it.
    pub factor: u32,
}

impl Default for Backoff {
    /// Checklist WK-5: 100 ms, twice as long each time, up to 5 s.
    fn default() -> Self {
        Self { first: Duration::from_millis(100), most: Duration::from_secs(5), factor: 2 }
    }
}

impl Backoff {
    /// The wait with full jitter: evenly from zero to [`Backoff::without_jitter`], both included. `attempt` is 0 before
    /// the second attempt; `random` is any evenly drawn number.
    #[must_use]
    pub fn delay(&self, attempt: u32, random: u64) -> Duration {
        let longest_ns = u64::try_from(self.without_jitter(attempt).as_nanos()).unwrap_or(u64::MAX);
        // The high half of a product is even over 0..=longest without the cost and the skew of a remainder.
        let product = u128::from(random) * (u128::from(longest_ns) + 1);
        Duration::from_nanos(u64::try_from(product >> 64).unwrap_or(longest_ns))
    }

    /// The longest wait before this attempt: `first × factor^attempt`, at most `most`. Never overflows.
    #[must_use]
    pub fn without_jitter(&self, attempt: u32) -> Duration {
        let grown_ns = self.first.as_nanos().saturating_mul(u128::from(self.factor).saturating_pow(attempt));
        if grown_ns >= self.most.as_nanos() { self.most } else { Duration::from_nanos_u128(grown_ns) }
    }
}

#[cfg(test)]
mod tests;
