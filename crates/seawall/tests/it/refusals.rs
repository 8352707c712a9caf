//! Bytes that are no HTTP/1: how a refusal leaves, in which order, and what becomes of answers that are none.

use std::{collections::BTreeMap, time::Duration};

use seawall_testkit::{
    StartedApp, TestApp,
    client::{FailureKind, RawClient, Request},
    in_front,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::corpus::cases::{Must, cases};

const BAD_HEAD: &str = "GET /bad HTTP/1.1\r\nHost : a\r\n\r\n";

async fn sent(app: &StartedApp, bytes: impl AsRef<[u8]>) -> RawClient {
    let mut connection = app.connect().await;
    connection.write(bytes).await;
    connection
}

/// Every case of the corpus that breaks a rule in its first head: one problem, dressed, logged and counted by its rule.
#[tokio::test(flavor = "multi_thread")]
async fn every_refused_head_gets_a_problem_that_is_dressed_logged_and_counted() {
    let (upstream, app) = in_front("").await;
    let mut rules = BTreeMap::<_, f64>::new();
    let mut refused = Vec::new();
    for case in cases() {
        let Must::Refuse(rule) = case.must else { continue };
        if case.most > 0 || rule == "cut_short" {
            continue;
        }
        let mut connection = sent(&app, &case.bytes).await;
        let method = if case.bytes.starts_with(b"HEAD ") { "HEAD" } else { "GET" };
        let answer = match connection.try_read_response(method).await {
            Ok(answer) => answer,
            Err(failure) => panic!("{} got no answer: {failure}", case.name),
        };
        assert!(matches!(answer.status, 400 | 414 | 431 | 501 | 505), "{}: {answer:?}", case.name);
        assert_eq!(answer.header("connection"), Some("close"), "{}", case.name);
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{}", case.name);
        connection.expect_closed().await;
        let id = answer.header("x-request-id").unwrap_or_else(|| panic!("{}: {answer:?}", case.name)).to_owned();
        refused.push((case.name, id, answer.status, rule));
        *rules.entry(rule).or_default() += 1.0;
    }
    for (name, id, status, rule) in refused {
        let line = app.log_line(name, |line| line["request.id"] == id.as_str()).await;
        assert_eq!(line["http.status"], status, "{name}: {line}");
        assert!(line["error"].as_str().is_some_and(|error| error.contains(rule)), "{name}: {line}");
    }
    assert!(rules.len() >= 25, "{rules:?}");
    for (rule, count) in rules {
        app.until_metric("seawall_http_refused", &[rule, "request"], count).await;
    }
    assert_eq!(upstream.requests().len(), 0);
    app.until_metric("http_server_active_requests", &[], 0.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_names_what_is_known_of_the_request() {
    let (_upstream, app) = in_front("").await;
    let mut connection = sent(&app, "PUT /known?a=b HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\nX : 1\r\n\r\n").await;
    let page = connection.read_response("PUT").await.expect_status(400);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    let line = app.request_line("/known").await;
    assert_eq!((&line["http.method"], &line["problem"]), (&"PUT".into(), &"invalid-request".into()), "{line}");

    let mut connection = sent(&app, "G@T /unknown HTTP/1.1\r\nHost: a\r\n\r\n").await;
    connection.read_response("GET").await.expect_problem(400, "invalid-request");
    let line = app.request_line("-").await;
    assert_eq!((&line["http.method"], &line["http.status"]), (&"-".into(), &400.into()), "{line}");
    let labels = ["_OTHER", "*", "400"];
    app.until_metric("http_server_request_duration_seconds", &labels, 1.0).await;

    let mut connection = sent(&app, "HEAD /none HTTP/1.1\r\nHost: a\r\nX : 1\r\n\r\n").await;
    assert_eq!(connection.read_response("HEAD").await.status, 400);
    connection.expect_closed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn good_requests_before_a_bad_one_are_answered_first() {
    let (upstream, app) = in_front("").await;
    let good = "GET /slow/100?1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /echo?2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc\
                GET /slow/100?3 HTTP/1.1\r\nHost: a\r\n\r\n";
    let after = "GET /after HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut connection = sent(&app, [good, BAD_HEAD, after].concat()).await;
    for method in ["GET", "POST", "GET"] {
        connection.read_response(method).await.expect_status(200);
    }
    connection.read_response("GET").await.expect_problem(400, "invalid-request");
    connection.expect_closed().await;
    let seen: Vec<_> = upstream.requests().into_iter().map(|request| request.target).collect();
    assert_eq!(seen, ["/slow/100?1", "/echo?2", "/slow/100?3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_waits_until_the_answer_before_it_is_whole() {
    let (_upstream, app) = in_front("").await;
    let mut connection = sent(&app, "GET /trickle/5/100 HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let head = connection.read_head("GET").await;
    assert_eq!(head.status, 200);
    connection.write(BAD_HEAD).await;
    assert_eq!(connection.read_body_streaming().await.len(), 5);
    connection.read_response("GET").await.expect_problem(400, "invalid-request");
    connection.expect_closed().await;

    // As much as an answer can take that is larger than all buffers on the way.
    let mut connection = sent(&app, format!("GET /bytes/9000000 HTTP/1.1\r\nHost: a\r\n\r\n{BAD_HEAD}")).await;
    assert_eq!(connection.read_response("GET").await.body.len(), 9_000_000);
    connection.read_response("GET").await.expect_problem(400, "invalid-request");
    connection.expect_closed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_byte_by_byte_passes_or_is_refused_like_any_other() {
    let (_upstream, app) = in_front("").await;
    let mut connection = app.connect().await;
    for byte in b"GET /echo HTTP/1.1\r\nHost: a\r\n\r\n" {
        connection.write([*byte]).await;
        connection.expect_silence(Duration::from_millis(1)).await;
        if *byte == b'a' {
            break;
        }
    }
    connection.write("\r\n\r\n").await;
    connection.read_response("GET").await.expect_status(200);
    for byte in BAD_HEAD.as_bytes() {
        // It is refused before its end.
        let _written = connection.try_write([*byte]).await;
    }
    connection.read_response("GET").await.expect_problem(400, "invalid-request");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_chunk_after_a_good_one_is_refused_and_nothing_of_it_is_forwarded() {
    let (upstream, app) = in_front("").await;
    let mut connection =
        sent(&app, "POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n").await;
    upstream.until("the request", |upstream| upstream.requests().len() == 1).await;
    connection.write("+3\r\nxyz\r\n0\r\n\r\nGET /after HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let answer = connection.read_response("POST").await;
    let problem = answer.expect_problem(400, "invalid-request");
    assert_eq!(problem["detail"], "A chunk's size is not a plain hexadecimal number.");
    connection.expect_closed().await;
    let line = app.request_line("/upload").await;
    assert!(line["error"].as_str().is_some_and(|error| error.contains("invalid_chunk_size")), "{line}");
    app.until_metric("seawall_http_refused", &["invalid_chunk_size", "request"], 1.0).await;
    upstream.until("the end of its connection", |upstream| upstream.open_connections() == 0).await;
    let seen = upstream.requests();
    assert!(seen.len() == 1 && !seen[0].body_complete, "{seen:?}");
    assert_eq!(app.metric("seawall_upstream_failures", &["bad-gateway"]), 0.0);
}

/// The system resets a client whose bytes nobody reads; its answer could be lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_on_sending_can_read_why_it_was_refused() {
    let (_upstream, app) = in_front("").await;
    let mut connection = app.connect().await;
    let head = "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\nTransfer-Encoding: chunked\r\n\r\n";
    connection.write([head.as_bytes(), &vec![b'x'; 900_000]].concat()).await;
    connection.read_response("POST").await.expect_problem(400, "invalid-request");
    connection.expect_closed().await;
}

/// What came before the application switched belongs to the protocol it switched to.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_switch_of_protocols_nothing_is_checked() {
    let (_upstream, app) = in_front("").await;
    let ask = "GET /upgrade-other HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n";
    for early in ["", "\0early\n"] {
        let mut connection = sent(&app, format!("{ask}{early}")).await;
        assert_eq!(connection.read_head("GET").await.status, 101);
        connection.write("\0 : \r\n\r\n").await;
        let expected = format!("{early}\0 : \r\n\r\n");
        assert_eq!(connection.read_exactly(expected.len()).await, expected.as_bytes());
    }
    assert!(!app.log_text().contains("breaks"), "{}", app.log_text());
}

/// An application that answers each connection's first request with these bytes, and then is silent or closes.
async fn answering(bytes: &'static [u8], closes: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
                    if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
                        return;
                    }
                }
                let _written = stream.write_all(bytes).await;
                if !closes {
                    let _ended = stream.read_buf(&mut head).await;
                }
            });
        }
    });
    url
}

const BROKEN_ANSWERS: &[(&str, &str)] = &[
    (
        "content_length_with_transfer_encoding",
        "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ),
    ("repeated_content_length", "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"),
    ("invalid_content_length", "Content-Length: 3, 3\r\n\r\nabc"),
    ("invalid_content_length", "Content-Length: +3\r\n\r\nabc"),
    ("unknown_transfer_coding", "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    ("folded_line", "X-Folded: a\r\n b\r\nContent-Length: 0\r\n\r\n"),
    ("space_before_colon", "Content-Length : 3\r\n\r\nabc"),
    ("control_character", "X-Nul: \0\r\nContent-Length: 0\r\n\r\n"),
];

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_can_be_read_in_two_ways_is_a_bad_gateway() {
    for (rule, rest) in BROKEN_ANSWERS {
        let answer: &'static str = format!("HTTP/1.1 200 OK\r\n{rest}").leak();
        let url = answering(answer.as_bytes(), false).await;
        let app = TestApp::in_front_of(url.clone()).with_config("[upstream]\nbreaker_failures = 2\n").start().await;
        for _ in 0..2 {
            let answer = app.client().request(Request::post("/here").body("x")).await;
            answer.expect_problem(502, "bad-gateway");
        }
        let line = app.request_line("/here").await;
        assert!(line["error"].as_str().is_some_and(|error| error.contains(rule)), "{rule}: {line}");
        app.until_metric("seawall_http_refused", &[rule, "response"], 2.0).await;
        app.until_metric("seawall_upstream_breaker_state", &[&url], 2.0).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_of_protocols_that_nobody_asked_for_is_a_bad_gateway() {
    let switch =
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
    let app = TestApp::in_front_of(answering(switch, false).await).start().await;
    app.client().request(Request::post("/")).await.expect_problem(502, "bad-gateway");
    app.until_metric("seawall_http_refused", &["unexpected_upgrade", "response"], 1.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_breaks_its_framing_in_the_middle_is_cut() {
    let broken = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0x3\r\nxyz\r\n0\r\n\r\n";
    let app = TestApp::in_front_of(answering(broken, false).await).start().await;
    let failure = app.connect().await.try_request(&Request::get("/cut")).await.unwrap_err();
    assert!(matches!(failure.kind, FailureKind::Closed | FailureKind::Reset), "{failure}");
    assert_eq!(failure.partial.expect("the head came").text(), "abc");
    let line = app.request_line("/cut").await;
    assert!(line["error"].as_str().is_some_and(|error| error.contains("invalid_chunk_size")), "{line}");
    app.until_metric("seawall_upstream_failures", &["broken-body"], 1.0).await;
}

/// Answers that were sent ahead would be taken for those to the next requests.
#[tokio::test(flavor = "multi_thread")]
async fn bytes_after_an_answer_end_the_connection_to_the_application() {
    let two = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirstHTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled";
    let app = TestApp::in_front_of(answering(two, false).await).start().await;
    let mut connection = app.connect().await;
    for _ in 0..5 {
        assert_eq!(connection.send("GET", "/", &[], b"").await.expect_status(200).text(), "first");
    }
    app.until_metric("seawall_http_refused", &["unsolicited_bytes", "response"], 5.0).await;
    assert_eq!(app.metric("seawall_upstream_connections_opened", &[]), 5.0);
}

/// What comes while nothing is asked closes the connection, before anyone can use it.
#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_nobody_asked_for_end_an_idle_connection_to_the_application() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let app = TestApp::in_front_of(format!("http://{}", listener.local_addr().unwrap())).start().await;
    let client = app.client();
    let first = tokio::spawn(async move { client.get("/first").await });
    let (mut stream, _) = listener.accept().await.unwrap();
    stream.read_buf(&mut Vec::new()).await.unwrap();
    stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
    first.await.unwrap().expect_status(204);
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled").await.unwrap();
    app.until_metric("seawall_http_refused", &["unsolicited_bytes", "response"], 1.0).await;

    let client = app.client();
    let second = tokio::spawn(async move { client.get("/second").await });
    let (mut stream, _) = listener.accept().await.unwrap();
    stream.read_buf(&mut Vec::new()).await.unwrap();
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine").await.unwrap();
    assert_eq!(second.await.unwrap().text(), "mine");
}

/// A length that belongs to the answer GET would get is right on HEAD and 304, where no body follows.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_head_has_no_body_whatever_its_length_says() {
    let (upstream, app) = in_front("").await;
    let mut connection = app.connect().await;
    for _ in 0..3 {
        connection.send("HEAD", "/bytes/1000", &[], b"").await.expect_status(200);
        connection.send("GET", "/bytes/10", &[], b"").await.expect_status(200);
    }
    assert_eq!(upstream.connections_opened(), 1, "the connection is kept");
}

/// Each head is written anew for the client, so that nothing is lost by reading it.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_whose_lines_end_with_line_feeds_alone_is_passed_on() {
    let lines = b"HTTP/1.1 200 OK\nContent-Length: 2\nX-One: 1\n\nok";
    let app = TestApp::in_front_of(answering(lines, true).await).start().await;
    let answer = app.client().get("/").await.expect_status(200);
    assert_eq!((answer.text().as_str(), answer.header("x-one")), ("ok", Some("1")));
}
