//! Crowds: ten thousand clients that send next to nothing, and a million addresses that each ask once.

use std::{
    io::Write,
    net::{Ipv4Addr, SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    time::Duration,
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use seawall_core::{
    clock::Now,
    http::ClientKey,
    limit::{Ask, Quota, RateKey, RateStore, ScopedQuota},
    reply::Reply,
};
use seawall_guards::rate_limit::{EVICTIONS, MemoryRates};
use seawall_telemetry::Registry;
use seawall_testkit::{StartedApp, client::Request, in_front};
use tokio::time::Instant;

use super::memory::resident;

const SLOW_SOCKETS: usize = 10_000;

/// Between two bytes of a slow client.
const PAUSE: Duration = Duration::from_millis(500);

/// Files of a test besides the slow clients and what the server holds for them.
const OTHER_FILES: u64 = 300;

/// How many slow clients this system allows: each takes a file here and one in the server, which is the same process.
#[expect(clippy::print_stdout, reason = "whoever runs this must know what was tested")]
fn slow_sockets() -> usize {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
    let allowed = maximum.map_or(SLOW_SOCKETS, |most| usize::try_from(most.saturating_sub(OTHER_FILES) / 2).unwrap());
    if allowed < SLOW_SOCKETS {
        println!("{allowed} slow sockets instead of {SLOW_SOCKETS}: the hard limit of open files is {maximum:?}");
    }
    allowed.min(SLOW_SOCKETS)
}

/// Clients that begin a head and go on with a byte now and then, for as long as this is kept.
struct Dribblers {
    stop: mpsc::Sender<()>,
    rounds: Arc<AtomicUsize>,
    thread: std::thread::JoinHandle<usize>,
}

impl Dribblers {
    fn start(address: SocketAddr, count: usize) -> Self {
        let (stop, stopped) = mpsc::channel();
        let rounds = Arc::new(AtomicUsize::new(0));
        let mut clients: Vec<TcpStream> = (0..count)
            .map(|_| {
                let mut client = TcpStream::connect(address).unwrap();
                client.write_all(b"GET /echo HTTP/1.1\r\nHost: a\r\nX-Slow: ").unwrap();
                client
            })
            .collect();
        let counted = Arc::clone(&rounds);
        let thread = std::thread::spawn(move || {
            while stopped.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
                clients.retain_mut(|client| client.write_all(b"x").is_ok());
                counted.fetch_add(1, Ordering::Relaxed);
            }
            clients.len()
        });
        Self { stop, rounds, thread }
    }

    /// How often each has sent its byte.
    fn rounds(&self) -> usize {
        self.rounds.load(Ordering::Relaxed)
    }

    /// How many were still connected.
    fn finish(self) -> usize {
        drop(self.stop);
        self.thread.join().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_slow_clients_do_not_slow_an_honest_one() {
    const ROUNDS: usize = 3;
    const REQUESTS: usize = 300;
    let count = slow_sockets();
    let limits = "[server]\nmax_connections = 20000\nheader_timeout = \"5min\"\n[rate_limit]\nlimits = [\"100000/min per ip\"]\n";
    let (_upstream, app) = in_front(limits).await;
    let address = app.public();
    let slow = tokio::task::spawn_blocking(move || Dribblers::start(address, count)).await.unwrap();
    app.until_metric("seawall_connections", &[], count as f64).await;

    // One connection for many requests, and one for each.
    let (kept, fresh) = (app.client().keeping_connection(), app.client());
    let mut took = Vec::new();
    while took.len() < REQUESTS || slow.rounds() < ROUNDS {
        for client in [&kept, &fresh] {
            let started = Instant::now();
            client.get("/echo").await.expect_status(200);
            took.push(started.elapsed());
        }
    }
    let held = app.metric("seawall_connections", &[]);
    assert_eq!(slow.finish(), count, "every slow client was there to the end");
    assert!(held >= count as f64, "{held}");
    took.sort_unstable();
    let p99 = took[took.len() * 99 / 100];
    assert!(p99 < Duration::from_secs(1), "p99 of {} requests: {p99:?}", took.len());
}

/// Asks once for each of these clients.
fn ask_for(rates: &MemoryRates, clients: std::ops::Range<u32>) {
    let quotas = [ScopedQuota::named("crowd", Quota::parse("100/hour per ip").unwrap())];
    for number in clients {
        let key = RateKey::address(ClientKey::of(Ipv4Addr::from(number).into()));
        let time_us = 1_000_000 + u64::from(number);
        let now = Now { monotonic_us: time_us, unix_us: time_us };
        let ask = Ask { keys: key.into(), quotas: &quotas, cost: 1, now, deadline_us: u64::MAX };
        assert!(matches!(rates.take(&ask), Reply::Ready(Ok(standing)) if standing.accepted), "client {number}");
    }
}

/// Nobody's hour is over, so a counter leaves the table only when it is pushed out.
#[test]
fn a_million_addresses_take_no_more_memory_than_a_hundred_thousand() {
    const CAPACITY: u64 = 32_768;
    /// An entry per address would take more than three times as much.
    const MOST_GROWTH_BYTES: u64 = 4 * 1024 * 1024;
    let registry = Registry::new(0);
    let rates = MemoryRates::new(CAPACITY, &registry);
    let kept = |asked: u32| f64::from(asked) - registry.value(EVICTIONS.name, &[]).unwrap();

    ask_for(&rates, 0..100_000);
    let (kept_of_few, resident_of_few) = (kept(100_000), resident());
    ask_for(&rates, 100_000..1_000_000);
    let (kept_of_many, grown) = (kept(1_000_000), resident().saturating_sub(resident_of_few));

    let capacity = CAPACITY as f64;
    assert!((capacity * 0.99..=capacity).contains(&kept_of_few), "{kept_of_few} counters are kept");
    assert!((capacity * 0.99..=capacity).contains(&kept_of_many), "{kept_of_many} counters are kept");
    assert!(grown < MOST_GROWTH_BYTES, "memory grew by {grown} bytes");
}

/// Asks once for each of these clients through the proxy it comes from.
async fn request_from(app: &StartedApp, clients: std::ops::Range<u32>) {
    let mut connection = app.connect().await;
    for number in clients {
        let client = Ipv4Addr::from(0x0b00_0000 + number).to_string();
        let request = Request::get("/status/204").header("X-Forwarded-For", client);
        connection.request(&request).await.expect_status(204);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_keeps_no_more_counters_than_its_table_has() {
    const CAPACITY: u32 = 1_024;
    const CLIENTS: u32 = 6_000;
    let trusting = "[client_address]\ntrusted = [\"127.0.0.1\"]\n";
    let limits = format!("[rate_limit]\ncapacity = {CAPACITY}\nlimits = [\"100/hour per ip\"]\n");
    let (_upstream, app) = in_front(&format!("{trusting}{limits}")).await;
    request_from(&app, 0..CLIENTS).await;
    let kept = f64::from(CLIENTS) - app.metric(EVICTIONS.name, &[]);
    assert!((f64::from(CAPACITY) * 0.9..=f64::from(CAPACITY)).contains(&kept), "{kept} counters are kept");
}
