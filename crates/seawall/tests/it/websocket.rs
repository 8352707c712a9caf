//! WebSockets and other changes of protocol: opened after the application's 101 only, then bytes both ways until one side
//! ends, both are silent, or the server drains. What holds for the frames of a WebSocket is in `frames`.

mod conformance;
mod frames;
mod reported;

use std::time::Duration;

use seawall_testkit::{
    StartedApp,
    client::{Message, Request, try_websocket, websocket},
    in_front,
    upstream::pattern,
};
use tokio::time::Instant;

const SOON: Duration = Duration::from_secs(5);

fn upgrade(path: &str, protocol: &str) -> Request {
    Request::get(path)
        .header("Connection", "Upgrade")
        .header("Upgrade", protocol)
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_every_kind_and_size_pass_both_ways() {
    let (upstream, app) = in_front("[websocket]\nmax_message = \"8 MiB\"\n").await;
    let mut socket = websocket(app.public(), "/ws", &[]).await;
    for message in [
        Message::text("hello"),
        Message::text("é 🌊"),
        Message::text(""),
        Message::binary(vec![0, 255, 13, 10]),
        Message::binary(pattern(125)),
        Message::binary(pattern(70_000)),
        Message::binary(pattern(5_000_001)),
        Message::text("x".repeat(1_500_000)),
    ] {
        socket.send(message.clone()).await;
        assert!(socket.receive().await == message, "a message of {} bytes came back changed", message.len());
    }
    socket.send(Message::Ping("still there".into())).await;
    assert_eq!(socket.receive().await, Message::Pong("still there".into()), "control frames pass too");
    socket.close(4_001, "done").await;
    assert_eq!(socket.expect_close().await, Some((4_001, "done".to_owned())));
    socket.expect_ended().await;
    drop(socket);
    app.until_metric("seawall_sockets", &[], 0.0).await;
    upstream.until("the application's side to end", |upstream| upstream.open_connections() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_handshake_keeps_what_both_sides_say_of_the_protocol() {
    let (upstream, app) = in_front("").await;
    let headers =
        [("Sec-WebSocket-Protocol", "chat.v2, chat.v1"), ("Cookie", "session=1"), ("Origin", "http://localhost:5173")];
    let socket = websocket(app.public(), "/ws?room=7", &headers).await;
    let answer = socket.handshake();
    assert_eq!(answer.header("sec-websocket-protocol"), Some("chat.v2"));
    assert!(answer.header("upgrade").is_some_and(|value| value.eq_ignore_ascii_case("websocket")), "{answer:?}");
    assert!(answer.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("upgrade")), "{answer:?}");
    assert!(answer.header("x-request-id").is_some(), "{answer:?}");
    let [seen] = &upstream.requests()[..] else { panic!("one request") };
    assert_eq!(seen.target, "/ws?room=7");
    for (name, value) in headers {
        assert_eq!(seen.header(name), Some(value), "{name}");
    }
    assert_eq!(seen.header("sec-websocket-version"), Some("13"));
    assert_eq!(upstream.violations(), [""; 0]);
    let line = app.request_line("/ws").await;
    assert_eq!((&line["http.status"], line["request.id"].as_str()), (&101.into(), answer.header("x-request-id")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_does_not_change_the_protocol_is_answered_for_as_always() {
    let (_upstream, app) = in_front("").await;
    let mut connection = app.connect().await;
    for (path, status) in [("/ws-refused", 200), ("/status/403", 403), ("/status/426?Upgrade=websocket", 426)] {
        let answer = connection.request(&upgrade(path, "websocket")).await;
        assert_eq!(answer.status, status, "{path}");
        let next = connection.send("GET", "/echo", &[], b"").await.expect_status(200);
        assert!(next.json()["headers"].to_string().to_lowercase().find("upgrade").is_none(), "{path}");
    }
    assert_eq!(app.metric("seawall_sockets", &[]), 0.0);
    let late = connection.request(&upgrade("/ws", "websocket")).await;
    assert_eq!(late.status, 101, "the same connection may still change");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_is_down_refuses_with_a_problem() {
    let (mut upstream, app) = in_front("").await;
    upstream.stop().await;
    let refusal = try_websocket(app.public(), "/ws", &[]).await.unwrap_err();
    refusal.expect_problem(503, "upstream-unreachable");
    upstream.restart_on_same_port().await;
    websocket(app.public(), "/ws", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_other_protocol_passes_as_bytes() {
    let (upstream, app) = in_front("").await;
    let mut connection = app.connect().await;
    // What a client sends before it read the 101 belongs to the other protocol already.
    let mut early = upgrade("/upgrade-other", "chat").encode("a");
    early.extend_from_slice(b"early ");
    connection.write(early).await;
    let answer = connection.read_response("GET").await.expect_status(101);
    assert_eq!(answer.header("upgrade"), Some("chat"));
    connection.write(b"GET / HTTP/1.1\r\n\r\n\0\xff").await;
    assert_eq!(connection.read_exactly(26).await, b"early GET / HTTP/1.1\r\n\r\n\0\xff");
    connection.finish_writing().await;
    connection.expect_closed().await;
    assert_eq!(upstream.requests().len(), 1, "nothing in it is a request");
    app.until_metric("seawall_sockets", &[], 0.0).await;
}

/// What guards look at is what was asked for: a WebSocket that was not would run past those that look at its frames.
#[tokio::test(flavor = "multi_thread")]
async fn an_application_changes_to_nothing_but_what_was_asked_for() {
    let (_upstream, app) = in_front("").await;
    for asked in ["x", "chatter", "x, y"] {
        let answer = app.connect().await.request(&upgrade("/upgrade-other", asked)).await;
        answer.expect_problem(502, "bad-gateway");
    }
    assert_eq!(app.metric("seawall_upstream_failures", &["bad-gateway"]), 3.0);
    for asked in ["Chat", "x, chat"] {
        app.connect().await.request(&upgrade("/upgrade-other", asked)).await.expect_status(101);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_3_sockets_open_for_listed_origins_and_for_callers_that_are_no_page() {
    let (upstream, app) =
        in_front("environment = \"production\"\n[cors]\norigins = [\"https://app.example.com\"]\n").await;
    for (origin, opens) in [
        (None, true),
        (Some("https://app.example.com"), true),
        (Some("https://app.example.com:8443"), false),
        (Some("http://app.example.com"), false),
        (Some("https://app.example.com.evil.example"), false),
        (Some("https://evil.example"), false),
        (Some("http://localhost:5173"), false),
        (Some("null"), false),
    ] {
        let before = upstream.requests().len();
        let headers: Vec<_> = origin.map(|origin| ("Origin", origin)).into_iter().collect();
        let opened = try_websocket(app.public(), "/ws", &headers).await;
        assert_eq!(opened.is_ok(), opens, "{origin:?}: {opened:?}");
        if let Err(refusal) = opened {
            refusal.expect_problem(403, "origin-refused");
            assert_eq!(upstream.requests().len(), before, "{origin:?}: the application is not asked");
        }
    }
    assert_eq!(app.metric("seawall_guard_decisions", &["cors", "*", "refused"]), 6.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_guards_hold_for_the_handshake_too() {
    let (_upstream, app) = in_front("[route.\"/ws\"]\nrate_limit.limits = [\"2/min per ip\"]\n").await;
    for _ in 0..2 {
        websocket(app.public(), "/ws", &[]).await;
    }
    try_websocket(app.public(), "/ws", &[]).await.unwrap_err().expect_problem(429, "quota-exceeded");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_socket_takes_no_place_of_a_request() {
    let (_upstream, app) = in_front("[load_shed]\nmax_in_flight = 1\n").await;
    let mut socket = websocket(app.public(), "/ws", &[]).await;
    app.until_metric("http_server_active_requests", &[], 0.0).await;
    app.client().get("/echo").await.expect_status(200);
    socket.send_text("still open").await;
    assert_eq!(socket.receive_text().await, "still open");
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_11_open_sockets_are_counted_until_they_end_however_they_end() {
    let (mut upstream, app) = in_front("").await;
    let mut sockets = Vec::new();
    for open in 1..=4 {
        sockets.push(websocket(app.public(), "/ws", &[]).await);
        app.until_metric("seawall_sockets", &[], f64::from(open)).await;
    }
    let mut polite = sockets.remove(0);
    polite.close(1_000, "").await;
    polite.expect_close().await;
    polite.expect_ended().await;
    drop(polite);
    app.until_metric("seawall_sockets", &[], 3.0).await;
    drop(sockets.remove(0));
    app.until_metric("seawall_sockets", &[], 2.0).await;
    upstream.until("the application to be told", |upstream| upstream.open_connections() == 2).await;
    upstream.stop().await;
    for mut socket in sockets {
        socket.expect_ended().await;
    }
    app.until_metric("seawall_sockets", &[], 0.0).await;
}

/// Otherwise it would hold its place until the tunnel's idle limit, an hour by default, with nobody at the other end.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_stays_when_the_application_has_ended_the_socket_is_closed_soon() {
    let (mut upstream, app) = in_front("").await;
    let mut socket = websocket(app.public(), "/ws", &[]).await;
    socket.send_text("open").await;
    assert_eq!(socket.receive_text().await, "open");
    upstream.stop().await;
    socket.expect_ended().await;
    app.until_metric("seawall_sockets", &[], 0.0).await;
    drop(socket);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_is_silent_both_ways_is_closed_and_one_that_speaks_is_not() {
    let (upstream, app) = in_front("[deadline]\ntunnel_idle = \"1s\"\n").await;
    let mut silent = websocket(app.public(), "/ws", &[]).await;
    let mut speaking = websocket(app.public(), "/ws", &[]).await;
    let started = Instant::now();
    let speaks = async {
        while started.elapsed() < Duration::from_millis(2_500) {
            // The pause is what is tested: shorter than the limit.
            tokio::time::sleep(Duration::from_millis(400)).await;
            speaking.send_text("here").await;
            assert_eq!(speaking.receive_text().await, "here");
        }
    };
    let falls_silent = async {
        assert_eq!(silent.expect_close().await, Some((1_001, String::new())));
        silent.expect_ended().await;
        let took = started.elapsed();
        assert!(took > Duration::from_millis(900) && took < SOON, "{took:?}");
    };
    tokio::join!(speaks, falls_silent);
    app.until_metric("seawall_sockets", &[], 1.0).await;
    upstream.until("the application to be told", |upstream| upstream.open_connections() == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rg_6_sockets_are_closed_when_the_server_drains() {
    let (upstream, mut app) = in_front("[server]\ndrain_timeout = \"1h\"\n").await;
    let mut sockets = [websocket(app.public(), "/ws", &[]).await, websocket(app.public(), "/ws", &[]).await];
    for socket in &mut sockets {
        socket.send_text("open").await;
        assert_eq!(socket.receive_text().await, "open");
    }
    app.drain().await;
    for socket in &mut sockets {
        assert_eq!(socket.expect_close().await, Some((1_001, String::new())));
        socket.expect_ended().await;
    }
    app.ended_within(SOON).await;
    upstream.until("the application to be told", |upstream| upstream.open_connections() == 0).await;
}

/// Talks over a socket while another one does whatever it likes.
async fn talks(app: &StartedApp) {
    let mut socket = websocket(app.public(), "/ws", &[]).await;
    for number in 0..50 {
        socket.send_text(number.to_string()).await;
        assert_eq!(socket.receive_text().await, number.to_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_7_a_client_that_does_not_read_or_breaks_off_harms_no_other() {
    let (_upstream, app) = in_front("[websocket]\nmax_message = \"64 MiB\"\n").await;
    let mut stuck = websocket(app.public(), "/ws", &[]).await;
    stuck.send_binary(pattern(30_000_000)).await;
    let mut broken = app.connect().await;
    broken.request(&upgrade("/ws", "websocket")).await.expect_status(101);
    broken.write(b"\xff\xff no frame at all").await;
    broken.reset();
    talks(&app).await;
    app.until_metric("seawall_sockets", &[], 1.0).await;
    drop(stuck);
    app.until_metric("seawall_sockets", &[], 0.0).await;
}
