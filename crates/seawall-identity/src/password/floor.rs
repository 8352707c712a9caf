//! Equal times for all failures: how long the slowest format takes, and how much is missing until an answer may be given.
//!
//! A table with imported bcrypt hashes would otherwise tell by 40 to 250 ms who was imported, and that an unknown user exists not.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{Format, Stored};

/// Recent verifications that are remembered of each format.
const SAMPLES: usize = 128;

/// How long failures take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FloorSettings {
    /// No failure is answered sooner.
    pub least_ms: u64,
    /// One stalled moment of the machine must not make all failures last for ever: nothing measured raises the floor beyond this.
    pub most_ms: u64,
    /// Up to so much is added at random.
    pub jitter_ms: u64,
}

/// 250 ms, at most 5 s, and up to 85 ms at random.
impl Default for FloorSettings {
    fn default() -> Self {
        Self { least_ms: 250, most_ms: 5_000, jitter_ms: 85 }
    }
}

/// How long verifications take, by format and magnitude of cost. Bounded: 128 times for each that users have.
#[derive(Debug, Default)]
pub struct Floor {
    settings: FloorSettings,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// By cost too: else guessing at one cheap hash would hide what the dear ones of its format take.
    recent: BTreeMap<(Format, u32), Recent>,
    decoy: Option<Arc<Stored>>,
}

/// A ring of durations, and the 99th percentile of them.
#[derive(Debug, Default)]
struct Recent {
    took_us: Vec<u64>,
    next: usize,
    p99_us: u64,
}

impl Recent {
    fn add(&mut self, took_us: u64) {
        match self.took_us.get_mut(self.next) {
            Some(oldest) => *oldest = took_us,
            None => self.took_us.push(took_us),
        }
        self.next = (self.next + 1) % SAMPLES;
        let mut sorted = self.took_us.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() * 99).div_ceil(100);
        self.p99_us = rank.checked_sub(1).and_then(|place| sorted.get(place)).copied().unwrap_or(0);
    }
}

impl Floor {
    /// Nothing measured yet.
    #[must_use]
    pub fn new(settings: FloorSettings) -> Self {
        Self { settings, state: Mutex::default() }
    }

    /// Says which stored passwords users have: an example of each format and cost, and how many are like it. What was measured of other
    /// formats is forgotten. Of the most frequent example its cost is kept, for users that do not exist.
    pub fn present(&self, examples: &[(Stored, u64)]) {
        let mut state = self.lock();
        state.recent.retain(|(format, _), _| examples.iter().any(|(stored, _)| stored.format() == *format));
        let dominant = examples.iter().max_by_key(|(_, count)| *count);
        state.decoy = dominant.map(|(stored, _)| Arc::new(stored.decoy()));
    }

    /// What to verify for a user that does not exist: as much work as for most who do. Nothing until [`Floor::present`] gave an example.
    pub(crate) fn decoy(&self) -> Option<Arc<Stored>> {
        self.lock().decoy.clone()
    }

    /// A verification took so long.
    pub fn record(&self, stored: &Stored, took: Duration) {
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let key = (stored.format(), stored.recipe().magnitude());
        self.lock().recent.entry(key).or_default().add(took_us);
    }

    /// How long a failure takes at least, without what is added at random.
    #[must_use]
    pub fn floor(&self) -> Duration {
        let slowest_us = self.lock().recent.values().map(|recent| recent.p99_us).max().unwrap_or(0);
        let (least_us, most_us) = (self.settings.least_ms * 1_000, self.settings.most_ms * 1_000);
        Duration::from_micros(slowest_us.min(most_us).max(least_us))
    }

    /// How long to wait before a failure is answered for which so much was computed. `random` is any 64 random bits.
    #[must_use]
    pub fn padding(&self, took: Duration, random: u64) -> Duration {
        let jitter_us = random % (self.settings.jitter_ms * 1_000 + 1);
        (self.floor() + Duration::from_micros(jitter_us)).saturating_sub(took)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BCRYPT: &str = "$2b$12$GVtnnOhI8L2gJTq6bDI4CuMrhpJ9oNPQiEqHLHvLMkHSiIIZHlJ9q";
    const CHEAP: &str = "$2b$04$GVtnnOhI8L2gJTq6bDI4CuMrhpJ9oNPQiEqHLHvLMkHSiIIZHlJ9q";
    const ARGON2: &str = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAA";

    fn stored(text: &str) -> Stored {
        Stored::parse(text).unwrap()
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn failures_take_250_ms_and_up_to_85_more() {
        let floor = Floor::default();
        assert_eq!(floor.padding(ms(0), 0), ms(250));
        assert_eq!(floor.padding(ms(20), 0), ms(230));
        assert_eq!(floor.padding(ms(20), 85_000), ms(315));
        assert_eq!(floor.padding(ms(20), 85_001), ms(230), "all values are within");
        assert_eq!(floor.padding(ms(8_000), 85_000), ms(0));
    }

    #[test]
    fn the_slowest_format_decides_for_all() {
        let floor = Floor::default();
        for _ in 0..50 {
            floor.record(&stored(ARGON2), ms(20));
            floor.record(&stored(BCRYPT), ms(290));
        }
        assert_eq!(floor.floor(), ms(290));
        (0..1_000).for_each(|_| floor.record(&stored(CHEAP), ms(2)));
        assert_eq!(floor.floor(), ms(290), "guessing at a cheap hash lowers nothing");
        floor.present(&[(stored(ARGON2), 7)]);
        assert_eq!(floor.floor(), ms(250), "no user has bcrypt any more");
    }

    #[test]
    fn a_hundredth_of_the_verifications_may_be_slower_and_old_ones_are_forgotten() {
        let floor = Floor::default();
        floor.record(&stored(BCRYPT), ms(900));
        assert_eq!(floor.floor(), ms(900));
        (0..127).for_each(|_| floor.record(&stored(BCRYPT), ms(300)));
        assert_eq!(floor.floor(), ms(300));
        (0..128).for_each(|_| floor.record(&stored(BCRYPT), ms(100)));
        assert_eq!(floor.floor(), ms(250));
        assert_eq!(floor.lock().recent[&(Format::Bcrypt, 12)].took_us.len(), SAMPLES);
    }

    #[test]
    fn what_was_measured_raises_the_floor_no_further_than_is_set() {
        let floor = Floor::new(FloorSettings { least_ms: 100, most_ms: 400, jitter_ms: 0 });
        assert_eq!(floor.padding(ms(0), u64::MAX), ms(100));
        floor.record(&stored(BCRYPT), Duration::from_secs(60));
        assert_eq!(floor.padding(ms(0), u64::MAX), ms(400));
    }

    #[test]
    fn the_decoy_is_of_the_dominant_format() {
        let floor = Floor::default();
        assert!(floor.decoy().is_none());
        floor.present(&[(stored(ARGON2), 3), (stored(BCRYPT), 4)]);
        assert_eq!(floor.decoy().unwrap().format(), Format::Bcrypt);
    }
}
