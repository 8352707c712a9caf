//! A miss reads the store: once for all who ask, and nothing is kept that failed or was made void.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use seawall_store::{
    StoreError,
    cache::{CacheOptions, Known},
};
use tokio::{sync::Notify, task::JoinSet};

use super::{Node, Numbers, fill, key, options, unread};
use crate::support::nodes::{PATIENT, until_so};

/// A reading that begins, and waits to be let on.
#[derive(Clone, Default)]
struct Held(Arc<Inner>);

#[derive(Default)]
struct Inner {
    begun: AtomicU64,
    on: Notify,
}

impl Held {
    async fn read(self, answer: Result<Option<u64>, StoreError>) -> Result<Option<u64>, StoreError> {
        self.0.begun.fetch_add(1, Ordering::SeqCst);
        self.0.on.notified().await;
        answer
    }

    fn begun(&self) -> u64 {
        self.0.begun.load(Ordering::SeqCst)
    }

    fn let_on(&self) {
        self.0.on.notify_one();
    }
}

type Answer = Result<Known<u64>, StoreError>;

/// Asks in a task, and waits until the reading has begun.
async fn ask(cache: &Numbers, name: &str, held: &Held, answer: Result<Option<u64>, StoreError>) -> JoinSet<Answer> {
    let (cache, name, reading) = (cache.clone(), key(name), held.clone().read(answer));
    let mut asking = JoinSet::new();
    asking.spawn(async move { cache.load(&name, PATIENT, reading).await });
    let before = held.begun();
    until_so("the reading begins", || held.begun() > before).await;
    asking
}

