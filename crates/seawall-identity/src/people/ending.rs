//! Ending sessions in a transaction: written down, recorded, forgotten, and told.

use seawall_core::principal::Revoked;
use seawall_store::{StoreError, Tx, audit::Entry};
use serde_json::{Map, json};

use super::People;
use crate::{
    sessions::table::{self, Ended, Which},
    users::table as users,
};

impl People {
    /// Ends sessions of a user; answers how many. Whoever listens hears of each once it is committed.
    pub(crate) fn end_sessions(
        &self,
        tx: &mut Tx<'_>,
        user_id: &str,
        which: &Which,
        why: &'static str,
    ) -> Result<usize, StoreError> {
        // Invariant: who ends many sessions of a user holds its row first, as whoever begins one does; else one that is begun in this
        // moment would be seen by neither.
        if !matches!(which, Which::One(_)) {
            users::hold(tx, user_id)?;
        }
        let ended = table::end(tx, user_id, which, why)?;
        self.ended(tx, user_id, ended, why)
    }

    /// The same for those that are more than a user may have.
    pub(super) fn end_surplus(&self, tx: &mut Tx<'_>, user_id: &str) -> Result<usize, StoreError> {
        let ended = table::end_surplus(tx, user_id)?;
        self.ended(tx, user_id, ended, "surplus")
    }

    fn ended(&self, tx: &mut Tx<'_>, user_id: &str, ended: Vec<Ended>, why: &'static str) -> Result<usize, StoreError> {
        for one in &ended {
            let after = Map::from_iter([("user".to_owned(), json!(user_id)), ("why".to_owned(), json!(why))]);
            tx.audit(Entry::new("session.ended", "session", &*one.id).made(after))?;
        }
        let count = ended.len();
        let sessions = self.0.authenticator.sessions.sessions();
        tx.void(sessions, ended.iter().map(|one| one.digest));
        let revoker = self.0.revoker.clone();
        tx.on_commit(move || ended.into_iter().for_each(|one| revoker.tell(&Revoked::Session(one.id.into()))));
        Ok(count)
    }

    /// Lets what is known of a user in memory be read again: it has changed.
    pub(crate) fn forget(&self, tx: &mut Tx<'_>, user_id: &str) -> Result<(), StoreError> {
        let digests = table::digests(tx, user_id)?;
        tx.void(self.0.authenticator.sessions.sessions(), digests);
        self.forget_keys(tx, user_id)
    }

    /// The same of a user who may do less: open sockets of its sessions, keys and devices close, and come back with what holds.
    pub(crate) fn forget_and_close(&self, tx: &mut Tx<'_>, user_id: &str) -> Result<(), StoreError> {
        self.forget(tx, user_id)?;
        self.close_on_commit(tx, user_id);
        Ok(())
    }

    /// Tells, once it is committed, that a user is not what it was.
    pub(super) fn close_on_commit(&self, tx: &mut Tx<'_>, user_id: &str) {
        let (revoker, revoked) = (self.0.revoker.clone(), Revoked::Principal(user_id.into()));
        tx.on_commit(move || revoker.tell(&revoked));
    }
}
