//! What HTTP/2 forbids and HTTP/1.1 could misread: refused by the stream or with a problem, and nothing of it reaches the
//! application (RFC 9113 sections 8.1 to 8.3).

use seawall_testkit::{
    StartedApp,
    client::{H2Answer, H2Frame, H2RawClient, hpack},
    in_front,
};

/// A head that only lacks what a case is about.
const HEAD: [(&str, &str); 4] = [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/echo")];

async fn client(app: &StartedApp) -> H2RawClient {
    H2RawClient::connect(app.public(), &[]).await
}

/// Sends a head that ends its stream, on a connection of its own.
async fn answer_to(app: &StartedApp, fields: &[(&str, &str)]) -> H2Answer {
    let mut client = client(app).await;
    client.send(&H2Frame::long_headers(1, &hpack::block(fields.iter().copied()), true)).await;
    client.answer(1).await
}

fn with<'a>(field: (&'a str, &'a str)) -> Vec<(&'a str, &'a str)> {
    [&HEAD[..], &[field]].concat()
}

fn without<'a>(name: &str) -> Vec<(&'a str, &'a str)> {
    HEAD.into_iter().filter(|(other, _)| *other != name).collect()
}

fn set<'a>(name: &str, value: &'a str) -> Vec<(&'a str, &'a str)> {
    HEAD.map(|(other, old)| (other, if other == name { value } else { old })).to_vec()
}

