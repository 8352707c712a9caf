//! The window against an exact oracle.

use proptest::prelude::*;

use super::*;
use crate::settings::Span;

/// A key and its window.
#[derive(Clone)]
struct Key {
    window: Window,
    track: Track,
    words: [u32; WORDS],
}

impl Key {
    fn new(limit: u32, window_ms: u64) -> Self {
        let quota = Quota {
            limit,
            window: Span::from_ms(window_ms),
            per: super::super::Per::Ip,
            methods: super::super::Methods::Any,
        };
        Self { window: Window::new(&quota), track: Track::default(), words: [0; WORDS] }
    }

    /// As the table does when a reload has changed the limit.
    fn change(&mut self, limit: u32, window_ms: u64, now_us: u64) {
        let before = self.window.exact();
        self.window = Self::new(limit, window_ms).window;
        if self.window.exact() != before {
            self.window = self.window.adopt(&mut self.track, &mut self.words, now_us);
        }
    }

    fn window_remaining(mut self, now_us: u64) -> u32 {
        self.window.remaining(&mut self.track, &mut self.words, now_us)
    }

    fn take(&mut self, now_us: u64) -> bool {
        let fits = self.window.remaining(&mut self.track, &mut self.words, now_us) > 0;
        if fits {
            self.window.record(&mut self.track, &mut self.words, now_us);
        }
        fits
    }
}

/// Requests accepted in the `length_us` that end at `now_us`: `(now - length, now]`.
fn accepted_within(accepted: &[u64], now_us: u64, length_us: u64) -> usize {
    accepted.iter().rev().take_while(|&&at| at + length_us > now_us).count()
}

fn check(limit: u32, window_ms: u64, arrivals: impl IntoIterator<Item = u64>) -> Result<(), TestCaseError> {
    let mut key = Key::new(limit, window_ms);
    let window_us = window_ms * 1_000;
    let limit = usize::try_from(limit).unwrap();
    let mut accepted = Vec::new();
    for now_us in arrivals {
        let fits = key.take(now_us);
        if accepted_within(&accepted, now_us, window_us) >= limit {
            prop_assert!(!fits, "request {limit}+1 within one window was accepted at {now_us}");
        }
        if accepted_within(&accepted, now_us, window_us + window_us / 100) < limit {
            prop_assert!(fits, "a request was refused at {now_us} though an oracle with 1.01 windows accepts it");
        }
        if fits {
            accepted.push(now_us);
        }
        let reset_us = key.window.reset_us(&key.track, &key.words, now_us);
        prop_assert!(reset_us > 0 && reset_us <= window_us + window_us / 50, "reset {reset_us}");
    }
    Ok(())
}

/// Gaps from bursts to several windows.
fn gaps(window_ms: u64) -> impl Strategy<Value = Vec<u64>> {
    let window_us = window_ms * 1_000;
    let gap = prop_oneof![4 => Just(0), 8 => 1..window_us / 50, 4 => 1..window_us / 3, 1 => 1..window_us * 3, 1 => window_us - 2..window_us + 3];
    prop::collection::vec(gap, 1..600)
}

fn arrivals(start_us: u64, gaps: &[u64]) -> impl Iterator<Item = u64> {
    gaps.iter().scan(start_us, |now_us, gap| {
        *now_us += gap;
        Some(*now_us)
    })
}

