//! A checkpoint beside the thread that writes, for a log that has become long: a reader, such as a backup, held it back meanwhile.
//!
//! Bringing a gigabyte into the file takes seconds, in which nobody could write. So a thread of its own does it, with a connection of
//! its own, while the log goes on; what is left at its end is short.

use std::{
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, SyncSender},
    },
    thread::{self, JoinHandle},
};

use rusqlite::{Connection, OpenFlags};

use super::{
    checkpoint::{Moved, run},
    profile::BUSY,
};

/// Where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nobody has asked.
    Resting,
    /// It was asked for, and goes on.
    Running,
    /// It has ended with this; nothing when it failed.
    Done(Option<Moved>),
}

/// The thread, once it was needed.
#[derive(Debug)]
pub(super) struct Beside {
    asked: Option<SyncSender<()>>,
    phase: Arc<Mutex<Phase>>,
    thread: Option<JoinHandle<()>>,
}

impl Beside {
    /// Starts the thread for this database.
    pub(super) fn start(path: &Path) -> rusqlite::Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY)?;
        // As the writer has it: the log is flushed before it goes into the file, and the file before the log begins anew.
        connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0")?;
        let phase = Arc::new(Mutex::new(Phase::Resting));
        let (asked, asking) = mpsc::sync_channel(1);
        let told = Arc::clone(&phase);
        let work = move || {
            while asking.recv().is_ok() {
                let moved = run(&connection, "PASSIVE");
                *told.lock().unwrap_or_else(PoisonError::into_inner) = Phase::Done(moved);
            }
        };
        let thread = thread::Builder::new().name("store-log".to_owned()).spawn(work);
        let thread = thread.map_err(|error| {
            rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_NOMEM),
                Some(error.to_string()),
            )
        })?;
        Ok(Self { asked: Some(asked), phase, thread: Some(thread) })
    }

    /// Asks for a checkpoint. Only when none runs.
    pub(super) fn ask(&self) {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner) = Phase::Running;
        // There is room: the last one has been taken.
        let _asked = self.asked.as_ref().map(|asked| asked.try_send(()));
    }

    /// Where it stands.
    pub(super) fn phase(&self) -> Phase {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of its end.
    pub(super) fn rest(&self) {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner) = Phase::Resting;
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        drop(self.asked.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that brings the log into the database's file panicked");
        }
    }
}
