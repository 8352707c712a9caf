//! Bodies that stream: uploads arrive whole, events arrive one by one.

use seawall_testkit::client::{RawClient, Request};
use serde_json::json;

use super::{Application, in_front_of};
use crate::applications::application::blob;

/// A body of some megabytes arrives whole, with a declared length and in chunks; JSON does too.
pub(super) async fn uploaded(application: Application) {
    let app = in_front_of(&application, "").await;
    let bytes = blob();
    let sum = bytes.iter().fold(0_u64, |sum, byte| (sum * 31 + u64::from(*byte)) % (1 << 32));
    let expected = json!({ "received": bytes.len(), "sum": sum });
    let sized = app.client().request(Request::post("/api/upload").body(bytes.clone())).await.expect_status(200);
    assert_eq!(sized.json(), expected);
    let chunks = bytes.chunks(70_001).map(<[u8]>::to_vec);
    let chunked = app.client().request(Request::post("/api/upload").chunked(chunks)).await.expect_status(200);
    assert_eq!(chunked.json(), expected);
    let created = app.client().post_json("/api/items", &json!({ "name": "third" })).await.expect_status(201);
    assert_eq!(created.json(), json!({ "created": { "name": "third" } }));
}

/// An event is sent only when the one before has arrived, so nothing can have been kept back.
pub(super) async fn events(application: Application) {
    let app = in_front_of(&application, "").await;
    let mut stream = app.connect().await;
    stream.write("GET /api/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n").await;
    let head = stream.read_head("GET").await.expect_status(200);
    assert!(head.header("content-type").is_some_and(|kind| kind.starts_with("text/event-stream")), "{head:?}");
    for name in ["one", "two", "three"] {
        let sent = app.client().request(Request::post(format!("/api/events/{name}"))).await.expect_status(202);
        assert_eq!(sent.json()["listeners"], 1);
        assert_eq!(event(&mut stream).await, format!("data: {name}\n\n"));
    }
}

/// The next bytes of the stream, up to the end of an event.
async fn event(stream: &mut RawClient) -> String {
    let mut text = String::new();
    while !text.ends_with("\n\n") {
        let piece = stream.next_piece().await.expect("the stream goes on");
        text.push_str(&String::from_utf8_lossy(&piece.bytes));
    }
    text
}
