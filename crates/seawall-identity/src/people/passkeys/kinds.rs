//! With what whoever showed the right password can go on.

use seawall_core::facts::Facts;
use seawall_store::{Lane, StoreError};

use super::super::People;
use crate::{
    IdentityError,
    factors::{table as factors, tickets},
    sessions::digest_of,
};

impl People {
    /// What can be shown with a ticket: `code`, `passkey`; nothing when the ticket does not hold.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn second_kinds(&self, facts: &Facts, ticket: &str) -> Result<Option<Vec<&'static str>>, IdentityError> {
        let Some(digest) = digest_of(ticket.as_bytes()) else { return Ok(None) };
        let (place, now_us, passkeys) = (self.place(facts.client), self.now_us(), self.0.settings.passkeys.is_some());
        let read = self.0.db.read::<_, StoreError>(Lane::Interactive, move |tx| {
            match tickets::find(tx, &digest, &place, now_us)? {
                Some(ticket) => factors::kinds(tx, &ticket.user_id, passkeys).map(Some),
                None => Ok(None),
            }
        });
        Ok(read.await?)
    }
}
