//! Disks that are full, pages that are damaged, logs that end early: nothing acknowledged is lost without being told.

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process::Command,
};

use seawall_store::{
    DatabaseUrl, Db, LEDGER, Lane, Options, StoreError,
    audit::{self, Entry},
    migration,
};
use tempfile::TempDir;

use crate::support::{CAUSE, open};

async fn tables(db: &Db) {
    migration::up(db, &[&LEDGER], |_| {}).await.unwrap();
    let sql = "CREATE TABLE numbers (number INTEGER PRIMARY KEY NOT NULL, padding BLOB NOT NULL) STRICT";
    db.write::<_, StoreError>(&CAUSE, move |tx| tx.execute(sql, &[])).await.unwrap();
}

async fn write(db: &Db, number: i64, bytes: usize) -> Result<(), StoreError> {
    db.write(&CAUSE, move |tx| {
        tx.execute("INSERT INTO numbers (number, padding) VALUES ($1, $2)", &[&number, &vec![7_u8; bytes]])?;
        tx.audit(Entry::new("number.written", "number", number.to_string()))
    })
    .await
}

async fn numbers(db: &Db) -> Result<Vec<i64>, StoreError> {
    let rows: Vec<(i64,)> =
        db.read(Lane::Interactive, |tx| tx.all("SELECT number FROM numbers ORDER BY number", &[])).await?;
    Ok(rows.into_iter().map(|(number,)| number).collect())
}

fn integrity(path: &Path) -> String {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap()
}

/// A disk of two megabytes.
struct SmallDisk(TempDir);

impl SmallDisk {
    /// Nothing when the system lets us mount none.
    fn mount() -> Option<Self> {
        let place = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"]).arg(place.path());
        let mounted = mount.output().is_ok_and(|output| output.status.success());
        mounted.then_some(Self(place))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _gone = Command::new("umount").arg(self.0.path()).status();
    }
}

#[tokio::test]
async fn a_full_disk_is_told_loses_nothing_and_heals_by_itself() {
    let Some(disk) = SmallDisk::mount() else {
        println!("skipped: this system lets the tests mount no small disk (root may)");
        return;
    };
    let ballast = disk.0.path().join("ballast");
    fs::write(&ballast, vec![0; 512 * 1024]).unwrap();
    let path = disk.0.path().join("store.db");
    let db = open(&DatabaseUrl::Sqlite(path.clone()), &Options::default()).unwrap();
    tables(&db).await;
    let mut kept = Vec::new();
    let mut failure = None;
    for number in 1..=1_000 {
        match write(&db, number, 10_000).await {
            Ok(()) => kept.push(number),
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
    }
    assert_eq!(failure, Some(StoreError::Full), "after {} rows", kept.len());
    assert!(kept.len() > 10, "{}", kept.len());
    assert_eq!(numbers(&db).await.unwrap(), kept, "what was acknowledged is there, and nothing else");

    fs::remove_file(ballast).unwrap();
    write(&db, 2_000, 10_000).await.unwrap();
    kept.push(2_000);
    assert_eq!(numbers(&db).await.unwrap(), kept);
    let report = audit::verify(&db, &[], &[]).await.unwrap();
    assert_eq!((report.findings, report.entries), (Vec::new(), kept.len() as i64));
    db.close();
    assert_eq!(integrity(&path), "ok");
}

#[tokio::test]
async fn one_transaction_too_large_for_the_disk_takes_no_other_of_its_group_with_it() {
    let Some(disk) = SmallDisk::mount() else {
        println!("skipped: this system lets the tests mount no small disk (root may)");
        return;
    };
    let db = open(&DatabaseUrl::Sqlite(disk.0.path().join("store.db")), &Options::default()).unwrap();
    tables(&db).await;
    // All at once, so that they share a group.
    let writes = (1..=20).map(|number| {
        let db = db.clone();
        async move { (number, write(&db, number, if number == 10 { 4_000_000 } else { 100 }).await) }
    });
    let outcomes = futures_util::future::join_all(writes).await;
    let failed = outcomes.iter().filter(|(_, outcome)| outcome.is_err()).collect::<Vec<_>>();
    assert!(matches!(failed[..], [(10, Err(StoreError::Full))]), "{failed:?}");
    assert_eq!(numbers(&db).await.unwrap(), (1..=20).filter(|number| *number != 10).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_damaged_page_is_told_as_such_and_what_is_whole_can_be_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let url = DatabaseUrl::Sqlite(path.clone());
    let db = open(&url, &Options::default()).unwrap();
    tables(&db).await;
    for number in 1..=200 {
        write(&db, number, 3_000).await.unwrap();
    }
    db.close();
    // The rows' own pages are the last ones; the audit log's lie between them.
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    let length = file.metadata().unwrap().len();
    for page in (length / 4_096 / 2)..(length / 4_096) {
        file.write_all_at(&[0xa5; 64], page * 4_096).unwrap();
    }
    drop(file);
    let db = open(&url, &Options::default()).unwrap();
    let read = numbers(&db).await;
    assert!(matches!(read, Err(StoreError::Corrupt(_))), "{read:?}");
    let (one,): (i64,) = db
        .read::<_, StoreError>(Lane::Interactive, |tx| tx.one("SELECT COUNT(*) FROM seawall_migrations", &[]))
        .await
        .unwrap();
    assert_eq!(one, LEDGER.migrations.len() as i64, "what is whole is still read");
}

/// The database with its log as a crash would leave them, the log cut to so many bytes.
fn crashed(from: &Path, log_bytes: u64) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let log = |path: &Path| PathBuf::from(format!("{}-wal", path.display()));
    fs::copy(from, &path).unwrap();
    fs::copy(log(from), log(&path)).unwrap();
    OpenOptions::new().write(true).open(log(&path)).unwrap().set_len(log_bytes).unwrap();
    (directory, path)
}

#[tokio::test]
async fn a_log_that_ends_early_leaves_whole_transactions_only() {
    const ROWS: i64 = 40;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let db = open(&DatabaseUrl::Sqlite(path.clone()), &Options::default()).unwrap();
    tables(&db).await;
    for number in 1..=ROWS {
        write(&db, number, 500).await.unwrap();
    }
    let length = fs::metadata(format!("{}-wal", path.display())).unwrap().len();
    let (mut shortest, mut longest) = (ROWS, 0);
    // At odd places, most of them in the middle of a page.
    for cut in 0..25 {
        let (_directory, path) = crashed(&path, length - length * cut / 40 - cut % 7);
        let db = open(&DatabaseUrl::Sqlite(path.clone()), &Options::default()).unwrap();
        let kept = numbers(&db).await.unwrap();
        assert_eq!(kept, (1..=kept.len() as i64).collect::<Vec<_>>(), "the last ones are missing, none between");
        let report = audit::verify(&db, &[], &[]).await.unwrap();
        assert_eq!((report.findings, report.entries), (Vec::new(), kept.len() as i64));
        db.close();
        assert_eq!(integrity(&path), "ok");
        (shortest, longest) = (shortest.min(kept.len() as i64), longest.max(kept.len() as i64));
    }
    assert_eq!(longest, ROWS);
    assert!(shortest < ROWS / 2, "the log was cut far enough: {shortest}");
}
