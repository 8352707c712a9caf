//! The end of a server: readiness fails first, what was begun is finished, later connections are refused, nobody is reset.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use seawall_testkit::{
    StartedApp, TestApp,
    client::{FailureKind, RawClient, Request},
    in_front,
    upstream::{Kind, Upstream},
};
use tokio::time::Instant;

const READY: &str = "/_seawall/health/ready";
const SOON: Duration = Duration::from_secs(5);

/// Waits until connecting is refused; a reset on the way is a failure.
async fn refused(app: &StartedApp) {
    let limit = Instant::now() + SOON;
    loop {
        match RawClient::try_connect(app.public()).await {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => return,
            Err(error) => panic!("later connections are refused, not {error}"),
            Ok(_) => assert!(Instant::now() < limit, "connections are still accepted"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rg_6_readiness_fails_first_while_requests_are_still_served() {
    let (_upstream, mut app) = in_front("[server]\ndrain_delay = \"700ms\"\n").await;
    let mut kept = app.connect().await;
    let before = kept.send("GET", READY, &[], b"").await.expect_status(200);
    assert_eq!((&before.json()["status"], before.header("connection")), (&"ok".into(), None));
    app.drain().await;
    let after = app.client().get(READY).await.expect_status(503);
    assert_eq!(after.json()["status"], "draining");
    assert_eq!(app.client().get("/_seawall/health/live").await.status, 200, "alive until the end");
    let served = kept.send("GET", "/echo", &[], b"").await.expect_status(200);
    assert_eq!(served.header("connection"), Some("close"), "keep-alive connections are told to close");
    kept.expect_closed().await;
    refused(&app).await;
    app.ended_within(SOON).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rg_6_requests_in_flight_are_answered_in_full() {
    let (upstream, mut app) = in_front("").await;
    let paths = ["/slow/600", "/slow-body/600", "/trickle/10/60", "/sse/10/60"];
    let mut clients = Vec::new();
    for path in paths {
        let mut client = app.connect().await;
        client.write(Request::get(path).encode("a")).await;
        clients.push((path, client));
    }
    let mut uploading = app.connect().await;
    uploading.write("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nhalf").await;
    upstream.until("all requests", |upstream| upstream.requests().len() == paths.len() + 1).await;
    app.drain().await;
    refused(&app).await;
    uploading.write("half").await;
    let answer = uploading.read_response("POST").await.expect_status(200);
    assert_eq!(answer.json()["body"], "halfhalf");
    uploading.expect_closed().await;
    for (path, mut client) in clients {
        let answer = client.read_response("GET").await.expect_status(200);
        assert!(!answer.body.is_empty(), "{path}");
        client.expect_closed().await;
    }
    app.ended_within(SOON).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_has_begun_is_read_to_its_end_and_answered() {
    let (_upstream, mut app) = in_front("").await;
    let mut fresh = app.connect().await;
    fresh.write("GET /echo HTTP/1.1\r\nHo").await;
    let mut kept = app.connect().await;
    kept.send("GET", "/echo", &[], b"").await.expect_status(200);
    kept.write("GET /ec").await;
    // Both heads are read once the server has served something that came after them.
    for _ in 0..4 {
        app.client().get("/echo").await.expect_status(200);
    }
    app.drain().await;
    refused(&app).await;
    for (client, rest) in [(&mut fresh, "st: a\r\n\r\n"), (&mut kept, "ho HTTP/1.1\r\nHost: a\r\n\r\n")] {
        client.write(rest).await;
        let answer = client.read_response("GET").await.expect_status(200);
        assert_eq!(answer.header("connection"), Some("close"));
        client.expect_closed().await;
    }
    app.ended_within(SOON).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_has_just_connected_may_still_ask() {
    let (_upstream, mut app) = in_front("").await;
    let mut client = app.connect().await;
    app.until_accepted(1).await;
    app.drain().await;
    // The listener has been closed by then, and connections were told to close.
    tokio::time::sleep(Duration::from_millis(400)).await;
    client.send("GET", "/echo", &[], b"").await.expect_status(200);
    client.expect_closed().await;
    app.ended_within(SOON).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rg_6_idle_connections_are_closed_and_the_end_waits_for_nothing_else() {
    let (_upstream, mut app) = in_front("[server]\ndrain_timeout = \"1h\"\n").await;
    let mut idle = app.connect().await;
    idle.send("GET", "/echo", &[], b"").await.expect_status(200);
    let mut silent = app.connect().await;
    app.until_metric("seawall_connections", &[], 2.0).await;
    app.drain().await;
    idle.expect_closed().await;
    silent.expect_closed().await;
    app.ended_within(SOON).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_too_long_is_cut_off_at_the_limit() {
    let (upstream, mut app) = in_front("[server]\ndrain_timeout = \"300ms\"\n").await;
    let mut client = app.connect().await;
    client.write(Request::get("/never").encode("a")).await;
    upstream.until("the request", |upstream| upstream.requests().len() == 1).await;
    app.drain().await;
    app.ended_within(SOON).await;
    client.expect_reset_or_closed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_at_once() {
    let (upstream, mut app) = in_front("[server]\ndrain_timeout = \"1h\"\n").await;
    let mut client = app.connect().await;
    client.write(Request::get("/never").encode("a")).await;
    upstream.until("the request", |upstream| upstream.requests().len() == 1).await;
    app.drain().await;
    refused(&app).await;
    app.force().await;
    app.ended_within(SOON).await;
    client.expect_reset_or_closed().await;
}

/// Their handshake was over and their request sent before the end began, though no byte of it was read yet.
#[tokio::test(flavor = "multi_thread")]
async fn connections_that_wait_to_be_accepted_are_not_reset() {
    for round in 0..10 {
        let (_upstream, app) = in_front("").await;
        let mut clients = Vec::new();
        for _ in 0..100 {
            clients.push(app.connect().await);
        }
        for client in &mut clients {
            client.write(Request::get("/echo").encode("a")).await;
        }
        for _ in 0..20 {
            let mut client = app.connect().await;
            client.write(Request::get("/echo").encode("a")).await;
            clients.push(client);
        }
        app.drain().await;
        for client in &mut clients {
            match client.try_read_response("GET").await {
                Ok(answer) => assert_eq!(answer.status, 200, "{answer:?}"),
                Err(failure) => assert_eq!(failure.kind, FailureKind::Closed, "round {round}: {failure}"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_end_is_a_clean_one() {
    let upstream = Upstream::start(Kind::ByPath).await;
    for round in 0..60 {
        let mut app = TestApp::in_front_of(upstream.url()).start().await;
        app.client().get("/echo").await.expect_status(200);
        app.client().get(READY).await.expect_status(200);
        if round % 2 == 0 {
            app.drain().await;
        } else {
            app.force().await;
        }
        app.ended_within(SOON).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_run_in_one_process_and_end_apart() {
    let (first_upstream, mut first) = in_front("[rate_limit]\nlimits = [\"2/min per ip\"]\n").await;
    let (second_upstream, second) = in_front("").await;
    for _ in 0..2 {
        first.client().get("/echo").await.expect_status(200);
    }
    first.client().get("/echo").await.expect_problem(429, "quota-exceeded");
    second.client().get("/echo?second").await.expect_status(200);
    assert_eq!((first_upstream.requests().len(), second_upstream.requests().len()), (2, 1));
    assert_ne!(first.admin_token(), second.admin_token());
    let line = second.log_line("the request", |line| line["url.query"] == "second").await;
    assert!(!first.log_text().contains(line["request.id"].as_str().unwrap()), "each server has its own log");
    first.drain().await;
    first.ended_within(SOON).await;
    second.client().get("/echo").await.expect_status(200);
    assert_eq!(second.client().get(READY).await.status, 200);
}

/// How one request under load ended.
#[derive(Clone, Copy, Debug, Default)]
struct Ends {
    answered: usize,
    refused: usize,
    closed_unanswered: usize,
    fresh_reset_unanswered: usize,
    kept_reset_unanswered: usize,
    broken_off: usize,
    reset_at_connect: usize,
}

/// Asks again and again, on kept connections and fresh ones, until connecting is refused.
async fn ask(address: std::net::SocketAddr, number: usize, stop: Arc<AtomicBool>) -> Ends {
    let mut ends = Ends::default();
    let request = match number % 3 {
        0 => Request::get("/echo"),
        1 => Request::post("/upload").body("x".repeat(20_000)),
        _ => Request::get("/slow-body/5"),
    };
    while !stop.load(Ordering::Relaxed) {
        let mut client = match RawClient::try_connect(address).await {
            Ok(client) => client,
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                ends.refused += 1;
                return ends;
            }
            Err(_) => {
                ends.reset_at_connect += 1;
                return ends;
            }
        };
        for earlier in 0..=number % 3 {
            match client.try_request(&request).await {
                Ok(answer) => {
                    assert_eq!(answer.status, 200, "{answer:?}");
                    ends.answered += 1;
                    if !answer.keeps_connection() {
                        break;
                    }
                }
                Err(failure) => {
                    match failure.kind {
                        _ if !failure.received.starts_with("0 bytes") => ends.broken_off += 1,
                        FailureKind::Closed => ends.closed_unanswered += 1,
                        FailureKind::Reset if earlier == 0 => ends.fresh_reset_unanswered += 1,
                        FailureKind::Reset => ends.kept_reset_unanswered += 1,
                        other => panic!("neither answered nor closed: {other}"),
                    }
                    break;
                }
            }
        }
    }
    ends
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rg_6_under_load_nobody_is_reset_and_no_answer_breaks_off() {
    for round in 0..12 {
        let delay = if round % 2 == 0 { "0s" } else { "50ms" };
        let config = format!("[rate_limit]\nlimits = []\n[server]\ndrain_delay = \"{delay}\"\n");
        let (_upstream, mut app) = in_front(&config).await;
        let stop = Arc::new(AtomicBool::new(false));
        let clients: Vec<_> =
            (0..48).map(|number| tokio::spawn(ask(app.public(), number, Arc::clone(&stop)))).collect();
        app.until_accepted(150).await;
        app.drain().await;
        app.ended_within(Duration::from_secs(20)).await;
        stop.store(true, Ordering::Relaxed);
        let mut all = Ends::default();
        for client in clients {
            let ends = client.await.unwrap();
            all.answered += ends.answered;
            all.refused += ends.refused;
            all.closed_unanswered += ends.closed_unanswered;
            all.fresh_reset_unanswered += ends.fresh_reset_unanswered;
            all.kept_reset_unanswered += ends.kept_reset_unanswered;
            all.broken_off += ends.broken_off;
            all.reset_at_connect += ends.reset_at_connect;
        }
        assert!(all.answered >= 150 && all.refused > 0, "round {round}: {all:?}");
        assert_eq!((all.broken_off, all.reset_at_connect), (0, 0), "round {round}: {all:?}");
        let reset = (all.fresh_reset_unanswered, all.kept_reset_unanswered);
        assert_eq!(reset, (0, 0), "a connection is closed cleanly, not reset; round {round}: {all:?}");
    }
}
