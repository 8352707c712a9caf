//! Hot rows in memory: read once, bounded, never kept when they are void.

mod bounds;
mod loading;
mod nodes;
mod transactions;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use seawall_core::{
    clock::{Clock, Now},
    meter::{Handle, Meter, Metric, Series},
};
use seawall_store::{
    StoreError,
    cache::{Cache, CacheOptions, Caches, Known},
    messages::Messages,
};

use crate::support::nodes::PATIENT;

type Numbers = Cache<String, u64>;

/// Far longer than any test.
const AN_HOUR: Duration = Duration::from_secs(3_600);

/// A clock that stands until it is moved.
#[derive(Debug, Default)]
struct StillClock(AtomicU64);

impl StillClock {
    fn pass(&self, time: Duration) {
        self.0.fetch_add(u64::try_from(time.as_micros()).unwrap(), Ordering::Relaxed);
    }
}

impl Clock for StillClock {
    fn now(&self) -> Now {
        let now = self.0.load(Ordering::Relaxed);
        Now { monotonic_us: now, unix_us: now }
    }
}

/// A meter that is read by tests.
#[derive(Debug, Default)]
struct Counts(Mutex<HashMap<String, Arc<Count>>>);

#[derive(Debug, Default)]
struct Count(AtomicI64);

impl Series for Count {
    fn add(&self, value: i64) {
        self.0.fetch_add(value, Ordering::Relaxed);
    }
}

impl Meter for Counts {
    fn series(&self, metric: &'static Metric, labels: &[&str]) -> Handle {
        assert_eq!(metric.labels.len(), labels.len(), "{}", metric.name);
        let name = format!("{} {}", metric.name, labels.join(" "));
        Handle::new(Arc::clone(self.0.lock().unwrap().entry(name).or_default()) as Arc<dyn Series>)
    }
}

impl Counts {
    fn of(&self, name: &str) -> i64 {
        self.0.lock().unwrap().get(name).unwrap_or_else(|| panic!("no series {name}")).0.load(Ordering::Relaxed)
    }
}

/// A node with its time and its counts.
struct Node {
    caches: Caches,
    clock: Arc<StillClock>,
    counts: Arc<Counts>,
}

impl Node {
    fn alone() -> Self {
        let counts = Arc::<Counts>::default();
        Self::with(Messages::in_process(&*counts), counts)
    }

    fn with(messages: Messages, counts: Arc<Counts>) -> Self {
        let clock = Arc::<StillClock>::default();
        Self { caches: Caches::new(messages, clock.clone(), counts.clone()), clock, counts }
    }

    fn numbers(&self) -> Numbers {
        self.caches.cache(&options())
    }
}

fn options() -> CacheOptions<String, u64> {
    CacheOptions { keep: AN_HOUR, ..CacheOptions::new("numbers", |key: &String, _| key.len() as u64) }
}

fn key(text: &str) -> String {
    text.to_owned()
}

/// Loads a number that is read at once.
async fn fill(cache: &Numbers, name: &str, number: u64) {
    let known = cache.load(&key(name), PATIENT, async move { Ok(Some(number)) }).await;
    assert_eq!(known, Ok(Known::Found(number)));
}

/// A reading that must not happen.
async fn unread() -> Result<Option<u64>, StoreError> {
    panic!("it was known")
}
