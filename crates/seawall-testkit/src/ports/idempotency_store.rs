//! The contract of every store of idempotency keys, whether it answers at once or later.
//!
//! The store's own tests run this file too, without the rest of this crate, which would bring all of Seawall with it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header::CONTENT_TYPE};
use seawall_core::{
    clock::{Clock, Now},
    idempotency::{
        Answered, Begin, Caller, Claim, Ending, Fingerprint, Fingerprinting, IdempotencyStore, Key, Lease, Scope,
        Settled, Unknown, When,
    },
    reply::{PortError, Reply},
};

/// How long keys are kept in the cases: long enough for a slow machine, and passed by [`Ground::pass`].
const TTL: Duration = Duration::from_secs(3_600);
/// How long a lease holds in the cases.
const LEASE: Duration = Duration::from_secs(600);

/// A fresh store with which keys may be tried, and its time.
pub trait Ground {
    /// The store.
    fn store(&self) -> Arc<dyn IdempotencyStore>;

    /// The time of asking.
    fn clock(&self) -> Arc<dyn Clock>;

    /// Lets everything that is kept become so much older.
    fn pass(&self, time: Duration) -> impl Future<Output = ()>;
}

/// Tries a store against the port's promises. It must be fresh and have room for some hundred keys of a caller.
///
/// # Panics
/// When a promise does not hold.
pub async fn idempotency_store_contract(ground: &impl Ground) {
    an_answer_is_given_again_to_the_same_request_alone(ground).await;
    keys_of_other_callers_and_routes_are_other_keys(ground).await;
    what_is_in_flight_is_told_and_what_is_released_begins_anew(ground).await;
    an_unknown_outcome_is_told_or_tried_again(ground).await;
    a_lease_that_ended_is_an_unknown_outcome(ground).await;
    who_was_taken_over_settles_nothing(ground).await;
    what_is_settled_twice_is_settled_once(ground).await;
    keys_are_forgotten_when_they_expire_and_not_before(ground).await;
    of_two_hundred_at_once_one_is_carried_out(ground).await;
}

/// A store that passes every answer on later.
#[derive(Debug)]
pub struct LaterIdempotency(pub Arc<dyn IdempotencyStore>);

impl IdempotencyStore for LaterIdempotency {
    fn begin(&self, begin: &Begin<'_>) -> Reply<Claim> {
        later(self.0.begin(begin))
    }

    fn settle(&self, lease: &Lease, ending: Ending, when: When) -> Reply<Settled> {
        later(self.0.settle(lease, ending, when))
    }

    fn give_up(&self, lease: &Lease, ending: Ending, when: When) {
        self.0.give_up(lease, ending, when);
    }
}

fn later<T: Send + 'static>(reply: Reply<T>) -> Reply<T> {
    Reply::Later(Box::pin(async move {
        tokio::task::yield_now().await;
        heard(reply).await
    }))
}

async fn heard<T>(reply: Reply<T>) -> Result<T, PortError> {
    match reply {
        Reply::Ready(answer) => answer,
        Reply::Later(wait) => wait.await,
    }
}

/// One attempt in the words of a test.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// Who makes it.
    pub caller: &'a str,
    /// On which route.
    pub route: &'a str,
    /// With which key.
    pub key: &'a str,
    /// With which body.
    pub body: &'a str,
    /// What happens when an earlier outcome is unknown.
    pub unknown: Unknown,
}

impl<'a> Attempt<'a> {
    /// Of ann, on one route, with one body.
    #[must_use]
    pub const fn of(key: &'a str) -> Self {
        Self { caller: "ann", route: "POST /orders", key, body: "{}", unknown: Unknown::Conflict }
    }

    /// Begins it.
    ///
    /// # Errors
    /// [`PortError`], as the store answers.
    pub async fn begin(self, store: &dyn IdempotencyStore, now: Now) -> Result<Claim, PortError> {
        let key = Key::parse(self.key.as_bytes()).expect("a key");
        let begin = Begin {
            scope: Scope { caller: Caller::credential(self.caller.as_bytes()), route: self.route },
            key: &key,
            fingerprint: &self.fingerprint(),
            ttl_us: us(TTL),
            lease_us: us(LEASE),
            unknown: self.unknown,
            when: when(now),
        };
        heard(store.begin(&begin)).await
    }

    fn fingerprint(self) -> Fingerprint {
        let mut taking = Fingerprinting::of(&Method::POST, &"/orders".parse().expect("a target"));
        taking.body(self.body.as_bytes());
        taking.finish()
    }
}

/// Settles what came of an attempt.
///
/// # Errors
/// [`PortError`], as the store answers.
pub async fn settle(
    store: &dyn IdempotencyStore,
    lease: &Lease,
    ending: Ending,
    now: Now,
) -> Result<Settled, PortError> {
    heard(store.settle(lease, ending, when(now))).await
}

