//! Answers that break off or break the rules, as a strict client sees them.

use super::by_path;
use crate::client::{FailureKind, RawClient, ReadFailure, Request};
use crate::upstream::{LEAKED_SECRET, pattern};

async fn failure_of(client: &mut RawClient, path: &str) -> ReadFailure {
    client.try_request(&Request::get(path)).await.expect_err("the answer is broken")
}

#[tokio::test]
async fn no_answer_at_all() {
    let (upstream, mut client) = by_path().await;
    let failure = failure_of(&mut client, "/reset").await;
    assert_eq!((failure.kind, failure.partial), (FailureKind::Reset, None));
    let mut client = RawClient::connect(upstream.address).await;
    let failure =
        client.try_request(&Request::post("/close").body("read before the close")).await.expect_err("there is none");
    assert_eq!((failure.kind, failure.partial), (FailureKind::Closed, None));
    let seen = upstream.requests();
    assert_eq!((seen[0].target.as_str(), seen[1].body_complete), ("/reset", true));
}

#[tokio::test]
async fn a_reset_is_seen_as_one() {
    let (_upstream, mut client) = by_path().await;
    client.write("POST /reset HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nunread").await;
    client.expect_reset().await;
}

#[tokio::test]
async fn a_reset_in_the_middle_of_the_body() {
    let (_upstream, mut client) = by_path().await;
    let failure = failure_of(&mut client, "/reset-body").await;
    assert_eq!(failure.kind, FailureKind::Reset);
    let partial = failure.partial.expect("the head and half of the body came");
    assert_eq!(partial.header("content-length"), Some("32768"));
    assert!(partial.body == pattern(16_384), "{} bytes came", partial.body.len());
}

#[tokio::test]
async fn fewer_bytes_than_declared() {
    let (_upstream, mut client) = by_path().await;
    let failure = failure_of(&mut client, "/short-body").await;
    assert_eq!(failure.kind, FailureKind::Closed);
    assert_eq!(failure.partial.expect("half came").body, pattern(50));
}

#[tokio::test]
async fn more_bytes_than_declared() {
    let (_upstream, mut client) = by_path().await;
    let answer = client.send("GET", "/long-body", &[], b"").await;
    assert_eq!((answer.text().as_str(), client.unread()), ("0123456789", b"abcdefghij".as_slice()));
    client.read_exactly(10).await;
    client.send("GET", "/", &[], b"").await.expect_status(200);
}

#[tokio::test]
async fn heads_that_are_none() {
    let (upstream, mut client) = by_path().await;
    let failure = failure_of(&mut client, "/bad-head").await;
    assert!(matches!(&failure.kind, FailureKind::Malformed(what) if what.contains("status line")), "{failure}");
    let mut client = RawClient::connect(upstream.address).await;
    let failure = failure_of(&mut client, "/cl-te").await;
    assert!(matches!(&failure.kind, FailureKind::Malformed(what) if what.contains("ambiguous framing")), "{failure}");
    assert!(failure.received.contains(r"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), "{failure}");
}

#[tokio::test]
async fn a_huge_header_is_one_mebibyte() {
    let (_upstream, mut client) = by_path().await;
    let answer = client.send("GET", "/huge-header", &[], b"").await;
    assert_eq!(answer.header("x-huge").map(str::len), Some(1024 * 1024));
    assert_eq!(answer.text(), "huge");
}

#[tokio::test]
async fn an_invalid_chunk_size() {
    let (_upstream, mut client) = by_path().await;
    let failure = failure_of(&mut client, "/bad-chunk").await;
    assert_eq!(failure.kind, FailureKind::Malformed("chunk size \"ZZ\"".to_owned()));
    assert_eq!(failure.partial.expect("one chunk came").body, b"hello");
}

#[tokio::test]
async fn an_unannounced_close_after_the_answer() {
    let (_upstream, mut client) = by_path().await;
    let answer = client.send("GET", "/early-close-after-answer", &[], b"").await;
    assert!(answer.keeps_connection() && answer.text() == "fine", "{answer:?}");
    client.expect_closed().await;
}

#[tokio::test]
async fn a_stack_trace_says_too_much() {
    let (_upstream, mut client) = by_path().await;
    let answer = client.send("GET", "/stack-trace", &[], b"").await.expect_status(500);
    assert!(answer.text().starts_with("Traceback (most recent call last)") && answer.text().contains(LEAKED_SECRET));
    assert_eq!((answer.header("server"), answer.header("x-powered-by")), (Some("gunicorn/20.1.0"), Some("Flask")));
}
