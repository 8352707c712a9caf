//! Requests with an idempotency key: carried out once, however often and however they come.

mod crashes;

use std::time::Duration;

use seawall_testkit::{
    StartedApp, TemporaryDirectory, TestApp,
    client::{RawResponse, Request},
    in_front,
    upstream::{Kind, Upstream},
};
use tokio::task::JoinSet;

use crate::postgres::Server;

const KEY: &str = "Idempotency-Key";

fn order(key: &str) -> Request {
    Request::post("/headers?Set-Cookie=a=1&X-Order=17").header(KEY, key).body("{\"item\":1}")
}

async fn asked(app: &StartedApp, request: Request) -> RawResponse {
    app.client().request(request).await
}

/// The answer once nothing of an earlier attempt is in flight any more: what becomes of one that nobody waits for is kept soon.
async fn settled(app: &StartedApp, request: impl Fn() -> Request) -> RawResponse {
    loop {
        let answer = asked(app, request()).await;
        if !answer.text().contains("idempotency-in-flight") {
            return answer;
        }
        tokio::task::yield_now().await;
    }
}

fn replayed(answer: &RawResponse) -> bool {
    answer.header("idempotent-replayed") == Some("true")
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_13_what_comes_again_is_answered_as_it_was_and_carried_out_once() {
    let (upstream, app) = in_front("[route.\"/strict\"]\nidempotency.required = true\n").await;
    let first = asked(&app, order("\"k1\"")).await.expect_status(200);
    assert!(!replayed(&first) && first.header("set-cookie").is_some());
    for _ in 0..3 {
        let again = asked(&app, order("\"k1\"")).await.expect_status(200);
        assert!(replayed(&again), "{again:?}");
        assert_eq!((again.body == first.body, again.header("x-order")), (true, Some("17")));
        assert_eq!(again.header("set-cookie"), None, "a cookie is for whoever asked first");
        assert_ne!(again.header("x-request-id"), first.header("x-request-id"));
    }
    assert_eq!(upstream.requests().len(), 1);

    let other = order("\"k1\"").body("{\"item\":2}");
    asked(&app, other).await.expect_problem(422, "idempotency-key-reused");
    let elsewhere = Request::post("/echo").header(KEY, "\"k1\"").body("{\"item\":1}");
    asked(&app, elsewhere).await.expect_problem(422, "idempotency-key-reused");
    asked(&app, order("\"k1")).await.expect_problem(400, "idempotency-key-invalid");
    asked(&app, Request::post("/strict")).await.expect_problem(400, "idempotency-key-missing");
    assert_eq!(upstream.requests().len(), 1, "none of these was sent on");

    let somebody = order("\"k1\"").header("Authorization", "Bearer of-somebody-else");
    assert!(!replayed(&asked(&app, somebody).await.expect_status(200)), "a key is its caller's");
    let read = Request::get("/echo").header(KEY, "\"k1\"");
    assert!(!replayed(&asked(&app, read).await.expect_status(200)), "what changes nothing needs no key");
    assert_eq!(upstream.requests().len(), 3);
    assert_eq!(app.metric("seawall_idempotency_requests", &["replayed"]), 3.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_13_of_two_hundred_at_once_one_reaches_the_application() {
    let (upstream, app) = in_front("[rate_limit]\nlimits = []\n").await;
    let mut tasks = JoinSet::new();
    for _ in 0..200 {
        let client = app.client();
        tasks.spawn(async move { client.request(Request::post("/slow/300").header(KEY, "\"once\"").body("x")).await });
    }
    let answers = tasks.join_all().await;
    assert_eq!(upstream.requests().len(), 1);
    let fresh = answers.iter().filter(|answer| answer.status == 200 && !replayed(answer)).count();
    assert_eq!(fresh, 1);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        answer.expect_problem(409, "idempotency-in-flight");
        assert!(answer.header("retry-after").is_some());
    }
    let again = asked(&app, Request::post("/slow/300").header(KEY, "\"once\"").body("x")).await;
    assert!(replayed(&again.expect_status(200)));
}

/// The reason for keys: a client that lost its connection cannot know what came of its request.
#[tokio::test(flavor = "multi_thread")]
async fn wk_13_a_client_that_left_finds_its_answer_when_it_comes_again() {
    let (upstream, app) = in_front("").await;
    let slow = || Request::post("/slow/400").header(KEY, "\"left\"").body("x");
    let mut leaves = app.connect().await;
    leaves.write(slow().encode("a")).await;
    upstream.until("the request is there", |upstream| upstream.requests().len() == 1).await;
    drop(leaves);
    app.until_metric("http_server_active_requests", &[], 0.0).await;
    let again = asked(&app, slow().header("Host", "a")).await.expect_status(200);
    assert!(replayed(&again));
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_13_an_outcome_that_nobody_knows_is_told_and_tried_again_only_where_that_does_no_harm() {
    let (upstream, app) =
        in_front("[retry]\nattempts = 3\nbackoff = \"1ms\"\n[route.\"/reset\"]\nidempotency.unknown = \"retry\"\nretry.attempts = 1\n").await;
    let broken = || Request::post("/close").header(KEY, "\"lost\"").body("x");
    asked(&app, broken()).await.expect_problem(502, "bad-gateway");
    assert_eq!(upstream.requests().len(), 1, "a key does not make it safe to send twice while its answer is kept here");
    app.until_metric("http_server_active_requests", &[], 0.0).await;
    let told = settled(&app, broken).await;
    told.expect_problem(409, "idempotency-outcome-unknown");
    assert_eq!(upstream.requests().len(), 1);

    let bears = || Request::post("/reset").header(KEY, "\"lost\"").body("x");
    asked(&app, bears()).await.expect_problem(502, "bad-gateway");
    app.until_metric("http_server_active_requests", &[], 0.0).await;
    let before = upstream.requests().len();
    settled(&app, bears).await.expect_problem(502, "bad-gateway");
    assert_eq!(upstream.requests().len(), before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_never_left_lets_its_key_be_used_again() {
    let (mut upstream, app) = in_front("[upstream]\nbreaker_failures = 1000\n[deadline]\nconnect = \"1s\"\n").await;
    upstream.stop().await;
    asked(&app, order("\"later\"")).await.expect_problem(503, "upstream-unreachable");
    upstream.restart_on_same_port().await;
    let answer = settled(&app, || order("\"later\"")).await.expect_status(200);
    assert!(!replayed(&answer));
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_to_be_kept_or_has_no_end_is_told_and_not_sent_again() {
    let (upstream, app) = in_front("[idempotency]\nmax_answer = \"2 KiB\"\n").await;
    for path in ["/bytes/100000", "/chunked/100000", "/sse/3/1"] {
        let request =
            || Request::post(path).header(KEY, "\"large\"").header("X-Path", path).header("Authorization", path);
        let before = upstream.requests().len();
        let first = asked(&app, request()).await.expect_status(200);
        assert!(!first.body.is_empty(), "{path}");
        let again = asked(&app, request()).await.expect_problem(409, "idempotency-answer-not-kept");
        assert!(again["detail"].as_str().is_some_and(|detail| detail.contains("200")), "{again}");
        assert_eq!(upstream.requests().len(), before + 1, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_13_answers_survive_a_restart() {
    let directory = TemporaryDirectory::new();
    let upstream = Upstream::start(Kind::ByPath).await;
    let start = |directory| TestApp::in_front_of(upstream.url()).in_directory(directory).start();
    let app = start(directory).await;
    asked(&app, order("\"kept\"")).await.expect_status(200);
    let directory = app.into_directory();
    let app = start(directory).await;
    assert!(replayed(&asked(&app, order("\"kept\"")).await.expect_status(200)));
    assert_eq!(upstream.requests().len(), 1);
}

/// A failure that is not shown to clients is what came of a request all the same.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_replaced_is_told_as_given_and_the_request_is_not_sent_again() {
    let (upstream, app) = in_front("[rescue]\nupstream_errors = \"replace\"\n").await;
    let fails = || Request::post("/stack-trace").header(KEY, "\"fails\"").body("x");
    asked(&app, fails()).await.expect_problem(500, "upstream-error");
    app.until_metric("http_server_active_requests", &[], 0.0).await;
    let again = settled(&app, fails).await.expect_problem(409, "idempotency-answer-not-kept");
    assert!(again["detail"].as_str().is_some_and(|detail| detail.contains("500")), "{again}");
    assert_eq!(upstream.requests().len(), 1);

    let busy = || Request::post("/status/503").header(KEY, "\"busy\"").body("x");
    asked(&app, busy()).await.expect_problem(503, "upstream-error");
    app.until_metric("http_server_active_requests", &[], 0.0).await;
    settled(&app, busy).await.expect_problem(503, "upstream-error");
    assert_eq!(upstream.requests().len(), 3, "by this the application says that it did nothing");

    let gives_up = || Request::post("/status/504").header(KEY, "\"gives up\"").body("x");
    asked(&app, gives_up()).await.expect_problem(504, "upstream-error");
    app.until_metric("http_server_active_requests", &[], 0.0).await;
    settled(&app, gives_up).await.expect_problem(409, "idempotency-outcome-unknown");
    assert_eq!(upstream.requests().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_17_in_report_mode_no_answer_is_given_twice_and_what_would_be_refused_is_told() {
    let (upstream, app) = in_front("[idempotency]\nmode = \"report\"\nrequired = true\n").await;
    let reported = || app.metric("seawall_guard_decisions", &["idempotency", "*", "reported"]);
    for _ in 0..2 {
        assert!(!replayed(&asked(&app, order("\"k\"")).await.expect_status(200)));
        app.until_metric("http_server_active_requests", &[], 0.0).await;
    }
    assert_eq!(reported(), 0.0, "the second would have been answered with the first's answer");
    asked(&app, Request::post("/echo").body("x")).await.expect_status(200);
    assert_eq!(reported(), 1.0, "without a key");
    asked(&app, order("\"k\"").body("{\"item\":2}")).await.expect_status(200);
    assert_eq!(reported(), 2.0, "the key was used for another request");
    let mut slow = app.connect().await;
    let at_once = || Request::post("/slow/20000").header(KEY, "\"at once\"").body("x");
    slow.write(at_once().encode("a")).await;
    upstream.until("the first is there", |upstream| upstream.requests().len() == 5).await;
    let mut duplicate = app.connect().await;
    duplicate.write(at_once().encode("a")).await;
    upstream.until("the second is sent on as well", |upstream| upstream.requests().len() == 6).await;
    assert_eq!(reported(), 3.0, "another attempt is being carried out");
    drop((slow, duplicate));
    app.until_metric("http_server_active_requests", &[], 0.0).await;
    assert_eq!(app.metric("seawall_idempotency_requests", &["fresh"]), 0.0, "no key was claimed");
    assert_eq!(upstream.requests().len(), 6);
    tokio::time::timeout(Duration::from_secs(5), app.until_metric("http_server_active_requests", &[], 0.0))
        .await
        .expect("all are over");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_store_requests_with_a_key_are_refused_and_others_pass() {
    let (upstream, app) = in_front("[route.\"/echo\"]\nidempotency.when_unavailable = \"open\"\n").await;
    app.close_store();
    asked(&app, order("\"k\"")).await.expect_problem(503, "idempotency-unavailable");
    assert_eq!(upstream.requests().len(), 0);
    asked(&app, Request::post("/upload").body("x")).await.expect_status(200);
    asked(&app, Request::post("/echo").header(KEY, "\"k\"").body("x")).await.expect_status(200);
    assert_eq!(app.metric("seawall_idempotency_requests", &["unavailable"]), 2.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_13_two_seawalls_over_one_database_carry_out_one_of_two_hundred() {
    let server = Server::start();
    let upstream = Upstream::start(Kind::ByPath).await;
    let config = format!("[store]\nurl = \"{}\"\n[rate_limit]\nlimits = []\n", server.url());
    let start = async || TestApp::in_front_of(upstream.url()).with_config(&config).start().await;
    let (one, other) = (start().await, start().await);
    let request = || Request::post("/slow/300").header("Host", "a").header(KEY, "\"both\"").body("x");
    let mut tasks = JoinSet::new();
    for number in 0..200 {
        let client = if number % 2 == 0 { one.client() } else { other.client() };
        tasks.spawn(async move { client.request(request()).await });
    }
    let answers = tasks.join_all().await;
    assert_eq!(upstream.requests().len(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.status == 200 && !replayed(answer)).count(), 1);
    for app in [&one, &other] {
        assert!(replayed(&asked(app, request()).await.expect_status(200)));
    }
    assert_eq!(upstream.requests().len(), 1);
}
