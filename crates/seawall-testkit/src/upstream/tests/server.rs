//! Starting, stopping, coming back, and the kinds that ignore requests.

use std::io::ErrorKind;
use std::time::Duration;

use super::by_path;
use crate::client::{Client, RawClient};
use crate::upstream::{Kind, Upstream};

#[tokio::test]
async fn stop_closes_everything_and_restart_keeps_the_port() {
    let (mut upstream, mut idle) = by_path().await;
    let mut busy = RawClient::connect(upstream.address).await;
    busy.write("GET /never HTTP/1.1\r\nHost: a\r\n\r\n").await;
    idle.send("GET", "/", &[], b"").await.expect_status(200);
    upstream.until("two requests", |upstream| upstream.requests().len() == 2).await;
    let address = upstream.address;
    upstream.stop().await;
    assert_eq!(upstream.open_connections(), 0);
    idle.expect_reset_or_closed().await;
    busy.expect_reset_or_closed().await;
    let refused = RawClient::try_connect(address).await.expect_err("nobody listens");
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    upstream.restart_on_same_port().await;
    assert_eq!(upstream.address, address);
    Client::new(&upstream.url()).get("/").await.expect_status(200);
    assert_eq!((upstream.connections_opened(), upstream.requests().len()), (3, 3));
    upstream.restart_on_same_port().await;
    Client::new(&upstream.url()).get("/").await.expect_status(200);
}

#[tokio::test]
async fn dropping_ends_everything() {
    let (upstream, mut client) = by_path().await;
    client.send("GET", "/", &[], b"").await.expect_status(200);
    drop(upstream);
    client.expect_closed().await;
    let mut refused = false;
    for _ in 0..100 {
        refused = RawClient::try_connect(client.peer()).await.is_err();
        if refused {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(refused, "the listener outlived the upstream");
}

#[tokio::test]
async fn one_answer_for_every_path_until_the_kind_changes() {
    let upstream = Upstream::start(Kind::always("/status/503?Retry-After=1")).await;
    let client = Client::new(&upstream.url());
    assert_eq!(client.get("/echo").await.expect_status(503).header("retry-after"), Some("1"));
    upstream.become_kind(Kind::ByPath);
    client.get("/echo").await.expect_status(200);
    assert_eq!(upstream.requests()[0].target, "/echo");
}

#[tokio::test]
async fn kinds_that_never_listen_to_a_request() {
    let upstream = Upstream::start(Kind::ClosesOnAccept).await;
    RawClient::connect(upstream.address).await.expect_closed().await;
    upstream.become_kind(Kind::ResetsOnAccept);
    RawClient::connect(upstream.address).await.expect_reset().await;
    upstream.become_kind(Kind::NeverReads);
    let mut client = RawClient::connect(upstream.address).await;
    client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    client.expect_silence(Duration::from_millis(100)).await;
    assert_eq!((upstream.requests().len(), upstream.open_connections(), upstream.connections_opened()), (0, 1, 3));
}
