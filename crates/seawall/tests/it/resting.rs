//! Connections that rest: between requests a kept connection gives back nearly all its memory, and nobody can tell.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use seawall_testkit::{
    client::{RawClient, Request},
    in_front,
};
use tokio::time::{Instant, sleep};

use super::memory::resident;

/// Longer than a client must be quiet for its connection to rest.
const REST: Duration = Duration::from_millis(400);

/// Longer than any limit of these tests, shorter than the defaults.
const LONG: Duration = Duration::from_secs(4);

/// Opens a connection, has one answer on it, and lets it rest.
async fn rested(address: SocketAddr) -> RawClient {
    let mut connection = RawClient::connect(address).await;
    connection.send("GET", "/echo", &[], b"").await.expect_status(200);
    sleep(REST).await;
    connection
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_comes_after_a_rest_is_served() {
    let (upstream, app) = in_front("").await;
    let mut connection = rested(app.public()).await;

    let pipelined = [Request::get("/echo?1").encode("a"), Request::get("/echo?2").encode("a")].concat();
    connection.write(pipelined).await;
    for target in ["/echo?1", "/echo?2"] {
        assert_eq!(connection.read_response("GET").await.expect_status(200).json()["target"], target);
    }
    sleep(REST).await;

    // A request in two parts: nothing rests between them.
    connection.write("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234").await;
    sleep(REST).await;
    connection.write("56789").await;
    assert_eq!(connection.read_response("POST").await.expect_status(200).json()["body"], "0123456789");
    sleep(REST).await;

    let answer = connection.request(&Request::post("/echo").chunked(["in ", "chunks"])).await;
    assert_eq!(answer.expect_status(200).json()["body"], "in chunks");
    sleep(REST).await;

    connection.send("HEAD", "/echo", &[], b"").await.expect_status(200);
    sleep(REST).await;

    connection.write("GET / HTTP/1.1\r\nHost : a\r\n\r\n").await;
    connection.read_response("GET").await.expect_problem(400, "invalid-request");
    connection.expect_closed().await;
    assert_eq!((upstream.requests().len(), upstream.violations()), (6, vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_outlives_its_answer_is_never_taken_for_a_request() {
    let (upstream, app) = in_front("").await;
    let mut connection = RawClient::connect(app.public()).await;
    let inner = b"GET /inside HTTP/1.1\r\nHost: a\r\n\r\n";
    connection
        .write(format!("POST /early-answer HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", inner.len()))
        .await;
    connection.read_response("POST").await.expect_status(200);
    sleep(REST).await;
    // Whether the connection is kept is the watchdog's affair; what comes on it is a body.
    if connection.try_write(inner).await.is_ok() {
        sleep(REST).await;
        let _closed = connection.try_request(&Request::get("/after")).await;
    }
    let targets: Vec<String> = upstream.requests().iter().map(|request| request.target.clone()).collect();
    assert!(!targets.iter().any(|target| target == "/inside"), "{targets:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_protocol_can_begin_after_a_rest() {
    let (_upstream, app) = in_front("").await;
    let mut connection = rested(app.public()).await;
    let key = "dGhlIHNhbXBsZSBub25jZQ==";
    let fields =
        format!("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}");
    connection.write(format!("GET /ws HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n")).await;
    connection.read_head("GET").await.expect_status(101);
    sleep(REST).await;
    // A masked text frame "hi", with a mask of zeros, and its echo.
    connection.write(b"\x81\x82\0\0\0\0hi").await;
    assert_eq!(connection.read_exactly(4).await, b"\x81\x02hi");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_begins_after_a_rest_has_its_own_time() {
    let (_upstream, app) = in_front("[server]\nheader_timeout = \"300ms\"\nidle_timeout = \"5min\"\n").await;
    let mut connection = rested(app.public()).await;
    let started = Instant::now();
    connection.write("GET /ec").await;
    connection.expect_reset_or_closed().await;
    assert!((Duration::from_millis(270)..LONG).contains(&started.elapsed()), "{:?}", started.elapsed());
    app.until_metric("seawall_connections_expired", &["slow_head"], 1.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rest_is_no_longer_than_the_idle_time() {
    let (_upstream, app) = in_front("[server]\nidle_timeout = \"1s\"\n").await;
    let started = Instant::now();
    let mut connection = rested(app.public()).await;
    connection.expect_closed().await;
    assert!((Duration::from_millis(950)..LONG).contains(&started.elapsed()), "{:?}", started.elapsed());
    app.until_metric("seawall_connections_expired", &["idle"], 1.0).await;
    app.until_metric("seawall_connections", &[], 0.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rest_ends_when_the_client_leaves_or_the_server_drains() {
    let (_upstream, mut app) = in_front("[server]\ndrain_timeout = \"1h\"\n").await;
    let leaves = rested(app.public()).await;
    drop(leaves);
    app.until_metric("seawall_connections", &[], 0.0).await;
    let mut stays = rested(app.public()).await;
    let mut asks = rested(app.public()).await;
    asks.write("GET /echo HTTP/1.1\r\n").await;
    sleep(REST).await;
    app.drain().await;
    stays.expect_closed().await;
    asks.write("Host: a\r\n\r\n").await;
    asks.read_response("GET").await.expect_status(200);
    asks.expect_closed().await;
    app.ended_within(LONG).await;
}

/// An answer over a connection without buffers of its own.
fn ask(connection: &mut TcpStream) {
    connection.write_all(b"GET /status/204 HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let mut bytes = [0; 4096];
    let mut length = 0;
    while !bytes[..length].ends_with(b"\r\n\r\n") {
        let read = connection.read(&mut bytes[length..]).unwrap();
        assert!(read > 0, "{}", String::from_utf8_lossy(&bytes[..length]));
        length += read;
    }
    assert!(bytes.starts_with(b"HTTP/1.1 204"), "{}", String::from_utf8_lossy(&bytes[..length]));
}

/// A connection that does not rest takes 23 KiB as released, and more in a test. `cargo xtask bench connections` measures it.
#[tokio::test(flavor = "multi_thread")]
async fn connections_that_rest_take_little_memory() {
    const CONNECTIONS: u64 = 2_000;
    const MOST_BYTES_EACH: u64 = 14 * 1024;
    let (_upstream, app) = in_front("[rate_limit]\nlimits = [\"1000000/min per ip\"]\n").await;
    let address = app.public();
    let grown = tokio::task::spawn_blocking(move || {
        let open = || {
            let mut connection = TcpStream::connect(address).unwrap();
            ask(&mut connection);
            connection
        };
        let first = open();
        let before = resident();
        let mut connections: Vec<TcpStream> = (0..CONNECTIONS).map(|_| open()).collect();
        let grown = resident().saturating_sub(before);
        connections.iter_mut().for_each(ask);
        drop(first);
        grown
    });
    let each = grown.await.unwrap() / CONNECTIONS;
    assert!(each < MOST_BYTES_EACH, "{each} bytes each");
}
