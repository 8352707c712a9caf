//! Logins per second of the pool beside raw argon2 on as many threads, and whether times tell who exists:
//! `cargo run --release -p seawall-identity --example hashing -- 2 10` for two threads and ten seconds each. With `raw` before the
//! numbers, only raw argon2, as a bare number.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement reads the time and prints what it found"
)]

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use seawall_core::{
    clock::{Clock, Now},
    meter::NoMeter,
    settings::Secret,
};
use seawall_identity::password::{Cost, Floor, Hasher, HashingPool, Memory, PepperRing, PoolOptions, Stored};
use tokio::{runtime::Runtime, task::JoinSet, time::sleep};

type Failed = Box<dyn Error + Send + Sync>;

const PASSWORD: &str = "correct horse 7";
/// Callers at once for each thread of the pool.
const CALLERS: usize = 4;
const SAMPLES: usize = 60;
const WITHIN: Duration = Duration::from_secs(30);

#[derive(Debug)]
struct SystemClock(Instant);

impl Clock for SystemClock {
    fn now(&self) -> Now {
        Now { monotonic_us: u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX), unix_us: 0 }
    }
}

fn main() -> Result<(), Failed> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (only_raw, threads, seconds) = match &words[..] {
        [threads, seconds] => (false, threads, seconds),
        [raw, threads, seconds] if raw == "raw" => (true, threads, seconds),
        _ => return Err("expected [raw] THREADS SECONDS".into()),
    };
    let (threads, length) = (threads.parse()?, Duration::from_secs(seconds.parse()?));
    let hasher = Hasher::default();
    let stored = Arc::new(Stored::parse(&hasher.hash(PASSWORD, &mut Memory::new())?)?);

    let raw = raw(threads, length, &stored);
    if only_raw {
        println!("{raw:.1}");
        return Ok(());
    }
    println!("raw argon2id   {threads} threads  {raw:7.1} logins/s");
    let options = PoolOptions { threads, waiting: threads * CALLERS, ..PoolOptions::default() };
    let clock = Arc::new(SystemClock(Instant::now()));
    let floor = Arc::new(Floor::default());
    let pool = HashingPool::start(
        hasher,
        Arc::clone(&floor),
        options,
        Arc::clone(&clock) as Arc<dyn Clock>,
        Arc::new(NoMeter),
    )?;
    let pool = Arc::new(pool);
    let runtime = Runtime::new()?;
    let pooled = runtime.block_on(pooled(&pool, threads * CALLERS, length, &stored))?;
    println!("the pool       {threads} threads  {pooled:7.1} logins/s  {:.1} % of raw", 100.0 * pooled / raw);
    runtime.block_on(timing(&pool, &floor, &clock))
}

fn raw(threads: usize, length: Duration, stored: &Arc<Stored>) -> f64 {
    let (count, begun) = (AtomicU64::new(0), Instant::now());
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let (hasher, mut memory) = (Hasher::new(Cost::default(), PepperRing::none()), Memory::new());
                while begun.elapsed() < length {
                    let right = hasher.verify(stored, PASSWORD, &mut memory);
                    count.fetch_add(u64::from(right == Ok(true)), Ordering::Relaxed);
                }
            });
        }
    });
    count.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64()
}

async fn pooled(
    pool: &Arc<HashingPool>,
    callers: usize,
    length: Duration,
    stored: &Arc<Stored>,
) -> Result<f64, Failed> {
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..callers {
        let (pool, stored) = (Arc::clone(pool), Arc::clone(stored));
        tasks.spawn(async move {
            let mut count = 0_u64;
            while begun.elapsed() < length {
                let verdict = pool.verify(Arc::clone(&stored), Secret::from(PASSWORD.to_owned()), WITHIN).await?;
                count += u64::from(verdict.matches);
            }
            Ok::<_, Failed>(count)
        });
    }
    let mut count = 0;
    while let Some(task) = tasks.join_next().await {
        count += task??;
    }
    Ok(count as f64 / begun.elapsed().as_secs_f64())
}

/// Wrong passwords of users whose hashes are in three formats, and of nobody, in turns: bare, and padded by the floor.
async fn timing(pool: &HashingPool, floor: &Floor, clock: &SystemClock) -> Result<(), Failed> {
    let bcrypt = Arc::new(Stored::parse("$2b$10$GVtnnOhI8L2gJTq6bDI4CuMrhpJ9oNPQiEqHLHvLMkHSiIIZHlJ9q")?);
    let argon2 = Arc::new(Stored::parse(&pool.hash(Secret::from(PASSWORD.to_owned()), WITHIN).await?)?);
    let digest = Arc::new(Stored::parse("digest:md5:5f4dcc3b5aa765d61d8327deb882cf99")?);
    let users =
        [("bcrypt, cost 10", Some(bcrypt)), ("argon2id", Some(argon2)), ("md5", Some(digest)), ("nobody", None)];
    let mut times = vec![(Vec::new(), Vec::new()); users.len()];
    for _ in 0..SAMPLES {
        for ((_, stored), (bare, padded)) in users.iter().zip(&mut times) {
            let begun = clock.now();
            let wrong = Secret::from("wrong horse 7".to_owned());
            let verdict = match stored {
                Some(stored) => pool.verify(Arc::clone(stored), wrong, WITHIN).await?,
                None => pool.verify_nobody(wrong, WITHIN).await?,
            };
            bare.push(clock.now().since_us(begun));
            // Without what is added at random, which would only blur the measurement.
            sleep(floor.padding(verdict.took, 0)).await;
            padded.push(clock.now().since_us(begun));
        }
    }
    for ((name, _), (bare, padded)) in users.iter().zip(times) {
        println!("wrong password, {name:<16} median {:7.1} ms bare, {:7.1} ms padded", median(bare), median(padded));
    }
    Ok(())
}

fn median(mut times_us: Vec<u64>) -> f64 {
    times_us.sort_unstable();
    times_us.get(times_us.len() / 2).copied().unwrap_or(0) as f64 / 1_000.0
}
