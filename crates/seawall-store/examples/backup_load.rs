//! What backups cost and how long a restore takes, on the machine at hand.
//!
//! ```text
//! cargo run --release -p seawall-store --example backup_load -- DIRECTORY capture   [SECONDS]
//! cargo run --release -p seawall-store --example backup_load -- DIRECTORY snapshot  [MEGABYTES]
//! cargo run --release -p seawall-store --example backup_load -- DIRECTORY restore   [MEGABYTES]
//! ```

#![expect(clippy::unwrap_used, clippy::print_stdout, clippy::indexing_slicing, reason = "a measurement fails loudly")]

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use seawall_core::{
    clock::{Clock, Now},
    meter::NoMeter,
};
use seawall_store::{
    Cause, DatabaseUrl, Db, LEDGER, Options, StoreError, Surroundings,
    audit::SigningKey,
    backup::{self, CaptureOptions, Keys, Moment, Phase, Place, Progress, Source, Vault},
    migration::{self, Ledger, Migration, Overlap},
};

const CAUSE: Cause = Cause::system("load");

/// Tasks that write at once.
const WRITERS: u64 = 64;

static LOAD: Ledger = Ledger {
    name: "load",
    migrations: &[Migration {
        name: "load",
        overlap: Overlap::Expands,
        up: "CREATE TABLE load (\n    id BIGINT PRIMARY KEY NOT NULL,\n    value BLOB NOT NULL\n);\n",
        down: "DROP TABLE load;\n",
    }],
};

#[derive(Debug)]
struct RealClock(Instant);

#[expect(clippy::disallowed_methods, reason = "real time is measured")]
impl Clock for RealClock {
    fn now(&self) -> Now {
        let us = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { monotonic_us: us(self.0.elapsed()), unix_us: us(wall) }
    }
}

#[expect(clippy::disallowed_methods, reason = "real time is measured")]
fn start() -> Instant {
    Instant::now()
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(RealClock(start()))
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let directory = PathBuf::from(&arguments[0]);
    let number = arguments.get(2).map_or(0, |number| number.parse::<u64>().unwrap());
    std::fs::create_dir_all(&directory).unwrap();
    match arguments[1].as_str() {
        "capture" => capture(&directory, number.max(5)).await,
        "snapshot" => snapshot(&directory, number.max(200)).await,
        _ => restore(&directory, number.max(200)).await,
    }
}

/// The same load without capture and with it, in turns.
async fn capture(directory: &Path, seconds: u64) {
    for round in 0..3 {
        for captured in [false, true] {
            let path = directory.join(format!("{round}-{captured}.db"));
            let options = captured.then(|| CaptureOptions::new(directory.join(format!("{round}-capture"))));
            let db = open(&path, options).await;
            let stop = Arc::new(AtomicBool::new(false));
            let load = spawn(&db, &stop, 1_000_000, None);
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            stop.store(true, Ordering::Relaxed);
            report(&format!("capture {captured}"), seconds, &finish(load).await);
            db.close();
        }
    }
}

/// How long writes wait while a snapshot of a database of this size is taken, and without one: as many as can be, and as many as a busy
/// application asks for.
async fn snapshot(directory: &Path, megabytes: u64) {
    filled(directory, megabytes).await.close();
    // As a server with backups has it: every change is captured.
    let db = open(&directory.join("filled.db"), Some(CaptureOptions::new(directory.join("capture")))).await;
    let vault = vault(directory);
    backup::take(&vault, "seawall", &Source::Store(db.clone()), &Progress::silent()).await.unwrap();
    for (round, (name, per_second)) in
        [("2,000 a second", Some(2_000)), ("as fast as can be", None)].into_iter().enumerate()
    {
        let first = (round as u64 + 1) * 2_000_000_000;
        let stop = Arc::new(AtomicBool::new(false));
        let load = spawn(&db, &stop, first, per_second);
        tokio::time::sleep(Duration::from_secs(10)).await;
        stop.store(true, Ordering::Relaxed);
        report(&format!("{name}, alone"), 10, &finish(load).await);
        let stop = Arc::new(AtomicBool::new(false));
        let load = spawn(&db, &stop, first + 1_000_000_000, per_second);
        let begun = start();
        let copied = Arc::new(Mutex::new(Duration::ZERO));
        let told = Arc::clone(&copied);
        let progress = Progress::new(move |step| {
            if step.phase == Phase::Copy {
                *told.lock().unwrap() = begun.elapsed();
            }
        });
        backup::take(&vault, "seawall", &Source::Store(db.clone()), &progress).await.unwrap();
        let (took, copied) = (begun.elapsed(), *copied.lock().unwrap());
        // What the backup held back goes into the file after it.
        tokio::time::sleep(Duration::from_secs(5)).await;
        stop.store(true, Ordering::Relaxed);
        let what = format!(
            "{name}, during a backup of {:.1} s ({:.1} s of which the file was copied) and 5 s after it",
            took.as_secs_f64(),
            copied.as_secs_f64()
        );
        report(&what, took.as_secs() + 5, &finish(load).await);
    }
    db.close();
}

