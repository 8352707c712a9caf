//! Backups, from outside: taken, verified, restored, and each way in which they can be spoilt.

#[cfg(feature = "cloud")]
mod buckets;
mod capture;
mod crash;
mod failures;
mod others;
mod run;
mod snapshot;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rusqlite::Connection;
use seawall_core::meter::NoMeter;
use seawall_store::{
    Cause, DatabaseUrl, Db, LEDGER, Options, StoreError, Surroundings,
    audit::SigningKey,
    backup::{CaptureOptions, Keys, Place, Vault},
    migration::{self, Ledger, Migration, Overlap},
};

use crate::scratch::{Scratch, clock};

pub(super) const CAUSE: Cause = Cause::system("test");

/// Accounts whose sum never changes, and a counter that only grows.
pub(super) static BANK: Ledger = Ledger {
    name: "bank",
    migrations: &[Migration {
        name: "bank",
        overlap: Overlap::Expands,
        up: "CREATE TABLE accounts (\n    id BIGINT PRIMARY KEY NOT NULL,\n    balance BIGINT NOT NULL,\n    filler TEXT\n);\nCREATE TABLE counter (\n    value BIGINT NOT NULL\n);\n",
        down: "DROP TABLE accounts;\nDROP TABLE counter;\n",
    }],
};

/// A store with a vault for its backups.
pub(super) struct House {
    pub(super) scratch: Scratch,
    pub(super) vault: Vault,
}

impl House {
    pub(super) fn new() -> Self {
        let scratch = Scratch::new();
        let vault = vault(scratch.path(), "backup.key");
        Self { scratch, vault }
    }

    pub(super) fn database(&self) -> PathBuf {
        self.scratch.database()
    }

    pub(super) fn target(&self) -> PathBuf {
        self.scratch.path().join("restored.db")
    }

    pub(super) async fn store(&self) -> Db {
        let db = open(&self.database(), None);
        migration::up(&db, &[&LEDGER, &BANK], |_| {}).await.unwrap();
        db
    }

    /// With changes captured often, into segments that are complete soon.
    pub(super) async fn captured(&self) -> Db {
        let db = open(&self.database(), Some(quick(self.scratch.path())));
        migration::up(&db, &[&LEDGER, &BANK], |_| {}).await.unwrap();
        db
    }

    /// The only file at the place whose path has this in it.
    pub(super) fn object(&self, part: &str) -> PathBuf {
        let mut found = files(&self.scratch.path().join("place"));
        found.retain(|path| path.to_string_lossy().contains(part));
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }
}

pub(super) fn quick(directory: &Path) -> CaptureOptions {
    CaptureOptions {
        every: Duration::from_millis(10),
        segment_age: Duration::from_millis(60),
        ..CaptureOptions::new(directory.join("capture"))
    }
}

pub(super) fn vault(directory: &Path, key: &str) -> Vault {
    let place = Place::parse(directory.join("place").to_str().unwrap(), &[]).unwrap();
    let signing = Arc::new(SigningKey::open(&directory.join("signing.key")).unwrap());
    let keys = Keys::open(&directory.join(key)).unwrap();
    Vault::new(place, keys, signing, directory.join("scratch"), clock())
}

pub(super) fn open(path: &Path, capture: Option<CaptureOptions>) -> Db {
    let surroundings = Surroundings { clock: clock(), meter: &NoMeter };
    let options = Options { capture, ..Options::default() };
    Db::open(&DatabaseUrl::Sqlite(path.to_owned()), &options, &surroundings).unwrap()
}

pub(super) fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// Makes accounts with a hundred each.
pub(super) async fn fill(db: &Db, accounts: i64) {
    let made: Result<(), StoreError> = db
        .write(&CAUSE, move |tx| {
            for id in 0..accounts {
                let filler = format!("{id:0200}");
                tx.execute("INSERT INTO accounts (id, balance, filler) VALUES ($1, 100, $2)", &[&id, &filler])?;
            }
            tx.execute("INSERT INTO counter (value) VALUES (0)", &[])?;
            Ok(())
        })
        .await;
    made.unwrap();
}

/// Moves one between two accounts.
pub(super) async fn transfer(db: &Db, from: i64, to: i64) {
    let moved: Result<(), StoreError> = db
        .write(&CAUSE, move |tx| {
            tx.execute("UPDATE accounts SET balance = balance - 1 WHERE id = $1", &[&from])?;
            tx.execute("UPDATE accounts SET balance = balance + 1 WHERE id = $1", &[&to])?;
            Ok(())
        })
        .await;
    moved.unwrap();
}

/// Counts one further; answers the number, and the time before and after it was acknowledged.
pub(super) async fn count(db: &Db) -> (i64, i64, i64) {
    let before = now_us();
    let value: Result<(i64,), StoreError> =
        db.write(&CAUSE, |tx| tx.one("UPDATE counter SET value = value + 1 RETURNING value", &[])).await;
    (value.unwrap().0, before, now_us())
}

pub(super) fn now_us() -> i64 {
    i64::try_from(clock().now().unix_us).unwrap()
}

/// One number out of a database that nobody else has open.
pub(super) fn number(path: &Path, sql: &str) -> i64 {
    Connection::open(path).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

pub(super) fn text(path: &Path, sql: &str) -> Option<String> {
    let connection = Connection::open(path).unwrap();
    connection.query_row(sql, [], |row| row.get(0)).ok()
}

/// Waits until something holds, without sleeping on a thread.
pub(super) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..2_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{what} did not happen in 10 s");
}
