//! Several processes over one PostgreSQL server.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    process::{Command, Stdio},
};

use futures_util::future::join_all;
use seawall_core::{clock::Clock, idempotency::Claim};
use seawall_store::{DatabaseUrl, Options, idempotency::Bounds};

use super::{
    OverDb,
    contract::{Attempt, answer, settle, word},
};
use crate::{
    crash::Killed,
    support::{Store, open},
};

/// Names the database for the processes that share it.
const URL: &str = "SEAWALL_IDEMPOTENCY_TEST_SHARED_URL";
/// The test that is each of them.
const PROCESS: &str = "idempotency::nodes::a_process_of_several";

const PROCESSES: usize = 3;
const KEYS: usize = 40;

#[tokio::test]
async fn wk_13_of_duplicates_at_several_processes_one_is_carried_out() {
    let store = Store::postgres(&Options::default());
    let db = store.with_tables().await;
    let url = store.server().url();
    let told = tokio::task::spawn_blocking(move || together(&url)).await.unwrap();
    assert_eq!(told.len(), PROCESSES * KEYS);
    let mut carried_out: BTreeMap<&str, usize> = BTreeMap::new();
    for line in &told {
        let (key, word) = line.split_once(' ').unwrap();
        assert!(["fresh", "in flight", "201 done"].contains(&word), "{line}");
        *carried_out.entry(key).or_default() += usize::from(word == "fresh");
    }
    assert_eq!(carried_out.len(), KEYS);
    assert!(carried_out.values().all(|&times| times == 1), "{carried_out:?}");
    let life = OverDb::new(&db, Bounds::default());
    for key in carried_out.keys() {
        assert_eq!(life.tried(Attempt::of(key)).await, "201 done", "{key}");
    }
}

/// Lets processes try the same keys at the same time; what they say.
fn together(url: &str) -> Vec<String> {
    let start = || {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", PROCESS, "--nocapture", "--test-threads", "1"]).env(URL, url);
        Killed(command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap())
    };
    let mut processes: Vec<Killed> = (0..PROCESSES).map(|_| start()).collect();
    let mut outputs: Vec<_> =
        processes.iter_mut().map(|process| BufReader::new(process.0.stdout.take().unwrap())).collect();
    for output in &mut outputs {
        let mut line = String::new();
        while !line.ends_with("ready\n") {
            line.clear();
            assert_ne!(output.read_line(&mut line).unwrap(), 0, "a process ended by itself");
        }
    }
    for process in &mut processes {
        process.0.stdin.take().unwrap().write_all(b"go\n").unwrap();
    }
    let mut all = String::new();
    for output in &mut outputs {
        output.read_to_string(&mut all).unwrap();
    }
    all.lines().filter_map(|line| line.strip_prefix("told ")).map(str::to_owned).collect()
}

/// Tries all keys at once when it is told to; started by the test above, and nothing to do without its variable.
#[test]
#[expect(clippy::disallowed_methods, reason = "the test above talks to this process by a variable")]
fn a_process_of_several() {
    let Ok(url) = std::env::var(URL) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let db = open(&DatabaseUrl::parse(&url).unwrap(), &Options::default()).unwrap();
        let life = OverDb::new(&db, Bounds::default());
        say("ready");
        std::io::stdin().lock().read_line(&mut String::new()).unwrap();
        join_all((0..KEYS).map(|number| carry_out(&life, format!("key-{number}")))).await;
    });
}

async fn carry_out(life: &OverDb, key: String) {
    let claim = Attempt::of(&key).begin(&life.attempts, life.clock.now()).await.unwrap();
    say(&format!("told {key} {}", word(&claim)));
    if let Claim::Fresh(lease) = claim {
        settle(&life.attempts, &lease, answer("done"), life.clock.now()).await.unwrap();
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}
