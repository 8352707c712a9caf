//! Waits within their bounds, for every number.

use proptest::prelude::*;

use super::*;

#[test]
fn the_checklist_waits() {
    let longest_ms: Vec<_> = (0..8).map(|attempt| Backoff::default().without_jitter(attempt).as_millis()).collect();
    assert_eq!(longest_ms, [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
}

#[test]
fn jitter_reaches_from_zero_to_the_bound() {
    let backoff = Backoff::default();
    assert_eq!(backoff.delay(1, 0), Duration::ZERO);
    assert_eq!(backoff.delay(1, u64::MAX / 2 + 1), Duration::from_millis(100));
    assert_eq!(backoff.delay(1, u64::MAX), Duration::from_millis(200));
}

#[test]
fn extremes_do_not_overflow() {
    let most = Duration::MAX;
    for first in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
        for factor in [0, 1, 2, u32::MAX] {
            for attempt in [0, 1, 63, 64, 127, 128, u32::MAX] {
                let longest = Backoff { first, most, factor }.without_jitter(attempt);
                assert!(Backoff { first, most, factor }.delay(attempt, u64::MAX) <= longest);
            }
        }
    }
}

proptest! {
    #[test]
    fn no_wait_is_longer_than_allowed(
        first_ms in 0_u64..10_000, most_ms in 0_u64..100_000, factor in 0_u32..10, attempt: u32, random: u64,
    ) {
        let (first, most) = (Duration::from_millis(first_ms), Duration::from_millis(most_ms));
        let backoff = Backoff { first, most, factor };
        prop_assert!(backoff.delay(attempt, random) <= backoff.without_jitter(attempt));
        prop_assert!(backoff.without_jitter(attempt) <= most);
        if factor >= 1 {
            prop_assert!(backoff.without_jitter(attempt) <= backoff.without_jitter(attempt.saturating_add(1)));
        }
    }

    #[test]
    fn more_randomness_waits_no_shorter(attempt in 0_u32..10, one: u64, other: u64) {
        let backoff = Backoff::default();
        prop_assert!(backoff.delay(attempt, one.min(other)) <= backoff.delay(attempt, one.max(other)));
    }
}
