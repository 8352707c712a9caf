//! Loose writes.

use std::time::Duration;

use seawall_store::{LooseWrite, Merge, Options};

use crate::support::{RealClock, Store, on_both, open};

const LAST: LooseWrite =
    LooseWrite { sql: "UPDATE things SET number = $2 WHERE id = $1 AND number < $2", merge: Merge::Greatest };
const COUNT: LooseWrite = LooseWrite { sql: "UPDATE things SET number = number + $2 WHERE id = $1", merge: Merge::Sum };
const BAD: LooseWrite = LooseWrite { sql: "UPDATE nowhere SET number = $2 WHERE id = $1", merge: Merge::Sum };

async fn until(store: &Store, id: &'static str, number: i64) -> Duration {
    let clock = RealClock::new();
    while store.number(id).await != Some(number) {
        assert!(clock.elapsed() < Duration::from_secs(10), "{}: never written", store.name());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    clock.elapsed()
}

#[tokio::test]
async fn they_are_merged_and_seen_within_a_second() {
    on_both(async |store| {
        store.things().await;
        store.add("last", 0).await.unwrap();
        store.add("count", 0).await.unwrap();
        // The store has nothing else to do, and has settled down.
        tokio::time::sleep(Duration::from_millis(600)).await;
        for number in [3, 9, 5] {
            store.db.loose(LAST, "last", number);
            store.db.loose(COUNT, "count", number);
        }
        store.db.loose(BAD, "count", 1);
        store.db.loose(COUNT, "gone", 1);
        let took = until(store, "count", 17).await;
        assert!(took < Duration::from_millis(1_200), "{}: {took:?}", store.name());
        assert_eq!(store.number("last").await, Some(9), "{}", store.name());
        store.db.loose(COUNT, "count", 1);
        until(store, "count", 18).await;
    })
    .await;
}

#[tokio::test]
async fn they_are_written_when_the_store_is_closed() {
    on_both(async |store| {
        store.things().await;
        store.add("count", 0).await.unwrap();
        store.db.loose(COUNT, "count", 5);
        store.db.close();
        let db = open(&store.url, &Options::default()).unwrap();
        let sql = "SELECT number FROM things WHERE id = 'count'";
        let number: Result<(i64,), seawall_store::StoreError> =
            db.read(seawall_store::Lane::Interactive, move |tx| tx.one(sql, &[])).await;
        assert_eq!(number, Ok((5,)), "{}", store.name());
    })
    .await;
}
