//! A transaction says what it makes void; only a commit does.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use seawall_store::{Options, StoreError, cache::Known};

use super::{Node, Numbers, fill, key};
use crate::support::{CAUSE, INSERT, Store, nodes::PATIENT, on_both};

/// Reads a number through the cache.
async fn number(store: &Store, cache: &Numbers, id: &'static str) -> Option<u64> {
    let db = store.db.clone();
    let read = async move {
        let row: Option<(i64,)> = db
            .read(seawall_store::Lane::Interactive, move |tx| {
                tx.find("SELECT number FROM things WHERE id = $1", &[&id])
            })
            .await?;
        Ok::<_, StoreError>(row.map(|(number,)| number.unsigned_abs()))
    };
    cache.get_or_load(&key(id), PATIENT, read).await.unwrap().found()
}

const UPDATE: &str = "UPDATE things SET number = $2 WHERE id = $1";

#[tokio::test(flavor = "multi_thread")]
async fn whoever_writes_reads_what_was_written() {
    on_both(async |store| {
        store.things().await;
        let cache = Node::alone().numbers();
        assert_eq!(number(store, &cache, "a").await, None);
        for round in 1..=50_i64 {
            let voided = cache.clone();
            let written: Result<(), StoreError> = store
                .db
                .write(&CAUSE, move |tx| {
                    tx.void(&voided, [key("a")]);
                    if tx.execute(UPDATE, &[&"a", &round])? == 0 {
                        tx.execute(INSERT, &[&"a", &round])?;
                    }
                    Ok(())
                })
                .await;
            written.unwrap();
            assert_eq!(number(store, &cache, "a").await, Some(round.unsigned_abs()));
            assert_eq!(cache.get("a"), Some(Known::Found(round.unsigned_abs())));
        }
        let voided = cache.clone();
        let all: Result<(), StoreError> = store
            .db
            .write(&CAUSE, move |tx| {
                tx.void_all(&voided);
                Ok(())
            })
            .await;
        assert_eq!((all, cache.entries()), (Ok(()), 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_undone_makes_nothing_void() {
    on_both(async |store| {
        let cache = Node::alone().numbers();
        fill(&cache, "undone", 1).await;
        fill(&cache, "part", 2).await;
        fill(&cache, "kept", 3).await;
        let voided = cache.clone();
        let undone: Result<(), StoreError> = store
            .db
            .write(&CAUSE, move |tx| {
                tx.void(&voided, [key("undone")]);
                Err(StoreError::NoRow)
            })
            .await;
        assert_eq!(undone, Err(StoreError::NoRow));
        let voided = cache.clone();
        let kept: Result<(), StoreError> = store
            .db
            .write(&CAUSE, move |tx| {
                tx.void(&voided, [key("kept")]);
                let part: Result<(), StoreError> = tx.savepoint(|tx| {
                    tx.void(&voided, [key("part")]);
                    Err(StoreError::NoRow)
                });
                assert!(part.is_err());
                Ok(())
            })
            .await;
        assert_eq!(kept, Ok(()));
        assert_eq!(["undone", "part", "kept"].map(|name| cache.get(name).is_some()), [true, true, false]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closure_that_runs_again_makes_void_once() {
    let store = Store::postgres(&Options::default());
    store.things().await;
    let node = Node::alone();
    let cache = node.numbers();
    let (voided, runs) = (cache.clone(), Arc::new(AtomicU64::new(0)));
    let ran = Arc::clone(&runs);
    let written: Result<(), StoreError> = store
        .db
        .write(&CAUSE, move |tx| {
            tx.void(&voided, [key("a")]);
            if ran.fetch_add(1, Ordering::SeqCst) == 0 {
                // As the server says it when others changed the same rows.
                let contended = "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40001'; END $$";
                tx.execute(contended, &[])?;
            }
            tx.execute(INSERT, &[&"a", &1_i64]).map(drop)
        })
        .await;
    written.unwrap();
    assert_eq!(runs.load(Ordering::SeqCst), 2);
    assert_eq!(node.counts.of("seawall_cache_invalidations numbers own keys"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_of_which_nobody_knows_makes_void_too() {
    let store = Store::postgres(&Options::default());
    store.things().await;
    for sql in [
        "CREATE FUNCTION leave() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$",
        "CREATE CONSTRAINT TRIGGER leaving AFTER INSERT ON things DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION leave()",
    ] {
        store.db.write(&CAUSE, move |tx| tx.execute(sql, &[])).await.unwrap();
    }
    let cache = Node::alone().numbers();
    fill(&cache, "a", 1).await;
    let (voided, committed) = (cache.clone(), Arc::new(AtomicU64::new(0)));
    let told = Arc::clone(&committed);
    let ended: Result<(), StoreError> = store
        .db
        .write(&CAUSE, move |tx| {
            tx.void(&voided, [key("a")]);
            let told = Arc::clone(&told);
            tx.on_commit(move || told.store(1, Ordering::SeqCst));
            tx.execute(INSERT, &[&"a", &1_i64]).map(drop)
        })
        .await;
    assert!(matches!(ended, Err(StoreError::OutcomeUnknown(_))), "{ended:?}");
    assert_eq!((cache.get("a"), committed.load(Ordering::SeqCst)), (None, 0));
}
