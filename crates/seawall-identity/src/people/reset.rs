//! Choosing a password with a token of an operator, without the one before.

use std::time::Duration;

use seawall_core::{facts::Facts, settings::Secret};
use seawall_store::{Actor, Cause, Lane, StoreError, Tx, audit::Entry};
use serde_json::{Map, json};

use super::{People, links, request_cause};
use crate::{
    IdentityError,
    attempts::{self, Layers},
    factors::tickets,
    mail::Notice,
    sessions::{Token, digest_of, table::Which},
    users::{Name, User, table as users},
};

/// A token with which a person chooses a password; shown once.
#[derive(Debug)]
pub struct ResetOffer {
    /// Who; nobody yet for the first administrator.
    pub user: Option<User>,
    /// The token.
    pub token: Token,
    /// Until when it holds, in microseconds since 1970-01-01T00:00:00Z.
    pub expires_at: i64,
}

impl People {
    /// Gives a token with which the user chooses a password, in place of one that was given before.
    ///
    /// # Errors
    /// [`IdentityError::NoUser`]; [`IdentityError::Invalid`] when the user is kept out.
    pub async fn offer_reset(&self, cause: &Cause, id: String) -> Result<ResetOffer, IdentityError> {
        let user = self.find(&id).await?;
        if user.disabled {
            let said = format!("{} is kept out, and could not sign in with a new password; let it in first", user.name);
            return Err(IdentityError::Invalid(said));
        }
        let token = Token::new().map_err(IdentityError::Random)?;
        let (digest, user_id) = (token.digest(), user.id.clone());
        let given = self.write(cause.clone(), move |tx| {
            let expires_at = tickets::give_reset(tx, &digest, Some(&user_id))?;
            let after = Map::from_iter([("expires_at".to_owned(), json!(expires_at))]);
            tx.audit(Entry::new("user.reset_offered", "user", &*user_id).made(after))?;
            Ok(expires_at)
        });
        Ok(ResetOffer { expires_at: given.await?, user: Some(user), token })
    }

    /// Takes a password for a token. Nobody is signed in by it, second factors stay, all sessions end, accounts elsewhere are linked no
    /// longer, and failed attempts at the name are forgotten.
    ///
    /// # Errors
    /// [`IdentityError::ResetRefused`]; [`IdentityError::PasswordRefused`], after which the token still holds.
    pub async fn reset(&self, facts: &Facts, token: &str, password: Secret) -> Result<(), IdentityError> {
        let _place = self.0.waiting.place(false)?;
        let Some((digest, Some(user))) = self.reset_of(token).await? else {
            self.0.passwords.pad(Duration::ZERO).await?;
            return Err(IdentityError::ResetRefused);
        };
        let name = Name::parse(&user.name)?;
        self.check_password(&password, &name, user.email.as_deref())?;
        let hash = self.0.passwords.hash(&password).await?;
        let (people, source) = (self.clone(), facts.client);
        let cause = request_cause(Actor::User(user.id.as_str().into()), facts.client, facts);
        let done = self.write(cause, move |tx| {
            if !tickets::take_reset(tx, &digest)? || !users::set_hash(tx, &user.id, &hash)? {
                return Ok(false);
            }
            Self::void_given(tx, &user.id)?;
            links::drop_all(tx, &user.id)?;
            people.end_sessions(tx, &user.id, &Which::All, "password reset")?;
            attempts::forget_account(tx, &Layers::account(&people.0.key, name.key()))?;
            attempts::clear(tx, &people.0.key.counted(name.key(), source))?;
            people.clear_codes(tx, &user.id)?;
            tx.audit(Entry::new("user.password_reset", "user", &*user.id))?;
            people.notify(tx, &user.id, Notice::PasswordChanged, None)?;
            Ok(true)
        });
        if done.await? { Ok(()) } else { Err(IdentityError::ResetRefused) }
    }

    /// Whose password a token is for; an inner nothing is the first administrator's.
    pub(super) async fn reset_of(&self, token: &str) -> Result<Option<([u8; 32], Option<User>)>, IdentityError> {
        let Some(digest) = digest_of(token.as_bytes()) else { return Ok(None) };
        let now_us = i64::try_from(self.0.clock.now().unix_us).unwrap_or(i64::MAX);
        let read = self.0.db.read::<_, StoreError>(Lane::Interactive, move |tx| {
            Ok(match tickets::find_reset(tx, &digest, now_us)? {
                None => None,
                Some(None) => Some((digest, None)),
                Some(Some(user_id)) => users::by_id(tx, &user_id)?.map(|known| (digest, Some(known.user))),
            })
        });
        Ok(read.await?)
    }

    /// Voids what was given to a user to sign in or choose a password with.
    pub(crate) fn void_given(tx: &mut Tx<'_>, user_id: &str) -> Result<(), StoreError> {
        tickets::void(tx, user_id)?;
        tickets::void_resets(tx, Some(user_id))
    }
}
