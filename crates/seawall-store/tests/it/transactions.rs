//! What a transaction keeps, and what it does not.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use seawall_store::{Lane, StoreError};

use crate::support::{CAUSE, INSERT, gate::Gate, on_both};

#[tokio::test]
async fn an_error_undoes_everything() {
    on_both(async |store| {
        store.things().await;
        let outcome: Result<(), StoreError> = store
            .db
            .write(&CAUSE, |tx| {
                tx.execute(INSERT, &[&"a", &1_i64])?;
                Err(StoreError::NoRow)
            })
            .await;
        assert_eq!(outcome, Err(StoreError::NoRow));
        assert!(store.ids().await.is_empty(), "{}", store.name());
    })
    .await;
}

#[tokio::test]
async fn a_failed_statement_spoils_the_transaction_even_when_it_is_ignored() {
    on_both(async |store| {
        store.things().await;
        store.add("a", 1).await.unwrap();
        let outcome: Result<(), StoreError> = store
            .db
            .write(&CAUSE, |tx| {
                tx.execute(INSERT, &[&"b", &1_i64])?;
                assert!(tx.execute(INSERT, &[&"a", &1_i64]).is_err());
                assert!(tx.execute(INSERT, &[&"c", &1_i64]).is_err(), "nothing runs any more");
                Ok(())
            })
            .await;
        assert!(matches!(outcome, Err(StoreError::Conflict(_))), "{}: {outcome:?}", store.name());
        assert_eq!(store.ids().await, ["a"]);
    })
    .await;
}

#[tokio::test]
async fn a_savepoint_undoes_its_part_alone_with_its_events() {
    on_both(async |store| {
        store.things().await;
        let events = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&events);
        let outcome: Result<(), StoreError> = store
            .db
            .write(&CAUSE, move |tx| {
                let event = |weight: usize| {
                    let seen = Arc::clone(&seen);
                    move || {
                        seen.fetch_add(weight, Ordering::SeqCst);
                    }
                };
                tx.execute(INSERT, &[&"a", &1_i64])?;
                tx.on_commit(event(1));
                let part: Result<(), StoreError> = tx.savepoint(|tx| {
                    tx.execute(INSERT, &[&"b", &1_i64])?;
                    tx.on_commit(event(10));
                    tx.savepoint(|tx| {
                        tx.on_commit(event(100));
                        tx.execute(INSERT, &[&"inner", &1_i64])
                    })?;
                    tx.execute(INSERT, &[&"a", &1_i64]).map(drop)
                });
                assert!(matches!(part, Err(StoreError::Conflict(_))), "{part:?}");
                tx.savepoint(|tx| {
                    tx.on_commit(event(1_000));
                    tx.execute(INSERT, &[&"c", &1_i64])
                })?;
                Ok(())
            })
            .await;
        assert_eq!(outcome, Ok(()), "{}", store.name());
        assert_eq!(store.ids().await, ["a", "c"], "{}", store.name());
        assert_eq!(events.load(Ordering::SeqCst), 1_001, "{}", store.name());
    })
    .await;
}

#[tokio::test]
async fn events_happen_once_after_the_commit_and_never_without() {
    on_both(async |store| {
        store.things().await;
        let (events, seen) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        for keep in [true, false] {
            let (counting, noting) = (Arc::clone(&events), Arc::clone(&seen));
            let outcome = store
                .db
                .write(&CAUSE, move |tx| {
                    let counted = Arc::clone(&counting);
                    tx.on_commit(move || {
                        counted.fetch_add(1, Ordering::SeqCst);
                    });
                    tx.execute(INSERT, &[&if keep { "a" } else { "b" }, &1_i64])?;
                    noting.store(counting.load(Ordering::SeqCst), Ordering::SeqCst);
                    if keep { Ok(()) } else { Err(StoreError::NoRow) }
                })
                .await;
            assert_eq!(outcome.is_ok(), keep);
            assert_eq!(seen.load(Ordering::SeqCst), usize::from(!keep), "an event came before its commit");
            assert_eq!(events.load(Ordering::SeqCst), 1, "{}", store.name());
        }
    })
    .await;
}

#[tokio::test]
async fn a_panic_is_answered_and_harms_nobody_else() {
    on_both(async |store| {
        store.things().await;
        for _ in 0..12 {
            let outcome: Result<(), StoreError> = store
                .db
                .write(&CAUSE, |tx| {
                    tx.execute(INSERT, &[&"a", &1_i64])?;
                    panic!("in the closure")
                })
                .await;
            assert_eq!(outcome, Err(StoreError::Panicked("in the closure".to_owned())));
        }
        store.add("b", 1).await.unwrap();
        assert_eq!(store.ids().await, ["b"], "{}", store.name());
    })
    .await;
}

