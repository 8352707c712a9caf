//! Whose a key is: known in memory as a rule, read from the store else.

use std::{net::IpAddr, sync::Arc, time::Duration};

use seawall_core::{
    authenticator::{Found, Presented},
    clock::Now,
    meter::Meter,
    reply::{PortError, Reply},
};
use seawall_store::{
    Db, Lane, StoreError,
    cache::{Cache, CacheOptions, Caches, Known},
};

use super::{
    KeyKind,
    live::{LiveKey, Use, Why},
    refusals::{Refusals, Refused},
    table::{self, USED},
    text::{self, KeyId, NoKey, Said},
};

/// Keys in memory, by their ids.
pub(crate) type KeyCache = Cache<KeyId, Arc<LiveKey>>;

/// How long a key is believed while other nodes cannot say that it was revoked.
const CUT_OFF: Duration = Duration::from_secs(2);

/// Knows keys.
#[derive(Clone, Debug)]
pub(crate) struct KeyAuthenticator {
    db: Db,
    kind: KeyKind,
    keys: KeyCache,
    refusals: Arc<Refusals>,
}

/// What a request showed, for telling of it.
#[derive(Clone, Debug)]
struct Shown {
    start: [u8; 10],
    client: IpAddr,
    now: Now,
}

impl KeyAuthenticator {
    /// Keys of this database, in one of these caches. Refusals are recorded on the runtime that this is called on.
    pub(crate) fn new(db: Db, caches: &Caches, kind: KeyKind, meter: &dyn Meter) -> Self {
        let weigh = |_: &KeyId, live: &Arc<LiveKey>| live.weight();
        let options = CacheOptions { keep_cut_off: CUT_OFF, ..CacheOptions::new("api_keys", weigh) };
        let refusals = Arc::new(Refusals::new(db.clone(), meter));
        Self { db, kind, keys: caches.cache(&options), refusals }
    }

    /// What is known in memory.
    pub(crate) const fn keys(&self) -> &KeyCache {
        &self.keys
    }

    /// Whom a key shows.
    pub(crate) fn look(&self, value: &[u8], presented: &Presented<'_>) -> Reply<Found> {
        let shown = Shown::of(value, presented);
        let said = match text::read(value, self.kind) {
            Ok(said) => said,
            Err(NoKey::Malformed) => return Reply::Ready(Ok(self.refuse(&shown, None, Why::Malformed))),
            Err(NoKey::OtherKind) => return Reply::Ready(Ok(self.refuse(&shown, None, Why::OtherKind))),
        };
        if let Some(known) = self.keys.get(&said.id) {
            return Reply::Ready(Ok(self.found(known, &said, &shown)));
        }
        let within = Duration::from_micros(presented.deadline_us.saturating_sub(presented.now.monotonic_us));
        let own = self.clone();
        Reply::Later(Box::pin(async move {
            let db = own.db.clone();
            let id = String::from_utf8_lossy(&said.id).into_owned();
            let read = async move {
                let read = move |tx: &mut seawall_store::ReadTx<'_>| table::live(tx, &id);
                Ok::<_, StoreError>(db.read(Lane::Interactive, read).await?.map(Arc::new))
            };
            match own.keys.load(&said.id, within, read).await {
                Ok(known) => Ok(own.found(known, &said, &shown)),
                Err(error) => {
                    tracing::debug!(%error, "whose an API key is could not be read");
                    Err(PortError::from(&error))
                }
            }
        }))
    }

    fn found(&self, known: Known<Arc<LiveKey>>, said: &Said, shown: &Shown) -> Found {
        let Known::Found(live) = known else { return self.refuse(shown, None, Why::Unknown) };
        let now_us = i64::try_from(shown.now.unix_us).unwrap_or(i64::MAX);
        match live.use_at(&said.digest, shown.client, now_us) {
            Use::Holds { principal, write } => {
                if write {
                    self.db.loose(USED, &format!("{} {}", live.id(), shown.client.to_canonical()), now_us);
                }
                Found::Principal(principal)
            }
            Use::Refused(why) => self.refuse(shown, Some(live.id()), why),
        }
    }

    fn refuse(&self, shown: &Shown, id: Option<&str>, why: Why) -> Found {
        let refused =
            Refused { start: text::start(&shown.start), id: id.map(str::to_owned), why, client: shown.client };
        self.refusals.tell(refused, shown.now.monotonic_us);
        if why == Why::Address { Found::Elsewhere } else { Found::Nobody }
    }
}

impl Shown {
    fn of(value: &[u8], presented: &Presented<'_>) -> Self {
        let mut start = [b'_'; 10];
        for (own, byte) in start.iter_mut().zip(value) {
            *own = *byte;
        }
        Self { start, client: presented.client, now: presented.now }
    }
}
