//! A process is killed at each step of the protocol, and what the next attempt is told.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    process::{Command, Stdio},
    time::Duration,
};

use rustix::process::{Signal, getpid, kill_process};
use seawall_core::{
    clock::Clock,
    fault,
    idempotency::{Claim, Unknown},
};
use seawall_store::{
    DatabaseUrl, Db, LEDGER, Options, StoreError,
    idempotency::Bounds,
    migration,
    retention::{RULES, prune},
};
use tokio::sync::watch;

use super::{
    OverDb, age,
    contract::{Attempt, answer, settle},
    count,
};
use crate::{
    crash::Killed,
    support::{CAUSE, Store, open},
};

/// Names the database for the process that is going to be killed.
const URL: &str = "SEAWALL_IDEMPOTENCY_TEST_URL";
/// After which step it kills itself; without it, it goes on until it is killed.
const DIES_AT: &str = "SEAWALL_IDEMPOTENCY_TEST_DIES_AT";
/// The test that is that process.
const PROCESS: &str = "idempotency::crash::the_process_that_is_killed";
/// The test that removes what has expired.
const SWEEPER: &str = "idempotency::crash::the_process_that_sweeps";

/// The steps, and what the next attempt is told while the dead process is still believed, and then.
const STEPS: [(&str, &str, &str); 4] = [
    ("open", "fresh", "fresh"),
    ("begun", "in flight", "unknown"),
    ("sent", "in flight", "unknown"),
    ("settled", "201 done", "201 done"),
];

#[test]
fn wk_13_kill_9_at_every_step_is_told_as_what_it_is() {
    for store in [Store::sqlite(&Options::default()), Store::postgres(&Options::default())] {
        store.db.close();
        let url = url_of(&store);
        for (step, at_first, later) in STEPS {
            let told = said(&url, Some(step), usize::MAX);
            assert_eq!(told.len(), STEPS.iter().position(|(name, ..)| *name == step).unwrap() + 1, "{told:?}");
            let key = told.last().unwrap().split_once(' ').unwrap().1.to_owned();
            in_another_life(&url, &async |life: &OverDb| {
                let attempt = Attempt::of(&key);
                assert_eq!(life.tried(attempt).await, at_first, "{} after {step}", store.name());
                if at_first == "fresh" {
                    return;
                }
                bury(&life.db).await;
                assert_eq!(life.tried(attempt).await, later, "{} after {step}, later", store.name());
                let again = life.tried(Attempt { unknown: Unknown::Retry, ..attempt }).await;
                assert_eq!(again, if later == "unknown" { "again" } else { later }, "where the route says so");
            });
        }
    }
}

#[test]
fn wk_13_kill_9_at_any_moment_never_lets_an_effect_happen_twice_unasked() {
    for (store, rounds) in [(Store::sqlite(&Options::default()), 20_usize), (Store::postgres(&Options::default()), 6)] {
        store.db.close();
        let url = url_of(&store);
        let mut last: BTreeMap<String, String> = BTreeMap::new();
        for round in 0..rounds {
            for line in said(&url, None, 1 + round * 37 % 90) {
                let (step, key) = line.split_once(' ').unwrap();
                last.insert(key.to_owned(), step.to_owned());
            }
        }
        assert!(last.values().any(|step| step == "settled"), "{last:?}");
        in_another_life(&url, &async |life: &OverDb| {
            bury(&life.db).await;
            for (key, step) in &last {
                let told = life.tried(Attempt::of(key)).await;
                match step.as_str() {
                    "settled" => assert_eq!(told, "201 done", "{key}: a client saw the answer"),
                    // It was killed after a commit of which nobody heard.
                    "sent" => assert!(told == "unknown" || told == "201 done", "{key} was sent on: {told}"),
                    "begun" => assert_eq!(told, "unknown", "{key} may have been sent on"),
                    _ => assert!(told == "fresh" || told == "unknown", "{key}: {told}"),
                }
            }
        });
    }
}

/// Who asks with a key that has expired is new, whatever became of its row; and nobody else's row is touched.
#[test]
#[cfg_attr(not(debug_assertions), ignore = "what is released has no fault points")]
fn wk_13_kill_9_while_expired_keys_are_removed_leaves_them_as_new_as_before() {
    for store in [Store::sqlite(&Options::default()), Store::postgres(&Options::default())] {
        store.db.close();
        let url = url_of(&store);
        for (point, left) in [("retention.removed", 2), ("retention.forgotten", 1)] {
            in_another_life(&url, &async |life: &OverDb| {
                migration::up(&life.db, &[&LEDGER], |_| {}).await.unwrap();
                let empty = "DELETE FROM idempotency_keys";
                life.db.write::<_, StoreError>(&CAUSE, move |tx| tx.execute(empty, &[])).await.unwrap();
                life.carried_out(Attempt::of("old"), "old").await;
                age(&life.db, Duration::from_secs(2 * 60 * 60)).await;
                life.carried_out(Attempt::of("young"), "young").await;
            });
            let mut sweeps = Command::new(std::env::current_exe().unwrap());
            sweeps.args(["--exact", SWEEPER, "--nocapture", "--test-threads", "1"]);
            let status = sweeps.env(URL, &url).env(fault::VARIABLE, point).stdout(Stdio::null()).status().unwrap();
            assert_eq!(status.code(), None, "{point} was passed");
            in_another_life(&url, &async |life: &OverDb| {
                assert_eq!(count(&life.db, "SELECT COUNT(*) FROM idempotency_keys").await, left, "{point}");
                assert_eq!(life.tried(Attempt::of("old")).await, "fresh", "{point}");
                assert_eq!(life.tried(Attempt::of("young")).await, "201 young", "{point}");
            });
        }
    }
}

