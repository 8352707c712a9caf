//! The pool sheds, keeps deadlines, forgets callers who left, and comes back.

use std::{
    collections::BTreeMap,
    sync::{
        atomic::{AtomicI64, AtomicU64, Ordering},
        mpsc,
    },
};

use seawall_core::{
    clock::Now,
    meter::{Handle, Metric, Series},
};
use tokio::task::JoinHandle as Task;

use super::*;

const PASSWORD: &str = "correct horse 7";
const BCRYPT: &str = "$2b$04$GVtnnOhI8L2gJTq6bDI4CuMrhpJ9oNPQiEqHLHvLMkHSiIIZHlJ9q";
const MINUTE: Duration = Duration::from_secs(60);

/// Stands still until moved; with a step, each reading moves it.
#[derive(Debug, Default)]
struct ManualClock(AtomicU64, AtomicU64);

impl Clock for ManualClock {
    fn now(&self) -> Now {
        Now { monotonic_us: self.0.fetch_add(self.1.load(Ordering::Acquire), Ordering::AcqRel), unix_us: 0 }
    }
}

#[derive(Debug, Default)]
struct Counts(Mutex<BTreeMap<String, Arc<Count>>>);

#[derive(Debug, Default)]
struct Count(AtomicI64);

impl Series for Count {
    fn add(&self, value: i64) {
        self.0.fetch_add(value, Ordering::AcqRel);
    }
}

impl Meter for Counts {
    fn series(&self, metric: &'static Metric, labels: &[&str]) -> Handle {
        let key = [&[metric.name], labels].concat().join(" ").replace("seawall_password_jobs_", "");
        Handle::new(Arc::clone(self.0.lock().unwrap().entry(key).or_default()) as Arc<dyn Series>)
    }
}

impl Counts {
    fn of(&self, key: &str) -> i64 {
        self.0.lock().unwrap().get(key).map_or(0, |count| count.0.load(Ordering::Acquire))
    }
}

struct Bench {
    pool: Arc<HashingPool>,
    clock: Arc<ManualClock>,
    counts: Arc<Counts>,
    floor: Arc<Floor>,
}

fn pool(threads: usize, waiting: usize) -> Bench {
    let (clock, counts, floor) =
        (Arc::new(ManualClock::default()), Arc::new(Counts::default()), Arc::new(Floor::default()));
    let options = PoolOptions { threads, waiting, idle: MINUTE };
    let (own_clock, meter) = (Arc::clone(&clock), Arc::clone(&counts));
    let pool = HashingPool::start(Hasher::default(), Arc::clone(&floor), options, own_clock, meter).unwrap();
    Bench { pool: Arc::new(pool), clock, counts, floor }
}

/// Each reading of its clock is so much later.
fn ticking_pool(step: Duration) -> Bench {
    let bench = pool(1, 8);
    bench.clock.1.store(u64::try_from(step.as_micros()).unwrap(), Ordering::Release);
    bench
}

/// Keeps a thread until it is dropped.
struct Gate {
    open: Option<mpsc::Sender<()>>,
    task: Option<Task<Result<(), PoolError>>>,
}

impl Gate {
    /// Returns when a thread has begun with it.
    async fn close(bench: &Bench) -> Self {
        let (open, opened) = mpsc::channel::<()>();
        let (begun, begins) = oneshot::channel();
        let pool = Arc::clone(&bench.pool);
        let task = tokio::spawn(async move {
            let work = move |_: &Shared, _: &mut Memory| {
                let _ = begun.send(());
                let _ = opened.recv();
                Ok(())
            };
            pool.submit(Format::Argon2id, 0, MINUTE, work).await
        });
        begins.await.unwrap();
        Self { open: Some(open), task: Some(task) }
    }

    async fn open(mut self) {
        drop(self.open.take());
        self.task.take().unwrap().await.unwrap().unwrap();
    }
}

