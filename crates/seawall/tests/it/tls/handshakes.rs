//! Which versions and protocols are agreed on, which sessions are resumed, and what becomes of clients that cannot or will not.

use std::time::Duration;

use seawall_testkit::{
    client::{H2Client, RawClient},
    tls::{TLS12, TLS13},
};
use tokio::time::Instant;

use super::{Encrypted, get};

#[tokio::test(flavor = "multi_thread")]
async fn both_versions_are_spoken_and_the_newer_is_chosen() {
    let server = Encrypted::start("").await;
    for version in [&TLS12, &TLS13] {
        let tunnel = server.authority.clients().in_version(version).tunnel(server.app.public(), "example.com").await;
        get(tunnel.address(), "/echo").await.expect_status(200);
        assert_eq!(tunnel.last().version, Some(version.version));
    }
    let tunnel = server.authority.clients().tunnel(server.app.public(), "example.com").await;
    get(tunnel.address(), "/echo").await.expect_status(200);
    assert_eq!(tunnel.last().version, Some(TLS13.version));
    server.app.until_metric("seawall_tls_handshakes", &["full"], 3.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_older_version_can_be_refused() {
    let server = Encrypted::start("[tls]\nmin_version = \"1.3\"\n").await;
    let clients = server.authority.clients().in_version(&TLS12);
    let tunnel = clients.tunnel(server.app.public(), "example.com").await;
    let mut client = RawClient::connect(tunnel.address()).await;
    client.expect_closed().await;
    assert!(tunnel.last().fault.unwrap().contains("ProtocolVersion"), "the client is told why");
    server.app.until_metric("seawall_tls_handshakes", &["failed"], 1.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http2_is_agreed_on_by_alpn() {
    let server = Encrypted::start("").await;
    let tunnel =
        server.authority.clients().offering(&["h2", "http/1.1"]).tunnel(server.app.public(), "example.com").await;
    let client = H2Client::connect(tunnel.address()).await;
    assert_eq!(client.get("/echo").await.status(), 200);
    assert_eq!(client.get("/echo").await.status(), 200);
    assert_eq!(tunnel.last().alpn.as_deref(), Some("h2"));
    let older = server.authority.clients().offering(&["http/1.1"]).tunnel(server.app.public(), "example.com").await;
    get(older.address(), "/echo").await.expect_status(200);
    assert_eq!(older.last().alpn.as_deref(), Some("http/1.1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn http2_can_be_left_out() {
    let server = Encrypted::start("[tls]\nhttp2 = false\n").await;
    let clients = server.authority.clients();
    let both = clients.clone().offering(&["h2", "http/1.1"]).tunnel(server.app.public(), "example.com").await;
    get(both.address(), "/echo").await.expect_status(200);
    assert_eq!(both.last().alpn.as_deref(), Some("http/1.1"));
    let only = clients.offering(&["h2"]).tunnel(server.app.public(), "example.com").await;
    RawClient::connect(only.address()).await.expect_closed().await;
    assert!(only.last().fault.unwrap().contains("NoApplicationProtocol"));
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_resumed_by_tickets() {
    let server = Encrypted::start("").await;
    for version in [&TLS12, &TLS13] {
        let clients = server.authority.clients().in_version(version);
        let tunnel = clients.tunnel(server.app.public(), "example.com").await;
        for _ in 0..3 {
            get(tunnel.address(), "/echo").await.expect_status(200);
        }
        let resumed = tunnel.seen().iter().map(|seen| seen.resumed).collect::<Vec<_>>();
        assert_eq!(resumed, [false, true, true], "{version:?}");
    }
    server.app.until_metric("seawall_tls_handshakes", &["resumed"], 4.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_stops_is_ended_at_its_limit() {
    let server = Encrypted::start("[tls]\nhandshake_timeout = \"300ms\"\n").await;
    let mut client = server.app.connect().await;
    let began = Instant::now();
    client.write(b"\x16\x03\x01\x02\x00\x01").await;
    client.expect_closed().await;
    assert!(began.elapsed() >= Duration::from_millis(250) && began.elapsed() < Duration::from_secs(5));
    // The socket is closed before it is counted.
    server.app.until_metric("seawall_tls_handshakes", &["timed_out"], 1.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_without_a_byte_is_ended_at_its_limit() {
    let server = Encrypted::start("[server]\nfirst_byte_timeout = \"300ms\"\n").await;
    server.app.connect().await.expect_closed().await;
    server.app.until_metric("seawall_connections_expired", &["silent"], 1.0).await;
    // After a handshake the request has the same limit.
    let tunnel = server.authority.clients().tunnel(server.app.public(), "example.com").await;
    RawClient::connect(tunnel.address()).await.expect_closed().await;
    server.app.until_metric("seawall_connections_expired", &["silent"], 2.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_handshake_is_ended() {
    let server = Encrypted::start("").await;
    for garbage in [&b"\x00\x01\x02"[..], b"\x80\x2e\x01\x03\x01", b"\xff"] {
        let mut client = server.app.connect().await;
        client.write(garbage).await;
        client.expect_reset_or_closed().await;
    }
    server.app.until_metric("seawall_tls_handshakes", &["not_tls"], 3.0).await;
    let mut client = server.app.connect().await;
    client.write(b"\x16\x03\x01\x00\x05garbage").await;
    client.expect_reset_or_closed().await;
    server.app.until_metric("seawall_tls_handshakes", &["failed"], 1.0).await;
    let tunnel = server.authority.clients().tunnel(server.app.public(), "example.com").await;
    get(tunnel.address(), "/echo").await.expect_status(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_in_clear_are_told_to_use_https() {
    let server = Encrypted::start("").await;
    let mut client = server.app.connect().await;
    let answer = client.send("POST", "/echo", &[], &[b'x'; 20_000]).await.expect_status(400);
    assert!(answer.text().contains("speaks HTTPS"), "{answer:?}");
    client.expect_closed().await;
    server.app.until_metric("seawall_tls_handshakes", &["plain_http"], 1.0).await;
    assert!(server.upstream.requests().is_empty());
}