/// Removes what has expired, until it dies of that; started by the test above, and nothing to do without its variable.
#[test]
#[expect(clippy::disallowed_methods, reason = "the test above talks to this process by a variable")]
fn the_process_that_sweeps() {
    let (Ok(url), Ok(_)) = (std::env::var(URL), std::env::var(fault::VARIABLE)) else { return };
    in_another_life(&url, &async |life: &OverDb| {
        let (_stop, stopping) = watch::channel(false);
        let rule = RULES.iter().find(|rule| rule.name == "idempotency_keys").unwrap();
        prune(&life.db, *rule, &stopping).await.unwrap();
    });
}

fn url_of(store: &Store) -> String {
    match &store.url {
        DatabaseUrl::Sqlite(path) => format!("sqlite://{}", path.display()),
        DatabaseUrl::Postgres(_) => store.server().url(),
    }
}

/// What a process says until it dies by itself, or is killed after so many lines.
fn said(url: &str, dies_at: Option<&str>, patience: usize) -> Vec<String> {
    let mut process = Killed(
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", PROCESS, "--nocapture", "--test-threads", "1"])
            .env(URL, url)
            .env(DIES_AT, dies_at.unwrap_or_default())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap(),
    );
    let mut output = BufReader::new(process.0.stdout.take().unwrap());
    let (mut told, mut line) = (Vec::new(), String::new());
    while told.len() < patience {
        line.clear();
        if output.read_line(&mut line).unwrap() == 0 {
            break;
        }
        told.extend(step_in(&line));
    }
    if dies_at.is_none() {
        process.0.kill().unwrap();
    }
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    told.extend(rest.split_inclusive('\n').filter(|line| line.ends_with('\n')).filter_map(step_in));
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&process.0.wait().unwrap()), Some(9));
    told
}

fn step_in(line: &str) -> Option<String> {
    let line = line.trim_end();
    STEPS
        .iter()
        .any(|(step, ..)| line.split_once(' ').is_some_and(|(first, _)| first == *step))
        .then(|| line.to_owned())
}

fn in_another_life(url: &str, look: &impl AsyncFn(&OverDb)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let db = open(&DatabaseUrl::parse(url).unwrap(), &Options::default()).unwrap();
        look(&OverDb::new(&db, Bounds::default())).await;
        db.close();
    });
}

/// Lets nobody be believed to live any more.
async fn bury(db: &Db) {
    let sql = "UPDATE idempotency_lives SET alive_until = alive_until - $1";
    let us = i64::try_from(Duration::from_secs(60).as_micros()).unwrap();
    db.write::<_, StoreError>(&CAUSE, move |tx| tx.execute(sql, &[&us])).await.unwrap();
}

/// Carries attempts out, one after the other, and says each step, until it is killed or kills itself; started by the tests above, and
/// nothing to do without its variables.
#[test]
#[expect(clippy::disallowed_methods, reason = "the tests above talk to this process by variables")]
fn the_process_that_is_killed() {
    let (Ok(url), Ok(dies_at)) = (std::env::var(URL), std::env::var(DIES_AT)) else { return };
    // The harness has begun a line.
    println!();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let db = open(&DatabaseUrl::parse(&url).unwrap(), &Options::default()).unwrap();
        migration::up(&db, &[&LEDGER], |_| {}).await.unwrap();
        let life = OverDb::new(&db, Bounds::default());
        for number in 0.. {
            let key = format!("{}-{}-{number}", std::process::id(), life.clock.now().unix_us);
            let attempt = Attempt::of(&key);
            say("open", &key, &dies_at);
            let claim = attempt.begin(&life.attempts, life.clock.now()).await.unwrap();
            let Claim::Fresh(lease) = claim else { panic!("{claim:?}") };
            say("begun", &key, &dies_at);
            // What the application sees of the request.
            say("sent", &key, &dies_at);
            settle(&life.attempts, &lease, answer("done"), life.clock.now()).await.unwrap();
            say("settled", &key, &dies_at);
        }
    });
}

fn say(step: &str, key: &str, dies_at: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{step} {key}").unwrap();
    out.flush().unwrap();
    if step == dies_at {
        kill_process(getpid(), Signal::KILL).unwrap();
    }
}
