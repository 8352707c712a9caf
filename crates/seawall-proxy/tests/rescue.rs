//! A panic in one request becomes one 500 problem; the core lives, and so does every other request (checklist RG-3, PM-7).

#![expect(clippy::unwrap_used, reason = "a test fails loudly")]

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::Duration,
};

use seawall_core::{
    Mode,
    clock::{Clock, Now},
    meter::NoMeter,
};
use seawall_guards::{Context, Guard, Head, Policy, Step, Verdict, problem::Pages, strict_http};
use seawall_proxy::{
    Builtins, Plane, PlaneParts, Route, Router, SERVER_SECTION, ServerSettings, Site, Target, UPSTREAM_SECTION,
    Upstream, UpstreamSettings,
};
use seawall_telemetry::trace::Spans;

#[derive(Debug)]
struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> Now {
        Now::default()
    }
}

/// Panics at one path.
#[derive(Debug)]
struct Panics;

impl Guard for Panics {
    fn head(&self, head: &mut Head, _: &mut Context) -> Verdict {
        assert!(head.uri.path() != "/panic", "a guard fell over");
        Verdict::Pass
    }
}

fn site() -> Site {
    let step = Step::new(&strict_http::ENTRY, Arc::new(Panics), Mode::Enforce, "*", &NoMeter);
    let route =
        Route { policy: Policy::new("*".into(), vec![step], 1).unwrap(), target: Target::Builtin { body: false } };
    let (builtins, _nobody) = Builtins::new(1);
    Site { router: Router::new(route, Vec::new()), pages: Arc::new(Pages::new("/_seawall", false)), builtins }
}

fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[tokio::test]
async fn rg_3_a_panic_in_a_request_is_one_500_and_the_process_lives() {
    use seawall_core::settings::Values;
    let listener = Plane::bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = listener.local_addr().unwrap();
    let settings = UpstreamSettings::read(&Values::defaults(&UPSTREAM_SECTION)).unwrap();
    let upstream = Upstream::new(&settings, 1, Arc::new(StoppedClock), Arc::new(NoMeter)).unwrap();
    let mut plane = Plane::start(PlaneParts {
        listener,
        sites: vec![site()],
        settings: ServerSettings::read(&Values::defaults(&SERVER_SECTION)).unwrap(),
        upstream,
        clock: Arc::new(StoppedClock),
        meter: Arc::new(NoMeter),
        log: None,
        spans: Spans::none(),
        seed: 1,
        tls: None,
    })
    .unwrap();
    let asked =
        tokio::task::spawn_blocking(move || [get(address, "/panic"), get(address, "/fine"), get(address, "/panic")]);
    let [first, second, third] = asked.await.unwrap();
    for answer in [&first, &third] {
        assert!(answer.starts_with("HTTP/1.1 500 ") && answer.contains("INTERNAL_ERROR"), "{answer}");
        assert!(!answer.contains("fell over"), "what happened inside stays inside: {answer}");
    }
    // Nobody listens for built-in targets here, which is an answer of its own.
    assert!(second.starts_with("HTTP/1.1 503 ") && second.contains("/problems/service-unavailable"), "{second}");
    plane.drain().await;
    tokio::time::timeout(Duration::from_secs(10), plane.ended()).await.unwrap().unwrap();
}
