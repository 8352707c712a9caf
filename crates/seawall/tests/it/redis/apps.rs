//! Whole Seawalls that share one Redis, and lose it.

use seawall_testkit::{
    RedisServer, StartedApp, TestApp,
    client::{RawResponse, Request},
    upstream::{Kind, Upstream},
};

/// Behind a proxy of its own, so that each test names its clients. Redis may take as long as it wants: a slow machine is no failure.
fn config(server: &RedisServer, when_unavailable: &str) -> String {
    config_with(&server.url(), "3s", when_unavailable)
}

fn config_with(url: &str, timeout: &str, when_unavailable: &str) -> String {
    format!(
        "[client_address]\ntrusted = [\"127.0.0.1\"]\n[store]\nredis = \"{url}\"\nredis_timeout = \"{timeout}\"\n\
         [rate_limit]\nlimits = [\"10/h per ip\"]\nwhen_unavailable = \"{when_unavailable}\"\n[health]\nshow = \"all\"\n"
    )
}

async fn app(upstream: &Upstream, config: &str) -> StartedApp {
    TestApp::in_front_of(upstream.url()).with_config(config).start().await
}

async fn ask(app: &StartedApp, client: &str) -> RawResponse {
    app.client().request(Request::new("GET", "/hello").header("X-Forwarded-For", client)).await
}

async fn statuses(app: &StartedApp, client: &str, asked: usize) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..asked {
        statuses.push(ask(app, client).await.status);
    }
    statuses
}

/// Asks until the breaker has opened.
async fn until_open(app: &StartedApp) {
    while app.metric("seawall_shared_counters_breaker_open", &[]) < 1.0 {
        ask(app, "192.0.2.99").await;
    }
}

async fn until_closed(app: &StartedApp) {
    app.until_metric("seawall_shared_counters_breaker_open", &[], 0.0).await;
}

