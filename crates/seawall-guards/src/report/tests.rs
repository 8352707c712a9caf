//! What is remembered, and that it stays bounded.

use std::sync::Arc;

use http::{Method, Request};
use proptest::prelude::*;
use seawall_core::{
    Mode,
    clock::{Clock, Now},
    meter::NoMeter,
    problem::Problem,
    settings::Raw,
};

use super::*;
use crate::{
    Context, Flow, Policy, Step,
    body::{self, BodyGuard},
    engine::sample_context,
    rate_limit::{self, LIMITED, MemoryRates, RateLimitGuard},
};

#[derive(Debug)]
struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Now {
        sample_context().now
    }
}

fn reports() -> Reports {
    Reports::new(Arc::new(Stopped), 1_024)
}

fn at(us: u64) -> Context {
    let mut context = sample_context();
    context.now = Now { monotonic_us: 1_000_000 + us, unix_us: context.now.unix_us + us };
    context
}

fn limiter(limits: &str, mode: Mode, reports: &Reports) -> Policy {
    let values = rate_limit::values()
        .with("limits", Raw::List(limits.split(", ").map(|limit| Raw::Text(limit.into())).collect()));
    let guard = RateLimitGuard::read(&values, "*", MemoryRates::new(1_024, &NoMeter)).unwrap().unwrap();
    let step = Step::new(&rate_limit::ENTRY, Arc::new(guard), mode, "*", &NoMeter);
    Policy::single("*".into(), step.remembered_by(reports, "*", 1))
}

/// Whether the limiter would have refused a request of this moment, whichever way it tells.
fn refuses(policy: &Policy, us: u64, target: &str) -> bool {
    let (mut head, ()) = Request::builder().uri(target).body(()).unwrap().into_parts();
    let mut context = at(us);
    let stopped = matches!(policy.head(&mut head, &mut context), Flow::Stop(_));
    stopped || policy.reported(&context).next().is_some()
}

fn limits_of(report: &GuardReport) -> String {
    report.needs.iter().map(|need| need.most.fitting.clone()).collect::<Vec<_>>().join(", ")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The goal, for a limiter: what it reports is what it refuses, and what it suggests refuses none.
    #[test]
    fn a_limiter_reports_what_it_would_refuse_and_suggests_what_refuses_none(
        gaps in prop::collection::vec(prop_oneof![0_u64..50_000, 0_u64..400_000, Just(60_000_000)], 1..600),
        limits in prop_oneof![Just("3/10s per ip"), Just("99/10s per ip"), Just("20/2s per ip, 150/30s per ip")],
    ) {
        let reports = reports();
        let (watching, enforcing) = (limiter(limits, Mode::Report, &reports), limiter(limits, Mode::Enforce, &reports));
        let mut now_us = 0;
        let times: Vec<u64> = gaps.iter().map(|gap| { now_us += gap; now_us }).collect();
        let mut refused = 0;
        for &us in &times {
            let would = refuses(&watching, us, "/");
            prop_assert_eq!(would, refuses(&enforcing, us, "/"));
            refused += u64::from(would);
        }
        let report = &reports.show()[0];
        prop_assert_eq!((report.seen, report.refused), (times.len() as u64, refused));
        prop_assert_eq!(report.needs.iter().map(|need| need.refused).sum::<u64>(), refused);
        if refused > 0 {
            let mut fitting: Vec<String> = limits.split(", ").map(str::to_owned).collect();
            for need in &report.needs {
                fitting.iter_mut().filter(|limit| **limit == need.most.set).for_each(|limit| limit.clone_from(&need.most.fitting));
            }
            let fits = limiter(&fitting.join(", "), Mode::Enforce, &reports);
            for &us in &times {
                prop_assert!(!refuses(&fits, us, "/"), "{} refuses at {us}", fitting.join(", "));
            }
        }
    }
}

#[test]
fn a_limiter_says_how_many_it_would_have_refused_and_what_would_have_refused_none() {
    let reports = reports();
    let policy = limiter("5/min per ip", Mode::Report, &reports);
    let refused = (0..8).filter(|place| refuses(&policy, place * 1_000, "/")).count();
    let report = &reports.show()[0];
    assert_eq!((refused, report.seen, report.refused, limits_of(report).as_str()), (3, 8, 3, "8/min per ip"));
    assert_eq!(
        report.suggestions(),
        ["`limits` in `[rate_limit]`: \"5/min per ip\" would have refused 3 of 8; \"8/min per ip\" would refuse none"]
    );
    assert_eq!((&*report.problems[0].callers[0].name, report.problems[0].callers[0].count), ("127.0.0.1", 3));
}

#[test]
fn what_passes_is_counted_and_takes_nothing_else() {
    let reports = reports();
    let policy = limiter("100/min per ip", Mode::Report, &reports);
    assert!((0..9).all(|place| !refuses(&policy, place, "/")));
    let report = &reports.show()[0];
    assert_eq!((report.seen, report.refused, report.problems.len(), report.needs.len()), (9, 0, 0, 0));
    assert_eq!(report.suggestions(), ["would have refused none of 9; it can be enforced"]);
}

