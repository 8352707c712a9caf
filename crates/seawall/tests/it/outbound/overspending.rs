//! A cap holds whatever happens to the processes that keep it.

use std::{fs, net::SocketAddr, time::Duration};

use seawall_testkit::{TestApp, client::RawClient, llm::FakeLlm};
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
struct Node {
    address: SocketAddr,
    key: String,
}

/// How many of so many calls at once are answered; whoever is refused is told why, and a connection that ends tells nothing.
async fn answered(nodes: &[Node], calls: usize) -> usize {
    let mut all = JoinSet::new();
    for Node { address, key } in nodes.iter().cycle().take(calls).cloned() {
        all.spawn(async move {
            let Ok(mut connection) = RawClient::try_connect(address).await else { return 0 };
            let answer = connection.try_request(&call().header("X-Seawall-Key", key)).await;
            answer.map(|answer| answer.status).unwrap_or_default()
        });
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
fn server(place: &Place) -> (Server, Node) {
    let server = place.serve(&["run", "--to", "http://127.0.0.1:9"]);
    let address = server.child.said("outbound", |said| {
        let line = said.lines().find_map(|line| line.strip_prefix("  outbound "))?;
        line.strip_prefix("http://")?.split('/').next()?.parse().ok()
    });
    let key = fs::read_to_string(place.path().join(".seawall/outbound.key")).unwrap();
    (server, Node { address, key: key.trim().to_owned() })
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_in_the_midst_of_calls_overspends_nothing() {
    let fake = FakeLlm::start().await;
    let config =
        format!("environment = \"development\"\n[outbound]\nlisten = \"127.0.0.1:0\"\n{}{CAP}", providers(&fake));
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
    answered(&[client], 100).await;
    let calls = fake.calls().len();
    assert!((25..=50).contains(&calls), "{calls}");
}