/// Readiness with all that is known. Results are kept for a second.
async fn health(app: &StartedApp) -> serde_json::Value {
    app.client().get("/_seawall/health/ready").await.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn pl_3_two_seawalls_let_one_limit_pass_in_all() {
    let (server, upstream) = (RedisServer::start(), Upstream::start(Kind::ByPath).await);
    let config = config(&server, "local");
    let (one, other) = (app(&upstream, &config).await, app(&upstream, &config).await);
    for _ in 0..5 {
        assert_eq!((ask(&one, "192.0.2.1").await.status, ask(&other, "192.0.2.1").await.status), (200, 200));
    }
    let refused = ask(&one, "192.0.2.1").await;
    refused.expect_problem(429, "quota-exceeded");
    assert!(refused.header("ratelimit").is_some_and(|field| field.contains("r=0")));
    ask(&other, "192.0.2.1").await.expect_problem(429, "quota-exceeded");
    let last = ask(&other, "192.0.2.2").await;
    assert_eq!((last.status, last.header("x-ratelimit-remaining")), (200, Some("9")), "another client");
    assert!(one.metric("seawall_shared_counters_asks", &["answered"]) >= 6.0);
    let health = health(&one).await;
    assert_eq!((&health["status"], &health["checks"]["redis"]["status"]), (&"ok".into(), &"ok".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_4_without_redis_each_seawall_goes_on_from_what_it_let_pass_and_heals_by_itself() {
    let (server, upstream) = (RedisServer::start(), Upstream::start(Kind::ByPath).await);
    let app = app(&upstream, &config(&server, "local")).await;
    assert_eq!(statuses(&app, "192.0.2.1", 6).await, [200; 6]);
    server.stop();
    let (passed, refused) = ([200; 4], [429; 3]);
    assert_eq!(statuses(&app, "192.0.2.1", 7).await, [&passed[..], &refused[..]].concat(), "six were counted here too");
    until_open(&app).await;
    assert_eq!(statuses(&app, "192.0.2.2", 12).await[8..], [200, 200, 429, 429]);
    assert!(app.metric("seawall_rate_limit_fallbacks", &["local"]) > 12.0);
    let told = health(&app).await;
    assert_eq!(told["status"], "degraded", "{told}");
    server.start_again();
    until_closed(&app).await;
    assert_eq!(statuses(&app, "192.0.2.3", 11).await, [&[200; 10][..], &[429]].concat(), "Redis counts again");
    ask(&app, "192.0.2.1").await.expect_problem(429, "quota-exceeded");
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_4_while_redis_stalls_first_requests_wait_a_moment_and_later_ones_not_at_all() {
    let (server, upstream) = (RedisServer::start(), Upstream::start(Kind::ByPath).await);
    let app = app(&upstream, &config_with(&server.url(), "50ms", "local")).await;
    assert_eq!(ask(&app, "192.0.2.1").await.status, 200);
    let frozen = server.freeze();
    let begun = tokio::time::Instant::now();
    assert_eq!(ask(&app, "192.0.2.1").await.status, 200);
    assert!(begun.elapsed() < std::time::Duration::from_secs(5), "{:?}", begun.elapsed());
    until_open(&app).await;
    let asked = |outcome| app.metric("seawall_shared_counters_asks", &[outcome]);
    let waited = asked("timed_out") + asked("answered") + asked("unavailable");
    assert_eq!(statuses(&app, "192.0.2.2", 12).await[8..], [200, 200, 429, 429]);
    let waited_since = asked("timed_out") + asked("answered") + asked("unavailable") - waited;
    assert!(waited_since < 0.5 && asked("held_back") >= 12.0, "no request asked it: {waited_since}");
    drop(frozen);
    until_closed(&app).await;
    assert_eq!(ask(&app, "192.0.2.3").await.header("x-ratelimit-remaining"), Some("9"));
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_4_without_redis_requests_pass_or_are_refused_where_that_is_wanted() {
    let (server, upstream) = (RedisServer::start(), Upstream::start(Kind::ByPath).await);
    let open = app(&upstream, &config(&server, "open")).await;
    let closed = app(&upstream, &config(&server, "closed")).await;
    assert_eq!(ask(&closed, "192.0.2.1").await.status, 200);
    server.stop();
    assert_eq!(statuses(&open, "192.0.2.1", 15).await, [200; 15]);
    for _ in 0..8 {
        ask(&closed, "192.0.2.1").await.expect_problem(503, "limiter-unavailable");
    }
    assert_eq!(health(&open).await["status"], "degraded");
    let told = health(&closed).await;
    assert_eq!(
        (&told["status"], &told["checks"]["redis"]["required"]),
        (&"unavailable".into(), &true.into()),
        "{told}"
    );
    server.start_again();
    until_closed(&closed).await;
    assert_eq!(ask(&closed, "192.0.2.1").await.status, 200);
}

/// It starts without Redis, and counts with others as soon as that is there.
#[tokio::test(flavor = "multi_thread")]
async fn a_seawall_starts_while_redis_is_away() {
    let (server, upstream) = (RedisServer::start(), Upstream::start(Kind::ByPath).await);
    server.stop();
    let app = app(&upstream, &config(&server, "local")).await;
    assert_eq!(ask(&app, "192.0.2.1").await.status, 200);
    app.until_metric("seawall_shared_counters_breaker_open", &[], 1.0).await;
    server.start_again();
    until_closed(&app).await;
    assert_eq!(ask(&app, "192.0.2.2").await.header("x-ratelimit-remaining"), Some("9"));
    assert!(app.metric("seawall_shared_counters_asks", &["answered"]) > 0.0);
}

/// A server that lets idle connections go costs no more than the requests that meet the closed one.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_is_replaced_before_the_breaker_opens() {
    let (server, upstream) = (RedisServer::start(), Upstream::start(Kind::ByPath).await);
    let app = app(&upstream, &config(&server, "local")).await;
    for round in 1..3 {
        assert!(server.command("CLIENT KILL TYPE normal").starts_with(':'));
        assert_eq!(ask(&app, "192.0.2.1").await.status, 200, "counted here");
        while health(&app).await["checks"]["redis"]["status"] != "ok" {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert_eq!(ask(&app, "192.0.2.1").await.status, 200);
        app.until_metric("seawall_shared_counters_asks", &["answered"], f64::from(round)).await;
    }
    assert!(app.metric("seawall_shared_counters_asks", &["held_back"]) < 0.5);
}
