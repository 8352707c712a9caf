//! The circuit breaker as a handle that threads share.
//!
//! A closed breaker that has counted no failure is asked by reading one word: no lock, no write to shared memory, no
//! clock. Only failures, and requests that meet another state, take the lock.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use seawall_core::{
    clock::Clock,
    resilience::{Admission, Breaker, BreakerSettings, BreakerState, Change, Pass},
};

/// The word says that the breaker is closed.
const CLOSED: u64 = 1;

/// The word says that the closed breaker has counted failures, which a success must reset.
const FAILURES: u64 = 2;

/// The generation stands above the two marks.
const GENERATION_SHIFT: u32 = 2;

/// A circuit breaker. Cheap to clone; clones are the same breaker.
///
/// ```
/// use seawall_resilience::{CircuitBreaker, Outcome};
///
/// # fn call() -> Result<(), std::io::Error> { Ok(()) }
/// fn guarded(breaker: &CircuitBreaker) -> Result<(), Box<dyn std::error::Error>> {
///     let pass = breaker.admit()?;
///     let result = call();
///     breaker.record(pass, if result.is_ok() { Outcome::Succeeded } else { Outcome::Failed });
///     Ok(result?)
/// }
/// ```
#[derive(Clone)]
pub struct CircuitBreaker(Arc<Shared>);

/// How an admitted request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The service did what was asked.
    Succeeded,
    /// The service failed.
    Failed,
    /// Whoever asked left before the service answered; it says nothing about the service.
    Abandoned,
}

/// The breaker refuses: the service has failed and is left alone for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the circuit breaker is open")]
pub struct Open {
    /// When to come back.
    pub retry_after: Duration,
}

/// An admitted request that reports its outcome at its end. Dropped without one, it counts as abandoned.
///
/// It holds a clone of the breaker, which costs one atomic increment and decrement; [`CircuitBreaker::admit`] and
/// [`CircuitBreaker::record`] do without.
#[derive(Debug)]
#[must_use = "dropping a ticket reports that the request was abandoned"]
pub struct Ticket {
    breaker: CircuitBreaker,
    /// None when the outcome was reported.
    pass: Option<Pass>,
}

/// Aligned so that the word, which every request reads, shares its cache line neither with the counters of the `Arc` nor
/// with the lock, which are written. 128 bytes, because processors fetch lines in pairs.
#[repr(align(128))]
struct Word(AtomicU64);

struct Shared {
    word: Word,
    state: Mutex<Breaker>,
    clock: Arc<dyn Clock>,
    observer: Box<dyn Fn(Change) + Send + Sync>,
}

impl CircuitBreaker {
    /// A closed breaker. `observer` hears of each change after it was made, outside the lock, on the thread that caused
    /// it: it may ask the breaker, and it should be quick.
    pub fn new(
        settings: BreakerSettings,
        clock: Arc<dyn Clock>,
        observer: impl Fn(Change) + Send + Sync + 'static,
    ) -> Self {
        let state = Breaker::new(settings);
        let word = Word(AtomicU64::new(word_of(&state)));
        Self(Arc::new(Shared { word, state: Mutex::new(state), clock, observer: Box::new(observer) }))
    }

    /// Whether a request may go on. Its outcome must be handed to [`CircuitBreaker::record`], or a probe keeps its place
    /// for good; [`CircuitBreaker::ticket`] sees to that by itself.
    ///
    /// # Errors
    /// [`Open`] when the service is left alone, or as many probes as allowed are under way.
    pub fn admit(&self) -> Result<Pass, Open> {
        let word = self.0.word();
        if word & CLOSED != 0 {
            return Ok(Pass::closed(word >> GENERATION_SHIFT));
        }
        self.admit_slowly()
    }

    /// Reports how a request that was admitted ended. Once per pass.
    pub fn record(&self, pass: Pass, outcome: Outcome) {
        // A success changes nothing in a closed breaker without failures, and leaving changes nothing but for a probe.
        let nothing_to_do = match outcome {
            Outcome::Succeeded => self.0.word() & (CLOSED | FAILURES) == CLOSED,
            Outcome::Failed => false,
            Outcome::Abandoned => !pass.probe(),
        };
        if !nothing_to_do {
            self.record_slowly(pass, outcome);
        }
    }

