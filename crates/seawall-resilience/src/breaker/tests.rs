//! The shared breaker: by example, on its quick path, and with many threads.

use std::{sync::atomic::AtomicU32, thread};

use super::*;
use crate::testing::ManualClock;

type Changes = Arc<Mutex<Vec<Change>>>;

fn breaker(settings: BreakerSettings) -> (CircuitBreaker, Arc<ManualClock>, Changes) {
    let (clock, changes) = (ManualClock::new(), Changes::default());
    let heard = Arc::clone(&changes);
    let breaker = CircuitBreaker::new(settings, clock.clone(), move |change| heard.lock().unwrap().push(change));
    (breaker, clock, changes)
}

fn one_strike() -> BreakerSettings {
    BreakerSettings { failures: 1, successes: 1, open: Duration::from_secs(1), probes: 1, rates: None }
}

#[test]
fn it_opens_lets_a_probe_through_and_closes() {
    let (breaker, clock, changes) = breaker(one_strike());
    breaker.ticket().unwrap().failed();
    assert_eq!(breaker.state(), BreakerState::Open);
    assert_eq!(breaker.admit(), Err(Open { retry_after: Duration::from_secs(1) }));
    clock.advance(Duration::from_secs(1));
    let probe = breaker.ticket().unwrap();
    assert!(probe.probe());
    assert!(breaker.admit().is_err());
    probe.succeeded();
    assert_eq!(breaker.state(), BreakerState::Closed);
    let entered: Vec<_> = changes.lock().unwrap().iter().map(|change| change.to).collect();
    assert_eq!(entered, [BreakerState::Open, BreakerState::HalfOpen, BreakerState::Closed]);
}

#[test]
fn a_dropped_ticket_gives_the_probes_place_back() {
    let (breaker, clock, _) = breaker(one_strike());
    breaker.ticket().unwrap().failed();
    clock.advance(Duration::from_secs(1));
    drop(breaker.ticket().unwrap());
    assert!(breaker.ticket().unwrap().probe());
}

