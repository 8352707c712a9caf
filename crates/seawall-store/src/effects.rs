//! What a transaction does besides changing rows; it happens with the commit or after it, or not at all.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};

use crate::watch::Watch;

/// Called once, on a thread of the store, after the commit. It must not wait.
pub(crate) type Event = Box<dyn FnOnce() + Send>;

/// What one transaction has gathered.
#[derive(Default)]
pub(crate) struct Effects {
    /// What makes entries of caches void. It happens first, and also when nobody knows whether there was a commit.
    pub(crate) voids: Vec<Event>,
    /// What waits for the commit, in order.
    pub(crate) events: Vec<Event>,
    /// Whether it has written to the audit log, so that there is something to seal.
    pub(crate) audited: bool,
    /// Whether it has written to the outbox, so that there is something to deliver.
    pub(crate) posted: bool,
}

/// A place in a transaction's effects, to which a savepoint goes back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    voids: usize,
    events: usize,
}

impl Effects {
    /// Where it stands.
    pub(crate) fn mark(&self) -> Mark {
        Mark { voids: self.voids.len(), events: self.events.len() }
    }

    /// Forgets what came after the mark.
    pub(crate) fn back_to(&mut self, mark: Mark) {
        self.voids.truncate(mark.voids);
        self.events.truncate(mark.events);
    }

    /// What happens when nobody knows whether there was a commit: to forget once too often does no harm.
    pub(crate) fn without_commit(self) -> Self {
        Self { voids: self.voids, ..Self::default() }
    }

    /// Lets everything happen that waited for the commit.
    pub(crate) fn happen(self, watch: &Watch) {
        if self.posted {
            watch.posted.send_replace(());
        }
        for event in self.voids.into_iter().chain(self.events) {
            // The thread has others to serve, and this transaction is still to be answered.
            if catch_unwind(AssertUnwindSafe(event)).is_err() {
                tracing::error!("what was to happen after a commit panicked");
            }
        }
    }
}

impl fmt::Debug for Effects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Effects").field("voids", &self.voids.len()).field("events", &self.events.len()).finish()
    }
}
