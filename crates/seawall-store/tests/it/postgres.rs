//! What PostgreSQL alone has to bear.

use std::{sync::Arc, time::Duration};

use seawall_store::{DatabaseUrl, Lane, OpenError, Options, StoreError};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::{CAUSE, RealClock, Store, chain, gate::Gate, open, server::Server};

/// Asks until the store answers.
async fn until_back(store: &Store) {
    let clock = RealClock::new();
    loop {
        match store.db.within(Duration::from_secs(2)).write(&CAUSE, |tx| tx.one::<(i64,)>("SELECT 1", &[])).await {
            Ok((1,)) => return,
            Err(error) if clock.elapsed() > Duration::from_secs(10) => panic!("it never came back: {error}"),
            _ => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

#[tokio::test]
async fn a_server_that_went_away_is_used_again() {
    let store = Store::postgres(&Options::default());
    store.things().await;
    store.server().stop();
    let clock = RealClock::new();
    let db = store.db.within(Duration::from_secs(1));
    for _ in 0..3 {
        let outcome = db.write(&CAUSE, |tx| tx.one::<(i64,)>("SELECT 1", &[])).await;
        assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
    }
    assert!(clock.elapsed() < Duration::from_secs(6), "{:?}", clock.elapsed());
    store.server().start_again();
    until_back(&store).await;
    store.add("a", 1).await.unwrap();
    assert_eq!(store.ids().await, ["a"]);
}

#[tokio::test]
async fn a_restart_is_not_even_noticed() {
    let store = Store::postgres(&Options::default());
    store.things().await;
    store.server().stop();
    store.server().start_again();
    // All connections are broken, and each finds out by itself.
    for _ in 0..20 {
        store.db.write(&CAUSE, |tx| tx.one::<(i64,)>("SELECT 1", &[])).await.unwrap();
        assert!(store.ids().await.is_empty());
    }
}

#[tokio::test]
async fn a_connection_that_breaks_amid_a_transaction_costs_a_second_run() {
    let store = Store::postgres(&Options::default());
    store.things().await;
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let outcome: Result<(), StoreError> = store
        .db
        .write(&CAUSE, move |tx| {
            tx.execute(crate::support::INSERT, &[&"a", &1_i64])?;
            if counted.fetch_add(1, Ordering::SeqCst) == 0 {
                tx.each("SELECT pg_terminate_backend(pg_backend_pid())", &[], |_| Ok(()))?;
            }
            Ok(())
        })
        .await;
    assert_eq!(outcome, Ok(()));
    assert_eq!(runs.load(Ordering::SeqCst), 2);
    assert_eq!(store.ids().await, ["a"]);
}

#[tokio::test]
async fn a_connection_that_breaks_during_commit_leaves_the_outcome_open() {
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
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let outcome = store
        .db
        .write(&CAUSE, move |tx| {
            counted.fetch_add(1, Ordering::SeqCst);
            tx.execute(crate::support::INSERT, &[&"a", &1_i64])
        })
        .await;
    assert!(matches!(outcome, Err(StoreError::OutcomeUnknown(_))), "{outcome:?}");
    assert_eq!(runs.load(Ordering::SeqCst), 1, "it may have been kept, so it must not run again");
}

#[tokio::test]
async fn who_waits_is_answered_when_the_time_is_over() {
    let store = Store::postgres(&Options { connections: 3, ..Options::default() });
    let gate = Gate::default();
    let (db, held) = (store.db.clone(), gate.clone());
    let first = tokio::spawn(async move {
        db.write(&CAUSE, move |tx| {
            held.pass();
            tx.one::<(i64,)>("SELECT 1", &[])
        })
        .await
    });
    gate.arrived(1).await;
    let late = store.db.within(Duration::from_millis(50));
    // The only connection is still taken.
    let late = late.read(Lane::Interactive, |tx| tx.one::<(i64,)>("SELECT 1", &[])).await;
    assert_eq!(late, Err(StoreError::TimedOut { limit_ms: 50 }));
    gate.open();
    assert_eq!(first.await.unwrap(), Ok::<_, StoreError>((1,)));
}

#[tokio::test]
async fn a_frozen_server_holds_nobody_beyond_the_limit() {
    // Fewer connections than transactions, so that most of these wait for one that hangs.
    let store = Store::postgres(&Options { connections: 4, ..Options::default() });
    store.things().await;
    store.add("a", 1).await.unwrap();
    let frozen = store.server().freeze();
    let clock = RealClock::new();
    let asked: Vec<_> = (0..12)
        .map(|place| {
            let db = store.db.within(Duration::from_millis(500));
            tokio::spawn(async move {
                match place % 3 {
                    0 => db.write(&CAUSE, |tx| tx.one::<(i64,)>("SELECT 1", &[])).await,
                    1 => db.read(Lane::Interactive, |tx| tx.one::<(i64,)>("SELECT 1", &[])).await,
                    _ => db.read(Lane::Background, |tx| tx.one::<(i64,)>("SELECT 1", &[])).await,
                }
            })
        })
        .collect();
    let mut outcomes = Vec::new();
    for asked in asked {
        outcomes.push(asked.await.unwrap());
    }
    let took = clock.elapsed();
    drop(frozen);
    for outcome in outcomes {
        assert!(matches!(outcome, Err(StoreError::TimedOut { .. } | StoreError::Unavailable(_))), "{outcome:?}");
    }
    assert!(took < Duration::from_millis(1_500), "{took:?}");
    until_back(&store).await;
    assert_eq!(store.ids().await, ["a"]);
}

#[tokio::test]
async fn transactions_that_wait_for_one_another_both_succeed() {
    let store = Store::postgres(&Options::default());
    store.things().await;
    store.add("a", 0).await.unwrap();
    store.add("b", 0).await.unwrap();
    let both = Gate::default();
    let runs = Arc::new(AtomicUsize::new(0));
    let events = Arc::new(AtomicUsize::new(0));
    let crossing = |first: &'static str, second: &'static str| {
        let (both, runs, events) = (both.clone(), Arc::clone(&runs), Arc::clone(&events));
        store.db.write(&CAUSE, move |tx| -> Result<(), StoreError> {
            const ADD: &str = "UPDATE things SET number = number + 1 WHERE id = $1";
            runs.fetch_add(1, Ordering::SeqCst);
            let counted = Arc::clone(&events);
            tx.on_commit(move || {
                counted.fetch_add(1, Ordering::SeqCst);
            });
            tx.execute(ADD, &[&first])?;
            // In the first runs both have their first row before they want the other's.
            both.arrive();
            both.gather(2);
            tx.execute(ADD, &[&second]).map(drop)
        })
    };
    let (one, other) = tokio::join!(crossing("a", "b"), crossing("b", "a"));
    assert_eq!((one, other), (Ok(()), Ok(())));
    assert_eq!(runs.load(Ordering::SeqCst), 3, "one of them ran again");
    assert_eq!(events.load(Ordering::SeqCst), 2, "each event happened once");
    assert_eq!((store.number("a").await, store.number("b").await), (Some(2), Some(2)));
}

#[tokio::test]
async fn who_keeps_losing_is_told_after_three_runs() {
    let store = Store::postgres(&Options::default());
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let outcome: Result<(), StoreError> = store
        .db
        .write(&CAUSE, move |tx| {
            counted.fetch_add(1, Ordering::SeqCst);
            tx.execute("DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$", &[]).map(drop)
        })
        .await;
    assert_eq!(outcome, Err(StoreError::Contended { attempts: 3 }));
    assert_eq!(runs.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn who_waits_for_a_row_is_answered_in_time() {
    let store = Store::postgres(&Options::default());
    store.things().await;
    store.add("a", 0).await.unwrap();
    const ADD: &str = "UPDATE things SET number = number + 1 WHERE id = 'a'";
    let gate = Gate::default();
    let (db, held) = (store.db.clone(), gate.clone());
    let first = tokio::spawn(async move {
        db.write(&CAUSE, move |tx| {
            let changed = tx.execute(ADD, &[])?;
            held.pass();
            Ok::<_, StoreError>(changed)
        })
        .await
    });
    gate.arrived(1).await;
    let second = store.db.within(Duration::from_millis(300)).write(&CAUSE, |tx| tx.execute(ADD, &[])).await;
    assert_eq!(second, Err(StoreError::TimedOut { limit_ms: 300 }));
    gate.open();
    assert_eq!(first.await.unwrap(), Ok(1));
    assert_eq!(store.number("a").await, Some(1));
}

#[tokio::test]
async fn the_server_keeps_a_bounded_number_of_statements() {
    let store = Store::postgres(&Options { connections: 3, ..Options::default() });
    for number in 0..300_i64 {
        let sql: &'static str = format!("SELECT {number}").leak();
        let row: Result<(i64,), StoreError> = store.db.read(Lane::Interactive, move |tx| tx.one(sql, &[])).await;
        assert_eq!(row, Ok((number,)));
    }
    let sql = "SELECT count(*) FROM pg_prepared_statements";
    let kept: Result<(i64,), StoreError> = store.db.read(Lane::Interactive, move |tx| tx.one(sql, &[])).await;
    assert_eq!(kept, Ok((256,)));
}

#[tokio::test]
async fn a_table_that_changed_is_read_as_it_is() {
    let store = Store::postgres(&Options { connections: 3, ..Options::default() });
    store.things().await;
    store.add("a", 1).await.unwrap();
    const ALL: &str = "SELECT * FROM things";
    let width = async || -> usize {
        let read: Result<_, StoreError> = store
            .db
            .read(Lane::Interactive, |tx| {
                let mut width = 0;
                tx.each(ALL, &[], |row| {
                    width = row.width();
                    Ok(())
                })?;
                Ok(width)
            })
            .await;
        read.unwrap()
    };
    assert_eq!(width().await, 2);
    store.db.write(&CAUSE, |tx| tx.execute("ALTER TABLE things ADD COLUMN name TEXT", &[])).await.unwrap();
    assert_eq!(width().await, 3);
}

#[tokio::test]
async fn errors_quote_no_values() {
    let store = Store::postgres(&Options::default());
    store.things().await;
    let twice = "INSERT INTO things (id, number) VALUES ($1, 1), ($1, 2)";
    let cast = "SELECT CAST(CAST($1 AS TEXT) AS BIGINT)";
    for sql in [twice, cast] {
        let outcome: Result<(), StoreError> =
            store.db.write(&CAUSE, move |tx| tx.each(sql, &[&"s3cret"], |_| Ok(()))).await;
        let error = outcome.unwrap_err().to_string();
        assert!(!error.contains("s3cret"), "{error}");
    }
}

#[tokio::test]
async fn a_type_that_is_not_read_is_named() {
    let store = Store::postgres(&Options::default());
    let outcome: Result<(i64,), StoreError> =
        store.db.read(Lane::Interactive, |tx| tx.one("SELECT CAST(1 AS NUMERIC) AS total", &[])).await;
    let Err(StoreError::Statement(why)) = outcome else { panic!("{outcome:?}") };
    assert!(why.contains("total") && why.contains("numeric"), "{why}");
}

#[tokio::test]
async fn json_and_small_numbers_come_back() {
    let store = Store::postgres(&Options::default());
    let sql = "SELECT CAST($1 AS JSONB) AS json, CAST($2 AS SMALLINT), CAST($3 AS REAL), CAST($4 AS VARCHAR(9))";
    let row: Result<(String, i64, f64, String), StoreError> =
        store.db.read(Lane::Interactive, move |tx| tx.one(sql, &[&"{\"a\": 1}", &-7_i64, &0.5, &"words"])).await;
    assert_eq!(row, Ok(("{\"a\": 1}".to_owned(), -7, 0.5, "words".to_owned())));
    let wide: Result<(i64,), StoreError> =
        store.db.read(Lane::Interactive, |tx| tx.one("SELECT CAST($1 AS SMALLINT)", &[&70_000_i64])).await;
    assert_eq!(wide, Err(StoreError::Statement("$1 holds a whole number, which does not fit int2".to_owned())));
}

#[tokio::test]
async fn a_wrong_password_is_told_without_it() {
    let store = Store::postgres(&Options::default());
    store.db.write(&CAUSE, |tx| tx.execute("CREATE ROLE locked LOGIN PASSWORD 'right'", &[])).await.unwrap();
    let url = |password: &str| DatabaseUrl::parse(&store.server().tcp_url(&format!("locked:{password}"), "")).unwrap();
    let clock = RealClock::new();
    let error = open(&url("s3cret"), &Options::default()).unwrap_err();
    assert!(clock.elapsed() < Duration::from_secs(3), "{:?}", clock.elapsed());
    let text = chain(&error);
    assert!(text.contains("password authentication failed for user \"locked\""), "{text}");
    assert!(!text.contains("s3cret") && !format!("{error:?}").contains("s3cret"), "{text}");
    assert!(open(&url("right"), &Options::default()).is_ok());
}

#[tokio::test]
async fn a_database_in_another_encoding_is_refused() {
    let server = Server::start();
    let (client, connection) = tokio_postgres::connect(&server.url(), tokio_postgres::NoTls).await.unwrap();
    let driver = tokio::spawn(connection);
    let sql = "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0";
    client.batch_execute(sql).await.unwrap();
    drop(client);
    driver.await.unwrap().unwrap();
    let url = DatabaseUrl::parse(&server.url().replace("/postgres?", "/latin?")).unwrap();
    let outcome = open(&url, &Options::default());
    assert!(matches!(&outcome, Err(OpenError::Encoding(encoding)) if encoding == "LATIN1"), "{outcome:?}");
}

#[test]
fn a_server_that_is_not_there_is_told_at_once() {
    let server = Server::start();
    server.stop();
    let error = open(&DatabaseUrl::parse(&server.tcp_url("seawall", "")).unwrap(), &Options::default()).unwrap_err();
    assert!(chain(&error).contains("Connection refused"), "{}", chain(&error));
}
