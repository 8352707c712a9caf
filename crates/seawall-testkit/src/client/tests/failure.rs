//! Failures say what was asked, what happened and what had arrived.

use std::time::Duration;

use super::canned;
use crate::client::{FailureKind, RawClient, Request};
use crate::upstream::{Kind, Upstream};

#[tokio::test]
async fn a_panic_names_the_request_and_what_came() {
    let upstream = Upstream::start(Kind::ByPath).await;
    let address = upstream.address;
    let reading = tokio::spawn(async move {
        let mut client = RawClient::connect(address).await.with_limit(Duration::from_millis(200));
        client.send("GET", "/slow-body/60000", &[], b"").await
    });
    let panic = reading.await.expect_err("the answer is not complete").into_panic();
    let message = panic.downcast::<String>().expect("a formatted message");
    let start = format!("GET /slow-body/60000 HTTP/1.1 to {address}: not complete within 200ms; received so far: ");
    assert!(
        message.starts_with(&start) && message.contains(r"HTTP/1.1 200 OK\r\n") && message.contains(r"first\r\n"),
        "{message}"
    );
}

#[tokio::test]
async fn a_timed_out_answer_keeps_its_beginning() {
    let upstream = Upstream::start(Kind::ByPath).await;
    let mut client = RawClient::connect(upstream.address).await.with_limit(Duration::from_millis(200));
    let failure = client.try_request(&Request::get("/slow-body/60000")).await.expect_err("the answer is not complete");
    assert_eq!(failure.kind, FailureKind::TimedOut(Duration::from_millis(200)));
    assert_eq!(failure.partial.expect("the head came").body, b"first");
}

#[tokio::test]
async fn a_write_that_nobody_reads_is_bounded() {
    let upstream = Upstream::start(Kind::NeverReads).await;
    let mut client = RawClient::connect(upstream.address).await.with_limit(Duration::from_millis(200));
    let failure = client.try_request(&Request::post("/").body(vec![0; 64 << 20])).await.expect_err("nobody reads");
    assert_eq!(failure.kind, FailureKind::TimedOut(Duration::from_millis(200)));
}

#[tokio::test]
async fn malformed_answers_are_not_accepted() {
    let malformed: [(&[u8], &str); 6] = [
        (b"HTTP/1.1 200 OK\nContent-Length: 0\n\n", "bare LF"),
        (b"HTTP/2 200\r\n\r\n", "status line"),
        (b"HTTP/1.1 20 OK\r\n\r\n", "status line"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", "ambiguous"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "ambiguous"),
        (b"HTTP/1.1 200 OK\r\nBad Name: 1\r\n\r\n", "not a token"),
    ];
    for (answer, expected) in malformed {
        let mut client = RawClient::connect(canned(answer).await).await;
        let failure = client.try_request(&Request::get("/")).await.expect_err("malformed");
        assert!(matches!(&failure.kind, FailureKind::Malformed(what) if what.contains(expected)), "{failure}");
    }
}

#[tokio::test]
async fn a_long_answer_is_shown_by_its_beginning() {
    let upstream = Upstream::start(Kind::always("/headers?Content-Length=900000")).await;
    let mut client = RawClient::connect(upstream.address).await.with_limit(Duration::from_millis(200));
    client.write(Request::get("/").header("X-Pad", "x").encode("a")).await;
    let failure = client.try_read_response("GET").await.expect_err("the body is too short");
    assert!(failure.received.len() < 10_000 && failure.received.contains("Content-Length: 900000"), "{failure}");
    let mut client = RawClient::connect(upstream.address).await;
    upstream.become_kind(Kind::always("/huge-header"));
    client.send("GET", "/", &[], b"").await;
    assert!(client.failure(FailureKind::Closed, None).received.contains("bytes, beginning with"));
}
