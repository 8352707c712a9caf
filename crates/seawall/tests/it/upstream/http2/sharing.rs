//! How many requests go over how many connections.

use std::sync::Arc;

use seawall_testkit::client::{H2Client, Request};

use super::{MANY, in_front_of_http2};

/// Requests that are on hold, all over one client connection and so on one core.
async fn hold(client: &Arc<H2Client>, requests: usize) -> Vec<tokio::task::JoinHandle<u16>> {
    let one = |_| {
        let client = Arc::clone(client);
        tokio::spawn(async move { client.get("/hold").await.status().as_u16() })
    };
    (0..requests).map(one).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_begin_together_share_one_connection() {
    let (upstream, app) = in_front_of_http2(MANY, "").await;
    let client = Arc::new(H2Client::connect(app.public()).await);
    let held = hold(&client, 60).await;
    upstream.until("all of them", |upstream| upstream.seen().len() == 60).await;
    assert_eq!((upstream.opened(), upstream.most_at_once()), (1, 60));
    upstream.release();
    for request in held {
        assert_eq!(request.await.unwrap(), 200);
    }
    assert_eq!(client.get("/echo").await.status(), 200);
    assert_eq!(upstream.opened(), 1);
}

/// The server's own limit and the configured one both hold; who finds no room opens another connection.
#[tokio::test(flavor = "multi_thread")]
async fn as_many_connections_are_opened_as_the_limits_of_streams_demand() {
    for (allowed, config, each) in [(7, "", 7), (MANY, "max_streams = 7\n", 7), (3, "max_streams = 5\n", 3)] {
        let (upstream, app) = in_front_of_http2(allowed, config).await;
        let client = Arc::new(H2Client::connect(app.public()).await);
        let held = hold(&client, 21).await;
        upstream.until("all of them", |upstream| upstream.seen().len() == 21).await;
        assert!(upstream.most_at_once() <= each, "{allowed} {config}: {}", upstream.most_at_once());
        let most = 21_usize.div_ceil(each) + 2;
        assert!(
            (21_usize.div_ceil(each)..=most).contains(&upstream.opened()),
            "{allowed} {config}: {}",
            upstream.opened()
        );
        upstream.release();
        for request in held {
            assert_eq!(request.await.unwrap(), 200);
        }
    }
}

/// With every place taken, requests wait for a stream; beyond `max_waiting` they are told to come back.
#[tokio::test(flavor = "multi_thread")]
async fn who_finds_neither_stream_nor_connection_waits_for_one() {
    let config = "max_streams = 2\nmax_connections = 1\nmax_waiting = 3\n";
    let (upstream, app) = in_front_of_http2(MANY, config).await;
    let client = Arc::new(H2Client::connect(app.public()).await);
    let first = hold(&client, 2).await;
    upstream.until("the first", |upstream| upstream.seen().len() == 2).await;
    let others: Vec<_> = (0..4)
        .map(|number| {
            let client = Arc::clone(&client);
            tokio::spawn(async move { client.get(&format!("/echo?{number}")).await.status().as_u16() })
        })
        .collect();
    app.until_metric("seawall_upstream_failures", &["upstream-busy"], 1.0).await;
    upstream.release();
    for request in first {
        assert_eq!(request.await.unwrap(), 200);
    }
    let mut statuses = Vec::new();
    for other in others {
        statuses.push(other.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 503]);
    assert_eq!((upstream.opened(), upstream.most_at_once()), (1, 2));
}

/// Whichever core accepts a client: the one connection allowed is idle there, or on another, which gives it up.
#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_of_another_core_gives_up_its_place() {
    let (upstream, app) = in_front_of_http2(MANY, "max_connections = 1\nkeep = \"1min\"\n").await;
    for number in 0..40 {
        app.client().get(&format!("/echo?{number}")).await.expect_status(200);
    }
    assert!(upstream.open() <= 1);
}

/// A connection of another core that is never idle gives up its place too.
#[tokio::test(flavor = "multi_thread")]
async fn a_busy_connection_of_another_core_gives_up_its_place() {
    let (_upstream, app) = in_front_of_http2(MANY, "max_connections = 1\nkeep = \"1min\"\n").await;
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let mut busy = Vec::new();
    for _ in 0..4 {
        let (client, stop) = (app.client().keeping_connection(), Arc::clone(&stop));
        busy.push(tokio::spawn(async move {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                client.get("/bytes/1000").await.expect_status(200);
            }
        }));
    }
    for number in 0..30 {
        app.client().request(Request::post(format!("/echo?{number}")).body("x")).await.expect_status(200);
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    for busy in busy {
        busy.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_its_server_ends_costs_no_request() {
    let (upstream, app) = in_front_of_http2(MANY, "").await;
    let client = Arc::new(H2Client::connect(app.public()).await);
    let held = hold(&client, 10).await;
    upstream.until("all of them", |upstream| upstream.seen().len() == 10).await;
    upstream.leave();
    // A POST without a key may not be sent twice, and none has to be.
    for _ in 0..20 {
        app.client().request(Request::post("/echo").body("x")).await.expect_status(200);
    }
    upstream.release();
    for request in held {
        assert_eq!(request.await.unwrap(), 200, "what it had begun is finished");
    }
    assert_eq!(upstream.seen().len(), 30, "none arrived twice");
}
