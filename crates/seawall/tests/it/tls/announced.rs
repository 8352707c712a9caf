//! The PROXY protocol: a trusted proxy says who its client is, and nobody else.

use seawall_testkit::{
    StartedApp, TestApp,
    client::RawClient,
    upstream::{Kind, Upstream},
};
use std::time::Duration;

use super::{Encrypted, get};

const ON: &str =
    "[server]\nproxy_protocol = true\nfirst_byte_timeout = \"500ms\"\n\n[client_address]\ntrusted = [\"127.0.0.1\"]\n";

const V1: &[u8] = b"PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\r\n";
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xcb\0\x71\x08\xc0\0\x02\x01\x12\x67\x01\xbb";
const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";
const REQUEST: &[u8] = b"GET /echo HTTP/1.1\r\nHost: example.com\r\n\r\n";

async fn start(more: &str) -> (Upstream, StartedApp) {
    let upstream = Upstream::start(Kind::ByPath).await;
    let app = TestApp::in_front_of(upstream.url()).with_config(&format!("{ON}{more}")).start().await;
    (upstream, app)
}

/// The client's address that the application is told.
fn told(upstream: &Upstream) -> String {
    upstream.requests().last().unwrap().header("x-forwarded-for").unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_announced_client_is_told_to_the_application() {
    let (upstream, app) = start("").await;
    for (header, client) in
        [(V1, "203.0.113.7"), (V2, "203.0.113.8"), (LOCAL, "127.0.0.1"), (b"PROXY UNKNOWN\r\n", "127.0.0.1")]
    {
        let mut connection = app.connect().await;
        connection.write([header, REQUEST].concat()).await;
        connection.read_response("GET").await.expect_status(200);
        assert_eq!(told(&upstream), client);
        // It holds for the whole connection.
        connection.write(REQUEST).await;
        connection.read_response("GET").await.expect_status(200);
        assert_eq!(told(&upstream), client);
    }
    app.until_metric("seawall_proxy_headers", &["client"], 2.0).await;
    app.until_metric("seawall_proxy_headers", &["local"], 2.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_may_come_in_pieces() {
    let (upstream, app) = start("").await;
    for (header, client) in [(V1, "203.0.113.7"), (V2, "203.0.113.8")] {
        let mut connection = app.connect().await;
        for piece in [header, REQUEST].concat().chunks(7) {
            connection.write(piece).await;
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        connection.read_response("GET").await.expect_status(200);
        assert_eq!(told(&upstream), client);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_behind_one_proxy_are_limited_each() {
    let (_upstream, app) = start("\n[rate_limit]\nlimits = [\"2/h per ip\"]\n").await;
    for client in ["203.0.113.1", "203.0.113.2"] {
        let mut connection = app.connect().await;
        connection.write(format!("PROXY TCP4 {client} 192.0.2.1 1 2\r\n")).await;
        for expected in [200, 200, 429] {
            connection.write(REQUEST).await;
            connection.read_response("GET").await.expect_status(expected);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_behind_one_proxy_have_so_many_connections_each() {
    let upstream = Upstream::start(Kind::ByPath).await;
    let config = ON.replacen("[server]\n", "[server]\nmax_connections_per_address = 2\n", 1);
    let app = TestApp::in_front_of(upstream.url()).with_config(&config).start().await;
    let open = async |client: &str| {
        let mut connection = app.connect().await;
        connection.write([format!("PROXY TCP4 {client} 192.0.2.1 1 2\r\n").as_bytes(), REQUEST].concat()).await;
        connection
    };
    let mut kept = Vec::new();
    for client in ["203.0.113.1", "203.0.113.1", "203.0.113.2"] {
        let mut connection = open(client).await;
        connection.read_response("GET").await.expect_status(200);
        kept.push(connection);
    }
    open("203.0.113.1").await.expect_reset_or_closed().await;
    app.until_metric("seawall_connections_refused", &["address"], 1.0).await;
    kept.remove(0);
    app.until_metric("seawall_connections", &[], 2.0).await;
    open("203.0.113.1").await.read_response("GET").await.expect_status(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_not_announced_are_refused() {
    let (upstream, app) = start("").await;
    for bytes in [REQUEST, b"PROXY TCP4 203.0.113.7\r\n", b"\r\n\r\n\0\r\nQUIT\n\x31", b"\x16\x03\x01\x00\x05"] {
        let mut connection = app.connect().await;
        connection.write(bytes).await;
        connection.expect_reset_or_closed().await;
    }
    app.until_metric("seawall_proxy_headers", &["refused"], 4.0).await;
    let mut connection = app.connect().await;
    connection.write(&V1[..10]).await;
    connection.expect_reset_or_closed().await;
    app.until_metric("seawall_proxy_headers", &["silent"], 1.0).await;
    assert!(upstream.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_announces_nothing() {
    let upstream = Upstream::start(Kind::ByPath).await;
    let config = ON.replace("127.0.0.1", "192.0.2.0/24");
    let app = TestApp::in_front_of(upstream.url()).with_config(&config).start().await;
    for header in [V1, V2] {
        let mut connection = app.connect().await;
        let _closed_already = connection.try_write([header, REQUEST].concat()).await;
        connection.expect_reset_or_closed().await;
    }
    app.until_metric("seawall_proxy_headers", &["untrusted"], 2.0).await;
    assert!(upstream.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_header_is_expected_it_is_no_request() {
    let (upstream, app) = seawall_testkit::in_front("").await;
    let mut connection = app.connect().await;
    connection.write([V1, REQUEST].concat()).await;
    connection.read_response("GET").await.expect_status(400);
    assert!(upstream.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn handshakes_follow_the_header() {
    let server = Encrypted::start(ON).await;
    for (header, client) in [(V1, "203.0.113.7"), (V2, "203.0.113.8")] {
        let tunnel = server.authority.clients().announced_tunnel(server.app.public(), "example.com", header).await;
        get(tunnel.address(), "/echo").await.expect_status(200);
        let request = server.upstream.requests().pop().unwrap();
        assert_eq!(request.header("x-forwarded-for"), Some(client));
        assert_eq!(request.header("x-forwarded-proto"), Some("https"));
    }
    let mut bare = RawClient::connect(server.app.public()).await;
    bare.write(b"\x16\x03\x01\x00\x05").await;
    bare.expect_reset_or_closed().await;
}
