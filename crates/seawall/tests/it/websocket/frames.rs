//! The frames of a WebSocket: rules, sizes, paces, pings and goodbyes, in both directions.

use std::time::Duration;

use seawall_testkit::{
    StartedApp,
    client::{Message, RawClient, websocket},
    in_front, in_front_with_clock,
    upstream::pattern,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpSocket,
    time::{sleep, timeout},
};

use super::{SOON, upgrade};

/// A frame of the client, masked with a key that changes nothing.
pub(super) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        length @ 0..126 => bytes.push(0x80 | u8::try_from(length).unwrap()),
        length => {
            bytes.push(0x80 | 126);
            bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
    }
    bytes.extend([0; 4]);
    bytes.extend(payload);
    bytes
}

/// An open socket, for frames as they are on the wire.
pub(super) async fn opened(app: &StartedApp) -> RawClient {
    let mut connection = app.connect().await;
    connection.request(&upgrade("/ws", "websocket")).await.expect_status(101);
    connection
}

/// Reads frames until a Close, and gives its code and what came before it.
pub(super) async fn until_close(connection: &mut RawClient) -> (u16, Vec<Vec<u8>>) {
    let mut before = Vec::new();
    loop {
        let head = connection.read_exactly(2).await;
        let length = match head[1] {
            126 => {
                let length = connection.read_exactly(2).await;
                u16::from_be_bytes([length[0], length[1]]).into()
            }
            short => usize::from(short),
        };
        assert_eq!(head[1] & 0x80, 0, "a server masks nothing");
        let payload = connection.read_exactly(length).await;
        if head[0] & 0x0f == 8 {
            return (u16::from_be_bytes([payload[0], payload[1]]), before);
        }
        before.push(payload);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_7_a_broken_rule_ends_the_socket_with_its_code_after_the_answers_due() {
    let (upstream, app) = in_front("").await;
    for (what, broken, code) in [
        ("not masked", b"\x81\x02hi".to_vec(), 1_002),
        ("a reserved bit", frame(0xc1, b"hi"), 1_002),
        ("a reserved opcode", frame(0x83, b"hi"), 1_002),
        ("a control frame in parts", frame(0x09, b"hi"), 1_002),
        ("a continuation of nothing", frame(0x80, b"hi"), 1_002),
        ("text that is no UTF-8", frame(0x81, b"\xc3\x28"), 1_007),
        ("a close with half a code", frame(0x88, b"\x03"), 1_002),
        ("a close code that never travels", frame(0x88, &1_006_u16.to_be_bytes()), 1_002),
    ] {
        let mut connection = opened(&app).await;
        let good = frame(0x81, b"good");
        connection.write([good, broken].concat()).await;
        let (told, before) = until_close(&mut connection).await;
        assert_eq!((told, before), (code, vec![b"good".to_vec()]), "{what}");
        connection.expect_closed().await;
    }
    assert_eq!(upstream.violations(), [""; 0], "nothing of it reached the application");
    app.until_metric("seawall_sockets_ended", &["client_protocol"], 8.0).await;
    app.until_metric("seawall_sockets", &[], 0.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_7_a_message_has_a_size_however_it_is_cut() {
    let (upstream, app) = in_front("[websocket]\nmax_message = \"1 KiB\"\nmax_answer = \"2 KiB\"\n").await;
    let mut socket = websocket(app.public(), "/ws", &[]).await;
    socket.send_binary(pattern(1_024)).await;
    assert_eq!(socket.receive().await.into_data(), pattern(1_024));
    socket.send_binary(pattern(1_025)).await;
    assert_eq!(socket.expect_close().await.map(|(code, _)| code), Some(1_009));

    let mut connection = opened(&app).await;
    connection.write([frame(0x02, &[1; 1_000]), frame(0x00, &[2; 24])].concat()).await;
    connection.write(frame(0x80, b"3")).await;
    assert_eq!(until_close(&mut connection).await.0, 1_009);
    connection.expect_closed().await;
    app.until_metric("seawall_sockets_ended", &["too_big"], 2.0).await;
    upstream.until("the application to be told", |upstream| upstream.open_connections() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_7_a_client_may_send_so_much_in_so_long_and_not_more() {
    let (_upstream, app, clock) =
        in_front_with_clock("[websocket]\nmessages = \"5/10s\"\nbytes = \"64 KiB/min\"\n").await;
    let mut socket = websocket(app.public(), "/ws", &[]).await;
    for round in 0..2 {
        for number in 0..5 {
            socket.send_text(format!("{round} {number}")).await;
            assert_eq!(socket.receive_text().await, format!("{round} {number}"));
        }
        clock.advance(Duration::from_secs(11));
    }
    for _ in 0..6 {
        socket.send_text("more").await;
    }
    assert_eq!(socket.expect_close().await.map(|(code, _)| code), Some(1_008));

    let mut socket = websocket(app.public(), "/ws", &[]).await;
    for _ in 0..2 {
        socket.send_binary(pattern(40_000)).await;
    }
    assert_eq!(socket.expect_close().await.map(|(code, _)| code), Some(1_008));
    app.until_metric("seawall_sockets_ended", &["too_fast"], 2.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_sockets_of_a_client_may_be_counted_together() {
    let (_upstream, app) = in_front("[websocket]\nclient_messages = \"6/min\"\nclient_bytes = \"1 MiB/min\"\n").await;
    let mut sockets = [websocket(app.public(), "/ws", &[]).await, websocket(app.public(), "/ws", &[]).await];
    for _ in 0..3 {
        for socket in &mut sockets {
            socket.send_text("one").await;
            assert_eq!(socket.receive_text().await, "one");
        }
    }
    sockets[0].send_text("one too many").await;
    assert_eq!(sockets[0].expect_close().await.map(|(code, _)| code), Some(1_008));
}

/// Our pings are answered to us; the application's and the client's own pass.
#[tokio::test(flavor = "multi_thread")]
async fn wk_7_the_client_is_pinged_and_closed_when_it_is_silent() {
    let (upstream, app) = in_front("[websocket]\nping = \"100ms\"\nsilence = \"1s\"\n").await;
    // The library answers pings while it is read.
    let mut answers = websocket(app.public(), "/ws", &[]).await;
    for _ in 0..15 {
        assert!(matches!(answers.receive().await, Message::Ping(_)));
    }
    answers.send(Message::Ping("mine".into())).await;
    loop {
        match answers.receive().await {
            Message::Pong(payload) => break assert_eq!(payload, "mine"),
            Message::Ping(_) => {}
            other => panic!("{other:?}"),
        }
    }
    drop(answers);
    let mut silent = opened(&app).await;
    let (code, pings) = until_close(&mut silent).await;
    assert_eq!(code, 1_001);
    assert!(pings.len() >= 5, "it was asked before: {}", pings.len());
    silent.expect_closed().await;
    app.until_metric("seawall_sockets_ended", &["silent"], 1.0).await;
    app.until_metric("seawall_sockets", &[], 0.0).await;
    upstream.until("both sockets to end", |upstream| upstream.open_connections() == 0).await;
}

/// In the midst of a frame nobody can be asked, and who takes it need not say anything.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_a_long_message_slowly_is_not_silent() {
    const LENGTH: usize = 12 << 20;
    let (_upstream, app) =
        in_front("[websocket]\nping = \"100ms\"\nsilence = \"1s\"\nmax_message = \"12 MiB\"\n").await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut client = socket.connect(app.public()).await.unwrap();
    client.write_all(&upgrade("/ws", "websocket").encode("a")).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.unwrap());
    }
    let frame = [&[0x82, 0xff][..], &(LENGTH as u64).to_be_bytes(), &[0; 4], &vec![0; LENGTH]].concat();
    client.write_all(&frame).await.unwrap();
    let (mut taken, mut part) = (0, vec![0; LENGTH / 40]);
    for _ in 0..30 {
        sleep(Duration::from_millis(100)).await;
        let until = taken + 64 * 1_024;
        while taken < until {
            taken += client.read(&mut part).await.unwrap();
        }
    }
    while taken < LENGTH {
        let read = timeout(SOON, client.read(&mut part)).await.expect("the rest comes").unwrap();
        assert!(read > 0, "closed after {taken} bytes");
        taken += read;
    }
}

/// Reads frames until a ping, and gives what it carries.
async fn until_ping(connection: &mut RawClient) -> Vec<u8> {
    let head = connection.read_exactly(2).await;
    assert_eq!(head, [0x89, 8], "nobody else says anything");
    connection.read_exactly(8).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_to_a_ping_counts_as_a_message_when_it_is_said_again() {
    let (_upstream, app) = in_front("[websocket]\nping = \"300ms\"\nmessages = \"5/min\"\n").await;
    let mut connection = opened(&app).await;
    let mut pong = Vec::new();
    // One answer to each is no message.
    for _ in 0..7 {
        pong = frame(0x8a, &until_ping(&mut connection).await);
        connection.write(&pong).await;
    }
    connection.write(pong.repeat(6)).await;
    assert_eq!(until_close(&mut connection).await.0, 1_008);
    app.until_metric("seawall_sockets_ended", &["too_fast"], 1.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn compression_is_not_offered_and_subprotocols_are() {
    let (upstream, app) = in_front("").await;
    let headers = [("Sec-WebSocket-Extensions", "permessage-deflate"), ("Sec-WebSocket-Protocol", "chat")];
    let socket = websocket(app.public(), "/ws", &headers).await;
    assert_eq!(socket.handshake().header("sec-websocket-extensions"), None);
    let [seen] = &upstream.requests()[..] else { panic!("one request") };
    assert_eq!((seen.header("sec-websocket-extensions"), seen.header("sec-websocket-protocol")), (None, Some("chat")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_breaks_the_rules_is_refused_and_told_the_version() {
    let (upstream, app) = in_front("").await;
    let mut connection = app.connect().await;
    let old = upgrade("/ws", "websocket");
    let answer = connection.request(&old.clone().header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")).await;
    answer.expect_problem(400, "invalid-handshake");
    let version = seawall_testkit::client::Request::get("/ws")
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "8")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
    let answer = connection.request(&version).await;
    answer.expect_problem(426, "invalid-handshake");
    assert_eq!(answer.header("sec-websocket-version"), Some("13"));
    assert_eq!(upstream.requests().len(), 0);
}

/// A hundred at once are told to go within their time, each with 1001.
#[tokio::test(flavor = "multi_thread")]
async fn rg_6_many_sockets_are_told_to_go_when_the_server_drains() {
    let (upstream, mut app) = in_front("[rate_limit]\nmode = \"off\"\n").await;
    let mut sockets = Vec::new();
    for _ in 0..100 {
        sockets.push(websocket(app.public(), "/ws", &[]).await);
    }
    app.drain().await;
    for socket in &mut sockets {
        assert_eq!(socket.expect_close().await.map(|(code, _)| code), Some(1_001));
    }
    app.ended_within(Duration::from_secs(10)).await;
    upstream.until("the application to be told", |upstream| upstream.open_connections() == 0).await;
}
