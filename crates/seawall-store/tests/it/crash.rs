//! What a crash leaves: every write that was acknowledged, whole, and nothing else half.

use std::{
    collections::HashSet,
    io::{BufRead, BufReader, Read, Write},
    process::{Child, Command, Stdio},
};

use rusqlite::Connection;
use seawall_core::clock::Clock;
use seawall_store::{
    Cause, DatabaseUrl, Db, LEDGER, Lane, Options, StoreError,
    audit::{self, Entry},
    migration::{self, Ledger, Migration, Overlap},
};

use crate::support::{RealClock, Store, open};

const CAUSE: Cause = Cause::system("test");

/// Names the database for the process that is going to be killed.
pub(crate) const VARIABLE: &str = "SEAWALL_STORE_TEST_WRITES_TO";

/// The test that is that process.
pub(crate) const PROCESS: &str = "crash::the_process_that_is_killed";

/// Tasks that write at once.
const WRITERS: usize = 8;

/// Two tables, so that a half transaction would show.
static PAIRS: Ledger = Ledger {
    name: "pairs",
    migrations: &[Migration {
        name: "pairs",
        overlap: Overlap::Expands,
        up: "CREATE TABLE firsts (\n    id TEXT PRIMARY KEY NOT NULL\n);\nCREATE TABLE seconds (\n    id TEXT PRIMARY KEY NOT NULL\n);\n",
        down: "DROP TABLE firsts;\nDROP TABLE seconds;\n",
    }],
};

#[test]
fn kill_9_loses_nothing_that_was_acknowledged() {
    const ROUNDS: u64 = 200;
    let store = Store::sqlite(&Options::default());
    // The file is this process's no more.
    store.db.close();
    let DatabaseUrl::Sqlite(path) = &store.url else { panic!("{}", store.url) };
    let acknowledged = kill_again_and_again(&format!("sqlite://{}", path.display()), ROUNDS, 20, |_| {});
    assert!(acknowledged > 1_000, "only {acknowledged} writes were acknowledged");
    let connection = Connection::open(path).unwrap();
    let answer: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(answer, "ok");
}

#[test]
fn kill_9_of_either_process_loses_nothing_in_postgresql() {
    const ROUNDS: u64 = 20;
    let store = Store::postgres(&Options::default());
    store.db.close();
    // In every other round the server crashes too.
    let acknowledged = kill_again_and_again(&store.server().url(), ROUNDS, 5, |round| {
        if round % 2 == 1 {
            store.server().stop();
            store.server().start_again();
        }
    });
    assert!(acknowledged > 100, "only {acknowledged} writes were acknowledged");
}

/// Kills a process that writes, at another moment each time, and looks at what is left every so many rounds. Answers how many
/// writes were acknowledged.
fn kill_again_and_again(url: &str, rounds: u64, look: u64, after: impl Fn(u64)) -> usize {
    let mut acknowledged = HashSet::new();
    for round in 0..rounds {
        // From right at the start to some way in.
        acknowledged.extend(write_until_killed(url, (round * 37) % 160));
        after(round);
        if round % look == look - 1 {
            check(url, &acknowledged);
        }
    }
    acknowledged.len()
}

/// Starts a process that writes, kills it after it acknowledged so many, and answers all that it acknowledged.
fn write_until_killed(url: &str, patience: u64) -> Vec<String> {
    let mut process = Killed(
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", PROCESS, "--nocapture", "--test-threads", "1"])
            .env(VARIABLE, url)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap(),
    );
    let mut output = BufReader::new(process.0.stdout.take().unwrap());
    let mut acknowledged = Vec::new();
    let mut line = String::new();
    while (acknowledged.len() as u64) < patience {
        line.clear();
        assert_ne!(output.read_line(&mut line).unwrap(), 0, "the process ended by itself");
        acknowledged.extend(id_in(&line));
    }
    process.0.kill().unwrap();
    process.0.wait().unwrap();
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    // The last line may be cut off.
    acknowledged.extend(rest.split_inclusive('\n').filter(|line| line.ends_with('\n')).filter_map(id_in));
    acknowledged
}

pub(crate) fn id_in(line: &str) -> Option<String> {
    line.trim_end().strip_prefix("kept ").map(str::to_owned)
}

/// A process that does not outlive the test.
pub(crate) struct Killed(pub(crate) Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

pub(crate) fn check(url: &str, acknowledged: &HashSet<String>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let db = open(&DatabaseUrl::parse(url).unwrap(), &Options::default()).unwrap();
        while audit::seal_waiting(&db).await.unwrap() > 0 {}
        let firsts = ids(&db, "SELECT id FROM firsts").await;
        let seconds = ids(&db, "SELECT id FROM seconds").await;
        assert_eq!(firsts, seconds, "no transaction is kept by half");
        let lost: Vec<_> = acknowledged.difference(&firsts).collect();
        assert!(lost.is_empty(), "{} acknowledged writes are lost: {lost:?}", lost.len());
        let report = audit::verify(&db, &[], &[]).await.unwrap();
        assert_eq!(report.findings, []);
        assert_eq!((report.entries, report.unsealed), (firsts.len() as i64, 0));
    });
}

async fn ids(db: &Db, sql: &'static str) -> HashSet<String> {
    let rows: Vec<(String,)> = db.read::<_, StoreError>(Lane::Background, move |tx| tx.all(sql, &[])).await.unwrap();
    rows.into_iter().map(|(id,)| id).collect()
}

/// Writes until it is killed; started by the test above, and nothing to do without its variable.
#[test]
#[expect(clippy::disallowed_methods, reason = "the test above talks to this process by a variable")]
fn the_process_that_is_killed() {
    let Ok(url) = std::env::var(VARIABLE) else { return };
    let url = DatabaseUrl::parse(&url).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let db = open(&url, &Options::default()).unwrap();
        migration::up(&db, &[&LEDGER, &PAIRS], |_| {}).await.unwrap();
        let run = std::process::id();
        let tasks = (0..WRITERS).map(|task| {
            let db = db.clone();
            async move {
                for number in 0.. {
                    let id = format!("{run}-{}-{task}-{number}", started());
                    write(&db, &id).await;
                    let mut out = std::io::stdout().lock();
                    writeln!(out, "kept {id}").unwrap();
                    out.flush().unwrap();
                }
            }
        });
        futures_util::future::join_all(tasks).await;
    });
}

async fn write(db: &Db, id: &str) {
    let id = id.to_owned();
    let kept: Result<(), StoreError> = db
        .write(&CAUSE, move |tx| {
            tx.execute("INSERT INTO firsts (id) VALUES ($1)", &[&id])?;
            tx.audit(Entry::new("pair.made", "pair", id.clone()))?;
            tx.execute("INSERT INTO seconds (id) VALUES ($1)", &[&id])?;
            Ok(())
        })
        .await;
    kept.unwrap();
}

/// Tells processes apart that the system gave the same id.
fn started() -> u128 {
    static STARTED: std::sync::OnceLock<u128> = std::sync::OnceLock::new();
    *STARTED.get_or_init(|| u128::from(RealClock::new().now().unix_us))
}
