//! What a failure of one request says of its server, and what is sent again for it.

use seawall_testkit::client::{H2Frame, Request};

use super::frames::{answer, request, send, started_with};

const INTERNAL_ERROR: u32 = 2;

/// A server that gives up one request after the other fails, though its connection lives.
#[tokio::test(flavor = "multi_thread")]
async fn resets_on_a_living_connection_open_the_breaker() {
    let (server, app) = started_with("breaker_failures = 3\n").await;
    let mut connection = None;
    for number in 0..3 {
        let post = send(&app, Request::post(format!("/fails/{number}")).body("x"));
        let mut current = match connection.take() {
            Some(connection) => connection,
            None => server.accept(&[]).await,
        };
        let stream = request(&mut current).await;
        current.send(&[H2Frame::reset(stream, INTERNAL_ERROR)]).await;
        post.await.unwrap().expect_problem(502, "bad-gateway");
        connection = Some(current);
    }
    app.client().get("/not-asked").await.expect_problem(503, "circuit-breaker-open");
}

/// Each time is an attempt: none is free because the connection was there before.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_reset_is_sent_as_often_as_attempts_allow() {
    let (server, app) = started_with("breaker_failures = 1000\n").await;
    let first = send(&app, Request::get("/first"));
    let mut connection = server.accept(&[]).await;
    let stream = request(&mut connection).await;
    answer(&mut connection, stream, "first").await;
    first.await.unwrap().expect_status(200);

    let mut get = send(&app, Request::get("/fails"));
    let mut sent = 0;
    let refused = loop {
        tokio::select! {
            answered = &mut get => break answered.unwrap(),
            stream = request(&mut connection) => {
                sent += 1;
                connection.send(&[H2Frame::reset(stream, INTERNAL_ERROR)]).await;
            }
        }
    };
    refused.expect_problem(502, "bad-gateway");
    assert_eq!(sent, 3);
}
