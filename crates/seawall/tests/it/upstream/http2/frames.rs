//! What a server can do to a connection, frame by frame.

use std::time::Duration;

use seawall_testkit::{
    StartedApp, TestApp,
    client::{H2Frame, H2RawClient, RawResponse, Request, hpack},
    upstream::H2RawServer,
};
use tokio::task::JoinHandle;

use super::HTTP2;

const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
const PING: u8 = 6;
const REFUSED_STREAM: u32 = 7;
pub(super) const CANCEL: u32 = 8;

/// `:status: 200`.
pub(super) const OK: u8 = 0x88;

pub(super) fn send(app: &StartedApp, request: Request) -> JoinHandle<RawResponse> {
    let client = app.client();
    tokio::spawn(async move { client.request(request).await })
}

/// The stream of the next request.
pub(super) async fn request(connection: &mut H2RawClient) -> u32 {
    connection.until("a request", |frame| frame.kind == HEADERS).await.stream
}

pub(super) async fn answer(connection: &mut H2RawClient, stream: u32, body: &str) {
    connection.send(&[H2Frame::headers(stream, [OK], false), H2Frame::data(stream, body, true)]).await;
}

pub(super) async fn started() -> (H2RawServer, StartedApp) {
    started_with("").await
}

pub(super) async fn started_with(toml: &str) -> (H2RawServer, StartedApp) {
    let server = H2RawServer::start().await;
    // On one core the connections come in a known order.
    let app = TestApp::in_front_of(server.url()).with_config(&format!("{HTTP2}{toml}")).on_one_core().start().await;
    (server, app)
}

/// Nothing was done for a request above the last stream of GOAWAY, so even a POST is sent again; what is below is not.
#[tokio::test(flavor = "multi_thread")]
async fn requests_that_goaway_leaves_out_are_sent_again() {
    for closes in [false, true] {
        let (server, app) = started().await;
        let first = send(&app, Request::post("/first").body("1"));
        let mut connection = server.accept(&[]).await;
        let first_stream = request(&mut connection).await;
        let second = send(&app, Request::post("/second").body("2"));
        let third = send(&app, Request::get("/third"));
        request(&mut connection).await;
        request(&mut connection).await;
        answer(&mut connection, first_stream, "one").await;
        connection.send(&[H2Frame::go_away(first_stream, 0)]).await;
        if closes {
            connection.finish().await;
        }
        let mut next = server.accept(&[]).await;
        for _ in 0..2 {
            let stream = request(&mut next).await;
            answer(&mut next, stream, "again").await;
        }
        assert_eq!(first.await.unwrap().expect_status(200).text(), "one", "closes: {closes}");
        assert_eq!(second.await.unwrap().expect_status(200).text(), "again", "closes: {closes}");
        assert_eq!(third.await.unwrap().expect_status(200).text(), "again", "closes: {closes}");
        drop(connection);
    }
}

