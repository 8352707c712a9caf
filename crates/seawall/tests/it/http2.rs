//! HTTP/2 by prior knowledge: what holds for a request over HTTP/1.1 holds for a stream, and streams do not wait for one another.

mod attacks;
mod rules;

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use seawall_testkit::{
    StartedApp,
    client::H2Client,
    in_front,
    upstream::{Checksum, Upstream, pattern},
};
use serde_json::{Value, json};
use tokio::time::Instant;

/// A few megabytes that are no multiple of any buffer.
const LARGE: usize = 5 * 1024 * 1024 + 4321;
const SOON: Duration = Duration::from_secs(5);

async fn http2(app: &StartedApp) -> H2Client {
    H2Client::connect(app.public()).await
}

fn request(method: &str, path: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    Request::builder().method(method).uri(path).body(Full::new(body.into())).expect("a valid request")
}

fn body(answer: &Response<Bytes>) -> Value {
    serde_json::from_slice(answer.body()).unwrap_or_else(|error| panic!("no JSON ({error}) in {answer:?}"))
}

fn header<'a>(answer: &'a Response<Bytes>, name: &str) -> Option<&'a str> {
    answer.headers().get(name).map(|value| value.to_str().expect("text"))
}

/// Fields of one connection have no place in HTTP/2 (RFC 9113 section 8.2.2).
fn without_connection_fields(answer: &Response<Bytes>) {
    for name in ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"] {
        assert_eq!(header(answer, name), None, "{name} in {answer:?}");
    }
}