impl Bench {
    /// Puts a job in the queue and gives back its task once it waits there.
    async fn wait(&self, within: Duration) -> Task<Result<u32, PoolError>> {
        let before = self.pool.shared.queue.len();
        let pool = Arc::clone(&self.pool);
        let task =
            tokio::spawn(
                async move { pool.submit(Format::Argon2id, 0, within, |_: &Shared, _: &mut Memory| Ok(7)).await },
            );
        while self.pool.shared.queue.len() == before {
            tokio::task::yield_now().await;
        }
        task
    }
}

fn busy(answer: &Result<u32, PoolError>) -> bool {
    matches!(answer, Err(PoolError::Busy { .. }))
}

#[tokio::test]
async fn it_hashes_and_verifies() {
    let bench = pool(2, 8);
    let hash = bench.pool.hash(PASSWORD.to_owned().into(), MINUTE).await.unwrap();
    let stored = Arc::new(Stored::parse(&hash).unwrap());
    let right = bench.pool.verify(Arc::clone(&stored), PASSWORD.to_owned().into(), MINUTE).await.unwrap();
    assert_eq!(right, Verdict { matches: true, upgrade_due: false, took: Duration::ZERO });
    let wrong = bench.pool.verify(stored, "correct horse 8".to_owned().into(), MINUTE).await.unwrap();
    assert_eq!(wrong, Verdict { matches: false, upgrade_due: false, took: Duration::ZERO });
    let plain = Arc::new(Stored::parse("plain:correct horse 7").unwrap());
    let old = bench.pool.verify(Arc::clone(&plain), PASSWORD.to_owned().into(), MINUTE).await.unwrap();
    assert_eq!(old, Verdict { matches: true, upgrade_due: true, took: Duration::ZERO });
    assert!(bench.pool.wrap(plain, MINUTE).await.unwrap().unwrap().starts_with("$argon2id$"));
    assert_eq!((bench.counts.of("waiting"), bench.counts.of("running")), (0, 0));
}

#[tokio::test]
async fn nobodys_password_is_verified_at_the_cost_of_the_dominant_format() {
    let bench = pool(1, 8);
    let nobody = bench.pool.verify_nobody(PASSWORD.to_owned().into(), MINUTE).await.unwrap();
    assert!(!nobody.matches);
    bench.floor.present(&[(Stored::parse(BCRYPT).unwrap(), 1)]);
    bench.clock.0.store(1_000_000, Ordering::Release);
    bench.pool.verify_nobody(PASSWORD.to_owned().into(), MINUTE).await.unwrap();
    // The manual clock stands still, so each observation adds nothing; that the series are there shows what was computed.
    let series: Vec<String> = bench.counts.0.lock().unwrap().keys().cloned().collect();
    assert!(series.contains(&"seawall_password_duration_seconds bcrypt".to_owned()), "{series:?}");
}

#[tokio::test]
async fn the_floor_is_measured_before_the_first_login_and_is_not_lowered_by_what_is_not_computed() {
    let bench = ticking_pool(Duration::from_millis(300));
    let stored = Stored::parse(BCRYPT).unwrap();
    bench.pool.present(&[(stored.clone(), 1)], MINUTE).await.unwrap();
    assert_eq!(bench.floor.floor(), Duration::from_millis(300));
    bench.clock.1.store(0, Ordering::Release);
    for _ in 0..200 {
        let long = "k".repeat(MAX_BYTES + 1);
        assert!(!bench.pool.verify(Arc::new(stored.clone()), long.into(), MINUTE).await.unwrap().matches);
    }
    assert_eq!(bench.floor.floor(), Duration::from_millis(300));
}

