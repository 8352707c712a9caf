//! A thread that reads.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
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

/// A thread that reads, with a connection of its own. It opens that for its first job: it takes memory, and many never get one.
#[derive(Debug)]
pub(super) struct Reader {
    path: PathBuf,
    watch: Arc<Watch>,
    opened: Option<(Connection, Deadline)>,
}

impl Reader {
    pub(super) fn new(path: &Path, watch: &Arc<Watch>) -> Self {
        Self { path: path.to_owned(), watch: Arc::clone(watch), opened: None }
    }

    /// Reads until the queue is closed.
    pub(super) fn serve(&mut self, queue: &Queue<Job>) {
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

    fn read(&mut self, job: &mut Job) -> Result<Ending, StoreError> {
        let now = self.watch.now();
        if now.monotonic_us >= job.deadline_us {
            return Err(job.timed_out());
        }
        let (connection, deadline) = match &mut self.opened {
            Some(opened) => opened,
            // A failure is this job's alone: the next one tries again.
            none => none.insert(profile::open_reader(&self.path, &self.watch)?),
        };
        connection.execute_batch("BEGIN").map_err(fault::from_sqlite)?;
        deadline.set(job.deadline_us);
        let mut effects = Effects::default();
        let cause = job.cause.clone();
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