/// GOAWAY says that the server looks at the request; when the connection then ends, it may have been carried out.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_goaway_includes_is_not_sent_twice() {
    let (server, app) = started().await;
    let post = send(&app, Request::post("/once").body("1"));
    let mut connection = server.accept(&[]).await;
    let stream = request(&mut connection).await;
    connection.send(&[H2Frame::go_away(stream, 0)]).await;
    drop(connection);
    post.await.unwrap().expect_problem(502, "bad-gateway");
    // A GET is: it may be carried out twice.
    let get = send(&app, Request::get("/twice"));
    let mut connection = server.accept(&[]).await;
    let stream = request(&mut connection).await;
    connection.send(&[H2Frame::go_away(stream, 0)]).await;
    drop(connection);
    let mut connection = server.accept(&[]).await;
    let stream = request(&mut connection).await;
    answer(&mut connection, stream, "second").await;
    assert_eq!(get.await.unwrap().expect_status(200).text(), "second");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_request_is_sent_again_as_often_as_the_rules_allow() {
    let (server, app) = started().await;
    let post = send(&app, Request::post("/refused-once").body("body"));
    let mut connection = server.accept(&[]).await;
    let stream = request(&mut connection).await;
    connection.until("its body", |frame| frame.kind == 0 && frame.payload == b"body").await;
    connection.send(&[H2Frame::reset(stream, REFUSED_STREAM)]).await;
    let stream = request(&mut connection).await;
    connection.until("its body again", |frame| frame.kind == 0 && frame.payload == b"body").await;
    answer(&mut connection, stream, "taken").await;
    assert_eq!(post.await.unwrap().expect_status(200).text(), "taken");

    // Three attempts, and the breaker hears of none: nothing failed.
    for _ in 0..3 {
        let get = send(&app, Request::get("/refused-always"));
        for _ in 0..3 {
            let stream = request(&mut connection).await;
            connection.send(&[H2Frame::reset(stream, REFUSED_STREAM)]).await;
        }
        let refused = get.await.unwrap();
        refused.expect_problem(503, "upstream-busy");
        assert_eq!(refused.header("retry-after"), Some("1"));
    }
    let post = send(&app, Request::post("/no-retry").body(vec![b'x'; 100_000]));
    let stream = request(&mut connection).await;
    connection.send(&[H2Frame::window(0, 1_000_000), H2Frame::window(stream, 1_000_000)]).await;
    connection.until("the end of its body", |frame| frame.kind == 0 && frame.flags & 1 == 1).await;
    connection.send(&[H2Frame::reset(stream, REFUSED_STREAM)]).await;
    post.await.unwrap().expect_problem(503, "upstream-busy");
    let get = send(&app, Request::get("/well"));
    let stream = request(&mut connection).await;
    answer(&mut connection, stream, "well").await;
    get.await.unwrap().expect_status(200);
}

/// Any other reset says nothing of what was done.
#[tokio::test(flavor = "multi_thread")]
async fn a_post_that_is_reset_is_not_sent_again() {
    let (server, app) = started().await;
    let post = send(&app, Request::post("/once").body("x"));
    let mut connection = server.accept(&[]).await;
    let stream = request(&mut connection).await;
    connection.send(&[H2Frame::reset(stream, CANCEL)]).await;
    post.await.unwrap().expect_problem(502, "bad-gateway");
    let get = send(&app, Request::get("/next"));
    let stream = request(&mut connection).await;
    answer(&mut connection, stream, "next").await;
    get.await.unwrap().expect_status(200);
}

