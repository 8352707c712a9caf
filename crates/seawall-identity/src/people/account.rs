//! What people do with their own account: their sessions, their password, and registering.

use seawall_core::{facts::Facts, principal::Principal, settings::Secret};
use seawall_store::{Lane, StoreError, audit::Entry};
use serde_json::{Map, json};

use super::{
    Came, People, SignedIn, cause,
    confirm::signed_in,
    opening::{ActsFor, Proves, Successor},
};
use crate::{
    IdentityError,
    mail::Notice,
    sessions::{
        Session, Token,
        table::{self as sessions, Which},
    },
    users::{Name, table as users},
};

impl People {
    /// The principal's sessions, the latest first.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn sessions(&self, user_id: &str) -> Result<Vec<Session>, IdentityError> {
        let (user_id, now) = (user_id.to_owned(), self.0.clock.now());
        let now_us = i64::try_from(now.unix_us).unwrap_or(i64::MAX);
        let read =
            self.0.db.read::<_, StoreError>(Lane::Interactive, move |tx| sessions::of_user(tx, &user_id, now_us));
        Ok(read.await?)
    }

    /// Ends one of the principal's sessions.
    ///
    /// # Errors
    /// [`IdentityError::NoSession`] when it has none of this id.
    pub async fn end_session(&self, facts: &Facts, principal: &Principal, id: String) -> Result<(), IdentityError> {
        let (people, user_id, which) = (self.clone(), principal.id.to_string(), Which::One(id.clone()));
        let ended =
            self.write(cause(facts), move |tx| people.end_sessions(tx, &user_id, &which, "ended by its owner")).await?;
        if ended == 0 { Err(IdentityError::NoSession(id)) } else { Ok(()) }
    }

    /// Ends all of the principal's sessions but the one that asks; answers how many.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn end_other_sessions(&self, facts: &Facts, principal: &Principal) -> Result<usize, IdentityError> {
        let (people, user_id, which) = (self.clone(), principal.id.to_string(), others(principal));
        let ended = self.write(cause(facts), move |tx| people.end_sessions(tx, &user_id, &which, "ended by its owner"));
        Ok(ended.await?)
    }

    /// Gives the principal another password, after it has shown the one that holds. All other sessions end, and this one gets
    /// another token.
    ///
    /// # Errors
    /// [`IdentityError::WrongPassword`], which is counted as an attempt to sign in; [`IdentityError::PasswordRefused`].
    pub async fn change_password(
        &self,
        facts: &Facts,
        principal: &Principal,
        current: Secret,
        new: Secret,
        came: Came,
    ) -> Result<SignedIn, IdentityError> {
        let _place = self.0.waiting.place(true)?;
        let right = self.try_own_password(facts, principal, &current, &came, "user.password_changed").await?;
        self.check_password(&new, &Name::parse(&principal.name)?, right.known.user.email.as_deref())?;
        let fresh = self.0.passwords.hash(&new).await?;
        let token = Token::new().map_err(IdentityError::Random)?;
        let (people, own, principal, digest) = (self.clone(), facts.clone(), principal.clone(), token.digest());
        let user_id = principal.id.to_string();
        let changed = self.write(cause(facts), move |tx| {
            if !users::has_hash(tx, &principal.id, &right.hash)? {
                return Ok(None);
            }
            let successor = Successor {
                digest,
                user_agent: came.user_agent.as_deref(),
                acts_for: ActsFor::as_before(&principal),
                proves: Proves::Anew,
                why: "password changed",
            };
            let Some((_, begun)) = people.replace_session(tx, &own, &principal, successor)? else {
                return Ok(Some(None));
            };
            users::replace_hash(tx, &principal.id, &right.hash, &fresh)?;
            right.layers.succeeded(tx)?;
            tx.audit(Entry::new("user.password_changed", "user", &*principal.id))?;
            people.notify(tx, &principal.id, Notice::PasswordChanged, came.user_agent.as_deref())?;
            people.end_sessions(tx, &principal.id, &Which::Others(begun.id.clone()), "password changed")?;
            Self::void_given(tx, &principal.id)?;
            Ok(Some(users::by_id(tx, &principal.id)?.map(|known| (known.user, begun))))
        });
        // Somebody else has changed it meanwhile, or ended the session.
        signed_in(changed.await?.ok_or(IdentityError::WrongPassword { retry_after: None })?, token, &user_id)
    }

    /// Adds a user who asks for it, and signs it in.
    ///
    /// # Errors
    /// [`IdentityError::NameTaken`], [`IdentityError::BadName`], [`IdentityError::PasswordRefused`].
    pub async fn register(
        &self,
        facts: &Facts,
        name: &str,
        password: Secret,
        user_agent: Option<String>,
    ) -> Result<SignedIn, IdentityError> {
        let name = Name::parse(name)?;
        self.check_password(&password, &name, None)?;
        let hash = self.0.passwords.hash(&password).await?;
        let token = Token::new().map_err(IdentityError::Random)?;
        let (people, own, digest) = (self.clone(), facts.clone(), token.digest());
        let added = self.write(cause(facts), move |tx| {
            if users::by_name(tx, name.key())?.is_some() {
                return Ok(None);
            }
            let id = tx.fresh_id()?;
            let fresh = users::Fresh { id: &id, name: &name, email: None, roles: &[], password_hash: Some(&hash) };
            users::add(tx, &fresh)?;
            let after =
                Map::from_iter([("name".to_owned(), json!(name.shown())), ("registered".to_owned(), json!(true))]);
            tx.audit(Entry::new("user.added", "user", &*id).made(after).personal(&*id, &["name"]))?;
            people.end_presented(tx, &own)?;
            let session = people.begin_session(tx, &own, &id, digest, user_agent.as_deref(), ActsFor::First)?;
            Ok(users::by_id(tx, &id)?.map(|known| (known.user, session)))
        });
        let added = match added.await {
            // Another has taken it between the look and the row.
            Err(StoreError::Conflict(_)) => None,
            other => other?,
        };
        let (user, session) = added.ok_or(IdentityError::NameTaken)?;
        let device = self.known_device(&user.id, None)?;
        Ok(SignedIn { user, session, token, device })
    }
}

fn others(principal: &Principal) -> Which {
    match &principal.session {
        Some(session) => Which::Others(session.to_string()),
        None => Which::All,
    }
}
