//! A cap holds whatever happens to the processes that keep it.

use std::{fs, net::SocketAddr, sync::Arc, time::Duration};

use seawall_core::meter::NoMeter;
use seawall_store::{Cause, DatabaseUrl, Db, Options, StoreError, Surroundings};
use seawall_testkit::{
    ManualClock,
    app::{StartedApp, TestApp},
    client::{RawClient, RawResponse, Request},
    llm::FakeLlm,
};
use serde_json::json;
use tokio::task::{JoinSet, block_in_place};

use super::budgets::{call, providers};
use crate::{
    cli::binary::{Place, Server},
    postgres,
};

/// A cap for fifty calls.
const CAP: &str = "[llm.budget.daily]\namount = \"0.05\"\n";

/// Where calls come in, and what they show.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) address: SocketAddr,
    pub(super) key: String,
}

impl Node {
    /// The status of a call; nothing when the connection ends before.
    pub(super) async fn call(&self) -> Option<u16> {
        Some(self.ask(call()).await?.status)
    }

    /// The same of one whose answer streams; nothing when the stream ends before its end.
    async fn stream(&self) -> Option<u16> {
        let streamed = json!({"model": "model", "stream": true, "max_tokens": 1_000, "messages": [{"role": "user", "content": "hello"}]});
        let answer = self.ask(Request::post("/llm/v1/chat/completions").json(&streamed)).await?;
        assert!(answer.status != 200 || answer.text().contains("[DONE]"), "{}", answer.text());
        Some(answer.status)
    }

    /// The answer to a request; nothing when the connection ends before.
    pub(super) async fn ask(&self, request: Request) -> Option<RawResponse> {
        let mut connection = RawClient::try_connect(self.address).await.ok()?;
        connection.try_request(&request.header("X-Seawall-Key", &*self.key)).await.ok()
    }

    /// How many calls' worth of the budget is not charged.
    async fn left(&self) -> f64 {
        told_left(self.ask(beyond()).await.expect("an answer"))
    }
}

/// A call that no budget here can pay.
fn beyond() -> Request {
    let body = json!({"model": "model", "max_tokens": 10_000_000, "messages": [{"role": "user", "content": "hello"}]});
    Request::post("/llm/v1/chat/completions").json(&body)
}

/// What its refusal says is left, in calls.
fn told_left(refused: RawResponse) -> f64 {
    let error = refused.expect_status(402).json()["error"]["message"].as_str().unwrap().to_owned();
    let left = error.split_once("\", ").and_then(|(_, rest)| rest.split_once(" are left")).unwrap().0;
    left.parse::<f64>().unwrap() * 1_000.0
}

