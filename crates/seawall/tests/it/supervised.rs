//! `seawall run -- COMMAND`: the application is started, watched, heard and stopped by the real binary.

use std::{fs, time::Duration};

use seawall_testkit::client::RawClient;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::{
    applications::{child::LIMIT, tools::fixture},
    cli::binary::{FREE_PORTS, Place, Server},
};

const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// The configuration that starts the application, with more keys of `[app]` and whatever follows.
fn place(more: &str) -> Place {
    Place::with_config(&format!("[app]\ncommand = [\"python3\", \"supervised.py\"]\n{more}\n"))
        .with_file("supervised.py", &fs::read_to_string(fixture("applications/supervised.py")).expect("it is there"))
}

/// What the application tells about itself.
async fn asked(server: &Server) -> Value {
    let text = server.client().get("/").await.expect_status(200).text();
    serde_json::from_str(&text).expect("it answers in JSON")
}

/// Whether a process runs; one that only waits to be collected does not.
fn runs(pid: &Value) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.trim_start().starts_with('Z'))
}

async fn until_gone(pid: &Value) {
    let limit = Instant::now() + LIMIT;
    while runs(pid) {
        assert!(Instant::now() < limit, "process {pid} goes on");
        sleep(LOOK_AGAIN).await;
    }
}

