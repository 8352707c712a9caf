//! Framings the test upstream never uses, early answers, and the ways a connection ends.

use std::time::Duration;

use super::canned;
use crate::client::{RawClient, Request};
use crate::upstream::{Kind, Upstream};

#[tokio::test]
async fn a_body_without_framing_ends_with_the_connection() {
    let mut client = RawClient::connect(canned(b"HTTP/1.1 200\r\nX: 1\r\n\r\nuntil the end").await).await;
    let answer = client.send("GET", "/", &[], b"").await;
    assert_eq!((answer.status, answer.reason.as_str(), answer.text().as_str()), (200, "", "until the end"));
    assert!(!answer.keeps_connection());
}

#[tokio::test]
async fn headers_are_found_without_case_and_kept_in_order() {
    let answer = b"HTTP/1.1 200 Very Fine\r\nX-A:1\r\nx-a: \t 2 \r\nContent-Length: 2\r\n\r\n[]";
    let answer = RawClient::connect(canned(answer).await).await.send("GET", "/", &[], b"").await;
    assert_eq!(
        (answer.header("X-a"), answer.headers_named("x-A"), answer.header("none")),
        (Some("1"), vec!["1", "2"], None)
    );
    assert_eq!((answer.reason.as_str(), answer.json()), ("Very Fine", serde_json::json!([])));
    assert_eq!(answer.raw_head.len(), 63);
}

#[tokio::test]
async fn an_answer_before_the_whole_request_is_read_all_the_same() {
    let early = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let mut client = RawClient::connect(canned(early).await).await;
    // The server closes with most of the body unread, which resets the connection while it is being written.
    let answer = client.request(&Request::post("/").body(vec![0; 32 << 20])).await;
    assert_eq!(answer.status, 413);
    client.expect_reset_or_closed().await;
}

#[tokio::test]
async fn answers_that_fill_every_buffer_do_not_block_the_writing() {
    let upstream = Upstream::start(Kind::ByPath).await;
    let mut client = RawClient::connect(upstream.address).await;
    let requests = 40;
    let one = [Request::get("/bytes/1000000").encode("a"), Request::post("/upload").body(vec![1; 500_000]).encode("a")]
        .concat();
    client.write(one.repeat(requests)).await;
    for _ in 0..requests {
        assert_eq!(client.read_response("GET").await.body.len(), 1_000_000);
        assert_eq!(client.read_response("POST").await.json()["received"], 500_000);
    }
}

#[tokio::test]
async fn bytes_and_silence() {
    let upstream = Upstream::start(Kind::ByPath).await;
    let mut client = RawClient::connect(upstream.address).await;
    client.expect_silence(Duration::from_millis(50)).await;
    client.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(client.read_some().await.starts_with(b"HTTP/1.1 200"));
    while !client.read_some().await.is_empty() {}
    client.expect_closed().await;
    assert!(client.local_address().ip().is_loopback());
}

#[tokio::test]
#[should_panic(expected = "expected a closed connection")]
async fn a_closed_connection_has_no_bytes() {
    let mut client = RawClient::connect(canned(b"surprise").await).await;
    client.write("x").await;
    client.expect_closed().await;
}

#[tokio::test]
#[should_panic(expected = "expected a reset")]
async fn a_clean_close_is_no_reset() {
    RawClient::connect(Upstream::start(Kind::ClosesOnAccept).await.address).await.expect_reset().await;
}

#[tokio::test]
#[should_panic(expected = "expected silence")]
async fn an_answer_is_not_silence() {
    let upstream = Upstream::start(Kind::ByPath).await;
    let mut client = RawClient::connect(upstream.address).await;
    client.write(Request::get("/").encode("a")).await;
    client.expect_silence(Duration::from_secs(5)).await;
}

#[test]
fn only_host_and_framing_are_added_to_a_request() {
    let text = |request: Request| String::from_utf8(request.encode("h:1")).unwrap();
    assert_eq!(text(Request::get("/a b?#")), "GET /a b?# HTTP/1.1\r\nHost: h:1\r\n\r\n");
    assert_eq!(text(Request::post("/")), "POST / HTTP/1.1\r\nHost: h:1\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(
        text(Request::post("/").header("hOST", "x").header("CONTENT-LENGTH", "9").body("b")),
        "POST / HTTP/1.1\r\nhOST: x\r\nCONTENT-LENGTH: 9\r\n\r\nb"
    );
    let chunked = text(Request::new("PUT", "*").chunked(["0123456789", "", "z"]));
    assert_eq!(
        chunked,
        "PUT * HTTP/1.1\r\nHost: h:1\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n1\r\nz\r\n0\r\n\r\n"
    );
}