/// An answer with this body.
#[must_use]
pub fn answer(body: &'static str) -> Ending {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    Ending::Completed(Answered::of(StatusCode::CREATED, &headers, Bytes::from_static(body.as_bytes()), 10_000))
}

/// A claim in a word.
#[must_use]
pub fn word(claim: &Claim) -> String {
    match claim {
        Claim::Fresh(lease) if lease.again => "again".to_owned(),
        Claim::Fresh(_) => "fresh".to_owned(),
        Claim::InFlight { .. } => "in flight".to_owned(),
        Claim::Replay(answer) => format!("{} {}", answer.status.as_u16(), String::from_utf8_lossy(&answer.body)),
        Claim::NotKept(status) => format!("{} not kept", status.as_u16()),
        Claim::Mismatch => "mismatch".to_owned(),
        Claim::Unknown => "unknown".to_owned(),
    }
}

fn when(now: Now) -> When {
    When { now, deadline_us: now.monotonic_us + 30_000_000 }
}

fn us(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).expect("a short time")
}

/// What an attempt comes to, in a word.
async fn tried(ground: &impl Ground, attempt: Attempt<'_>) -> String {
    let claim = attempt.begin(&*ground.store(), ground.clock().now()).await.expect("the store must answer");
    word(&claim)
}

async fn leased(ground: &impl Ground, attempt: Attempt<'_>) -> Lease {
    match attempt.begin(&*ground.store(), ground.clock().now()).await.expect("the store must answer") {
        Claim::Fresh(lease) => lease,
        other => panic!("{attempt:?}: {other:?}"),
    }
}

async fn settled(ground: &impl Ground, lease: &Lease, ending: Ending) -> Settled {
    settle(&*ground.store(), lease, ending, ground.clock().now()).await.expect("the store must answer")
}

async fn an_answer_is_given_again_to_the_same_request_alone(ground: &impl Ground) {
    let attempt = Attempt::of("replayed");
    let other = Attempt { body: "{\"amount\":2}", ..attempt };
    let lease = leased(ground, attempt).await;
    assert!(!lease.again);
    assert_eq!(tried(ground, other).await, "mismatch", "while it is in flight");
    assert_eq!(settled(ground, &lease, answer("{\"id\":1}")).await, Settled::Kept);
    for _ in 0..3 {
        assert_eq!(tried(ground, attempt).await, "201 {\"id\":1}");
    }
    assert_eq!(tried(ground, other).await, "mismatch", "when it was answered");
    let replay = attempt.begin(&*ground.store(), ground.clock().now()).await;
    let Ok(Claim::Replay(replay)) = replay else { panic!("{replay:?}") };
    assert_eq!(replay.headers.get(CONTENT_TYPE).map(http::HeaderValue::as_bytes), Some(&b"application/json"[..]));

    let large = Attempt::of("large");
    let lease = leased(ground, large).await;
    settled(ground, &lease, Ending::Completed(Answered::NotKept(StatusCode::CREATED))).await;
    assert_eq!(tried(ground, large).await, "201 not kept");
}

async fn keys_of_other_callers_and_routes_are_other_keys(ground: &impl Ground) {
    let attempt = Attempt::of("shared");
    let lease = leased(ground, attempt).await;
    settled(ground, &lease, answer("ann's")).await;
    assert_eq!(tried(ground, Attempt { caller: "bob", ..attempt }).await, "fresh");
    assert_eq!(tried(ground, Attempt { route: "POST /payments", ..attempt }).await, "fresh");
    assert_eq!(tried(ground, Attempt { key: "Shared", ..attempt }).await, "fresh");
    assert_eq!(tried(ground, attempt).await, "201 ann's");
}

async fn what_is_in_flight_is_told_and_what_is_released_begins_anew(ground: &impl Ground) {
    let attempt = Attempt::of("released");
    let lease = leased(ground, attempt).await;
    ground.pass(Duration::from_secs(3)).await;
    let claim = attempt.begin(&*ground.store(), ground.clock().now()).await;
    let Ok(Claim::InFlight { for_us }) = claim else { panic!("{claim:?}") };
    assert!((3_000_000..60_000_000).contains(&for_us), "{for_us}");
    let retry = Attempt { unknown: Unknown::Retry, ..attempt };
    assert_eq!(tried(ground, retry).await, "in flight", "nothing is tried again while it is in flight");
    assert_eq!(settled(ground, &lease, Ending::Released).await, Settled::Kept);
    let changed = Attempt { body: "another", ..attempt };
    assert_eq!(
        tried(ground, changed).await,
        "fresh",
        "nothing was carried out, so the key is free for another request"
    );
}

