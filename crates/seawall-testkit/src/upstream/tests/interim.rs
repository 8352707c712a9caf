//! Interim answers, trailers, permission for bodies and early answers.

use std::time::Duration;

use serde_json::json;

use super::by_path;
use crate::client::{RawClient, Request};

#[tokio::test]
async fn interim_answers_come_before_the_final_one() {
    let (_upstream, mut client) = by_path().await;
    let continued = client.send("GET", "/100-continue", &[], b"").await.expect_status(200);
    assert_eq!(continued.interim.iter().map(|interim| interim.status).collect::<Vec<_>>(), [100]);
    let hinted = client.send("GET", "/103", &[], b"").await.expect_status(200);
    assert_eq!((hinted.interim[0].status, hinted.interim[0].headers[0].0.as_str()), (103, "Link"));
}

#[tokio::test]
async fn trailers_follow_the_body() {
    let (_upstream, mut client) = by_path().await;
    let expected = [("X-Checksum".to_owned(), "abc123".to_owned()), ("X-Count".to_owned(), "13".to_owned())];
    let answer = client.send("GET", "/trailers", &[], b"").await;
    assert_eq!((answer.header("trailer"), answer.text().as_str()), (Some("X-Checksum, X-Count"), "with trailers"));
    assert_eq!(answer.trailers, expected);
    client.write(Request::get("/trailers").encode("a")).await;
    client.read_head("GET").await;
    client.read_body_streaming().await;
    assert_eq!(client.trailers(), expected);
}

#[tokio::test]
async fn trailers_of_a_request_are_recorded() {
    let (upstream, mut client) = by_path().await;
    client.write("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;ext=1\r\nhi\r\n0\r\nX-End: 1\r\n\r\n").await;
    assert_eq!(client.read_response("POST").await.json()["trailers"], json!([["X-End", "1"]]));
    assert_eq!(upstream.requests()[0].trailers, [("X-End".to_owned(), "1".to_owned())]);
}

#[tokio::test]
async fn expect_needs_a_client_that_waits() {
    let (_upstream, mut client) = by_path().await;
    client.send("POST", "/expect", &[], b"body").await.expect_status(417);
    let head = "POST /expect HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
    client.write(head).await;
    assert_eq!(client.read_exactly(25).await, b"HTTP/1.1 100 Continue\r\n\r\n");
    client.write("body").await;
    assert_eq!(client.read_response("POST").await.json(), json!({ "waited_for_continue": true, "received": 4 }));
    client.write([head, "body"].concat()).await;
    assert_eq!(client.read_response("POST").await.json(), json!({ "waited_for_continue": false, "received": 4 }));
}

#[tokio::test]
async fn every_path_gives_the_permission_asked_for() {
    let (_upstream, mut client) = by_path().await;
    client.write("POST /upload HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n").await;
    client.read_exactly(25).await;
    client.write("body").await;
    assert_eq!(client.read_response("POST").await.json()["received"], 4);
}

#[tokio::test]
async fn an_early_answer_comes_before_the_body() {
    let (upstream, mut client) = by_path().await;
    client.write("POST /early-answer HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n").await;
    assert_eq!(client.read_response("POST").await.json(), json!({ "early": true }));
    assert!(!upstream.requests()[0].body_complete);
    client.write("body").await;
    client.send("GET", "/", &[], b"").await.expect_status(200);
    assert_eq!(upstream.requests()[0].body, b"body");
}

#[tokio::test]
async fn an_early_answer_instead_of_the_permission_closes() {
    let (upstream, _) = by_path().await;
    let mut client = RawClient::connect(upstream.address).await.with_limit(Duration::from_secs(2));
    client.write("POST /early-answer HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n").await;
    assert!(client.read_response("POST").await.interim.is_empty());
    client.expect_closed().await;
}
