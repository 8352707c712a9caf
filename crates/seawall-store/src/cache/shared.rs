//! The entries of a cache and the readings for it, and how what is void is kept out.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use seawall_core::clock::Clock;
use tokio::sync::watch;

use super::{
    CacheKey,
    flights::{Answer, Flights},
    meters::{Invalidations, Meters},
    table::{Hearing, Size, Table},
};
use crate::{StoreError, messages::Messages};

/// What the handles, the readings and the listener of a cache share.
pub(super) struct Shared<K, V> {
    pub(super) name: &'static str,
    pub(super) meters: Meters,
    pub(super) clock: Arc<dyn Clock>,
    table: Table<K, V>,
    messages: Messages,
    /// Held for a moment by misses and by what makes entries void; hits do not come here.
    ///
    /// Invariant: an entry is put, and a key is forgotten, with this lock. So a reading either is kept before its key is forgotten, and
    /// goes with it, or finds that it has been made void.
    state: Mutex<State<K, V>>,
}

struct State<K, V> {
    flights: Flights<K, V>,
    size: Size,
}

/// Keys that are forgotten while others wait.
const FORGOTTEN_AT_ONCE: usize = 256;

/// What a miss finds.
pub(super) enum Missed<K: CacheKey, V: Clone> {
    /// Another reading has put it meanwhile.
    Known(Option<V>),
    /// It is being read.
    Joined(watch::Receiver<Answer<V>>),
    /// It is to be read.
    Begun(Reading<K, V>, watch::Receiver<Answer<V>>),
}

impl<K: CacheKey, V: Clone> Shared<K, V> {
    pub(super) fn new(
        name: &'static str,
        meters: Meters,
        clock: Arc<dyn Clock>,
        table: Table<K, V>,
        messages: Messages,
    ) -> Self {
        let state = State { flights: Flights::new(), size: Size::default() };
        Self { name, meters, clock, table, messages, state: Mutex::new(state) }
    }

    /// What is known of a key.
    pub(super) fn get<Q>(&self, key: &Q) -> Option<Option<V>>
    where
        K: std::borrow::Borrow<Q>,
        Q: std::hash::Hash + Eq + ?Sized,
    {
        let hearing = if self.messages.heard() { Hearing::Others } else { Hearing::CutOff };
        self.table.get(key, self.clock.monotonic_us(), hearing)
    }

    /// How much there is.
    pub(super) fn size(&self) -> Size {
        self.state().size
    }

    /// Joins the reading of a key, or begins it.
    pub(super) fn miss(self: &Arc<Self>, key: &K) -> Missed<K, V> {
        let mut state = self.state();
        if let Some(answer) = state.flights.join(key) {
            return Missed::Joined(answer);
        }
        // A reading may have ended between the look-up and the lock.
        if let Some(known) = self.get(key) {
            return Missed::Known(known);
        }
        let (number, told) = state.flights.begin(key.clone());
        drop(state);
        let answer = told.subscribe();
        let begun_us = self.clock.monotonic_us();
        Missed::Begun(Reading { shared: Arc::clone(self), key: key.clone(), number, begun_us, told }, answer)
    }

    /// Forgets keys, and lets nothing be kept of them that is being read.
    pub(super) fn forget(&self, keys: &[K], by: &Invalidations) {
        // Others come in between when there are many.
        for keys in keys.chunks(FORGOTTEN_AT_ONCE) {
            self.change(|flights, size| {
                for key in keys {
                    flights.void(key);
                    self.table.remove(key, size);
                }
            });
        }
        by.keys.increment();
    }

    /// The same for everything.
    pub(super) fn forget_all(&self, by: &Invalidations) {
        self.change(|flights, size| {
            flights.void_all();
            self.table.clear(size);
        });
        by.everything.increment();
    }

    /// Changes entries and readings as one step.
    fn change<T>(&self, change: impl FnOnce(&mut Flights<K, V>, &mut Size) -> T) -> T {
        let mut state = self.state();
        let State { flights, size } = &mut *state;
        let before = *size;
        let changed = change(flights, size);
        self.meters.resized(before, *size);
        changed
    }

    fn state(&self) -> MutexGuard<'_, State<K, V>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V> fmt::Debug for Shared<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<K, V> Drop for Shared<K, V> {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        self.meters.resized(state.size, Size::default());
    }
}

/// One reading. However it ends, others may read the key after it.
pub(super) struct Reading<K: CacheKey, V: Clone> {
    shared: Arc<Shared<K, V>>,
    key: K,
    number: u64,
    begun_us: u64,
    told: watch::Sender<Answer<V>>,
}

impl<K: CacheKey, V: Clone> Reading<K, V> {
    /// It has ended: its answer is kept, unless it failed or was made void, and told to those who wait.
    pub(super) fn ended(self, answer: Result<Option<V>, StoreError>) {
        let Self { shared, key, number, begun_us, told } = &self;
        let meters = &shared.meters;
        let counted = shared.change(|flights, size| {
            let holds = flights.end(key, *number);
            match &answer {
                Ok(value) if holds => {
                    shared.table.put(key.clone(), value.clone(), *begun_us, size);
                    &meters.kept
                }
                Ok(_) => &meters.overtaken,
                Err(_) => &meters.failed,
            }
        });
        counted.increment();
        told.send_replace(Some(answer));
    }
}

impl<K: CacheKey, V: Clone> Drop for Reading<K, V> {
    fn drop(&mut self) {
        self.shared.state().flights.end(&self.key, self.number);
    }
}
