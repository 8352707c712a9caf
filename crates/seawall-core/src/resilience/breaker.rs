//! The circuit breaker: after some failures in a row nothing is asked for a while, then a few probes decide.
//!
//! ```text
//! Closed ── failures in a row ──▶ Open ── time passes, or try_now ──▶ HalfOpen
//!   ▲                              ▲                                   │   │
//!   │                              └────────── a probe fails ──────────┘   │
//!   └───────────────────────── successes of probes ────────────────────────┘
//! ```
//!
//! Each change of state begins a generation, and each admitted request carries the one it was admitted in. The outcome
//! of an earlier generation counts for nothing: a slow failure from before the breaker opened does not open it again,
//! and a late success does not close it.
//!
//! With [`RateSettings`] a closed breaker also opens by the share of the last calls that failed or were slow.

use std::time::Duration;

use super::rates::{RateSettings, Window};
use crate::clock::Now;

/// While probes are under way nobody knows how long they take; the others are asked to come back after this.
const PROBE_RETRY: Duration = Duration::from_secs(1);

/// The numbers of a breaker. Zero counts as one, except for `open`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerSettings {
    /// Failures in a row that open a closed breaker.
    pub failures: u32,
    /// Successful probes that close a half-open breaker.
    pub successes: u32,
    /// How long an open breaker refuses before it lets probes through.
    pub open: Duration,
    /// Probes that may be under way at once while half-open.
    pub probes: u32,
    /// Shares of the last calls that open it as well. With them each outcome of a closed breaker is counted, not only failures.
    pub rates: Option<RateSettings>,
}

impl Default for BreakerSettings {
    /// Checklist WK-5: 5 failures, 2 successes, 60 s. One probe at once.
    fn default() -> Self {
        Self { failures: 5, successes: 2, open: Duration::from_secs(60), probes: 1, rates: None }
    }
}

/// What a breaker does with the next request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// Everything passes; failures in a row are counted.
    Closed,
    /// A few probes pass; the rest is refused.
    HalfOpen,
    /// Everything is refused.
    Open,
}

/// One change of state, for logs and counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The state left.
    pub from: BreakerState,
    /// The state entered.
    pub to: BreakerState,
}

/// What an admitted request hands back with its outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a probe that reports no outcome keeps its place for good"]
pub struct Pass {
    generation: u64,
    probe: bool,
}

impl Pass {
    /// The pass of a request that a closed breaker of this generation ([`Breaker::generation`]) admits, for shells that
    /// admit from a copy of the state.
    pub const fn closed(generation: u64) -> Self {
        Self { generation, probe: false }
    }

    /// Whether the request is a probe of a half-open breaker.
    #[must_use]
    pub const fn probe(self) -> bool {
        self.probe
    }
}

/// How an admitted request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// The service failed.
    pub failed: bool,
    /// It took longer than calls may ([`RateSettings::is_slow`]).
    pub slow: bool,
}

impl End {
    /// The service did what was asked, and in time.
    pub const SUCCEEDED: Self = Self { failed: false, slow: false };
    /// The service failed.
    pub const FAILED: Self = Self { failed: true, slow: false };
}

/// The answer to a request that asks to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It goes on; its outcome is reported with this pass.
    Admitted(Pass),
    /// It does not.
    Refused {
        /// When to come back: the rest of the open time, or a second (at most the open time) while probes decide.
        retry_after: Duration,
    },
}

/// The state of one breaker.
#[derive(Clone, Debug)]
pub struct Breaker {
    settings: BreakerSettings,
    generation: u64,
    phase: Phase,
}

/// The state with what it counts.
#[derive(Clone, Copy, Debug)]
enum Phase {
    Closed { failures: u32, last: Window },
    HalfOpen { successes: u32, under_way: u32 },
    Open { since: Now },
}

impl Breaker {
    /// A closed breaker.
    #[must_use]
    pub const fn new(settings: BreakerSettings) -> Self {
        Self { settings, generation: 0, phase: Phase::CLOSED }
    }

    /// What the next request would meet: an open breaker whose time has passed is half-open.
    #[must_use]
    pub fn state(&self, now: Now) -> BreakerState {
        match self.phase {
            Phase::Open { since } if self.open_left(since, now).is_zero() => BreakerState::HalfOpen,
            phase => phase.state(),
        }
    }

