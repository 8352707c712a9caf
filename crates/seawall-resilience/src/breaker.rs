//! The circuit breaker as a handle that threads share.
//!
//! A closed breaker that has counted no failure is asked by reading one word: no lock, no write to shared memory, no
//! clock. Only failures, and requests that meet another state, take the lock; with [`RateSettings`] every outcome does.

use std::{
    fmt,
    num::NonZeroU64,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use seawall_core::{
    clock::Clock,
    resilience::{Admission, Breaker, BreakerSettings, BreakerState, Change, End, Pass, RateSettings},
};

/// The word says that the breaker is closed.
const CLOSED: u64 = 1;

/// The word says that a success is to be counted: it resets failures, or is part of a share.
const COUNTS: u64 = 2;

/// The word says that it counts how long requests take.
const TIMED: u64 = 4;

/// The generation stands above the marks.
const GENERATION_SHIFT: u32 = 3;

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
    /// When it began, in microseconds of the clock, while it may still turn out to be slow.
    since_us: Option<NonZeroU64>,
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

    /// Reports how a request that was admitted ended. Once per pass. It counts as a quick one.
    pub fn record(&self, pass: Pass, outcome: Outcome) {
        self.record_after(pass, outcome, Duration::ZERO);
    }

    /// As [`CircuitBreaker::record`], with how long the request took: for breakers that count slow ones.
    pub fn record_after(&self, pass: Pass, outcome: Outcome, took: Duration) {
        // A success changes nothing in a closed breaker that counts none, and leaving changes nothing but for a probe.
        let nothing_to_do = match outcome {
            Outcome::Succeeded => self.0.word() & (CLOSED | COUNTS) == CLOSED,
            Outcome::Failed => false,
            Outcome::Abandoned => !pass.probe(),
        };
        if !nothing_to_do {
            self.record_slowly(pass, outcome, took);
        }
    }

    /// As [`CircuitBreaker::admit`], with a ticket that reports by itself when it is dropped.
    ///
    /// # Errors
    /// [`Open`], likewise.
    pub fn ticket(&self) -> Result<Ticket, Open> {
        let pass = self.admit()?;
        let begun = || NonZeroU64::MIN.saturating_add(self.0.clock.now().monotonic_us);
        let since_us = (self.0.word() & TIMED != 0).then(begun);
        Ok(Ticket { breaker: self.clone(), pass: Some(pass), since_us })
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
        self.0.change(|breaker| (breaker.configure(settings), None));
    }

    #[cold]
    fn admit_slowly(&self) -> Result<Pass, Open> {
        match self.0.change(|breaker| breaker.admit(self.0.clock.now())) {
            Admission::Admitted(pass) => Ok(pass),
            Admission::Refused { retry_after } => Err(Open { retry_after }),
        }
    }

    #[cold]
    fn record_slowly(&self, pass: Pass, outcome: Outcome, took: Duration) {
        self.0.change(|breaker| {
            let failed = match outcome {
                Outcome::Succeeded => false,
                Outcome::Failed => true,
                Outcome::Abandoned => return (breaker.abandoned(pass), None),
            };
            let slow = breaker.rates().is_some_and(|rates| rates.is_slow(took));
            ((), breaker.ended(pass, End { failed, slow }, self.0.clock.now()))
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

    /// The service has begun to answer: how long the answer itself takes does not count as slow.
    pub fn answered(&mut self) {
        if self.since_us.is_some() {
            let took = self.took();
            let slow = self.breaker.0.lock().rates().is_some_and(|rates| rates.is_slow(took));
            // Whoever is slow by now stays so.
            self.since_us = self.since_us.filter(|_| slow);
        }
    }

    /// How long it took until now; nothing where that does not count.
    fn took(&self) -> Duration {
        let Some(since_us) = self.since_us else { return Duration::ZERO };
        let now_us = self.breaker.0.clock.now().monotonic_us.saturating_add(1);
        Duration::from_micros(now_us.saturating_sub(since_us.get()))
    }

    /// Whether the request is a probe of a half-open breaker.
    #[must_use]
    pub fn probe(&self) -> bool {
        self.pass.is_some_and(Pass::probe)
    }

    fn report(mut self, outcome: Outcome) {
        if let Some(pass) = self.pass.take() {
            self.breaker.record_after(pass, outcome, self.took());
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

/// The generation and the marks. A breaker that changed state 2^61 times would repeat a generation; none lives so long.
const fn word_of(breaker: &Breaker) -> u64 {
    let closed = if breaker.closed() { CLOSED } else { 0 };
    let rates = breaker.rates();
    let counts = if breaker.failures() > 0 || rates.is_some() { COUNTS } else { 0 };
    let timed = if matches!(rates, Some(RateSettings { slow_percent: 1.., .. })) { TIMED } else { 0 };
    (breaker.generation() << GENERATION_SHIFT) | closed | counts | timed
}

#[cfg(test)]
mod tests;
