//! What share of the last calls failed or was slow: for services that fail often, but seldom many times in a row.

use std::time::Duration;

use super::breaker::End;

/// The most calls that are looked back on.
pub const MOST_CALLS: u32 = 128;

/// Shares of the last calls at which a closed breaker opens, beside failures in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateSettings {
    /// On how many calls it looks back, 1 to [`MOST_CALLS`]. With fewer it waits.
    pub calls: u32,
    /// The share of failures that opens, in percent; 0 is none.
    pub failed_percent: u32,
    /// The share of slow calls that opens, in percent; 0 is none.
    pub slow_percent: u32,
    /// From when on a call is slow, also one that failed. A probe that is slow failed, where `slow_percent` is not 0.
    pub slow: Duration,
}

impl RateSettings {
    /// Whether a call that took so long counts as slow.
    #[must_use]
    pub fn is_slow(&self, took: Duration) -> bool {
        self.slow_percent > 0 && took >= self.slow
    }
}

/// The last calls, a bit each; the youngest is the lowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    failed: u128,
    slow: u128,
    seen: u32,
}

impl Window {
    pub(super) const NOTHING: Self = Self { failed: 0, slow: 0, seen: 0 };

    pub(super) fn push(&mut self, end: End) {
        self.failed = self.failed << 1 | u128::from(end.failed);
        self.slow = self.slow << 1 | u128::from(end.slow);
        self.seen = self.seen.saturating_add(1).min(MOST_CALLS);
    }

    /// Whether the last calls reach a share at which the breaker opens.
    pub(super) fn opens(&self, settings: &RateSettings) -> bool {
        let calls = settings.calls.clamp(1, MOST_CALLS);
        if self.seen < calls {
            return false;
        }
        let last = u128::MAX >> (MOST_CALLS - calls);
        let reaches = |bits: u128, percent: u32| {
            percent > 0 && u64::from((bits & last).count_ones()) * 100 >= u64::from(percent) * u64::from(calls)
        };
        reaches(self.failed, settings.failed_percent) || reaches(self.slow, settings.slow_percent)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// A list of the last calls says the same.
        #[test]
        fn the_bits_say_what_a_list_says(
            calls in 1..=MOST_CALLS,
            failed_percent in 0..=100_u32,
            slow_percent in 0..=100_u32,
            ends in prop::collection::vec(any::<(bool, bool)>(), 0..300),
        ) {
            let settings = RateSettings { calls, failed_percent, slow_percent, slow: Duration::ZERO };
            let (mut window, mut list) = (Window::NOTHING, VecDeque::new());
            for (failed, slow) in ends {
                window.push(End { failed, slow });
                list.push_back((failed, slow));
                if list.len() > calls as usize {
                    list.pop_front();
                }
                let full = list.len() == calls as usize;
                let share = |count: usize, percent: u32| percent > 0 && count * 100 >= (percent * calls) as usize;
                let opens = share(list.iter().filter(|end| end.0).count(), failed_percent)
                    || share(list.iter().filter(|end| end.1).count(), slow_percent);
                prop_assert_eq!(window.opens(&settings), full && opens);
            }
        }
    }
}
