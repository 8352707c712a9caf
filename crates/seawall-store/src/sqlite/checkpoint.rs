//! When the write-ahead log goes into the database's file.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use rusqlite::Connection;

use super::{fault, profile::BUSY};
use crate::{
    StoreError,
    backup::{Capture, Notes},
};

/// Pages in the log from which it is worth the while.
const PAGES: i64 = 1_000;

/// Pages that are added before it is tried again, when readers held some back.
const STEP: i64 = 1_000;

/// Keeps count of the log's pages.
#[derive(Debug)]
pub(super) struct Checkpoints {
    logged: Arc<AtomicI64>,
    next: i64,
}

impl Checkpoints {
    /// Watches the log of a connection; `notes` hears of each commit.
    pub(super) fn watch(connection: &mut Connection, notes: Option<Arc<Notes>>) -> Result<Self, StoreError> {
        let logged = Arc::new(AtomicI64::new(0));
        let count = Arc::clone(&logged);
        let note = move |_: &mut rusqlite::hooks::Wal, pages: i32| {
            count.store(i64::from(pages), Ordering::Relaxed);
            if let Some(notes) = &notes {
                notes.commit(pages);
            }
            Ok(())
        };
        connection.wal_hook(Some(note)).map_err(fault::from_sqlite)?;
        Ok(Self { logged, next: PAGES })
    }

    /// Brings what no reader needs any more into the file, when there is enough of it. Waits for nobody.
    pub(super) fn after_group(&mut self, connection: &Connection, capture: Option<&mut Capture>) {
        let logged = self.logged.load(Ordering::Relaxed);
        if logged >= self.next {
            if let Some(capture) = capture {
                capture.capture();
            }
            self.next = match run(connection, "PASSIVE") {
                // All is in the file, so the log begins anew with the next write.
                Some((pages, moved)) if pages == moved => PAGES,
                _ => logged + STEP,
            };
        }
    }

    /// Empties the log while nobody writes. Waits for no reader: whoever writes next would wait with it.
    pub(super) fn idle(&mut self, connection: &Connection, mut capture: Option<&mut Capture>) {
        if self.logged.load(Ordering::Relaxed) > 0 {
            if let Some(capture) = &mut capture {
                capture.capture();
            }
            let emptied = at_once(connection, || run(connection, "TRUNCATE") == Some((0, 0)));
            if emptied {
                self.logged.store(0, Ordering::Relaxed);
            }
            if let Some(capture) = capture.filter(|_| emptied) {
                capture.emptied();
            }
            self.next = PAGES;
        }
    }
}

/// Lets nothing wait for a lock meanwhile.
fn at_once<T>(connection: &Connection, act: impl FnOnce() -> T) -> T {
    // Both only set a number.
    let _set = connection.busy_timeout(Duration::ZERO);
    let done = act();
    let _set = connection.busy_timeout(BUSY);
    done
}

/// Runs a checkpoint; answers the log's pages and how many of them are in the file.
fn run(connection: &Connection, mode: &str) -> Option<(i64, i64)> {
    let sql = format!("PRAGMA wal_checkpoint({mode})");
    match connection.query_row(&sql, [], |row| Ok((row.get(1)?, row.get(2)?))) {
        Ok(pages) => Some(pages),
        Err(error) => {
            tracing::warn!(%error, "the log could not be brought into the database's file; it is tried again");
            None
        }
    }
}
