//! A fuzzer that others wrote reads documents and tries what they say (schemathesis, installed by `./test`): against a small application
//! as it is written on a laptop, bare and behind Seawall, and against Seawall's own paths. The numbers of its runs stand in
//! `docs/guide/schema.md`.
//!
//! Seawall changes no failure of an application into anything else here: those of this one come of input that its document excludes,
//! which is what the guard of schemas keeps from it.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, Output},
};

use seawall_testkit::{TemporaryDirectory, TestApp};
use serde_json::Value;

use crate::{
    applications::{
        child::Child,
        tools::{fixture, installed, program, skip},
    },
    identity::Place,
};

const TOOL: &str = "schemathesis/bin/st";

/// The longest that one run may take, in seconds.
const LIMIT_S: &str = "240";

/// What a run found.
#[derive(Debug)]
struct Found {
    /// How many answers had which status.
    statuses: BTreeMap<u64, usize>,
    /// Kinds of failures, with the operations that have them.
    failures: BTreeMap<String, Vec<String>>,
    requests: usize,
}

impl Found {
    fn crashes(&self) -> usize {
        self.statuses.range(500..).map(|(_, count)| count).sum()
    }

    /// In how many operations answers were seen that the document does not have.
    fn undocumented(&self) -> usize {
        ["UndefinedStatusCode", "UndefinedContentType"]
            .iter()
            .filter_map(|kind| Some(self.failures.get(*kind)?.len()))
            .sum()
    }
}

/// Runs it against what a document describes, with the same seed each time.
async fn run(document: String, more: &'static [&'static str], fields: Vec<String>) -> Found {
    let work = TemporaryDirectory::new();
    let place = work.path().to_owned();
    let ran = tokio::task::spawn_blocking(move || start(&place, &document, more, &fields)).await.expect("it ran");
    let said = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    // 1 is for failures that it found.
    assert!(matches!(ran.status.code(), Some(0 | 1)), "it did not come to its end:\n{said}");
    let read = |name: &str| -> Value {
        let text = fs::read(work.path().join(name)).unwrap_or_else(|_| panic!("there is no {name}:\n{said}"));
        serde_json::from_slice(&text).expect("a report is JSON")
    };
    let (report, log) = (read("report.json"), read("requests.har"));
    assert_eq!(report["complete"], true, "{said}");
    let entries = log["log"]["entries"].as_array().expect("requests");
    let mut statuses = BTreeMap::new();
    for entry in entries {
        let status = entry["response"]["status"].as_u64().unwrap_or_else(|| panic!("no answer to {entry}"));
        *statuses.entry(status).or_default() += 1;
    }
    let mut failures: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for failure in report["failures"].as_array().expect("failures") {
        let operations = failure["operations"].as_array().into_iter().flatten().filter_map(Value::as_str);
        failures
            .entry(failure["type"].as_str().unwrap_or_default().to_owned())
            .or_default()
            .extend(operations.map(str::to_owned));
    }
    let found = Found { statuses, failures, requests: entries.len() };
    if !found.failures.is_empty() {
        shown(&said);
    }
    found
}

fn start(place: &Path, document: &str, more: &[&str], fields: &[String]) -> Output {
    // The fuzzer ends by itself; `timeout` bounds it should it not.
    let mut command = Command::new("timeout");
    command.arg(LIMIT_S).arg(installed(TOOL).expect("the test found it"));
    command.arg("--config-file").arg(fixture("described/schemathesis.toml")).args(["run", document]);
    command.args(["--seed", "1", "--continue-on-failure", "--no-shrink", "--generation-database", "none"]);
    command.args(["--no-color", "--request-timeout", "20", "--report", "json,har"]);
    command.args(["--report-json-path", "report.json", "--report-har-path", "requests.har"]).args(more);
    command.args(fields.iter().flat_map(|field| ["-H", field]));
    command.current_dir(place).output().expect("timeout is there")
}

#[expect(clippy::print_stderr, reason = "what was found is for whoever reads the output of the test")]
fn shown(text: &str) {
    eprintln!("{text}");
}

/// The application, on a free port.
fn shop() -> (Child, String) {
    let mut command = Command::new(program(&["python3"]).expect("the test found it"));
    command.arg(fixture("described/application.py")).env("PYTHONDONTWRITEBYTECODE", "1");
    let child = Child::start(command);
    let url = child.said("where it listens", |said| {
        said.lines().find_map(|line| line.strip_prefix("listening on ").map(str::to_owned))
    });
    (child, url)
}