#[tokio::test]
async fn an_event_that_panics_harms_nobody() {
    on_both(async |store| {
        store.things().await;
        for id in ["a", "b", "c", "d", "e", "f", "g", "h", "i"] {
            let outcome = store
                .db
                .write(&CAUSE, move |tx| {
                    tx.on_commit(|| panic!("after the commit"));
                    tx.execute(INSERT, &[&id, &1_i64])
                })
                .await;
            assert_eq!(outcome, Ok::<_, StoreError>(1), "{}", store.name());
        }
        assert_eq!(store.ids().await.len(), 9, "{}", store.name());
    })
    .await;
}

#[tokio::test]
async fn a_panic_amid_rows_leaves_the_connection_usable() {
    on_both(async |store| {
        let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT i FROM n";
        for _ in 0..4 {
            let outcome: Result<(), StoreError> =
                store.db.read(Lane::Background, move |tx| tx.each(sql, &[], |_| panic!("at a row"))).await;
            assert_eq!(outcome, Err(StoreError::Panicked("at a row".to_owned())));
            let row: Result<(i64,), StoreError> = store.db.read(Lane::Background, |tx| tx.one("SELECT 7", &[])).await;
            assert_eq!(row, Ok((7,)), "{}", store.name());
        }
    })
    .await;
}

#[tokio::test]
async fn reads_cannot_write() {
    on_both(async |store| {
        store.things().await;
        let outcome: Result<(), StoreError> = store
            .db
            .read(Lane::Interactive, |tx| {
                tx.each("INSERT INTO things (id, number) VALUES ('a', 1) RETURNING id", &[], |_| Ok(()))
            })
            .await;
        assert!(matches!(outcome, Err(StoreError::ReadOnly(_))), "{}: {outcome:?}", store.name());
        assert!(store.ids().await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_read_sees_the_database_as_it_was() {
    on_both(async |store| {
        store.things().await;
        store.add("a", 1).await.unwrap();
        let gate = Gate::default();
        let (db, held) = (store.db.clone(), gate.clone());
        let reading = tokio::spawn(async move {
            db.read(Lane::Interactive, move |tx| -> Result<_, StoreError> {
                let before: (i64,) = tx.one("SELECT count(*) FROM things", &[])?;
                held.pass();
                let after: (i64,) = tx.one("SELECT count(*) FROM things", &[])?;
                Ok((before.0, after.0))
            })
            .await
        });
        gate.arrived(1).await;
        store.add("b", 1).await.unwrap();
        gate.open();
        assert_eq!(reading.await.unwrap(), Ok((1, 1)), "{}", store.name());
        assert_eq!(store.ids().await, ["a", "b"]);
    })
    .await;
}

#[tokio::test]
async fn concurrent_increments_are_all_kept() {
    on_both(async |store| {
        store.things().await;
        store.add("a", 0).await.unwrap();
        let tasks: Vec<_> = (0..16)
            .map(|_| {
                let db = store.db.clone();
                tokio::spawn(async move {
                    for _ in 0..10 {
                        let sql = "UPDATE things SET number = number + 1 WHERE id = $1";
                        let changed = db.write(&CAUSE, move |tx| tx.execute(sql, &[&"a"])).await;
                        assert_eq!(changed, Ok::<_, StoreError>(1));
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(store.number("a").await, Some(160), "{}", store.name());
    })
    .await;
}

#[tokio::test]
async fn a_panic_inside_a_savepoint_undoes_the_whole_transaction() {
    on_both(async |store| {
        let db = store.with_tables().await;
        store.things().await;
        // Beside others, so that its group is committed.
        let others = (0..8).map(|_| store.add_fresh());
        let panicking = async {
            let outcome: Result<(), StoreError> = db
                .write(&CAUSE, |tx| {
                    tx.audit(seawall_store::audit::Entry::new("thing.made", "thing", "half"))?;
                    tx.execute(INSERT, &[&"half", &1_i64])?;
                    tx.savepoint::<(), StoreError>(|tx| {
                        tx.execute(INSERT, &[&"inner", &1_i64])?;
                        panic!("in the middle")
                    })
                })
                .await;
            assert!(matches!(outcome, Err(StoreError::Panicked(_))), "{outcome:?}");
        };
        futures_util::join!(panicking, futures_util::future::join_all(others));
        let ids = store.ids().await;
        assert!(!ids.contains(&"half".to_owned()) && !ids.contains(&"inner".to_owned()), "{}: {ids:?}", store.name());
        assert_eq!(ids.len(), 8);
        let (entries,): (i64,) = db
            .read::<_, StoreError>(Lane::Interactive, |tx| tx.one("SELECT COUNT(*) FROM audit_log", &[]))
            .await
            .unwrap();
        assert_eq!(entries, 0, "{}", store.name());
    })
    .await;
}
