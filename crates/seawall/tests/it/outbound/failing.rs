//! Services that fail: what is tried again, what is waited for, and what the application is told.

use std::time::Duration;

use seawall_testkit::{client::Request, upstream::Kind};
use tokio::time::Instant;

use super::calling;

/// What a call may take at most that is given 300 ms.
const SOON: Duration = Duration::from_secs(3);

#[tokio::test]
async fn pl_9_a_failure_that_passes_is_not_seen() {
    let (api, app) = calling("backoff = \"500ms\"\nallow = [\"/*\"]").await;
    for (method, key) in [("GET", None), ("PUT", None), ("POST", Some("key-1"))] {
        api.become_kind(Kind::always("/status/503"));
        let before = api.requests().len();
        let call = Request::new(method, "/out/api/items").body("what is sent again");
        let call = key.map_or(call.clone(), |key| call.header("Idempotency-Key", key));
        let client = app.outbound_client();
        let answer = tokio::spawn(async move { client.request(call).await });
        api.until("the first attempt", |api| api.requests().len() > before).await;
        api.become_kind(Kind::always("/echo"));
        let answer = answer.await.unwrap().expect_status(200);
        assert_eq!(answer.json()["body"], "what is sent again", "{method}");
        let attempts: usize = answer.header("x-seawall-attempts").unwrap().parse().unwrap();
        assert_eq!(api.requests().len() - before, attempts, "{method}");
        assert!(attempts >= 2, "{method}");
    }
}

#[tokio::test]
async fn what_may_not_be_done_twice_is_tried_once() {
    let (api, app) = calling("backoff = \"1ms\"\nallow = [\"/*\"]").await;
    let client = app.outbound_client();
    let answer = client.request(Request::post("/out/api/status/503")).await.expect_status(503);
    assert_eq!((answer.header("x-seawall-attempts"), api.requests().len()), (Some("1"), 1));
    client.request(Request::post("/out/api/close")).await.expect_problem(502, "outbound-failed");
    assert_eq!(api.requests().len(), 2);
    // Refused before anything was done, so it is tried again whatever it is.
    client.request(Request::post("/out/api/status/429")).await.expect_status(429);
    assert_eq!(api.requests().len(), 5);
}

#[tokio::test]
async fn the_last_answer_is_given_when_all_attempts_failed() {
    let (api, app) = calling("backoff = \"1ms\"").await;
    let answer = app.outbound_client().get("/out/api/status/503?X-From=api").await.expect_status(503);
    assert_eq!((answer.header("x-seawall-attempts"), answer.header("x-from")), (Some("3"), Some("api")));
    assert_eq!(api.requests().len(), 3);
}

