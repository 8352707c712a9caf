//! The shared budget: by example, and with many threads.

use std::{thread, time::Duration};

use super::*;
use crate::testing::ManualClock;

fn budget(percent: u32, per_second: u32) -> (RetryBudget, Arc<ManualClock>) {
    let clock = ManualClock::new();
    (RetryBudget::new(BudgetSettings { percent, per_second }, clock.clone()), clock)
}

fn withdraw_all(budget: &RetryBudget) -> usize {
    (0..100_000).take_while(|_| budget.withdraw()).count()
}

#[test]
fn a_share_and_a_reserve() {
    let (budget, clock) = budget(20, 1);
    for _ in 0..10 {
        for _ in 0..10 {
            budget.requested();
        }
        clock.advance(Duration::from_secs(1));
    }
    assert_eq!(withdraw_all(&budget), 18 + 10, "the oldest of the ten seconds has left the window");
    clock.advance(Duration::from_secs(11));
    assert_eq!(withdraw_all(&budget), 10, "all requests are forgotten, and so are the retries");
}

#[test]
fn a_late_reading_of_the_clock_is_counted() {
    let (budget, clock) = budget(100, 0);
    let early = clock.now();
    clock.advance(Duration::from_secs(10));
    budget.requested();
    budget.requested_at(early);
    assert_eq!(withdraw_all(&budget), 2);
}

#[test]
fn a_reload_keeps_what_was_counted() {
    let (budget, _) = budget(0, 1);
    assert_eq!(withdraw_all(&budget), 10);
    budget.configure(BudgetSettings { percent: 0, per_second: 3 });
    assert_eq!(withdraw_all(&budget), 20);
}

#[test]
fn no_request_is_lost_and_no_retry_taken_twice() {
    let (budget, clock) = budget(10, 0);
    let retries: usize = thread::scope(|scope| {
        let counting: Vec<_> = (0..4)
            .map(|thread| {
                let (budget, clock) = (&budget, &clock);
                scope.spawn(move || {
                    for request in 0..10_000 {
                        budget.requested();
                        // Seconds begin while others count: eight in all, so that none leaves the window.
                        if thread == 0 && request % 1_250 == 0 {
                            clock.advance(Duration::from_secs(1));
                        }
                    }
                    (0..2_000).filter(|_| budget.withdraw()).count()
                })
            })
            .collect();
        counting.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(retries + withdraw_all(&budget), 4_000);
}
