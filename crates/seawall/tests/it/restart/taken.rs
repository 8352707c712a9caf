//! A successor that serves: what its clients, its predecessor and its operators see.

use std::{fs, path::PathBuf, process::Command, time::Duration};

use seawall_testkit::client::{Client, H2Client, RawClient, Request, websocket};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{Line, runs, signal, until_gone};
use crate::{
    applications::tools::fixture,
    cli::{binary::Place, encrypting},
};

/// Long enough for a signal to be followed by a hand-over.
const SOON: Duration = Duration::from_secs(20);

pub(super) fn supervised(more: &str) -> Place {
    Place::with_config(&format!(
        "[app]\ncommand = [\"python3\", \"supervised.py\"]\n{more}\n[rate_limit]\nlimits = [\"1000000/min per ip\"]\n"
    ))
    .with_file("supervised.py", &fs::read_to_string(fixture("applications/supervised.py")).expect("it is there"))
}

async fn application(client: &Client) -> u64 {
    let text = client.get("/").await.expect_status(200).text();
    serde_json::from_str::<Value>(&text).expect("it answers in JSON")["pid"].as_u64().expect("a process")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_is_told_to_go_and_may_come_back_at_once() {
    let (_upstream, mut line) = Line::in_front("").await;
    let address = line.server.address();
    let mut socket = websocket(address, "/ws", &[]).await;
    socket.send_text("before").await;
    assert_eq!(socket.receive_text().await, "before");
    let before = line.process();
    let after = line.restart();
    assert_eq!((before, line.process()), (u64::from(line.server.child.id()), after));
    let told = socket.expect_close().await.map(|(code, _)| code);
    assert_eq!(told, Some(1001));
    let mut again = websocket(address, "/ws", &[]).await;
    again.send_text("after").await;
    assert_eq!(again.receive_text().await, "after");
    assert_eq!(line.server.child.exited(), Some(0), "{}", line.server.child);
    let shown = line.place.seawall(&["status"]).ok();
    assert!(shown.contains(&format!("process {after}\n")), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_connection_is_told_to_close_by_its_next_answer() {
    let (_upstream, mut line) = Line::in_front("").await;
    let (mut kept, mut idle) =
        (RawClient::connect(line.server.address()).await, RawClient::connect(line.server.address()).await);
    for client in [&mut kept, &mut idle] {
        let answer = client.request(&Request::get("/echo")).await.expect_status(200);
        assert!(answer.keeps_connection());
    }
    let talks = tokio::spawn(async move {
        loop {
            let answer = kept.request(&Request::post("/upload").body(vec![b'x'; 1_000])).await.expect_status(200);
            if !answer.keeps_connection() {
                assert_eq!(answer.header("connection"), Some("close"));
                return kept.expect_closed().await;
            }
            sleep(Duration::from_millis(50)).await;
        }
    });
    line.restart();
    talks.await.expect("it is told before it is closed");
    idle.expect_closed().await;
    assert_eq!(line.server.child.exited(), Some(0));
}

/// From here on a start stands still at the reading of the admin token: in its place there is a pipe. Gives that, and the token.
fn stand_still(line: &Line) -> (PathBuf, Vec<u8>) {
    let path = line.place.path().join(".seawall/admin.token");
    let token = fs::read(&path).expect("the token is there");
    fs::remove_file(&path).expect("it can be removed");
    let made = Command::new("mkfifo").args(["-m", "600"]).arg(&path).status();
    assert!(made.is_ok_and(|made| made.success()), "a pipe can be made");
    (path, token)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_successor_whose_start_takes_long_is_waited_for_while_it_is_at_work() {
    let (_upstream, mut line) = Line::in_front("").await;
    let (path, token) = stand_still(&line);
    let mut asked = line.place.start(&["restart", "--json"]);
    line.server.logged("a successor gets ready");
    // Longer than a process may be silent.
    sleep(Duration::from_secs(13)).await;
    assert_eq!(line.said("there was no hand-over"), 0);
    let mut client = RawClient::connect(line.server.address()).await.with_limit(SOON);
    let waits = tokio::spawn(async move { client.request(&Request::get("/echo")).await.status });
    tokio::task::spawn_blocking(move || fs::write(path, token)).await.unwrap().expect("it is read");
    assert_eq!(waits.await.expect("it is answered"), 200);
    assert_eq!(asked.ended(), Some(0), "{asked}");
    let said: Value = serde_json::from_str(&asked.out()).expect("it answers in JSON");
    line.last = said["successor"].as_u64().expect("a process");
    assert_eq!(line.process(), line.last);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_told_to_end_does_not_wait_for_a_successor_that_is_long_at_work() {
    let (_upstream, mut line) = Line::in_front("").await;
    stand_still(&line);
    let mut asked = line.place.start(&["restart"]);
    line.server.logged("a successor gets ready");
    sleep(Duration::from_secs(8)).await;
    let told = Instant::now();
    line.server.child.signal("TERM");
    assert_eq!(line.server.child.exited(), Some(0), "{}", line.server.child);
    assert!(told.elapsed() < Duration::from_secs(15), "{:?}", told.elapsed());
    assert_eq!(asked.ended(), Some(69), "{asked}");
    let gone = RawClient::try_connect(line.server.address()).await;
    assert!(gone.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused));
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_in_flight_over_http_2_are_finished_where_they_began() {
    let (upstream, mut line) = Line::in_front("").await;
    let client = H2Client::connect(line.server.address()).await;
    let asked = tokio::spawn(async move { client.get("/slow/1500").await.status() });
    upstream
        .until("the request", |upstream| upstream.requests().iter().any(|request| request.target == "/slow/1500"))
        .await;
    let successor = line.restart();
    assert_eq!(H2Client::connect(line.server.address()).await.get("/echo").await.status(), 200);
    assert_eq!(asked.await.expect("it is answered"), 200);
    assert_eq!(line.server.child.exited(), Some(0));
    assert_eq!(line.process(), successor);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_restarts_too() {
    let (_upstream, mut line) = Line::in_front("").await;
    line.server.child.signal("USR2");
    line.server.logged("\"msg\":\"taken over\"");
    line.last = line.process();
    assert_ne!(line.last, u64::from(line.server.child.id()));
    // Its banner stands where that of the first stands, which started it behind a pipe.
    line.server.child.said("a second banner", |said| (said.matches("Try next").count() == 2).then_some(()));
    assert_eq!(line.server.child.exited(), Some(0));
    // And the successor hands over in turn.
    let before = line.last;
    signal(before, "USR2");
    let limit = Instant::now() + SOON;
    while line.last == before {
        assert!(Instant::now() < limit, "nobody follows");
        sleep(Duration::from_millis(50)).await;
        line.last = line.process();
    }
    until_gone(before).await;
    line.server.client().get("/echo").await.expect_status(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_seawall_starts_is_started_anew_without_a_lost_request() {
    let mut line = Line::serve(supervised(""), &["run"]);
    let first = application(&line.server.client()).await;
    let done = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let load: Vec<_> = (0..6)
        .map(|number| {
            let (client, done) = (line.server.client(), std::sync::Arc::clone(&done));
            tokio::spawn(async move {
                let mut served = 0;
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    let path = if number % 2 == 0 { "/" } else { "/slow/300" };
                    let method = if number % 3 == 0 { "POST" } else { "GET" };
                    client.request(Request::new(method, path)).await.expect_status(200);
                    served += 1;
                }
                served
            })
        })
        .collect();
    let mut last = first;
    for _ in 0..3 {
        line.restart();
        let next = application(&line.server.client()).await;
        assert_ne!(next, last);
        until_gone(last).await;
        last = next;
    }
    done.store(true, std::sync::atomic::Ordering::Relaxed);
    for task in load {
        assert!(task.await.expect("no request fails") > 3);
    }
    assert_eq!(line.server.child.exited(), Some(0), "{}", line.server.child);
    signal(line.last, "TERM");
    until_gone(line.last).await;
    assert!(!runs(last), "the application ends before Seawall does");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_started_by_hand_takes_over() {
    let (upstream, mut line) = Line::in_front("").await;
    let second = line.place.serve(&["run", "--take-over", "--to", &upstream.url()]);
    assert_eq!(second.address(), line.server.address(), "it has the same listener");
    assert_eq!(line.process(), u64::from(second.child.id()));
    assert_eq!(line.server.child.exited(), Some(0), "{}", line.server.child);
    second.client().get("/echo").await.expect_status(200);
    second.logged("\"msg\":\"taken over\"");
    // What it can do in turn is its own, not that of who served before.
    let third = line.restart_of(u64::from(second.child.id()));
    assert_eq!(line.process(), third);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_nobody_to_take_over_from_it_starts_by_itself() {
    let place = Place::new();
    let mut server = place.serve(&["run", "--take-over", "--to", "http://127.0.0.1:9"]);
    server.logged("no process to take over from");
    assert!(place.path().join(".seawall/hand-over.sock").exists());
    assert_eq!(server.terminate(), Some(0));
    assert!(!place.path().join(".seawall/hand-over.sock").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_address_is_bound_anew_and_the_old_one_is_closed() {
    let (_upstream, mut line) = Line::in_front("[log]\nlevel = \"info\"\n").await;
    let before = line.process();
    assert_eq!(before, line.last);
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    // The command line stands over the file, so a process that is started by hand says where.
    let arguments = ["run", "--take-over", "--to", "http://127.0.0.1:9", "--admin", "127.0.0.1:0", "--listen", &other];
    let second = line.place.start(&arguments);
    second.said("that it took over", |out| out.contains("\"msg\":\"taken over\"").then_some(()));
    assert!(second.out().contains("this address is bound anew"), "{second}");
    assert_eq!(line.server.child.exited(), Some(0));
    let gone = RawClient::try_connect(line.server.address()).await;
    assert!(gone.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused));
    RawClient::connect(other.parse().expect("an address")).await;
}

/// Bound anew it would have another port here, and no place at all where the port is fixed.
#[tokio::test(flavor = "multi_thread")]
async fn the_listener_that_redirects_to_https_is_handed_over_too() {
    let toml = format!("{}[tls]\nredirect_listen = \"127.0.0.1:0\"\n", encrypting::TLS);
    let mut line = Line::serve(encrypting::place(&toml), &["run", "--to", "http://127.0.0.1:9"]);
    let redirects = line.server.child.said("where it redirects", |said| {
        let line = said.lines().find_map(|line| line.strip_prefix("  redirect "))?;
        Some(line.split_whitespace().next()?.to_owned())
    });
    let client = Client::new(&redirects).with_header("Host", "example.com");
    client.get("/before").await.expect_status(308);
    line.restart();
    assert_eq!(line.server.child.exited(), Some(0), "{}", line.server.child);
    let answer = client.get("/after").await.expect_status(308);
    assert!(answer.header("location").is_some_and(|location| location.ends_with("/after")), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_successor_goes_on_with_the_backups_and_no_change_is_lost_between_them() {
    let (_upstream, mut line) = Line::in_front("[backup]\nto = \"backups\"\n").await;
    line.server.logged("a backup was taken");
    line.restart();
    assert_eq!(line.server.child.exited(), Some(0), "{}", line.server.child);
    signal(line.last, "TERM");
    until_gone(line.last).await;
    let said = line.server.child.out();
    assert!(!said.contains("were not shipped") && !said.contains("without a gap"), "{said}");
    let listed: Value = serde_json::from_str(&line.place.seawall(&["backup", "list", "--json"]).ok()).expect("JSON");
    assert_eq!(
        listed["data"][0]["backups"].as_array().map(Vec::len),
        Some(1),
        "one generation, so one backup: {listed}"
    );
    let restored = line.place.seawall(&["restore", "--into", "copy.db", "--json"]).ok();
    let restored: Value = serde_json::from_str(&restored).expect("it answers in JSON");
    assert!(restored["missing"].is_null(), "{restored}");
    let copy = rusqlite::Connection::open(line.place.path().join("copy.db")).unwrap();
    let starts = "SELECT count(*) FROM audit_log WHERE action = 'server.started'";
    assert_eq!(copy.query_row(starts, [], |row| row.get(0)), Ok(2_i64), "those of both processes");
}
