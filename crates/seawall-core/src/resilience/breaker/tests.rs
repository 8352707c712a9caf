//! The breaker against a naive model that keeps every request, and by example.

use proptest::prelude::*;

use super::*;

fn at(ms: u64) -> Now {
    Now { monotonic_us: ms * 1_000, unix_us: 0 }
}

fn settings(failures: u32, successes: u32, open_ms: u64, probes: u32) -> BreakerSettings {
    BreakerSettings { failures, successes, open: Duration::from_millis(open_ms), probes, rates: None }
}

fn pass(breaker: &mut Breaker, now: Now) -> Pass {
    match breaker.admit(now).0 {
        Admission::Admitted(pass) => pass,
        Admission::Refused { retry_after } => panic!("refused for {retry_after:?}"),
    }
}

fn refused(breaker: &mut Breaker, now: Now) -> Duration {
    match breaker.admit(now).0 {
        Admission::Admitted(pass) => panic!("admitted with {pass:?}"),
        Admission::Refused { retry_after } => retry_after,
    }
}

/// A breaker that failed until it opened at `now`.
fn opened(settings: BreakerSettings, now: Now) -> Breaker {
    let mut breaker = Breaker::new(settings);
    for _ in 0..settings.failures {
        let pass = pass(&mut breaker, now);
        let _ = breaker.ended(pass, End::FAILED, now);
    }
    assert_eq!(breaker.state(now), BreakerState::Open);
    breaker
}

#[test]
fn the_checklist_numbers_open_and_close() {
    let mut breaker = Breaker::new(BreakerSettings::default());
    for failure in 1..=5 {
        let pass = pass(&mut breaker, at(0));
        let change = breaker.ended(pass, End::FAILED, at(0));
        assert_eq!(change.is_some(), failure == 5);
    }
    assert_eq!(refused(&mut breaker, at(59_999)), Duration::from_millis(1));
    let (first, change) = breaker.admit(at(60_000));
    assert_eq!(change, Some(Change { from: BreakerState::Open, to: BreakerState::HalfOpen }));
    let Admission::Admitted(first) = first else { panic!("the first probe was refused") };
    assert!(first.probe());
    assert_eq!(refused(&mut breaker, at(60_000)), PROBE_RETRY, "one probe at once");
    assert_eq!(breaker.ended(first, End::SUCCEEDED, at(0)), None);
    let second = pass(&mut breaker, at(60_001));
    assert_eq!(
        breaker.ended(second, End::SUCCEEDED, at(0)),
        Some(Change { from: BreakerState::HalfOpen, to: BreakerState::Closed })
    );
}

#[test]
fn a_success_makes_failures_start_over() {
    let mut breaker = Breaker::new(settings(2, 1, 1_000, 1));
    for _ in 0..10 {
        let (good, bad) = (pass(&mut breaker, at(0)), pass(&mut breaker, at(0)));
        assert_eq!(breaker.ended(bad, End::FAILED, at(0)), None);
        assert_eq!(breaker.failures(), 1);
        assert_eq!(breaker.ended(good, End::SUCCEEDED, at(0)), None);
        assert_eq!(breaker.failures(), 0);
    }
}

#[test]
fn a_failed_probe_opens_for_the_whole_time() {
    let mut breaker = opened(settings(1, 2, 1_000, 2), at(0));
    let (one, other) = (pass(&mut breaker, at(1_500)), pass(&mut breaker, at(1_500)));
    assert_eq!(breaker.ended(one, End::SUCCEEDED, at(0)), None);
    let change = breaker.ended(other, End::FAILED, at(1_700));
    assert_eq!(change, Some(Change { from: BreakerState::HalfOpen, to: BreakerState::Open }));
    assert_eq!(refused(&mut breaker, at(1_700)), Duration::from_secs(1));
}

#[test]
fn outcomes_from_before_a_change_do_not_count() {
    let mut breaker = Breaker::new(settings(1, 1, 1_000, 1));
    let (slow_good, slow_bad) = (pass(&mut breaker, at(0)), pass(&mut breaker, at(0)));
    let bad = pass(&mut breaker, at(0));
    assert!(breaker.ended(bad, End::FAILED, at(0)).is_some());
    assert_eq!(breaker.ended(slow_good, End::SUCCEEDED, at(0)), None, "an early success does not close");
    let probe = pass(&mut breaker, at(1_000));
    assert_eq!(breaker.ended(slow_bad, End::FAILED, at(1_001)), None, "an early failure does not open");
    breaker.abandoned(slow_bad);
    assert_eq!(refused(&mut breaker, at(1_001)), PROBE_RETRY, "an early request frees no probe's place");
    assert!(breaker.ended(probe, End::SUCCEEDED, at(0)).is_some());
}