/// The log's line with this message.
fn logged(server: &Server, message: &str) -> Value {
    let mark = format!("\"msg\":\"{message}");
    let find = |said: &str| said.lines().find(|line| line.contains(&mark)).map(str::to_owned);
    serde_json::from_str(&server.child.said(message, find)).expect("each line is JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_after_two_dashes_is_served_once_it_is_ready() {
    let place = place("").with_file("seawall.toml", "");
    let arguments = [&["run"], &FREE_PORTS[..], &["--", "python3", "supervised.py", "--token=s3cret"]].concat();
    let mut child = place.start(&arguments);
    let banner = child.said("the banner", |said| said.contains("Try next").then(|| said.to_owned()));
    let number = |text: &str| text.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
    let lines: Vec<_> = banner.lines().take(2).map(number).collect();
    assert_eq!(
        lines,
        ["Seawall .. protects python supervised.py --token=[redacted]", "  app      started here, process  on ...:"]
    );
    let public = banner.lines().find_map(|line| line.strip_prefix("  public   ")).expect("the banner says where");
    let answer = seawall_testkit::client::Client::new(public).get("/").await.expect_status(200).text();
    let told: Value = serde_json::from_str(&answer).expect("it answers in JSON");
    let environment = &told["environment"];
    let address = format!("{}:{}", environment["HOST"].as_str().unwrap(), environment["PORT"].as_str().unwrap());
    assert!(banner.contains(&format!("on {address}\n")), "{banner}");
    child.signal("TERM");
    assert_eq!(child.ended(), Some(0), "{child}");
    assert!(!runs(&told["pid"]), "the application ends before Seawall does");
}

/// It gives its document, and says nothing else, only after a while.
const DESCRIBES_ITSELF: &str = r#"
import http.server, os, time

DOCUMENT = b'{"openapi": "3.1.0", "paths": {"/orders": {"get": {"parameters": [{"name": "days", "in": "query"}]}}}}'

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(DOCUMENT)

time.sleep(1)
http.server.HTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
"#;

#[tokio::test(flavor = "multi_thread")]
async fn its_document_is_fetched_once_it_is_ready() {
    let place = place("[schema]\ndocument = \"upstream:/openapi.json\"\ndocument_wait = \"1s\"");
    let server = place.with_file("supervised.py", DESCRIBES_ITSELF).serve(&["run"]);
    server.client().get("/orders?days=1").await.expect_status(200);
    server.client().get("/orders?pages=1").await.expect_problem(400, "validation-failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_says_is_logged_with_the_request_it_belongs_to() {
    let place = place("");
    let server = place.serve(&["run"]);
    let answer = server.client().get("/orders").await.expect_status(200);
    let request_id = answer.header("x-request-id").expect("every answer has one").to_owned();
    let line = logged(&server, "asked");
    assert_eq!(line["request.id"], request_id.as_str(), "{line}");
    assert_eq!(
        (&line["level"], &line["target"], &line["app.stream"]),
        (&"warn".into(), &"app".into(), &"stdout".into())
    );
    assert_eq!((&line["service"], &line["app.process"]), (&"seawall".into(), &"application".into()));
    assert_eq!(line["app.fields"], "{\"password\":\"[redacted]\",\"path\":\"/orders\"}");
    let plain = logged(&server, "plainly asked by");
    assert_eq!((&plain["request.id"], &plain["level"]), (&request_id.as_str().into(), &"info".into()));
    assert!(logged(&server, "listening on 127.0.0.1:")["app.pid"].as_u64() > Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_given_our_environment_without_our_settings() {
    let place = place("port_variable = \"LISTEN_PORT\"\n[app.env]\nset = [\"PORT=1\", \"NODE_ENV=production\"]")
        .with_variable("GREETING", "hello")
        .with_variable("SEAWALL__ADMIN__TOKEN", "0123456789abcdef0123456789abcdef");
    let script = fs::read_to_string(place.path().join("supervised.py")).unwrap().replace("\"PORT\"", "\"LISTEN_PORT\"");
    fs::write(place.path().join("supervised.py"), script).unwrap();
    let server = place.serve(&["run"]);
    let environment = &asked(&server).await["environment"];
    assert_eq!((&environment["GREETING"], &environment["NODE_ENV"]), (&"hello".into(), &"production".into()));
    assert_eq!((&environment["PORT"], &environment["HOST"]), (&"1".into(), &"127.0.0.1".into()));
    assert_eq!(environment.get("SEAWALL__ADMIN__TOKEN"), None);
}

#[test]
fn missing_variables_are_all_named_before_anything_starts() {
    let place = place(
        "before_start = \"touch prepared\"\n[app.env]\nrequired = [\"DATABASE_URL\", \"PATH\", \"REDIS_URL\", \"PORT\"]",
    )
    .with_variable("REDIS_URL", "");
    let said = place.seawall(&[&["run"], &FREE_PORTS[..]].concat());
    assert_eq!(said.code, Some(64), "{said:?}");
    insta::assert_snapshot!(said.err, @r"
    error: the application needs variables that are not set: DATABASE_URL, REDIS_URL
      help: set each in the environment that seawall is started with, such as: export DATABASE_URL=…; or take it out of `required` in [app.env]
    ");
    assert!(!place.path().join("prepared").exists());
    let checked = place.seawall(&["check"]).ok();
    assert!(checked.contains("note: DATABASE_URL, REDIS_URL must be set where seawall runs"), "{checked}");
    assert!(checked.contains("[app.env]\nrequired = "), "{checked}");
}

#[test]
fn what_runs_before_must_succeed() {
    let place = place("before_start = \"echo migrating; echo no such table >&2; exit 3\"");
    let said = place.seawall(&[&["run"], &FREE_PORTS[..]].concat());
    assert_eq!(said.code, Some(69), "{said:?}");
    for part in ["before_start failed with exit code 3", "│ migrating", "│ no such table", "help: run it by itself"]
    {
        assert!(said.err.contains(part), "{part}: {}", said.err);
    }
    assert!(said.out.contains("\"app.process\":\"before_start\"") && !said.out.contains("listening on"), "{said:?}");
}

#[test]
fn a_first_start_that_fails_is_told_with_its_last_lines() {
    let place = Place::with_config("[app]\ncommand = [\"sh\", \"-c\", \"echo cannot find module; exit 2\"]\n");
    let said = place.seawall(&[&["run"], &FREE_PORTS[..]].concat());
    assert_eq!(said.code, Some(69));
    insta::assert_snapshot!(said.err, @r"
    error: the application ended with exit code 2 before it was ready; its last lines:
      │ cannot find module
      help: start it without Seawall to see what it needs
    ");
    let missing = [&["run"], &FREE_PORTS[..], &["--", "no-such-program"]].concat();
    let said = Place::new().seawall(&missing);
    assert_eq!(said.code, Some(69), "{said:?}");
    assert!(said.err.starts_with("error: cannot start no-such-program: No such file or directory"), "{}", said.err);
}

#[test]
fn one_application_is_named_in_one_way() {
    let said = place("").seawall(&["run", "--to", "http://localhost:3000"]).refused(64);
    insta::assert_snapshot!(said, @r"
    error: an application is named twice: by a command that starts it, and by an address where it runs
      help: keep one: `command` in [app] (or what follows -- ) for an application that Seawall starts, `url` in [upstream] (or --to) for one that runs by itself
    ");
    let twice = place("[upstream]\nurl = \"http://localhost:3000\"");
    assert!(twice.seawall(&["check"]).refused(64).contains("named twice"));
    let said = Place::with_config("[app]\ncommand = \"node server.js\"\n").seawall(&["check"]).refused(64);
    assert!(said.contains("each argument as a text of its own"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_is_503_until_it_is_started_again() {
    let place = place("restart_backoff = \"1s\"");
    let mut server = place.serve(&["run"]);
    let first = asked(&server).await["pid"].clone();
    // 503 when it was asked on a kept connection, as if that had died before: then the request is sent again.
    let crashed = server.client().get("/crash").await.status;
    assert!([502, 503].contains(&crashed), "{crashed}");
    server.client().get("/").await.expect_problem(503, "upstream-unreachable");
    let limit = Instant::now() + LIMIT;
    while server.client().get("/").await.status != 200 {
        assert!(Instant::now() < limit, "it is not started again");
        sleep(LOOK_AGAIN).await;
    }
    let second = asked(&server).await["pid"].clone();
    assert_ne!(first, second);
    let line = logged(&server, "the application ended by itself");
    assert_eq!((&line["level"], &line["status"]), (&"error".into(), &"exit code 3".into()));
    // It may serve a moment before it is seen to be ready.
    let shows = || serde_json::from_str::<Value>(&place.seawall(&["app", "status", "--json"]).ok()).unwrap();
    while shows()["state"] != "ready" {
        assert!(Instant::now() < limit, "it is not seen to be ready");
        sleep(LOOK_AGAIN).await;
    }
    assert_eq!((&shows()["pid"], &shows()["restarts"]), (&second, &1.into()));
    let shown = place.seawall(&["app", "status"]).ok();
    let shown: String = shown.lines().filter(|line| !line.contains("process") && !line.contains("address")).collect();
    assert_eq!(
        shown,
        "ready python3 supervised.py  starts   1 again after an end, 0 to replace  ended    last with exit code 3"
    );
    assert_eq!(server.terminate(), Some(0));
    assert!(!runs(&second));
}

#[tokio::test(flavor = "multi_thread")]
async fn rg_6_requests_in_flight_are_answered_before_it_is_stopped() {
    let place = place("");
    let mut server = place.serve(&["run"]);
    let pid = asked(&server).await["pid"].clone();
    let mut client = RawClient::connect(server.address()).await;
    client.write("GET /slow/600 HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    server.logged("slow begins");
    server.child.signal("TERM");
    server.logged("finishing:");
    client.read_response("GET").await.expect_status(200);
    assert_eq!(server.child.ended(), Some(0));
    assert!(!runs(&pid));
    assert!(server.child.out().contains("the application has ended"), "{}", server.child);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_one_that_does_not_listen() {
    let place = place("stop_timeout = \"10min\"");
    let script = fs::read_to_string(place.path().join("supervised.py")).unwrap();
    let deaf = format!("import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n{script}");
    fs::write(place.path().join("supervised.py"), deaf).unwrap();
    let server = place.serve(&["run"]);
    let pid = asked(&server).await["pid"].clone();
    let mut server = server;
    server.child.signal("INT");
    server.logged("finishing:");
    sleep(Duration::from_millis(300)).await;
    assert!(runs(&pid));
    server.child.signal("INT");
    assert_eq!(server.child.ended(), Some(0));
    assert!(!runs(&pid));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_with_seawall_however_seawall_ends() {
    let place = place("");
    let server = place.serve(&["run"]);
    let pid = asked(&server).await["pid"].clone();
    server.child.signal("KILL");
    until_gone(&pid).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_while_it_starts_ends_both() {
    let place = Place::with_config("[app]\ncommand = [\"sh\", \"-c\", \"echo my pid is $$; exec sleep 600\"]\n");
    let mut child = place.start(&[&["run"], &FREE_PORTS[..]].concat());
    let pid = child.said("its process", |said| {
        let (_, rest) = said.split_once("my pid is ")?;
        rest.split('"').next()?.parse::<u64>().ok()
    });
    child.signal("TERM");
    assert_eq!(child.ended(), Some(0), "{child}");
    until_gone(&pid.into()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_started_nothing_says_so() {
    let place = Place::new();
    let server = place.serve(&["run", "--to", "http://127.0.0.1:9"]);
    let said = place.seawall(&["app", "status"]).refused(69);
    insta::assert_snapshot!(said, @r"
    error: the running server started no application: it protects one that runs by itself
      help: let Seawall start it: seawall run -- node server.js
    ");
    drop(server);
    assert!(place.seawall(&["app", "status"]).refused(69).starts_with("error: no running server answers"));
}

/// Under load: requests that take a while are finished by the process that has them, all others go to the new one.
#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_application_loses_no_request() {
    let place = place("[rate_limit]\nlimits = [\"1000000/min per ip\"]");
    let mut server = place.serve(&["run"]);
    let first = asked(&server).await["pid"].clone();
    let done = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let load: Vec<_> = (0..8)
        .map(|number| {
            let (client, done) = (server.client(), std::sync::Arc::clone(&done));
            tokio::spawn(async move {
                let mut served = 0_u32;
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    let path = if number % 2 == 0 { "/" } else { "/slow/150" };
                    let method = if number % 4 < 2 { "GET" } else { "POST" };
                    client.request(seawall_testkit::client::Request::new(method, path)).await.expect_status(200);
                    served += 1;
                }
                served
            })
        })
        .collect();
    let mut last = first.clone();
    for round in 1..=3 {
        let said = place.seawall(&["app", "replace", "--json"]).ok();
        let said: Value = serde_json::from_str(&said).expect("it answers in JSON");
        assert_eq!((&said["state"], &said["replacements"]), (&"ready".into(), &round.into()), "{said}");
        assert!(!runs(&last), "the old one has ended");
        let now = asked(&server).await["pid"].clone();
        assert!(now == said["pid"] && now != last, "requests go to the new one");
        last = now;
    }
    done.store(true, std::sync::atomic::Ordering::Relaxed);
    for load in load {
        assert!(load.await.expect("no request fails") > 3, "it was asked all the time");
    }
    server.child.signal("TERM");
    assert_eq!(server.child.ended(), Some(0));
    until_gone(&last).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_keeps_the_application_and_where_requests_go() {
    let place = place("[body]\nmax = \"1 B\"");
    let server = place.serve(&["run"]);
    let first = asked(&server).await["pid"].clone();
    let file = fs::read_to_string(place.path().join("seawall.toml")).unwrap();
    let write = |text: String| fs::write(place.path().join("seawall.toml"), text).unwrap();
    write(file.replace("1 B", "2 B") + "[upstream]\nmax_connections = 7\n[server]\ndrain_timeout = \"2s\"\n");
    assert!(place.seawall(&["reload"]).ok().starts_with("reloaded, 3 changes:\n"));
    assert_eq!(asked(&server).await["pid"], first);
    assert_eq!(place.seawall(&["app", "replace"]).ok().lines().count(), 4);
    let second = asked(&server).await["pid"].clone();
    assert_ne!(first, second);
    write(file.replace("1 B", "3 B") + "[server]\nlisten = \"127.0.0.1:1\"\n");
    place.seawall(&["reload"]).ok();
    assert_eq!(asked(&server).await["pid"], second, "a reload does not lead requests back");
    write("[upstream]\nurl = \"http://127.0.0.1:9\"\n".to_owned());
    let said = place.seawall(&["reload"]).refused(64);
    assert!(said.contains("changed by a restart only") && said.contains("help: "), "{said}");
    assert_eq!(asked(&server).await["pid"], second);
}
