//! The queues of transactions: what people wait for, and what may take long.

use std::sync::Arc;

use crate::{queue::Queue, work::Job};

/// Who waits for a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// A person or a request.
    Interactive,
    /// Nobody at once: exports, verification, pruning. Keeps none of the others waiting.
    Background,
}

/// One queue per kind of work. PostgreSQL's connections take both what is written and what people read from one queue.
#[derive(Clone, Debug)]
pub(crate) struct Lanes {
    pub(crate) write: Arc<Queue<Job>>,
    pub(crate) interactive: Arc<Queue<Job>>,
    pub(crate) background: Arc<Queue<Job>>,
}

impl Lanes {
    /// Queues for so many transactions each; writes have one of their own.
    pub(crate) fn apart(capacity: usize) -> Self {
        let queue = || Arc::new(Queue::new(capacity));
        Self { write: queue(), interactive: queue(), background: queue() }
    }

    /// Takes transactions again.
    pub(crate) fn reopen(&self) {
        self.write.reopen();
        self.interactive.reopen();
        self.background.reopen();
    }

    /// Queues for so many transactions each; what is written and what people read waits in one.
    pub(crate) fn shared(capacity: usize) -> Self {
        let foreground = Arc::new(Queue::new(capacity));
        Self { write: Arc::clone(&foreground), interactive: foreground, background: Arc::new(Queue::new(capacity)) }
    }

    /// Takes no more transactions; those that wait are still run.
    pub(crate) fn close(&self) {
        self.write.close();
        self.interactive.close();
        self.background.close();
    }
}
