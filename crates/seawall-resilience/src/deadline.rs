//! The deadline: one point in time that everything done for a request shares, or none.

use std::{future::Future, time::Duration};

use tokio::time::Instant;

/// A point in time by which something must be done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deadline(Option<Instant>);

/// The deadline passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the deadline passed")]
pub struct TimedOut;

impl Deadline {
    /// So long from the present. Beyond what the clock can express it is none.
    #[must_use]
    pub fn after(time: Duration) -> Self {
        Self(Instant::now().checked_add(time))
    }

    /// At this instant.
    #[must_use]
    pub const fn at(instant: Instant) -> Self {
        Self(Some(instant))
    }

    /// Never.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    /// The instant, when there is one.
    #[must_use]
    pub const fn instant(self) -> Option<Instant> {
        self.0
    }

    /// The time left: zero when it has passed, nothing when there is no deadline.
    #[must_use]
    pub fn left(self) -> Option<Duration> {
        self.0.map(|instant| instant.saturating_duration_since(Instant::now()))
    }

    /// Whether it has passed.
    #[must_use]
    pub fn passed(self) -> bool {
        self.left().is_some_and(|left| left.is_zero())
    }

    /// The earlier of the two.
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        match (self.0, other.0) {
            (Some(one), Some(another)) => Self(Some(one.min(another))),
            (one, another) => Self(one.or(another)),
        }
    }

    /// Runs the future until it is ready or the deadline passes, when it is dropped. A future that is ready at once
    /// gives its value even when the deadline has passed.
    ///
    /// # Errors
    /// [`TimedOut`] when the deadline passed first.
    pub async fn run<F: Future>(self, future: F) -> Result<F::Output, TimedOut> {
        match self.0 {
            Some(instant) => tokio::time::timeout_at(instant, future).await.map_err(|_| TimedOut),
            None => Ok(future.await),
        }
    }
}

impl From<Instant> for Deadline {
    fn from(instant: Instant) -> Self {
        Self::at(instant)
    }
}

#[cfg(test)]
mod tests {
    //! In paused time.

    use std::future::{pending, ready};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_future_ends_at_the_deadline() {
        let start = Instant::now();
        assert_eq!(Deadline::after(SECOND).run(pending::<()>()).await, Err(TimedOut));
        assert_eq!(start.elapsed(), SECOND);
        assert_eq!(Deadline::after(SECOND).run(tokio::time::sleep(SECOND / 2)).await, Ok(()));
        assert_eq!(Deadline::none().run(tokio::time::sleep(10 * SECOND)).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_ready_is_given_though_it_is_late() {
        let deadline = Deadline::after(Duration::ZERO);
        tokio::time::advance(SECOND).await;
        assert_eq!(deadline.run(ready(1)).await, Ok(1));
    }

    #[tokio::test(start_paused = true)]
    async fn time_left_shrinks_to_zero() {
        let deadline = Deadline::after(SECOND);
        assert_eq!(deadline.left(), Some(SECOND));
        tokio::time::advance(2 * SECOND).await;
        assert_eq!(deadline.left(), Some(Duration::ZERO));
        assert!(deadline.passed());
        assert_eq!((Deadline::none().left(), Deadline::none().passed()), (None, false));
    }

    #[tokio::test(start_paused = true)]
    async fn the_earlier_one_holds() {
        let (early, late, none) = (Deadline::after(SECOND), Deadline::after(2 * SECOND), Deadline::none());
        assert_eq!((early.min(late), late.min(early)), (early, early));
        assert_eq!((early.min(none), none.min(early)), (early, early));
        assert_eq!(none.min(none), none);
    }

    #[tokio::test]
    async fn beyond_the_clock_is_never() {
        assert_eq!(Deadline::after(Duration::MAX), Deadline::none());
    }
}
