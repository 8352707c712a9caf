//! Retry: an operation that may fail in passing is tried again, with waits between, under one deadline.

use std::{future::Future, time::Duration};

use seawall_core::resilience::Backoff;

use crate::{Deadline, RetryBudget};

/// How an operation is retried. [`Retry::default`] is checklist WK-5: 3 attempts, 100 ms × 2 up to 5 s with full jitter,
/// no deadline, no budget.
#[derive(Clone, Debug)]
pub struct Retry {
    attempts: u32,
    backoff: Backoff,
    deadline: Deadline,
    budget: Option<RetryBudget>,
}

/// What follows a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Trying again does not help, or does harm.
    GiveUp,
    /// Try again after the usual wait.
    Again,
    /// Try again after the wait that the service asked for (`Retry-After`), or the usual one when that is longer.
    AgainAfter(Duration),
}

/// Why no further attempt was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GaveUp {
    /// The error is not one to retry.
    Final,
    /// All attempts were made.
    Attempts,
    /// The budget allows no retry.
    Budget,
    /// The wait would have lasted until the deadline or beyond.
    Deadline,
}

/// The operation did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum RetryError<E> {
    /// An attempt failed, and it was the last.
    #[error("gave up after {attempts} attempts")]
    Failed {
        /// Attempts made.
        attempts: u32,
        /// Why there was no other.
        gave_up: GaveUp,
        /// What the last one failed with.
        #[source]
        error: E,
    },
    /// The deadline passed during an attempt.
    #[error("the deadline passed during attempt {attempts}")]
    TimedOut {
        /// Attempts made, the interrupted one included.
        attempts: u32,
        /// What the one before it failed with.
        last: Option<E>,
    },
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 3, backoff: Backoff::default(), deadline: Deadline::none(), budget: None }
    }
}

impl Retry {
    /// Attempts in all, the first included. Zero counts as one.
    #[must_use]
    pub const fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// The waits between attempts.
    #[must_use]
    pub const fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// All attempts and the waits between them end at this deadline.
    #[must_use]
    pub const fn under(mut self, deadline: Deadline) -> Self {
        self.deadline = deadline;
        self
    }

    /// The operation counts as a request of this budget, and each further attempt is withdrawn from it.
    #[must_use]
    pub fn budget(mut self, budget: RetryBudget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Runs the operation: `attempt` is given the number of the attempt, 0 for the first; `next` says what follows an
    /// error.
    ///
    /// # Errors
    /// [`RetryError::Failed`] with the last error, [`RetryError::TimedOut`] when the deadline interrupted an attempt.
    pub async fn run<T, E, F: Future<Output = Result<T, E>>>(
        &self,
        attempt: impl FnMut(u32) -> F,
        next: impl FnMut(&E) -> Next,
    ) -> Result<T, RetryError<E>> {
        self.run_with(attempt, next, || fastrand::u64(..)).await
    }

    /// The deadline.
    pub(crate) const fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// An operation begins, of which its budget is told.
    pub(crate) fn requested(&self) {
        if let Some(budget) = &self.budget {
            budget.requested();
        }
    }

    async fn run_with<T, E, F: Future<Output = Result<T, E>>>(
        &self,
        mut attempt: impl FnMut(u32) -> F,
        mut next: impl FnMut(&E) -> Next,
        mut random: impl FnMut() -> u64,
    ) -> Result<T, RetryError<E>> {
        self.requested();
        let mut last = None;
        let mut made = 0;
        loop {
            let result = self.deadline.run(attempt(made)).await;
            made += 1;
            let error = match result {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(error)) => error,
                Err(_) => return Err(RetryError::TimedOut { attempts: made, last }),
            };
            match self.wait(made, next(&error), random()) {
                Ok(wait) => tokio::time::sleep(wait).await,
                Err(gave_up) => return Err(RetryError::Failed { attempts: made, gave_up, error }),
            }
            last = Some(error);
        }
    }

    /// How long to wait before one more attempt. The budget is asked last, so that nothing is withdrawn in vain.
    pub(crate) fn wait(&self, made: u32, next: Next, random: u64) -> Result<Duration, GaveUp> {
        let asked = match next {
            Next::GiveUp => return Err(GaveUp::Final),
            Next::Again => Duration::ZERO,
            Next::AgainAfter(wait) => wait,
        };
        if made >= self.attempts {
            return Err(GaveUp::Attempts);
        }
        let wait = self.backoff.delay(made.saturating_sub(1), random).max(asked);
        if self.deadline.left().is_some_and(|left| wait >= left) {
            return Err(GaveUp::Deadline);
        }
        if self.budget.as_ref().is_some_and(|budget| !budget.withdraw()) {
            return Err(GaveUp::Budget);
        }
        Ok(wait)
    }
}

#[cfg(test)]
mod tests;
