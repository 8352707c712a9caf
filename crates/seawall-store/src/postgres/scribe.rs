//! The thread that writes what is loose, about once a second, in one transaction.

use std::{sync::Arc, time::Duration};

use super::worker::Worker;
use crate::{
    Cause, StoreError, Tx,
    loose::{Loose, Pending},
    queue::{Popped, Queue},
    watch::Watch,
    work::{Ending, Intent, Job, Work},
};

/// How long loose writes are gathered.
const GATHERING: Duration = Duration::from_millis(500);

/// What writing them may take.
const LIMIT_US: u64 = 10_000_000;

/// All that the thread has.
#[derive(Debug)]
pub(super) struct Scribe {
    pub(super) worker: Worker,
    pub(super) loose: Arc<Loose>,
    pub(super) watch: Arc<Watch>,
}

impl Scribe {
    /// Writes until the bell is closed; nothing is ever put into it.
    pub(super) fn serve(mut self, bell: &Queue<Job>) {
        loop {
            let closed = matches!(bell.pop(Some(GATHERING)), Popped::Closed);
            if !self.loose.is_empty() {
                self.write();
            }
            if closed {
                break;
            }
        }
        self.worker.close();
    }

    fn write(&mut self) {
        let asked_us = self.watch.now().monotonic_us;
        let mut pending = self.loose.take();
        pending.sort_unstable_by(|one, other| one.order().cmp(&other.order()));
        let page = Page { pending, fates: Vec::new(), loose: Arc::clone(&self.loose), watch: Arc::clone(&self.watch) };
        self.worker.run(Job {
            intent: Intent::Write,
            cause: Cause::system("loose"),
            limit_us: LIMIT_US,
            deadline_us: asked_us.saturating_add(LIMIT_US),
            asked_us,
            work: Box::new(page),
        });
    }
}

/// Loose writes in one transaction.
struct Page {
    pending: Vec<Pending>,
    /// What became of each.
    fates: Vec<Fate>,
    loose: Arc<Loose>,
    watch: Arc<Watch>,
}

#[derive(Clone, Copy)]
enum Fate {
    Written,
    /// Another transaction held the row.
    Later,
    Dropped,
}

impl Work for Page {
    fn run(&mut self, tx: &mut Tx<'_>) -> Ending {
        // One that fails must not keep others from being written.
        let write = |pending: &Pending| match tx.savepoint(|tx| pending.write_in(tx)) {
            Ok(()) => Fate::Written,
            Err(error) if error.retryable() => Fate::Later,
            Err(error) => {
                tracing::error!(%error, "a loose write failed and was dropped");
                Fate::Dropped
            }
        };
        self.fates = self.pending.iter().map(write).collect();
        Ending::Keep
    }

    fn answer(&mut self, fate: Result<(), StoreError>) {
        let pending = std::mem::take(&mut self.pending);
        match fate {
            Ok(()) => {
                let mut later = Vec::new();
                for (pending, fate) in pending.into_iter().zip(&self.fates) {
                    match fate {
                        Fate::Written => self.watch.loose.written.increment(),
                        Fate::Later => later.push(pending),
                        Fate::Dropped => self.watch.loose.dropped.increment(),
                    }
                }
                self.loose.give_back(later);
            }
            Err(error) if error.retryable() => {
                tracing::warn!(%error, "loose writes have to wait");
                self.loose.give_back(pending);
            }
            Err(error) => {
                tracing::error!(%error, "loose writes failed and were dropped");
                pending.iter().for_each(|_| self.watch.loose.dropped.increment());
            }
        }
    }
}
