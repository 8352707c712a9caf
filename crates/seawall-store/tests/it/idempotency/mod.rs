//! Idempotency keys on both engines.

mod bounds;
#[path = "../../../../seawall-testkit/src/ports/idempotency_store.rs"]
#[expect(unreachable_pub, reason = "the file is a part of the test kit too")]
mod contract;
mod crash;
mod nodes;

use std::{sync::Arc, time::Duration};

use seawall_core::{
    clock::Clock,
    idempotency::{Claim, IdempotencyStore},
};
use seawall_store::{
    Db, Lane, Options, StoreError,
    idempotency::{Attempts, Bounds},
    retention::{RULES, Rule, prune},
};
use tokio::sync::watch;

use self::contract::{Attempt, Ground, LaterIdempotency, answer, idempotency_store_contract, settle, word};
use crate::support::{CAUSE, RealClock, Store, gate::Gate, on_both};

/// A life over a store, whose keys are made older by hand.
struct OverDb {
    db: Db,
    attempts: Attempts,
    clock: Arc<RealClock>,
    later: bool,
}

impl OverDb {
    fn new(db: &Db, bounds: Bounds) -> Self {
        let attempts = Attempts::open(db, bounds).unwrap();
        Self { db: db.clone(), attempts, clock: Arc::new(RealClock::new()), later: false }
    }

    async fn tried(&self, attempt: Attempt<'_>) -> String {
        word(&attempt.begin(&self.attempts, self.clock.now()).await.unwrap())
    }

    /// Carries an attempt out that nobody has made.
    async fn carried_out(&self, attempt: Attempt<'_>, body: &'static str) {
        let claim = attempt.begin(&self.attempts, self.clock.now()).await.unwrap();
        let Claim::Fresh(lease) = claim else { panic!("{claim:?}") };
        settle(&self.attempts, &lease, answer(body), self.clock.now()).await.unwrap();
    }
}

impl Ground for OverDb {
    fn store(&self) -> Arc<dyn IdempotencyStore> {
        let store = Arc::new(self.attempts.clone());
        if self.later { Arc::new(LaterIdempotency(store)) } else { store }
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock) as Arc<dyn Clock>
    }

    async fn pass(&self, time: Duration) {
        age(&self.db, time).await;
    }
}

/// Makes all keys older.
async fn age(db: &Db, time: Duration) {
    let us = i64::try_from(time.as_micros()).unwrap();
    let sql =
        "UPDATE idempotency_keys SET begun_at = begun_at - $1, until_at = until_at - $1, expires_at = expires_at - $1";
    db.write::<_, StoreError>(&CAUSE, move |tx| tx.execute(sql, &[&us])).await.unwrap();
}

async fn count(db: &Db, sql: &'static str) -> i64 {
    let (count,): (i64,) = db.read::<_, StoreError>(Lane::Interactive, move |tx| tx.one(sql, &[])).await.unwrap();
    count
}

#[tokio::test]
async fn wk_13_both_engines_keep_the_contract_at_once_and_later() {
    on_both(async |store| {
        let db = store.with_tables().await;
        idempotency_store_contract(&OverDb::new(&db, Bounds::default())).await;
        let empty = "DELETE FROM idempotency_keys";
        db.write::<_, StoreError>(&CAUSE, move |tx| tx.execute(empty, &[])).await.unwrap();
        idempotency_store_contract(&OverDb { later: true, ..OverDb::new(&db, Bounds::default()) }).await;
    })
    .await;
}