#[test]
fn a_guard_that_enforces_is_not_remembered() {
    let reports = reports();
    let policy = limiter("1/min per ip", Mode::Enforce, &reports);
    assert!(!refuses(&policy, 0, "/") && refuses(&policy, 1, "/"));
    assert!(reports.show().is_empty());
}

#[test]
fn examples_hide_secrets_and_are_the_first_and_the_latest() {
    let reports = reports();
    let policy = limiter("1/day per ip", Mode::Report, &reports);
    for second in 0..9 {
        refuses(&policy, second * 1_000_000, &format!("/items/{second}?token=s3cret&page={second}"));
    }
    let report = &reports.show()[0];
    let paths = report.problems[0].examples.iter().map(|example| &*example.path).collect::<Vec<_>>();
    let path = |second| format!("/items/{second}?token=[redacted]&page={second}");
    assert_eq!(paths, [1, 2, 6, 7, 8].map(path));
}

#[test]
fn a_flood_makes_no_more_than_one_example_a_second() {
    let reports = reports();
    let policy = limiter("1/day per ip", Mode::Report, &reports);
    for place in 0..500 {
        refuses(&policy, place, &format!("/{place}"));
    }
    let report = &reports.show()[0];
    let paths = report.problems[0].examples.iter().map(|example| &*example.path).collect::<Vec<_>>();
    assert_eq!(paths, ["/1", "/2", "/3", "/4", "/5"]);
    assert_eq!(report.refused, 499);
}

#[test]
fn what_a_terminal_would_obey_is_not_kept_and_nothing_is_long() {
    let reports = reports();
    let reporter = reports.reporter("guard", "*", 1).unwrap();
    let mut context = at(0);
    context.asked = Some(Box::new((Method::GET, format!("/{}", "x".repeat(5_000)).parse().ok())));
    reporter.refused(&Problem::new(&LIMITED).detail("\u{1b}[2Jgone, password=hunter2"), &context);
    let example = &reports.show()[0].problems[0].examples[0];
    assert_eq!(example.detail.as_deref(), Some("\u{fffd}[2Jgone, password=[redacted]"));
    assert_eq!(example.path.chars().count(), 257);
}

#[test]
fn a_reload_goes_on_counting_and_other_settings_count_anew() {
    let reports = reports();
    let reporter = reports.reporter("body", "*", 1).unwrap();
    reporter.saw();
    drop(reporter);
    let again = reports.reporter("body", "*", 1).unwrap();
    again.saw();
    assert_eq!(reports.show()[0].seen, 2);
    let tried = reports.reporter("body", "*", 2).unwrap();
    drop((again, tried));
    let other = reports.reporter("body", "*", 3).unwrap();
    other.saw();
    let shown = reports.show();
    assert_eq!((shown.len(), shown[0].seen, shown[0].reporting), (1, 1, true));
    drop(other);
    assert!(!reports.show()[0].reporting, "what was reported stays, and that it reports no more is said");
}

#[test]
fn guards_of_routes_beyond_the_bound_are_counted_and_not_recorded() {
    let reports = reports();
    let kept: Vec<_> = (0..4_100).map(|route| reports.reporter("body", &format!("/{route}"), 1)).collect();
    assert_eq!((kept.iter().flatten().count(), reports.left_out()), (4_096, 4));
    drop(kept);
    assert!(reports.reporter("body", "/another", 1).is_some(), "places come back");
}

#[test]
fn a_body_says_which_size_would_do() {
    let reports = reports();
    let guard = BodyGuard::read(&body::values().with("max", Raw::Text("2 MB".into()))).unwrap();
    let step = Step::new(&body::ENTRY, Arc::new(guard), Mode::Report, "*", &NoMeter);
    let policy = Policy::single("*".into(), step.remembered_by(&reports, "*", 1));
    let ask = |declared: Option<&str>, streamed: Option<u64>| {
        let request = Request::builder().method("POST").uri("/upload");
        let request = declared.iter().fold(request, |request, length| request.header("content-length", *length));
        let (mut head, ()) = request.body(()).unwrap().into_parts();
        let mut context = at(0);
        assert!(matches!(policy.head(&mut head, &mut context), Flow::Pass));
        if streamed.is_some() {
            context.body_bytes = streamed;
            policy.report_body(&mut context);
        }
    };
    ask(Some("2000000"), None);
    ask(Some("2000001"), Some(2_000_001));
    ask(None, Some(11_234_567));
    let report = &reports.show()[0];
    assert_eq!((report.seen, report.refused), (3, 2));
    assert_eq!(
        report.suggestions(),
        ["`max` in `[body]`: \"2 MB\" would have refused 2 of 3; \"12 MB\" would refuse none"]
    );
}
