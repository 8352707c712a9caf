//! The budget against a log of every request and retry.

use proptest::prelude::*;

use super::*;

const SECOND_US: u64 = 1_000_000;

fn at(us: u64) -> Now {
    Now { monotonic_us: us, unix_us: 0 }
}

/// How many of these times are in `(now - length, now]`.
fn within(times: &[u64], now_us: u64, length_us: u64) -> u64 {
    u64::try_from(times.iter().rev().take_while(|&&time| time + length_us > now_us).count()).unwrap()
}

#[test]
fn a_quiet_service_may_use_the_reserve_and_no_more() {
    let mut budget = RetryBudget::new(BudgetSettings::default(), at(0));
    let allowed = (0..1_000).filter(|_| budget.withdraw(at(SECOND_US))).count();
    assert_eq!(allowed, 100);
    assert!(!budget.withdraw(at(11 * SECOND_US)));
    assert!(budget.withdraw(at(12 * SECOND_US)), "the reserve is back when its use has left the window");
}

#[test]
fn a_share_of_the_requests() {
    let mut budget = RetryBudget::new(BudgetSettings { percent: 20, per_second: 0 }, at(0));
    assert!(!budget.withdraw(at(0)));
    for _ in 0..50 {
        budget.requested(at(0));
    }
    assert_eq!((0..50).filter(|_| budget.withdraw(at(SECOND_US))).count(), 10);
}

#[test]
fn requests_are_forgotten() {
    let mut budget = RetryBudget::new(BudgetSettings { percent: 100, per_second: 0 }, at(0));
    budget.requested(at(0));
    assert!(!budget.clone().withdraw(at(10 * SECOND_US)));
    assert!(!budget.clone().withdraw(at(1_000 * SECOND_US)));
    assert!(budget.withdraw(at(10 * SECOND_US - 1)));
}

#[test]
fn time_that_goes_back_changes_nothing() {
    let mut budget = RetryBudget::new(BudgetSettings { percent: 100, per_second: 0 }, at(20 * SECOND_US));
    budget.requested(at(3 * SECOND_US));
    assert!(budget.withdraw(at(29 * SECOND_US)), "counted in the latest second");
    assert!(!budget.withdraw(at(0)));
}

#[test]
fn a_reload_keeps_what_was_counted() {
    let mut budget = RetryBudget::new(BudgetSettings { percent: 0, per_second: 1 }, at(0));
    assert_eq!((0..50).filter(|_| budget.withdraw(at(0))).count(), 10);
    budget.configure(BudgetSettings { percent: 0, per_second: 2 });
    assert_eq!((0..50).filter(|_| budget.withdraw(at(0))).count(), 10);
}

proptest! {
    #[test]
    fn retries_never_exceed_the_share_and_the_reserve_of_any_ten_seconds_up_to_one(
        percent in 0_u32..150, per_second in 0_u32..3, start_us in 0_u64..100 * SECOND_US,
        steps in prop::collection::vec((prop_oneof![8 => 0_u64..300_000, 1 => 0..15 * SECOND_US], 0_u8..5), 0..600),
    ) {
        let mut budget = RetryBudget::new(BudgetSettings { percent, per_second }, at(start_us));
        let (mut requests, mut retries) = (Vec::new(), Vec::new());
        let mut now_us = start_us;
        for (gap_us, kind) in steps {
            now_us += gap_us;
            if kind < 3 {
                budget.requested(at(now_us));
                requests.push(now_us);
                continue;
            }
            let bound = |requests: u64| requests * u64::from(percent) / 100 + u64::from(per_second) * 10;
            if budget.withdraw(at(now_us)) {
                retries.push(now_us);
                let (used, asked) = (within(&retries, now_us, 10 * SECOND_US), within(&requests, now_us, 10 * SECOND_US));
                prop_assert!(used <= bound(asked), "{used} retries for {asked} requests at {now_us}");
            } else {
                let (used, asked) = (within(&retries, now_us, 11 * SECOND_US), within(&requests, now_us, 9 * SECOND_US));
                prop_assert!(used >= bound(asked), "refused after {used} retries for {asked} requests at {now_us}");
            }
        }
    }
}
