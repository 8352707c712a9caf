//! Connections to a server are few: who gets one, who waits, and that nobody who leaves takes one along.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use seawall_testkit::{
    StartedApp, TestApp,
    client::{H2Client, RawClient, Request, websocket},
    in_front,
    upstream::{Kind, Upstream},
};
use serde_json::Value;
use tokio::time::Instant;

/// How long clients come and leave.
const LEAVING: Duration = Duration::from_millis(1_500);

const ACTIVE: &str = "http_server_active_requests";

/// Sends the head of a GET and leaves the answer unread.
async fn ask(app: &StartedApp, path: &str) -> RawClient {
    let mut client = app.connect().await;
    client.write(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")).await;
    client
}

async fn server(app: &StartedApp) -> Value {
    app.admin_client().get("/health").await.json()["checks"]["upstream"]["servers"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_leave_while_they_wait_leave_room_for_others() {
    let (upstream, app) = in_front("[upstream]\nmax_connections = 1\nmax_waiting = 4\n").await;
    let first = ask(&app, "/never").await;
    upstream.until("the first request", |upstream| upstream.requests().len() == 1).await;
    for _ in 0..5 {
        let waiting =
            [ask(&app, "/echo").await, ask(&app, "/echo").await, ask(&app, "/echo").await, ask(&app, "/echo").await];
        app.until_metric(ACTIVE, &[], 5.0).await;
        app.client().get("/one-too-many").await.expect_problem(503, "upstream-busy");
        drop(waiting);
        app.until_metric(ACTIVE, &[], 1.0).await;
    }
    let mut last = ask(&app, "/echo").await;
    app.until_metric(ACTIVE, &[], 2.0).await;
    drop(first);
    last.read_response("GET").await.expect_status(200);
    assert_eq!(upstream.requests().len(), 2, "nothing of those who left was sent");
}

/// Whatever moment a client leaves at, all places can be used afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn places_come_back_from_clients_that_leave_at_any_moment() {
    let config = "[upstream]\nmax_connections = 4\nkeep = \"200ms\"\n[rate_limit]\nmode = \"off\"\n";
    let (upstream, app) = in_front(config).await;
    let until = Instant::now() + LEAVING;
    let clients: Vec<_> =
        (0..16).map(|number| tokio::spawn(leave_again_and_again(app.public(), number, until))).collect();
    let streams: Vec<_> = (0..4).map(|number| tokio::spawn(reset_streams(app.public(), number, until))).collect();
    for client in clients.into_iter().chain(streams) {
        client.await.unwrap();
    }
    app.until_metric(ACTIVE, &[], 0.0).await;
    app.until_metric("seawall_sockets", &[], 0.0).await;
    upstream.until("all to be closed", |upstream| upstream.open_connections() == 0).await;
    let mut all = Vec::new();
    for _ in 0..4 {
        all.push(ask(&app, "/never?last").await);
    }
    let last = |upstream: &Upstream| upstream.requests().iter().filter(|seen| seen.target == "/never?last").count();
    upstream.until("a request on each of the four", |upstream| last(upstream) == 4).await;
    let report = server(&app).await;
    let counted = (&report["requests"], &report["connections"], &report["breaker"]);
    assert_eq!(counted, (&4.into(), &4.into(), &"closed".into()));
    drop(all);
    app.until_metric(ACTIVE, &[], 0.0).await;
}

/// Asks for something, now and then with half a body only, and leaves after some milliseconds, politely or not.
async fn leave_again_and_again(public: SocketAddr, number: u64, until: Instant) {
    let paths = ["/slow/5", "/bytes/100000", "/slow-body/5", "/trickle/5/2", "/echo", "/never", "/ws"];
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let mut step = number;
    while Instant::now() < until {
        // Any sequence without a pattern, the same in each run.
        step = step.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let pick = usize::try_from(step >> 33).unwrap();
        let path = paths[pick % paths.len()];
        let request = match (path, pick % 3) {
            ("/ws", _) => format!("GET {path} HTTP/1.1\r\nHost: a\r\n{upgrade}\r\n"),
            (_, 0) => format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf"),
            _ => format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"),
        };
        let mut client = RawClient::connect(public).await;
        let _cut = client.try_write(request).await;
        let _ends = client.ends_within(Duration::from_millis((step >> 40) % 12)).await;
        if pick.is_multiple_of(2) { client.reset() } else { drop(client) }
    }
}

/// A stream that is reset is a client that leaves.
async fn reset_streams(public: SocketAddr, number: u64, until: Instant) {
    let mut client = H2Client::connect(public).await;
    let paths = ["/slow/5", "/bytes/100000", "/slow-body/5", "/never"];
    for (step, path) in (number..).zip(paths.iter().cycle()) {
        if Instant::now() >= until {
            return;
        }
        // Fewer on each connection than what a connection may give up (`max_streams`).
        if step % 50 == 0 {
            client = H2Client::connect(public).await;
        }
        let _left = tokio::time::timeout(Duration::from_millis(step * 7 % 11), client.get(path)).await;
    }
}

/// Each core keeps connections of its own, so all places can be idle where nobody needs them. The streams of one HTTP/2
/// connection are all on one core.
#[tokio::test(flavor = "multi_thread")]
async fn many_who_wait_at_once_get_the_idle_places_of_other_cores() {
    let config = "[upstream]\nmax_connections = 8\nkeep = \"1min\"\n[rate_limit]\nmode = \"off\"\n";
    let (upstream, app) = in_front(config).await;
    let mut clients = Vec::new();
    for _ in 0..5 {
        clients.push(Arc::new(H2Client::connect(app.public()).await));
    }
    for client in clients.iter().cycle().take(12) {
        let began = Instant::now();
        let ask = |client: Arc<H2Client>| tokio::spawn(async move { client.get("/slow/200").await.status() });
        let asked: Vec<_> = (0..8).map(|_| ask(Arc::clone(client))).collect();
        for answer in asked {
            assert_eq!(answer.await.unwrap(), 200);
        }
        assert!(began.elapsed() < Duration::from_millis(390), "some waited for a second turn: {:?}", began.elapsed());
    }
    assert!(upstream.open_connections() <= 8);
}

/// A core whose requests always find a connection of their own must not keep those of another core waiting for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_busy_core_does_not_starve_the_other() {
    let config = "[upstream]\nmax_connections = 1\n[deadline]\nconnect = \"1s\"\n[rate_limit]\nmode = \"off\"\n";
    let (upstream, app) = in_front(config).await;
    let until = Instant::now() + Duration::from_millis(2_500);
    let mut asking = Vec::new();
    for _ in 0..6 {
        let client = Arc::new(H2Client::connect(app.public()).await);
        for _ in 0..4 {
            let client = Arc::clone(&client);
            asking.push(tokio::spawn(async move {
                let mut answers = Vec::new();
                while Instant::now() < until {
                    answers.push(client.get("/slow/2").await.status().as_u16());
                }
                answers
            }));
        }
    }
    let mut counts = Vec::new();
    for answers in asking {
        let answers = answers.await.unwrap();
        assert!(answers.iter().all(|status| *status == 200), "{answers:?}");
        counts.push(answers.len());
    }
    assert!(*counts.iter().min().unwrap() * 4 >= *counts.iter().max().unwrap(), "{counts:?}");
    let opened = u32::try_from(upstream.connections_opened()).unwrap();
    app.until_metric("seawall_upstream_connections_opened", &[], opened.into()).await;
    assert!(opened as usize * 2 < counts.iter().sum(), "most requests are sent over a connection that is handed on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_is_one_of_its_servers_connections() {
    let (_upstream, app) = in_front("[upstream]\nmax_connections = 1\n[deadline]\nconnect = \"200ms\"\n").await;
    let mut socket = websocket(app.public(), "/ws", &[]).await;
    socket.send_text("open").await;
    assert_eq!(socket.receive_text().await, "open");
    let busy = app.client().get("/echo").await;
    busy.expect_problem(503, "upstream-busy");
    assert_eq!(busy.header("retry-after"), Some("1"));
    let report = server(&app).await;
    assert_eq!((&report["requests"], &report["connections"]), (&0.into(), &1.into()), "{report}");
    socket.close(1000, "").await;
    drop(socket);
    app.until_metric("seawall_sockets", &[], 0.0).await;
    app.client().get("/echo").await.expect_status(200);
    assert_eq!(app.metric("seawall_upstream_breaker_opened", &[]), 0.0);
}

/// Sockets are no requests in flight, so a server that is full of them looks idle.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_full_costs_no_request_while_another_has_room() {
    let (full, free) = (Upstream::start(Kind::ByPath).await, Upstream::start(Kind::ByPath).await);
    let config = "[upstream]\nmax_connections = 1\n[deadline]\nconnect = \"200ms\"\n";
    let app = TestApp::in_front_of_servers([full.url(), free.url()]).with_config(config).start().await;
    let mut socket = websocket(app.public(), "/ws", &[]).await;
    socket.send_text("open").await;
    assert_eq!(socket.receive_text().await, "open");
    for number in 0..20 {
        let request = if number % 2 == 0 { Request::get("/echo") } else { Request::post("/echo").body("x") };
        app.client().request(request).await.expect_status(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn health_counts_requests_and_connections() {
    let (upstream, app) = in_front("").await;
    let mut clients = Vec::new();
    for _ in 0..20 {
        clients.push(ask(&app, "/never").await);
    }
    upstream.until("all requests", |upstream| upstream.requests().len() == 20).await;
    let report = server(&app).await;
    let expected = serde_json::json!({
        "address": upstream.url(), "breaker": "closed", "up": true, "requests": 20, "connections": 20,
    });
    assert_eq!(report, expected);
}
