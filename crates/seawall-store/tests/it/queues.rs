//! Lanes, bounds, and the end.

use std::{sync::mpsc, time::Duration};

use seawall_store::{Lane, Options, StoreError};

use crate::support::{CAUSE, INSERT, Store, gate::Gate, on_both, on_both_with};

#[tokio::test]
async fn background_reads_keep_nobody_waiting() {
    on_both(async |store| {
        let gate = Gate::default();
        let exports: Vec<_> = (0..8)
            .map(|_| {
                let (db, held) = (store.db.clone(), gate.clone());
                tokio::spawn(async move {
                    db.read(Lane::Background, move |tx| {
                        held.pass();
                        tx.one::<(i64,)>("SELECT 1", &[])
                    })
                    .await
                })
            })
            .collect();
        gate.arrived(1).await;
        for _ in 0..20 {
            let read = store.db.within(Duration::from_secs(5));
            let read: Result<(i64,), StoreError> = read.read(Lane::Interactive, |tx| tx.one("SELECT 2", &[])).await;
            assert_eq!(read, Ok((2,)), "{}", store.name());
        }
        gate.open();
        for export in exports {
            assert_eq!(export.await.unwrap(), Ok::<_, StoreError>((1,)), "{}", store.name());
        }
    })
    .await;
}

#[tokio::test]
async fn a_full_queue_is_told_at_once() {
    let options = Options { readers: 1, connections: 3, most_waiting: 1, ..Options::default() };
    on_both_with(&options, async |store| {
        store.things().await;
        let gate = Gate::default();
        let held = gate.clone();
        let first = store.db.write(&CAUSE, move |tx| {
            held.pass();
            tx.execute(INSERT, &[&"first", &1_i64])
        });
        let rest = async {
            gate.arrived(1).await;
            let third = async {
                let third = store.add("third", 1).await;
                gate.open();
                third
            };
            tokio::join!(store.add("second", 1), third)
        };
        let (first, (second, third)) = tokio::join!(first, rest);
        assert_eq!((first, second), (Ok(1), Ok(1)), "{}", store.name());
        assert_eq!(third, Err(StoreError::Busy { waiting: 1 }), "{}", store.name());
    })
    .await;
}

#[tokio::test]
async fn closing_runs_what_waits_and_then_takes_no_more() {
    let options = Options { readers: 1, connections: 3, ..Options::default() };
    on_both_with(&options, async |store| {
        store.things().await;
        let gate = Gate::default();
        let held = gate.clone();
        let first = store.db.write(&CAUSE, move |tx| {
            held.pass();
            tx.execute(INSERT, &[&"a", &1_i64])
        });
        let rest = async {
            gate.arrived(1).await;
            // Polled in this order: two wait already when the store is closed.
            let close = async {
                let db = store.db.clone();
                let closing = tokio::task::spawn_blocking(move || db.close());
                gate.open();
                closing.await.unwrap();
            };
            tokio::join!(store.add("b", 1), store.add("c", 1), close)
        };
        let (first, (second, third, ())) = tokio::join!(first, rest);
        assert_eq!((first, second, third), (Ok(1), Ok(1), Ok(1)), "{}", store.name());
        assert_eq!(store.add("d", 1).await, Err(StoreError::Closed), "{}", store.name());
        let db = crate::support::open(&store.url, &Options::default()).unwrap();
        let count: (i64,) = db
            .read(Lane::Interactive, |tx| tx.one("SELECT count(*) FROM things", &[]))
            .await
            .unwrap_or_else(|error: StoreError| panic!("{error}"));
        assert_eq!(count, (3,), "{}", store.name());
    })
    .await;
}

/// Tells, when it is dropped, whether that was in peace.
struct Farewell(mpsc::Sender<bool>);

impl Drop for Farewell {
    fn drop(&mut self) {
        let _ = self.0.send(!std::thread::panicking());
    }
}

#[tokio::test]
async fn a_transaction_may_hold_the_last_handle_to_its_store() {
    for store in [Store::sqlite(&Options::default()), Store::postgres(&Options::default())] {
        let name = store.name();
        let Store { db, ground, .. } = store;
        let gate = Gate::default();
        let (told, farewell) = mpsc::channel();
        let (held, last) = (gate.clone(), db.clone());
        let asking = tokio::spawn(async move {
            // Dropped in this order, on a thread of the store.
            let kept = (last, Farewell(told));
            db.write(&CAUSE, move |tx| {
                let _ = &kept;
                held.pass();
                tx.one::<(i64,)>("SELECT 1", &[])
            })
            .await
        });
        gate.arrived(1).await;
        asking.abort();
        assert!(asking.await.unwrap_err().is_cancelled());
        gate.open();
        let farewell = tokio::task::spawn_blocking(move || farewell.recv_timeout(Duration::from_secs(10)));
        assert_eq!(farewell.await.unwrap(), Ok(true), "{name}");
        drop(ground);
    }
}

#[tokio::test]
async fn who_waits_longer_than_allowed_is_answered_while_the_threads_are_busy() {
    on_both(async |store| {
        store.things().await;
        let (gate, held) = (Gate::default(), Duration::from_millis(300));
        let blocked = gate.clone();
        let busy = store.db.write::<_, StoreError>(&CAUSE, move |_| {
            blocked.pass();
            Ok(())
        });
        let waiting = async {
            let mut late = Vec::new();
            for _ in 0..40 {
                let db = store.db.within(held);
                late.push(tokio::spawn(async move {
                    db.write::<_, StoreError>(&CAUSE, |tx| tx.execute("UPDATE things SET number = 1", &[])).await
                }));
            }
            let mut timed_out = 0;
            for one in late {
                timed_out += usize::from(matches!(one.await.unwrap(), Err(StoreError::TimedOut { .. })));
            }
            gate.open();
            timed_out
        };
        let (done, timed_out) = futures_util::join!(busy, waiting);
        done.unwrap();
        // PostgreSQL has other threads; SQLite has one that writes, and nobody waits for it longer than allowed.
        if store.name() == "SQLite" {
            assert_eq!(timed_out, 40);
        }
    })
    .await;
}
