//! Every implementation of a port keeps its contract, and guards treat an answer that comes later like one that is there.

use std::{sync::Arc, time::Duration};

use http::Request;
use seawall_core::{
    Mode,
    clock::{Clock, Now},
    idempotency::IdempotencyStore,
    limit::{Ask, RateStore, Standing},
    meter::NoMeter,
    reply::Reply,
    settings::Raw,
};
use seawall_guards::{
    Context, Flow, Peer, Policy, Seed, Step, Stop,
    idempotency::{MemoryAttempts, MemoryBounds},
    rate_limit::{self, MemoryRates, RateLimitGuard},
};
use seawall_testkit::{
    ManualClock,
    ports::{
        FailingRates, LaterIdempotency, LaterRates, idempotency_store::Ground, idempotency_store_contract,
        rate_store_contract,
    },
};

fn memory() -> Arc<dyn RateStore> {
    MemoryRates::new(1_024, &NoMeter)
}

#[tokio::test]
async fn counters_in_memory_keep_the_contract() {
    rate_store_contract(&*memory()).await;
}

#[tokio::test]
async fn counters_that_answer_later_keep_the_contract() {
    rate_store_contract(&LaterRates(memory())).await;
}

/// The problem's code of three requests under a limit of two, or nothing for those that pass.
async fn three_requests(store: Arc<dyn RateStore>, when_unavailable: &str) -> Vec<Option<&'static str>> {
    three_requests_with(store, None, when_unavailable).await
}

/// As [`three_requests`], with counters of the process beside the store.
async fn three_requests_with(
    store: Arc<dyn RateStore>,
    local: Option<Arc<dyn RateStore>>,
    when_unavailable: &str,
) -> Vec<Option<&'static str>> {
    let text = |text: &str| Raw::Text(text.to_owned());
    let values =
        rate_limit::values().with("limits", text("2/min per ip")).with("when_unavailable", text(when_unavailable));
    let mut guard = RateLimitGuard::read(&values, "*", store).unwrap().unwrap();
    if let Some(local) = local {
        guard = guard.with_local(local, &NoMeter);
    }
    let policy =
        Policy::single("*".into(), Step::new(&rate_limit::ENTRY, Arc::new(guard), Mode::Enforce, "*", &NoMeter));
    let now: Now = ManualClock::default().now();
    let mut answers = Vec::new();
    for _ in 0..3 {
        let (mut head, ()) = Request::new(()).into_parts();
        let peer = Peer::new([127, 0, 0, 1].into(), false);
        let mut context = Context::new(peer, &head.headers, now, Seed::default(), "*".into());
        let mut flow = policy.head(&mut head, &mut context);
        while let Flow::Later(place, wait) = flow {
            flow = policy.settle(place, wait.await, &mut head, &mut context);
        }
        answers.push(match flow {
            Flow::Stop(Stop::Refused(problem)) => Some(problem.kind.code),
            _ => None,
        });
    }
    answers
}

#[tokio::test]
async fn a_guard_decides_alike_whether_the_answer_is_there_or_comes_later() {
    let limited = vec![None, None, Some("RATE_LIMITED")];
    assert_eq!(three_requests(memory(), "open").await, limited);
    assert_eq!(three_requests(Arc::new(LaterRates(memory())), "open").await, limited);
}

#[tokio::test]
async fn wk_4_a_store_that_fails_lets_requests_pass_or_refuses_them_as_configured() {
    assert_eq!(three_requests(Arc::new(FailingRates), "open").await, [None, None, None]);
    assert_eq!(three_requests(Arc::new(FailingRates), "closed").await, [Some("SERVICE_UNAVAILABLE"); 3]);
}

#[tokio::test]
async fn wk_4_a_store_that_fails_leaves_counting_to_the_process() {
    let limited = [None, None, Some("RATE_LIMITED")];
    assert_eq!(three_requests_with(Arc::new(FailingRates), Some(memory()), "local").await, limited);
    for (policy, expected) in [("open", None), ("closed", Some("SERVICE_UNAVAILABLE"))] {
        assert_eq!(
            three_requests_with(Arc::new(FailingRates), Some(memory()), policy).await,
            [expected; 3],
            "{policy}"
        );
    }
    assert_eq!(three_requests(Arc::new(FailingRates), "local").await, [None; 3], "without counters of its own");
}

/// A store that has forgotten everything before each ask, as one that was restarted just then.
#[derive(Debug)]
struct Forgetful;

impl RateStore for Forgetful {
    fn take(&self, ask: &Ask<'_>) -> Reply<Standing> {
        memory().take(ask)
    }
}

#[tokio::test]
async fn one_process_never_lets_more_pass_than_the_limit_whatever_the_store_forgot() {
    let limited = [None, None, Some("RATE_LIMITED")];
    assert_eq!(three_requests_with(Arc::new(Forgetful), Some(memory()), "local").await, limited);
    assert_eq!(three_requests_with(Arc::new(LaterRates(Arc::new(Forgetful))), Some(memory()), "local").await, limited);
    assert_eq!(three_requests_with(Arc::new(Forgetful), Some(memory()), "open").await, [None; 3]);
}

/// A table in memory, whose time is moved.
struct InMemory {
    store: Arc<dyn IdempotencyStore>,
    clock: Arc<ManualClock>,
}

impl Ground for InMemory {
    fn store(&self) -> Arc<dyn IdempotencyStore> {
        Arc::clone(&self.store)
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock) as Arc<dyn Clock>
    }

    async fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }
}

#[tokio::test]
async fn wk_13_idempotency_keys_in_memory_keep_the_contract_at_once_and_later() {
    let memory = || Arc::new(MemoryAttempts::new(MemoryBounds::default()));
    let stores: [Arc<dyn IdempotencyStore>; 2] = [memory(), Arc::new(LaterIdempotency(memory()))];
    for store in stores {
        idempotency_store_contract(&InMemory { store, clock: Arc::default() }).await;
    }
}
