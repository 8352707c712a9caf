//! Client connections: how long each may do nothing, how many there may be, and that none harms another.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use seawall_testkit::{
    StartedApp,
    client::{RawClient, Request},
    in_front,
};
use tokio::time::Instant;

/// Longer than any limit of these tests, shorter than the defaults.
const LONG: Duration = Duration::from_secs(4);

/// The connection must be closed after `limit` and not long after.
async fn closed_after(connection: &mut RawClient, limit: Duration, started: Instant, what: &str) {
    connection.expect_reset_or_closed().await;
    let took = started.elapsed();
    assert!(took >= limit.mul_f32(0.9) && took < limit + LONG, "{what} was closed after {took:?}, not {limit:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rg_4_a_silent_connection_is_closed() {
    let (_upstream, app) = in_front("[server]\nfirst_byte_timeout = \"200ms\"\nheader_timeout = \"5min\"\n").await;
    let started = Instant::now();
    let mut connection = app.connect().await;
    closed_after(&mut connection, Duration::from_millis(200), started, "a silent connection").await;
    app.until_metric("seawall_connections_expired", &["silent"], 1.0).await;
    app.until_metric("seawall_connections", &[], 0.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rg_4_a_head_that_takes_too_long_ends_its_connection() {
    let (upstream, app) = in_front("[server]\nfirst_byte_timeout = \"5min\"\nheader_timeout = \"300ms\"\n").await;
    let starts =
        ["G", "GET /echo HTTP/1.1\r\n", "GET /echo HTTP/1.1\r\nHost: a\r\nX-Half: ", "P", "PRI * HTTP/2", "\r\n"];
    for start in starts {
        let mut connection = app.connect().await;
        let started = Instant::now();
        connection.write(start).await;
        closed_after(&mut connection, Duration::from_millis(300), started, start).await;
    }
    assert_eq!(upstream.requests().len(), 0);
    app.until_metric("seawall_connections_expired", &["slow_head"], starts.len() as f64).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_only_begins_to_speak_http2_is_closed() {
    let (_upstream, app) =
        in_front("[server]\nfirst_byte_timeout = \"300ms\"\nheader_timeout = \"300ms\"\nidle_timeout = \"5min\"\n")
            .await;
    for start in ["PRI * HTTP/2.0\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let mut connection = app.connect().await;
        connection.write(start).await;
        // The server may say its settings first.
        assert!(connection.ends_within(LONG).await, "{start:?} keeps its connection");
    }
    app.until_metric("seawall_connections", &[], 0.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_byte_by_byte_does_not_put_its_limit_off() {
    let (_upstream, app) = in_front("[server]\nheader_timeout = \"400ms\"\n").await;
    let mut connection = app.connect().await;
    let started = Instant::now();
    while !connection.ends_within(Duration::from_millis(50)).await {
        assert!(started.elapsed() < LONG, "bytes that keep coming keep the connection");
        // The server may close it just now.
        let _written = connection.try_write("X").await;
    }
    assert!(started.elapsed() >= Duration::from_millis(350));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_head_on_a_kept_connection_has_the_same_limit() {
    let (_upstream, app) = in_front("[server]\nheader_timeout = \"300ms\"\nidle_timeout = \"5min\"\n").await;
    let mut connection = app.connect().await;
    connection.send("GET", "/echo", &[], b"").await.expect_status(200);
    connection.expect_silence(Duration::from_millis(400)).await;
    connection.send("GET", "/echo", &[], b"").await.expect_status(200);
    let started = Instant::now();
    connection.write("GET /ec").await;
    closed_after(&mut connection, Duration::from_millis(300), started, "a slow second head").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_is_closed_after_its_time() {
    let (_upstream, app) = in_front("[server]\nidle_timeout = \"300ms\"\nfirst_byte_timeout = \"5min\"\n").await;
    let mut connection = app.connect().await;
    for _ in 0..2 {
        connection.send("GET", "/echo", &[], b"").await.expect_status(200);
        connection.expect_silence(Duration::from_millis(150)).await;
    }
    let started = Instant::now();
    connection.send("GET", "/slow/500", &[], b"").await.expect_status(200);
    assert!(started.elapsed() >= Duration::from_millis(500), "a request in flight is no idleness");
    let started = Instant::now();
    closed_after(&mut connection, Duration::from_millis(300), started, "an idle connection").await;
    app.until_metric("seawall_connections_expired", &["idle"], 1.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_connections_than_allowed_are_closed_and_places_come_back() {
    let (_upstream, app) = in_front("[server]\nmax_connections = 2\n").await;
    let mut first = app.connect().await;
    first.send("GET", "/echo", &[], b"").await.expect_status(200);
    let mut second = app.connect().await;
    second.send("GET", "/echo", &[], b"").await.expect_status(200);
    let mut third = app.connect().await;
    third.expect_closed().await;
    app.until_metric("seawall_connections_refused", &["full"], 1.0).await;
    first.send("GET", "/echo", &[], b"").await.expect_status(200);
    drop(second);
    app.until_metric("seawall_connections", &[], 1.0).await;
    app.connect().await.send("GET", "/echo", &[], b"").await.expect_status(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn tunnels_are_connections_like_others() {
    let (_upstream, app) = in_front("[server]\nmax_connections = 1\n").await;
    let mut socket = seawall_testkit::client::websocket(app.public(), "/ws", &[]).await;
    socket.send_text("open").await;
    assert_eq!(socket.receive_text().await, "open");
    app.connect().await.expect_closed().await;
    drop(socket);
    app.until_metric("seawall_sockets", &[], 0.0).await;
    let request = Request::get("/echo");
    let limit = Instant::now() + LONG;
    while app.connect().await.try_request(&request).await.is_err() {
        assert!(Instant::now() < limit, "the place comes back");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_clients_at_once_each_get_their_own_answer() {
    const CLIENTS: usize = 200;
    let (upstream, app) = in_front("[rate_limit]\nlimits = []\n").await;
    async fn ask(mut connection: RawClient, number: usize) {
        for round in 0..5 {
            let target = format!("/echo?client={number}&round={round}");
            let request = Request::post(&target).body(format!("{number}-{round}").repeat(50));
            let answer = connection.request(&request).await.expect_status(200).json();
            assert_eq!(answer["target"], target);
            assert_eq!(answer["body"], format!("{number}-{round}").repeat(50));
        }
    }
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        clients.push(tokio::spawn(ask(app.connect().await, number)));
    }
    for client in clients {
        client.await.unwrap();
    }
    assert_eq!((upstream.requests().len(), upstream.violations()), (CLIENTS * 5, vec![]));
    app.until_metric("http_server_active_requests", &[], 0.0).await;
    app.until_metric("seawall_connections", &[], 0.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_do_nothing_do_not_slow_those_that_do() {
    let (_upstream, app) = in_front("").await;
    let mut idle: Vec<RawClient> = Vec::new();
    for number in 0..300 {
        let mut connection = app.connect().await;
        if number % 3 == 1 {
            connection.write("GET /ec").await;
        } else if number % 3 == 2 {
            connection.write(Request::get("/never").encode("a")).await;
        }
        idle.push(connection);
    }
    let started = Instant::now();
    served(&app, 20).await;
    assert!(started.elapsed() < LONG, "{:?}", started.elapsed());
    drop(idle);
    app.until_metric("seawall_connections", &[], 0.0).await;
    app.until_metric("http_server_active_requests", &[], 0.0).await;
}

async fn served(app: &StartedApp, requests: usize) {
    for _ in 0..requests {
        app.client().get("/echo").await.expect_status(200);
    }
}

/// What holds for other addresses is tested with the table itself (`core/crowd.rs`): tests reach no other machine.
#[tokio::test(flavor = "multi_thread")]
async fn this_machine_is_not_counted_by_address() {
    let (_upstream, app) = in_front("[server]\nmax_connections_per_address = 1\n").await;
    let mut connections = Vec::new();
    for _ in 0..5 {
        let mut connection = app.connect().await;
        connection.send("GET", "/echo", &[], b"").await.expect_status(200);
        connections.push(connection);
    }
    assert_eq!(app.metric("seawall_connections_refused", &["address"]), 0.0);
}

/// The threads of the cores in this process, as the system has them.
fn cores() -> BTreeSet<PathBuf> {
    let tasks = fs::read_dir("/proc/self/task").expect("the system tells").map(|task| task.expect("a thread").path());
    let named =
        |task: &PathBuf| fs::read_to_string(task.join("comm")).is_ok_and(|name| name.starts_with("seawall-core-"));
    tasks.filter(named).collect()
}

/// How long a thread has worked, in nanoseconds.
fn worked_ns(thread: &Path) -> u64 {
    let text = fs::read_to_string(thread.join("schedstat")).expect("the system tells it here");
    text.split(' ').next().and_then(|ns| ns.parse().ok()).expect("a number")
}

/// However the system hands connections to cores, none has much more than its share.
#[tokio::test(flavor = "multi_thread")]
async fn many_connections_are_served_by_all_cores() {
    let others = cores();
    let (_upstream, app) = in_front("[rate_limit]\nmode = \"off\"\n").await;
    let mut connections = Vec::new();
    for _ in 0..200 {
        connections.push(app.connect().await);
    }
    let mut ask_all = async || {
        for connection in &mut connections {
            connection.send("GET", "/echo", &[], b"").await.expect_status(200);
        }
    };
    ask_all().await;
    assert_eq!(app.metric("seawall_connections", &[]), 200.0);
    // Each connection is asked as often, so how long a core works tells how many it has.
    let before: Vec<_> = cores().difference(&others).map(|core| (core.clone(), worked_ns(core))).collect();
    for _ in 0..3 {
        ask_all().await;
    }
    let mut worked: Vec<u64> = before.iter().map(|(core, before)| worked_ns(core) - before).collect();
    worked.sort_unstable_by(|one, other| other.cmp(one));
    // A core a quarter above the mean hands connections over: of two, none has less than three fifths of what the other has.
    assert!(worked.len() >= 2 && worked[1] > worked[0] / 4, "{worked:?}");
    drop(connections);
    app.until_metric("seawall_connections", &[], 0.0).await;
}
