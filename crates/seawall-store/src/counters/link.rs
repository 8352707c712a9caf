//! The connection that all asks share, and its replacement.
//!
//! One connection for the process, driven by the control plane: asks of all cores travel in it side by side, and what comes
//! together is written together. A connection for each core would save an ask the way to another thread and back, some ten
//! microseconds of a round trip over a network (docs/guide/several-nodes.md), and have each core connect and heal for itself.

use std::{
    fmt,
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use redis::{AsyncConnectionConfig, Client, RedisError, aio::MultiplexedConnection};
use tokio::time;

use super::{RedisFault, RedisUrl};

/// How long connecting may take, name resolution and handshakes included.
pub(crate) const CONNECTING: Duration = Duration::from_secs(2);

/// A way to a server, connected or not.
pub struct RedisLink {
    client: Client,
    url: RedisUrl,
    connection: RwLock<Option<Current>>,
    /// How many connections there have been.
    taken: AtomicU64,
}

/// A connection in use, and which one it is: an ask that fails late says nothing about the one that came after its own.
#[derive(Clone)]
pub(super) struct Current {
    pub(super) connection: MultiplexedConnection,
    pub(super) number: u64,
}

impl RedisLink {
    /// A link that is not connected.
    ///
    /// # Errors
    /// [`RedisFault::Refused`] when the client cannot do what the URL asks.
    pub fn new(url: RedisUrl) -> Result<Self, RedisFault> {
        let client = Client::open(url.info()).map_err(|error| RedisFault::of(url.to_string(), &error))?;
        Ok(Self { client, url, connection: RwLock::new(None), taken: AtomicU64::new(0) })
    }

    /// Where it leads.
    #[must_use]
    pub const fn url(&self) -> &RedisUrl {
        &self.url
    }

    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    /// The connection, when there is one.
    pub(super) fn current(&self) -> Option<Current> {
        self.connection.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Opens another connection, which is not taken yet. What drives it runs on the runtime that this is called on.
    pub(crate) async fn open(&self) -> Result<MultiplexedConnection, RedisFault> {
        // Whoever asks waits as long as it wants; the client's own timers would only be further ones.
        let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let opening = self.client.get_multiplexed_async_connection_with_config(&config);
        match time::timeout(CONNECTING, opening).await {
            Ok(opened) => opened.map_err(|error| self.fault(&error)),
            Err(_) => Err(self.silent()),
        }
    }

    /// Takes a connection that was seen to work in the place of what was there.
    pub(super) fn take(&self, connection: MultiplexedConnection) {
        let mut current = self.connection.write().unwrap_or_else(PoisonError::into_inner);
        *current = Some(Current { connection, number: self.taken.fetch_add(1, Ordering::Relaxed) });
    }

    /// Lets go of a connection after an error that ended it.
    pub(super) fn lost(&self, number: u64, error: &RedisError) {
        if error.is_unrecoverable_error() {
            let mut current = self.connection.write().unwrap_or_else(PoisonError::into_inner);
            current.take_if(|current| current.number == number);
        }
    }

    pub(crate) fn fault(&self, error: &RedisError) -> RedisFault {
        RedisFault::of(self.url.to_string(), error)
    }

    pub(crate) fn silent(&self) -> RedisFault {
        let why = format!("no answer within {} ms", CONNECTING.as_millis());
        RedisFault::Unavailable { url: self.url.to_string(), why }
    }
}

impl fmt::Debug for RedisLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connected = self.current().is_some();
        f.debug_struct("RedisLink").field("url", &self.url).field("connected", &connected).finish_non_exhaustive()
    }
}
