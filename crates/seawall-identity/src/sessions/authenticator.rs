//! Whom a session cookie shows: known in memory as a rule, read from the store else.

use std::{sync::Arc, time::Duration};

use seawall_core::{
    authenticator::{Found, Presented},
    clock::Now,
    reply::{PortError, Reply},
};
use seawall_store::{
    Db, Lane, StoreError,
    cache::{Cache, CacheOptions, Caches, Known},
};

use super::{
    Live,
    live::Use,
    table::{self, USED},
    token::{self, Digest},
};
use crate::organisations::Tiers;

/// Sessions in memory, by the digests of their tokens.
pub(crate) type SessionCache = Cache<Digest, Arc<Live>>;

/// How long a session is believed while other nodes cannot say that it has ended.
const CUT_OFF: Duration = Duration::from_secs(2);

/// Knows sessions.
#[derive(Clone, Debug)]
pub struct SessionAuthenticator {
    db: Db,
    sessions: SessionCache,
    tiers: Tiers,
}

impl SessionAuthenticator {
    /// Sessions of this database, in one of these caches.
    pub(crate) fn new(db: Db, caches: &Caches, tiers: Tiers) -> Self {
        let weigh = |_: &Digest, live: &Arc<Live>| live.weight();
        let options = CacheOptions { keep_cut_off: CUT_OFF, ..CacheOptions::new("sessions", weigh) };
        Self { db, sessions: caches.cache(&options), tiers }
    }

    /// What is known in memory.
    pub(crate) const fn sessions(&self) -> &SessionCache {
        &self.sessions
    }

    fn found(&self, known: Known<Arc<Live>>, now: Now) -> Found {
        let Known::Found(live) = known else { return Found::Nobody };
        let now_us = i64::try_from(now.unix_us).unwrap_or(i64::MAX);
        match live.use_at(now_us) {
            Use::Holds { principal, write } => {
                if write {
                    self.db.loose(USED, live.id(), now_us);
                }
                Found::Principal(principal)
            }
            Use::Expired => Found::Nobody,
        }
    }
}

impl SessionAuthenticator {
    /// Whom the value of a session cookie shows.
    pub(crate) fn look(&self, value: &[u8], presented: &Presented<'_>) -> Reply<Found> {
        match token::digest_of(value) {
            Some(digest) => self.of_digest(digest, presented),
            None => Reply::Ready(Ok(Found::Nobody)),
        }
    }

    /// Whom the session of this digest shows.
    pub(crate) fn of_digest(&self, digest: Digest, presented: &Presented<'_>) -> Reply<Found> {
        let now = presented.now;
        if let Some(known) = self.sessions.get(&digest) {
            return Reply::Ready(Ok(self.found(known, now)));
        }
        let within = Duration::from_micros(presented.deadline_us.saturating_sub(now.monotonic_us));
        let own = self.clone();
        Reply::Later(Box::pin(async move {
            let (db, tiers) = (own.db.clone(), own.tiers.clone());
            let read = async move {
                let read = move |tx: &mut seawall_store::ReadTx<'_>| table::live(tx, &digest);
                Ok::<_, StoreError>(db.read(Lane::Interactive, read).await?.map(|live| Arc::new(live.with(&tiers))))
            };
            match own.sessions.load(&digest, within, read).await {
                Ok(known) => Ok(own.found(known, now)),
                Err(error) => {
                    tracing::debug!(%error, "whose a session is could not be read");
                    Err(PortError::from(&error))
                }
            }
        }))
    }
}
