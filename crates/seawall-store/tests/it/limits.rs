//! What transactions may take.

use std::time::Duration;

use seawall_store::{Lane, Options, StoreError};

use crate::support::{CAUSE, INSERT, RealClock, gate::Gate, on_both, on_both_with};

/// Counts for longer than any test.
const ENDLESS: &str = "
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000000) SELECT count(*) FROM n";

#[tokio::test]
async fn a_transaction_ends_in_time() {
    on_both(async |store| {
        store.things().await;
        let db = store.db.within(Duration::from_millis(300));
        let over = StoreError::TimedOut { limit_ms: 300 };

        let clock = RealClock::new();
        let read: Result<(i64,), StoreError> = db.read(Lane::Interactive, |tx| tx.one(ENDLESS, &[])).await;
        assert_eq!(read, Err(over.clone()), "{}", store.name());
        let written: Result<(), StoreError> = db
            .write(&CAUSE, |tx| {
                tx.execute(INSERT, &[&"a", &1_i64])?;
                tx.one::<(i64,)>(ENDLESS, &[]).map(drop)
            })
            .await;
        assert_eq!(written, Err(over), "{}", store.name());
        assert!(clock.elapsed() < Duration::from_millis(2_600), "{}: {:?}", store.name(), clock.elapsed());
        store.add("b", 1).await.unwrap();
        assert_eq!(store.ids().await, ["b"]);
    })
    .await;
}

#[tokio::test]
async fn one_that_takes_too_long_harms_no_other() {
    on_both(async |store| {
        store.things().await;
        let gate = Gate::default();
        let (db, held) = (store.db.clone(), gate.clone());
        let first = tokio::spawn(async move {
            db.write(&CAUSE, move |tx| {
                held.pass();
                tx.execute(INSERT, &[&"first", &1_i64])
            })
            .await
        });
        gate.arrived(1).await;
        let slow = store.db.within(Duration::from_millis(300));
        let slow = slow.write(&CAUSE, |tx| -> Result<_, StoreError> {
            tx.execute(INSERT, &[&"slow", &1_i64])?;
            tx.one::<(i64,)>(ENDLESS, &[])
        });
        let open = async { gate.open() };
        let (slow, quick, ()) = tokio::join!(slow, store.add("quick", 1), open);
        assert_eq!(slow, Err(StoreError::TimedOut { limit_ms: 300 }), "{}", store.name());
        assert_eq!(quick, Ok(1), "{}", store.name());
        assert_eq!(first.await.unwrap(), Ok::<_, StoreError>(1), "{}", store.name());
        assert_eq!(store.ids().await, ["first", "quick"], "{}", store.name());
    })
    .await;
}

#[tokio::test]
async fn waiting_for_others_counts() {
    // One thread of each kind.
    let options = Options { readers: 1, connections: 3, ..Options::default() };
    on_both_with(&options, async |store| {
        store.things().await;
        let gate = Gate::default();
        let (db, held) = (store.db.clone(), gate.clone());
        let first = tokio::spawn(async move {
            db.write(&CAUSE, move |tx| {
                held.pass();
                tx.execute(INSERT, &[&"first", &1_i64])
            })
            .await
        });
        gate.arrived(1).await;
        let late = store.db.within(Duration::from_millis(50));
        let late = late.write(&CAUSE, |tx| tx.execute(INSERT, &[&"late", &1_i64]));
        let open = async {
            tokio::time::sleep(Duration::from_millis(80)).await;
            gate.open();
        };
        let (late, ()) = tokio::join!(late, open);
        assert_eq!(late, Err(StoreError::TimedOut { limit_ms: 50 }), "{}", store.name());
        assert_eq!(first.await.unwrap(), Ok::<_, StoreError>(1), "{}", store.name());
        assert_eq!(store.ids().await, ["first"], "{}", store.name());
    })
    .await;
}