async fn an_unknown_outcome_is_told_or_tried_again(ground: &impl Ground) {
    let attempt = Attempt::of("abandoned");
    let lease = leased(ground, attempt).await;
    assert_eq!(settled(ground, &lease, Ending::Abandoned).await, Settled::Kept);
    assert_eq!(tried(ground, attempt).await, "unknown");
    let retry = Attempt { unknown: Unknown::Retry, ..attempt };
    assert_eq!(tried(ground, Attempt { body: "another", ..retry }).await, "mismatch");
    let again = leased(ground, retry).await;
    assert!(again.again, "it is told that it may be the second time");
    assert_eq!(tried(ground, retry).await, "in flight");
    assert_eq!(settled(ground, &again, answer("second")).await, Settled::Kept);
    assert_eq!(tried(ground, attempt).await, "201 second");
}

async fn a_lease_that_ended_is_an_unknown_outcome(ground: &impl Ground) {
    let attempt = Attempt::of("slow");
    let lease = leased(ground, attempt).await;
    ground.pass(LEASE + Duration::from_secs(1)).await;
    assert_eq!(tried(ground, attempt).await, "unknown");
    assert_eq!(settled(ground, &lease, answer("late")).await, Settled::Kept, "nobody has taken it over");
    assert_eq!(tried(ground, attempt).await, "201 late");
}

async fn who_was_taken_over_settles_nothing(ground: &impl Ground) {
    let attempt = Attempt { unknown: Unknown::Retry, ..Attempt::of("taken") };
    for (round, late) in [Ending::Abandoned, Ending::Released, answer("old")].into_iter().enumerate() {
        let body = ["0", "1", "2"][round];
        let key = ["taken-0", "taken-1", "taken-2"][round];
        let attempt = Attempt { key, body, ..attempt };
        let old = leased(ground, attempt).await;
        ground.pass(LEASE + Duration::from_secs(1)).await;
        let new = leased(ground, attempt).await;
        assert!(new.again);
        assert_eq!(
            settled(ground, &old, late.clone()).await,
            Settled::TooLate,
            "{late:?} while the other is in flight"
        );
        assert_eq!(tried(ground, attempt).await, "in flight");
        assert_eq!(settled(ground, &new, answer("new")).await, Settled::Kept);
        assert_eq!(settled(ground, &old, late.clone()).await, Settled::TooLate, "{late:?} when the other was answered");
        assert_eq!(tried(ground, attempt).await, "201 new");
    }
}

/// Whoever did not hear whether an ending was kept settles once more.
async fn what_is_settled_twice_is_settled_once(ground: &impl Ground) {
    let answered = Attempt::of("twice-answered");
    let lease = leased(ground, answered).await;
    for _ in 0..2 {
        assert_eq!(settled(ground, &lease, answer("one")).await, Settled::Kept);
    }
    for weaker in [Ending::Abandoned, Ending::Released] {
        assert_eq!(settled(ground, &lease, weaker).await, Settled::Kept);
        assert_eq!(tried(ground, answered).await, "201 one", "what was answered stays answered");
    }
    let abandoned = Attempt::of("twice-abandoned");
    let lease = leased(ground, abandoned).await;
    for ending in [Ending::Abandoned, Ending::Abandoned, Ending::Released] {
        assert_eq!(settled(ground, &lease, ending).await, Settled::Kept);
        assert_eq!(tried(ground, abandoned).await, "unknown", "what was sent on is never released");
    }
    let released = Attempt::of("twice-released");
    let lease = leased(ground, released).await;
    for _ in 0..2 {
        assert_eq!(settled(ground, &lease, Ending::Released).await, Settled::Kept);
    }
    assert_eq!(settled(ground, &lease, answer("late")).await, Settled::TooLate);
}

async fn keys_are_forgotten_when_they_expire_and_not_before(ground: &impl Ground) {
    let attempt = Attempt::of("expiring");
    let lease = leased(ground, attempt).await;
    ground.pass(Duration::from_secs(60)).await;
    settled(ground, &lease, answer("kept")).await;
    ground.pass(TTL - Duration::from_secs(30)).await;
    assert_eq!(tried(ground, attempt).await, "201 kept", "it is kept from its answer on");
    ground.pass(Duration::from_secs(31)).await;
    let changed = Attempt { body: "another", ..attempt };
    let lease = leased(ground, changed).await;
    assert!(!lease.again);
    settled(ground, &lease, answer("anew")).await;
    assert_eq!(tried(ground, changed).await, "201 anew");
}

async fn of_two_hundred_at_once_one_is_carried_out(ground: &impl Ground) {
    let attempt = Attempt::of("crowd");
    let tries = (0..200).map(|_| {
        let (store, now) = (ground.store(), ground.clock().now());
        tokio::spawn(async move { attempt.begin(&*store, now).await })
    });
    let mut words = Vec::new();
    for one in tries.collect::<Vec<_>>() {
        words.push(word(&one.await.expect("no panic").expect("the store must answer")));
    }
    let of = |wanted: &str| words.iter().filter(|word| *word == wanted).count();
    assert_eq!((of("fresh"), of("in flight")), (1, 199), "{words:?}");
}
