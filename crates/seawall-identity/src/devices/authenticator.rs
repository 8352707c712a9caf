//! Whose a device is: known in memory as a rule, read from the store else.

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
    live::LiveDevice,
    table::{self, USED},
    text,
};
use crate::{
    keys::{
        Refusals, Shown, Why,
        form::{CredentialId, Said},
    },
    organisations::Tiers,
};

/// Devices in memory, by their ids.
pub(crate) type DeviceCache = Cache<CredentialId, Arc<LiveDevice>>;

/// How long a device is believed while other nodes cannot say that it was revoked.
const CUT_OFF: Duration = Duration::from_secs(2);

/// Knows devices.
#[derive(Clone, Debug)]
pub(crate) struct DeviceAuthenticator {
    db: Db,
    devices: DeviceCache,
    refusals: Arc<Refusals>,
    tiers: Tiers,
}

impl DeviceAuthenticator {
    /// Devices of this database, in one of these caches; what is refused is told there.
    pub(crate) fn new(db: Db, caches: &Caches, refusals: Arc<Refusals>, tiers: Tiers) -> Self {
        let weigh = |_: &CredentialId, live: &Arc<LiveDevice>| live.weight();
        let options = CacheOptions { keep_cut_off: CUT_OFF, ..CacheOptions::new("devices", weigh) };
        Self { db, devices: caches.cache(&options), refusals, tiers }
    }

    /// What is known in memory.
    pub(crate) const fn devices(&self) -> &DeviceCache {
        &self.devices
    }

    /// Whom a credential shows.
    pub(crate) fn look(&self, value: &[u8], presented: &Presented<'_>) -> Reply<Found> {
        let shown = Shown::of("device", value, presented);
        let Some(said) = text::read(value) else {
            return Reply::Ready(Ok(self.refusals.refuse(&shown, None, Why::Malformed)));
        };
        let now = presented.now;
        if let Some(known) = self.devices.get(&said.id) {
            return Reply::Ready(Ok(self.found(known, &said, &shown, now)));
        }
        let within = Duration::from_micros(presented.deadline_us.saturating_sub(now.monotonic_us));
        let own = self.clone();
        Reply::Later(Box::pin(async move {
            let (db, tiers) = (own.db.clone(), own.tiers.clone());
            let id = String::from_utf8_lossy(&said.id).into_owned();
            let read = async move {
                let read = move |tx: &mut seawall_store::ReadTx<'_>| table::live(tx, &id);
                Ok::<_, StoreError>(db.read(Lane::Interactive, read).await?.map(|live| Arc::new(live.with(&tiers))))
            };
            match own.devices.load(&said.id, within, read).await {
                Ok(known) => Ok(own.found(known, &said, &shown, now)),
                Err(error) => {
                    tracing::debug!(%error, "whose a device is could not be read");
                    Err(PortError::from(&error))
                }
            }
        }))
    }

    fn found(&self, known: Known<Arc<LiveDevice>>, said: &Said, shown: &Shown, now: Now) -> Found {
        let Known::Found(live) = known else { return self.refusals.refuse(shown, None, Why::Unknown) };
        let now_us = i64::try_from(now.unix_us).unwrap_or(i64::MAX);
        match live.use_at(&said.digest, now_us) {
            Ok((principal, write)) => {
                if write {
                    self.db.loose(USED, &format!("{} {}", live.id(), shown.client().to_canonical()), now_us);
                }
                Found::Principal(principal)
            }
            Err(why) => self.refusals.refuse(shown, Some(live.id()), why),
        }
    }
}
