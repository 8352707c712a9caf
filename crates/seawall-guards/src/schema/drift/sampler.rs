//! How many bodies are compared when there are many.

use std::sync::atomic::{AtomicU64, Ordering};

/// Bodies a second of one route on one core.
const PER_SECOND: u64 = 32;

/// The second is kept above so many bits of count.
const COUNT_BITS: u32 = 8;

/// Lets the first of each second through.
#[derive(Debug, Default)]
pub(super) struct Sampler(AtomicU64);

impl Sampler {
    /// Whether one more is compared at this time.
    pub(super) fn takes(&self, monotonic_us: u64) -> bool {
        let second = monotonic_us / 1_000_000;
        let taken = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |kept| {
            let count = if kept >> COUNT_BITS == second { kept & ((1 << COUNT_BITS) - 1) } else { 0 };
            (count < PER_SECOND).then_some(second << COUNT_BITS | (count + 1))
        });
        taken.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bounded_number_of_each_second_is_taken() {
        let sampler = Sampler::default();
        for second in [0, 1, 7] {
            let taken = (0..1_000).filter(|step| sampler.takes(second * 1_000_000 + step * 999)).count();
            assert_eq!(taken as u64, PER_SECOND, "second {second}");
        }
    }
}
