//! A thread that reads.

use std::sync::Arc;

use rusqlite::Connection;

use super::{fault, profile::Deadline, session::SqliteSession};
use crate::{
    ReadTx, StoreError, Tx,
    effects::Effects,
    queue::{Popped, Queue},
    watch::{Outcome, Watch},
    work::{Ending, Intent, Job},
};

/// Reads until the queue is closed.
pub(super) fn serve(connection: &Connection, deadline: &Deadline, queue: &Queue<Job>, watch: &Arc<Watch>) {
    while let Popped::Item(mut job) = queue.pop(None) {
        let outcome = read(connection, deadline, watch, &mut job);
        let counted = match outcome {
            Ok(Ending::Keep) => Outcome::Kept,
            Ok(Ending::Undo) => Outcome::Undone,
            Err(_) => Outcome::Failed,
        };
        watch.transaction(Intent::Read, job.asked_us, counted);
        job.work.answer(outcome.map(drop));
    }
}

fn read(connection: &Connection, deadline: &Deadline, watch: &Arc<Watch>, job: &mut Job) -> Result<Ending, StoreError> {
    let now = watch.now();
    if now.monotonic_us >= job.deadline_us {
        return Err(job.timed_out());
    }
    connection.execute_batch("BEGIN").map_err(fault::from_sqlite)?;
    deadline.set(job.deadline_us);
    let mut effects = Effects::default();
    let cause = job.cause.clone();
    let mut session = SqliteSession::new(connection, job.limit_us / 1_000);
    let mut tx = Tx::new(ReadTx::new(&mut session, watch), &cause, &mut effects, now);
    let ending = job.run(&mut tx);
    deadline.clear();
    // Nothing was written, so how it ends matters only to the locks. After some failures the engine has ended it already.
    if !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK").map_err(fault::from_sqlite)?;
    }
    ending
}
