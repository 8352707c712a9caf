//! What a request and its answer are on the other side: unchanged but for what belongs to one connection, and what we add.

use seawall_testkit::{
    client::{RawClient, Request},
    in_front,
    upstream::{SeenRequest, Upstream},
};

/// The header lines of a request that say what it is; those that are ours or the connection's are left out.
fn own_lines(request: &SeenRequest) -> Vec<(&str, &str)> {
    const OURS: [&str; 7] = [
        "host",
        "x-request-id",
        "traceparent",
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-proto",
        "x-forwarded-host",
    ];
    let own = |name: &str| !OURS.iter().any(|ours| name.eq_ignore_ascii_case(ours));
    request.headers.iter().filter(|(name, _)| own(name)).map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

fn last(upstream: &Upstream) -> SeenRequest {
    upstream.requests().pop().expect("the request reached the application")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_arrives_as_it_was_sent() {
    let (upstream, app) = in_front("").await;
    let request = Request::new("PATCH", "/echo/caf%C3%A9//x?q=a+b%20c&q=%2f&empty=&flag")
        .header("Host", "App.example:8443")
        .header("Cookie", "a=1; b=2")
        .header("X-List", "one")
        .header("x-list", "two")
        .header("Authorization", "Bearer abc")
        .body("payload");
    app.client().request(request).await.expect_status(200);
    let seen = last(&upstream);
    assert_eq!((seen.method.as_str(), seen.version.as_str()), ("PATCH", "HTTP/1.1"));
    assert_eq!(seen.target, "/echo/caf%C3%A9//x?q=a+b%20c&q=%2f&empty=&flag");
    assert_eq!(seen.header("host"), Some("App.example:8443"), "with its port, in its case");
    assert_eq!(seen.body, b"payload");
    assert_eq!(
        own_lines(&seen),
        [
            ("cookie", "a=1; b=2"),
            ("x-list", "one"),
            ("x-list", "two"),
            ("authorization", "Bearer abc"),
            ("content-length", "7")
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_arrives_as_it_was_given() {
    let (_upstream, app) = in_front("").await;
    for status in [200, 201, 202, 205, 206, 299, 301, 401, 404, 410, 418, 451, 500, 503, 599] {
        let answer = app.client().get(&format!("/status/{status}?ETag=%22x%22&X-Odd=caf%C3%A9%20%21")).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("etag"), Some("\"x\""), "{status}");
        assert_eq!(answer.header("x-odd"), Some("café !"), "{status}");
        let body = if status == 205 { String::new() } else { format!("{{\"status\":{status}}}") };
        assert_eq!(answer.text(), body, "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_without_a_body_have_none_and_keep_the_connection() {
    let (upstream, app) = in_front("").await;
    let mut connection = app.connect().await;
    let bodiless = [
        ("GET", "/status/204?ETag=%22x%22"),
        ("GET", "/status/304?ETag=%22x%22"),
        ("HEAD", "/bytes/1000"),
        ("HEAD", "/chunked/1000"),
        ("HEAD", "/status/404"),
        ("HEAD", "/status/304"),
    ];
    for (method, target) in bodiless {
        let answer = connection.send(method, target, &[], b"").await;
        assert_eq!(answer.body, b"", "{method} {target}");
        assert!(connection.unread().is_empty(), "{method} {target}");
        if target == "/bytes/1000" {
            assert_eq!(answer.header("content-length"), Some("1000"), "HEAD tells the length that GET would have");
        }
    }
    let after = connection.send("GET", "/echo", &[], b"").await;
    assert_eq!((after.status, upstream.connections_opened()), (200, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn methods_pass_with_and_without_bodies() {
    let (upstream, app) = in_front("").await;
    for (method, target, body) in [
        ("OPTIONS", "/echo", ""),
        ("OPTIONS", "*", ""),
        ("DELETE", "/echo", ""),
        ("DELETE", "/echo", "with a body"),
        ("GET", "/echo", "with a body"),
        ("POST", "/echo", ""),
        ("PUT", "/echo", "x"),
        ("PROPFIND", "/echo", "<x/>"),
    ] {
        app.client().request(Request::new(method, target).body(body)).await.expect_status(200);
        let seen = last(&upstream);
        assert_eq!((seen.method.as_str(), seen.target.as_str()), (method, target));
        assert_eq!((seen.body.as_slice(), seen.body_complete), (body.as_bytes(), true), "{method}");
    }
    assert_eq!(upstream.violations(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_of_the_clients_connection_stay_here() {
    let (upstream, app) = in_front("").await;
    let request = Request::get("/echo")
        .header("Connection", "keep-alive, X-Foo")
        .header("Connection", "x-bar")
        .header("X-Foo", "1")
        .header("X-Bar", "2")
        .header("X-Baz", "3")
        .header("Keep-Alive", "timeout=5")
        .header("Proxy-Connection", "keep-alive")
        .header("Proxy-Authorization", "Basic eDp5")
        .header("TE", "trailers, gzip")
        .header("Upgrade", "h2c");
    app.client().request(request).await.expect_status(200);
    assert_eq!(own_lines(&last(&upstream)), [("x-baz", "3")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_of_the_applications_connection_stay_here() {
    let (_upstream, app) = in_front("").await;
    let target = "/headers?Connection=keep-alive%2C%20X-Foo&X-Foo=1&X-Bar=2&Keep-Alive=timeout%3D5\
                  &Proxy-Authenticate=Basic&Proxy-Connection=keep-alive&Upgrade=h2c";
    let answer = app.client().get(target).await.expect_status(200);
    for name in ["connection", "x-foo", "keep-alive", "proxy-authenticate", "proxy-connection", "upgrade"] {
        assert_eq!(answer.headers_named(name), [""; 0], "{name}");
    }
    assert_eq!(answer.header("x-bar"), Some("2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_field_that_cannot_be_obeyed_is_refused() {
    let (upstream, app) = in_front("").await;
    for list in ["x foo", "close, \"x\"", "Authorization", "Content-Length", "X-Ok, Host", "x@y"] {
        let mut connection = app.connect().await;
        let answer = connection.send("GET", "/echo", &[("Connection", list), ("Authorization", "x")], b"").await;
        answer.expect_problem(400, "invalid-request");
        connection.expect_closed().await;
    }
    assert_eq!(upstream.requests().len(), 0);
    let answer = app.client().get("/headers?Connection=x%20foo").await;
    answer.expect_problem(502, "bad-gateway");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_strangers_say_of_the_client_is_replaced() {
    let (upstream, app) = in_front("").await;
    let request = Request::get("/echo")
        .header("Host", "app.example")
        .header("X-Forwarded-For", "10.0.0.1")
        .header("X-Forwarded-For", "10.0.0.2")
        .header("X-Forwarded-Proto", "https")
        .header("X-Forwarded-Host", "evil.example")
        .header("Forwarded", "for=10.0.0.1;proto=https")
        .header("X-Real-IP", "10.0.0.1")
        .header("X_Real_IP", "10.0.0.1")
        .header("True-Client-IP", "10.0.0.1");
    app.client().request(request).await.expect_status(200);
    let seen = last(&upstream);
    let values = |wanted: &str| {
        let lines = seen.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
        lines.map(|(_, value)| value.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(values("x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(values("x-forwarded-proto"), ["http"]);
    assert_eq!(values("x-forwarded-host"), ["app.example"]);
    assert_eq!(values("forwarded"), ["for=127.0.0.1;host=\"app.example\";proto=http"]);
    for name in ["x-real-ip", "x_real_ip", "true-client-ip"] {
        assert_eq!(values(name), [""; 0], "{name}");
    }
    assert_eq!(app.request_line("/echo").await["client.address"], "127.0.0.1");
    app.until_metric("seawall_untrusted_forwarded", &[], 1.0).await;
    app.until_metric("seawall_dropped_header_fields", &[], 1.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_trusted_proxies_say_of_the_client_is_extended() {
    let (upstream, app) = in_front("[client_address]\ntrusted = [\"127.0.0.1\", \"10.0.0.0/8\"]\n").await;
    let request = Request::get("/echo")
        .header("Host", "app.example")
        .header("X-Forwarded-For", "192.0.2.9, 203.0.113.7, 10.1.2.3")
        .header("X-Forwarded-Proto", "https")
        .header("X-Request-Id", "given-by-the-balancer-1")
        .header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    let answer = app.client().request(request).await.expect_status(200);
    let seen = last(&upstream);
    assert_eq!(seen.header("x-forwarded-for"), Some("192.0.2.9, 203.0.113.7, 10.1.2.3, 127.0.0.1"));
    assert_eq!(seen.header("x-forwarded-proto"), Some("https"));
    assert_eq!(seen.header("x-forwarded-host"), Some("app.example"));
    assert_eq!(seen.header("x-request-id"), Some("given-by-the-balancer-1"));
    assert_eq!(answer.header("x-request-id"), Some("given-by-the-balancer-1"));
    let parent = seen.header("traceparent").unwrap();
    assert!(parent.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-") && parent.ends_with("-01"), "{parent}");
    assert!(!parent.contains("00f067aa0ba902b7"), "the application's parent is our own span: {parent}");
    let line = app.request_line("/echo").await;
    assert_eq!(line["client.address"], "203.0.113.7", "the nearest address that is not a trusted proxy");
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_11_the_application_is_told_the_request_id_and_the_trace() {
    let (upstream, app) = in_front("").await;
    let request = Request::get("/echo").header("X-Request-Id", "forged").header("tracestate", "a=b");
    let answer = app.client().request(request).await;
    let seen = last(&upstream);
    let id = answer.header("x-request-id").unwrap();
    assert_eq!((id.len(), id.as_bytes().get(14)), (36, Some(&b'7')), "a UUID of version 7, not a stranger's: {id}");
    assert_eq!(seen.header("x-request-id"), Some(id));
    assert_eq!(seen.header("tracestate"), None, "state without its parent means nothing");
    let line = app.request_line("/echo").await;
    assert_eq!(line["request.id"], id);
    let parent: Vec<&str> = seen.header("traceparent").unwrap().split('-').collect();
    assert_eq!(parent.get(1).copied(), line["trace.id"].as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_fields_of_an_answer_stay_apart_and_in_order() {
    let (_upstream, app) = in_front("").await;
    let target = "/headers?Set-Cookie=b%3D2%3B%20Path%3D%2F&X-Between=1&Set-Cookie=a%3D1&Set-Cookie=b%3D3&Vary=Accept";
    let answer = app.client().get(target).await;
    assert_eq!(answer.headers_named("set-cookie"), ["b=2; Path=/", "a=1", "b=3"]);
    assert_eq!(answer.headers_named("vary"), ["Accept"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_path_that_is_matched_is_the_path_that_is_forwarded() {
    let (upstream, app) = in_front("").await;
    for (sent, forwarded) in [
        ("/%65cho", "/echo"),
        ("/echo/a%2Db%7e?x=%2e%2e", "/echo/a-b~?x=%2e%2e"),
        ("/echo/caf%c3%a9", "/echo/caf%C3%A9"),
        ("/a//b/", "/a//b/"),
        ("/Echo", "/Echo"),
        ("/x;v=1/y", "/x;v=1/y"),
    ] {
        app.client().get(sent).await.expect_status(200);
        assert_eq!(last(&upstream).target, forwarded, "{sent}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_address_in_the_request_line_becomes_a_path() {
    let (upstream, app) = in_front("").await;
    for (target, host) in
        [("http://app.example/echo?x=1", "app.example"), ("http://APP.example/echo?x=1", "app.example")]
    {
        app.client().request(Request::get(target).header("Host", host)).await.expect_status(200);
        let seen = last(&upstream);
        assert_eq!((seen.target.as_str(), seen.header("host")), ("/echo?x=1", Some("app.example")));
    }
    app.client().request(Request::get("http://app.example").header("Host", "app.example")).await.expect_status(200);
    assert_eq!(last(&upstream).target, "/");
    let differing = Request::get("http://app.example/echo").header("Host", "other.example");
    app.client().request(differing).await.expect_problem(400, "invalid-host");
}

#[tokio::test(flavor = "multi_thread")]
async fn interim_answers_disturb_nothing() {
    let (_upstream, app) = in_front("").await;
    let mut connection = app.connect().await;
    for (path, body) in [("/103", "hinted"), ("/100-continue", "continued"), ("/103", "hinted")] {
        let answer = connection.send("GET", path, &[], b"").await.expect_status(200);
        assert_eq!(answer.text(), body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_waits_for_permission_gets_it_and_the_application_does_not_wait_again() {
    let (upstream, app) = in_front("").await;
    let mut connection = app.connect().await;
    connection.write("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n").await;
    let permission = connection.read_exactly(25).await;
    assert_eq!(String::from_utf8_lossy(&permission), "HTTP/1.1 100 Continue\r\n\r\n");
    connection.write("body").await;
    let answer = connection.read_response("POST").await.expect_status(200);
    assert_eq!(answer.json()["body"], "body");
    assert_eq!(last(&upstream).header("expect"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_client_is_not_told_to_send_its_body() {
    let (upstream, app) = in_front("[body]\nmax = \"10 B\"\n").await;
    let mut connection = app.connect().await;
    connection.write("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n").await;
    let answer = connection.read_response("POST").await;
    assert_eq!(answer.interim, [], "no permission to send");
    answer.expect_problem(413, "request-too-large");
    connection.expect_closed().await;
    assert_eq!(upstream.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_with_trailers_arrives_whole() {
    let (_upstream, app) = in_front("").await;
    let mut connection = app.connect().await;
    for te in [None, Some(("TE", "trailers"))] {
        let headers: Vec<_> = te.into_iter().collect();
        let answer = connection.send("GET", "/trailers", &headers, b"").await.expect_status(200);
        assert_eq!(answer.text(), "with trailers");
        if te.is_some() {
            let expected = [("x-checksum".to_owned(), "abc123".to_owned()), ("x-count".to_owned(), "13".to_owned())];
            assert_eq!(answer.trailers, expected, "a client that asks for trailers gets them");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn old_clients_are_served() {
    let (upstream, app) = in_front("").await;
    for (request, body) in [
        ("GET /bytes/5 HTTP/1.0\r\nHost: a\r\n\r\n", &[0, 1, 2, 3, 4][..]),
        ("GET /chunked/5 HTTP/1.0\r\nHost: a\r\n\r\n", &[0, 1, 2, 3, 4]),
        ("GET /bytes/5 HTTP/1.0\r\n\r\n", &[0, 1, 2, 3, 4]),
    ] {
        let mut connection = app.connect().await;
        connection.write(request).await;
        let answer = connection.read_response("GET").await.expect_status(200);
        assert_eq!(answer.body, body, "{request:?}");
        assert_eq!(answer.header("transfer-encoding"), None, "{request:?}");
        connection.expect_closed().await;
        assert_eq!(upstream.violations(), [""; 0], "{request:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pipelined_requests_are_answered_in_order() {
    let (_upstream, app) = in_front("").await;
    let mut connection = app.connect().await;
    let requests: Vec<u8> = (0..20)
        .flat_map(|number| match number % 3 {
            0 => Request::get(format!("/echo?n={number}")).encode("a"),
            1 => Request::post(format!("/echo?n={number}")).body("x".repeat(number)).encode("a"),
            _ => Request::post(format!("/echo?n={number}")).chunked(["a", "b"]).encode("a"),
        })
        .collect();
    connection.write(requests).await;
    for number in 0..20 {
        let answer = connection.read_response("GET").await.expect_status(200);
        assert_eq!(answer.json()["target"], format!("/echo?n={number}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_to_the_application_serves_one_request_after_another() {
    let (upstream, app) = in_front("").await;
    let mut connection: RawClient = app.connect().await;
    for (method, target, body) in [
        ("GET", "/echo", &b""[..]),
        ("POST", "/echo", b"body"),
        ("GET", "/chunked/200000", b""),
        ("HEAD", "/bytes/10", b""),
        ("GET", "/status/204", b""),
        ("GET", "/status/404", b""),
        ("GET", "/trailers", b""),
        ("GET", "/103", b""),
        ("GET", "/echo", b""),
    ] {
        connection.send(method, target, &[], body).await;
        assert_eq!(upstream.connections_opened(), 1, "after {method} {target}");
    }
}
