//! A transaction on its way to a thread of the store, and its answer on the way back.

use std::{
    any::Any,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};

use tokio::sync::oneshot;

use crate::{Cause, StoreError, Tx};

/// What its closure wants of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// That it is committed.
    Keep,
    /// That it is rolled back.
    Undo,
}

/// The closure of a transaction, and who waits for its answer.
pub(crate) trait Work: Send {
    /// Runs the closure; may be called more than once.
    fn run(&mut self, tx: &mut Tx<'_>) -> Ending;

    /// Answers: what the closure answered last, or the reason why it came to nothing.
    fn answer(&mut self, fate: Result<(), StoreError>);
}

/// One transaction.
pub(crate) struct Job {
    /// Whether it writes.
    pub(crate) intent: Intent,
    /// Why.
    pub(crate) cause: Cause,
    /// What it may take, waiting included, in microseconds.
    pub(crate) limit_us: u64,
    /// When it must have ended, as monotonic microseconds.
    pub(crate) deadline_us: u64,
    /// When it was asked for, as monotonic microseconds.
    pub(crate) asked_us: u64,
    /// What it does.
    pub(crate) work: Box<dyn Work>,
}

/// What a transaction is going to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    /// It reads.
    Read,
    /// It reads and writes.
    Write,
}

impl Intent {
    /// Its name in metrics and the log.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

impl Job {
    /// Why it came to nothing: it took too long.
    pub(crate) const fn timed_out(&self) -> StoreError {
        StoreError::TimedOut { limit_ms: self.limit_us / 1_000 }
    }

    /// Runs the closure in an open transaction.
    ///
    /// # Errors
    /// A statement that failed, or a panic.
    pub(crate) fn run(&mut self, tx: &mut Tx<'_>) -> Result<Ending, StoreError> {
        // What a panic leaves behind in the closure is only seen again by the next run, which begins from nothing.
        let ending = catch_unwind(AssertUnwindSafe(|| self.work.run(tx)));
        match (ending, tx.spoiled()) {
            (Err(panic), _) => {
                let what = message(panic.as_ref());
                tracing::error!(panic = what, "the code of a transaction panicked; it was rolled back");
                Err(StoreError::Panicked(what.to_owned()))
            }
            (Ok(Ending::Keep), Some(failure)) => Err(failure),
            // The closure has turned the failure into an answer of its own.
            (Ok(Ending::Undo), _) => Ok(Ending::Undo),
            (Ok(Ending::Keep), None) => Ok(Ending::Keep),
        }
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").field("intent", &self.intent).field("limit_us", &self.limit_us).finish_non_exhaustive()
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("?")
}

/// A closure with its answer.
pub(crate) struct Task<F, T, E> {
    body: F,
    outcome: Option<Result<T, E>>,
    asker: Option<oneshot::Sender<Result<T, E>>>,
}

impl<F, T, E> Task<F, T, E>
where
    F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<StoreError> + Send,
{
    /// A closure, and where its answer is waited for.
    pub(crate) fn new(body: F) -> (Self, oneshot::Receiver<Result<T, E>>) {
        let (asker, answer) = oneshot::channel();
        (Self { body, outcome: None, asker: Some(asker) }, answer)
    }
}

impl<F, T, E> Work for Task<F, T, E>
where
    F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<StoreError> + Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> Ending {
        self.outcome = None;
        let outcome = (self.body)(tx);
        let ending = if outcome.is_ok() { Ending::Keep } else { Ending::Undo };
        self.outcome = Some(outcome);
        ending
    }

    fn answer(&mut self, fate: Result<(), StoreError>) {
        let Some(asker) = self.asker.take() else { return };
        let outcome = match (fate, self.outcome.take()) {
            (Ok(()), Some(outcome)) => outcome,
            (Ok(()), None) => Err(StoreError::Closed.into()),
            (Err(failure), _) => Err(failure.into()),
        };
        // Nobody may be waiting any more; the transaction is kept nevertheless.
        let _ = asker.send(outcome);
    }
}
