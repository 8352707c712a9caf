//! The first administrator: there is no user and no default password, so a token of one use makes the first.

use std::time::Duration;

use seawall_core::{facts::Facts, principal::Role, settings::Secret};
use seawall_store::{Cause, Lane, StoreError, audit::Entry};
use serde_json::{Map, json};

use super::{People, ResetOffer, cause};
use crate::{
    IdentityError,
    factors::tickets,
    sessions::Token,
    users::{Name, User, table as users},
};

/// The role of the first user.
const ADMIN: &str = "admin";

impl People {
    /// Whether there is nobody yet.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn empty(&self) -> Result<bool, IdentityError> {
        Ok(!self.0.db.read::<_, StoreError>(Lane::Interactive, users::any).await?)
    }

    /// Gives a token that makes the first administrator, in place of one that was given before; nothing when there is a user.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn offer_first(&self, cause: &Cause) -> Result<Option<ResetOffer>, IdentityError> {
        let token = Token::new().map_err(IdentityError::Random)?;
        let digest = token.digest();
        let given = self.write(cause.clone(), move |tx| {
            if users::any(tx)? {
                return Ok(None);
            }
            let expires_at = tickets::give_reset(tx, &digest, None)?;
            let after = Map::from_iter([("expires_at".to_owned(), json!(expires_at))]);
            tx.audit(Entry::new("user.first_offered", "user", "").made(after))?;
            Ok(Some(expires_at))
        });
        Ok(given.await?.map(|expires_at| ResetOffer { user: None, token, expires_at }))
    }

    /// Adds the first administrator.
    ///
    /// # Errors
    /// [`IdentityError::ResetRefused`] when the token does not hold or there is a user; [`IdentityError::PasswordRefused`].
    pub async fn add_first(
        &self,
        facts: &Facts,
        token: &str,
        name: &str,
        password: Secret,
    ) -> Result<User, IdentityError> {
        let _place = self.0.waiting.place(false)?;
        let Some((digest, None)) = self.reset_of(token).await? else {
            self.0.passwords.pad(Duration::ZERO).await?;
            return Err(IdentityError::ResetRefused);
        };
        let name = Name::parse(name)?;
        self.check_password(&password, &name, None)?;
        let role = Role::parse(ADMIN).map_err(IdentityError::Invalid)?;
        let hash = self.0.passwords.hash(&password).await?;
        let added = self.write(cause(facts), move |tx| {
            if !tickets::take_reset(tx, &digest)? || users::any(tx)? {
                return Ok(None);
            }
            let (id, roles) = (tx.fresh_id()?, std::slice::from_ref(&role));
            let fresh = users::Fresh { id: &id, name: &name, email: None, roles, password_hash: Some(&hash) };
            users::add(tx, &fresh)?;
            let after = Map::from_iter([
                ("name".to_owned(), json!(name.shown())),
                ("roles".to_owned(), json!([ADMIN])),
                ("first".to_owned(), json!(true)),
            ]);
            tx.audit(Entry::new("user.added", "user", &*id).made(after).personal(&*id, &["name"]))?;
            Ok(users::by_id(tx, &id)?.map(|known| known.user))
        });
        added.await?.ok_or(IdentityError::ResetRefused)
    }
}