fn expect_problem(answer: &Response<Bytes>, status: u16, slug: &str) {
    assert_eq!(answer.status(), status, "{answer:?}");
    assert_eq!(header(answer, "content-type"), Some("application/problem+json"), "{answer:?}");
    let problem = body(answer);
    let text = |field: &str| problem.get(field).and_then(Value::as_str);
    assert_eq!(text("type"), Some(format!("/_seawall/problems/{slug}").as_str()));
    assert_eq!(text("request_id"), header(answer, "x-request-id"), "{answer:?}");
    assert_eq!(header(answer, "x-content-type-options"), Some("nosniff"), "refusals are dressed too");
    without_connection_fields(answer);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_arrives_as_a_request_of_http_1_1() {
    let (upstream, app) = in_front("").await;
    let client = http2(&app).await;
    let answer = client.get("/echo?q=1").await;
    assert_eq!((answer.status(), header(&answer, "x-frame-options")), (StatusCode::OK, Some("DENY")));
    without_connection_fields(&answer);
    let [seen] = &upstream.requests()[..] else { panic!("one request") };
    assert_eq!((seen.method.as_str(), seen.target.as_str(), seen.version.as_str()), ("GET", "/echo?q=1", "HTTP/1.1"));
    assert_eq!(seen.header("host"), Some(app.public().to_string().as_str()), "the authority");
    assert_eq!((seen.header("content-length"), seen.header("transfer-encoding")), (None, None));
    assert_eq!(seen.header("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(upstream.violations(), [""; 0]);
    let line = app.request_line("/echo").await;
    assert_eq!((line["request.id"].as_str(), &line["http.status"]), (header(&answer, "x-request-id"), &200.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_of_one_connection_do_not_wait_for_one_another() {
    const STREAMS: usize = 60;
    let (upstream, app) = in_front("").await;
    let client = std::sync::Arc::new(http2(&app).await);
    let waiting: Vec<_> = (0..STREAMS)
        .map(|number| {
            let client = client.clone();
            tokio::spawn(async move { client.get(&format!("/never?{number}")).await })
        })
        .collect();
    upstream.until("all streams at once", |upstream| upstream.requests().len() == STREAMS).await;
    assert_eq!(client.get("/echo").await.status(), 200, "one more is served meanwhile");
    assert_eq!(app.metric("seawall_connections", &[]), 1.0);
    assert_eq!(app.metric("http_server_active_requests", &[]), 60.0);
    for stream in waiting {
        stream.abort();
    }
    app.until_metric("http_server_active_requests", &[], 0.0).await;
    assert_eq!(client.get("/echo").await.status(), 200, "streams that were reset cost the connection nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_8_problems_are_the_same_over_http2() {
    let configuration = "[body]\nmax = \"1 KB\"\n[route.\"/limited\"]\nrate_limit.limits = [\"1/min per ip\"]\n";
    let (mut upstream, app) = in_front(configuration).await;
    let client = http2(&app).await;
    client.get("/limited").await;
    expect_problem(&client.get("/limited").await, 429, "quota-exceeded");
    expect_problem(&client.get("/a%2Fb").await, 400, "invalid-path");
    expect_problem(&client.get("/_seawall/nothing").await, 404, "not-found");
    expect_problem(&client.request(request("TRACE", "/", "")).await, 405, "method-refused");
    expect_problem(&client.request(request("POST", "/upload", vec![0; 2_000])).await, 413, "request-too-large");
    expect_problem(&client.get("/close").await, 502, "bad-gateway");
    let mut cookie = request("GET", "/echo", "");
    cookie.headers_mut().insert("cookie", "x".repeat(40_000).parse().expect("a valid value"));
    expect_problem(&client.request(cookie).await, 431, "headers-too-large");
    let mut host = request("GET", "/echo", "");
    host.headers_mut().insert("host", "other.example".parse().expect("a valid value"));
    expect_problem(&client.request(host).await, 400, "invalid-host");
    upstream.stop().await;
    expect_problem(&client.get("/echo").await, 503, "upstream-unreachable");
    upstream.restart_on_same_port().await;
    assert_eq!(client.get("/echo").await.status(), 200);
    assert_eq!(app.metric("seawall_connections_accepted", &[]), 1.0, "no problem costs the connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_of_the_applications_connection_stay_here() {
    let (_upstream, app) = in_front("").await;
    let client = http2(&app).await;
    for path in [
        "/headers?Connection=keep-alive%2C%20X-Foo&X-Foo=1&Keep-Alive=timeout%3D5&Proxy-Connection=keep-alive",
        "/headers?Connection=close",
        "/chunked/10",
        "/status/426?Upgrade=websocket&Connection=upgrade",
    ] {
        let answer = client.get(path).await;
        without_connection_fields(&answer);
        assert_eq!(header(&answer, "x-foo"), None, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_pass_byte_for_byte_both_ways() {
    let (upstream, app) = in_front("[rate_limit]\nlimits = []\n").await;
    let client = http2(&app).await;
    let all = pattern(LARGE);
    for size in [0, 1, 16 * 1024, 64 * 1024 + 1, LARGE] {
        let sum = Checksum::of(&all[..size]).to_string();
        let sent = client.request(request("POST", "/upload", all[..size].to_vec())).await;
        assert_eq!(body(&sent), json!({ "received": size, "sum": sum }), "{size} with a length");
        let (pieces, answer) = client.upload(Request::post("/upload").body(()).expect("a valid request"));
        for piece in all[..size].chunks(40_000) {
            pieces.send(Bytes::copy_from_slice(piece)).await.expect("the body is read");
        }
        drop(pieces);
        let answer = answer.await.unwrap().unwrap();
        assert_eq!(body(&answer), json!({ "received": size, "sum": sum }), "{size} without a length");
        for kind in ["bytes", "chunked"] {
            let answer = client.get(&format!("/{kind}/{size}")).await;
            assert_eq!((answer.body().len(), Checksum::of(answer.body()).to_string()), (size, sum.clone()), "{kind}");
        }
    }
    assert_eq!(upstream.violations(), [""; 0]);
    assert_eq!(app.metric("seawall_connections_accepted", &[]), 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_part_of_an_upload_arrives_before_the_next_is_sent() {
    let (upstream, app) = in_front("").await;
    let client = http2(&app).await;
    let (pieces, answer) = client.upload(Request::post("/echo").body(()).expect("a valid request"));
    for (number, part) in (1_u64..).zip(["one", "two", "end"]) {
        pieces.send(Bytes::from_static(part.as_bytes())).await.expect("the body is read");
        upstream.until(part, |upstream| arrived(upstream) == number * 3).await;
    }
    drop(pieces);
    assert_eq!(body(&answer.await.unwrap().unwrap())["body"], "onetwoend");
}

fn arrived(upstream: &Upstream) -> u64 {
    upstream.requests().last().map_or(0, |request| request.body_bytes)
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_1_a_body_without_a_length_is_cut_at_the_limit() {
    let (upstream, app) = in_front("[body]\nmax = \"100 KB\"\n").await;
    let client = http2(&app).await;
    let (pieces, answer) = client.upload(Request::post("/upload").body(()).expect("a valid request"));
    for _ in 0..20 {
        // The server may refuse while the rest is still being sent.
        if pieces.send(pattern(10_000).into()).await.is_err() {
            break;
        }
    }
    drop(pieces);
    expect_problem(&answer.await.unwrap().unwrap(), 413, "request-too-large");
    assert!(upstream.requests().iter().all(|request| !request.body_complete && request.body_bytes <= 100_000));
    assert_eq!(client.get("/echo").await.status(), 200, "other streams go on");
}

#[tokio::test(flavor = "multi_thread")]
async fn rg_4_a_stream_that_falls_silent_in_its_body_gets_408_and_others_go_on() {
    let (upstream, app) = in_front("[deadline]\nrequest_idle = \"150ms\"\n").await;
    let client = http2(&app).await;
    let (pieces, answer) = client.upload(Request::post("/upload").body(()).expect("a valid request"));
    pieces.send(Bytes::from_static(b"half")).await.expect("the body is read");
    expect_problem(&answer.await.unwrap().unwrap(), 408, "request-timeout");
    upstream.until("the connection to be given up", |upstream| upstream.open_connections() == 0).await;
    assert_eq!(client.get("/echo").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_reset_in_its_body_is_no_whole_request() {
    let (upstream, app) = in_front("").await;
    let client = http2(&app).await;
    let (pieces, answer) = client.upload(Request::post("/upload").body(()).expect("a valid request"));
    pieces.send(Bytes::from_static(b"half")).await.expect("the body is read");
    upstream.until("the first half", |upstream| arrived(upstream) == 4).await;
    answer.abort();
    upstream.until("the connection to be given up", |upstream| upstream.open_connections() == 0).await;
    assert!(upstream.requests().iter().all(|request| !request.body_complete));
    let line = app.request_line("/upload").await;
    assert_eq!(line["http.status"], 499, "{line}");
    assert_eq!(client.get("/echo").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn cookies_in_many_fields_reach_the_application_as_one() {
    let (upstream, app) = in_front("").await;
    let mut crumbs = request("GET", "/echo", "");
    for crumb in ["a=1", "b=2; c=3", "d=4"] {
        crumbs.headers_mut().append("cookie", crumb.parse().expect("a valid value"));
    }
    assert_eq!(http2(&app).await.request(crumbs).await.status(), 200);
    let [seen] = &upstream.requests()[..] else { panic!("one request") };
    let cookies = seen.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("cookie"));
    let cookies: Vec<_> = cookies.map(|(_, value)| value.as_str()).collect();
    assert_eq!(cookies, ["a=1; b=2; c=3; d=4"], "RFC 9113 section 8.2.3");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_may_rest_longer_than_a_head_may_take() {
    let limits = "first_byte_timeout = \"200ms\"\nheader_timeout = \"200ms\"\nidle_timeout = \"5min\"\n";
    let (_upstream, app) = in_front(&format!("[server]\n{limits}")).await;
    let client = http2(&app).await;
    for _ in 0..3 {
        assert_eq!(client.get("/echo").await.status(), 200);
        // The rest is what is tested: longer than the limits of a head.
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let slow = client.get("/slow/500").await;
    assert_eq!(slow.status(), 200, "nor does a slow answer count as a slow head");
    assert_eq!(app.metric("seawall_connections_accepted", &[]), 1.0, "it was the same connection");
    assert_eq!(app.metric("seawall_connections_expired", &["slow_head"]), 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_is_closed_after_its_time() {
    let (_upstream, app) = in_front("[server]\nidle_timeout = \"300ms\"\nfirst_byte_timeout = \"5min\"\n").await;
    let client = http2(&app).await;
    let started = Instant::now();
    assert_eq!(client.get("/slow/500").await.status(), 200, "a stream in flight is no idleness");
    assert!(started.elapsed() >= Duration::from_millis(500));
    app.until_metric("seawall_connections", &[], 0.0).await;
    app.until_metric("seawall_connections_expired", &["idle"], 1.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rg_6_streams_in_flight_are_answered_in_full_when_the_server_drains() {
    let (upstream, mut app) = in_front("").await;
    let client = std::sync::Arc::new(http2(&app).await);
    let answers: Vec<_> = ["/slow/600", "/slow-body/600", "/trickle/10/60"]
        .map(|path| {
            let client = client.clone();
            tokio::spawn(async move { client.get(path).await })
        })
        .into();
    upstream.until("all streams", |upstream| upstream.requests().len() == 3).await;
    app.drain().await;
    for answer in answers {
        let answer = answer.await.unwrap();
        assert_eq!(answer.status(), 200);
        assert!(!answer.body().is_empty());
        without_connection_fields(&answer);
    }
    app.ended_within(SOON).await;
}

/// A window of zero refuses an answer without a byte on the wire; the connection and what it holds must go all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_nothing_by_its_window_is_cut() {
    let (_upstream, app) = in_front("[server]\nsend_timeout = \"300ms\"\nidle_timeout = \"300ms\"\n").await;
    let mut connection = app.connect().await;
    let settings = [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0];
    // GET http / with the authority `a`, from HPACK's static table: a head that ends its stream.
    let path = b"/bytes/100000";
    let block = [&[0x82, 0x86, 0x04, 13][..], path, &[0x01, 1, b'a']].concat();
    let length = u8::try_from(block.len()).unwrap();
    let head = [&[0, 0, length, 1, 5, 0, 0, 0, 1][..], &block].concat();
    connection.write([&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &settings, &head].concat()).await;
    app.until_metric("http_server_active_requests", &[], 1.0).await;
    app.until_metric("seawall_connections_expired", &["slow_reader"], 1.0).await;
    app.until_metric("http_server_active_requests", &[], 0.0).await;
}