    /// As [`CircuitBreaker::admit`], with a ticket that reports by itself when it is dropped.
    ///
    /// # Errors
    /// [`Open`], likewise.
    pub fn ticket(&self) -> Result<Ticket, Open> {
        let pass = self.admit()?;
        Ok(Ticket { breaker: self.clone(), pass: Some(pass) })
    }

    /// What the next request would meet.
    #[must_use]
    pub fn state(&self) -> BreakerState {
        if self.0.word() & CLOSED != 0 {
            return BreakerState::Closed;
        }
        let now = self.0.clock.now();
        self.0.lock().state(now)
    }

    /// What failed is seen to work again: an open breaker lets probes through without waiting.
    pub fn try_now(&self) {
        self.0.change(|breaker| ((), breaker.try_now()));
    }

    /// Changes the numbers, never the state.
    pub fn configure(&self, settings: BreakerSettings) {
        self.0.lock().configure(settings);
    }

    #[cold]
    fn admit_slowly(&self) -> Result<Pass, Open> {
        match self.0.change(|breaker| breaker.admit(self.0.clock.now())) {
            Admission::Admitted(pass) => Ok(pass),
            Admission::Refused { retry_after } => Err(Open { retry_after }),
        }
    }

    #[cold]
    fn record_slowly(&self, pass: Pass, outcome: Outcome) {
        self.0.change(|breaker| match outcome {
            Outcome::Succeeded => ((), breaker.succeeded(pass)),
            Outcome::Failed => ((), breaker.failed(pass, self.0.clock.now())),
            Outcome::Abandoned => (breaker.abandoned(pass), None),
        });
    }
}

impl fmt::Debug for CircuitBreaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitBreaker").field("state", &self.state()).finish_non_exhaustive()
    }
}

impl Ticket {
    /// The service did what was asked.
    pub fn succeeded(self) {
        self.report(Outcome::Succeeded);
    }

    /// The service failed.
    pub fn failed(self) {
        self.report(Outcome::Failed);
    }

    /// Whether the request is a probe of a half-open breaker.
    #[must_use]
    pub fn probe(&self) -> bool {
        self.pass.is_some_and(Pass::probe)
    }

    fn report(mut self, outcome: Outcome) {
        if let Some(pass) = self.pass.take() {
            self.breaker.record(pass, outcome);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(pass) = self.pass.take() {
            self.breaker.record(pass, Outcome::Abandoned);
        }
    }
}

impl Shared {
    /// The word as last published.
    ///
    /// Relaxed is enough. The word is the whole message: marks and generation are read in one load, and nothing else is
    /// read on the strength of it; whoever needs more takes the lock. Each store is made under the lock, so the word
    /// goes through the states in the order the breaker did, and coherence lets no thread see it go back, nor miss a
    /// change that happened before its load (its own, or one it was told of). A load that races a change sees the state
    /// before it: the same as a request that came a moment earlier, and its generation keeps its outcome from counting.
    /// A success that races the first failure may thus leave the failure counted, as if the failure had come second.
    fn word(&self) -> u64 {
        self.word.0.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Breaker> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state under the lock, where the clock is read too, so that times come in order, and publishes the word, then tells the observer without the lock.
    fn change<T>(&self, decide: impl FnOnce(&mut Breaker) -> (T, Option<Change>)) -> T {
        let mut breaker = self.lock();
        let (answer, change) = decide(&mut breaker);
        let word = word_of(&breaker);
        // While closed nothing may be written that says what stands there already: the other cores read this line.
        if word != self.word() {
            self.word.0.store(word, Ordering::Relaxed);
        }
        drop(breaker);
        if let Some(change) = change {
            (self.observer)(change);
        }
        answer
    }
}

/// The generation and the marks. A breaker that changed state 2^62 times would repeat a generation; none lives so long.
const fn word_of(breaker: &Breaker) -> u64 {
    let closed = if breaker.closed() { CLOSED } else { 0 };
    let failures = if breaker.failures() > 0 { FAILURES } else { 0 };
    (breaker.generation() << GENERATION_SHIFT) | closed | failures
}

#[cfg(test)]
mod tests;
