//! The circuit breaker under those who leave, dawdle and fall quiet.

use std::time::Duration;

use seawall_testkit::{
    StartedApp, TestApp, in_front, in_front_with_clock,
    upstream::{Kind, Upstream},
};

const STATE: &str = "seawall_upstream_breaker_state";

/// No idle connections and no retries, so that each request counts once.
const PLAIN: &str = "[upstream]\nmax_idle = 0\n[retry]\nattempts = 1\n";

async fn open(app: &StartedApp, server: &str) {
    for _ in 0..5 {
        app.client().get("/close").await.expect_problem(502, "bad-gateway");
    }
    app.until_metric(STATE, &[server], 2.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_whose_client_leaves_gives_its_place_to_the_next() {
    let (upstream, app, clock) = in_front_with_clock(PLAIN).await;
    let server = upstream.url();
    open(&app, &server).await;
    clock.advance(Duration::from_secs(60));
    for _ in 0..3 {
        let seen = upstream.requests().len();
        let mut probe = app.connect().await;
        probe.write("GET /never HTTP/1.1\r\nHost: a\r\n\r\n").await;
        upstream.until("the probe", |upstream| upstream.requests().len() > seen).await;
        app.until_metric(STATE, &[&server], 1.0).await;
        let held = app.client().get("/echo").await;
        held.expect_problem(503, "circuit-breaker-open");
        assert_eq!(held.header("retry-after"), Some("1"), "soon, while one is tried");
        drop(probe);
        app.until_metric("http_server_active_requests", &[], 0.0).await;
    }
    for _ in 0..2 {
        app.client().get("/echo").await.expect_status(200);
    }
    app.until_metric(STATE, &[&server], 0.0).await;
}

/// One request at a time tries a failing server. One that takes its own time to arrive must not keep the door shut for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_probe_whose_client_dawdles_makes_way_for_the_next() {
    let (upstream, app, clock) = in_front_with_clock(PLAIN).await;
    let server = upstream.url();
    open(&app, &server).await;
    clock.advance(Duration::from_secs(60));
    let seen = upstream.requests().len();
    let mut dawdles = app.connect().await;
    dawdles.write("POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n").await;
    upstream.until("the probe", |upstream| upstream.requests().len() > seen).await;
    app.client().get("/echo").await.expect_problem(503, "circuit-breaker-open");
    let mut held = 0;
    while app.client().get("/echo").await.status == 503 {
        held += 1;
        assert!(held < 100, "the probe keeps everyone out");
        dawdles.write("x").await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    app.client().get("/echo").await.expect_status(200);
    app.until_metric(STATE, &[&server], 0.0).await;
    dawdles.write("x".repeat(1000 - held)).await;
    dawdles.read_response("POST").await.expect_status(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_after_says_what_is_left_of_the_open_time() {
    let (upstream, app, clock) = in_front_with_clock(PLAIN).await;
    open(&app, &upstream.url()).await;
    for (moved_ms, retry_after) in [(0, "60"), (30_500, "30"), (29_000, "1")] {
        clock.advance(Duration::from_millis(moved_ms));
        let held = app.client().get("/echo").await;
        held.expect_problem(503, "circuit-breaker-open");
        assert_eq!(held.header("retry-after"), Some(retry_after), "after {moved_ms} ms more");
    }
}

/// A client that sends its body slowly for ever takes up its own time; the server has done nothing wrong.
#[tokio::test(flavor = "multi_thread")]
async fn clients_that_dawdle_do_not_open_the_breaker() {
    let config = "[upstream]\nbreaker_failures = 2\n[deadline]\ntotal = \"300ms\"\n";
    let (upstream, app) = in_front(config).await;
    for _ in 0..4 {
        let mut client = app.connect().await;
        client.write("POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n").await;
        for _ in 0..12 {
            client.write("x").await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let answer = client.read_response("POST").await;
        assert!(matches!(answer.status, 408 | 504), "{answer:?}");
    }
    app.client().get("/echo").await.expect_status(200);
    assert!(app.metric("seawall_upstream_breaker_opened", &[&upstream.url()]) < 1.0);
}

/// At night nobody asks between the failure and the return; the next morning the server must not look as if it were down.
#[tokio::test(flavor = "multi_thread")]
async fn a_single_server_that_returns_while_nobody_asks_counts_as_up_again() {
    let (mut upstream, app, clock) = in_front_with_clock(PLAIN).await;
    let server = upstream.url();
    upstream.stop().await;
    for _ in 0..5 {
        app.client().get("/echo").await.expect_problem(503, "upstream-unreachable");
    }
    app.until_metric("seawall_upstream_up", &[&server], 0.0).await;
    clock.advance(Duration::from_secs(61));
    // Longer than it takes to look at the server once more before the time was over.
    tokio::time::sleep(Duration::from_millis(600)).await;
    upstream.restart_on_same_port().await;
    app.until_metric("seawall_upstream_up", &[&server], 1.0).await;
    for _ in 0..2 {
        app.client().get("/echo").await.expect_status(200);
    }
    app.until_metric(STATE, &[&server], 0.0).await;
}

/// Five requests in a row fail; after that the failing servers are left alone.
#[tokio::test(flavor = "multi_thread")]
async fn total_failure_is_not_multiplied_by_retries() {
    let servers = [Upstream::start(Kind::always("/close")).await, Upstream::start(Kind::always("/close")).await];
    let app = TestApp::in_front_of_servers(servers.each_ref().map(Upstream::url)).start().await;
    let mut held = 0;
    for _ in 0..100 {
        let answer = app.client().get("/echo").await;
        held += usize::from(answer.status == 503);
    }
    let sent: usize = servers.iter().map(|server| server.requests().len()).sum();
    assert!(held >= 90, "{held} of 100 are answered at once");
    assert!(sent <= 30, "{sent} requests reached the servers");
}
