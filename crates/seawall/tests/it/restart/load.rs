//! Many restarts under load: no request fails, no connection is refused or reset.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use seawall_testkit::client::{RawClient, Request};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};

use super::{Line, until_gone};

const RESTARTS: usize = 20;

/// Less than a process takes to finish, so that some finish while others serve.
const BETWEEN: Duration = Duration::from_millis(200);

/// Requests until told to end; each task panics at the first that fails.
struct Load {
    ended: Arc<AtomicBool>,
    served: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
    tasks: Vec<JoinHandle<()>>,
}

impl Load {
    fn begin(address: std::net::SocketAddr) -> Self {
        let mut load =
            Self { ended: Arc::default(), served: Arc::default(), connections: Arc::default(), tasks: Vec::new() };
        for number in 0..24 {
            let (ended, served, connections) =
                (Arc::clone(&load.ended), Arc::clone(&load.served), Arc::clone(&load.connections));
            load.tasks.push(tokio::spawn(async move {
                let request = match number % 4 {
                    0 => Request::get("/echo"),
                    1 => Request::post("/upload").body(vec![b'x'; 20_000]),
                    2 => Request::get("/slow-body/20"),
                    // Spans a hand-over.
                    _ => Request::get("/slow/700"),
                };
                // Half of them ask on one connection as long as it is kept, half on fresh ones.
                let most = if number % 8 < 4 { usize::MAX } else { 1 };
                while !ended.load(Ordering::Relaxed) {
                    let mut client = RawClient::connect(address).await;
                    connections.fetch_add(1, Ordering::Relaxed);
                    for _ in 0..most {
                        let answer = client.request(&request).await.expect_status(200);
                        served.fetch_add(1, Ordering::Relaxed);
                        if !answer.keeps_connection() || ended.load(Ordering::Relaxed) {
                            break;
                        }
                        sleep(Duration::from_millis(2)).await;
                    }
                }
            }));
        }
        load
    }

    async fn end(self) -> (usize, usize) {
        self.ended.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.expect("no request fails");
        }
        (self.served.load(Ordering::Relaxed), self.connections.load(Ordering::Relaxed))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[expect(clippy::print_stdout, reason = "the figures are what this test is run for")]
async fn twenty_restarts_under_load_lose_no_request() {
    let (_upstream, mut line) = Line::in_front("[log]\nrequests = false\n[rate_limit]\nlimits = []\n").await;
    let load = Load::begin(line.server.address());
    let began = Instant::now();
    let (mut slowest, mut before) = (Duration::ZERO, line.last);
    for _ in 0..RESTARTS {
        let asked = Instant::now();
        let after = line.restart();
        slowest = slowest.max(asked.elapsed());
        assert_ne!(after, before);
        before = after;
        sleep(BETWEEN).await;
    }
    let took = began.elapsed();
    let (served, connections) = load.end().await;
    println!(
        "{RESTARTS} restarts in {:.1} s, the slowest {} ms; {served} requests on {connections} connections, none failed",
        took.as_secs_f64(),
        slowest.as_millis()
    );
    assert!(served > 20 * RESTARTS, "{served} requests");
    assert_eq!(line.process(), before);
    until_gone(u64::from(line.server.child.id())).await;
    assert_eq!(line.said("\"msg\":\"taken over\""), RESTARTS);
    assert_eq!(line.said("there was no hand-over"), 0);
}
