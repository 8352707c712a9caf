//! Retries in paused time.

use std::future::{pending, ready};

use seawall_core::resilience::BudgetSettings;
use tokio::time::Instant;

use super::*;
use crate::testing::ManualClock;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("attempt {0} failed")]
struct Failed(u32);

fn failing(attempt: u32) -> std::future::Ready<Result<(), Failed>> {
    ready(Err(Failed(attempt)))
}

fn again(_: &Failed) -> Next {
    Next::Again
}

/// How a run failed, and after how many attempts.
fn failure<T: std::fmt::Debug>(result: Result<T, RetryError<Failed>>) -> (u32, GaveUp, Failed) {
    match result.unwrap_err() {
        RetryError::Failed { attempts, gave_up, error } => (attempts, gave_up, error),
        RetryError::TimedOut { .. } => panic!("timed out"),
    }
}

#[tokio::test(start_paused = true)]
async fn the_checklist_numbers() {
    let start = Instant::now();
    let result = Retry::default().run_with(failing, again, || u64::MAX).await;
    assert_eq!(failure(result), (3, GaveUp::Attempts, Failed(2)));
    assert_eq!(start.elapsed().as_millis(), 100 + 200);
}

#[tokio::test(start_paused = true)]
async fn waits_grow_to_their_bound_and_jitter_stays_below() {
    let retry = Retry::default().attempts(9);
    let start = Instant::now();
    assert_eq!(failure(retry.run_with(failing, again, || u64::MAX).await).0, 9);
    let longest = start.elapsed();
    assert_eq!(longest.as_millis(), 100 + 200 + 400 + 800 + 1_600 + 3_200 + 5_000 + 5_000);
    let start = Instant::now();
    assert_eq!(failure(retry.run(failing, again).await).0, 9);
    assert!(start.elapsed() <= longest);
}

#[tokio::test(start_paused = true)]
async fn the_first_success_ends_it() {
    let succeed_at = |right| move |attempt| ready(if attempt == right { Ok(attempt) } else { Err(Failed(attempt)) });
    assert_eq!(Retry::default().run(succeed_at(0), again).await.unwrap(), 0);
    assert_eq!(Retry::default().run(succeed_at(2), again).await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_error_not_to_retry_ends_it() {
    let result = Retry::default().run(failing, |_| Next::GiveUp).await;
    assert_eq!(failure(result), (1, GaveUp::Final, Failed(0)));
}

#[tokio::test(start_paused = true)]
async fn zero_attempts_are_one() {
    assert_eq!(failure(Retry::default().attempts(0).run(failing, again).await).0, 1);
}

#[tokio::test(start_paused = true)]
async fn the_service_may_ask_for_a_longer_wait() {
    let start = Instant::now();
    let asks = |error: &Failed| if error.0 == 0 { Next::AgainAfter(Duration::from_secs(7)) } else { Next::GiveUp };
    assert_eq!(failure(Retry::default().run(failing, asks).await).0, 2);
    assert_eq!(start.elapsed().as_secs(), 7);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_an_attempt_that_cannot_be_made() {
    let retry = Retry::default().under(Deadline::after(Duration::from_secs(2)));
    let start = Instant::now();
    let result = retry.run(failing, |_| Next::AgainAfter(Duration::from_secs(2))).await;
    assert_eq!(failure(result), (1, GaveUp::Deadline, Failed(0)));
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn all_attempts_share_the_deadline() {
    let retry = Retry::default().under(Deadline::after(Duration::from_secs(2)));
    let start = Instant::now();
    let slow = async |attempt| if attempt == 0 { Err(Failed(0)) } else { pending::<Result<(), Failed>>().await };
    let result = retry.run(slow, again).await;
    assert!(matches!(result, Err(RetryError::TimedOut { attempts: 2, last: Some(Failed(0)) })));
    assert_eq!(start.elapsed().as_secs(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_budget_bounds_what_all_operations_repeat() {
    let budget = RetryBudget::new(BudgetSettings { percent: 50, per_second: 0 }, ManualClock::new());
    let retry = Retry::default().budget(budget.clone());
    assert_eq!(failure(retry.run(failing, again).await), (1, GaveUp::Budget, Failed(0)));
    assert_eq!(failure(retry.run(failing, again).await), (2, GaveUp::Budget, Failed(1)));
    assert_eq!(failure(retry.run(failing, again).await).1, GaveUp::Budget);
    assert_eq!(failure(retry.run(failing, |_| Next::GiveUp).await).1, GaveUp::Final);
    assert!(budget.withdraw(), "an error not to retry withdraws nothing");
}

#[tokio::test(start_paused = true)]
async fn errors_say_what_happened_without_the_chain() {
    let error = Retry::default().run(failing, again).await.unwrap_err();
    assert_eq!(error.to_string(), "gave up after 3 attempts");
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "attempt 2 failed");
}

#[test]
fn the_future_can_be_spawned() {
    fn spawnable(_: impl Send) {}
    let retry = Retry::default();
    spawnable(retry.run(failing, again));
}
