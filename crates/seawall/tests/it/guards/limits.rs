//! How often: exact counts, exact windows, whose counter it is, and what a client is told.

use std::{sync::Arc, time::Duration};

use seawall_testkit::{
    ManualClock, StartedApp,
    client::{RawResponse, Request},
    in_front_with_clock,
    upstream::Upstream,
};

/// Behind a proxy of its own, so that each test names its clients.
const TRUSTED: &str = "[client_address]\ntrusted = [\"127.0.0.1\"]\n";

async fn limited(limits: &str) -> (Upstream, StartedApp, Arc<ManualClock>) {
    in_front_with_clock(&format!("{TRUSTED}[rate_limit]\nlimits = {limits}\n")).await
}

async fn from(app: &StartedApp, client: &str, request: Request) -> RawResponse {
    app.client().request(request.header("X-Forwarded-For", client)).await
}

/// How many of `asked` requests are answered and not refused.
async fn accepted(app: &StartedApp, method: &str, path: &str, asked: usize) -> usize {
    let mut connection = app.connect().await;
    let mut accepted = 0;
    for _ in 0..asked {
        let answer = connection.request(&Request::new(method, path)).await;
        if answer.status == 429 {
            answer.expect_problem(429, "quota-exceeded");
        } else {
            accepted += 1;
        }
    }
    accepted
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_4_every_answer_says_how_the_client_stands() {
    let (_upstream, app, clock) = limited("[\"3/min per ip\"]").await;
    for left in ["2", "1", "0"] {
        let answer = app.client().get("/echo").await.expect_status(200);
        assert_eq!(answer.headers_named("ratelimit-policy"), ["\"3/min per ip\";q=3;w=60"]);
        assert_eq!(answer.headers_named("x-ratelimit-limit"), ["3"]);
        assert_eq!(answer.headers_named("x-ratelimit-remaining"), [left]);
        let reset: u64 = answer.header("x-ratelimit-reset").and_then(|text| text.parse().ok()).expect("seconds");
        assert!((1..=61).contains(&reset), "{reset}");
        assert_eq!(answer.header("ratelimit"), Some(format!("\"3/min per ip\";r={left};t={reset}").as_str()));
        assert_eq!(answer.header("retry-after"), None);
        clock.advance(Duration::from_secs(10));
    }
    let refused = app.client().get("/echo").await;
    let problem = refused.expect_problem(429, "quota-exceeded");
    assert_eq!((&problem["code"], &problem["retryable"]), (&"RATE_LIMITED".into(), &true.into()));
    let wait: u64 = refused.header("retry-after").and_then(|text| text.parse().ok()).expect("it says when");
    assert!((30..=31).contains(&wait), "half a minute has passed: {wait}");
    assert_eq!((problem["retry_after"].as_u64(), refused.header("x-ratelimit-remaining")), (Some(wait), Some("0")));
    clock.advance(Duration::from_secs(wait));
    app.client().get("/echo").await.expect_status(200);
    app.client().get("/echo").await.expect_problem(429, "quota-exceeded");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_older_fields_can_be_left_out() {
    let config = "[rate_limit]\nlimits = [\"1/min per ip\"]\nlegacy_headers = false\n";
    let (_upstream, app, _clock) = in_front_with_clock(config).await;
    for _ in 0..2 {
        let answer = app.client().get("/echo").await;
        assert!(answer.header("ratelimit").is_some() && answer.header("x-ratelimit-limit").is_none(), "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_4_the_window_slides_and_never_holds_more_than_its_number() {
    let (upstream, app, clock) = limited("[\"3/10s per ip\"]").await;
    let second = Duration::from_millis;
    // At 0, 4 and 8 seconds one is accepted; each leaves the window ten seconds later, and not a tenth of a second before.
    for (pause, status) in [
        (0, 200),
        (4_000, 200),
        (4_000, 200),
        (0, 429),
        (1_999, 429),
        (101, 200),
        (0, 429),
        (3_899, 429),
        (101, 200),
        (0, 429),
        (3_899, 429),
        (101, 200),
        (0, 429),
    ] {
        clock.advance(second(pause));
        assert_eq!(app.client().get("/echo").await.status, status, "after {pause} ms");
    }
    assert_eq!(upstream.requests().len(), 6);
    clock.advance(second(10_100));
    assert_eq!(accepted(&app, "GET", "/echo", 5).await, 3, "after a whole window all are there again, and no more");
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_4_a_window_of_many_requests_is_as_exact() {
    let (_upstream, app, clock) = limited("[\"150/min per ip\"]").await;
    assert_eq!(accepted(&app, "GET", "/", 100).await, 100);
    clock.advance(Duration::from_secs(30));
    assert_eq!(accepted(&app, "GET", "/", 60).await, 50, "no more than 150 in a minute");
    clock.advance(Duration::from_millis(29_900));
    assert_eq!(accepted(&app, "GET", "/", 5).await, 0, "the first hundred are not yet a minute old");
    clock.advance(Duration::from_millis(800));
    assert_eq!(accepted(&app, "GET", "/", 110).await, 100, "they are now, and the fifty still count");
}

#[tokio::test(flavor = "multi_thread")]
async fn pm_5_of_twelve_bad_sign_ins_ten_are_401_and_two_429() {
    let config = "[route.\"POST /status/401\"]\nrate_limit.limits = [\"10/min per ip\"]\n";
    let (upstream, app, _clock) = in_front_with_clock(config).await;
    let mut statuses = Vec::new();
    for _ in 0..12 {
        statuses.push(app.client().request(Request::post("/status/401").body("{}")).await.status);
    }
    assert_eq!(statuses, [[401; 10].as_slice(), &[429; 2]].concat());
    assert_eq!(upstream.requests().len(), 10);
}

/// Per route: a limit, and that it is exactly this one (checklist RG-1, WK-4, PM-5 and PL-3 without keys other than the address).
#[tokio::test(flavor = "multi_thread")]
async fn rg_1_each_route_has_the_limit_that_is_written_for_it() {
    let routes = [
        ("POST", "/login", "5/15min", 5),
        ("POST", "/register", "3/h", 3),
        ("POST", "/sessions", "30/min", 30),
        ("POST", "/devices", "10/min", 10),
        ("POST", "/import", "10/min", 10),
        ("GET", "/admin/users", "30/min", 30),
        ("POST", "/jobs/heavy", "3/h", 3),
        ("POST", "/llm", "100/h", 100),
    ];
    let table: String = routes
        .iter()
        .map(|(method, path, limit, _)| {
            format!("[route.\"{method} {path}\"]\nrate_limit.limits = [\"{limit} per ip\"]\n")
        })
        .collect();
    let (_upstream, app, _clock) = in_front_with_clock(&table).await;
    for (method, path, limit, number) in routes {
        assert_eq!(accepted(&app, method, path, number + 3).await, number, "{method} {path}: {limit}");
    }
    assert_eq!(accepted(&app, "GET", "/login", 10).await, 10, "another method has the limit for all");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_limits_hold_at_once_and_a_refused_request_counts_in_none() {
    let (_upstream, app, clock) = limited("[\"2/10s per ip\", \"5/min per ip\"]").await;
    assert_eq!(accepted(&app, "GET", "/", 6).await, 2, "the shorter window");
    clock.advance(Duration::from_millis(10_200));
    assert_eq!(accepted(&app, "GET", "/", 6).await, 2, "the four refused have not used up the longer one");
    clock.advance(Duration::from_millis(10_200));
    let last = app.client().get("/").await.expect_status(200);
    assert_eq!(last.header("x-ratelimit-remaining"), Some("0"), "the tightest limit is told");
    assert_eq!(last.header("x-ratelimit-limit"), Some("5"));
    assert_eq!(accepted(&app, "GET", "/", 3).await, 0, "the longer window");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_change_something_have_a_limit_of_their_own() {
    let (_upstream, app, _clock) = limited("[\"9/min per ip\", \"3/min per ip for unsafe methods\"]").await;
    assert_eq!(accepted(&app, "POST", "/", 2).await, 2);
    assert_eq!(accepted(&app, "DELETE", "/x", 3).await, 1, "all of them count together");
    assert_eq!(accepted(&app, "PATCH", "/", 1).await, 0);
    assert_eq!(accepted(&app, "GET", "/", 4).await + accepted(&app, "HEAD", "/", 1).await, 5, "reading goes on");
    assert_eq!(accepted(&app, "OPTIONS", "/", 3).await, 1, "up to the limit for all");
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_without_limits_of_their_own_share_one_counter() {
    let config = "[rate_limit]\nlimits = [\"4/min per ip\"]\n[route.\"/a\"]\nbody.max = \"1 KB\"\n\
                  [route.\"/b\"]\ndeadline.response_head = \"1s\"\n[route.\"/own\"]\nrate_limit.limits = [\"4/min per ip\"]\n";
    let (_upstream, app, _clock) = in_front_with_clock(config).await;
    assert_eq!(accepted(&app, "GET", "/own", 5).await, 4);
    for (path, status) in [("/a", 200), ("/b", 200), ("/c", 200), ("/a", 200), ("/b", 429), ("/d", 429), ("/a", 429)] {
        assert_eq!(app.client().get(path).await.status, status, "{path}");
    }
    app.client().get("/_seawall/health/live").await.expect_status(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_connections_and_cores_count_together() {
    let (_upstream, app, _clock) = limited("[\"50/min per ip\"]").await;
    let clients = (0..10).map(|_| {
        let client = app.client();
        tokio::spawn(async move {
            let mut accepted = 0;
            for _ in 0..10 {
                accepted += usize::from(client.get("/").await.status == 200);
            }
            accepted
        })
    });
    let mut sum = 0;
    for client in clients.collect::<Vec<_>>() {
        sum += client.await.unwrap();
    }
    assert_eq!(sum, 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_client_is_counted_by_its_address_and_ipv6_by_its_64() {
    let (_upstream, app, _clock) = limited("[\"1/min per ip\"]").await;
    for (client, status) in [
        ("192.0.2.1", 200),
        ("192.0.2.1", 429),
        ("192.0.2.1:4711", 429),
        ("::ffff:192.0.2.1", 429),
        ("192.0.2.2", 200),
        ("2001:db8:1:2::1", 200),
        ("2001:db8:1:2:ffff:ffff::9", 429),
        ("[2001:db8:1:2::3]:443", 429),
        ("2001:db8:1:3::1", 200),
        ("198.51.100.9, 192.0.2.2", 429),
    ] {
        assert_eq!(from(&app, client, Request::get("/")).await.status, status, "{client}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_16_a_stranger_gets_no_fresh_counter_by_any_header() {
    let (_upstream, app, _clock) =
        in_front_with_clock("[strict_http]\noverrides = \"pass\"\n[rate_limit]\nlimits = [\"1/min per ip\"]\n").await;
    app.client().get("/").await.expect_status(200);
    for (name, value) in [
        ("X-Forwarded-For", "203.0.113.1"),
        ("X-Forwarded-For", "127.0.0.2, 203.0.113.1"),
        ("Forwarded", "for=203.0.113.1"),
        ("X-Real-IP", "203.0.113.1"),
        ("True-Client-IP", "203.0.113.1"),
        ("CF-Connecting-IP", "203.0.113.1"),
        ("X-Client-IP", "203.0.113.1"),
        ("Host", "other.example"),
        ("User-Agent", "another"),
        ("Authorization", "Bearer another"),
        ("Cookie", "session=another"),
        ("X-HTTP-Method-Override", "OPTIONS"),
        ("X-Original-URL", "/another"),
    ] {
        let answer = app.client().request(Request::get("/").header(name, value)).await;
        assert_eq!(answer.status, 429, "{name}: {value}");
    }
}
