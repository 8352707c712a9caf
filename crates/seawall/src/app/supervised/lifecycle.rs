//! What state the application is in, and how long to wait before it is started again. Pure: it is told the time.

use std::time::Duration;

use seawall_core::clock::Now;

/// So long the application must have run for its earlier ends to be forgotten, in microseconds.
const STEADY_US: u64 = 60_000_000;

/// What the application does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It was started for the first time and is not ready yet.
    Starting,
    /// It takes requests.
    Ready,
    /// It ended by itself and is started again.
    Restarting {
        /// How often it was tried since it last ran for a while.
        attempt: u32,
    },
    /// It is told to end.
    Stopping,
}

impl State {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Restarting { .. } => "restarting",
            Self::Stopping => "stopping",
        }
    }
}

/// Waits before a start: doubled each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The first.
    pub first: Duration,
    /// The longest.
    pub most: Duration,
}

impl Backoff {
    /// How long to wait before this attempt; the first is 1.
    fn before(self, attempt: u32) -> Duration {
        let factor = 2_u32.checked_pow(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
        self.first.saturating_mul(factor).min(self.most)
    }
}

/// The state, and what it depends on.
#[derive(Debug)]
pub(super) struct Lifecycle {
    backoff: Backoff,
    state: State,
    ready_at: Option<Now>,
    attempts: u32,
}

impl Lifecycle {
    pub(super) const fn new(backoff: Backoff) -> Self {
        Self { backoff, state: State::Starting, ready_at: None, attempts: 0 }
    }

    pub(super) const fn state(&self) -> State {
        self.state
    }

    /// A process is ready.
    pub(super) fn ready(&mut self, now: Now) {
        if self.state != State::Stopping {
            self.state = State::Ready;
            self.ready_at = Some(now);
        }
    }

    /// The process ended by itself, or did not become ready; gives the wait before the next start.
    pub(super) fn ended(&mut self, now: Now) -> Duration {
        if self.ready_at.take().is_some_and(|ready_at| now.since_us(ready_at) >= STEADY_US) {
            self.attempts = 0;
        }
        self.attempts = self.attempts.saturating_add(1);
        if self.state != State::Stopping {
            self.state = State::Restarting { attempt: self.attempts };
        }
        self.backoff.before(self.attempts)
    }

    /// It is told to end, which it stays.
    pub(super) fn stopping(&mut self) {
        self.state = State::Stopping;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Now {
        Now { monotonic_us: seconds * 1_000_000, unix_us: 0 }
    }

    fn lifecycle() -> Lifecycle {
        Lifecycle::new(Backoff { first: Duration::from_millis(500), most: Duration::from_secs(30) })
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let mut lifecycle = lifecycle();
        lifecycle.ready(at(0));
        let waits: Vec<_> = (0..9).map(|_| lifecycle.ended(at(1)).as_millis()).collect();
        assert_eq!(waits, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
        assert_eq!(lifecycle.state(), State::Restarting { attempt: 9 });
        let far = (0..100).map(|_| lifecycle.ended(at(1))).next_back();
        assert_eq!(far, Some(Duration::from_secs(30)), "no number of attempts is too large");
    }

    #[test]
    fn running_for_a_minute_is_forgiven_and_less_is_not() {
        let mut lifecycle = lifecycle();
        lifecycle.ready(at(0));
        lifecycle.ended(at(10));
        lifecycle.ready(at(11));
        assert_eq!((lifecycle.state(), lifecycle.ended(at(70)).as_millis()), (State::Ready, 1_000));
        lifecycle.ready(at(72));
        assert_eq!(lifecycle.ended(at(132)).as_millis(), 500);
    }

    #[test]
    fn stopping_is_final() {
        let mut lifecycle = lifecycle();
        lifecycle.stopping();
        lifecycle.ready(at(1));
        lifecycle.ended(at(2));
        assert_eq!(lifecycle.state(), State::Stopping);
    }
}