#[tokio::test]
async fn wk_13_nothing_that_a_database_holds_opens_an_answer_or_names_a_key() {
    on_both(async |store| {
        let db = store.with_tables().await;
        let attempt = Attempt { caller: "Bearer very-secret-token", ..Attempt::of("order-of-ann-4711") };
        OverDb::new(&db, Bounds::default()).carried_out(attempt, "{\"card\":\"4242 4242\"}").await;
        let columns = [
            "SELECT place FROM idempotency_keys",
            "SELECT proof FROM idempotency_keys",
            "SELECT caller FROM idempotency_keys",
            "SELECT answer FROM idempotency_keys",
        ];
        for column in columns {
            let row: (Vec<u8>,) =
                db.read::<_, StoreError>(Lane::Interactive, move |tx| tx.one(column, &[])).await.unwrap();
            let all = row.0;
            assert!(!all.is_empty(), "{column}");
            for secret in ["very-secret-token", "order-of-ann", "4242", "application/json", "/orders"] {
                assert!(!all.windows(secret.len()).any(|window| window == secret.as_bytes()), "{secret}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_was_changed_in_the_database_is_not_given() {
    on_both(async |store| {
        let db = store.with_tables().await;
        let life = OverDb::new(&db, Bounds::default());
        life.carried_out(Attempt::of("one"), "one").await;
        life.carried_out(Attempt::of("two"), "two").await;
        // Each gets the other's.
        db.write::<_, StoreError>(&CAUSE, |tx| {
            let rows: Vec<(Vec<u8>, Vec<u8>)> = tx.all("SELECT place, answer FROM idempotency_keys", &[])?;
            let [(one, first), (two, second)] = &rows[..] else { panic!("{} rows", rows.len()) };
            let change = "UPDATE idempotency_keys SET answer = $2 WHERE place = $1";
            tx.execute(change, &[one, second])?;
            tx.execute(change, &[two, first])
        })
        .await
        .unwrap();
        for key in ["one", "two"] {
            let claim = Attempt::of(key).begin(&life.attempts, life.clock.now()).await;
            assert!(claim.is_err(), "{}: {claim:?}", store.name());
        }
    })
    .await;
}

#[tokio::test]
async fn a_restart_replays_what_was_answered_and_says_of_the_rest_that_it_is_unknown() {
    on_both(async |store| {
        let db = store.with_tables().await;
        let first = OverDb::new(&db, Bounds::default());
        first.carried_out(Attempt::of("answered"), "kept").await;
        assert_eq!(first.tried(Attempt::of("in-hands")).await, "fresh");
        let second = OverDb::new(&db, Bounds::default());
        assert_eq!(second.tried(Attempt::of("answered")).await, "201 kept");
        assert_eq!(second.tried(Attempt::of("in-hands")).await, "in flight", "the first life goes on");
        first.attempts.end().await.unwrap();
        assert_eq!(second.tried(Attempt::of("in-hands")).await, "unknown", "{}", store.name());
    })
    .await;
}

#[tokio::test]
async fn a_life_that_is_silent_is_believed_for_a_while_and_lives_on_when_it_is_heard_again() {
    on_both(async |store| {
        let db = store.with_tables().await;
        let (first, second) = (OverDb::new(&db, Bounds::default()), OverDb::new(&db, Bounds::default()));
        assert_eq!(first.tried(Attempt::of("one")).await, "fresh");
        let older = "UPDATE idempotency_lives SET alive_until = alive_until - $1";
        let age = async |us: i64| {
            db.write::<_, StoreError>(&CAUSE, move |tx| tx.execute(older, &[&us])).await.unwrap();
        };
        age(15_000_000).await;
        assert_eq!(second.tried(Attempt::of("one")).await, "in flight", "silent for 15 s");
        age(15_000_000).await;
        assert_eq!(second.tried(Attempt::of("one")).await, "unknown", "silent for 30 s");
        first.attempts.beat(&*first.clock).await.unwrap();
        assert_eq!(second.tried(Attempt::of("one")).await, "in flight", "{}", store.name());
    })
    .await;
}

#[tokio::test]
async fn who_leaves_before_an_attempt_is_written_leaves_nothing_behind() {
    let store = Store::sqlite(&Options::default());
    let db = store.with_tables().await;
    let life = OverDb::new(&db, Bounds::default());
    let (held, blocked) = (Gate::default(), db.clone());
    let pass = held.clone();
    let blocking = tokio::spawn(async move {
        blocked
            .write::<_, StoreError>(&CAUSE, move |_| {
                pass.pass();
                Ok(())
            })
            .await
    });
    held.arrived(1).await;
    let (attempts, now) = (life.attempts.clone(), life.clock.now());
    let leaving = tokio::spawn(async move { Attempt::of("left").begin(&attempts, now).await.map(drop) });
    // It is asked for, and waits behind the one writer.
    tokio::task::yield_now().await;
    leaving.abort();
    assert!(leaving.await.unwrap_err().is_cancelled());
    held.open();
    blocking.await.unwrap().unwrap();
    assert_eq!(life.tried(Attempt::of("left")).await, "fresh");
}

#[tokio::test]
async fn what_has_expired_is_swept_and_what_is_in_hands_is_not() {
    on_both(async |store| {
        let db = store.with_tables().await;
        let life = OverDb::new(&db, Bounds::default());
        life.carried_out(Attempt::of("old"), "old").await;
        age(&db, Duration::from_secs(3_599)).await;
        life.carried_out(Attempt::of("young"), "young").await;
        assert_eq!(life.tried(Attempt::of("in-hands")).await, "fresh");
        age(&db, Duration::from_secs(2)).await;
        let (_stop, stopping) = watch::channel(false);
        let rule = |name: &str| *RULES.iter().find(|rule| rule.name == name).unwrap();
        assert_eq!(prune(&db, rule("idempotency_keys"), &stopping).await.unwrap(), 1);
        assert_eq!(life.tried(Attempt::of("young")).await, "201 young");
        assert_eq!(life.tried(Attempt::of("in-hands")).await, "in flight");
        assert_eq!(prune(&db, rule("idempotency_lives"), &stopping).await.unwrap(), 0, "the life goes on");
        life.attempts.end().await.unwrap();
        let _ended = OverDb::new(&db, Bounds::default());
        let soon = Rule { keep: Duration::ZERO, ..rule("idempotency_lives") };
        assert_eq!(prune(&db, soon, &stopping).await.unwrap(), 0);
        assert_eq!(count(&db, "SELECT COUNT(*) FROM idempotency_lives").await, 0);
    })
    .await;
}
