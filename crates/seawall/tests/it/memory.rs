//! Flat memory: gigabytes pass through, and the process stays as small as it was.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use seawall_testkit::{StartedApp, in_front, upstream::pattern};
use serde_json::Value;
use tokio::time::Instant;

const BYTES: u64 = 2 * 1024 * 1024 * 1024;
const MEBIBYTE: u64 = 1024 * 1024;

/// How much more memory may be in use at any time than before; client and application live in the same process.
const MOST_GROWTH: u64 = 64 * MEBIBYTE;

/// Resident memory of this process, in bytes.
pub(crate) fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("the system tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("the system tells it here");
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kibibytes * 1024
}

/// Looks at memory again and again while something runs.
struct Watched {
    before: u64,
    most: Arc<AtomicU64>,
    looking: tokio::task::JoinHandle<()>,
    started: Instant,
}

impl Watched {
    fn begin() -> Self {
        let before = resident();
        let most = Arc::new(AtomicU64::new(before));
        let seen = Arc::clone(&most);
        let looking = tokio::spawn(async move {
            loop {
                seen.fetch_max(resident(), Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        Self { before, most, looking, started: Instant::now() }
    }

    /// Ends the watch and says what it saw.
    #[expect(clippy::print_stdout, reason = "the figures are what this test is run for")]
    fn expect_flat(self, what: &str) {
        assert!(!self.looking.is_finished(), "memory was looked at to the end");
        self.looking.abort();
        let growth = self.most.load(Ordering::Relaxed).max(resident()).saturating_sub(self.before);
        let seconds = self.started.elapsed().as_secs_f64();
        println!(
            "{what}: {} MiB in {seconds:.1} s; resident {:.1} MiB before, {:.1} MiB more at most",
            BYTES / MEBIBYTE,
            self.before as f64 / MEBIBYTE as f64,
            growth as f64 / MEBIBYTE as f64
        );
        assert!(growth < MOST_GROWTH, "{what}: memory grew by {growth} bytes");
    }
}

async fn upload(app: &StartedApp, head: &str, chunked: bool) {
    let mut connection = app.connect().await.with_limit(Duration::from_secs(120));
    connection.write(format!("POST /upload HTTP/1.1\r\nHost: a\r\n{head}\r\n\r\n")).await;
    let mut block = pattern(1024 * 1024);
    if chunked {
        block = [format!("{MEBIBYTE:x}\r\n").into_bytes(), block, b"\r\n".to_vec()].concat();
    }
    for _ in 0..BYTES / MEBIBYTE {
        connection.write(&block).await;
    }
    if chunked {
        connection.write("0\r\n\r\n").await;
    }
    let answer = connection.read_response("POST").await.expect_status(200);
    assert_eq!(answer.json().get("received").and_then(Value::as_u64), Some(BYTES));
}

async fn download(app: &StartedApp, path: &str) {
    let mut connection = app.connect().await.with_limit(Duration::from_secs(120));
    connection.write(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")).await;
    connection.read_head("GET").await.expect_status(200);
    let mut received = 0;
    while let Some(piece) = connection.next_piece().await {
        received += piece.bytes.len() as u64;
    }
    assert_eq!(received, BYTES);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "moves 8 GB through; run with: cargo nextest run -p seawall --test it --run-ignored only memory"]
async fn two_gigabytes_pass_each_way_with_flat_memory() {
    let (_upstream, app) = in_front("[body]\nmax = \"3 GB\"\n").await;
    // What a connection needs is there before memory is looked at.
    app.client().get("/bytes/1000000").await.expect_status(200);
    let watched = Watched::begin();
    upload(&app, &format!("Content-Length: {BYTES}"), false).await;
    watched.expect_flat("upload with a length");
    let watched = Watched::begin();
    upload(&app, "Transfer-Encoding: chunked", true).await;
    watched.expect_flat("upload in chunks");
    for kind in ["bytes", "chunked"] {
        let watched = Watched::begin();
        download(&app, &format!("/{kind}/{BYTES}")).await;
        watched.expect_flat(&format!("download of /{kind}"));
    }
}
