//! Echo, bodies of any size, statuses, headers and pages.

use serde_json::json;

use super::by_path;
use crate::client::Request;
use crate::upstream::{BODY_KEPT, Checksum, pattern};

#[tokio::test]
async fn echo_shows_the_request_as_it_was() {
    let (upstream, mut client) = by_path().await;
    let headers = [("Host", "example.com"), ("X-MiXed", "One"), ("x-mixed", "two"), ("Content-Type", "text/plain")];
    let echo = client.send("POST", "/echo?a=1", &headers, "héllo".as_bytes()).await.expect_status(200).json();
    assert_eq!(echo["method"], "POST");
    assert_eq!(echo["target"], "/echo?a=1");
    assert_eq!(
        echo["headers"],
        json!([
            ["Host", "example.com"],
            ["X-MiXed", "One"],
            ["x-mixed", "two"],
            ["Content-Type", "text/plain"],
            ["Content-Length", "6"]
        ])
    );
    assert_eq!(echo["body"], "héllo");
    assert_eq!(echo["body_length"], 6);
    let seen = upstream.requests().remove(0);
    assert_eq!((seen.connection, seen.body_bytes, seen.body_complete), (1, 6, true));
    assert_eq!(seen.header("X-mixed"), Some("One"));
    assert!(seen.raw_head.starts_with(b"POST /echo?a=1 HTTP/1.1\r\nHost: example.com\r\nX-MiXed: One\r\n"));
}

#[tokio::test]
async fn a_large_echo_tells_the_length_only() {
    let (upstream, mut client) = by_path().await;
    let echo = client.request(&Request::post("/echo").body(vec![b'a'; BODY_KEPT + 1])).await.json();
    assert_eq!(echo["body"], json!(null));
    assert_eq!(echo["body_length"], BODY_KEPT + 1);
    assert_eq!(upstream.requests()[0].body.len(), BODY_KEPT);
}

#[tokio::test]
async fn sized_and_chunked_bodies_are_the_pattern() {
    let (_upstream, mut client) = by_path().await;
    for size in [0, 1, 65_536, 200_001] {
        let sized = client.send("GET", &format!("/bytes/{size}"), &[], b"").await.expect_status(200);
        assert_eq!(sized.header("content-length"), Some(size.to_string().as_str()));
        assert!(sized.body == pattern(size), "{size} bytes with a length");
        let chunked = client.send("GET", &format!("/chunked/{size}"), &[], b"").await.expect_status(200);
        assert_eq!(chunked.header("transfer-encoding"), Some("chunked"));
        assert!(chunked.body == pattern(size), "{size} bytes in chunks");
    }
}

#[tokio::test]
async fn an_upload_is_counted_and_summed() {
    let (upstream, mut client) = by_path().await;
    let body = pattern(1_000_000);
    let expected = json!({ "received": 1_000_000, "sum": Checksum::of(&body).to_string() });
    assert_eq!(client.request(&Request::post("/upload").body(body.clone())).await.json(), expected);
    let chunks = body.chunks(70_001).map(<[u8]>::to_vec);
    assert_eq!(client.request(&Request::post("/upload").chunked(chunks)).await.json(), expected);
    let seen = upstream.requests();
    assert_eq!(seen[1].header("transfer-encoding"), Some("chunked"));
    assert_eq!(seen[1].body_sum, Checksum::of(&body));
}

#[tokio::test]
async fn any_status_is_answered() {
    let (_upstream, mut client) = by_path().await;
    for status in [200, 201, 205, 301, 404, 418, 429, 500, 503, 599, 999] {
        let answer =
            client.send("GET", &format!("/status/{status}?Retry-After=1"), &[], b"").await.expect_status(status);
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert!(status == 205 || answer.json() == json!({ "status": status }));
    }
    for status in [204, 304] {
        let answer = client.send("GET", &format!("/status/{status}"), &[], b"").await.expect_status(status);
        assert_eq!((answer.header("content-length"), answer.body.len()), (None, 0));
    }
    client.send("GET", "/anything", &[], b"").await.expect_status(200);
}

#[tokio::test]
async fn headers_are_answered_as_asked() {
    let (_upstream, mut client) = by_path().await;
    let answer = client
        .send("GET", "/headers?Connection=X-Foo&X-Foo=1&Set-Cookie=a%3D1%3B%20Path&SET-cookie=b&X-Empty", &[], b"")
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers_named("set-cookie"), ["a=1; Path", "b"]);
    let first: Vec<&str> = answer.headers.iter().map(|(name, _)| name.as_str()).take(5).collect();
    assert_eq!(first, ["Connection", "X-Foo", "Set-Cookie", "SET-cookie", "X-Empty"]);
    client.send("GET", "/headers?Connection=close", &[], b"").await;
    client.expect_closed().await;
}

#[tokio::test]
async fn header_bytes_may_break_the_rules() {
    let (_upstream, mut client) = by_path().await;
    let failure =
        client.try_request(&Request::get("/headers?X-Bad=a%00b")).await.expect_err("a strict client refuses NUL");
    assert!(failure.received.contains(r"X-Bad: a\x00b"), "{failure}");
}

#[tokio::test]
async fn the_page_names_a_hundred_assets_that_exist() {
    let (_upstream, mut client) = by_path().await;
    assert!(client.send("GET", "/html", &[], b"").await.text().contains("<h1>Small page</h1>"));
    let page = client.send("GET", "/page", &[], b"").await;
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    let text = page.text();
    let assets: Vec<&str> = text.split('"').filter(|part| part.starts_with("/asset/")).collect();
    assert_eq!(assets.len(), 100);
    for asset in assets {
        let answer = client.send("GET", asset, &[], b"").await.expect_status(200);
        let expected = match asset.rsplit('.').next() {
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            _ => "image/svg+xml",
        };
        assert_eq!(answer.header("content-type"), Some(expected), "{asset}");
    }
}

#[tokio::test]
async fn anything_else_is_fine() {
    let (_upstream, mut client) = by_path().await;
    for path in ["/", "/unknown", "/bytes/many", "/asset/x", "/a/b/c/d", "/sse/1", "*", "http://example.com/x"] {
        assert_eq!(client.send("GET", path, &[], b"").await.expect_status(200).json(), json!({ "ok": true }), "{path}");
    }
}
