//! The layers around services that fail, wait and hold on, in paused time.

use std::{
    future::{Future, poll_fn},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use futures_util::future::BoxFuture;
use seawall_core::resilience::BudgetSettings;
use tokio::{sync::Notify, time::Instant};
use tower::{ServiceBuilder, ServiceExt, service_fn};
use tower_layer::Layer as _;
use tower_service::Service;

use super::*;
use crate::{
    Bulkhead, BulkheadFull, CircuitBreaker, Deadline, GaveUp, Next, Open, Outcome, Retry, RetryBudget, RetryError,
    TimedOut, testing::ManualClock,
};

const SECOND: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no answer")]
struct Failed;

/// A service that answers how often it was asked, and fails so many times before.
fn failing(times: u32) -> (Arc<AtomicU32>, impl Service<u32, Response = u32, Error = Failed, Future = Answer> + Clone) {
    let asked = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&asked);
    let answer = move |_: u32| -> Answer {
        let asked = counted.fetch_add(1, Ordering::Relaxed) + 1;
        Box::pin(async move { if asked > times { Ok(asked) } else { Err(Failed) } })
    };
    (asked, service_fn(answer))
}

type Answer = BoxFuture<'static, Result<u32, Failed>>;

fn breaker() -> CircuitBreaker {
    CircuitBreaker::new(crate::BreakerSettings::default(), ManualClock::new(), |_| {})
}

fn by_error(result: &Result<u32, Failed>) -> Outcome {
    if result.is_ok() { Outcome::Succeeded } else { Outcome::Failed }
}

fn again(result: &Result<u32, Failed>) -> Next {
    if result.is_ok() { Next::GiveUp } else { Next::Again }
}

fn copied(request: &u32) -> Option<u32> {
    Some(*request)
}

/// A service that is never ready.
#[derive(Clone, Debug)]
struct NeverReady;

impl Service<u32> for NeverReady {
    type Response = u32;
    type Error = Failed;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failed>> {
        Poll::Pending
    }

