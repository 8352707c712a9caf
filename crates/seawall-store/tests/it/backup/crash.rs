//! What a crash leaves of the capture: the next start goes on where it stopped, without a gap.

use std::{
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use seawall_store::{
    LEDGER,
    backup::{self, Moment, Progress, Source},
    migration,
};

use super::{BANK, House, count, fill, number, open, quick};

/// Names the directory for the process that is going to be killed.
const VARIABLE: &str = "SEAWALL_STORE_TEST_CAPTURES_TO";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_is_no_gap() {
    const ROUNDS: usize = 12;
    let house = House::new();
    let db = house.captured().await;
    fill(&db, 2_000).await;
    let first = backup::take(&house.vault, "seawall", &Source::Store(db.clone()), &Progress::silent()).await.unwrap();
    db.close();
    drop(db);
    let mut acknowledged = 0;
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        let path = house.scratch.path().to_owned();
        let killed = tokio::task::spawn_blocking(move || count_until_killed(&path, round * 29 % 200 + 3));
        let (value, at_us) = killed.await.unwrap();
        assert!(value > acknowledged);
        acknowledged = value;
        times.push((value, at_us));
    }
    let db = open(&house.database(), Some(quick(house.scratch.path())));
    let status = db.capture_status().unwrap();
    assert_eq!(status.generation, first.continued.map(|continued| continued.generation));
    db.close();
    backup::ship(&house.vault, "seawall", &db).await.unwrap();
    drop(db);
    let target = house.target();
    backup::restore(&house.vault, "seawall", &Moment::Newest, &target, &Progress::silent()).await.unwrap();
    let restored = number(&target, "SELECT value FROM counter");
    assert!(restored >= acknowledged, "{restored} < {acknowledged}");
    assert_eq!(restored, number(&house.database(), "SELECT value FROM counter"));
    for (value, at_us) in times {
        let target = house.scratch.path().join(format!("at-{at_us}.db"));
        backup::restore(&house.vault, "seawall", &Moment::At(at_us), &target, &Progress::silent()).await.unwrap();
        let restored = number(&target, "SELECT value FROM counter");
        assert!(restored >= value, "{restored} < {value}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_not_shipped_before_a_crash_is_restored_on_the_same_machine() {
    let mut house = House::new();
    let db = house.captured().await;
    fill(&db, 10).await;
    backup::take(&house.vault, "seawall", &Source::Store(db.clone()), &Progress::silent()).await.unwrap();
    db.close();
    backup::ship(&house.vault, "seawall", &db).await.unwrap();
    drop(db);
    let path = house.scratch.path().to_owned();
    let (acknowledged, _) = tokio::task::spawn_blocking(move || count_until_killed(&path, 1_500)).await.unwrap();
    let restored = async |house: &House| {
        let target = house.target();
        let restored = backup::restore(&house.vault, "seawall", &Moment::Newest, &target, &Progress::silent()).await;
        (restored.unwrap().gap, number(&target, "SELECT value FROM counter"))
    };
    assert_eq!(restored(&house).await, (None, 0), "elsewhere, what was shipped is all there is");
    let capture = quick(house.scratch.path()).directory;
    house.vault = house.vault.with_unshipped(capture.clone());
    let (gap, all) = restored(&house).await;
    // The last hundredth of a second may not have been captured.
    assert!(gap.is_none() && all > acknowledged / 2, "{all} of {acknowledged}, {gap:?}");
    assert!(all <= number(&house.database(), "SELECT value FROM counter"));
    let waiting = super::files(&capture);
    assert!(waiting.len() > 1, "{waiting:?}");
    // What is torn is as if it were not there, and after a lost segment nothing is taken. The kill may have torn the last segment
    // already, so it is the one before, which is whole, that loses its end.
    let whole = std::fs::OpenOptions::new().write(true).open(&waiting[waiting.len() - 2]).unwrap();
    whole.set_len(whole.metadata().unwrap().len() - 1).unwrap();
    let (_, torn) = restored(&house).await;
    assert!(0 < torn && torn < all, "{torn} of {all}");
    std::fs::remove_file(&waiting[0]).unwrap();
    assert_eq!(restored(&house).await, (None, 0));
}

/// Starts a process that counts, kills it after it counted so often, and answers the last number that it acknowledged.
fn count_until_killed(directory: &Path, patience: usize) -> (i64, i64) {
    let mut process = Killed(
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "backup::crash::the_process_that_is_killed", "--nocapture", "--test-threads", "1"])
            .env(VARIABLE, directory)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap(),
    );
    let mut output = BufReader::new(process.0.stdout.take().unwrap());
    let mut lines = Vec::new();
    let mut line = String::new();
    while lines.len() < patience {
        line.clear();
        assert_ne!(output.read_line(&mut line).unwrap(), 0, "the process ended by itself");
        lines.extend(counted_in(&line));
    }
    process.0.kill().unwrap();
    process.0.wait().unwrap();
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    lines.extend(rest.split_inclusive('\n').filter(|line| line.ends_with('\n')).filter_map(counted_in));
    *lines.last().unwrap()
}

fn counted_in(line: &str) -> Option<(i64, i64)> {
    let (value, at_us) = line.trim_end().strip_prefix("counted ")?.split_once(' ')?;
    Some((value.parse().ok()?, at_us.parse().ok()?))
}

/// A process that does not outlive the test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Counts until it is killed; started by the test above, and nothing to do without its variable.
#[test]
#[expect(clippy::disallowed_methods, reason = "the test above talks to this process by a variable")]
fn the_process_that_is_killed() {
    let Ok(directory) = std::env::var(VARIABLE).map(PathBuf::from) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    runtime.block_on(async {
        let db = open(&directory.join("seawall.db"), Some(quick(&directory)));
        migration::up(&db, &[&LEDGER, &BANK], |_| {}).await.unwrap();
        loop {
            let (value, _, at_us) = count(&db).await;
            let mut out = std::io::stdout().lock();
            writeln!(out, "counted {value} {at_us}").unwrap();
            out.flush().unwrap();
        }
    });
}
