//! Connections that serve several requests, HEAD on every path, HTTP/1.0 and requests that break the rules.

use super::by_path;
use crate::client::{FailureKind, RawClient, Request};

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let (upstream, mut client) = by_path().await;
    client
        .write("GET /slow/50 HTTP/1.1\r\nHost: a\r\n\r\nPOST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhiGET /status/404 HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    assert_eq!(client.read_response("GET").await.text(), "slow");
    assert_eq!(client.read_response("POST").await.json()["body"], "hi");
    assert_eq!(client.read_response("GET").await.status, 404);
    assert_eq!(upstream.connections_opened(), 1);
    assert_eq!(upstream.requests().iter().map(|seen| seen.connection).collect::<Vec<_>>(), [1, 1, 1]);
}

#[tokio::test]
async fn connection_close_is_obeyed() {
    let (_upstream, mut client) = by_path().await;
    let answer = client.send("GET", "/", &[("Connection", "close")], b"").await;
    assert_eq!(answer.header("connection"), Some("close"));
    assert!(!answer.keeps_connection());
    client.expect_closed().await;
}

#[tokio::test]
async fn http_1_0_gets_no_chunks_and_a_close() {
    let (_upstream, mut client) = by_path().await;
    client.write("GET /trickle/3/0 HTTP/1.0\r\n\r\n").await;
    let answer = client.read_response("GET").await;
    assert_eq!((answer.header("transfer-encoding"), answer.text().as_str()), (None, "012"));
    client.expect_closed().await;
}

#[tokio::test]
async fn head_never_has_a_body() {
    let (upstream, _) = by_path().await;
    let kept = "/echo /bytes/70000 /chunked/70000 /upload /status/200 /status/204 /status/304 /headers?A=b /html /page /asset/1.css \
        /slow/1 /slow-body/9000 /trickle/9/9000 /sse/9/9000 /long-body /huge-header /100-continue /103 /trailers /expect /early-answer \
        /stack-trace /ws /ws-refused /unknown";
    for path in kept.split_whitespace() {
        let mut client = RawClient::connect(upstream.address).await;
        client.write(Request::new("HEAD", path).encode("a")).await;
        client.read_response("HEAD").await;
        // Whatever followed the head would be taken for the next answer.
        assert_eq!(client.send("GET", "/status/299", &[], b"").await.status, 299, "{path}");
    }
    for path in ["/short-body", "/bad-chunk", "/early-close-after-answer"] {
        let mut client = RawClient::connect(upstream.address).await;
        client.write(Request::new("HEAD", path).encode("a")).await;
        client.read_response("HEAD").await.expect_status(200);
        client.expect_closed().await;
    }
    let mut client = RawClient::connect(upstream.address).await;
    client.write(Request::new("HEAD", "/cl-te").encode("a")).await;
    client.read_some().await;
    assert!(client.unread().is_empty());
}

#[tokio::test]
async fn broken_requests_are_refused_and_listed() {
    let (upstream, _) = by_path().await;
    let broken = [
        ("GET / HTTP/1.1\r\n\r\n", "0 Host lines"),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "2 Host lines"),
        ("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", "request line"),
        ("GET / HTTP/1.1\nHost: a\n\n", "bare LF"),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded\r\n\r\n", "folded"),
        ("GET / HTTP/1.1\r\nHost: a\r\nX : 1\r\n\r\n", "not a token"),
        ("GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", "without a colon"),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", "ambiguous"),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", "ambiguous"),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc", "ambiguous"),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", "ambiguous"),
        ("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP/1.0"),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n", "chunk size"),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n", "chunk not ended"),
    ];
    for (number, (request, problem)) in broken.iter().enumerate() {
        let mut client = RawClient::connect(upstream.address).await;
        client.write(request).await;
        let answer = client.read_response("GET").await.expect_status(400);
        assert!(answer.text().contains(problem), "{request:?}: {}", answer.text());
        client.expect_reset_or_closed().await;
        assert_eq!(upstream.violations().len(), number + 1);
    }
}

#[tokio::test]
async fn a_request_that_breaks_off_stays_incomplete() {
    let (upstream, mut client) = by_path().await;
    client.write("POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf").await;
    upstream
        .until("four bytes of the body", |upstream| {
            upstream.requests().first().is_some_and(|seen| seen.body_bytes == 4)
        })
        .await;
    client.finish_writing().await;
    let failure = client.try_read_response("POST").await.expect_err("there is no answer");
    assert_eq!(failure.kind, FailureKind::Closed);
    assert!(!upstream.requests()[0].body_complete);
}