/// Backup, verification and restore of a database of this size.
async fn restore(directory: &Path, megabytes: u64) {
    let db = filled(directory, megabytes).await;
    let vault = vault(directory);
    let begun = start();
    let manifest = backup::take(&vault, "seawall", &Source::Store(db.clone()), &Progress::silent()).await.unwrap();
    let object = &manifest.object;
    println!(
        "backup {:.1} s: {} MB, {} MB stored",
        begun.elapsed().as_secs_f64(),
        object.plain_bytes >> 20,
        object.stored_bytes >> 20
    );
    let begun = start();
    let verified = backup::verify(&vault, "seawall", None, &Progress::silent()).await.unwrap();
    println!("verification {:.1} s: {:?} {:?}", begun.elapsed().as_secs_f64(), verified.outcome, verified.reason);
    let begun = start();
    let target = directory.join("restored.db");
    backup::restore(&vault, "seawall", &Moment::Newest, &target, &Progress::silent()).await.unwrap();
    println!("restore {:.1} s", begun.elapsed().as_secs_f64());
    db.close();
}

async fn open(path: &Path, capture: Option<CaptureOptions>) -> Db {
    let surroundings = Surroundings { clock: clock(), meter: &NoMeter };
    let options = Options { capture, ..Options::default() };
    let db = Db::open(&DatabaseUrl::Sqlite(path.to_owned()), &options, &surroundings).unwrap();
    migration::up(&db, &[&LEDGER, &LOAD], |_| {}).await.unwrap();
    db
}

async fn filled(directory: &Path, megabytes: u64) -> Db {
    let db = open(&directory.join("filled.db"), None).await;
    for batch in 0..megabytes {
        let filled: Result<(), StoreError> = db
            .write(&CAUSE, move |tx| {
                for row in 0..256_u64 {
                    let id = i64::try_from(batch * 256 + row).unwrap();
                    tx.execute(
                        "INSERT INTO load (id, value) VALUES ($1, $2)",
                        &[&id, &bytes(batch * 256 + row, 4_000)],
                    )?;
                }
                Ok(())
            })
            .await;
        filled.unwrap();
    }
    db
}

/// Bytes half of which can be compressed away.
fn bytes(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0] & 0x0f
    };
    (0..count).map(next).collect()
}

fn vault(directory: &Path) -> Vault {
    let place = Place::parse(directory.join("place").to_str().unwrap(), &[]).unwrap();
    let signing = Arc::new(SigningKey::open(&directory.join("signing.key")).unwrap());
    let keys = Keys::open(&directory.join("backup.key")).unwrap();
    Vault::new(place, keys, signing, directory.join("scratch"), clock())
}

/// How long a write took, and when it had begun, both in microseconds.
type Wait = (u64, u64);

type Load = Vec<tokio::task::JoinHandle<Vec<Wait>>>;

/// Writers that write again as soon as they were answered, or together so many times a second.
fn spawn(db: &Db, stop: &Arc<AtomicBool>, from: u64, per_second: Option<u64>) -> Load {
    let beginning = start();
    let us = |duration: Duration| u64::try_from(duration.as_micros()).unwrap();
    let writer = |writer: u64| {
        let (db, stop) = (db.clone(), Arc::clone(stop));
        tokio::spawn(async move {
            let mut took_us = Vec::new();
            let mut row = 0;
            let every = per_second.map(|rate| Duration::from_micros(1_000_000 * WRITERS / rate));
            let mut due = every.map(|every| tokio::time::interval(every));
            while !stop.load(Ordering::Relaxed) {
                let id = i64::try_from(from + writer * 10_000_000 + row).unwrap();
                row += 1;
                if let Some(due) = &mut due {
                    due.tick().await;
                }
                let begun = start();
                let written: Result<u64, StoreError> = db
                    .write(&CAUSE, move |tx| {
                        tx.execute("INSERT INTO load (id, value) VALUES ($1, $2)", &[&id, &[7_u8; 200].as_slice()])
                    })
                    .await;
                written.unwrap();
                took_us.push((us(begun.elapsed()), us(begun.duration_since(beginning))));
            }
            took_us
        })
    };
    (0..WRITERS).map(writer).collect()
}

async fn finish(load: Load) -> Vec<Wait> {
    let mut all = Vec::new();
    for task in load {
        all.extend(task.await.unwrap());
    }
    all.sort_unstable();
    all
}

fn report(what: &str, seconds: u64, took_us: &[Wait]) {
    let at = |share: usize| took_us[(took_us.len() - 1) * share / 1_000].0 as f64 / 1_000.0;
    let longer = took_us.iter().filter(|(took_us, _)| *took_us > 50_000).count();
    let stalls: BTreeSet<u64> =
        took_us.iter().filter(|(took_us, _)| *took_us > 50_000).map(|(_, begun)| begun / 100_000).collect();
    let stalls: Vec<String> = stalls.into_iter().map(|tenths| format!("{:.1}", tenths as f64 / 10.0)).collect();
    println!(
        "{what}: {} writes/s, p50 {:.1} ms, p99 {:.1} ms, p99.9 {:.1} ms, max {:.1} ms, {longer} above 50 ms, begun at {stalls:?} s",
        took_us.len() as u64 / seconds,
        at(500),
        at(990),
        at(999),
        at(1_000)
    );
}
