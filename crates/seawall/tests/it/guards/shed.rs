//! How much at once: a place is held by what is served, and given back however it ends.

use std::time::Duration;

use seawall_testkit::{
    StartedApp,
    client::{RawClient, Request},
    in_front,
    upstream::Upstream,
};

const ONE: &str = "[load_shed]\nmax_in_flight = 1\n[deadline]\nresponse_head = \"20s\"\n";

/// Takes the only place.
async fn occupy(upstream: &Upstream, app: &StartedApp, request: &str) -> RawClient {
    let before = upstream.requests().len();
    let mut busy = app.connect().await.with_limit(Duration::from_secs(20));
    busy.write(request).await;
    upstream.until("the place to be taken", |upstream| upstream.requests().len() > before).await;
    busy
}

/// The place is free again: the next request is served.
async fn expect_free(app: &StartedApp, how: &str) {
    app.until_metric("http_server_active_requests", &[], 0.0).await;
    assert_eq!(app.client().get("/free").await.status, 200, "after {how}");
}

#[tokio::test(flavor = "multi_thread")]
async fn st_11_one_request_too_many_is_refused_at_once_and_not_queued() {
    let (upstream, app) = in_front(ONE).await;
    let _busy = occupy(&upstream, &app, "GET /slow/20000 HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let refused = app.client().get("/echo").await;
    let problem = refused.expect_problem(503, "overloaded");
    assert_eq!((&problem["code"], &problem["fault"]), (&"SERVICE_UNAVAILABLE".into(), &"seawall".into()));
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(refused.header("x-ratelimit-limit"), Some("1000"), "it was counted before");
    assert_eq!(upstream.requests().len(), 1);
    assert_eq!(app.metric("seawall_guard_decisions", &["load_shed", "*", "refused"]), 1.0);
    app.client().get("/_seawall/health/live").await.expect_status(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_is_given_back_however_the_request_ends() {
    let (upstream, app) = in_front(ONE).await;
    let mut answered = occupy(&upstream, &app, "GET /slow/300 HTTP/1.1\r\nHost: a\r\n\r\n").await;
    app.client().get("/echo").await.expect_problem(503, "overloaded");
    answered.read_response("GET").await.expect_status(200);
    expect_free(&app, "an answer").await;

    drop(occupy(&upstream, &app, "GET /never HTTP/1.1\r\nHost: a\r\n\r\n").await);
    expect_free(&app, "a client that left").await;

    let mut unfinished =
        occupy(&upstream, &app, "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf").await;
    unfinished.finish_writing().await;
    drop(unfinished);
    expect_free(&app, "half an upload").await;

    for path in ["/close", "/reset", "/bad-head"] {
        app.client().get(path).await.expect_problem(502, "bad-gateway");
        expect_free(&app, path).await;
    }
    let mut connection = app.connect().await;
    connection.try_request(&Request::get("/short-body")).await.unwrap_err();
    expect_free(&app, "half an answer").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_holds_its_place_until_its_end() {
    let (upstream, app) = in_front(ONE).await;
    let mut stream = occupy(&upstream, &app, "GET /sse/2/60000 HTTP/1.1\r\nHost: a\r\n\r\n").await;
    stream.read_head("GET").await.expect_status(200);
    stream.next_piece().await.unwrap();
    app.client().get("/echo").await.expect_problem(503, "overloaded");
    drop(stream);
    expect_free(&app, "a stream").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_with_a_number_of_their_own_do_not_wait_for_others() {
    let config =
        format!("{ONE}[route.\"/reports/*\"]\nload_shed.max_in_flight = 1\n[route.\"/small\"]\nbody.max = \"1 KB\"\n");
    let (upstream, app) = in_front(&config).await;
    let _busy = occupy(&upstream, &app, "GET /slow/20000 HTTP/1.1\r\nHost: a\r\n\r\n").await;
    app.client().get("/reports/1").await.expect_status(200);
    app.client().get("/small").await.expect_problem(503, "overloaded");
}
