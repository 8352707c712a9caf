//! Several nodes: what one makes void, the others forget.

use std::sync::Arc;

use seawall_store::{DatabaseUrl, Db, Lane, Options, StoreError, cache::Known, messages::Messages};

use super::{Counts, Node, Numbers, fill, key};
use crate::support::{
    CAUSE,
    nodes::{Between, PATIENT, over_each, until_connected, until_so},
    open,
    server::Server,
};

fn node(messages: &Messages) -> Node {
    Node::with(messages.clone(), Arc::<Counts>::default())
}

/// Two nodes that hear each other.
async fn two(between: &Between) -> (Node, Node) {
    let (one, other) = (between.node(), between.node());
    let (mut here, mut there) = (one.subscribe("topic"), other.subscribe("topic"));
    until_connected(&one, &mut there).await;
    until_connected(&other, &mut here).await;
    (node(&one), node(&other))
}

async fn forgotten(cache: &Numbers, name: &str) {
    until_so(name, || cache.get(name).is_none()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_node_makes_void_the_other_forgets() {
    over_each(async |between| {
        let (one, other) = two(between).await;
        let (here, there) = (one.numbers(), other.numbers());
        for cache in [&here, &there] {
            for name in ["a", "b", "c \" \\ é"] {
                fill(cache, name, 1).await;
            }
        }
        here.forget(&[key("a"), key("c \" \\ é")]);
        assert_eq!((here.get("a"), here.get("b")), (None, Some(Known::Found(1))));
        forgotten(&there, "a").await;
        forgotten(&there, "c \" \\ é").await;
        assert_eq!(there.get("b"), Some(Known::Found(1)));
        fill(&here, "a", 2).await;
        there.forget_all();
        forgotten(&here, "b").await;
        assert_eq!((here.entries(), there.entries()), (0, 0));
        // Who made it void is not told of it, and keeps what it has read since.
        assert_eq!(other.counts.of("seawall_cache_invalidations numbers other everything"), 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_keys_at_once_reach_the_other_node() {
    over_each(async |between| {
        let (one, other) = two(between).await;
        let (here, there) = (one.numbers(), other.numbers());
        let keys: Vec<String> = (0..2_000).map(|number| format!("{number:064}")).collect();
        for name in &keys {
            fill(&there, name, 1).await;
        }
        fill(&there, "another", 1).await;
        here.forget(&keys);
        until_so("all are forgotten", || keys.iter().all(|name| there.get(name).is_none())).await;
        assert_eq!(there.get("another"), Some(Known::Found(1)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_messages_may_have_been_lost_everything_is_forgotten() {
    over_each(async |between| {
        let (one, other) = two(between).await;
        let (here, there) = (one.numbers(), other.numbers());
        fill(&there, "a", 1).await;
        between.stop();
        here.forget(&[key("a")]);
        between.start_again();
        forgotten(&there, "a").await;
        until_so("both are connected", || [&one, &other].iter().all(|node| node.caches.messages().status().connected))
            .await;
    })
    .await;
}

async fn set(db: &Db, cache: &Numbers, number: i64) {
    let cache = cache.clone();
    let written: Result<(), StoreError> = db
        .write(&CAUSE, move |tx| {
            tx.void(&cache, [key("a")]);
            tx.execute("UPDATE things SET number = $1 WHERE id = 'a'", &[&number]).map(drop)
        })
        .await;
    written.unwrap();
}

async fn get(db: &Db, cache: &Numbers) -> Option<u64> {
    let db = db.clone();
    let read = async move {
        let row: (i64,) = db
            .read::<_, StoreError>(Lane::Interactive, |tx| tx.one("SELECT number FROM things WHERE id = 'a'", &[]))
            .await?;
        Ok(Some(row.0.unsigned_abs()))
    };
    cache.get_or_load(&key("a"), PATIENT, read).await.unwrap().found()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_on_one_postgresql_see_each_others_changes() {
    let server = Server::start();
    let url = DatabaseUrl::parse(&server.url()).unwrap();
    let dbs = [0, 1].map(|_| open(&url, &Options::default()).unwrap());
    let between = Between::Postgres(server);
    let (one, other) = two(&between).await;
    let caches = [one.numbers(), other.numbers()];
    let made: Result<(), StoreError> = dbs[0]
        .write(&CAUSE, |tx| {
            tx.execute("CREATE TABLE things (id TEXT PRIMARY KEY, number BIGINT)", &[])?;
            tx.execute("INSERT INTO things (id, number) VALUES ('a', 0)", &[]).map(drop)
        })
        .await;
    made.unwrap();
    for change in 1..=20_i64 {
        let wanted = Some(change.unsigned_abs());
        let writer = usize::from(change % 2 == 0);
        // Both have the value of before.
        get(&dbs[0], &caches[0]).await;
        get(&dbs[1], &caches[1]).await;
        set(&dbs[writer], &caches[writer], change).await;
        assert_eq!(get(&dbs[writer], &caches[writer]).await, wanted, "the writer itself, at once");
        let heard = async {
            while get(&dbs[1 - writer], &caches[1 - writer]).await != wanted {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENT, heard).await.expect("the other hears of it");
    }
}
