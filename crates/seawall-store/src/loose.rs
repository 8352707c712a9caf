//! Loose writes: values that may lose their last second when the machine fails, such as when a key was last used. They are merged
//! in memory, and written with the next group or within a second, in the one database, so that backups see them too.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{StoreError, Tx, session::Session, watch::Watch};

/// Rows that may wait at once.
const MOST: usize = 16_384;

/// How two writes to one row become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Merge {
    /// The greater number counts: the last use.
    Greatest,
    /// The numbers add up: a count.
    Sum,
}

/// A statement that is written loosely: `$1` is the row's key, `$2` the number. It has to bear being late, and must not fail for
/// a row that is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LooseWrite {
    /// The statement.
    pub sql: &'static str,
    /// How two become one.
    pub merge: Merge,
}

/// One write that waits.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    write: LooseWrite,
    key: Arc<str>,
    number: i64,
}

impl Pending {
    /// Writes it.
    pub(crate) fn write(&self, session: &mut dyn Session) -> Result<(), StoreError> {
        session.execute(self.write.sql, &[&&*self.key, &self.number]).map(drop)
    }

    /// Writes it in a transaction.
    pub(crate) fn write_in(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        tx.execute(self.write.sql, &[&&*self.key, &self.number]).map(drop)
    }

    /// What orders writes alike everywhere, so that no two processes wait for one another.
    pub(crate) fn order(&self) -> (&'static str, &str) {
        (self.write.sql, &self.key)
    }
}

/// What waits.
#[derive(Debug)]
pub(crate) struct Loose {
    waiting: Mutex<HashMap<(LooseWrite, Arc<str>), i64>>,
    watch: Arc<Watch>,
}

impl Loose {
    pub(crate) fn new(watch: Arc<Watch>) -> Self {
        Self { waiting: Mutex::default(), watch }
    }

    /// Adds a write, or merges it into one that waits. Without room it is dropped, and counted.
    pub(crate) fn add(&self, write: LooseWrite, key: &str, number: i64) {
        let mut waiting = self.lock();
        let room = waiting.len() < MOST;
        let key = (write, Arc::from(key));
        match waiting.get_mut(&key) {
            Some(held) => {
                *held = merged(write.merge, *held, number);
                self.watch.loose.merged.increment();
            }
            None if room => {
                waiting.insert(key, number);
            }
            None => self.watch.loose.dropped.increment(),
        }
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Takes all that waits.
    pub(crate) fn take(&self) -> Vec<Pending> {
        self.lock().drain().map(|((write, key), number)| Pending { write, key, number }).collect()
    }

    /// Puts back what could not be written.
    pub(crate) fn give_back(&self, pending: Vec<Pending>) {
        for Pending { write, key, number } in pending {
            self.add(write, &key, number);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(LooseWrite, Arc<str>), i64>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn merged(merge: Merge, held: i64, number: i64) -> i64 {
    match merge {
        Merge::Greatest => held.max(number),
        Merge::Sum => held.saturating_add(number),
    }
}
