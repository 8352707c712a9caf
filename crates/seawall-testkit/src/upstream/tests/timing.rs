//! Answers that take their time, and that stop when nobody waits for them.

use std::time::Duration;

use super::by_path;
use crate::client::{FailureKind, Request};

const WAIT: Duration = Duration::from_millis(150);

#[tokio::test]
async fn slow_waits_before_the_head() {
    let (_upstream, mut client) = by_path().await;
    client.write(Request::get("/slow/400").encode("a")).await;
    client.expect_silence(Duration::from_millis(75)).await;
    assert_eq!(client.read_response("GET").await.text(), "slow");
}

#[tokio::test]
async fn slow_body_sends_the_first_chunk_at_once() {
    let (_upstream, mut client) = by_path().await;
    client.write(Request::get("/slow-body/150").encode("a")).await;
    client.read_head("GET").await.expect_status(200);
    let pieces = client.read_body_streaming().await;
    assert_eq!(pieces.iter().map(|piece| piece.bytes.as_ref()).collect::<Vec<_>>(), [b"first".as_slice(), b"second"]);
    assert!(pieces[1].after >= WAIT && pieces[1].after - pieces[0].after >= WAIT / 2, "{pieces:?}");
}

#[tokio::test]
async fn trickle_sends_byte_by_byte() {
    let (_upstream, mut client) = by_path().await;
    client.write(Request::get("/trickle/12/10").encode("a")).await;
    client.read_head("GET").await;
    let pieces = client.read_body_streaming().await;
    let text: Vec<u8> = pieces.iter().flat_map(|piece| piece.bytes.to_vec()).collect();
    assert_eq!(text, b"012345678901");
    assert!(
        pieces.iter().all(|piece| piece.bytes.len() == 1) && pieces[11].after >= Duration::from_millis(110),
        "{pieces:?}"
    );
}

#[tokio::test]
async fn events_come_one_by_one() {
    let (_upstream, mut client) = by_path().await;
    client.write(Request::get("/sse/3/75").encode("a")).await;
    assert_eq!(client.read_head("GET").await.header("content-type"), Some("text/event-stream"));
    for number in 1..=3 {
        let piece = client.next_piece().await.expect("three events");
        assert_eq!(piece.bytes, format!("data: {number}\n\n"));
        assert!(piece.after >= Duration::from_millis(75 * (number - 1)), "{piece:?}");
    }
    assert_eq!(client.next_piece().await, None);
}

#[tokio::test]
async fn never_answers_and_notices_that_the_client_left() {
    let (upstream, client) = by_path().await;
    let mut client = client.with_limit(WAIT);
    let failure = client.try_request(&Request::get("/never")).await.expect_err("there is no answer");
    assert_eq!(failure.kind, FailureKind::TimedOut(WAIT));
    assert_eq!(upstream.open_connections(), 1);
    drop(client);
    upstream.until("the connection to end", |upstream| upstream.open_connections() == 0).await;
}

#[tokio::test]
async fn long_waits_end_when_the_client_leaves() {
    for path in ["/slow/60000", "/slow-body/60000", "/trickle/9/60000", "/sse/9/60000"] {
        let (upstream, mut client) = by_path().await;
        client.write(Request::get(path).encode("a")).await;
        upstream.until("the request", |upstream| upstream.requests().len() == 1).await;
        client.reset();
        upstream.until("the connection to end", |upstream| upstream.open_connections() == 0).await;
    }
}
