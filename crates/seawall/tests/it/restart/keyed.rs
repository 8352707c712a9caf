//! Requests with an idempotency key over a restart: what the application did is kept before another process has the store.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use seawall_testkit::{
    client::{Client, RawClient, Request},
    upstream::Upstream,
};
use tokio::time::sleep;

use super::Line;
use crate::postgres;

const KEY: &str = "Idempotency-Key";

fn order(key: &str, takes_ms: u64) -> Request {
    Request::post(format!("/slow/{takes_ms}")).header(KEY, format!("\"{key}\"")).body(format!("order {key}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_13_a_request_with_a_key_that_spans_a_restart_is_answered_and_replayed_by_the_successor() {
    let (upstream, mut line) = Line::in_front("").await;
    span_a_restart(&upstream, &mut line).await;
}

/// Nothing is waited for: both processes have the store open.
#[tokio::test(flavor = "multi_thread")]
async fn in_postgresql_a_request_with_a_key_goes_on_while_the_successor_serves() {
    let database = postgres::Server::start();
    let store = format!("[store]\nurl = \"{}\"\n", database.url());
    let (upstream, mut line) = Line::in_front(&store).await;
    let slow = line.server.client();
    let slow = tokio::spawn(async move { slow.request(order("slow", 8_000)).await });
    upstream.until("the order", |upstream| upstream.requests().len() == 1).await;
    line.restart();
    assert!(!slow.is_finished(), "it was waited for");
    // Both know of it.
    let other = line.server.client().request(order("slow", 8_000)).await;
    other.expect_problem(409, "idempotency-in-flight");
    slow.await.expect("it is answered").expect_status(200);
    let again = line.server.client().request(order("slow", 8_000)).await.expect_status(200);
    assert_eq!(again.header("idempotent-replayed"), Some("true"), "{again:?}");
    assert_eq!(upstream.requests().len(), 1);
    span_a_restart(&upstream, &mut line).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_longer_than_requests_may_is_not_waited_for() {
    let (upstream, mut line) = Line::in_front("[server]\ndrain_timeout = \"500ms\"\n").await;
    let mut slow = RawClient::connect(line.server.address()).await;
    let slow = tokio::spawn(async move { slow.try_request(&order("slow", 20_000)).await.is_ok() });
    upstream.until("the order", |upstream| upstream.requests().len() == 1).await;
    line.restart();
    line.server.logged("requests with an idempotency key took too long for the hand-over");
    assert_eq!(line.server.child.exited(), Some(0), "{}", line.server.child);
    slow.abort();
    // Nobody says that it was not carried out.
    let again = line.server.client().request(order("slow", 20_000)).await;
    assert_eq!(again.status, 409, "{again:?}");
}

/// Orders that take so long are answered over a restart, and replayed by whoever serves then.
async fn span_a_restart(upstream: &Upstream, line: &mut Line) {
    let before = upstream.requests().len();
    // The longest spans all that a restart takes when nobody waits.
    let orders: Vec<_> = [500, 1_500, 3_000, 4_000].iter().map(|takes| (format!("takes {takes}"), *takes)).collect();
    let asked: Vec<_> = orders
        .iter()
        .map(|(key, takes)| {
            let (client, order) = (line.server.client(), order(key, *takes));
            tokio::spawn(async move { client.request(order).await })
        })
        .collect();
    upstream.until("the orders", |upstream| upstream.requests().len() == before + orders.len()).await;
    let successor = line.restart();
    let mut answers = Vec::new();
    for asked in asked {
        let answer = asked.await.expect("it is answered").expect_status(200);
        assert_eq!(answer.header("idempotent-replayed"), None, "{answer:?}");
        answers.push(answer.text());
    }
    assert_eq!(line.process(), successor);
    for ((key, takes), answer) in orders.iter().zip(answers) {
        let again = line.server.client().request(order(key, *takes)).await.expect_status(200);
        assert_eq!(again.header("idempotent-replayed"), Some("true"), "{key}: {again:?}");
        assert_eq!(again.text(), answer);
    }
    assert_eq!(upstream.requests().len(), before + orders.len(), "each was carried out once");
}

/// Asks with a key for each request, half of the tasks over one connection as long as it is kept.
async fn orders(client: Client, address: std::net::SocketAddr, number: usize, ended: Arc<AtomicBool>) -> usize {
    let mut served = 0;
    while !ended.load(Ordering::Relaxed) {
        let mut connection = RawClient::connect(address).await;
        loop {
            let order = order(&format!("task {number} order {served}"), 20 * number as u64);
            let answer = connection.request(&order).await.expect_status(200);
            assert_eq!(answer.header("idempotent-replayed"), None);
            let again = client.request(order).await.expect_status(200);
            assert_eq!(again.header("idempotent-replayed"), Some("true"), "{again:?}");
            served += 1;
            if number.is_multiple_of(2) || !answer.keeps_connection() || ended.load(Ordering::Relaxed) {
                break;
            }
        }
    }
    served
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn under_a_load_of_requests_with_keys_restarts_lose_none() {
    let (upstream, mut line) = Line::in_front("[log]\nrequests = false\n[rate_limit]\nlimits = []\n").await;
    let ended = Arc::new(AtomicBool::new(false));
    let served = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..8)
        .map(|number| {
            let load = orders(line.server.client(), line.server.address(), number, Arc::clone(&ended));
            let served = Arc::clone(&served);
            tokio::spawn(async move { served.fetch_add(load.await, Ordering::Relaxed) })
        })
        .collect();
    for _ in 0..3 {
        sleep(Duration::from_millis(300)).await;
        line.restart();
    }
    ended.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.expect("no request fails");
    }
    let served = served.load(Ordering::Relaxed);
    assert!(served > 100, "{served} orders");
    assert_eq!(upstream.requests().len(), served, "each was carried out once");
}

/// A sign-in reads and writes the store in several steps.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_signs_in_while_it_restarts_is_signed_in() {
    let toml = "[identity]\nenabled = true\nsign_in_limits = []\n[rate_limit]\nlimits = []\n";
    let (_upstream, mut line) = Line::in_front(toml).await;
    let token = std::fs::read_to_string(line.place.path().join(".seawall/admin.token")).expect("the token is there");
    let bearer = format!("Bearer {}", token.trim());
    let ann = serde_json::json!({ "name": "ann", "password": "correct horse battery" });
    let add = Request::post("/api/users").header("Authorization", bearer).json(&ann);
    line.server.admin_client().request(add).await.expect_status(201);
    let ended = Arc::new(AtomicBool::new(false));
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let (client, ann, ended) = (line.server.client(), ann.clone(), Arc::clone(&ended));
            tokio::spawn(async move {
                let mut served = 0;
                while !ended.load(Ordering::Relaxed) {
                    client.post_json("/_seawall/auth/sign-in", &ann).await.expect_status(200);
                    served += 1;
                }
                served
            })
        })
        .collect();
    for _ in 0..4 {
        sleep(Duration::from_millis(300)).await;
        line.restart();
    }
    ended.store(true, Ordering::Relaxed);
    for task in tasks {
        assert!(task.await.expect("no sign-in fails") > 2);
    }
}
