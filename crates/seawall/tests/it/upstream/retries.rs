//! What is sent again while its body, or its client, is still on the way.

use std::{sync::Arc, time::Duration};

use seawall_testkit::{
    TestApp,
    client::Request,
    in_front,
    upstream::{Kind, Upstream},
};
use tokio::sync::Notify;

use super::scripted::Scripted;

/// The part that is known goes to the second server first, then the rest as it comes.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_on_its_way_goes_on_at_another_server() {
    let told = Arc::new(Notify::new());
    let tell = Arc::clone(&told);
    let breaks = Scripted::start(move |mut peer| {
        let tell = Arc::clone(&tell);
        async move {
            if peer.head().await.is_some() && peer.until(b"first").await.is_some() {
                tell.notify_one();
            }
        }
    })
    .await;
    let serves = Upstream::start(Kind::ByPath).await;
    let app = TestApp::in_front_of_servers([breaks.url(), serves.url()]).start().await;
    let mut client = app.connect().await;
    client.write("PUT /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n").await;
    told.notified().await;
    serves.until("the request", |serves| !serves.requests().is_empty()).await;
    client.write("6\r\nsecond\r\n").await;
    serves.until("the second part", |serves| serves.requests()[0].body == b"firstsecond").await;
    client.write("5\r\nthird\r\n0\r\n\r\n").await;
    let answer = client.read_response("PUT").await.expect_status(200);
    assert_eq!(answer.json()["body"], "firstsecondthird");
    assert_eq!(serves.violations(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_64_kib_is_sent_again_and_a_longer_one_is_not() {
    for (length, status) in [(65_536, 200), (65_537, 502)] {
        let breaks = Upstream::start(Kind::always("/close")).await;
        let serves = Upstream::start(Kind::always("/upload")).await;
        let app = TestApp::in_front_of_servers([breaks.url(), serves.url()]).start().await;
        let answer = app.client().request(Request::new("PUT", "/").body(vec![b'x'; length])).await;
        let sent = (breaks.requests().len(), serves.requests().len());
        assert_eq!((answer.status, sent), (status, (1, usize::from(status == 200))), "{length}");
        if status == 200 {
            assert_eq!(serves.requests()[0].body_sum, breaks.requests()[0].body_sum);
        }
    }
}

/// Nobody waits for the answer of those that leave while Seawall waits to try again.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_while_a_retry_waits_ends_it() {
    let config = "[retry]\nbackoff = \"10s\"\nmax_backoff = \"10s\"\n[upstream]\nbreaker_failures = 1000\n";
    let (upstream, app) = in_front(config).await;
    let mut clients = Vec::new();
    for _ in 0..16 {
        let mut client = app.connect().await;
        client.write("GET /close HTTP/1.1\r\nHost: a\r\n\r\n").await;
        clients.push(client);
    }
    upstream.until("each request", |upstream| upstream.requests().len() >= 16).await;
    let waiting = app.metric("http_server_active_requests", &[]);
    assert!(waiting > 8.0, "few waits end so soon: {waiting}");
    drop(clients);
    let left = tokio::time::Instant::now();
    app.until_metric("http_server_active_requests", &[], 0.0).await;
    assert!(left.elapsed() < Duration::from_secs(2), "{:?}", left.elapsed());
    let line = app.request_line("/close").await;
    assert!(line["http.status"] == 499 || line["http.status"] == 502, "{line}");
}
