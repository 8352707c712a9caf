//! Requests whose meaning is uncertain: what other gateways get wrong with them, row by row, and what reaches the application.
//!
//! All are refused by a problem, whether the checker of bytes or a guard found what is wrong.

use std::fmt::Write;

use seawall_testkit::{
    StartedApp,
    client::{RawClient, RawResponse},
    in_front,
    upstream::Upstream,
};

/// Sends these bytes on a connection of their own and reads one answer.
async fn answer(app: &StartedApp, request: &[u8]) -> (RawClient, RawResponse) {
    let mut connection = app.connect().await;
    connection.write(request).await;
    let method = String::from_utf8_lossy(request.split(|byte| *byte == b' ').next().unwrap_or_default()).into_owned();
    let answer = match connection.try_read_response(&method).await {
        Ok(answer) => answer,
        Err(failure) => panic!("{} got no answer: {failure}", request.escape_ascii()),
    };
    (connection, answer)
}

/// The request must be refused with `status`, end its connection, and never reach the application.
async fn check_refused(app: &StartedApp, upstream: &Upstream, request: &[u8], status: u16) {
    let (mut connection, answer) = answer(app, request).await;
    assert_eq!(answer.status, status, "{}", request.escape_ascii());
    assert_eq!(answer.json()["status"], status, "{}", request.escape_ascii());
    assert_eq!(answer.header("connection"), Some("close"), "{}", request.escape_ascii());
    connection.expect_closed().await;
    let seen = upstream.requests();
    assert!(seen.is_empty(), "{} reached the application as {seen:?}", request.escape_ascii());
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_that_servers_read_differently_are_refused() {
    let (upstream, app) = in_front("").await;
    let rows: [(&str, u16); 27] = [
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 4\r\n\r\nabcd", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: -3\r\n\r\nabc", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\nabc", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\nabc", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", 501),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST /echo HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("GET /echo HTTP/1.1\r\nHost: a\r\nX-Folded: one\r\n two\r\n\r\n", 400),
        ("GET /echo HTTP/1.1\r\nHost: a\r\nX-Nul: a\0b\r\n\r\n", 400),
        ("GET /echo HTTP/1.1\r\nHost: a\r\nX-Cr: a\rb\r\n\r\n", 400),
        ("GET /echo HTTP/1.1\r\n Host: a\r\n\r\n", 400),
        ("GET /echo HTTP/1.1\r\nHost: a\r\nX Name: b\r\n\r\n", 400),
        ("GET /echo HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", 400),
        ("GET /echo HTTP/1.1\r\nHost: a\r\nX-No-Colon\r\n\r\n", 400),
        ("GET /echo HTTP/1.1 \r\nHost: a\r\n\r\n", 400),
        ("GET /echo HTTP/1.7\r\nHost: a\r\n\r\n", 505),
        ("GET /echo\r\nHost: a\r\n\r\n", 400),
        ("GET /with space HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET echo HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /nul\0 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("\x16\x03\x01 hello\r\n\r\n", 400),
        ("G@T / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ];
    for (request, status) in rows {
        check_refused(&app, &upstream, request.as_bytes(), status).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_exactly_one_valid_host_is_refused_with_a_problem() {
    let (upstream, app) = in_front("").await;
    for hosts in [
        "",
        "Host: a\r\nHost: b\r\n",
        "Host: a\r\nHost: a\r\n",
        "Host:\r\n",
        "Host: a b\r\n",
        "Host: a,b\r\n",
        "Host: user@a\r\n",
        "Host: a/x\r\n",
        "Host: a:port\r\n",
        "Host: [::1\r\n",
    ] {
        let request = format!("GET /echo HTTP/1.1\r\n{hosts}\r\n");
        let (mut connection, answer) = answer(&app, request.as_bytes()).await;
        answer.expect_problem(400, "invalid-host");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "refusals are dressed too");
        connection.expect_closed().await;
    }
    assert_eq!(upstream.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_named_hosts_are_answered() {
    let (upstream, app) = in_front("[strict_http]\nhosts = [\"app.example\"]\n").await;
    let (_, fine) = answer(&app, b"GET /echo HTTP/1.1\r\nHost: APP.example:8080\r\n\r\n").await;
    assert_eq!(fine.status, 200);
    let (_, other) = answer(&app, b"GET /echo HTTP/1.1\r\nHost: evil.example\r\n\r\n").await;
    other.expect_problem(400, "invalid-host");
    let (_, none) = answer(&app, b"GET /echo HTTP/1.0\r\n\r\n").await;
    none.expect_problem(400, "invalid-host");
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn methods_that_reach_through_are_refused_with_a_problem() {
    let (upstream, app) = in_front("").await;
    for request in [
        "TRACE /echo HTTP/1.1\r\nHost: a\r\n\r\n",
        "CONNECT db.internal:5432 HTTP/1.1\r\nHost: db.internal:5432\r\n\r\n",
    ] {
        let (_, answer) = answer(&app, request.as_bytes()).await;
        answer.expect_problem(405, "method-refused");
        assert_eq!(answer.header("allow"), Some("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
    }
    assert_eq!(upstream.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_1_paths_that_can_be_read_in_two_ways_are_refused_with_a_problem() {
    let (upstream, app) = in_front("").await;
    for path in [
        "/a/../b",
        "/..",
        "/./a",
        "/a/.",
        "/%2e%2e/b",
        "/%2E%2E/b",
        "/.%2e/b",
        "/..;x=1/b",
        "/a%2fb",
        "/a%2Fb",
        "/a%5cb",
        "/a%00b",
        "/a%0d%0aX-Injected:%201",
        "/a%zz",
        "/a%2",
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
        let (_, answer) = answer(&app, request.as_bytes()).await;
        answer.expect_problem(400, "invalid-path");
    }
    assert_eq!(upstream.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encoded_slash_passes_where_it_is_expected() {
    let (upstream, app) = in_front("[strict_http]\nencoded_slash = \"pass\"\n").await;
    app.client().get("/packages/%40scope%2fname").await.expect_status(200);
    assert_eq!(upstream.requests()[0].target, "/packages/%40scope%2Fname");
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_are_bounded_in_number_and_size() {
    let (upstream, app) = in_front("").await;
    let with_fields = |count: usize| {
        let mut request = "GET /echo HTTP/1.1\r\nHost: a\r\n".to_owned();
        for number in 1..count {
            write!(request, "X-{number}: 1\r\n").unwrap();
        }
        request + "\r\n"
    };
    let with_bytes = |size: usize| format!("GET /echo HTTP/1.1\r\nHost: a\r\nCookie: {}\r\n\r\n", "x".repeat(size));
    let (_, hundred) = answer(&app, with_fields(100).as_bytes()).await;
    assert_eq!(hundred.status, 200, "100 fields are allowed");
    let (_, large) = answer(&app, with_bytes(20_000).as_bytes()).await;
    assert_eq!(large.status, 200, "20 KB are allowed");
    assert_eq!(upstream.requests().len(), 2);

    for request in [with_fields(101), with_fields(150), with_bytes(40_000), with_bytes(300_000)] {
        let (mut connection, answer) = answer(&app, request.as_bytes()).await;
        answer.expect_problem(431, "headers-too-large");
        connection.expect_reset_or_closed().await;
    }
    assert_eq!(upstream.requests().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_in_a_transfer_coding_that_is_not_undone_is_refused() {
    let (upstream, app) = in_front("").await;
    for (coding, status) in [("gzip, chunked", 501), ("identity, chunked", 501), ("chunked, chunked", 400)] {
        let request =
            format!("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: {coding}\r\n\r\n1\r\nx\r\n0\r\n\r\n");
        check_refused(&app, &upstream, request.as_bytes(), status).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_framings_nothing_reaches_the_application() {
    let (upstream, app) = in_front("").await;
    for lines in ["Content-Length: 5\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 5"]
    {
        let smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
        let request = format!("POST /echo HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n0\r\n\r\n{smuggled}");
        check_refused(&app, &upstream, request.as_bytes(), 400).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_whose_chunks_are_malformed_is_the_clients_fault() {
    let (upstream, app) = in_front("").await;
    for chunks in [
        "0x3\r\nabc\r\n0\r\n\r\n",
        "3;ext=a\nb\r\nabc\r\n0\r\n\r\n",
        "zz\r\n\r\n",
        "3\r\nabcdef\r\n0\r\n\r\n",
        "-1\r\n",
    ] {
        let request = format!("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}");
        let (mut connection, answer) = answer(&app, request.as_bytes()).await;
        answer.expect_problem(400, "invalid-request");
        connection.expect_closed().await;
    }
    assert!(upstream.requests().iter().all(|request| !request.body_complete), "no part passed for a whole");
    assert_eq!(app.metric("seawall_upstream_failures", &["bad-gateway"]), 0.0, "the application did nothing wrong");
}

#[tokio::test(flavor = "multi_thread")]
async fn line_ends_without_a_return_are_refused() {
    let (upstream, app) = in_front("").await;
    for request in ["GET /echo HTTP/1.1\nHost: a\n\n", "GET /echo HTTP/1.1\r\nHost: a\nX-One: 1\r\n\r\n"] {
        check_refused(&app, &upstream, request.as_bytes(), 400).await;
    }
    app.until_metric("seawall_http_refused", &["bare_line_feed", "request"], 2.0).await;
}
