//! What is served over TLS is what is served in clear, and ends as gently.

use std::time::Duration;

use seawall_testkit::{
    client::{H2Client, RawClient, Request, websocket},
    upstream::pattern,
};

use super::{Encrypted, get};

const SOON: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
async fn the_application_and_the_client_are_told_that_it_is_secure() {
    let server = Encrypted::start("[security_headers]\nhsts = \"always\"\n").await;
    for protocol in ["http/1.1", "h2"] {
        let tunnel = server.authority.clients().offering(&[protocol]).tunnel(server.app.public(), "example.com").await;
        let strict = if protocol == "h2" {
            H2Client::connect(tunnel.address())
                .await
                .get("/echo")
                .await
                .headers()
                .contains_key("strict-transport-security")
        } else {
            get(tunnel.address(), "/echo").await.header("strict-transport-security").is_some()
        };
        assert!(strict, "{protocol}");
        let request = server.upstream.requests().pop().unwrap();
        assert_eq!(request.header("x-forwarded-proto"), Some("https"));
        assert_eq!(request.header("x-forwarded-for"), Some("127.0.0.1"));
        assert!(request.header("forwarded").unwrap().ends_with(";proto=https"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn large_bodies_pass_both_ways() {
    let server = Encrypted::start("[body]\nmax = \"10 MB\"\n").await;
    let tunnel = server.authority.clients().tunnel(server.app.public(), "example.com").await;
    let body = vec![b'x'; 3_000_000];
    let mut client = RawClient::connect(tunnel.address()).await;
    let answer = client.send("POST", "/upload", &[], &body).await.expect_status(200);
    assert_eq!(answer.json()["received"], body.len());
    let answer = client.send("GET", "/bytes/3000000", &[], b"").await.expect_status(200);
    assert!(answer.body == pattern(3_000_000), "every byte as it was sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn websockets_pass() {
    let server = Encrypted::start("").await;
    let tunnel = server.authority.clients().tunnel(server.app.public(), "example.com").await;
    let mut socket = websocket(tunnel.address(), "/ws", &[]).await;
    socket.send_text("hello").await;
    assert_eq!(socket.receive_text().await, "hello");
    socket.close(1000, "done").await;
    assert_eq!(socket.expect_close().await, Some((1000, "done".to_owned())));
    socket.expect_ended().await;
    assert_eq!(tunnel.last().fault, None, "ended by close_notify");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_connected_when_draining_begins_is_served_and_the_silent_are_let_go() {
    let mut server = Encrypted::start("[server]\ndrain_delay = \"200ms\"\n").await;
    let mut silent = server.app.connect().await;
    let tunnel = server.authority.clients().tunnel(server.app.public(), "example.com").await;
    let mut agreed = RawClient::connect(tunnel.address()).await;
    server.app.until_metric("seawall_tls_handshakes", &["full"], 1.0).await;
    let mut late = server.app.connect().await;
    server.app.until_accepted(3).await;
    server.app.drain().await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    agreed.send("GET", "/echo", &[], b"").await.expect_status(200);
    late.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    late.read_response("GET").await.expect_status(400);
    silent.expect_closed().await;
    server.app.ended_within(SOON).await;
    assert_eq!(tunnel.last().fault, None, "ended by close_notify");
}

#[tokio::test(flavor = "multi_thread")]
async fn draining_resets_nobody_and_says_goodbye() {
    let mut server = Encrypted::start("").await;
    let tunnel = server.authority.clients().tunnel(server.app.public(), "example.com").await;
    let mut idle = RawClient::connect(tunnel.address()).await;
    idle.send("GET", "/echo", &[], b"").await.expect_status(200);
    let mut busy = RawClient::connect(tunnel.address()).await;
    busy.write(Request::get("/slow/600").encode("example.com")).await;
    let h2 = server.authority.clients().offering(&["h2"]).tunnel(server.app.public(), "example.com").await;
    let client = H2Client::connect(h2.address()).await;
    assert_eq!(client.get("/echo").await.status(), 200);
    server.upstream.until("the slow one", |upstream| upstream.requests().len() == 3).await;
    server.app.drain().await;
    // A client that has only just connected is served too.
    busy.read_response("GET").await.expect_status(200);
    busy.expect_closed().await;
    idle.expect_closed().await;
    server.app.ended_within(SOON).await;
    for seen in tunnel.seen().iter().chain(&h2.seen()) {
        assert_eq!(seen.fault, None, "ended by close_notify");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_rests_stays_encrypted() {
    let server = Encrypted::start("").await;
    let tunnel = server.authority.clients().tunnel(server.app.public(), "example.com").await;
    let mut connection = RawClient::connect(tunnel.address()).await;
    for _ in 0..3 {
        connection.send("GET", "/echo", &[], b"").await.expect_status(200);
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    assert_eq!(server.handshakes("full"), 1.0);
}
