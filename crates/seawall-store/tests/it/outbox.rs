//! The outbox: what is written with a transaction is delivered, at least once, in order of its key.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use seawall_core::{clock::Clock, meter::NoMeter, reply::BoxFuture, resilience::Backoff};
use seawall_store::{
    Db, StoreError,
    outbox::{self, Delivery, Handler, Message, Outbox, Topic, Undelivered},
};
use tokio::{sync::mpsc, time::timeout};

use crate::support::{CAUSE, RealClock, on_both};

const PATIENCE: Duration = Duration::from_secs(20);

fn topic(attempts: u32) -> Topic {
    let backoff = Backoff { first: Duration::from_millis(1), most: Duration::from_millis(1), factor: 1 };
    Topic { attempts, backoff, ..Topic::new("mail") }
}

async fn post(db: &Db, key: &'static str, payload: &'static str) {
    db.write(&CAUSE, move |tx| tx.outbox(&topic(3), key, payload)).await.unwrap();
}

/// Tells of each message, and answers what the test wants.
#[derive(Debug)]
struct Scripted {
    seen: mpsc::UnboundedSender<Message>,
    script: Mutex<Vec<Undelivered>>,
}

impl Handler for Scripted {
    fn deliver(&self, message: Message) -> BoxFuture<'static, Result<(), Undelivered>> {
        let failure = self.script.lock().unwrap().pop();
        self.seen.send(message).unwrap();
        Box::pin(async move { failure.map_or(Ok(()), Err) })
    }
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(RealClock::new())
}

fn deliver(db: &Db, attempts: u32, script: Vec<Undelivered>) -> (Outbox, mpsc::UnboundedReceiver<Message>) {
    let (seen, messages) = mpsc::unbounded_channel();
    let handler = Arc::new(Scripted { seen, script: Mutex::new(script) });
    let deliveries = vec![Delivery { topic: topic(attempts), handler }];
    (Outbox::start(db, deliveries, &clock(), &NoMeter), messages)
}

async fn next(messages: &mut mpsc::UnboundedReceiver<Message>) -> Message {
    timeout(PATIENCE, messages.recv()).await.expect("a message comes in time").unwrap()
}