#[tokio::test]
async fn when_as_many_wait_as_may_the_next_is_refused_at_once_and_then_it_recovers() {
    let bench = pool(1, 2);
    let gate = Gate::close(&bench).await;
    let waiting = [bench.wait(MINUTE).await, bench.wait(MINUTE).await];
    let refused = bench.pool.submit(Format::Argon2id, 0, MINUTE, |_: &Shared, _: &mut Memory| Ok(7)).await;
    let Err(PoolError::Busy { retry_after }) = refused else { panic!("{refused:?}") };
    assert_eq!(retry_after, Duration::from_secs(1));
    assert_eq!((bench.counts.of("refused full"), bench.counts.of("waiting")), (1, 2));
    gate.open().await;
    for task in waiting {
        assert_eq!(task.await.unwrap().unwrap(), 7);
    }
    assert_eq!(bench.wait_and_take().await, 7);
    assert_eq!((bench.counts.of("waiting"), bench.counts.of("running")), (0, 0));
}

impl Bench {
    async fn wait_and_take(&self) -> u32 {
        self.pool.submit(Format::Argon2id, 0, MINUTE, |_: &Shared, _: &mut Memory| Ok(7)).await.unwrap()
    }
}

#[tokio::test]
async fn what_would_begin_too_late_is_refused_at_once() {
    let bench = pool(1, 100);
    // One job of ten seconds, by the pool's clock.
    let gate = Gate::close(&bench).await;
    bench.clock.0.store(10_000_000, Ordering::Release);
    gate.open().await;
    let gate = Gate::close(&bench).await;
    let waiting = bench.wait(MINUTE).await;
    let refused =
        bench.pool.submit(Format::Argon2id, 0, Duration::from_secs(9), |_: &Shared, _: &mut Memory| Ok(7_u32)).await;
    let Err(PoolError::Busy { retry_after }) = refused else { panic!("{refused:?}") };
    assert_eq!(retry_after, Duration::from_secs(10));
    assert_eq!(bench.counts.of("refused late"), 1);
    gate.open().await;
    assert_eq!(waiting.await.unwrap().unwrap(), 7);
}

#[tokio::test]
async fn a_job_that_has_not_begun_at_its_deadline_is_given_up() {
    let bench = pool(1, 2);
    let gate = Gate::close(&bench).await;
    tokio::time::pause();
    let late = bench.wait(Duration::from_secs(1)).await;
    tokio::time::advance(Duration::from_secs(2)).await;
    assert!(busy(&late.await.unwrap()));
    tokio::time::resume();
    assert_eq!(bench.counts.of("refused late"), 1);
    gate.open().await;
    assert_eq!(bench.wait_and_take().await, 7);
    assert_eq!((bench.counts.of("dropped"), bench.counts.of("waiting")), (1, 0));
}

#[tokio::test]
async fn a_job_whose_time_is_over_when_its_turn_comes_is_not_run() {
    let bench = pool(1, 2);
    let gate = Gate::close(&bench).await;
    let late = bench.wait(MINUTE).await;
    bench.clock.0.store(60_000_001, Ordering::Release);
    gate.open().await;
    assert!(busy(&late.await.unwrap()));
    assert_eq!((bench.counts.of("refused late"), bench.counts.of("waiting")), (1, 0));
}

#[tokio::test]
async fn jobs_of_callers_who_left_are_not_run_and_make_room() {
    let bench = pool(1, 2);
    let gate = Gate::close(&bench).await;
    for _ in 0..2 {
        let task = bench.wait(MINUTE).await;
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
    }
    assert_eq!(bench.pool.shared.queue.len(), 2);
    let stays = {
        let pool = Arc::clone(&bench.pool);
        tokio::spawn(async move { pool.submit(Format::Argon2id, 0, MINUTE, |_: &Shared, _: &mut Memory| Ok(7)).await })
    };
    while bench.counts.of("dropped") < 2 {
        tokio::task::yield_now().await;
    }
    let leaves = bench.wait(MINUTE).await;
    leaves.abort();
    assert!(leaves.await.unwrap_err().is_cancelled());
    gate.open().await;
    assert_eq!(stays.await.unwrap().unwrap(), 7);
    assert_eq!(bench.wait_and_take().await, 7);
    assert_eq!((bench.counts.of("dropped"), bench.counts.of("waiting"), bench.counts.of("refused full")), (3, 0, 0));
}

