//! Node's own HTTP/2, which shares nothing with ours.

use std::{process::Command, sync::Arc};

use bytes::Bytes;
use http_body_util::Full;
use seawall_testkit::client::{H2Client, Request};

use super::{LARGE, before, pattern};
use crate::applications::{
    child::Child,
    tools::{fixture, program, skip},
};

#[tokio::test(flavor = "multi_thread")]
async fn node_is_spoken_to_in_http_2() {
    let Some(node) = program(&["node"]) else { return skip("Node.js is not installed") };
    let mut command = Command::new(node);
    command.arg(fixture("upstream/http2.js"));
    let child = Child::start(command);
    let port: u16 = child.said("its port", |said| said.strip_prefix("listening on ")?.lines().next()?.parse().ok());
    let app = before(format!("http://127.0.0.1:{port}"), "host = \"app.test\"\n").await;

    let request = Request::post("/a?b").header("Cookie", "a=1; b=2").header("TE", "trailers").body("x");
    let seen = app.client().request(request).await.expect_status(200).json();
    let wanted = serde_json::json!({
        "method": "POST", "path": "/a?b", "authority": "app.test", "cookie": "a=1; b=2", "te": "trailers",
    });
    assert_eq!(seen, wanted);

    let client = Arc::new(H2Client::connect(app.public()).await);
    let mirrored: Vec<_> = (0..15)
        .map(|_| {
            let client = Arc::clone(&client);
            let request = http::Request::post("/mirror").body(Full::new(Bytes::from(pattern(LARGE / 5)))).unwrap();
            tokio::spawn(async move { client.request(request).await })
        })
        .collect();
    for mirror in mirrored {
        assert!(mirror.await.unwrap().body()[..] == pattern(LARGE / 5)[..], "more at once than one connection takes");
    }
    let mut connection = app.connect().await;
    connection.write("GET /trailers HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n").await;
    connection.read_response("GET").await.expect_status(200);
    assert_eq!(connection.trailers(), [("x-checksum".to_owned(), "abc".to_owned())]);

    // A connection that ends after each answer costs nobody a request.
    for _ in 0..20 {
        assert_eq!(
            app.client().request(Request::post("/goaway").body("x")).await.expect_status(200).text(),
            "the last"
        );
    }
    app.client().get("/refuse").await.expect_problem(503, "upstream-busy");
    app.client().get("/well").await.expect_status(200);
}