/// How many of so many calls at once are answered, half of which stream; whoever is refused is told why, and a connection that ends tells nothing.
async fn answered(nodes: &[Node], calls: usize) -> usize {
    let mut all = JoinSet::new();
    for (number, node) in nodes.iter().cycle().take(calls).enumerate() {
        let (node, streams) = (node.clone(), number / nodes.len() % 2 == 1);
        let status = async move { if streams { node.stream().await } else { node.call().await } };
        all.spawn(async move { status.await.unwrap_or_default() });
    }
    let mut answered = 0;
    while let Some(status) = all.join_next().await {
        let status = status.unwrap();
        assert!([0, 200, 402, 502, 503].contains(&status), "{status}");
        answered += usize::from(status == 200);
    }
    answered
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_over_postgresql_spend_no_more_than_one() {
    let server = postgres::Server::start();
    let fake = FakeLlm::start().await;
    let config = format!(
        "environment = \"development\"\n[store]\nurl = \"{}\"\n[outbound]\nkey = \"a key of both nodes, which is long enough\"\n{}{CAP}",
        server.url(),
        providers(&fake)
    );
    let node = async || TestApp::in_front_of("http://127.0.0.1:9").with_config(&config).start().await;
    let (one, other) = (node().await, node().await);
    let key = "a key of both nodes, which is long enough";
    let clients = [&one, &other].map(|node| Node { address: node.outbound(), key: key.to_owned() });
    let mut sum = answered(&clients, 200).await;
    assert!(sum <= 50 && sum == fake.calls().len(), "{sum} {}", fake.calls().len());
    // What one node took and did not need, the other has as soon as it is given back.
    one.close_calls().await;
    other.close_calls().await;
    sum += answered(&clients, 50).await;
    assert_eq!((sum, fake.calls().len()), (50, 50));
}

/// A server whose application may call the fake.
pub(super) fn server(place: &Place) -> (Server, Node) {
    let server = place.serve(&["run", "--to", "http://127.0.0.1:9"]);
    let address = server.child.said("outbound", |said| {
        let line = said.lines().find_map(|line| line.strip_prefix("  outbound "))?;
        line.strip_prefix("http://")?.split('/').next()?.parse().ok()
    });
    let key = fs::read_to_string(place.path().join(".seawall/outbound.key")).unwrap();
    (server, Node { address, key: key.trim().to_owned() })
}

/// Kills a server in the midst of sixty calls, three times; then two hundred are made at once.
async fn killed_in_the_midst(store: &str) {
    let fake = FakeLlm::start().await;
    let config = format!(
        "environment = \"development\"\n{store}[outbound]\nlisten = \"127.0.0.1:0\"\n{}{CAP}",
        providers(&fake)
    );
    let place = block_in_place(|| Place::with_config(&config));
    for round in 0..3_usize {
        let (running, client) = block_in_place(|| server(&place));
        let before = fake.calls().len();
        let clients = [client];
        let calls = answered(&clients, 60);
        let killed = async {
            fake.until(|calls| calls.len() > before + round || calls.len() >= 50).await;
            running.child.signal("KILL");
        };
        // In the last rounds nothing may be left to call with.
        let enough = tokio::time::timeout(Duration::from_secs(10), async { tokio::join!(calls, killed) }).await;
        drop(running);
        assert!(enough.is_ok() || round > 0, "nobody called");
        assert!(fake.calls().len() <= 50, "{}", fake.calls().len());
    }
    // What was reserved when it died stays spent, and nothing else is lost.
    let (_running, client) = block_in_place(|| server(&place));
    answered(&[client], 200).await;
    let calls = fake.calls().len();
    assert!((25..=50).contains(&calls), "{calls}");
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_in_the_midst_of_calls_overspends_nothing() {
    killed_in_the_midst("").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_in_the_midst_of_calls_overspends_nothing_on_postgresql() {
    let server = postgres::Server::start();
    killed_in_the_midst(&format!("[store]\nurl = \"{}\"\n", server.url())).await;
}

/// A budget for 640 calls, so that ten are in a block, of which a crash may cost five.
const ROOMY: &str = "[llm.budget.daily]\namount = \"0.64\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_process_had_not_reserved_can_be_spent_after_its_start() {
    let fake = FakeLlm::start().await;
    let config =
        format!("environment = \"development\"\n[outbound]\nlisten = \"127.0.0.1:0\"\n{}{ROOMY}", providers(&fake));
    let place = block_in_place(|| Place::with_config(&config));
    let (running, client) = block_in_place(|| server(&place));
    for _ in 0..3 {
        assert_eq!(client.call().await, Some(200));
    }
    assert!((client.left().await - 630.0).abs() < 0.001, "a block is charged");
    running.child.signal("KILL");
    drop(running);
    let (running, client) = block_in_place(|| server(&place));
    assert!((635.0..637.001).contains(&client.left().await), "{}", client.left().await);
    block_in_place(|| running.logged("had charged of budgets and not reserved was given back"));
}

/// As if no lease had been renewed for long.
async fn leases_run_out(url: &str) {
    let surroundings = Surroundings { clock: Arc::new(ManualClock::default()), meter: &NoMeter };
    let url = DatabaseUrl::parse(url).unwrap();
    let db = block_in_place(|| Db::open(&url, &Options::default(), &surroundings)).unwrap();
    let cause = Cause::operator();
    let run_out = db.write::<_, StoreError>(&cause, |tx| tx.execute("UPDATE llm_holders SET leased_until = 0", &[]));
    assert!(run_out.await.unwrap() > 0);
    block_in_place(|| db.close());
}

/// Lets leases run out until this node has found that. Whoever lives renews its own now and then.
async fn until_given_back(url: &str, node: &StartedApp) {
    let given_back = async {
        while told_left(node.outbound_client().request(beyond()).await) < 635.0 {
            leases_run_out(url).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(90), given_back).await.expect("it is given back");
}

/// A node over PostgreSQL.
async fn node(server: &postgres::Server, fake: &FakeLlm) -> StartedApp {
    let config =
        format!("environment = \"development\"\n[store]\nurl = \"{}\"\n{}{ROOMY}", server.url(), providers(fake));
    TestApp::in_front_of("http://127.0.0.1:9").with_config(&config).start().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_node_that_is_gone_had_not_reserved_goes_back_when_its_lease_has_run_out() {
    let server = postgres::Server::start();
    let fake = FakeLlm::start().await;
    let config = format!(
        "environment = \"development\"\n[store]\nurl = \"{}\"\n[outbound]\nlisten = \"127.0.0.1:0\"\n{}{ROOMY}",
        server.url(),
        providers(&fake)
    );
    let place = block_in_place(|| Place::with_config(&config));
    let (running, client) = block_in_place(|| self::server(&place));
    for _ in 0..3 {
        assert_eq!(client.call().await, Some(200));
    }
    running.child.signal("KILL");
    drop(running);
    let other = node(&server, &fake).await;
    let left = async || told_left(other.outbound_client().request(beyond()).await);
    assert!((left().await - 630.0).abs() < 0.001, "it may be alive");
    until_given_back(&server.url(), &other).await;
    assert!(left().await < 637.001);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_stood_still_spends_nothing_that_was_given_back() {
    let server = postgres::Server::start();
    let fake = FakeLlm::start().await;
    let one = node(&server, &fake).await;
    let call_one = async || one.outbound_client().request(call()).await.expect_status(200);
    for _ in 0..3 {
        call_one().await;
    }
    let other = node(&server, &fake).await;
    let left = async || told_left(other.outbound_client().request(beyond()).await);
    until_given_back(&server.url(), &other).await;
    // Five of ten are behind its mark, or three when it was moved down to what is needed meanwhile.
    assert!((635.0..637.001).contains(&left().await), "{}", left().await);
    for _ in 0..4 {
        call_one().await;
    }
    one.close_calls().await;
    assert!((left().await - 633.0).abs() < 0.001, "seven calls are charged, {} are left", left().await);
}