    /// Whether the breaker is closed, which does not depend on the time.
    #[must_use]
    pub const fn closed(&self) -> bool {
        matches!(self.phase, Phase::Closed { .. })
    }

    /// Failures in a row that a closed breaker has counted; zero in the other states.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        match self.phase {
            Phase::Closed { failures, .. } => failures,
            Phase::HalfOpen { .. } | Phase::Open { .. } => 0,
        }
    }

    /// How often the state has changed.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether one more request may go on. The first one after the open time makes the breaker half-open.
    pub fn admit(&mut self, now: Now) -> (Admission, Option<Change>) {
        let mut change = None;
        if let Phase::Open { since } = self.phase {
            let left = self.open_left(since, now);
            if !left.is_zero() {
                return (Admission::Refused { retry_after: left }, None);
            }
            change = Some(self.half_open());
        }
        (self.admit_one(), change)
    }

    /// An admitted request has ended.
    pub fn ended(&mut self, pass: Pass, end: End, now: Now) -> Option<Change> {
        if pass.generation != self.generation {
            return None;
        }
        let opens = match &mut self.phase {
            Phase::Closed { failures, last } => {
                *failures = if end.failed { failures.saturating_add(1) } else { 0 };
                last.push(end);
                end.failed && *failures >= self.settings.failures
                    || self.settings.rates.is_some_and(|rates| last.opens(&rates))
            }
            Phase::HalfOpen { .. } if end.failed || end.slow => true,
            Phase::HalfOpen { successes, under_way } => {
                *under_way = under_way.saturating_sub(1);
                *successes = successes.saturating_add(1);
                if *successes >= self.settings.successes {
                    return Some(self.enter(Phase::CLOSED));
                }
                false
            }
            Phase::Open { .. } => false,
        };
        opens.then(|| self.enter(Phase::Open { since: now }))
    }

    /// Whoever asked left before there was an outcome: a probe's place is free again, and nothing is counted.
    pub fn abandoned(&mut self, pass: Pass) {
        if pass.generation != self.generation {
            return;
        }
        if let Phase::HalfOpen { under_way, .. } = &mut self.phase {
            *under_way = under_way.saturating_sub(1);
        }
    }

    /// What failed is seen to work again: an open breaker becomes half-open without waiting.
    pub fn try_now(&mut self) -> Option<Change> {
        matches!(self.phase, Phase::Open { .. }).then(|| self.half_open())
    }

    /// The shares that are counted beside failures in a row.
    #[must_use]
    pub const fn rates(&self) -> Option<RateSettings> {
        self.settings.rates
    }

    /// Changes the numbers, never the state. They hold from the next admission or outcome on; an open breaker waits for
    /// what is left of the time given here.
    pub const fn configure(&mut self, settings: BreakerSettings) {
        self.settings = settings;
    }

    fn admit_one(&mut self) -> Admission {
        if let Phase::HalfOpen { under_way, .. } = &mut self.phase {
            if *under_way >= self.settings.probes.max(1) {
                return Admission::Refused { retry_after: PROBE_RETRY.min(self.settings.open) };
            }
            *under_way += 1;
            return Admission::Admitted(Pass { generation: self.generation, probe: true });
        }
        Admission::Admitted(Pass::closed(self.generation))
    }

    fn open_left(&self, since: Now, now: Now) -> Duration {
        self.settings.open.saturating_sub(Duration::from_micros(now.since_us(since)))
    }

    fn half_open(&mut self) -> Change {
        self.enter(Phase::HalfOpen { successes: 0, under_way: 0 })
    }

    /// Invariant: every change of state passes through here, so a generation has one state.
    fn enter(&mut self, phase: Phase) -> Change {
        let change = Change { from: self.phase.state(), to: phase.state() };
        self.generation += 1;
        self.phase = phase;
        change
    }
}

impl Phase {
    const CLOSED: Self = Self::Closed { failures: 0, last: Window::NOTHING };

    const fn state(self) -> BreakerState {
        match self {
            Self::Closed { .. } => BreakerState::Closed,
            Self::HalfOpen { .. } => BreakerState::HalfOpen,
            Self::Open { .. } => BreakerState::Open,
        }
    }
}

#[cfg(test)]
mod tests;
