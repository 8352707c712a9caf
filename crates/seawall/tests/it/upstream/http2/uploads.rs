//! Uploads whose answer is over, or not wanted, before the server took them whole.

use seawall_testkit::{
    client::{H2Frame, H2RawClient, RawClient, Request, hpack},
    upstream::H2RawServer,
};

use super::frames::{CANCEL, OK, RST_STREAM, answer, request, send, started, started_with};

const DATA: u8 = 0;

/// How much of each stream is taken unasked.
const INITIAL_WINDOW_SIZE: u16 = 4;

/// What a server that says nothing takes of a stream.
const WINDOW: u32 = 65_535;

async fn expect_reset(connection: &mut H2RawClient, stream: u32) {
    let reset = connection.until("its reset", |frame| frame.kind == RST_STREAM).await;
    assert_eq!(reset.stream, stream);
}

/// A request whose body never comes whole.
async fn begun(server: &H2RawServer, client: &mut RawClient, fields: &str) -> (H2RawClient, u32) {
    client.write(format!("POST /upload HTTP/1.1\r\nHost: a\r\n{fields}Content-Length: 300000\r\n\r\npart")).await;
    let mut connection = server.accept(&[]).await;
    let stream = request(&mut connection).await;
    connection.until("a part of the body", |frame| frame.kind == DATA).await;
    (connection, stream)
}

/// Takes of a body what the server must; gives how much that is.
async fn take(connection: &mut H2RawClient, window: u32) -> u32 {
    let mut taken = 0;
    while taken < window {
        let frame = connection.until("its body", |frame| frame.kind == DATA).await;
        taken += u32::try_from(frame.payload.len()).unwrap();
    }
    taken
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_breaks_the_rules_ends_the_upload() {
    let (server, app) = started().await;
    let mut client = app.connect().await;
    let (mut connection, stream) = begun(&server, &mut client, "").await;
    let head = [&[OK][..], &hpack::block([("x-space", " 1")])].concat();
    connection.send(&[H2Frame::headers(stream, head, true)]).await;
    client.read_response("POST").await.expect_problem(502, "bad-gateway");
    expect_reset(&mut connection, stream).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_replaced_ends_the_upload() {
    let (server, app) = started_with("[rescue]\nupstream_errors = \"replace\"\n").await;
    let mut client = app.connect().await;
    let (mut connection, stream) = begun(&server, &mut client, "").await;
    let head = hpack::block([(":status", "500")]);
    connection.send(&[H2Frame::headers(stream, head, false), H2Frame::data(stream, "secret", true)]).await;
    client.read_response("POST").await.expect_problem(500, "upstream-error");
    expect_reset(&mut connection, stream).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_sent_again_ends_where_it_was_sent_before() {
    let (server, app) = started_with("[retry]\nstatuses = [503]\n[idempotency]\nmode = \"off\"\n").await;
    let mut client = app.connect().await;
    let (mut connection, stream) = begun(&server, &mut client, "Idempotency-Key: k\r\n").await;
    connection.send(&[H2Frame::headers(stream, hpack::block([(":status", "503")]), true)]).await;
    expect_reset(&mut connection, stream).await;
    let again = request(&mut connection).await;
    connection.until("the body again", |frame| frame.stream == again && frame.payload == b"part").await;
    answer(&mut connection, again, "taken").await;
    assert_eq!(client.read_response("POST").await.expect_status(200).text(), "taken");
}

/// The server answers and takes no more than it must, whatever of the body is then still to come: some, or the end of a part.
#[tokio::test(flavor = "multi_thread")]
async fn uploads_that_the_server_does_not_take_keep_no_place() {
    let (server, app) = started_with("max_streams = 2\nmax_connections = 1\n").await;
    let mut connection = None;
    for length in [65_536, 66_000, 70_000, 80_000, 100_000, 200_000] {
        let mut client = app.connect().await;
        client.write(&format!("POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n")).await;
        client.write(&"x".repeat(length)).await;
        let mut current = match connection.take() {
            Some(connection) => connection,
            None => server.accept(&[]).await,
        };
        let stream = request(&mut current).await;
        let taken = take(&mut current, WINDOW).await;
        current.send(&[H2Frame::window(0, taken)]).await;
        answer(&mut current, stream, "early").await;
        client.read_response("POST").await.expect_status(200);
        expect_reset(&mut current, stream).await;
        connection = Some(current);
    }
    let get = send(&app, Request::get("/next"));
    let mut connection = connection.unwrap();
    let stream = request(&mut connection).await;
    answer(&mut connection, stream, "next").await;
    get.await.unwrap().expect_status(200);
}

/// What comes in two pieces, of which the end says nothing of its length, is no different.
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_of_unknown_length_that_the_server_does_not_take_ends() {
    let (server, app) = started().await;
    let mut client = app.connect().await;
    let chunk = "x".repeat(70_000);
    let head = "POST /early HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    client.write(&format!("{head}{:x}\r\n{chunk}\r\n0\r\n\r\n", chunk.len())).await;
    let mut connection = server.accept(&[]).await;
    let stream = request(&mut connection).await;
    take(&mut connection, WINDOW).await;
    answer(&mut connection, stream, "early").await;
    client.read_response("POST").await.expect_status(200);
    expect_reset(&mut connection, stream).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_in_the_middle_of_an_answer_ends_what_the_server_does_not_take() {
    let (server, app) = started().await;
    let mut client = H2RawClient::connect(app.public(), &[]).await;
    client.send(&[H2Frame::headers(1, hpack::request("POST", "/early", &[]), false)]).await;
    client.send(&[(); 3].map(|()| H2Frame::data(1, [b'x'; 1_000], false))).await;
    let mut connection = server.accept(&[(INITIAL_WINDOW_SIZE, 1_000)]).await;
    let stream = request(&mut connection).await;
    take(&mut connection, 1_000).await;
    connection.send(&[H2Frame::headers(stream, [OK], false), H2Frame::data(stream, "begun", false)]).await;
    client.until("the start of the answer", |frame| frame.kind == DATA).await;
    client.send(&[H2Frame::reset(1, CANCEL)]).await;
    expect_reset(&mut connection, stream).await;
}
