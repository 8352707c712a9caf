//! The listener for requests in clear.

use std::time::Duration;

use seawall_testkit::client::RawClient;

use super::Encrypted;

const ON: &str = "[tls]\nredirect_listen = \"127.0.0.1:0\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn requests_in_clear_are_sent_to_https() {
    let server = Encrypted::start(ON).await;
    let (listener, port) = (server.app.redirect().unwrap(), server.app.public().port());
    for (method, target) in [("GET", "/a/b?c=d"), ("POST", "/"), ("HEAD", "//x")] {
        let mut client = RawClient::connect(listener).await;
        let answer = client.send(method, target, &[("Host", "Example.com:80")], b"").await.expect_status(308);
        assert_eq!(answer.header("location"), Some(format!("https://Example.com:{port}{target}").as_str()));
        client.expect_closed().await;
    }
    let mut client = RawClient::connect(listener).await;
    client.send("GET", "/", &[("Host", "example.com/evil")], b"").await.expect_status(400);
    let mut large = RawClient::connect(listener).await;
    large.send("POST", "/", &[("Host", "a")], &[b'x'; 30_000]).await.expect_status(308);
    assert!(server.upstream.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_port_for_the_world_can_be_another() {
    let server = Encrypted::start(&format!("{ON}redirect_port = 443\n")).await;
    let mut client = RawClient::connect(server.app.redirect().unwrap()).await;
    let answer = client.send("GET", "/x", &[("Host", "example.com")], b"").await.expect_status(308);
    assert_eq!(answer.header("location"), Some("https://example.com/x"));
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_do_not_ask_are_let_go() {
    let server = Encrypted::start(ON).await;
    let mut silent = RawClient::connect(server.app.redirect().unwrap()).await.with_limit(Duration::from_secs(9));
    silent.expect_reset_or_closed().await;
}