#[tokio::test]
async fn retry_after_is_waited_for_and_given_on_when_the_time_does_not_suffice() {
    let (api, app) = calling("timeout = \"5s\"\nattempts = 2\nbackoff = \"1ms\"").await;
    let begun = Instant::now();
    app.outbound_client().get("/out/api/status/429?Retry-After=1").await.expect_status(429);
    assert!(begun.elapsed() >= Duration::from_secs(1));
    assert_eq!(api.requests().len(), 2);
    let begun = Instant::now();
    let answer = app.outbound_client().get("/out/api/status/429?Retry-After=60").await.expect_status(429);
    assert_eq!((answer.header("retry-after"), api.requests().len()), (Some("60"), 3));
    assert!(begun.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn pl_9_silence_ends_in_time() {
    let (api, app) = calling("timeout = \"300ms\"\nbackoff = \"1ms\"").await;
    let begun = Instant::now();
    let problem = app.outbound_client().get("/out/api/never").await.expect_problem(504, "outbound-late");
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    assert_eq!((&problem["retryable"], &problem["fault"]), (&true.into(), &"upstream".into()));
    api.until("the connection is closed", |api| api.open_connections() == 0).await;
}

#[tokio::test]
async fn an_answer_that_does_not_begin_is_tried_again_within_the_time() {
    let (api, app) = calling("timeout = \"3s\"\nfirst_byte_timeout = \"200ms\"\nbackoff = \"1ms\"").await;
    app.outbound_client().get("/out/api/never").await.expect_problem(504, "outbound-late");
    assert_eq!(api.requests().len(), 3);
}

#[tokio::test]
async fn an_answer_that_stops_or_breaks_off_never_looks_whole() {
    let (_api, app) = calling("timeout = \"1s\"\nidle_timeout = \"200ms\"").await;
    for path in ["/slow-body/5000", "/short-body", "/reset-body", "/bad-chunk"] {
        let mut connection = seawall_testkit::client::RawClient::connect(app.outbound()).await;
        let key = std::fs::read_to_string(app.data().join("outbound.key")).unwrap();
        let call = Request::get(format!("/out/api{path}")).header("X-Seawall-Key", key.trim());
        let answer = connection.try_request(&call).await;
        match answer {
            // Over before its end.
            Err(_) => {}
            Ok(answer) => assert!(answer.status >= 500, "{path}: {} {}", answer.status, answer.text()),
        }
    }
}

#[tokio::test]
async fn pl_13_a_service_that_fails_is_left_alone_and_tried_again() {
    let (api, app) = calling("attempts = 1\nbreaker_open = \"1s\"").await;
    let client = app.outbound_client();
    for _ in 0..5 {
        client.get("/out/api/status/503").await.expect_status(503);
    }
    assert_eq!(app.metric("seawall_outbound_breaker_open", &["api"]), 1.0);
    let begun = Instant::now();
    let answer = client.get("/out/api/echo").await;
    answer.expect_problem(503, "outbound-away");
    assert_eq!((answer.header("retry-after"), api.requests().len()), (Some("1"), 5));
    while client.get("/out/api/echo").await.status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(10), "it is not tried again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(begun.elapsed() >= Duration::from_millis(900), "{:?}", begun.elapsed());
    client.get("/out/api/echo").await.expect_status(200);
    assert_eq!(app.metric("seawall_outbound_breaker_open", &["api"]), 0.0);
}

#[tokio::test]
async fn what_fails_every_other_time_or_answers_late_is_left_alone_by_its_share() {
    let rules = "attempts = 1\nbreaker_calls = 4\nbreaker_failed_percent = 50";
    let (_api, app) = calling(rules).await;
    let client = app.outbound_client();
    for status in [503, 200, 503, 200] {
        client.get(&format!("/out/api/status/{status}")).await.expect_status(status);
    }
    client.get("/out/api/echo").await.expect_problem(503, "outbound-away");
    let rules = "breaker_calls = 2\nbreaker_slow = \"100ms\"\nbreaker_slow_percent = 100";
    let (_api, app) = calling(rules).await;
    let client = app.outbound_client();
    for _ in 0..2 {
        client.get("/out/api/slow/120").await.expect_status(200);
    }
    client.get("/out/api/echo").await.expect_problem(503, "outbound-away");
}

#[tokio::test]
async fn calls_wait_for_their_turn_and_too_many_are_refused() {
    let (api, app) = calling("at_once = 1\nwaiting = 1").await;
    let call = || {
        let client = app.outbound_client();
        tokio::spawn(async move { client.get("/out/api/slow/500").await })
    };
    let first = call();
    api.until("the first", |api| api.requests().len() == 1).await;
    let (second, third) = (call(), call());
    let answers = [first.await.unwrap(), second.await.unwrap(), third.await.unwrap()];
    let mut statuses = answers.iter().map(|answer| answer.status).collect::<Vec<_>>();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 503]);
    let refused = answers.iter().find(|answer| answer.status == 503).unwrap();
    refused.expect_problem(503, "outbound-no-room");
}

#[tokio::test]
async fn st_2_attempts_end_when_the_application_leaves() {
    let (api, app) = calling("timeout = \"60s\"\nfirst_byte_timeout = \"60s\"").await;
    let mut connection = seawall_testkit::client::RawClient::connect(app.outbound()).await;
    let key = std::fs::read_to_string(app.data().join("outbound.key")).unwrap();
    let head = format!("GET /out/api/never HTTP/1.1\r\nHost: a\r\nX-Seawall-Key: {}\r\n\r\n", key.trim());
    connection.write(head).await;
    api.until("the call", |api| api.requests().len() == 1).await;
    let begun = Instant::now();
    drop(connection);
    api.until("its end", |api| api.open_connections() == 0).await;
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert_eq!(api.requests().len(), 1, "no other attempt is made");
}

#[tokio::test]
async fn nobody_there_is_said_at_once() {
    let (mut api, app) = calling("backoff = \"1ms\"").await;
    api.stop().await;
    let problem = app.outbound_client().get("/out/api/echo").await.expect_problem(502, "outbound-failed");
    assert!(problem["inside"].as_str().unwrap().contains("3 attempts"), "{problem}");
    api.restart_on_same_port().await;
    app.outbound_client().get("/out/api/echo").await.expect_status(200);
}