async fn answered(asking: &mut JoinSet<Answer>) -> Answer {
    asking.join_next().await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stampede_reads_once() {
    let node = Node::alone();
    let cache = node.numbers();
    let held = Held::default();
    let mut asking = JoinSet::new();
    for asker in 0..500 {
        let (cache, held) = (cache.clone(), held.clone());
        asking.spawn(async move { cache.get_or_load(&key("a"), PATIENT, held.read(Ok(Some(asker)))).await });
    }
    let missed = || node.counts.of("seawall_cache_lookups numbers miss") == 500;
    until_so("all have missed and one reads", || missed() && held.begun() == 1).await;
    held.let_on();
    let answers = asking.join_all().await;
    let first = answers[0].clone();
    assert!(matches!(first, Ok(Known::Found(_))) && answers.iter().all(|answer| *answer == first), "{answers:?}");
    assert_eq!((held.begun(), cache.get("a")), (1, Some(first.unwrap())));
}

#[tokio::test]
async fn each_waits_as_long_as_it_wants_and_who_leaves_ends_it_for_nobody() {
    let node = Node::alone();
    let cache = node.numbers();
    let held = Held::default();
    let first = ask(&cache, "a", &held, Ok(Some(1))).await;
    let hurried = cache.load(&key("a"), Duration::from_millis(3), unread()).await;
    assert_eq!(hurried, Err(StoreError::TimedOut { limit_ms: 3 }));
    drop(first);
    let patient = cache.clone();
    let patient = tokio::spawn(async move { patient.load(&key("a"), PATIENT, unread()).await });
    held.let_on();
    assert_eq!(patient.await.unwrap(), Ok(Known::Found(1)));
    assert_eq!((held.begun(), cache.get("a")), (1, Some(Known::Found(1))));
}

#[tokio::test]
async fn a_failure_is_told_to_all_who_wait_and_not_kept() {
    let node = Node::alone();
    let cache = node.numbers();
    let held = Held::default();
    let mut asking = ask(&cache, "a", &held, Err(StoreError::Full)).await;
    let other = cache.clone();
    asking.spawn(async move { other.load(&key("a"), PATIENT, unread()).await });
    // The second asker has joined once it had its turn.
    tokio::task::yield_now().await;
    held.let_on();
    assert_eq!([answered(&mut asking).await, answered(&mut asking).await], [const { Err(StoreError::Full) }; 2]);
    assert_eq!((cache.get("a"), node.counts.of("seawall_cache_loads numbers failed")), (None, 1));
    fill(&cache, "a", 2).await;
}

#[tokio::test]
async fn a_reading_that_panics_or_takes_too_long_keeps_nobody() {
    let node = Node::alone();
    let cache = node.caches.cache(&CacheOptions { load_limit: Duration::from_millis(5), ..options() });
    let panicked = cache.load(&key("a"), PATIENT, unread()).await;
    assert!(matches!(panicked, Err(StoreError::Unavailable(_))), "{panicked:?}");
    let stuck = cache.load(&key("a"), PATIENT, std::future::pending()).await;
    assert_eq!(stuck, Err(StoreError::TimedOut { limit_ms: 5 }));
    fill(&cache, "a", 1).await;
}

#[tokio::test]
async fn who_finds_no_place_is_told_at_once() {
    let node = Node::alone();
    let cache = node.caches.cache(&CacheOptions { most_waiting: 2, most_loading: 1, ..options() });
    let held = Held::default();
    let mut first = ask(&cache, "a", &held, Ok(Some(1))).await;
    let refused = cache.load(&key("b"), PATIENT, unread()).await;
    assert_eq!(refused, Err(StoreError::Busy { waiting: 1 }), "one key is read at once");
    let other = cache.clone();
    first.spawn(async move { other.load(&key("a"), PATIENT, unread()).await });
    tokio::task::yield_now().await;
    let refused = cache.load(&key("a"), PATIENT, unread()).await;
    assert_eq!(refused, Err(StoreError::Busy { waiting: 2 }), "two wait at once");
    held.let_on();
    assert_eq!([answered(&mut first).await, answered(&mut first).await], [const { Ok(Known::Found(1)) }; 2]);
    fill(&cache, "b", 2).await;
}

#[tokio::test]
async fn what_was_read_before_it_became_void_is_not_kept() {
    let node = Node::alone();
    let cache = node.numbers();
    for everything in [false, true] {
        let (old, new) = (Held::default(), Held::default());
        let mut first = ask(&cache, "a", &old, Ok(Some(1))).await;
        if everything {
            cache.forget_all();
        } else {
            cache.forget(&[key("other"), key("a")]);
        }
        // Who asks now reads anew, though the old reading is still under way.
        let mut second = ask(&cache, "a", &new, Ok(Some(2))).await;
        old.let_on();
        assert_eq!(answered(&mut first).await, Ok(Known::Found(1)), "it asked before");
        assert_eq!(cache.get("a"), None, "everything: {everything}");
        new.let_on();
        assert_eq!(answered(&mut second).await, Ok(Known::Found(2)));
        assert_eq!(cache.get("a"), Some(Known::Found(2)));
        cache.forget(&[key("a")]);
        assert_eq!(cache.get("a"), None);
    }
    assert_eq!(node.counts.of("seawall_cache_loads numbers overtaken"), 2);
}

/// Readers and a writer race: whoever asks after a change was told to be void never sees what was before it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_sees_an_older_value_after_it_was_made_void() {
    let node = Node::alone();
    let cache = node.numbers();
    let (row, void) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let done = Arc::new(AtomicU64::new(0));
    let mut readers = JoinSet::new();
    for _ in 0..3 {
        let (cache, row, void, done) = (cache.clone(), Arc::clone(&row), Arc::clone(&void), Arc::clone(&done));
        readers.spawn(async move {
            let mut hits = 0_u64;
            while done.load(Ordering::SeqCst) == 0 {
                let oldest = void.load(Ordering::SeqCst);
                let known = cache.get("a");
                hits += u64::from(known.is_some());
                let row = Arc::clone(&row);
                let read = async move {
                    let seen = row.load(Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    Ok(Some(seen))
                };
                let known = match known {
                    Some(known) => known,
                    None => cache.load(&key("a"), PATIENT, read).await.unwrap(),
                };
                assert!(known.found().unwrap() >= oldest, "{known:?} is older than {oldest}");
                tokio::task::yield_now().await;
            }
            hits
        });
    }
    for change in 1..=5_000 {
        row.store(change, Ordering::SeqCst);
        cache.forget(&[key("a")]);
        void.store(change, Ordering::SeqCst);
        if change % 8 == 0 {
            tokio::task::yield_now().await;
        }
    }
    until_so("there was a hit", || node.counts.of("seawall_cache_lookups numbers hit") > 0).await;
    done.store(1, Ordering::SeqCst);
    readers.join_all().await;
    assert!(node.counts.of("seawall_cache_loads numbers kept") > 0);
}
