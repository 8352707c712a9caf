//! Answers that are kept, and calls for the same that are made once.

use std::{sync::Arc, time::Duration};

use seawall_testkit::{
    ManualClock,
    app::TestApp,
    client::Request,
    upstream::{Kind, Upstream},
};

use super::{calling, configured};

#[tokio::test]
async fn an_answer_is_kept_for_its_time() {
    let api = Upstream::start(Kind::ByPath).await;
    let clock = Arc::new(ManualClock::default());
    let config = configured(&api, "cache = \"60s\"\nsecret = \"s3cret\"");
    let app = TestApp::in_front_of("http://127.0.0.1:9").with_config(&config).with_clock(Arc::clone(&clock) as _);
    let app = app.start().await;
    let client = app.outbound_client();
    let call = || Request::get("/out/api/echo?a=1").header("X-Tenant", "one");
    let first = client.request(call()).await.expect_status(200);
    assert_eq!((first.header("x-seawall-cache"), first.header("age")), (Some("miss"), None));
    clock.advance(Duration::from_secs(7));
    let second = client.request(call()).await.expect_status(200);
    assert_eq!((second.header("x-seawall-cache"), second.header("age")), (Some("hit"), Some("7")));
    assert_eq!(second.body, first.body);
    for other in [
        Request::get("/out/api/echo?a=2").header("X-Tenant", "one"),
        Request::get("/out/api/echo?a=1").header("X-Tenant", "two"),
    ] {
        let answer = client.request(other).await.expect_status(200);
        assert_eq!(answer.header("x-seawall-cache"), Some("miss"));
    }
    client.request(call().header("Cache-Control", "no-store")).await.expect_status(200);
    assert_eq!(api.requests().len(), 4);
    clock.advance(Duration::from_secs(53));
    let answer = client.request(call()).await.expect_status(200);
    assert_eq!((answer.header("x-seawall-cache"), api.requests().len()), (Some("miss"), 5));
}

#[tokio::test]
async fn what_may_not_be_kept_is_asked_each_time() {
    let (api, app) = calling("cache = \"60s\"\nattempts = 1\nallow = [\"/*\"]\nbreaker_failures = 100").await;
    let client = app.outbound_client();
    for path in ["/status/404", "/status/503", "/status/200?Cache-Control=no-store", "/status/200?Vary=*"] {
        for _ in 0..2 {
            client.get(&format!("/out/api{path}")).await;
        }
    }
    for _ in 0..2 {
        client.request(Request::post("/out/api/echo")).await.expect_status(200);
    }
    assert_eq!(api.requests().len(), 10);
}

#[tokio::test]
async fn two_hundred_calls_for_the_same_ask_once() {
    let (api, app) = calling("cache = \"60s\"").await;
    let calls: Vec<_> = (0..200)
        .map(|_| {
            let client = app.outbound_client();
            tokio::spawn(async move { client.get("/out/api/slow/300").await.expect_status(200) })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    assert_eq!(api.requests().len(), 1);
    let (hits, joined) = ("hit", "joined");
    let of = |result| app.metric("seawall_outbound_cache", &["api", result]);
    assert_eq!((of("miss"), of(hits) + of(joined)), (1.0, 199.0));
}

#[tokio::test]
async fn a_large_answer_passes_and_is_not_kept() {
    let (api, app) = calling("cache = \"60s\"\ncache_size = \"64kb\"").await;
    for _ in 0..2 {
        let answer = app.outbound_client().get("/out/api/bytes/100000").await.expect_status(200);
        assert_eq!(answer.body.len(), 100_000);
    }
    assert_eq!(api.requests().len(), 2);
}
