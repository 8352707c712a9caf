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
pub struct Places(Arc<AtomicU64>);

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
        if self.0.fetch_add(1, Ordering::Relaxed) < most {
            return true;
        }
        self.give_back();
        false
    }

    /// Takes a place, whether there is one or not.
    pub fn take_anyway(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Gives a place back.
    pub fn give_back(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    /// Places taken.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