#[test]
fn an_abandoned_probe_gives_its_place_back_and_counts_for_nothing() {
    let mut breaker = opened(settings(1, 1, 1_000, 1), at(0));
    let probe = pass(&mut breaker, at(1_000));
    breaker.abandoned(probe);
    assert_eq!(breaker.state(at(1_000)), BreakerState::HalfOpen);
    let probe = pass(&mut breaker, at(1_000));
    assert!(breaker.ended(probe, End::SUCCEEDED, at(0)).is_some());
}

#[test]
fn what_is_seen_to_work_is_tried_at_once() {
    let mut breaker = opened(settings(1, 1, 60_000, 1), at(0));
    assert_eq!(breaker.try_now(), Some(Change { from: BreakerState::Open, to: BreakerState::HalfOpen }));
    assert_eq!(breaker.try_now(), None);
    let probe = pass(&mut breaker, at(1));
    assert!(breaker.ended(probe, End::SUCCEEDED, at(0)).is_some());
    assert_eq!(breaker.try_now(), None, "a closed breaker stays closed");
}

#[test]
fn a_reload_changes_numbers_and_no_state() {
    let mut breaker = Breaker::new(settings(5, 1, 60_000, 1));
    for _ in 0..3 {
        let pass = pass(&mut breaker, at(0));
        assert_eq!(breaker.ended(pass, End::FAILED, at(0)), None);
    }
    breaker.configure(settings(2, 1, 60_000, 1));
    assert_eq!(breaker.state(at(0)), BreakerState::Closed);
    let pass = pass(&mut breaker, at(0));
    assert!(breaker.ended(pass, End::FAILED, at(0)).is_some(), "the failures counted so far are kept");
    breaker.configure(settings(2, 1, 1_000, 1));
    assert_eq!(refused(&mut breaker, at(999)), Duration::from_millis(1));
    assert_eq!(breaker.state(at(1_000)), BreakerState::HalfOpen);
}

/// Five failures in a row, or such shares of ten calls; from two seconds on one is slow.
fn rated(failed_percent: u32, slow_percent: u32) -> BreakerSettings {
    let rates = RateSettings { calls: 10, failed_percent, slow_percent, slow: Duration::from_secs(2) };
    BreakerSettings { rates: Some(rates), ..settings(5, 1, 1_000, 1) }
}

#[test]
fn what_fails_every_other_time_opens_by_its_share() {
    let mut breaker = Breaker::new(rated(50, 0));
    for call in 0..10 {
        let pass = pass(&mut breaker, at(0));
        let end = if call % 2 == 0 { End::FAILED } else { End::SUCCEEDED };
        assert_eq!(breaker.ended(pass, end, at(0)).is_some(), call == 9, "{call}");
    }
    let probe = pass(&mut breaker, at(1_000));
    assert!(breaker.ended(probe, End::SUCCEEDED, at(1_000)).is_some());
    let first = pass(&mut breaker, at(1_000));
    assert_eq!(breaker.ended(first, End::FAILED, at(1_000)), None, "what was before it opened is forgotten");
}

#[test]
fn what_drags_opens_by_its_share_and_a_probe_that_drags_has_failed() {
    let slow = End { failed: false, slow: true };
    let mut breaker = Breaker::new(rated(0, 30));
    for call in 0..10 {
        let pass = pass(&mut breaker, at(0));
        assert_eq!(breaker.ended(pass, if call < 3 { slow } else { End::SUCCEEDED }, at(0)).is_some(), call == 9);
    }
    let probe = pass(&mut breaker, at(1_000));
    let change = breaker.ended(probe, slow, at(1_500));
    assert_eq!(change, Some(Change { from: BreakerState::HalfOpen, to: BreakerState::Open }));
    assert_eq!(refused(&mut breaker, at(1_500)), Duration::from_secs(1));
}

#[test]
fn failures_in_a_row_open_long_before_there_is_a_share() {
    let mut breaker = Breaker::new(rated(100, 100));
    let ends = (1..=5).map(|_| {
        let pass = pass(&mut breaker, at(0));
        breaker.ended(pass, End::FAILED, at(0)).is_some()
    });
    assert_eq!(ends.collect::<Vec<_>>(), [false, false, false, false, true]);
}

#[test]
fn zero_counts_as_one() {
    let mut breaker = Breaker::new(settings(0, 0, 0, 0));
    let bad = pass(&mut breaker, at(0));
    assert!(breaker.ended(bad, End::FAILED, at(0)).is_some());
    let probe = pass(&mut breaker, at(0));
    assert_eq!(refused(&mut breaker, at(0)), Duration::ZERO);
    assert!(breaker.ended(probe, End::SUCCEEDED, at(0)).is_some());
}

#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    Admit,
    Succeed(usize),
    Fail(usize),
    Abandon(usize),
    TryNow,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0_u64..400).prop_map(Step::Wait),
        6 => Just(Step::Admit),
        3 => any::<usize>().prop_map(Step::Succeed),
        4 => any::<usize>().prop_map(Step::Fail),
        1 => any::<usize>().prop_map(Step::Abandon),
        1 => Just(Step::TryNow),
    ];
    prop::collection::vec(step, 0..300)
}

