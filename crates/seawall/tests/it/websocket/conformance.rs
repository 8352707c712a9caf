//! Autobahn's WebSocket suite, which nobody here wrote, through the proxy in strict mode, from both sides: its fuzzing client
//! before an honest application, and its fuzzing server behind an honest client.
//!
//! Left out are the cases on compression (12 and 13), which is never negotiated, and those on throughput (9).

use std::{fs, net::TcpListener, path::Path, process::Command};

use seawall_testkit::{StartedApp, TemporaryDirectory, TestApp};
use serde_json::{Value, json};

use crate::applications::{
    child::Child,
    tools::{installed, skip},
};

/// Sizes and numbers that the suite uses are no limits here; the rules of the protocol are what is tested.
const CONFIGURATION: &str = "[websocket]\nmax_message = \"64 MiB\"\nmax_answer = \"64 MiB\"\n\
    messages = \"1000000/min\"\nbytes = \"10 GB/min\"\n[rate_limit]\nmode = \"off\"\n";

/// How many cases remain; a suite that runs fewer has not run.
const CASES: usize = 247;

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
    listener.local_addr().expect("it has an address").port()
}

fn wstest(suite: &Path, directory: &TemporaryDirectory, arguments: &[&str]) -> Child {
    let mut command = Command::new(suite.join("bin/wstest"));
    command.args(arguments).current_dir(directory.path()).env_remove("PYENV_VERSION");
    Child::start(command)
}

async fn front(port: u16) -> StartedApp {
    // The suite's server wants to be asked for by its own port.
    let config = format!("{CONFIGURATION}[upstream]\nhost = \"127.0.0.1:{port}\"\n");
    TestApp::in_front_of(format!("http://127.0.0.1:{port}")).with_config(&config).start().await
}

/// Waits until a server of the suite accepts connections.
async fn listening(port: u16) {
    let limit = tokio::time::Instant::now() + crate::applications::child::LIMIT;
    while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        assert!(tokio::time::Instant::now() < limit, "nothing listens on {port}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// Cases in which the suite's server breaks a rule right after a good message. That ends the socket before the client has answered the good
/// one, which the suite takes for right and calls not strict: what an application still says after it broke a rule is not waited for.
const CUT_SHORT: [&str; 10] = ["3.2", "3.3", "3.4", "4.1.3", "4.1.4", "4.1.5", "4.2.3", "4.2.4", "4.2.5", "5.15"];

/// Every case that did not end as it should; in those of `lenient` the suite need not be strict.
fn failures(report: &Path, lenient: &[&str]) -> Vec<String> {
    let report: Value = serde_json::from_str(&fs::read_to_string(report).expect("there is a report")).expect("of JSON");
    let cases: Vec<_> =
        report.as_object().into_iter().flatten().filter_map(|(_, cases)| cases.as_object()).flatten().collect();
    assert_eq!(cases.len(), CASES, "cases that ran");
    let right = |case: &Value, allowed: &[&str], member: &str| {
        case[member].as_str().is_some_and(|outcome| allowed.contains(&outcome))
    };
    let behaves = |id: &str, case: &Value| {
        right(case, &["OK", "INFORMATIONAL"], "behavior")
            || lenient.contains(&id) && right(case, &["NON-STRICT"], "behavior")
    };
    let failed = cases
        .into_iter()
        .filter(|(id, case)| !behaves(id, case) || !right(case, &["OK", "INFORMATIONAL"], "behaviorClose"));
    failed.map(|(id, case)| format!("{id}: {} {}", case["behavior"], case["behaviorClose"])).collect()
}

fn suite() -> Option<std::path::PathBuf> {
    let suite = installed("autobahn/complete").and_then(|_| installed("autobahn/suite"));
    if suite.is_none() {
        if installed("autobahn/unavailable").is_some() {
            // Python 2.7, which it needs, is on few machines: no failure where `./test` found none.
            #[expect(clippy::print_stderr, reason = "a test that does not run says so to whoever reads its output")]
            {
                eprintln!("skipped: there is no Python 2.7 with pip for Autobahn's suite");
            }
        } else {
            skip("Autobahn's suite is not installed");
        }
    }
    suite
}

#[tokio::test(flavor = "multi_thread")]
async fn wk_7_autobahns_clients_find_every_rule_kept() {
    let Some(suite) = suite() else { return };
    let directory = TemporaryDirectory::new();
    let port = free_port();
    let _application = wstest(&suite, &directory, &["-m", "testeeserver", "-w", &format!("ws://127.0.0.1:{port}")]);
    listening(port).await;
    let app = front(port).await;
    let specification = json!({
        "outdir": "./reports",
        "servers": [{ "agent": "seawall", "url": format!("ws://{}", app.public()) }],
        "cases": ["*"], "exclude-cases": ["9.*", "12.*", "13.*"], "exclude-agent-cases": {},
    });
    fs::write(directory.path().join("client.json"), specification.to_string()).expect("it can be written");
    let mut client = wstest(&suite, &directory, &["-m", "fuzzingclient", "-s", "client.json"]);
    let code = tokio::task::block_in_place(|| client.ended());
    assert_eq!(code, Some(0), "{client}");
    assert_eq!(failures(&directory.path().join("reports/index.json"), &[]), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn autobahns_servers_find_every_rule_kept() {
    let Some(suite) = suite() else { return };
    let directory = TemporaryDirectory::new();
    let port = free_port();
    let specification = json!({
        "outdir": "./reports", "url": format!("ws://127.0.0.1:{port}"),
        "cases": ["*"], "exclude-cases": ["9.*", "12.*", "13.*"], "exclude-agent-cases": {},
    });
    fs::write(directory.path().join("server.json"), specification.to_string()).expect("it can be written");
    let _server = wstest(&suite, &directory, &["-m", "fuzzingserver", "-s", "server.json", "-u", "0"]);
    listening(port).await;
    let app = front(port).await;
    let mut client = wstest(&suite, &directory, &["-m", "testeeclient", "-w", &format!("ws://{}", app.public())]);
    let code = tokio::task::block_in_place(|| client.ended());
    assert_eq!(code, Some(0), "{client}");
    assert_eq!(failures(&directory.path().join("reports/index.json"), &CUT_SHORT), [""; 0]);
}
