//! Many reloads under traffic: no request fails, no WebSocket is cut, and memory stays.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use seawall_testkit::{
    client::{RawClient, Request, websocket},
    upstream::{Kind, Upstream},
};
use tokio::{task::JoinHandle, time::Instant};

use crate::cli::binary::{Place, Server};

const REQUESTERS: usize = 6;
const SOCKETS: usize = 20;

/// How much more memory may be in use after the second half of the reloads than after the first.
const MOST_GROWTH_KB: u64 = 8 * 1_024;

/// A configuration that differs from the one before and after in limits, routes and numbers.
fn config(round: u64) -> String {
    let routes: String = (0..20)
        .map(|route| {
            format!("[route.\"/r{}/{{x}}\"]\nrate_limit.limits = [\"9000000/min per ip\"]\n", route + round % 3)
        })
        .collect();
    format!(
        "[log]\nrequests = false\n[rate_limit]\nlimits = [\"{}/min per ip\"]\n[body]\nmax = \"{} KB\"\n[upstream]\nmax_connections = {}\n{routes}",
        10_000_000 + round,
        100 + round % 7,
        200 + round % 5
    )
}

/// Resident memory of the server, which is a process of its own: what clients and the application remember is theirs.
fn resident_kb(server: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.child.id())).expect("the system tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("the system tells it here");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// Traffic until it is told to end; each task panics at the first failure.
struct Traffic {
    ended: Arc<AtomicBool>,
    served: Arc<AtomicU64>,
    echoed: Arc<AtomicU64>,
    tasks: Vec<JoinHandle<()>>,
}

impl Traffic {
    async fn begin(server: &Server) -> Self {
        let mut traffic =
            Self { ended: Arc::default(), served: Arc::default(), echoed: Arc::default(), tasks: Vec::new() };
        for number in 0..REQUESTERS {
            let (ended, served) = (Arc::clone(&traffic.ended), Arc::clone(&traffic.served));
            let mut connection = RawClient::connect(server.address()).await;
            traffic.tasks.push(tokio::spawn(async move {
                while !ended.load(Ordering::Relaxed) {
                    let request = match number % 3 {
                        0 => Request::get(format!("/r{number}/echo")),
                        1 => Request::post("/upload").body(vec![b'x'; 2_000]),
                        _ => Request::get("/slow-body/20"),
                    };
                    connection.request(&request).await.expect_status(200);
                    served.fetch_add(1, Ordering::Relaxed);
                }
            }));
        }
        for number in 0..SOCKETS {
            let (ended, echoed) = (Arc::clone(&traffic.ended), Arc::clone(&traffic.echoed));
            let mut socket = websocket(server.address(), "/ws", &[]).await;
            traffic.tasks.push(tokio::spawn(async move {
                while !ended.load(Ordering::Relaxed) {
                    socket.send_text(format!("{number}")).await;
                    assert_eq!(socket.receive_text().await, format!("{number}"));
                    echoed.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }));
        }
        traffic
    }

    async fn end(self) -> (u64, u64) {
        self.ended.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.expect("no request fails and no socket is cut");
        }
        (self.served.load(Ordering::Relaxed), self.echoed.load(Ordering::Relaxed))
    }
}

#[expect(clippy::print_stdout, reason = "the figures are what this test is run for")]
async fn reload_under_traffic(reloads: u64) -> u64 {
    let upstream = Upstream::start(Kind::ByPath).await;
    let place = Place::with_config(&config(0));
    let server = place.serve(&["run", "--to", &upstream.url()]);
    let token = fs::read_to_string(place.path().join(".seawall/admin.token")).expect("it was made");
    let bearer = format!("Bearer {}", token.trim());
    let admin = server.admin_client();
    let traffic = Traffic::begin(&server).await;
    let began = Instant::now();
    let mut slowest = Duration::ZERO;
    let mut half_kb = 0;
    for round in 1..=reloads {
        fs::write(place.path().join("seawall.toml"), config(round)).expect("the file can be written");
        let before = Instant::now();
        let wish = Request::post("/api/reload").header("Authorization", bearer.as_str());
        let done = admin.request(wish).await.expect_status(200).json();
        let counts = ["changed", "needs_restart"].map(|name| done[name].as_array().map_or(0, Vec::len));
        assert!(counts[0] > 0 && counts[1] == 0, "{done}");
        slowest = slowest.max(before.elapsed());
        if round == reloads / 2 {
            half_kb = resident_kb(&server);
        }
    }
    let (took, after_kb) = (began.elapsed(), resident_kb(&server));
    let (served, echoed) = traffic.end().await;
    assert!(served > reloads / 4 && echoed > SOCKETS as u64, "{served} requests, {echoed} echoes");
    let applied = format!("seawall_reloads_total{{outcome=\"applied\"}} {reloads}\n");
    assert!(admin.get("/metrics").await.text().contains(&applied));
    println!(
        "{reloads} reloads in {:.1} s, the slowest {} ms; {served} requests and {echoed} echoes on {SOCKETS} sockets, none failed; \
         resident {half_kb} kB after half of them, {after_kb} kB after all",
        took.as_secs_f64(),
        slowest.as_millis()
    );
    after_kb.saturating_sub(half_kb)
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_reloads_under_traffic_fail_no_request_and_cut_no_socket() {
    reload_under_traffic(60).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute; run with: cargo nextest run -p seawall --test it --run-ignored only reload::load --no-capture"]
async fn a_thousand_reloads_under_traffic_fail_no_request_and_cut_no_socket() {
    let growth_kb = reload_under_traffic(1_000).await;
    assert!(growth_kb < MOST_GROWTH_KB, "memory grew by {growth_kb} kB in the second half");
}
