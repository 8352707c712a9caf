//! Servers at sockets in the file system, and behind names.

use std::time::Duration;

use seawall_testkit::{
    Bridge, TemporaryDirectory, TestApp,
    client::{Request, websocket},
    upstream::{Kind, Upstream},
};
use tokio::net::{UnixSocket, UnixStream};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_at_a_unix_socket_is_used_like_any_other() {
    let (upstream, directory) = (Upstream::start(Kind::ByPath).await, TemporaryDirectory::new());
    let bridge = Bridge::unix(&directory.path().join("app.sock"), upstream.address);
    let app = TestApp::in_front_of(bridge.url()).start().await;
    let mut connection = app.connect().await;
    for _ in 0..10 {
        connection.send("GET", "/echo", &[], b"").await.expect_status(200);
        connection.request(&Request::post("/echo").body("x")).await.expect_status(200);
    }
    assert_eq!(bridge.connections_opened(), 1, "one connection carries all of them");
    connection.write("GET /echo HTTP/1.0\r\n\r\n").await;
    connection.read_response("GET").await.expect_status(200);
    assert_eq!(upstream.requests().last().unwrap().header("host"), Some("localhost"));
    let mut socket = websocket(app.public(), "/ws", &[]).await;
    socket.send_text("hello").await;
    assert_eq!(socket.receive_text().await, "hello");
    assert_eq!(upstream.violations(), [""; 0]);
}

/// Whenever the application starts, and however often it makes its socket anew.
#[tokio::test(flavor = "multi_thread")]
async fn a_unix_socket_may_come_and_be_replaced() {
    let (upstream, directory) = (Upstream::start(Kind::ByPath).await, TemporaryDirectory::new());
    let path = directory.path().join("app.sock");
    let app = TestApp::in_front_of(format!("unix:{}", path.display())).start().await;
    app.client().get("/early").await.expect_problem(503, "upstream-unreachable");
    let error = app.request_line("/early").await["error"].to_string();
    assert!(error.contains("app.sock") && error.contains("No such file"), "{error}");
    for _ in 0..3 {
        let bridge = Bridge::unix(&path, upstream.address);
        let before = upstream.requests().len();
        app.client().get("/echo").await.expect_status(200);
        assert_eq!(upstream.requests().len(), before + 1);
        bridge.remove().await;
    }
}

/// The system refuses at once what a full queue of a Unix socket cannot take, where TCP would let it wait.
#[tokio::test(flavor = "multi_thread")]
async fn a_unix_socket_whose_queue_is_full_is_waited_for() {
    let (upstream, directory) = (Upstream::start(Kind::ByPath).await, TemporaryDirectory::new());
    let path = directory.path().join("app.sock");
    let socket = UnixSocket::new_stream().unwrap();
    socket.bind(&path).unwrap();
    let listener = socket.listen(1).unwrap();
    let mut queued = Vec::new();
    while let Ok(stream) = UnixStream::connect(&path).await {
        queued.push(stream);
    }
    let app = TestApp::in_front_of(format!("unix:{}", path.display()));
    let app = app.with_config("[retry]\nattempts = 1\n").start().await;
    let client = app.client();
    let asked = tokio::spawn(async move { client.get("/echo").await });
    // Time for the attempt to meet the full queue.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let served = tokio::spawn(async move {
        for _ in 0..queued.len() {
            listener.accept().await.unwrap();
        }
        let (mut from, _) = listener.accept().await.unwrap();
        let mut to = tokio::net::TcpStream::connect(upstream.address).await.unwrap();
        let _ended = tokio::io::copy_bidirectional(&mut from, &mut to).await;
        drop((queued, upstream));
    });
    asked.await.unwrap().expect_status(200);
    served.abort();
}

/// `localhost` is often two addresses, of which an application listens at one.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_may_be_named() {
    let upstream = Upstream::start(Kind::ByPath).await;
    let app = TestApp::in_front_of(format!("http://localhost:{}", upstream.address.port())).start().await;
    for _ in 0..4 {
        app.client().request(Request::post("/echo").body("x")).await.expect_status(200);
    }
    let nowhere = TestApp::in_front_of("http://no-such-name.invalid:80").start().await;
    nowhere.client().get("/echo").await.expect_problem(503, "upstream-unreachable");
    let error = nowhere.request_line("/echo").await["error"].to_string();
    assert!(error.contains("no-such-name.invalid"), "{error}");
}