/// What is known from outside: every request under way with the change after which it was admitted.
struct Model {
    settings: BreakerSettings,
    breaker: Breaker,
    state: BreakerState,
    changes: u64,
    opened_ms: u64,
    failures: u32,
    successes: u32,
    under_way: Vec<(Pass, u64)>,
}

impl Model {
    fn new(settings: BreakerSettings) -> Self {
        let (state, breaker) = (BreakerState::Closed, Breaker::new(settings));
        Self { settings, breaker, state, changes: 0, opened_ms: 0, failures: 0, successes: 0, under_way: Vec::new() }
    }

    fn enter(&mut self, change: Option<Change>, to: BreakerState, now_ms: u64) -> Result<(), TestCaseError> {
        prop_assert_eq!(change, Some(Change { from: self.state, to }));
        self.state = to;
        self.changes += 1;
        self.opened_ms = now_ms;
        self.failures = 0;
        self.successes = 0;
        Ok(())
    }

    fn probes(&self) -> usize {
        self.under_way.iter().filter(|(_, admitted)| *admitted == self.changes).count()
    }

    fn admit(&mut self, now_ms: u64) -> Result<(), TestCaseError> {
        let due_ms = self.opened_ms + u64::try_from(self.settings.open.as_millis()).unwrap();
        let (admission, change) = self.breaker.admit(at(now_ms));
        if self.state == BreakerState::Open && now_ms < due_ms {
            prop_assert_eq!(change, None);
            prop_assert_eq!(admission, Admission::Refused { retry_after: Duration::from_millis(due_ms - now_ms) });
            return Ok(());
        }
        if self.state == BreakerState::Open {
            self.enter(change, BreakerState::HalfOpen, now_ms)?;
        } else {
            prop_assert_eq!(change, None);
        }
        let half_open = self.state == BreakerState::HalfOpen;
        match admission {
            Admission::Admitted(pass) => {
                prop_assert_eq!(pass.probe(), half_open);
                self.under_way.push((pass, self.changes));
                prop_assert!(!half_open || self.probes() <= usize::try_from(self.settings.probes).unwrap());
            }
            Admission::Refused { .. } => {
                prop_assert!(half_open && self.probes() == usize::try_from(self.settings.probes).unwrap());
            }
        }
        Ok(())
    }

    fn finish(&mut self, step: &Step, which: usize, now_ms: u64) -> Result<(), TestCaseError> {
        if self.under_way.is_empty() {
            return Ok(());
        }
        let (pass, admitted) = self.under_way.swap_remove(which % self.under_way.len());
        let change = match step {
            Step::Succeed(_) => self.breaker.ended(pass, End::SUCCEEDED, at(0)),
            Step::Fail(_) => self.breaker.ended(pass, End::FAILED, at(now_ms)),
            _ => {
                self.breaker.abandoned(pass);
                None
            }
        };
        let counts = admitted == self.changes;
        match (step, self.state) {
            (Step::Succeed(_), BreakerState::Closed) if counts => self.failures = 0,
            (Step::Succeed(_), BreakerState::HalfOpen) if counts => {
                self.successes += 1;
                if self.successes == self.settings.successes {
                    return self.enter(change, BreakerState::Closed, now_ms);
                }
            }
            (Step::Fail(_), BreakerState::Closed) if counts => {
                self.failures += 1;
                if self.failures == self.settings.failures {
                    return self.enter(change, BreakerState::Open, now_ms);
                }
            }
            (Step::Fail(_), BreakerState::HalfOpen) if counts => {
                return self.enter(change, BreakerState::Open, now_ms);
            }
            _ => {}
        }
        prop_assert_eq!(change, None);
        Ok(())
    }
}

proptest! {
    #[test]
    fn the_breaker_does_what_the_model_does(
        failures in 1_u32..4, successes in 1_u32..4, open_ms in 0_u64..1_000, probes in 1_u32..4, steps in steps(),
    ) {
        let mut model = Model::new(settings(failures, successes, open_ms, probes));
        let mut now_ms = 0;
        for step in steps {
            match step {
                Step::Wait(ms) => now_ms += ms,
                Step::Admit => model.admit(now_ms)?,
                Step::Succeed(which) | Step::Fail(which) | Step::Abandon(which) => model.finish(&step, which, now_ms)?,
                Step::TryNow => {
                    let change = model.breaker.try_now();
                    if model.state == BreakerState::Open {
                        model.enter(change, BreakerState::HalfOpen, now_ms)?;
                    } else {
                        prop_assert_eq!(change, None);
                    }
                }
            }
            prop_assert_eq!(model.breaker.generation(), model.changes);
            prop_assert_eq!(model.breaker.failures(), model.failures);
            let due = model.state == BreakerState::Open && now_ms >= model.opened_ms + open_ms;
            prop_assert_eq!(model.breaker.state(at(now_ms)), if due { BreakerState::HalfOpen } else { model.state });
        }
    }
}
