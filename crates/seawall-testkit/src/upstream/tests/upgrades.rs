//! WebSockets, refused and foreign upgrades.

use super::by_path;
use crate::client::{Message, try_websocket, websocket};

const UPGRADE: [(&str, &str); 4] = [
    ("Connection", "keep-alive, Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

#[tokio::test]
async fn a_websocket_echoes() {
    let (upstream, _) = by_path().await;
    let mut socket = websocket(
        upstream.address,
        "/ws",
        &[("Origin", "https://example.com"), ("Sec-WebSocket-Protocol", "one, two")],
    )
    .await;
    assert_eq!(socket.handshake().header("sec-websocket-protocol"), Some("one"));
    socket.send_text("hello").await;
    assert_eq!(socket.receive_text().await, "hello");
    socket.send_binary(vec![7; 20_000_000]).await;
    assert_eq!(socket.receive().await.into_data().len(), 20_000_000);
    socket.send(Message::Ping("p".into())).await;
    assert_eq!(socket.receive().await, Message::Pong("p".into()));
    let seen = upstream.requests().pop().expect("the handshake");
    assert_eq!(
        (seen.body_bytes, &seen.body[..5], seen.header("origin")),
        (20_000_005, b"hello".as_slice(), Some("https://example.com"))
    );
    socket.close(1000, "done").await;
    assert_eq!(socket.expect_close().await, Some((1000, "done".to_owned())));
    socket.expect_ended().await;
    upstream.until("the connections to end", |upstream| upstream.open_connections() == 0).await;
}

#[tokio::test]
async fn frames_sent_with_the_handshake_are_not_lost() {
    let (_upstream, mut client) = by_path().await;
    let mut request = UPGRADE
        .iter()
        .fold("GET /ws HTTP/1.1\r\nHost: a\r\n".to_owned(), |text, (name, value)| format!("{text}{name}: {value}\r\n"))
        .into_bytes();
    // A masked text frame with the key 0: "hi".
    request.extend_from_slice(b"\r\n\x81\x82\0\0\0\0hi");
    client.write(request).await;
    let answer = client.read_response("GET").await.expect_status(101);
    assert_eq!(answer.header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert_eq!(client.read_exactly(4).await, b"\x81\x02hi");
}

#[tokio::test]
async fn a_websocket_must_be_asked_for() {
    let (_upstream, mut client) = by_path().await;
    client.send("GET", "/ws", &[], b"").await.expect_status(426);
    client.send("GET", "/", &[], b"").await.expect_status(200);
}

#[tokio::test]
async fn a_refused_upgrade_stays_http() {
    let (upstream, mut client) = by_path().await;
    let answer = client.send("GET", "/ws-refused", &UPGRADE, b"").await.expect_status(200);
    assert_eq!(answer.json()["ok"], true);
    assert_eq!(client.send("GET", "/echo", &[], b"").await.json()["connection"], 1);
    let refusal = try_websocket(upstream.address, "/ws-refused", &[]).await.expect_err("the upstream refuses");
    assert_eq!(refusal.status, 200);
}

#[tokio::test]
async fn another_protocol_echoes_raw_bytes() {
    let (upstream, mut client) = by_path().await;
    client.write("GET /upgrade-other HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\nearly").await;
    let answer = client.read_response("GET").await.expect_status(101);
    assert_eq!(answer.header("upgrade"), Some("chat"));
    assert_eq!(client.read_exactly(5).await, b"early");
    client.write(b"\0\xffGET / HTTP/1.1\r\n\r\n").await;
    assert_eq!(client.read_exactly(20).await, b"\0\xffGET / HTTP/1.1\r\n\r\n");
    client.finish_writing().await;
    client.expect_closed().await;
    assert_eq!(upstream.requests().len(), 1);
}
