//! When the write-ahead log goes into the database's file.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use rusqlite::Connection;

use super::{
    beside::{Beside, Phase},
    fault,
    profile::BUSY,
};
use crate::{
    StoreError,
    backup::{Capture, Notes},
};

/// Pages in the log from which it is worth the while.
const PAGES: i64 = 1_000;

/// Pages that are added before it is tried again, when readers held some back.
const STEP: i64 = 1_000;

/// Pages that the thread which writes brings into the file itself: 16 MiB, some milliseconds. More go beside it.
const MOST_AT_ONCE: i64 = 4_000;

/// How often in a row a log is worked at beside the thread that writes, before that one does the rest, however long it takes: each
/// time leaves less, unless more is written than the disk can bring into the file.
const MOST_BESIDE: u32 = 8;

/// What a checkpoint came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moved {
    /// Pages in the log.
    pub(super) pages: i64,
    /// How many of them are in the file.
    pub(super) moved: i64,
}

/// Keeps count of the log's pages.
#[derive(Debug)]
pub(super) struct Checkpoints {
    path: PathBuf,
    logged: Arc<AtomicI64>,
    /// Pages in the log from which on it is tried.
    next: i64,
    /// Pages of the log that are in the file.
    moved: i64,
    beside: Option<Beside>,
    /// How often in a row something was moved there.
    times_beside: u32,
}

impl Checkpoints {
    /// Watches the log of a connection; `notes` hears of each commit.
    pub(super) fn watch(
        connection: &mut Connection,
        path: &Path,
        notes: Option<Arc<Notes>>,
    ) -> Result<Self, StoreError> {
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
        Ok(Self { path: path.to_owned(), logged, next: PAGES, moved: 0, beside: None, times_beside: 0 })
    }

    /// Has to be called before each transaction, whose first write may begin the log anew when all of it is in the file. While another
    /// thread brings it there, nobody knows when that is, so everything is captured before.
    pub(super) fn before_group(&mut self, capture: Option<&mut Capture>) {
        let phase = self.beside.as_ref().map_or(Phase::Resting, Beside::phase);
        if phase == Phase::Resting {
            return;
        }
        if let Some(capture) = capture {
            capture.capture();
        }
        if let (Phase::Done(done), Some(beside)) = (phase, &self.beside) {
            beside.rest();
            let moved = done.map_or(0, |done| done.moved);
            if moved > self.moved {
                self.times_beside += 1;
                self.next = 0;
            }
            self.moved = moved.max(self.moved);
        }
    }

    /// Brings what no reader needs any more into the file, when there is enough of it. Waits for nobody.
    pub(super) fn after_group(&mut self, connection: &Connection, capture: Option<&mut Capture>) {
        let logged = self.logged.load(Ordering::Relaxed);
        if logged < self.moved {
            // It began anew.
            (self.moved, self.times_beside, self.next) = (0, 0, PAGES);
        }
        if logged < self.next || self.beside.as_ref().is_some_and(|beside| beside.phase() != Phase::Resting) {
            return;
        }
        if let Some(capture) = capture {
            capture.capture();
        }
        if logged - self.moved > MOST_AT_ONCE && self.times_beside < MOST_BESIDE && self.ask_beside() {
            self.next = logged + STEP;
            return;
        }
        self.times_beside = 0;
        match run(connection, "PASSIVE") {
            // All is in the file, so the log begins anew with the next write.
            Some(Moved { pages, moved }) if pages == moved => (self.next, self.moved) = (PAGES, moved),
            done => {
                self.next = logged + STEP;
                self.moved = done.map_or(self.moved, |done| done.moved);
            }
        }
    }

    /// Brings all of the log into the file, when that is quickly done; whether nothing is in the log alone.
    pub(super) fn settle(&mut self, connection: &Connection, capture: &mut Capture) -> bool {
        self.before_group(Some(capture));
        let running = self.beside.as_ref().is_some_and(|beside| beside.phase() != Phase::Resting);
        if running || self.logged.load(Ordering::Relaxed) - self.moved > MOST_AT_ONCE {
            return false;
        }
        capture.capture();
        let Some(Moved { pages, moved }) = run(connection, "PASSIVE") else { return false };
        self.moved = moved;
        pages == moved
    }

    /// Asks the other thread; whether there is one.
    fn ask_beside(&mut self) -> bool {
        if self.beside.is_none() {
            match Beside::start(&self.path) {
                Ok(beside) => self.beside = Some(beside),
                Err(error) => {
                    tracing::warn!(%error, "a long log is brought into the database's file while others wait");
                    return false;
                }
            }
        }
        self.beside.as_ref().is_some_and(|beside| {
            beside.ask();
            true
        })
    }

    /// Waits until nothing is done beside the thread that writes. What it came to is not known then, so everything is captured before the
    /// next write.
    pub(super) fn alone(&mut self, capture: Option<&mut Capture>) {
        self.beside = None;
        if let Some(capture) = capture {
            capture.capture();
        }
    }

    /// Empties the log while nobody writes. Waits for no reader: whoever writes next would wait with it.
    pub(super) fn idle(&mut self, connection: &Connection, mut capture: Option<&mut Capture>) {
        let busy = self.beside.as_ref().is_some_and(|beside| beside.phase() == Phase::Running);
        if self.logged.load(Ordering::Relaxed) > 0 && !busy {
            if let Some(capture) = &mut capture {
                capture.capture();
            }
            let emptied = at_once(connection, || run(connection, "TRUNCATE") == Some(Moved { pages: 0, moved: 0 }));
            if emptied {
                self.logged.store(0, Ordering::Relaxed);
                self.moved = 0;
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

/// Runs a checkpoint.
pub(super) fn run(connection: &Connection, mode: &str) -> Option<Moved> {
    let sql = format!("PRAGMA wal_checkpoint({mode})");
    match connection.query_row(&sql, [], |row| Ok(Moved { pages: row.get(1)?, moved: row.get(2)? })) {
        Ok(pages) => Some(pages),
        Err(error) => {
            tracing::warn!(%error, "the log could not be brought into the database's file; it is tried again");
            None
        }
    }
}