#[tokio::test]
async fn a_panic_ends_its_job_alone() {
    let bench = pool(1, 2);
    let answer: Result<u32, _> =
        bench.pool.submit(Format::Argon2id, 0, MINUTE, |_: &Shared, _: &mut Memory| panic!("a fault")).await;
    assert!(matches!(answer, Err(PoolError::Panicked)));
    assert_eq!(bench.wait_and_take().await, 7);
    assert_eq!(bench.counts.of("running"), 0);
}

#[tokio::test]
async fn foreign_hashes_that_take_much_memory_are_computed_one_at_a_time() {
    let bench = pool(2, 8);
    let (open, opened) = mpsc::channel::<()>();
    let (begun, begins) = oneshot::channel();
    let first = {
        let pool = Arc::clone(&bench.pool);
        let work = move |_: &Shared, _: &mut Memory| {
            begun.send(()).unwrap();
            let _ = opened.recv();
            Ok(1)
        };
        tokio::spawn(async move { pool.submit(Format::Argon2id, FREE_MEMORY_KIB + 1, MINUTE, work).await })
    };
    begins.await.unwrap();
    assert!(bench.pool.shared.large.try_lock().is_err());
    let small = bench.wait_and_take().await;
    assert_eq!(small, 7, "the other thread works on");
    drop(open);
    assert_eq!(first.await.unwrap().unwrap(), 1);
}

#[tokio::test]
async fn memory_is_given_back_after_some_idle_time() {
    let floor = Arc::new(Floor::default());
    let options = PoolOptions { threads: 1, waiting: 2, idle: Duration::from_millis(1) };
    let meter = Arc::new(Counts::default());
    let pool = HashingPool::start(Hasher::default(), floor, options, Arc::new(ManualClock::default()), meter).unwrap();
    pool.hash(PASSWORD.to_owned().into(), MINUTE).await.unwrap();
    loop {
        let held = pool.submit(Format::Argon2id, 0, MINUTE, |_: &Shared, memory: &mut Memory| Ok(memory.bytes())).await;
        if held.unwrap() == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn ending_the_pool_tells_those_who_wait() {
    let bench = pool(1, 2);
    let gate = Gate::close(&bench).await;
    let waiting = bench.wait(MINUTE).await;
    assert_eq!(bench.pool.shared.queue.end().len(), 1);
    assert!(matches!(waiting.await.unwrap(), Err(PoolError::Stopped)));
    let next = bench.pool.submit(Format::Argon2id, 0, MINUTE, |_: &Shared, _: &mut Memory| Ok(7)).await;
    assert!(matches!(next, Err(PoolError::Stopped)));
    gate.open().await;
}

#[tokio::test]
async fn what_a_full_queue_costs_is_not_taken_for_computing() {
    let bench = pool(1, 2);
    let stored = Arc::new(Stored::parse(BCRYPT).unwrap());
    bench.floor.record(&stored, Duration::from_millis(400));
    let gate = Gate::close(&bench).await;
    let verify = |stored: Arc<Stored>| {
        let pool = Arc::clone(&bench.pool);
        tokio::spawn(async move { pool.verify(stored, PASSWORD.to_owned().into(), MINUTE).await })
    };
    let (one, other) = (verify(Arc::clone(&stored)), verify(stored));
    while bench.pool.shared.queue.len() < 2 {
        tokio::task::yield_now().await;
    }
    bench.clock.0.fetch_add(3_000_000, Ordering::AcqRel);
    gate.open().await;
    for verdict in [one.await.unwrap().unwrap(), other.await.unwrap().unwrap()] {
        assert_eq!(verdict.took, Duration::ZERO, "three seconds in the queue");
        assert_eq!(bench.floor.padding(verdict.took, 0), Duration::from_millis(400), "and as long behind it as ever");
    }
}
