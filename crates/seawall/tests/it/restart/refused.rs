//! A successor that fails changes nothing: the one that serves goes on, and whoever asked is told why.

use seawall_testkit::client::{RawClient, Request};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
};

use super::{Line, runs, signal, taken::supervised, until_gone};

/// The process that was started last to take over.
fn successor(line: &Line, number: usize) -> u64 {
    line.server.child.said("that a successor was started", |out| {
        let started = out.lines().filter(|said| said.contains("a successor was started")).nth(number - 1)?;
        serde_json::from_str::<Value>(started).ok()?["successor.pid"].as_u64()
    })
}

/// A server whose successor waits before it starts its application, until a file is there.
fn waiting() -> Line {
    Line::serve(supervised("before_start = \"[ ! -e wait ] || while [ ! -e go ]; do sleep 0.05; done\""), &["run"])
}

fn put(line: &Line, name: &str) {
    std::fs::write(line.place.path().join(name), "").expect("the file can be written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_with_mistakes_is_told_and_changes_nothing() {
    let (_upstream, mut line) = Line::in_front("[body]\nmax = \"1 MB\"\n").await;
    line.write("[body]\nmaxx = \"1 MB\"\n");
    let said = line.place.seawall(&["restart"]).refused(64);
    for part in ["was not restarted", "exit code 64", "maxx", "did you mean"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    // The answer may be there before the line of the log.
    line.server.logged("there was no hand-over; this process goes on");
    line.server.client().get("/echo").await.expect_status(200);
    line.write("[body]\nmax = \"2 MB\"\n");
    assert_eq!(line.process(), line.last);
    let successor = line.restart();
    assert_eq!(line.process(), successor);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_does_not_start_changes_nothing() {
    let line = Line::serve(supervised(""), &["run"]);
    line.write("[app]\ncommand = [\"sh\", \"-c\", \"echo cannot find module; exit 2\"]\n");
    let said = line.place.seawall(&["restart"]).refused(69);
    for part in ["was not restarted", "exit code 2 before it was ready", "cannot find module"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    line.server.client().get("/").await.expect_status(200);
    assert_eq!(line.process(), line.last);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_with_a_port_of_its_own_cannot_run_twice() {
    let line = Line::serve(supervised(""), &["run"]);
    let file = std::fs::read_to_string(line.place.path().join("seawall.toml")).unwrap();
    line.write(&file.replace("[app]\n", "[app]\nport = 1\n"));
    let said = line.place.seawall(&["restart"]).refused(69);
    assert!(said.contains("the application has a fixed port") && said.contains("take `port` out of [app]"), "{said}");
    line.server.client().get("/").await.expect_status(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_successor_that_is_killed_changes_nothing() {
    let mut line = waiting();
    put(&line, "wait");
    let mut asked = line.place.start(&["restart"]);
    let killed = successor(&line, 1);
    line.server.logged("a successor gets ready");
    signal(killed, "KILL");
    assert_eq!(asked.ended(), Some(69), "{asked}");
    assert!(asked.err().contains("signal 9"), "{asked}");
    line.server.client().get("/").await.expect_status(200);
    assert_eq!(line.process(), line.last);
    put(&line, "go");
    line.restart();
    line.server.client().get("/").await.expect_status(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_told_to_end_ends_with_the_successor_it_started() {
    let mut line = waiting();
    put(&line, "wait");
    let mut asked = line.place.start(&["restart"]);
    let successor = successor(&line, 1);
    line.server.logged("a successor gets ready");
    line.server.child.signal("TERM");
    until_gone(successor).await;
    assert_eq!(line.server.child.exited(), Some(0), "{}", line.server.child);
    assert_eq!(asked.ended(), Some(69), "{asked}");
    let gone = RawClient::try_connect(line.server.address()).await;
    assert!(gone.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused));
    assert!(!runs(successor));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_restarts_at_once_one_is_done_and_the_other_is_told() {
    let mut line = waiting();
    put(&line, "wait");
    let mut first = line.place.start(&["restart", "--json"]);
    successor(&line, 1);
    line.server.logged("a successor gets ready");
    let second = line.place.seawall(&["restart"]).refused(69);
    assert!(second.contains("another hand-over is under way"), "{second}");
    let by_hand = line.place.seawall(&["run", "--take-over", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
    assert_eq!(by_hand.code, Some(69), "{by_hand:?}");
    assert!(by_hand.err.contains("another hand-over is under way"), "{by_hand:?}");
    put(&line, "go");
    assert_eq!(first.ended(), Some(0), "{first}");
    let said: Value = serde_json::from_str(&first.out()).expect("it answers in JSON");
    line.last = said["successor"].as_u64().expect("a process");
    assert_eq!(line.process(), line.last);
    line.server.client().get("/").await.expect_status(200);
}

/// A successor that says these lines, each once the server has answered the one before; gives the answers.
async fn says(line: &Line, lines: &[&str]) -> Vec<String> {
    let socket = line.place.path().join(".seawall/hand-over.sock");
    let (reader, mut writer) = UnixStream::connect(socket).await.expect("it listens").into_split();
    let mut reader = BufReader::new(reader);
    let mut answers = Vec::new();
    for said in lines {
        writer.write_all(format!("{said}\n").as_bytes()).await.expect("it listens");
        let mut answer = "working".to_owned();
        while answer.starts_with("working") {
            answer.clear();
            reader.read_line(&mut answer).await.expect("it answers");
        }
        answers.push(answer.split(' ').next().unwrap_or_default().trim().to_owned());
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn a_successor_that_ends_with_everything_in_its_hands_is_replaced_by_the_one_before() {
    let (_upstream, mut line) = Line::in_front("").await;
    assert_eq!(says(&line, &["hello 2 9.9.9", "ready"]).await, ["offer", "released"]);
    line.server.logged("there was no hand-over; this process goes on");
    line.server.client().get("/echo").await.expect_status(200);
    line.server.admin_client().get("/health/live").await.expect_status(200);
    assert_eq!(line.process(), line.last);
    // Others had the store meanwhile, so nothing that was kept in memory counts.
    let token = std::fs::read_to_string(line.place.path().join(".seawall/admin.token")).expect("the token is there");
    let request = Request::get("/api/store").header("Authorization", format!("Bearer {}", token.trim()));
    let store = line.server.admin_client().request(request).await.expect_status(200).json();
    assert_eq!(store["messages"]["missed"], 1, "{store}");
    // It has the lock again, and can hand over again.
    let said = line.place.seawall(&["run", "--to", "http://127.0.0.1:9", "--listen", "127.0.0.1:0"]);
    assert!(said.err.contains("another Seawall uses"), "{said:?}");
    line.restart();
    line.server.client().get("/echo").await.expect_status(200);
}

/// Whoever is at work says so, for as long as it takes; who says nothing more is not waited for.
#[tokio::test(flavor = "multi_thread")]
async fn a_successor_that_comes_to_a_standstill_is_replaced_by_the_one_before() {
    let (_upstream, mut line) = Line::in_front("").await;
    let socket = line.place.path().join(".seawall/hand-over.sock");
    let (reader, mut writer) = UnixStream::connect(socket).await.expect("it listens").into_split();
    writer.write_all(b"hello 2 9.9.9\nready\n").await.expect("it listens");
    let mut said = BufReader::new(reader).lines();
    while said.next_line().await.expect("it answers").expect("it lets go") != "released" {}
    writer.write_all(b"working\n").await.expect("it listens");
    line.server.child.said("that it goes on", |out| out.contains("was not heard serving in time").then_some(()));
    line.server.client().get("/echo").await.expect_status(200);
    line.restart();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_understood_changes_nothing() {
    let (_upstream, mut line) = Line::in_front("").await;
    for (lines, answers) in [
        (&["hello 3 9.9.9"][..], &["refused"][..]),
        (&["hello 1 9.9.9"], &["refused"]),
        (&["GET / HTTP/1.1"], &["refused"]),
        (&["ready"], &["refused"]),
        (&["hello 2 9.9.9", "taken"], &["offer", "refused"]),
        (&["hello 2 9.9.9", "refused it cannot"], &["offer", ""]),
    ] {
        assert_eq!(says(&line, lines).await, answers, "{lines:?}");
    }
    // One that says nothing is given up, and one that leaves is too.
    drop(UnixStream::connect(line.place.path().join(".seawall/hand-over.sock")).await.expect("it listens"));
    line.server.client().get("/echo").await.expect_status(200);
    line.restart();
}