fn ready() -> bool {
    let there = installed(TOOL).is_some() && program(&["python3"]).is_some();
    if !there {
        skip("schemathesis is not installed");
    }
    there
}

/// Each operation with so many examples, in every phase.
const SHOP: &[&str] = &["--max-examples", "25"];

/// Seawall's own paths.
const OWN: &[&str] = &["--max-examples", "3", "--phases", "coverage,fuzzing", "--include-path-regex", "^/_seawall/"];
/// The same, but for what ends the session that the run shows, or gives another in its place.
const OWN_SIGNED_IN: &[&str] = &[
    "--max-examples",
    "3",
    "--phases",
    "coverage,fuzzing",
    "--include-path-regex",
    "^/_seawall/",
    "--exclude-path-regex",
    "/auth/(sign-out|organisation)$",
];

#[tokio::test(flavor = "multi_thread")]
async fn behind_seawall_an_application_answers_no_5xx_and_nothing_that_the_document_has_not() {
    if !ready() {
        return;
    }
    let (_alone, url) = shop();
    let bare = run(format!("{url}/openapi.json"), SHOP, Vec::new()).await;

    let (_fronted, url) = shop();
    let directory = TemporaryDirectory::new();
    fs::copy(fixture("described/openapi.json"), directory.path().join("openapi.json")).expect("the document is copied");
    let config = "[schema]\ndocument = \"openapi.json\"\nundocumented = \"refuse\"\n[rate_limit]\nlimits = []\n\
                  [conditional]\netag = \"weak\"\n";
    let app = TestApp::in_front_of(url).in_directory(directory).with_config(config).start().await;
    let merged = format!("http://{}/_seawall/openapi.json", app.public());
    let behind = run(merged, SHOP, Vec::new()).await;

    for (name, found) in [("bare", &bare), ("behind Seawall", &behind)] {
        let (requests, crashes, undocumented) = (found.requests, found.crashes(), found.undocumented());
        let kinds: Vec<_> = found.failures.iter().map(|(kind, operations)| (kind, operations.len())).collect();
        shown(&format!(
            "{name}: {requests} requests, {crashes} answers 5xx, {undocumented} operations undocumented; {kinds:?}"
        ));
    }
    assert_eq!((behind.crashes(), behind.undocumented()), (0, 0), "{behind:?}");
    assert!(behind.failures.is_empty(), "{behind:?}");
    assert!(behind.statuses.contains_key(&201) && behind.statuses.contains_key(&400), "it reached both: {behind:?}");
    assert!(bare.crashes() > 20 && bare.undocumented() >= 3, "the application is no such any more: {bare:?}");
}

/// Runs it against Seawall's own paths, as somebody who shows these fields.
async fn own_paths(more: &'static [&'static str], fields: Vec<String>, place: &Place) {
    let document = format!("http://{}/_seawall/openapi.json", place.app.public());
    let found = run(document, more, fields).await;
    shown(&format!("{} requests: {:?}", found.requests, found.statuses));
    assert_eq!((found.crashes(), found.undocumented()), (0, 0), "{found:?}");
    assert!(found.failures.is_empty(), "{found:?}");
    assert!(found.requests > 500, "{found:?}");
}

async fn place() -> Place {
    Place::with(
        "[identity]\nenabled = true\nsign_in_limits = []\nregistration = \"open\"\nurl = \"https://app.example\"\n\
         scopes = [\"orders:read\"]\n[rate_limit]\nlimits = []\n",
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn seawalls_own_paths_answer_nobody_with_5xx_or_what_is_not_documented() {
    if ready() {
        own_paths(OWN, Vec::new(), &place().await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn seawalls_own_paths_answer_people_with_no_5xx_or_what_is_not_documented() {
    if !ready() {
        return;
    }
    let place = place().await;
    place.add("Ann", &[]).await;
    let session = place.sign_in("Ann").await;
    own_paths(OWN_SIGNED_IN, vec![format!("Cookie: {session}")], &place).await;
    place.get("/_seawall/auth/session", &session).await.expect_status(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn seawalls_own_paths_answer_programs_with_no_5xx_or_what_is_not_documented() {
    if !ready() {
        return;
    }
    let place = place().await;
    place.add("Ann", &[]).await;
    let asked = serde_json::json!({ "label": "fuzzer", "scopes": ["orders:read"] });
    let made = place.operator("POST", "/api/users/Ann/keys", Some(asked)).await.expect_status(201).json();
    let key = made["key"].as_str().expect("a key");
    own_paths(OWN, vec![format!("Authorization: Bearer {key}")], &place).await;
}
