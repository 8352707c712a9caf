//! Durable single-row transactions per second: this store beside the bare driver, one transaction a commit, on the same disk and in
//! the same run. `cargo xtask bench store` runs it, once more with a slower disk where `strace` can make it one.
//!
//! Arguments: the directory to work in, the seconds of each measurement, and the URL of a PostgreSQL database or nothing.

#![expect(
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a bench measures real time, prints its table, and has nobody to answer an error to"
)]

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use seawall_core::{
    clock::{Clock, Now},
    meter::NoMeter,
};
use seawall_store::{
    Cause, DatabaseUrl, Db, Options, StoreError, Surroundings,
    migration::{self, Ledger, Migration, Overlap},
};

/// Callers at once, each of which waits for its answer before it asks again.
const CALLERS: [usize; 3] = [1, 16, 256];

/// Rows of 200 bytes, as small records are.
const PAYLOAD: [u8; 200] = [b'x'; 200];

static LEDGER: Ledger = Ledger {
    name: "bench",
    migrations: &[Migration {
        name: "rows",
        overlap: Overlap::Expands,
        up: "CREATE TABLE bench_rows (\n    id BIGINT PRIMARY KEY NOT NULL,\n    payload BLOB NOT NULL\n);\n",
        down: "DROP TABLE bench_rows;\n",
    }],
};

/// What one measurement gave.
struct Measured {
    name: String,
    per_second: f64,
    p50_us: u128,
    p99_us: u128,
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().expect("the directory to work in");
    let seconds = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(2);
    let length = Duration::from_secs(seconds);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");

    // All draw from one row of growing keys, as UUIDv7 are: what differs is the commit alone.
    let next = Arc::new(AtomicI64::new(0));
    let raw = raw_sqlite(Path::new(&directory), length);
    let sqlite = DatabaseUrl::Sqlite(Path::new(&directory).join("store.db"));
    println!(
        "{:<34} {:>14} {:>12} {:>12} {:>8}",
        "SQLite, synchronous=FULL", "transactions/s", "p50 µs", "p99 µs", "× raw"
    );
    print(&raw, raw.per_second);
    for measured in runtime.block_on(store(&sqlite, &next, length)) {
        print(&measured, raw.per_second);
    }
    let Some(url) = arguments.next() else { return };
    let postgres = DatabaseUrl::parse(&url).expect("a PostgreSQL URL");
    println!("{:<34} {:>14} {:>12} {:>12} {:>8}", "PostgreSQL", "transactions/s", "p50 µs", "p99 µs", "× raw");
    for measured in runtime.block_on(store(&postgres, &next, length)) {
        let callers = measured.name.split_whitespace().next().and_then(|text| text.parse().ok()).unwrap_or(1);
        let raw = runtime.block_on(raw_postgres(&url, &next, callers, length));
        print(&raw, raw.per_second);
        print(&measured, raw.per_second);
    }
}

fn print(measured: &Measured, raw: f64) {
    let Measured { name, per_second, p50_us, p99_us } = measured;
    println!("{name:<34} {per_second:>14.0} {p50_us:>12} {p99_us:>12} {:>8.2}", per_second / raw);
}

/// The bare driver, one caller, one transaction a commit.
fn raw_sqlite(directory: &Path, length: Duration) -> Measured {
    let connection = rusqlite::Connection::open(directory.join("raw.db")).expect("a database");
    connection
        .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE bench_rows (id INTEGER PRIMARY KEY NOT NULL, payload BLOB NOT NULL) STRICT")
        .expect("a table");
    let mut insert = connection.prepare("INSERT INTO bench_rows (id, payload) VALUES (?1, ?2)").expect("a statement");
    let (begun, mut took) = (Instant::now(), Vec::new());
    while begun.elapsed() < length {
        let one = Instant::now();
        insert.execute((took.len() as i64, &PAYLOAD[..])).expect("a row");
        took.push(one.elapsed());
    }
    measured("raw, one a commit".to_owned(), took, begun.elapsed())
}

/// This store, with ever more callers.
async fn store(url: &DatabaseUrl, next: &Arc<AtomicI64>, length: Duration) -> Vec<Measured> {
    let surroundings = Surroundings { clock: Arc::new(RealClock(Instant::now())), meter: &NoMeter };
    let db = Db::open(url, &Options::default(), &surroundings).expect("the store opens");
    migration::up(&db, &[&LEDGER], |_| {}).await.expect("its table is made");
    let mut all = Vec::new();
    for callers in CALLERS {
        let begun = Instant::now();
        let tasks: Vec<_> =
            (0..callers).map(|_| tokio::spawn(call(db.clone(), Arc::clone(next), begun, length))).collect();
        let mut took = Vec::new();
        for task in tasks {
            took.extend(task.await.expect("a caller ends"));
        }
        all.push(measured(format!("{callers} callers"), took, begun.elapsed()));
    }
    db.close();
    all
}

async fn call(db: Db, next: Arc<AtomicI64>, begun: Instant, length: Duration) -> Vec<Duration> {
    let cause = Cause::system("bench");
    let mut took = Vec::new();
    while begun.elapsed() < length {
        let (one, id) = (Instant::now(), next.fetch_add(1, Ordering::Relaxed));
        let kept: Result<u64, StoreError> = db
            .write(&cause, move |tx| {
                tx.execute("INSERT INTO bench_rows (id, payload) VALUES ($1, $2)", &[&id, &&PAYLOAD[..]])
            })
            .await;
        kept.expect("the row is kept");
        took.push(one.elapsed());
    }
    took
}

/// The bare driver, as pgbench has it: each caller its own connection, up to ten, one transaction a commit.
async fn raw_postgres(url: &str, next: &Arc<AtomicI64>, callers: usize, length: Duration) -> Measured {
    let begun = Instant::now();
    let connections = callers.min(10);
    let tasks: Vec<_> = (0..connections)
        .map(|_| {
            let (url, next) = (url.to_owned(), Arc::clone(next));
            tokio::spawn(async move {
                let (client, connection) =
                    tokio_postgres::connect(&url, tokio_postgres::NoTls).await.expect("a connection");
                let driving = tokio::spawn(connection);
                let insert =
                    client.prepare("INSERT INTO bench_rows (id, payload) VALUES ($1, $2)").await.expect("a statement");
                let mut took = Vec::new();
                while begun.elapsed() < length {
                    let (one, id) = (Instant::now(), next.fetch_add(1, Ordering::Relaxed));
                    client.execute(&insert, &[&id, &&PAYLOAD[..]]).await.expect("a row");
                    took.push(one.elapsed());
                }
                drop(client);
                let _ended = driving.await;
                took
            })
        })
        .collect();
    let mut took = Vec::new();
    for task in tasks {
        took.extend(task.await.expect("a caller ends"));
    }
    measured(format!("raw, {connections} connections"), took, begun.elapsed())
}

fn measured(name: String, mut took: Vec<Duration>, within: Duration) -> Measured {
    took.sort_unstable();
    let rank = |percent: usize| {
        took.get((took.len() * percent).div_ceil(100).saturating_sub(1)).map_or(0, Duration::as_micros)
    };
    Measured { name, per_second: took.len() as f64 / within.as_secs_f64(), p50_us: rank(50), p99_us: rank(99) }
}

#[derive(Debug)]
struct RealClock(Instant);

impl Clock for RealClock {
    fn now(&self) -> Now {
        let us = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { monotonic_us: us(self.0.elapsed()), unix_us: us(wall) }
    }
}
