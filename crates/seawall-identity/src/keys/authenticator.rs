//! Whose a key is: known in memory as a rule, read from the store else.

use std::{sync::Arc, time::Duration};

use seawall_core::{
    authenticator::{Found, Presented},
    meter::Meter,
    reply::{PortError, Reply},
};
use seawall_store::{
    Db, Lane, StoreError,
    cache::{Cache, CacheOptions, Caches, Known},
};

use super::{
    KeyKind,
    form::{CredentialId, Said},
    live::{LiveKey, Use, Why},
    refusals::{Refusals, Shown},
    table::{self, USED},
    text::{self, NoKey},
};
use crate::organisations::Tiers;

/// Keys in memory, by their ids.
pub(crate) type KeyCache = Cache<CredentialId, Arc<LiveKey>>;

/// How long a key is believed while other nodes cannot say that it was revoked.
const CUT_OFF: Duration = Duration::from_secs(2);

/// Knows keys.
#[derive(Clone, Debug)]
pub(crate) struct KeyAuthenticator {
    db: Db,
    kind: KeyKind,
    keys: KeyCache,
    refusals: Arc<Refusals>,
    tiers: Tiers,
}

impl KeyAuthenticator {
    /// Keys of this database, in one of these caches. Refusals are recorded on the runtime that this is called on.
    pub(crate) fn new(db: Db, caches: &Caches, kind: KeyKind, meter: &dyn Meter, tiers: Tiers) -> Self {
        let weigh = |_: &CredentialId, live: &Arc<LiveKey>| live.weight();
        let options = CacheOptions { keep_cut_off: CUT_OFF, ..CacheOptions::new("api_keys", weigh) };
        let refusals = Arc::new(Refusals::new(db.clone(), meter));
        Self { db, kind, keys: caches.cache(&options), refusals, tiers }
    }

    /// Who tells of what is refused.
    pub(crate) const fn refusals(&self) -> &Arc<Refusals> {
        &self.refusals
    }

    /// What is known in memory.
    pub(crate) const fn keys(&self) -> &KeyCache {
        &self.keys
    }

    /// Whom a key shows.
    pub(crate) fn look(&self, value: &[u8], presented: &Presented<'_>) -> Reply<Found> {
        let shown = Shown::of("api_key", value, presented);
        let said = match text::read(value, self.kind) {
            Ok(said) => said,
            Err(NoKey::Malformed) => return Reply::Ready(Ok(self.refusals.refuse(&shown, None, Why::Malformed))),
            Err(NoKey::OtherKind) => return Reply::Ready(Ok(self.refusals.refuse(&shown, None, Why::OtherKind))),
        };
        if let Some(known) = self.keys.get(&said.id) {
            return Reply::Ready(Ok(self.found(known, &said, &shown)));
        }
        let within = Duration::from_micros(presented.deadline_us.saturating_sub(presented.now.monotonic_us));
        let own = self.clone();
        Reply::Later(Box::pin(async move {
            let (db, tiers) = (own.db.clone(), own.tiers.clone());
            let id = String::from_utf8_lossy(&said.id).into_owned();
            let read = async move {
                let read = move |tx: &mut seawall_store::ReadTx<'_>| table::live(tx, &id);
                Ok::<_, StoreError>(db.read(Lane::Interactive, read).await?.map(|live| Arc::new(live.with(&tiers))))
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
        let Known::Found(live) = known else { return self.refusals.refuse(shown, None, Why::Unknown) };
        let now_us = i64::try_from(shown.now().unix_us).unwrap_or(i64::MAX);
        match live.use_at(&said.digest, shown.client(), now_us) {
            Use::Holds { principal, write } => {
                if write {
                    self.db.loose(USED, &format!("{} {}", live.id(), shown.client().to_canonical()), now_us);
                }
                Found::Principal(principal)
            }
            Use::Refused(why) => self.refusals.refuse(shown, Some(live.id()), why),
        }
    }
}
