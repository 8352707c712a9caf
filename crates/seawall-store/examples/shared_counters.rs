//! What an ask of shared counters costs, with one connection for all cores and with one for each: `cargo run --release -p seawall-store
//! --example shared_counters -- redis://127.0.0.1:6379 2 32` for two cores with 32 asks at once each.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement reads the time and prints what it found"
)]

use std::{
    error::Error,
    net::Ipv4Addr,
    thread,
    time::{Duration, Instant},
};

use seawall_core::{
    clock::Now,
    http::ClientKey,
    limit::{Ask, Quota, RateKey, RateStore, ScopedQuota},
    reply::Reply,
};
use seawall_store::counters::{RatesOptions, RedisLink, RedisRates, RedisUrl};
use tokio::{runtime, task::JoinSet};

type Failed = Box<dyn Error + Send + Sync>;

/// Asks of each task.
const ASKS: u32 = 5_000;

fn main() -> Result<(), Failed> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [url, cores, tasks] = &words[..] else { return Err("expected URL CORES TASKS".into()) };
    let (cores, tasks) = (cores.parse()?, tasks.parse()?);
    let control = runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let shared = control.block_on(connect(url))?;
    run("one connection", cores, tasks, |_| Ok(shared.clone()))?;
    run("one for each core", cores, tasks, |core| core.block_on(connect(url)))
}

async fn connect(url: &str) -> Result<RedisRates, Failed> {
    let options = RatesOptions { timeout: Duration::from_secs(5), ..RatesOptions::default() };
    let rates = RedisRates::new(RedisLink::new(RedisUrl::parse(url)?)?, options);
    rates.connect().await?;
    Ok(rates)
}

/// Runs as cores of the data plane do: a thread and a runtime for each.
fn run(
    name: &str,
    cores: u32,
    tasks: u32,
    rates: impl Fn(&runtime::Runtime) -> Result<RedisRates, Failed> + Sync,
) -> Result<(), Failed> {
    let begun = Instant::now();
    let measured = thread::scope(|scope| {
        let threads: Vec<_> = (0..cores)
            .map(|core| {
                scope.spawn({
                    let rates = &rates;
                    move || one_core(core, tasks, rates)
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().map_err(|_| Failed::from("a core failed"))?)
            .collect::<Result<Vec<_>, Failed>>()
    })?;
    let took = begun.elapsed();
    let mut waits: Vec<Duration> = measured.into_iter().flatten().collect();
    waits.sort_unstable();
    let at = |part: usize| waits.get(waits.len() * part / 1_000).copied().unwrap_or_default();
    let per_second = f64::from(u32::try_from(waits.len())?) / took.as_secs_f64();
    println!("{name:<18} {per_second:>8.0} asks/s   median {:?}   p99 {:?}   p99.9 {:?}", at(500), at(990), at(999));
    Ok(())
}

fn one_core(
    core: u32,
    tasks: u32,
    rates: impl Fn(&runtime::Runtime) -> Result<RedisRates, Failed>,
) -> Result<Vec<Duration>, Failed> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let rates = rates(&runtime)?;
    runtime.block_on(async {
        let mut running = JoinSet::new();
        for task in 0..tasks {
            running.spawn(one_task(rates.clone(), core * 1_000 + task));
        }
        let ended = running.join_all().await.into_iter().collect::<Result<Vec<_>, Failed>>()?;
        Ok(ended.into_iter().flatten().collect())
    })
}

/// The default limits, for one client after the other.
async fn one_task(rates: RedisRates, number: u32) -> Result<Vec<Duration>, Failed> {
    let quotas = [
        ScopedQuota { scope: 1, quota: Quota::parse("1000/min per ip")? },
        ScopedQuota { scope: 2, quota: Quota::parse("100/min per ip for unsafe methods")? },
    ];
    let mut waits = Vec::new();
    for ask in 0..ASKS {
        let key = RateKey::address(ClientKey::of(Ipv4Addr::from(number * 100 + ask % 100).into()));
        let begun = Instant::now();
        let asked = Ask { keys: key.into(), quotas: &quotas, cost: 1, now: Now::default(), deadline_us: u64::MAX };
        match rates.take(&asked) {
            Reply::Ready(standing) => standing?,
            Reply::Later(wait) => wait.await?,
        };
        waits.push(begun.elapsed());
    }
    Ok(waits)
}
