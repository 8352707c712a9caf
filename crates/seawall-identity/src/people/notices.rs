//! Telling people by mail of what happened to their accounts, in the transaction in which it happens.

use seawall_core::{facts::Facts, http::ClientKey};
use seawall_store::{StoreError, Tx};

use super::People;
use crate::{
    attempts::{self, Allowance, Attempt},
    mail::{Errand, Notice},
    users::table as users,
};

/// One notice of a device, known by its browser and its network, in 30 days: programs sign in again and again and keep no cookie.
const OF_A_DEVICE: Allowance = Allowance { heard: 1, pause_us: 30 * 24 * 3_600 * 1_000_000 };

impl People {
    /// Tells a user who has an address, once the transaction is kept.
    pub(super) fn notify(
        &self,
        tx: &mut Tx<'_>,
        user_id: &str,
        what: Notice,
        agent: Option<&str>,
    ) -> Result<(), StoreError> {
        self.notify_at(tx, user_id, what, agent, None)
    }

    /// The same at another address than the user has.
    pub(super) fn notify_at(
        &self,
        tx: &mut Tx<'_>,
        user_id: &str,
        what: Notice,
        agent: Option<&str>,
        to: Option<String>,
    ) -> Result<(), StoreError> {
        let mail = &self.0.settings.mail;
        if !mail.notices || mail.links.is_none() {
            return Ok(());
        }
        let has_address = users::by_id(tx, user_id)?.is_some_and(|known| known.user.email.is_some());
        if !has_address && to.is_none() {
            return Ok(());
        }
        let (at, address) = (tx.at_us(), tx.cause().address.map(|address| address.to_string()));
        let agent = agent.map(|agent| agent.chars().take(256).collect());
        Errand::Notice { user: user_id.to_owned(), what, at, address, agent, to }.post(tx)
    }

    /// Tells of a sign-in from a device that no cookie makes known, unless the same was told a while ago.
    pub(super) fn notify_of_device(
        &self,
        tx: &mut Tx<'_>,
        user_id: &str,
        facts: &Facts,
        agent: Option<&str>,
    ) -> Result<(), StoreError> {
        let mail = &self.0.settings.mail;
        if !mail.notices || mail.links.is_none() {
            return Ok(());
        }
        let network = ClientKey::of(facts.client);
        let parts = [user_id.as_bytes(), agent.unwrap_or_default().as_bytes(), &network.bytes()[..]];
        let key = self.0.key.made_for("notices of devices", &parts);
        match attempts::count(tx, &key, OF_A_DEVICE)? {
            Attempt::Heard { .. } => self.notify(tx, user_id, Notice::NewDevice, agent),
            Attempt::Paused { .. } => Ok(()),
        }
    }
}
