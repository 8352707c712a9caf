//! All layers together: whether an attempt is heard, and what its outcome changes.

use std::net::IpAddr;

use seawall_core::http::ClientKey;
use seawall_store::{StoreError, Tx};

use super::{
    Attempt, AttemptsKey, BruteForce, Counted, OWN, Spraying, account,
    device::Device,
    key::told_apart,
    sources::{self, Sprayed},
    table::{self, clear, count, seconds_until},
};

/// By what an attempt is counted.
#[derive(Clone, Debug)]
pub(crate) struct Layers {
    own: Counted,
    everywhere: Option<Everywhere>,
}

/// What counts beyond name and source.
#[derive(Clone, Debug)]
struct Everywhere {
    account: Counted,
    sprayed: Sprayed,
    spraying: Spraying,
}

impl Layers {
    /// Of an attempt at this name from there, with a device of the name's owner when it is one. `name` is its key, or what was typed when
    /// that is no name.
    pub(crate) fn new(
        key: &AttemptsKey,
        preset: (BruteForce, Spraying),
        name: &str,
        source: IpAddr,
        known: Option<&Device>,
    ) -> Self {
        if let Some(device) = known {
            return Self { own: key.made_for("device", &[device.id.as_bytes(), told_apart(name)]), everywhere: None };
        }
        let source_key = ClientKey::of(source).bytes();
        let everywhere = |spraying| Everywhere {
            account: Self::account(key, name),
            sprayed: Sprayed {
                source: key.made_for("source", &[&source_key[..]]),
                name: key.made_for("spray", &[&source_key[..], told_apart(name)]),
            },
            spraying,
        };
        let everywhere = (preset.0 == BruteForce::Layered).then(|| everywhere(preset.1));
        Self { own: key.counted(name, source), everywhere }
    }

    /// By what failures at a name from everywhere are counted.
    pub(crate) fn account(key: &AttemptsKey, name: &str) -> Counted {
        key.made_for("account", &[told_apart(name)])
    }

    /// What stands for the name in the audit log when there is no user of it.
    pub(crate) const fn own(&self) -> &Counted {
        &self.own
    }

    /// Counts an attempt before it is looked at. One that is not heard by one layer is counted by none.
    pub(crate) fn hear(&self, tx: &mut Tx<'_>) -> Result<Attempt, StoreError> {
        let Some(everywhere) = &self.everywhere else { return count(tx, &self.own, OWN) };
        // The row of the name is held first, so that two attempts at it do not wait for each other in a circle.
        let early = account::hold(tx, &everywhere.account)?.map(|until| seconds_until(until, tx.at_us()));
        let source = table::paused(tx, &everywhere.sprayed.source, everywhere.spraying.allowance())?;
        if let Some(retry_after) = early.max(source) {
            let own = table::paused(tx, &self.own, OWN)?.unwrap_or_default();
            return Ok(Attempt::Paused { retry_after: retry_after.max(own) });
        }
        let attempt = count(tx, &self.own, OWN)?;
        if matches!(attempt, Attempt::Heard { .. }) {
            account::count(tx, &everywhere.account)?;
        }
        Ok(attempt)
    }

    /// It failed; answers whether its source is paused for that.
    pub(crate) fn failed(&self, tx: &mut Tx<'_>) -> Result<bool, StoreError> {
        match &self.everywhere {
            Some(everywhere) => sources::failed(tx, &everywhere.sprayed, everywhere.spraying.allowance()),
            None => Ok(false),
        }
    }

    /// The right password came. A known device clears its own failures alone: those from elsewhere were not its owner's.
    pub(crate) fn succeeded(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        clear(tx, &self.own)?;
        let Some(everywhere) = &self.everywhere else { return Ok(()) };
        account::forget(tx, &everywhere.account)?;
        sources::succeeded(tx, &everywhere.sprayed)
    }
}
