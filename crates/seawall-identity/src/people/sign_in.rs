//! Signing in and out.

use std::{net::IpAddr, sync::Arc};

use seawall_core::{facts::Facts, http::ClientKey, settings::Secret};
use seawall_store::{Actor, audit::Entry};
use serde_json::{Map, json};

use super::{
    People, cause,
    opening::ActsFor,
    request_cause,
    trying::{Right, Try, Wrong},
};
use crate::{
    IdentityError,
    factors::{table as factors, tickets},
    sessions::{Session, Token, table::Which},
    users::{User, table as users},
};

/// What is shown to sign in.
#[derive(Debug)]
pub struct SignIn {
    /// The name, as it was typed.
    pub name: String,
    /// The password.
    pub password: Secret,
    /// With what it is done.
    pub user_agent: Option<String>,
    /// The cookie of a known device, when one came.
    pub device: Option<String>,
}

/// What comes after the right password.
#[derive(Debug)]
pub enum SignInStep {
    /// Nothing: somebody signed in.
    SignedIn(Box<SignedIn>),
    /// The second factor.
    SecondFactor(TicketGiven),
}

/// With what a second factor is shown.
#[derive(Debug)]
pub struct TicketGiven {
    /// The ticket.
    pub ticket: Token,
    /// Until when it holds, in microseconds since 1970-01-01T00:00:00Z.
    pub expires_at: i64,
    /// With what its owner can go on: "code", "passkey".
    pub with: Vec<&'static str>,
}

/// Somebody signed in.
#[derive(Debug)]
pub struct SignedIn {
    /// Who.
    pub user: User,
    /// The session that was begun.
    pub session: Session,
    /// For the cookie of whom it was begun for.
    pub token: Token,
    /// The cookie by which the device is known from here on.
    pub device: Option<String>,
}

/// What the right password began.
enum Welcome {
    Session(Box<(User, Session)>),
    Ticket(i64, Vec<&'static str>),
}

impl People {
    /// Signs somebody in: a fresh session with a fresh token, whatever cookie came with the request. A session that did come ends.
    /// Who has a second factor gets a ticket for it instead.
    ///
    /// # Errors
    /// [`IdentityError::SignInRefused`] takes the same time for every reason.
    pub async fn sign_in(&self, facts: &Facts, asked: SignIn) -> Result<SignInStep, IdentityError> {
        let device = self.device(asked.device.as_deref());
        let _place = self.0.waiting.place(device.is_some())?;
        let tried = Try { name: &asked.name, password: &asked.password, device, action: "user.sign_in" };
        let refused = |Wrong { retry_after }: Wrong| IdentityError::SignInRefused { retry_after };
        let right = self.try_password(facts, tried).await?.map_err(refused)?;
        match self.begin(facts, &asked, &right).await? {
            Some(step) => Ok(step),
            None => Err(refused(self.wrong_after_all(facts, right).await?)),
        }
    }

    /// Begins the session, unless the user has been changed since its password was read.
    async fn begin(&self, facts: &Facts, asked: &SignIn, right: &Right) -> Result<Option<SignInStep>, IdentityError> {
        let fresh_hash =
            if right.verdict.upgrade_due { Some(self.0.passwords.hash(&asked.password).await?) } else { None };
        let token = Token::new().map_err(IdentityError::Random)?;
        let (people, facts, layers) = (self.clone(), facts.clone(), right.layers.clone());
        let (place, known_device) = (self.place(facts.client), right.device.is_some());
        let (user_id, digest, agent) = (right.known.user.id.clone(), token.digest(), asked.user_agent.clone());
        let hash = right.hash.clone();
        let cause = request_cause(Actor::User(Arc::from(user_id.as_str())), facts.client, &facts);
        let begun = self.write(cause, move |tx| {
            // The row first: a factor that is enrolled in this moment is seen, or its enrolment ends this session.
            if !users::has_hash(tx, &user_id, &hash)? {
                return Ok(None);
            }
            let second = factors::has_one(tx, &user_id)?;
            if !second {
                users::signed_in(tx, &user_id)?;
            }
            layers.succeeded(tx)?;
            if let Some(fresh_hash) = &fresh_hash
                && users::replace_hash(tx, &user_id, &hash, fresh_hash)?
            {
                tx.audit(Entry::new("user.hash_upgraded", "user", &*user_id))?;
            }
            if second {
                let Some(known) = users::by_id(tx, &user_id)? else { return Ok(None) };
                let expires_at = tickets::give(tx, &digest, (&user_id, known.user.version), &place)?;
                let after = Map::from_iter([("next".to_owned(), json!("second factor"))]);
                tx.audit(Entry::new("user.sign_in", "user", &*user_id).made(after))?;
                return Ok(Some(Welcome::Ticket(
                    expires_at,
                    factors::kinds(tx, &user_id, people.0.settings.passkeys.is_some())?,
                )));
            }
            people.end_presented(tx, &facts)?;
            let session = people.begin_session(tx, &facts, &user_id, digest, agent.as_deref(), ActsFor::First)?;
            if !known_device {
                people.notify_of_device(tx, &user_id, &facts, agent.as_deref())?;
            }
            Ok(users::by_id(tx, &user_id)?.map(|known| Welcome::Session(Box::new((known.user, session)))))
        });
        Ok(match begun.await? {
            None => None,
            Some(Welcome::Ticket(expires_at, with)) => {
                Some(SignInStep::SecondFactor(TicketGiven { ticket: token, expires_at, with }))
            }
            Some(Welcome::Session(begun)) => {
                let (user, session) = *begun;
                let device = self.known_device(&user.id, right.device.clone())?;
                Some(SignInStep::SignedIn(Box::new(SignedIn { user, session, token, device })))
            }
        })
    }

    /// What a ticket that is given there is bound to.
    pub(super) fn place(&self, source: IpAddr) -> [u8; 32] {
        self.0.key.made_for("ticket", &[&ClientKey::of(source).bytes()[..]])
    }

    /// Ends the session that the request came with; without one there is nothing to end.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn sign_out(&self, facts: &Facts) -> Result<(), IdentityError> {
        let Some((user_id, session)) = facts
            .principal
            .as_ref()
            .and_then(|principal| Some((principal.id.to_string(), principal.session.as_ref()?.to_string())))
        else {
            return Ok(());
        };
        let people = self.clone();
        let ended = self.write(cause(facts), move |tx| {
            people.end_sessions(tx, &user_id, &Which::One(session.clone()), "signed out").map(drop)
        });
        Ok(ended.await?)
    }
}
