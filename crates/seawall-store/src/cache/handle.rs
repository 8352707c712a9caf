//! The cache as its users see it.

use std::{borrow::Borrow, fmt, future::Future, hash::Hash, sync::Arc, time::Duration};

use seawall_core::{clock::Clock, meter::Meter};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::AbortHandle,
    time::timeout,
};

use super::{
    CacheKey, CacheOptions,
    flights::Answer,
    listener::listen,
    meters::Meters,
    shared::{Missed, Reading, Shared},
    table::Table,
    text,
};
use crate::{StoreError, messages::Messages};

/// Entries by key. Cheap to clone.
pub struct Cache<K, V>(Arc<Inner<K, V>>);

struct Inner<K, V> {
    shared: Arc<Shared<K, V>>,
    messages: Messages,
    runtime: Handle,
    listener: AbortHandle,
    /// One for each asker that may wait.
    places: Arc<Semaphore>,
    most_waiting: usize,
    /// One for each key that may be read.
    loads: Arc<Semaphore>,
    most_loading: usize,
    load_limit: Duration,
}

/// What a cache knows of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known<V> {
    /// Its value.
    Found(V),
    /// That there is none.
    Absent,
}

impl<V> Known<V> {
    /// The value, when there is one.
    pub fn found(self) -> Option<V> {
        match self {
            Self::Found(value) => Some(value),
            Self::Absent => None,
        }
    }
}

impl<V> From<Option<V>> for Known<V> {
    fn from(value: Option<V>) -> Self {
        value.map_or(Self::Absent, Self::Found)
    }
}

impl<K: CacheKey, V: Clone + Send + Sync + 'static> Cache<K, V> {
    pub(super) fn open(
        options: &CacheOptions<K, V>,
        messages: Messages,
        clock: Arc<dyn Clock>,
        meter: &dyn Meter,
        runtime: Handle,
    ) -> Self {
        let meters = Meters::of(options.name, meter);
        let table = Table::new(options, meters.evictions.clone());
        let shared = Arc::new(Shared::new(options.name, meters, clock, table, messages.clone()));
        // Nothing is kept before the cache listens.
        let subscription = messages.subscribe(options.name);
        let listener = runtime.spawn(listen(Arc::clone(&shared), subscription)).abort_handle();
        Self(Arc::new(Inner {
            shared,
            messages,
            runtime,
            listener,
            places: Arc::new(Semaphore::new(options.most_waiting)),
            most_waiting: options.most_waiting,
            loads: Arc::new(Semaphore::new(options.most_loading)),
            most_loading: options.most_loading,
            load_limit: options.load_limit,
        }))
    }

    /// What is known of a key, at once. Values are cloned, so make those large ones an `Arc`.
    #[must_use]
    pub fn get<Q>(&self, key: &Q) -> Option<Known<V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let shared = &self.0.shared;
        let known = shared.get(key);
        if known.is_some() { &shared.meters.hits } else { &shared.meters.misses }.increment();
        known.map(Known::from)
    }

    /// What `read` answers, after a miss. While the key is being read for another, that answer is waited for and `read` is dropped. The
    /// reading goes on when its askers have given up, for as long as it may take.
    ///
    /// # Errors
    /// What `read` answers, which is not kept; [`StoreError::TimedOut`] when nothing was answered `within` this time;
    /// [`StoreError::Busy`] when as many wait, or are read, as may.
    pub async fn load(
        &self,
        key: &K,
        within: Duration,
        read: impl Future<Output = Result<Option<V>, StoreError>> + Send + 'static,
    ) -> Result<Known<V>, StoreError> {
        let _place = self.admit(&self.0.places, self.0.most_waiting)?;
        let mut answer = match self.0.shared.miss(key) {
            Missed::Known(known) => return Ok(known.into()),
            Missed::Joined(answer) => answer,
            Missed::Begun(reading, answer) => {
                self.begin(reading, read);
                answer
            }
        };
        let limit_ms = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
        let told = timeout(within, told(&mut answer)).await.map_err(|_| StoreError::TimedOut { limit_ms })?;
        told.unwrap_or_else(|| {
            let what =
                format!("what was to be read for the cache of {} ended by a fault of its own", self.0.shared.name);
            Err(StoreError::Unavailable(what))
        })
        .map(Known::from)
    }

    /// What is known of a key, or what `read` answers, as [`Cache::load`] does.
    ///
    /// # Errors
    /// As for [`Cache::load`].
    pub async fn get_or_load(
        &self,
        key: &K,
        within: Duration,
        read: impl Future<Output = Result<Option<V>, StoreError>> + Send + 'static,
    ) -> Result<Known<V>, StoreError> {
        match self.get(key) {
            Some(known) => Ok(known),
            None => self.load(key, within, read).await,
        }
    }

    /// Forgets keys at once, and tells other nodes. Who changes rows of the store says so in the transaction: [`crate::Tx::void`].
    pub fn forget(&self, keys: &[K]) {
        let Inner { shared, messages, .. } = &*self.0;
        shared.forget(keys, &shared.meters.own);
        for text in text::write(keys) {
            messages.tell_others(shared.name, &text);
        }
    }

    /// Forgets everything at once, and tells other nodes.
    pub fn forget_all(&self) {
        let Inner { shared, messages, .. } = &*self.0;
        shared.forget_all(&shared.meters.own);
        messages.tell_others(shared.name, text::EVERYTHING);
    }

    /// How many entries there are, those included that are too old and not yet replaced.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.0.shared.size().entries
    }

    /// What they count for in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.shared.size().bytes
    }

    fn admit(&self, places: &Arc<Semaphore>, most: usize) -> Result<OwnedSemaphorePermit, StoreError> {
        Arc::clone(places).try_acquire_owned().map_err(|_| {
            self.0.shared.meters.refused.increment();
            StoreError::Busy { waiting: most }
        })
    }

    /// Reads in a task of its own, so that nobody's leaving ends it for others.
    fn begin(
        &self,
        reading: Reading<K, V>,
        read: impl Future<Output = Result<Option<V>, StoreError>> + Send + 'static,
    ) {
        let load = match self.admit(&self.0.loads, self.0.most_loading) {
            Ok(load) => load,
            Err(busy) => return reading.ended(Err(busy)),
        };
        let limit = self.0.load_limit;
        self.0.runtime.spawn(async move {
            let _load = load;
            let limit_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
            let answer = timeout(limit, read).await.unwrap_or(Err(StoreError::TimedOut { limit_ms }));
            reading.ended(answer);
        });
    }
}

/// The answer of a reading; nothing when it ended without one.
async fn told<V: Clone>(answer: &mut watch::Receiver<Answer<V>>) -> Option<Result<Option<V>, StoreError>> {
    answer.wait_for(Option::is_some).await.ok()?.clone()
}

impl<K, V> fmt::Debug for Cache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cache").field(&self.0.shared).finish()
    }
}

impl<K, V> Clone for Cache<K, V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, V> Drop for Inner<K, V> {
    fn drop(&mut self) {
        self.listener.abort();
    }
}
