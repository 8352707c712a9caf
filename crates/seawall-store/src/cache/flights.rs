//! Readings that are under way: one for each key, and none once what it reads may be void.

use std::collections::HashMap;

use tokio::sync::watch;

use crate::StoreError;

/// What a reading has answered, once it has.
pub(super) type Answer<V> = Option<Result<Option<V>, StoreError>>;

/// The readings of one cache, by key.
#[derive(Debug)]
pub(super) struct Flights<K, V> {
    by_key: HashMap<K, Flight<V>>,
    begun: u64,
}

#[derive(Debug)]
struct Flight<V> {
    number: u64,
    answer: watch::Receiver<Answer<V>>,
}

impl<K: std::hash::Hash + Eq, V> Flights<K, V> {
    pub(super) fn new() -> Self {
        Self { by_key: HashMap::new(), begun: 0 }
    }

    /// Where the answer for a key will be told, when it is being read.
    pub(super) fn join(&self, key: &K) -> Option<watch::Receiver<Answer<V>>> {
        self.by_key.get(key).map(|flight| flight.answer.clone())
    }

    /// Begins a reading; answers its number and who tells its answer.
    pub(super) fn begin(&mut self, key: K) -> (u64, watch::Sender<Answer<V>>) {
        let (told, answer) = watch::channel(None);
        self.begun += 1;
        self.by_key.insert(key, Flight { number: self.begun, answer });
        (self.begun, told)
    }

    /// A reading has ended; answers whether what it has found may be kept: nothing has made it void meanwhile.
    pub(super) fn end(&mut self, key: &K, number: u64) -> bool {
        let holds = self.by_key.get(key).is_some_and(|flight| flight.number == number);
        if holds {
            self.by_key.remove(key);
        }
        holds
    }

    /// What is being read of this key is void. Those who wait for it asked earlier and may have it; later ones read anew.
    pub(super) fn void(&mut self, key: &K) {
        self.by_key.remove(key);
    }

    /// The same for all keys.
    pub(super) fn void_all(&mut self) {
        self.by_key.clear();
    }
}
