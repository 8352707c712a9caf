//! The second step of signing in: a ticket that the right password brought, and a code.

use std::{sync::Arc, time::Duration};

use seawall_core::{facts::Facts, settings::Secret};
use seawall_store::{Actor, StoreError, Tx};

use super::{People, SignedIn, cause, codes::Judged, opening::ActsFor, request_cause};
use crate::{
    IdentityError,
    factors::tickets,
    sessions::{Session, Token, digest_of, table as sessions},
    users::{User, table as users},
};

/// What is shown as the second step.
#[derive(Debug)]
pub struct Second {
    /// The ticket.
    pub ticket: String,
    /// The code of an app, or a recovery code.
    pub code: Secret,
    /// With what it is done.
    pub user_agent: Option<String>,
    /// The cookie of a known device, when one came.
    pub device: Option<String>,
}

/// What it came to.
enum Came {
    SignedIn(Box<(User, Session)>),
    Wrong,
    Paused(u64),
    /// The ticket does not hold, or does not hold any more.
    Again,
}

impl People {
    /// Signs in whoever showed the right password before, and a code with its ticket.
    ///
    /// # Errors
    /// [`IdentityError::CodeRefused`] when the code is wrong; [`IdentityError::PasswordAgain`] when the ticket does not hold there, or no
    /// longer.
    pub async fn second_factor(&self, facts: &Facts, asked: Second) -> Result<SignedIn, IdentityError> {
        let device = self.device(asked.device.as_deref());
        let _place = self.0.waiting.place(device.is_some())?;
        let Some(ticket) = digest_of(asked.ticket.as_bytes()) else {
            self.0.passwords.pad(Duration::ZERO).await?;
            return Err(IdentityError::PasswordAgain);
        };
        let token = Token::new().map_err(IdentityError::Random)?;
        let (people, own, place, fresh) = (self.clone(), facts.clone(), self.place(facts.client), token.digest());
        let owner = self.ticket_owner(ticket, place).await?;
        let cause = match &owner {
            Some(user_id) => request_cause(Actor::User(Arc::from(user_id.as_str())), facts.client, facts),
            None => cause(facts),
        };
        let came = self.write(cause, move |tx| people.take_second(tx, &own, &asked, (ticket, place), fresh));
        let error = match came.await? {
            Came::SignedIn(begun) => {
                let (user, session) = *begun;
                let device = self.known_device(&user.id, device)?;
                return Ok(SignedIn { user, session, token, device });
            }
            Came::Wrong => IdentityError::CodeRefused { retry_after: None },
            Came::Paused(seconds) => IdentityError::CodeRefused { retry_after: Some(seconds) },
            Came::Again => IdentityError::PasswordAgain,
        };
        self.0.passwords.pad(Duration::ZERO).await?;
        Err(error)
    }

    /// Whose a ticket is, for the audit log.
    pub(super) async fn ticket_owner(
        &self,
        ticket: [u8; 32],
        place: [u8; 32],
    ) -> Result<Option<String>, IdentityError> {
        let now_us = i64::try_from(self.0.clock.now().unix_us).unwrap_or(i64::MAX);
        let read = self.0.db.read::<_, StoreError>(seawall_store::Lane::Interactive, move |tx| {
            Ok(tickets::find(tx, &ticket, &place, now_us)?.map(|ticket| ticket.user_id))
        });
        Ok(read.await?)
    }

    fn take_second(
        &self,
        tx: &mut Tx<'_>,
        facts: &Facts,
        asked: &Second,
        (digest, place): ([u8; 32], [u8; 32]),
        fresh: [u8; 32],
    ) -> Result<Came, StoreError> {
        let now_us = tx.at_us();
        let Some(ticket) = tickets::find(tx, &digest, &place, now_us)? else { return Ok(Came::Again) };
        let user_id = ticket.user_id;
        match self.judge_code(tx, &user_id, asked.code.expose(), false)? {
            Judged::Wrong => return Ok(Came::Wrong),
            Judged::Paused { retry_after } => {
                tickets::void(tx, &user_id)?;
                return Ok(Came::Paused(retry_after));
            }
            Judged::Right => {}
        }
        // Of two requests with one ticket, one takes it.
        if !tickets::take(tx, &digest)? || !users::signs_in_as(tx, &user_id, ticket.user_version)? {
            return Ok(Came::Again);
        }
        self.end_presented(tx, facts)?;
        let session = self.begin_session(tx, facts, &user_id, fresh, asked.user_agent.as_deref(), ActsFor::First)?;
        sessions::second_factor(tx, &session.id)?;
        let device = self.device(asked.device.as_deref());
        if device.is_none_or(|device| device.user_id != user_id) {
            self.notify_of_device(tx, &user_id, facts, asked.user_agent.as_deref())?;
        }
        Ok(match users::by_id(tx, &user_id)? {
            Some(known) => Came::SignedIn(Box::new((known.user, session))),
            None => Came::Again,
        })
    }
}