/// None of these heads reaches the application, and each is refused.
async fn refused(cases: &[(&str, Vec<(&str, &str)>)]) {
    let (upstream, app) = in_front("").await;
    for (case, fields) in cases {
        let answer = answer_to(&app, fields).await;
        assert!(answer.refused(), "{case}: {answer:?}");
        assert!(upstream.requests().is_empty(), "{case}: {:?}", upstream.requests());
    }
    let fine = answer_to(&app, &with(("te", "trailers"))).await;
    assert_eq!(fine.status, Some(200), "the head itself is fine: {fine:?}");
    app.until_metric("http_server_active_requests", &[], 0.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_has_one_spelling() {
    refused(&[
        ("a raw character in the path", set(":path", "/caf\u{e9}")),
        ("a raw character in the query", set(":path", "/echo?q=\u{e9}")),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_that_break_a_rule_reach_no_application() {
    refused(&[
        ("connection", with(("connection", "close"))),
        ("connection that names a field", with(("connection", "x-forwarded-for"))),
        ("transfer-encoding", with(("transfer-encoding", "chunked"))),
        ("keep-alive", with(("keep-alive", "timeout=5"))),
        ("upgrade", with(("upgrade", "websocket"))),
        ("proxy-connection", with(("proxy-connection", "keep-alive"))),
        ("te", with(("te", "gzip"))),
        ("te with more than trailers", with(("te", "trailers, gzip"))),
        ("a capital letter in a name", with(("X-Upper", "1"))),
        ("a space in a name", with(("x y", "1"))),
        ("a colon in a name", with(("x:y", "1"))),
        ("a line break in a name", with(("x\r\ny", "1"))),
        ("an empty name", with(("", "1"))),
        ("a line break in a value", with(("x-y", "1\r\nx-z: 2"))),
        ("a bare line feed in a value", with(("x-y", "1\nx-z: 2"))),
        ("a zero byte in a value", with(("x-y", "1\0"))),
        ("a length without a body", with(("content-length", "5"))),
        ("two lengths", [&HEAD[..], &[("content-length", "0"), ("content-length", "5")]].concat()),
        ("a length that is no number", with(("content-length", "+0"))),
        ("a list of lengths", with(("content-length", "0, 0"))),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pseudo_headers_that_break_a_rule_reach_no_application() {
    refused(&[
        ("no method", without(":method")),
        ("no scheme", without(":scheme")),
        ("no path", without(":path")),
        ("no authority and no host", without(":authority")),
        ("an empty path", set(":path", "")),
        ("an empty method", set(":method", "")),
        ("a path that is no path", set(":path", "echo")),
        ("a path with another host", set(":path", "http://other.example/echo")),
        ("a line break in the path", set(":path", "/echo HTTP/1.1\r\nx-y: 1")),
        ("a space in the path", set(":path", "/echo x")),
        ("a line break in the method", set(":method", "GET /x HTTP/1.1\r\nx:")),
        ("a space in the method", set(":method", "GET /x")),
        ("a line break in the authority", set(":authority", "a\r\nx-y: 1")),
        ("a user in the authority", set(":authority", "user@a")),
        ("a path in the authority", set(":authority", "a/b")),
        ("another scheme", set(":scheme", "ftp")),
        ("a star that is not asked with OPTIONS", set(":path", "*")),
        ("two paths", with((":path", "/other"))),
        ("two methods", with((":method", "POST"))),
        ("two authorities", with((":authority", "b"))),
        ("a status", with((":status", "200"))),
        ("a pseudo-header that nobody knows", with((":other", "1"))),
        ("a pseudo-header after a field", [&HEAD[..3], &[("x-y", "1"), HEAD[3]]].concat()),
        ("another host", with(("host", "other.example"))),
        ("two hosts", [&without(":authority")[..], &[("host", "a"), ("host", "b")]].concat()),
        ("CONNECT", vec![(":method", "CONNECT"), (":authority", "a:22")]),
        ("CONNECT with a path", set(":method", "CONNECT")),
        ("CONNECT with a length", vec![(":method", "CONNECT"), (":authority", "a:22"), ("content-length", "5")]),
        ("CONNECT for a protocol", [&set(":method", "CONNECT")[..], &[(":protocol", "websocket")]].concat()),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_alone_is_as_good_as_an_authority() {
    let (upstream, app) = in_front("").await;
    let fields = [HEAD[0], HEAD[1], HEAD[3], ("host", "a.example")];
    assert_eq!(answer_to(&app, &fields).await.status, Some(200));
    assert_eq!(upstream.requests()[0].header("host"), Some("a.example"));
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_fields_pass_as_over_http_1() {
    let (upstream, app) = in_front("").await;
    let names: Vec<String> = (0..150).map(|number| format!("x-{number}")).collect();
    let head = |count: usize| {
        let fields: Vec<_> = names[..count].iter().map(|name| (name.as_str(), "1")).collect();
        [&HEAD[..], &fields].concat()
    };
    let answer = answer_to(&app, &head(101)).await;
    assert_eq!(answer.status, Some(431), "{answer:?}");
    assert!(String::from_utf8_lossy(&answer.body).contains("headers-too-large"), "a problem: {answer:?}");
    // Many small pieces of a cookie are one field.
    let crumbs = [&HEAD[..], &[("cookie", "a=1"); 500]].concat();
    assert_eq!(answer_to(&app, &crumbs).await.status, Some(200));
    assert_eq!(answer_to(&app, &head(99)).await.status, Some(200));
    assert_eq!(upstream.requests().len(), 2);
}

/// Whatever a head may have over HTTP/1 it may have over HTTP/2, also where an operator allows more.
#[tokio::test(flavor = "multi_thread")]
async fn heads_are_as_large_as_strict_http_allows() {
    for (config, most) in [("", 32), ("[strict_http]\nmax_header_bytes = \"90 KiB\"\n", 90)] {
        let (_upstream, app) = in_front(config).await;
        let with = |bytes: usize| {
            let value = "v".repeat(bytes);
            let app = &app;
            let head = [HEAD[0], HEAD[1], HEAD[2], (":path", "/status/204")];
            async move { answer_to(app, &[&head[..], &[("x-large", &value)]].concat()).await }
        };
        assert_eq!(with(most * 1024 - 500).await.status, Some(204), "{most} KiB");
        let refused = with(most * 1024 + 500).await;
        assert_eq!(refused.status, Some(431), "{most} KiB");
        assert!(!refused.body.is_empty(), "a problem");
        assert_eq!(with(most * 1024 + 20_000).await.status, Some(431), "beyond what is read");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_another_length_is_no_whole_request() {
    for (length, body) in [("5", "abc"), ("3", "abcde"), ("0", "a")] {
        let (upstream, app) = in_front("").await;
        let mut client = client(&app).await;
        let head = hpack::request("POST", "/upload", &[("content-length", length)]);
        client.send(&[H2Frame::headers(1, head, false), H2Frame::data(1, body, true)]).await;
        let answer = client.answer(1).await;
        assert!(answer.refused(), "{length} for {body}: {answer:?}");
        app.until_metric("http_server_active_requests", &[], 0.0).await;
        upstream.until("the connection to be given up", |upstream| upstream.open_connections() == 0).await;
        let whole = upstream.requests().iter().any(|request| request.body_complete);
        assert!(!whole, "{length} for {body}: {:?}", upstream.requests());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trailers_that_break_a_rule_make_no_whole_request() {
    let head = || H2Frame::headers(1, hpack::request("POST", "/upload", &[]), false);
    let trailers = |name, ends| H2Frame::headers(1, hpack::block([(name, "1")]), ends);
    let cases = [
        ("a field of a connection", vec![head(), H2Frame::data(1, "abc", false), trailers("transfer-encoding", true)]),
        ("no end", vec![head(), H2Frame::data(1, "abc", false), trailers("x-y", false)]),
    ];
    for (case, frames) in cases {
        let (upstream, app) = in_front("").await;
        let mut client = client(&app).await;
        client.send(&frames).await;
        let answer = client.answer(1).await;
        assert!(answer.refused(), "{case}: {answer:?}");
        app.until_metric("http_server_active_requests", &[], 0.0).await;
        upstream.until("the connection to be given up", |upstream| upstream.open_connections() == 0).await;
        assert!(!upstream.requests().iter().any(|request| request.body_complete), "{case}: {:?}", upstream.requests());
    }
}

/// h2 drops pseudo-headers in trailers instead of refusing them (RFC 9113 section 8.1); none of it reaches the application.
#[tokio::test(flavor = "multi_thread")]
async fn pseudo_headers_in_trailers_are_dropped() {
    let (upstream, app) = in_front("").await;
    let mut client = client(&app).await;
    let head = hpack::request("POST", "/upload", &[("te", "trailers")]);
    let trailers = hpack::block([(":path", "/other"), (":method", "GET")]);
    client
        .send(&[H2Frame::headers(1, head, false), H2Frame::data(1, "abc", false), H2Frame::headers(1, trailers, true)])
        .await;
    client.answer(1).await;
    let [seen] = &upstream.requests()[..] else { panic!("one request") };
    assert_eq!((seen.target.as_str(), seen.method.as_str(), &seen.trailers[..]), ("/upload", "POST", &[][..]));
}