proptest! {
    #[test]
    fn never_more_than_n_in_any_window_and_never_fewer_than_the_oracle(
        limit in prop_oneof![1_u32..8, 95_u32..110, 200_u32..500],
        (window_ms, gaps) in prop_oneof![Just(1_000_u64), Just(60_000), Just(900_000), 1_000_u64..100_000].prop_flat_map(|ms| (Just(ms), gaps(ms))),
        start_us in 0_u64..u64::MAX / 4,
    ) {
        check(limit, window_ms, arrivals(start_us, &gaps))?;
    }

    /// A reload changes the limit of a key that has used some of it; 101 and fewer are kept in another form.
    #[test]
    fn a_changed_limit_holds_at_once_for_what_was_counted_before(
        limits in prop::collection::vec(prop_oneof![1_u32..8, 95_u32..110, 200_u32..500], 1..4),
        (window_ms, gaps) in prop_oneof![Just(1_000_u64), Just(60_000), 1_000_u64..100_000].prop_flat_map(|ms| (Just(ms), gaps(ms))),
        start_us in 0_u64..u64::MAX / 4,
    ) {
        let mut key = Key::new(limits[0], window_ms);
        let window_us = window_ms * 1_000;
        let mut accepted = Vec::new();
        let share = gaps.len().div_ceil(limits.len());
        for (place, now_us) in arrivals(start_us, &gaps).enumerate() {
            let limit = limits[place / share];
            key.change(limit, window_ms, now_us);
            let fits = key.take(now_us);
            let limit = usize::try_from(limit).unwrap();
            if accepted_within(&accepted, now_us, window_us) >= limit {
                prop_assert!(!fits, "more than {limit} within one window at {now_us}");
            }
            // Each change of form may take a request for later by one sub-window.
            if accepted_within(&accepted, now_us, window_us + window_us / 20) < limit {
                prop_assert!(fits, "a request was refused at {now_us} though fewer than {limit} were accepted");
            }
            if fits {
                accepted.push(now_us);
            }
            let reset_us = key.window.reset_us(&key.track, &key.words, now_us);
            prop_assert!(reset_us > 0 && reset_us <= window_us + window_us / 50, "reset {reset_us}");
            if !fits {
                let later_us = now_us + reset_us;
                prop_assert!(key.clone().window_remaining(later_us) > 0, "told to come after {reset_us}, and refused");
            }
        }
    }
}

#[test]
fn a_limit_that_was_lowered_for_a_while_forgets_nothing() {
    for limits in [[102, 1, 2], [300, 1, 300], [101, 1, 101], [500, 200, 500], [50, 1, 500]] {
        let mut key = Key::new(limits[0], 1_000);
        let used = (0..limits[0]).filter(|_| key.take(5_000_000)).count();
        for limit in limits {
            key.change(limit, 1_000, 5_000_000);
        }
        let left = usize::try_from(limits[2]).unwrap().saturating_sub(used);
        assert_eq!((0..600).filter(|_| key.take(5_500_000)).count(), left, "{limits:?}");
        assert!(key.take(6_020_000), "{limits:?}");
    }
}

#[test]
fn the_clock_of_exact_times_may_wrap() {
    let window_us = 1_000_000;
    let near_wrap = u64::from(u32::MAX) - 3;
    check(2, 1_000, (0..50).map(|step| near_wrap + step * window_us / 3)).unwrap();
}

#[test]
fn requests_that_come_in_another_order_than_their_times_are_all_counted() {
    for limit in [1, 3, 300] {
        let mut key = Key::new(limit, 1_000);
        let accepted = (0..limit + 5).filter(|step| key.take(50_000_000 - u64::from(*step) * 20_000)).count();
        assert_eq!(accepted, usize::try_from(limit).unwrap());
        assert!(!key.take(50_999_999) && key.take(51_020_000));
    }
}

#[test]
fn a_key_seen_again_after_ages_is_fresh() {
    for limit in [3, 500] {
        let mut key = Key::new(limit, 1_000);
        for _ in 0..limit {
            assert!(key.take(5));
        }
        assert!(!key.take(6));
        assert!(key.take(5 + 1_000_000 * (u64::from(u32::MAX) + 1)));
    }
}

#[test]
fn what_was_used_is_remembered_and_taken_up_again() {
    for limit in [4, 400] {
        let mut key = Key::new(limit, 1_000);
        for _ in 0..limit {
            assert!(key.take(10_000));
        }
        let (count, expires_us) = key.window.used(&key.track, 20_000).unwrap();
        assert_eq!(count, limit);
        let mut returned = Key::new(limit, 1_000);
        let at_us = returned.window.accepted_at(expires_us);
        returned.window.record_many(&mut returned.track, &mut returned.words, at_us, count);
        assert!(!returned.take(1_009_999), "the quota is still used up");
        assert!(returned.take(1_030_000), "and free again after its window");
        assert_eq!(key.window.used(&key.track, 3_000_000), None);
    }
}
