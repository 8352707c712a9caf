//! What makes caches.

use std::sync::Arc;

use seawall_core::{clock::Clock, meter::Meter};
use tokio::runtime::Handle;

use super::{Cache, CacheKey, CacheOptions};
use crate::messages::Messages;

/// What all caches of a node have in common. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Caches {
    messages: Messages,
    clock: Arc<dyn Clock>,
    meter: Arc<dyn Meter>,
    runtime: Handle,
}

impl Caches {
    /// Caches that hear of changes by these messages. They read and listen on the runtime that this is called on, from whichever they
    /// are asked.
    ///
    /// # Panics
    /// When it is called outside a runtime.
    #[must_use]
    pub fn new(messages: Messages, clock: Arc<dyn Clock>, meter: Arc<dyn Meter>) -> Self {
        Self { messages, clock, meter, runtime: Handle::current() }
    }

    /// A cache, which lasts as long as a handle to it.
    #[must_use]
    pub fn cache<K: CacheKey, V: Clone + Send + Sync + 'static>(&self, options: &CacheOptions<K, V>) -> Cache<K, V> {
        let Self { messages, clock, meter, runtime } = self;
        Cache::open(options, messages.clone(), Arc::clone(clock), &**meter, runtime.clone())
    }

    /// How nodes tell each other.
    #[must_use]
    pub const fn messages(&self) -> &Messages {
        &self.messages
    }
}