    fn call(&mut self, _: u32) -> Answer {
        panic!("it was called without being ready")
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_at_its_deadline_and_the_wait_for_readiness_with_it() {
    let service = ServiceBuilder::new().layer(DeadlineLayer::after(SECOND)).service(NeverReady);
    let start = Instant::now();
    assert_eq!(service.oneshot(1).await, Err(DeadlineError::TimedOut(TimedOut)));
    assert_eq!(start.elapsed(), SECOND);
    let (_, service) = failing(0);
    assert_eq!(DeadlineLayer::after(Duration::ZERO).layer(service).oneshot(1).await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn what_runs_within_knows_the_earlier_deadline_and_nobody_outside_does() {
    let start = Instant::now();
    let told = service_fn(|_: u32| async { Ok::<_, Failed>(Deadline::current()) });
    let layers = ServiceBuilder::new().layer(DeadlineLayer::after(SECOND)).layer(DeadlineLayer::after(5 * SECOND));
    assert_eq!(layers.service(told).oneshot(1).await.unwrap(), Deadline::at(start + SECOND));
    assert_eq!(Deadline::current(), Deadline::none());
}

#[tokio::test(start_paused = true)]
async fn a_clone_that_was_ready_and_is_dropped_holds_no_place() {
    let bulkhead = Bulkhead::new(1, 0);
    let (_, service) = failing(0);
    let mut service = BulkheadLayer::new(bulkhead.clone()).layer(service);
    let mut dropped = service.clone();
    poll_fn(|cx| dropped.poll_ready(cx)).await.unwrap();
    drop(dropped);
    assert_eq!(bulkhead.in_use(), 0);
    poll_fn(|cx| service.poll_ready(cx)).await.unwrap();
    let never_polled = service.call(1);
    assert_eq!(bulkhead.in_use(), 1);
    drop(never_polled);
    assert_eq!(service.oneshot(1).await, Ok(1));
    assert_eq!(bulkhead.in_use(), 0);
}

#[tokio::test(start_paused = true)]
async fn beyond_places_and_waiting_room_a_call_is_refused_at_once() {
    let (bulkhead, open) = (Bulkhead::new(1, 1), Arc::new(Notify::new()));
    let held = Arc::clone(&open);
    let service = service_fn(move |asked: u32| {
        let held = Arc::clone(&held);
        async move {
            held.notified().await;
            Ok::<_, Failed>(asked)
        }
    });
    let service = BulkheadLayer::new(bulkhead.clone()).layer(service);
    let [first, second] = [1, 2].map(|asked| tokio::spawn(service.clone().oneshot(asked)));
    while bulkhead.waiting() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(service.clone().oneshot(3).await, Err(BulkheadError::Full(BulkheadFull::Full)));
    open.notify_one();
    assert_eq!(first.await.unwrap(), Ok(1));
    open.notify_one();
    assert_eq!(second.await.unwrap(), Ok(2));
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_for_a_place_until_the_deadline_it_runs_under() {
    let bulkhead = Bulkhead::new(1, 1);
    let _taken = bulkhead.try_acquire().unwrap();
    let (asked, service) = failing(0);
    let layers = ServiceBuilder::new().layer(DeadlineLayer::after(SECOND)).layer(BulkheadLayer::new(bulkhead));
    let full = BulkheadError::Full(BulkheadFull::TimedOut);
    assert_eq!(layers.service(service).oneshot(1).await, Err(DeadlineError::Service(full)));
    assert_eq!(asked.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn what_fails_in_passing_is_asked_again_as_often_as_may_be() {
    let (asked, service) = failing(2);
    let layer = RetryLayer::new(Retry::default(), copied, again);
    assert_eq!(layer.layer(service).oneshot(1).await.unwrap(), 3);
    assert_eq!(asked.load(Ordering::Relaxed), 3);
    let (_, service) = failing(9);
    let failed = layer.layer(service).oneshot(1).await.unwrap_err();
    assert!(
        matches!(failed, RetryError::Failed { attempts: 3, gave_up: GaveUp::Attempts, error: Failed }),
        "{failed:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_copied_is_sent_once_and_takes_nothing_from_the_budget() {
    let budget = RetryBudget::new(BudgetSettings { percent: 100, per_second: 0 }, ManualClock::new());
    let layer = |copy: fn(&u32) -> Option<u32>| RetryLayer::new(Retry::default().budget(budget.clone()), copy, again);
    let (asked, service) = failing(9);
    let failed = layer(|_| None).layer(service).oneshot(1).await.unwrap_err();
    assert!(matches!(failed, RetryError::Failed { attempts: 1, gave_up: GaveUp::Final, .. }), "{failed:?}");
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    let (asked, service) = failing(9);
    let failed = layer(copied).layer(service).oneshot(1).await.unwrap_err();
    // Two requests leave room for two retries, had the first taken none.
    assert!(matches!(failed, RetryError::Failed { attempts: 3, gave_up: GaveUp::Attempts, .. }), "{failed:?}");
    assert_eq!(asked.load(Ordering::Relaxed), 3);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_asks_for_patience_is_waited_for_and_given_when_it_is_the_last() {
    let busy = service_fn(|_: u32| async { Ok::<_, Failed>(503) });
    let patient = |result: &Result<u32, Failed>| match result {
        Ok(503) => Next::AgainAfter(2 * SECOND),
        _ => Next::GiveUp,
    };
    let start = Instant::now();
    let service = RetryLayer::new(Retry::default(), copied, patient).layer(busy);
    assert_eq!(service.clone().oneshot(1).await.unwrap(), 503);
    assert_eq!(start.elapsed(), 4 * SECOND);
    // A wait that would end after the deadline is not begun.
    let start = Instant::now();
    let service = DeadlineLayer::after(3 * SECOND).layer(service);
    assert_eq!(service.oneshot(1).await.unwrap(), 503);
    assert_eq!(start.elapsed(), 2 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_failed_often_is_left_alone_and_not_asked_whether_it_is_ready() {
    let (breaker, failures) = (breaker(), crate::BreakerSettings::default().failures);
    let (_, service) = failing(u32::MAX);
    let service = BreakerLayer::new(breaker.clone(), by_error).layer(service);
    for _ in 0..failures {
        assert_eq!(service.clone().oneshot(1).await, Err(BreakerError::Service(Failed)));
    }
    let refused = BreakerLayer::new(breaker, by_error).layer(NeverReady).oneshot(1).await;
    assert!(matches!(refused, Err(BreakerError::Open(Open { .. }))), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn the_judge_says_what_counts_and_a_dropped_call_says_nothing() {
    let (breaker, failures) = (breaker(), crate::BreakerSettings::default().failures);
    let (_, service) = failing(u32::MAX);
    let service = BreakerLayer::new(breaker.clone(), |_: &Result<u32, Failed>| Outcome::Succeeded).layer(service);
    for _ in 0..2 * failures {
        assert_eq!(service.clone().oneshot(1).await, Err(BreakerError::Service(Failed)));
    }
    let mut waiting = BreakerLayer::new(breaker.clone(), by_error).layer(NeverReady);
    for _ in 0..2 * failures {
        let mut call = Box::pin(waiting.call(1));
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    assert_eq!(breaker.state(), crate::BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_dropped_leaves_its_place_to_the_next() {
    let clock = ManualClock::new();
    let settings = crate::BreakerSettings::default();
    let breaker = CircuitBreaker::new(settings, Arc::clone(&clock) as _, |_| {});
    (0..settings.failures).for_each(|_| breaker.ticket().unwrap().failed());
    clock.advance(settings.open + SECOND);
    let layer = BreakerLayer::new(breaker.clone(), by_error);
    let mut hung = layer.layer(NeverReady);
    let calls: Vec<_> = (0..8).map(|_| hung.call(1)).collect();
    let (_, service) = failing(0);
    assert!(matches!(layer.layer(service.clone()).oneshot(1).await, Err(BreakerError::Open(_))));
    drop(calls);
    assert_eq!(layer.layer(service).oneshot(1).await, Ok(1));
}
