//! The everyday client.

use serde_json::json;

use crate::client::{Client, Request};
use crate::upstream::{Kind, Upstream};

#[tokio::test]
async fn one_connection_per_call_or_one_kept() {
    let upstream = Upstream::start(Kind::ByPath).await;
    let fresh = Client::new(&upstream.url());
    assert_eq!(fresh.get("/echo").await.json()["connection"], 1);
    assert_eq!(fresh.get("/echo").await.json()["connection"], 2);
    let kept = Client::new(&upstream.url()).keeping_connection();
    for _ in 0..3 {
        assert_eq!(kept.get("/echo").await.json()["connection"], 3);
    }
    kept.request(Request::get("/").header("Connection", "close")).await.expect_status(200);
    assert_eq!(kept.get("/echo").await.json()["connection"], 4);
}

#[tokio::test]
async fn headers_prefix_and_json() {
    let upstream = Upstream::start(Kind::always("/echo")).await;
    let client =
        Client::new(&format!("{}/api/", upstream.url())).with_header("X-Key", "1").with_header("Host", "example.com");
    let echo = client.post_json("/orders", &json!({ "a": 1 })).await.json();
    assert_eq!((echo["target"].as_str(), echo["body"].as_str()), (Some("/api/orders"), Some(r#"{"a":1}"#)));
    assert_eq!(
        echo["headers"],
        json!([["Content-Type", "application/json"], ["X-Key", "1"], ["Host", "example.com"], ["Content-Length", "7"]])
    );
    let own = client.request(Request::new("DELETE", "/x").header("x-key", "2")).await.json();
    assert_eq!(own["headers"], json!([["x-key", "2"], ["Host", "example.com"]]));
}

#[tokio::test]
#[should_panic(expected = "does not name an address and a port")]
async fn a_base_needs_an_address() {
    Client::new("http://localhost");
}