#[test]
fn what_is_seen_to_work_is_tried_at_once() {
    let (breaker, _, _) = breaker(one_strike());
    breaker.ticket().unwrap().failed();
    breaker.try_now();
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
    breaker.ticket().unwrap().succeeded();
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[test]
fn what_answers_late_is_left_alone_and_what_talks_long_is_not() {
    let rates = RateSettings { calls: 4, failed_percent: 0, slow_percent: 50, slow: Duration::from_secs(1) };
    let (breaker, clock, _) = breaker(BreakerSettings { rates: Some(rates), ..BreakerSettings::default() });
    let call = |to_answer: u64, answer: u64| {
        let mut ticket = breaker.ticket().unwrap();
        clock.advance(Duration::from_millis(to_answer));
        ticket.answered();
        clock.advance(Duration::from_millis(answer));
        ticket.succeeded();
    };
    for _ in 0..8 {
        call(999, 60_000);
    }
    assert_eq!(breaker.state(), BreakerState::Closed);
    call(1_000, 0);
    assert_eq!(breaker.state(), BreakerState::Closed);
    call(1_000, 0);
    assert_eq!(breaker.state(), BreakerState::Open);
}

#[test]
fn a_reload_begins_to_count_shares() {
    let (breaker, _, _) = breaker(BreakerSettings::default());
    let rates = RateSettings { calls: 2, failed_percent: 50, slow_percent: 0, slow: Duration::ZERO };
    breaker.configure(BreakerSettings { rates: Some(rates), ..BreakerSettings::default() });
    breaker.ticket().unwrap().succeeded();
    breaker.ticket().unwrap().failed();
    assert_eq!(breaker.state(), BreakerState::Open, "one of two");
}

#[test]
fn a_reload_changes_numbers() {
    let (breaker, _, _) = breaker(BreakerSettings::default());
    breaker.configure(one_strike());
    assert_eq!(breaker.state(), BreakerState::Closed);
    breaker.ticket().unwrap().failed();
    assert_eq!(breaker.state(), BreakerState::Open);
}

#[test]
fn the_quick_path_takes_no_lock_and_reads_no_clock() {
    let (breaker, clock, _) = breaker(BreakerSettings::default());
    // Whoever takes the lock held here would wait for good.
    let held = breaker.0.lock();
    for outcome in [Outcome::Succeeded, Outcome::Abandoned] {
        let pass = breaker.admit().unwrap();
        breaker.record(pass, outcome);
    }
    assert_eq!(breaker.state(), BreakerState::Closed);
    drop(held);
    assert_eq!(clock.read(), 0);
}

#[test]
fn a_success_resets_failures_and_the_quick_path_returns() {
    let (breaker, _, _) = breaker(BreakerSettings::default());
    for _ in 0..20 {
        for _ in 0..4 {
            breaker.ticket().unwrap().failed();
        }
        assert_eq!(breaker.0.word() & (CLOSED | COUNTS), CLOSED | COUNTS);
        breaker.ticket().unwrap().succeeded();
        assert_eq!(breaker.0.word() & (CLOSED | COUNTS), CLOSED);
    }
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[test]
fn the_observer_may_ask_the_breaker() {
    let asked = Arc::new(Mutex::new(None::<CircuitBreaker>));
    let (in_observer, states) = (Arc::clone(&asked), Arc::new(Mutex::new(Vec::new())));
    let seen = Arc::clone(&states);
    let breaker = CircuitBreaker::new(one_strike(), ManualClock::new(), move |_| {
        let breaker = in_observer.lock().unwrap();
        seen.lock().unwrap().extend(breaker.as_ref().map(CircuitBreaker::state));
    });
    *asked.lock().unwrap() = Some(breaker.clone());
    breaker.ticket().unwrap().failed();
    assert_eq!(*states.lock().unwrap(), [BreakerState::Open]);
}

#[test]
fn a_pass_is_small() {
    assert!(size_of::<Pass>() <= 16);
    assert!(size_of::<Ticket>() <= 32);
}

/// Threads ask, succeed, fail and leave, while time passes: at most one probe is under way at any moment, every change
/// is a step of the diagram and leaves the state that another entered, and the breaker works at the end.
#[test]
fn many_threads_see_one_breaker() {
    const THREADS: u64 = 4;
    const REQUESTS: u64 = 20_000;
    let settings =
        BreakerSettings { failures: 3, successes: 2, open: Duration::from_micros(50), probes: 1, rates: None };
    let (breaker, clock, changes) = breaker(settings);
    let (probes, most_probes) = (AtomicU32::new(0), AtomicU32::new(0));
    thread::scope(|scope| {
        for seed in 0..THREADS {
            let (breaker, clock, probes, most_probes) = (&breaker, &clock, &probes, &most_probes);
            scope.spawn(move || {
                let mut random = fastrand::Rng::with_seed(seed);
                for _ in 0..REQUESTS {
                    clock.advance(Duration::from_micros(random.u64(0..4)));
                    let Ok(pass) = breaker.admit() else { continue };
                    if pass.probe() {
                        most_probes.fetch_max(probes.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        thread::yield_now();
                        probes.fetch_sub(1, Ordering::SeqCst);
                    }
                    breaker.record(
                        pass,
                        match random.u32(0..10) {
                            0..5 => Outcome::Succeeded,
                            5..9 => Outcome::Failed,
                            _ => Outcome::Abandoned,
                        },
                    );
                }
            });
        }
    });
    assert_eq!(most_probes.load(Ordering::SeqCst), 1);
    let changes = changes.lock().unwrap();
    let count = |from, to| changes.iter().filter(|change| **change == Change { from, to }).count();
    let opened = count(BreakerState::Closed, BreakerState::Open);
    let tried = count(BreakerState::Open, BreakerState::HalfOpen);
    let reopened = count(BreakerState::HalfOpen, BreakerState::Open);
    let closed = count(BreakerState::HalfOpen, BreakerState::Closed);
    assert_eq!(opened + tried + reopened + closed, changes.len());
    assert!(opened > 0 && reopened > 0 && closed > 0, "{opened} {reopened} {closed}");
    assert!((0..=1).contains(&(opened + reopened - tried)) && (0..=1).contains(&(opened - closed)));
    assert!((0..=1).contains(&(tried - reopened - closed)));
    drop(changes);

    clock.advance(settings.open);
    for _ in 0..4 {
        breaker.ticket().unwrap().succeeded();
    }
    assert_eq!(breaker.0.word() & (CLOSED | COUNTS), CLOSED);
    assert_eq!(breaker.0.word(), word_of(&breaker.0.lock()), "the word says what the state is");
}
