//! The threads that read, and the connections that they share.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::Connection;

use super::{
    fault,
    profile::{self, Deadline},
    session::SqliteSession,
};
use crate::{
    ReadTx, StoreError, Tx,
    effects::Effects,
    queue::{Popped, Queue},
    watch::{Outcome, Watch},
    work::{Ending, Intent, Job},
};

/// Connections that read. Each takes memory, so no more are opened than ever read at once, and the one that was used last is used next.
#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    watch: Arc<Watch>,
    /// Bounded by the threads, each of which takes one at a time.
    idle: Mutex<Vec<(Connection, Deadline)>>,
}

impl Readers {
    pub(super) fn new(path: &Path, watch: &Arc<Watch>) -> Self {
        Self { path: path.to_owned(), watch: Arc::clone(watch), idle: Mutex::default() }
    }

    /// Reads until the queue is closed.
    pub(super) fn serve(&self, queue: &Queue<Job>) {
        while let Popped::Item(mut job) = queue.pop(None) {
            let outcome = self.read(&mut job);
            let counted = match outcome {
                Ok(Ending::Keep) => Outcome::Kept,
                Ok(Ending::Undo) => Outcome::Undone,
                Err(_) => Outcome::Failed,
            };
            self.watch.transaction(Intent::Read, job.asked_us, counted);
            job.work.answer(outcome.map(drop));
        }
    }

    fn read(&self, job: &mut Job) -> Result<Ending, StoreError> {
        if self.watch.now().monotonic_us >= job.deadline_us {
            return Err(job.timed_out());
        }
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        // A failure is this job's alone: the next one tries again.
        let (connection, deadline) = idle.map_or_else(|| profile::open_reader(&self.path, &self.watch), Ok)?;
        let ending = self.read_over(&connection, &deadline, job);
        // One that could not end its transaction is closed, which ends it.
        if connection.is_autocommit() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push((connection, deadline));
        }
        ending
    }

    fn read_over(&self, connection: &Connection, deadline: &Deadline, job: &mut Job) -> Result<Ending, StoreError> {
        connection.execute_batch("BEGIN").map_err(fault::from_sqlite)?;
        deadline.set(job.deadline_us);
        let mut effects = Effects::default();
        let (cause, now) = (job.cause.clone(), self.watch.now());
        let mut session = SqliteSession::new(connection, job.limit_us / 1_000);
        let mut tx = Tx::new(ReadTx::new(&mut session, &self.watch), &cause, &mut effects, now);
        let ending = job.run(&mut tx);
        deadline.clear();
        // Nothing was written, so how it ends matters only to the locks. After some failures the engine has ended it already.
        if !connection.is_autocommit() {
            connection.execute_batch("ROLLBACK").map_err(fault::from_sqlite)?;
        }
        ending
    }
}
