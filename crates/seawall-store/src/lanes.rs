//! The queues of transactions: what people wait for, and what may take long.

use std::sync::Arc;

use crate::{StoreError, queue::Queue, work::Job};

/// Who waits for a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// A person or a request.
    Interactive,
    /// Nobody at once: exports, verification, pruning. Keeps none of the others waiting.
    Background,
    /// Somebody who bears to see the database as it was a moment ago: lists and exports. It is read from a replica where there is one
    /// that answers, else as in the background.
    Replica,
}

/// One queue per kind of work. PostgreSQL's connections take both what is written and what people read from one queue.
#[derive(Clone, Debug)]
pub(crate) struct Lanes {
    pub(crate) write: Arc<Queue<Job>>,
    pub(crate) interactive: Arc<Queue<Job>>,
    pub(crate) background: Arc<Queue<Job>>,
    /// The same as the background's without a replica.
    pub(crate) replica: Arc<Queue<Job>>,
}

impl Lanes {
    /// Queues for so many transactions each; writes have one of their own.
    pub(crate) fn apart(capacity: usize) -> Self {
        let queue = || Arc::new(Queue::new(capacity));
        let background = queue();
        Self { write: queue(), interactive: queue(), replica: Arc::clone(&background), background }
    }

    /// Takes transactions again.
    pub(crate) fn reopen(&self) {
        self.write.reopen();
        self.interactive.reopen();
        self.background.reopen();
        self.replica.reopen();
    }

    /// Queues for so many transactions each; what is written and what people read waits in one. What is read from a replica waits
    /// apart, when there is one.
    pub(crate) fn shared(capacity: usize, replica: bool) -> Self {
        let queue = || Arc::new(Queue::new(capacity));
        let (foreground, background) = (queue(), queue());
        let replica = if replica { queue() } else { Arc::clone(&background) };
        Self { write: Arc::clone(&foreground), interactive: foreground, background, replica }
    }

    /// Takes no more transactions, and answers those that wait: nobody will run them.
    pub(crate) fn refuse(&self) {
        for lane in [&self.write, &self.interactive, &self.background, &self.replica] {
            for mut job in lane.end() {
                job.work.answer(Err(StoreError::Closed));
            }
        }
    }

    /// Takes no more transactions; those that wait are still run.
    pub(crate) fn close(&self) {
        self.write.close();
        self.interactive.close();
        self.background.close();
        self.replica.close();
    }
}
