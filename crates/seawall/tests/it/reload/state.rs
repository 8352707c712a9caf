//! What outlives a reload, and what it changes at once: counters, breakers, limits of connections, health, the log.

use std::time::Duration;

use seawall_testkit::{
    TestApp,
    client::{RawClient, Request},
    in_front, in_front_with_clock,
    upstream::{Kind, Upstream},
};
use tokio::time::Instant;

fn limits(limit: u32) -> String {
    format!("[rate_limit]\nlimits = [\"{limit}/min per ip\"]\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_limit_holds_at_once_and_forgets_nobody() {
    let (_upstream, app, _clock) = in_front_with_clock(&limits(10)).await;
    for _ in 0..4 {
        app.client().get("/echo").await.expect_status(200);
    }
    for (limit, left) in
        [(5, Some(0)), (5, None), (3, None), (300, Some(294)), (6, None), (101, Some(94)), (102, Some(94))]
    {
        app.reload_with(&limits(limit)).await;
        let answer = app.client().get("/echo").await;
        match left {
            Some(left) => {
                let said = answer.expect_status(200);
                assert_eq!(said.header("x-ratelimit-remaining"), Some(left.to_string().as_str()), "of {limit}");
                assert_eq!(said.header("x-ratelimit-limit"), Some(limit.to_string().as_str()));
            }
            None => {
                answer.expect_problem(429, "quota-exceeded");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_limit_is_exact_over_reloads() {
    let (_upstream, app, _clock) = in_front_with_clock(&limits(30)).await;
    for round in 0..30 {
        app.client().get("/echo").await.expect_status(200);
        app.reload_with(&format!("{}[body]\nmax = \"{} B\"\n", limits(30), round + 1)).await;
    }
    app.client().get("/echo").await.expect_problem(429, "quota-exceeded");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_breaker_stays_open_and_places_stay_taken() {
    let toml = "[upstream]\nbreaker_failures = 2\n[load_shed]\nmax_in_flight = 2\n";
    let (upstream, app) = in_front(toml).await;
    let mut slow = app.connect().await;
    slow.write(Request::get("/slow/1500").encode("a")).await;
    upstream.until("the slow request", |upstream| upstream.requests().len() == 1).await;
    app.reload_with(&format!("{toml}retry_after = \"7s\"\n")).await;
    let mut other = app.connect().await;
    other.write(Request::get("/slow/1500").encode("a")).await;
    upstream.until("the other", |upstream| upstream.requests().len() == 2).await;
    let refused = app.client().get("/echo").await;
    refused.expect_problem(503, "overloaded");
    assert_eq!(refused.header("retry-after"), Some("7"), "by the new number, counting the old requests");
    slow.read_response("GET").await.expect_status(200);
    other.read_response("GET").await.expect_status(200);
    // One that breaks off on a kept connection does not count, so it may take some more than two.
    let mut asked = 0;
    while app.client().request(Request::post("/close")).await.status == 502 {
        asked += 1;
        assert!(asked < 20, "the breaker never opens");
    }
    app.client().get("/echo").await.expect_problem(503, "circuit-breaker-open");
    app.reload_with("[upstream]\nbreaker_failures = 3\n").await;
    app.client().get("/echo").await.expect_problem(503, "circuit-breaker-open");
    let server = upstream.url();
    assert_eq!(app.metric("seawall_upstream_breaker_state", &[&server]), 2.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_went_and_comes_back_begins_anew() {
    let (mut first, second) = (Upstream::start(Kind::ByPath).await, Upstream::start(Kind::ByPath).await);
    let config = |upstream: &Upstream| format!("[upstream]\nurl = \"{}\"\nbreaker_failures = 1\n", upstream.url());
    let app = TestApp::in_front_of_servers([]).with_config(&config(&first)).start().await;
    first.stop().await;
    app.client().get("/echo").await.expect_problem(503, "upstream-unreachable");
    let server = first.url();
    app.until_metric("seawall_upstream_breaker_state", &[&server], 2.0).await;
    app.reload_with(&config(&second)).await;
    app.client().get("/echo").await.expect_status(200);
    // Each core lets the old one go at its next look.
    app.until_metric("seawall_upstream_breaker_state", &[&server], 0.0).await;
    first.restart_on_same_port().await;
    app.reload_with(&config(&first)).await;
    app.client().get("/echo").await.expect_status(200);
    assert_eq!(app.metric("seawall_upstream_up", &[&server]), 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_of_connections_change_at_once() {
    let (_upstream, app) = in_front("").await;
    let mut first = app.connect().await;
    first.send("GET", "/echo", &[], b"").await.expect_status(200);
    app.reload_with("[server]\nmax_connections = 1\n").await;
    RawClient::connect(app.public()).await.expect_closed().await;
    first.send("GET", "/echo", &[], b"").await.expect_status(200);
    app.reload_with("[server]\nidle_timeout = \"200ms\"\n").await;
    // Its timer was set for the old limit; after a request more it is for the new one.
    let mut second = app.connect().await;
    let began = Instant::now();
    second.send("GET", "/echo", &[], b"").await.expect_status(200);
    second.expect_closed().await;
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn health_moves_with_its_settings() {
    let (mut upstream, app) = in_front("[health]\nready_paths = [\"/old\"]\n").await;
    app.client().get("/old").await.expect_status(200);
    assert_eq!(upstream.requests().len(), 0);
    app.reload_with("[health]\nready_paths = [\"/new\"]\nupstream = false\n[server]\nprefix = \"/_other\"\n").await;
    app.client().get("/old").await.expect_status(200);
    assert_eq!(upstream.requests().len(), 1, "the application's again");
    upstream.stop().await;
    for path in ["/new", "/_other/health/ready"] {
        assert_eq!(app.client().get(path).await.expect_status(200).json()["status"], "ok", "{path}");
    }
    app.client().get("/_seawall/health/ready").await.expect_problem(503, "upstream-unreachable");
    app.reload_with("[health]\nready_paths = [\"/new\"]\n").await;
    app.client().get("/new").await.expect_status(503);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_request_log_is_turned_off_and_on() {
    let (_upstream, app) = in_front("").await;
    app.client().get("/echo/1").await;
    app.reload_with("[log]\nrequests = false\n").await;
    app.client().get("/echo/2").await;
    app.reload_with("").await;
    app.client().get("/echo/3").await;
    app.request_line("/echo/1").await;
    app.request_line("/echo/3").await;
    assert!(!app.log_text().contains("/echo/2"));
}

/// Old sites are counted under their own routes to the end, however the places have changed.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_counted_under_the_route_it_began_with() {
    let (upstream, app) = in_front("[route.\"/slow/{ms}\"]\n").await;
    let mut slow = app.connect().await;
    slow.write(Request::get("/slow/300").encode("a")).await;
    upstream.until("the slow request", |upstream| upstream.requests().len() == 1).await;
    app.reload_with("[route.\"/aaa\"]\n[route.\"/bbb\"]\n").await;
    slow.read_response("GET").await.expect_status(200);
    let count = |route: &'static str| app.metric("http_server_request_duration_seconds", &["GET", route, "200"]);
    app.until_metric("http_server_request_duration_seconds", &["GET", "/slow/{ms}", "200"], 1.0).await;
    app.client().get("/aaa").await.expect_status(200);
    app.until_metric("http_server_request_duration_seconds", &["GET", "/aaa", "200"], 1.0).await;
    assert_eq!((count("/slow/{ms}"), count("/bbb")), (1.0, 0.0));
}