#[tokio::test]
async fn a_message_is_delivered_after_the_commit_and_removed() {
    on_both(async |store| {
        let db = store.with_tables().await;
        let (outbox, mut messages) = deliver(&db, 3, Vec::new());
        post(&db, "a", "{\"to\":\"ann\"}").await;
        let message = next(&mut messages).await;
        assert_eq!((&*message.key, &*message.payload, message.attempt), ("a", "{\"to\":\"ann\"}", 1));
        outbox.stop().await;
        let (outbox, _) = deliver(&db, 3, Vec::new());
        assert_eq!(outbox.waiting().await.unwrap().0, 0);
        outbox.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_message_of_a_transaction_that_is_undone_is_not_delivered() {
    on_both(async |store| {
        let db = store.with_tables().await;
        let (outbox, mut messages) = deliver(&db, 3, Vec::new());
        let undone: Result<(), StoreError> = db
            .write(&CAUSE, |tx| {
                tx.outbox(&topic(3), "a", "undone")?;
                Err(StoreError::NoRow)
            })
            .await;
        assert_eq!(undone, Err(StoreError::NoRow));
        post(&db, "a", "kept").await;
        assert_eq!(next(&mut messages).await.payload, "kept");
        outbox.stop().await;
    })
    .await;
}

#[tokio::test]
async fn messages_of_one_key_keep_their_order_over_failures() {
    on_both(async |store| {
        let db = store.with_tables().await;
        for payload in ["1", "2", "3"] {
            post(&db, "a", payload).await;
        }
        // The first fails twice; the others wait for it.
        let fail = || Undelivered::Later("not now".to_owned());
        let (outbox, mut messages) = deliver(&db, 5, vec![fail(), fail()]);
        let mut seen = Vec::new();
        for _ in 0..5 {
            let message = next(&mut messages).await;
            seen.push((message.payload, message.attempt));
        }
        let expected =
            [("1", 1), ("1", 2), ("1", 3), ("2", 1), ("3", 1)].map(|(payload, attempt)| (payload.to_owned(), attempt));
        assert_eq!(seen, expected);
        outbox.stop().await;
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_delivered_is_set_aside_and_can_be_revived() {
    on_both(async |store| {
        let db = store.with_tables().await;
        post(&db, "a", "poison").await;
        post(&db, "a", "after it").await;
        let (outbox, mut messages) =
            deliver(&db, 2, vec![Undelivered::Later("b".to_owned()), Undelivered::Later("a".to_owned())]);
        let seen =
            [next(&mut messages).await.payload, next(&mut messages).await.payload, next(&mut messages).await.payload];
        assert_eq!(seen, ["poison", "poison", "after it"]);
        outbox.stop().await;
        let dead = outbox::dead(&db, "", 10).await.unwrap();
        assert_eq!(dead.len(), 1);
        assert_eq!((dead[0].attempts, dead[0].failure.as_deref()), (2, Some("b")));

        assert!(outbox::revive(&db, &CAUSE, &dead[0].id).await.unwrap());
        let (outbox, mut messages) = deliver(&db, 2, Vec::new());
        assert_eq!(next(&mut messages).await.payload, "poison");
        outbox.stop().await;
        assert_eq!(outbox::dead(&db, "", 10).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn what_never_can_is_set_aside_at_once() {
    on_both(async |store| {
        let db = store.with_tables().await;
        post(&db, "a", "wrong").await;
        let (outbox, mut messages) = deliver(&db, 9, vec![Undelivered::Never("no such address".to_owned())]);
        assert_eq!(next(&mut messages).await.attempt, 1);
        outbox.stop().await;
        let dead = outbox::dead(&db, "", 10).await.unwrap();
        assert_eq!(dead[0].failure.as_deref(), Some("no such address"));
        assert!(outbox::discard(&db, &CAUSE, &dead[0].id).await.unwrap());
        assert!(!outbox::discard(&db, &CAUSE, &dead[0].id).await.unwrap());
    })
    .await;
}

/// Never ends, and tells when it is given up.
#[derive(Debug)]
struct Stuck {
    begun: mpsc::UnboundedSender<u32>,
    free: Arc<AtomicBool>,
}

impl Handler for Stuck {
    fn deliver(&self, message: Message) -> BoxFuture<'static, Result<(), Undelivered>> {
        self.begun.send(message.attempt).unwrap();
        if self.free.load(Ordering::Relaxed) { Box::pin(async { Ok(()) }) } else { Box::pin(std::future::pending()) }
    }
}

#[tokio::test]
async fn a_delivery_that_takes_too_long_is_given_up_and_tried_again() {
    on_both(async |store| {
        let db = store.with_tables().await;
        let (begun, mut attempts) = mpsc::unbounded_channel();
        let free = Arc::new(AtomicBool::new(false));
        let handler = Arc::new(Stuck { begun, free: Arc::clone(&free) });
        let topic = Topic { limit: Duration::from_millis(50), ..topic(5) };
        let outbox = Outbox::start(&db, vec![Delivery { topic, handler }], &clock(), &NoMeter);
        post(&db, "a", "x").await;
        assert_eq!(timeout(PATIENCE, attempts.recv()).await.unwrap(), Some(1));
        free.store(true, Ordering::Relaxed);
        assert_eq!(timeout(PATIENCE, attempts.recv()).await.unwrap(), Some(2));
        outbox.stop().await;
    })
    .await;
}

#[tokio::test]
async fn many_keys_are_delivered_side_by_side_and_each_once_when_nothing_fails() {
    on_both(async |store| {
        let db = store.with_tables().await;
        let writes = (0..200).map(|number| {
            let db = db.clone();
            async move {
                db.write(&CAUSE, move |tx| tx.outbox(&topic(3), &format!("key {}", number % 50), &number.to_string()))
                    .await
            }
        });
        futures_util::future::try_join_all(writes).await.unwrap();
        let (outbox, mut messages) = deliver(&db, 3, Vec::new());
        let mut seen = Vec::new();
        for _ in 0..200 {
            seen.push(next(&mut messages).await.payload.parse::<u32>().unwrap());
        }
        outbox.stop().await;
        seen.sort_unstable();
        assert_eq!(seen, (0..200).collect::<Vec<_>>());
    })
    .await;
}

/// Fails for one key as long as it is told to.
#[derive(Debug)]
struct Blocking {
    blocked: Arc<AtomicBool>,
    seen: mpsc::UnboundedSender<Message>,
}

impl Handler for Blocking {
    fn deliver(&self, message: Message) -> BoxFuture<'static, Result<(), Undelivered>> {
        let fails = message.key == "blocked" && self.blocked.load(Ordering::Relaxed);
        if !fails {
            self.seen.send(message).unwrap();
        }
        Box::pin(async move { if fails { Err(Undelivered::Later("not now".to_owned())) } else { Ok(()) } })
    }
}

#[tokio::test]
async fn messages_behind_one_that_cannot_be_delivered_hold_up_no_other_key() {
    const BEHIND: usize = 1_000;
    on_both(async |store| {
        let db = store.with_tables().await;
        db.write(&CAUSE, |tx| (0..BEHIND).try_for_each(|number| tx.outbox(&topic(9), "blocked", &number.to_string())))
            .await
            .unwrap();
        let (seen, mut messages) = mpsc::unbounded_channel();
        let blocked = Arc::new(AtomicBool::new(true));
        let handler = Arc::new(Blocking { blocked: Arc::clone(&blocked), seen });
        let one_second = Backoff { first: Duration::from_secs(1), most: Duration::from_secs(1), factor: 1 };
        let topic = Topic { backoff: one_second, ..topic(1_000) };
        let outbox = Outbox::start(&db, vec![Delivery { topic, handler }], &clock(), &NoMeter);
        // What one claim looks at is less than what is before it.
        post(&db, "free", "passes").await;
        assert_eq!(next(&mut messages).await.payload, "passes");
        let due = |db: Db| async move {
            let sql = "SELECT COUNT(*) FROM outbox WHERE due_at <= $1";
            let asked = db.write::<(i64,), StoreError>(&CAUSE, move |tx| {
                let soon = tx.at_us() + 10_000_000;
                tx.one(sql, &[&soon])
            });
            asked.await.unwrap().0
        };
        let stepping_back = async {
            while due(db.clone()).await > 1 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, stepping_back).await.expect("all behind the blocked one step back");
        // Each is called forward by the one before it, long before its own time.
        blocked.store(false, Ordering::Relaxed);
        for number in 0..BEHIND {
            assert_eq!(next(&mut messages).await.payload, number.to_string());
        }
        outbox.stop().await;
    })
    .await;
}

#[tokio::test]
async fn many_that_are_due_before_the_one_before_them_do_not_hide_it() {
    const BEHIND: usize = 400;
    on_both(async |store| {
        let db = store.with_tables().await;
        db.write(&CAUSE, |tx| (0..BEHIND).try_for_each(|number| tx.outbox(&topic(9), "a", &number.to_string())))
            .await
            .unwrap();
        // As after a long wait for another attempt: all behind the first have been due for longer than it.
        let sql = "UPDATE outbox SET due_at = due_at - 1000000 WHERE payload <> '0'";
        db.write::<_, StoreError>(&CAUSE, move |tx| tx.execute(sql, &[])).await.unwrap();
        let (outbox, mut messages) = deliver(&db, 9, Vec::new());
        for number in 0..BEHIND {
            assert_eq!(next(&mut messages).await.payload, number.to_string());
        }
        outbox.stop().await;
    })
    .await;
}

/// Panics whenever it is asked.
#[derive(Debug)]
struct Panicking(mpsc::UnboundedSender<u32>);

impl Handler for Panicking {
    fn deliver(&self, message: Message) -> BoxFuture<'static, Result<(), Undelivered>> {
        self.0.send(message.attempt).unwrap();
        Box::pin(async { panic!("poison") })
    }
}

#[tokio::test]
async fn a_handler_that_panics_is_a_failure_like_any_other() {
    on_both(async |store| {
        let db = store.with_tables().await;
        let (begun, mut attempts) = mpsc::unbounded_channel();
        let handler = Arc::new(Panicking(begun));
        let outbox = Outbox::start(&db, vec![Delivery { topic: topic(2), handler }], &clock(), &NoMeter);
        post(&db, "a", "x").await;
        assert_eq!(timeout(PATIENCE, attempts.recv()).await.unwrap(), Some(1));
        assert_eq!(timeout(PATIENCE, attempts.recv()).await.unwrap(), Some(2));
        outbox.stop().await;
        let dead = outbox::dead(&db, "", 10).await.unwrap();
        assert_eq!((dead.len(), dead[0].failure.as_deref()), (1, Some("the handler panicked")));
    })
    .await;
}

#[tokio::test]
async fn a_message_whose_processes_all_died_is_set_aside() {
    on_both(async |store| {
        let db = store.with_tables().await;
        post(&db, "a", "poison").await;
        // As it is left by processes that died as often as it may be tried.
        let left = db.write::<_, StoreError>(&CAUSE, |tx| tx.execute("UPDATE outbox SET attempt = 3", &[])).await;
        assert_eq!(left.unwrap(), 1);
        let (outbox, mut messages) = deliver(&db, 3, Vec::new());
        post(&db, "a", "after it").await;
        assert_eq!(next(&mut messages).await.payload, "after it");
        outbox.stop().await;
        let dead = outbox::dead(&db, "", 10).await.unwrap();
        assert!(
            dead[0].failure.as_deref().is_some_and(|failure| failure.contains("ended with the process")),
            "{dead:?}"
        );
    })
    .await;
}
