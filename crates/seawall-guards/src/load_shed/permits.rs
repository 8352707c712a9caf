//! Counts of requests in flight, by name: they outlive policies, so a reload forgets nobody.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// All counts of the process.
#[derive(Clone, Debug, Default)]
pub struct Permits(Arc<Mutex<BTreeMap<String, Places>>>);

/// One count of requests in flight.
#[derive(Clone, Debug, Default)]
pub struct Places(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    taken: AtomicU64,
    /// Requests for which there was no place, let through because their guard only reports.
    beyond: AtomicU64,
}

impl Permits {
    /// The count of this name. Names that no policy has any more are forgotten.
    #[must_use]
    pub fn places(&self, name: &str) -> Places {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.contains_key(name) {
            all.retain(|_, places| Arc::strong_count(&places.0) > 1);
        }
        all.entry(name.to_owned()).or_default().clone()
    }
}

impl Places {
    /// Takes a place when fewer than `most` are taken; whether it did.
    #[must_use]
    pub fn take(&self, most: u64) -> bool {
        if self.0.taken.fetch_add(1, Ordering::Relaxed) < most {
            return true;
        }
        self.give_back();
        false
    }

    /// Counts a request for which there is no place. It takes none, so that those who come next find what they would find had it been
    /// refused.
    pub fn admit(&self) {
        self.0.beyond.fetch_add(1, Ordering::Relaxed);
    }

    /// A request without a place is over.
    pub fn release(&self) {
        self.0.beyond.fetch_sub(1, Ordering::Relaxed);
    }

    /// Requests in flight, with and without a place.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        self.taken() + self.0.beyond.load(Ordering::Relaxed)
    }

    /// Gives a place back.
    pub fn give_back(&self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }

    /// Places taken.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.0.taken.load(Ordering::Relaxed)
    }
}