/// A peer that is silent is asked whether it is there; one that does not say so is dead.
#[tokio::test(flavor = "multi_thread")]
async fn a_dead_server_is_found_by_a_ping() {
    let (server, app) = started_with("ping_interval = \"200ms\"\nping_timeout = \"200ms\"\n").await;
    let post = send(&app, Request::post("/dead").body("x"));
    let get = send(&app, Request::get("/dead-too"));
    let mut connection = server.accept(&[]).await;
    request(&mut connection).await;
    request(&mut connection).await;
    connection.until("a ping", |frame| frame.kind == PING).await;
    // It is never answered.
    post.await.unwrap().expect_problem(502, "bad-gateway");
    let mut next = server.accept(&[]).await;
    let stream = request(&mut next).await;
    answer(&mut next, stream, "alive").await;
    assert_eq!(get.await.unwrap().expect_status(200).text(), "alive");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_cancels_its_stream() {
    let (server, app) = started().await;
    let mut client = app.connect().await;
    client.write("POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\npart").await;
    let mut connection = server.accept(&[]).await;
    let stream = request(&mut connection).await;
    connection.until("a part of the body", |frame| frame.kind == 0).await;
    drop(client);
    let reset = connection.until("its reset", |frame| frame.kind == RST_STREAM).await;
    assert_eq!(reset.stream, stream);
    let get = send(&app, Request::get("/next"));
    let stream = request(&mut connection).await;
    answer(&mut connection, stream, "next").await;
    get.await.unwrap().expect_status(200);
}

/// The server takes nothing of the body and has answered; when the client leaves, the stream must not stay for ever.
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_nobody_wants_is_cancelled_when_the_answer_is_over() {
    let (server, app) = started().await;
    let mut client = app.connect().await;
    client.write("POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\npart").await;
    let mut connection = server.accept(&[]).await;
    let stream = request(&mut connection).await;
    answer(&mut connection, stream, "early").await;
    client.read_response("POST").await.expect_status(200);
    let reset = connection.until("its reset", |frame| frame.kind == RST_STREAM).await;
    assert_eq!(reset.stream, stream);
}

/// What over HTTP/1 the checker refuses must not pass over HTTP/2.
#[tokio::test(flavor = "multi_thread")]
async fn answers_that_break_the_rules_are_refused() {
    let (server, app) = started_with("breaker_failures = 1000\n").await;
    let mut connection = None;
    let head = |fields: &[(&str, &str)]| [&[OK][..], &hpack::block(fields.iter().copied())].concat();
    let data = |stream, text: &str| H2Frame::data(stream, text, true);
    type Frames<'a> = Box<dyn Fn(u32) -> Vec<H2Frame> + 'a>;
    let field = |name: &'static str, value: &'static str| -> Frames<'_> {
        Box::new(move |stream| vec![H2Frame::headers(stream, head(&[(name, value)]), false), data(stream, "body")])
    };
    let cases: Vec<(&str, Frames<'_>)> = vec![
        ("a field of the connection", field("connection", "close")),
        ("a coding of HTTP/1", field("transfer-encoding", "chunked")),
        ("a name in upper case", field("X-Upper", "1")),
        ("white space", field("x-space", " 1")),
        ("a line feed", field("x-line", "1\nx: 2")),
        ("no number", field("content-length", "four")),
        (
            "two lengths",
            Box::new(move |stream| {
                let fields = [("content-length", "4"), ("content-length", "5")];
                vec![H2Frame::headers(stream, head(&fields), false), data(stream, "body")]
            }),
        ),
        (
            "no status",
            Box::new(move |stream| {
                vec![H2Frame::headers(stream, hpack::block([("x-a", "1")]), false), data(stream, "body")]
            }),
        ),
        (
            "a status beyond all",
            Box::new(move |stream| {
                vec![H2Frame::headers(stream, hpack::block([(":status", "999")]), false), data(stream, "body")]
            }),
        ),
        (
            "too many fields",
            Box::new(move |stream| {
                let fields: Vec<_> = (0..120).map(|_| ("x", "1")).collect();
                vec![H2Frame::headers(stream, head(&fields), false), data(stream, "body")]
            }),
        ),
    ];
    for (what, frames) in cases {
        let post = send(&app, Request::post("/broken").body("x"));
        let mut current = match connection.take() {
            Some(connection) => connection,
            None => server.accept(&[]).await,
        };
        let stream = request(&mut current).await;
        current.try_send(&frames(stream)).await;
        let refused = post.await.unwrap();
        assert_eq!(refused.status, 502, "{what}: {refused:?}");
        refused.expect_problem(502, "bad-gateway");
        // Whether or not the connection goes on, the next request finds one.
        drop(current);
    }
}

/// The length that was announced is the length of what comes.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_another_length_breaks_off() {
    for (length, body) in [("10", "short"), ("2", "too long")] {
        let (server, app) = started().await;
        let mut client = app.connect().await;
        client.write("GET /length HTTP/1.1\r\nHost: a\r\n\r\n").await;
        let mut connection = server.accept(&[]).await;
        let stream = request(&mut connection).await;
        let head = [&[OK][..], &hpack::block([("content-length", length)])].concat();
        connection.send(&[H2Frame::headers(stream, head, false)]).await;
        // Whoever has the head must not take a part for the whole, or more than there is.
        connection.send(&[H2Frame::data(stream, body, true)]).await;
        match client.try_read_response("GET").await {
            Err(_) => {}
            Ok(answer) => assert_eq!(answer.status, 502, "{length}: {answer:?}"),
        }
    }
}

/// A server may end the connection before it took anything.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_allows_no_streams_is_not_waited_for() {
    let (server, app) = started().await;
    let get = send(&app, Request::get("/none").header("X-A", "1"));
    let accepts = tokio::spawn(async move {
        let mut connections = Vec::new();
        loop {
            connections.push(server.accept(&[(3, 0)]).await);
        }
    });
    let answer = tokio::time::timeout(Duration::from_secs(8), get).await.expect("it is told in time").unwrap();
    answer.expect_problem(503, "upstream-unreachable");
    accepts.abort();
}
