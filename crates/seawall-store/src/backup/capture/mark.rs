//! Points in the series of changes, between which a copy of the file is made: what was changed meanwhile is made again in the copy.

use std::{
    fs,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::oneshot, time::timeout};

use super::{shared::Shared, spool};

/// A point between two commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) generation: String,
    /// The segment that changes go to from here on.
    pub(crate) segment: u64,
    /// The number of the next commit within the generation.
    pub(crate) commit: u64,
    /// No commit before is later, and none after it earlier.
    pub(crate) at_us: i64,
}

/// What holds at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    /// All that was committed is in the file itself. Segments from here on stay on this machine until they are let go of.
    Settled,
    /// All that was committed is in segments.
    Captured,
}

/// A point that somebody waits for.
#[derive(Debug)]
pub(super) struct Asked {
    holds: Holds,
    answer: oneshot::Sender<Option<Mark>>,
}

/// The one that is waited for.
#[derive(Debug, Default)]
pub(super) struct Asking(Mutex<Option<Asked>>);

impl Asking {
    /// What has to hold; nothing when nobody waits any more.
    pub(super) fn wanted(&self) -> Option<Holds> {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *asked = asked.take().filter(|asked| !asked.answer.is_closed());
        asked.as_ref().map(|asked| asked.holds)
    }

    /// Answers who waits; without a mark nothing is captured.
    pub(super) fn answer(&self, mark: Option<Mark>) {
        if let Some(asked) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // Whoever asked may have given up.
            let _heard = asked.answer.send(mark);
        }
    }

    fn ask(&self, holds: Holds) -> oneshot::Receiver<Option<Mark>> {
        let (answer, answered) = oneshot::channel();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Asked { holds, answer });
        answered
    }
}

impl Shared {
    /// Waits for the writer to come to a point where this holds; nothing when it did not in time, or nothing is captured. One may
    /// ask at a time.
    pub(crate) async fn mark(&self, holds: Holds, within: Duration) -> Option<Mark> {
        timeout(within, self.asking.ask(holds)).await.ok()?.ok()?
    }
}

/// Keeps the segments of a copy that is being made, until dropped.
#[derive(Debug)]
pub(crate) struct Kept {
    shared: Arc<Shared>,
    directory: PathBuf,
    generation: String,
}

impl Kept {
    /// What a mark that is [`Holds::Settled`] began to keep.
    pub(crate) fn since(mark: &Mark, shared: Arc<Shared>, directory: PathBuf) -> Self {
        Self { shared, directory, generation: mark.generation.clone() }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.shared.let_go();
        for path in spool::held(&self.directory, &self.generation) {
            if let Err(error) = fs::remove_file(&path) {
                tracing::warn!(%error, path = %path.display(), "a segment that was shipped stays until the next start");
            }
        }
    }
}
