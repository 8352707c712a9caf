//! A passkey as the second step after a password, and as a younger proof of who is signed in.

use std::time::Duration;

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use seawall_core::{facts::Facts, principal::Principal};
use seawall_store::{
    Actor, Lane, StoreError, Tx,
    audit::{Entry, Outcome},
};
use serde_json::{Map, json};

use super::{
    super::{People, SignedIn, cause, confirm::signed_in, opening::ActsFor, request_cause},
    PasskeyOptions, assertion, tell_of_copy,
};
use crate::{
    IdentityError,
    attempts::{self, Attempt},
    factors::tickets,
    passkeys::{Ceremony, Kind, Passkey, Purpose, Refusal, SentPasskey, Shown, options, shown, table},
    sessions::{Session, Token, digest_of, table as sessions},
    users::{User, table as users},
};

/// What is shown as the second step.
#[derive(Debug)]
pub struct SecondPasskey {
    /// The ticket that the password brought.
    pub ticket: String,
    /// What the browser kept.
    pub ceremony: String,
    /// What it sent.
    pub sent: SentPasskey,
    /// With what it is done.
    pub user_agent: Option<String>,
    /// The cookie of a known device, when one came.
    pub device: Option<String>,
}

/// What a passkey came to.
enum Judged {
    Right(Box<(Passkey, Shown)>),
    Wrong,
    Paused(u64),
}

/// What a step came to.
enum Came {
    Done(Option<Box<(User, Session)>>),
    Wrong,
    Paused(u64),
    /// The ticket does not hold, or does not hold any more.
    Again,
}

impl People {
    /// What the browser is asked as the second step.
    ///
    /// # Errors
    /// [`IdentityError::PasswordAgain`] when the ticket does not hold, [`IdentityError::NoFactor`] when its owner has no passkey.
    pub async fn passkey_second_options(&self, facts: &Facts, ticket: &str) -> Result<PasskeyOptions, IdentityError> {
        let party = self.party()?;
        let digest = digest_of(ticket.as_bytes()).ok_or(IdentityError::PasswordAgain)?;
        let (place, now_us) = (self.place(facts.client), self.now_us());
        let read = self.0.db.read::<_, StoreError>(Lane::Interactive, move |tx| {
            match tickets::find(tx, &digest, &place, now_us)? {
                Some(ticket) => table::of_user(tx, &ticket.user_id).map(Some),
                None => Ok(None),
            }
        });
        let have = read.await?.ok_or(IdentityError::PasswordAgain)?;
        if have.is_empty() {
            return Err(IdentityError::NoFactor);
        }
        let ceremony = self.begin_ceremony(Purpose::Second { ticket: URL_SAFE_NO_PAD.encode(digest) })?;
        let allowed = options::descriptors(&have);
        let options = options::request(party, &ceremony.challenge, &allowed, party.user_verification);
        self.offer(&ceremony, options)
    }

    /// Signs in whoever showed the right password before, and a passkey with its ticket.
    ///
    /// # Errors
    /// [`IdentityError::PasskeyRefused`], [`IdentityError::PasswordAgain`].
    pub async fn second_passkey(&self, facts: &Facts, asked: SecondPasskey) -> Result<SignedIn, IdentityError> {
        self.0.ceremonies.counted(Kind::Second, self.sign_in_by_second_passkey(facts, asked).await)
    }

    async fn sign_in_by_second_passkey(&self, facts: &Facts, asked: SecondPasskey) -> Result<SignedIn, IdentityError> {
        self.party()?;
        let device = self.device(asked.device.as_deref());
        let _place = self.0.waiting.place(device.is_some())?;
        let digest = digest_of(asked.ticket.as_bytes());
        let wanted = digest.map(|digest| URL_SAFE_NO_PAD.encode(digest));
        let ceremony = self.ceremony(&asked.ceremony).filter(
            |ceremony| matches!(&ceremony.purpose, Purpose::Second { ticket } if Some(ticket) == wanted.as_ref()),
        );
        let token = Token::new().map_err(IdentityError::Random)?;
        let came = match (digest, ceremony) {
            (None, _) => Came::Again,
            (Some(digest), ceremony) => {
                let (people, own, fresh) = (self.clone(), facts.clone(), token.digest());
                let place = self.place(facts.client);
                let cause = match self.ticket_owner(digest, place).await? {
                    Some(user_id) => request_cause(Actor::User(Arc::from(user_id.as_str())), facts.client, facts),
                    None => cause(facts),
                };
                let step = self.write(cause, move |tx| {
                    people.take_second_passkey(tx, &own, &asked, ceremony.as_ref(), (digest, place), fresh)
                });
                step.await?
            }
        };
        let error = match came {
            Came::Done(Some(begun)) => {
                let (user, session) = *begun;
                let device = self.known_device(&user.id, device)?;
                return Ok(SignedIn { user, session, token, device });
            }
            Came::Wrong => IdentityError::PasskeyRefused { retry_after: None },
            Came::Paused(seconds) => IdentityError::PasskeyRefused { retry_after: Some(seconds) },
            Came::Done(None) | Came::Again => IdentityError::PasswordAgain,
        };
        self.0.passwords.pad(Duration::ZERO).await?;
        Err(error)
    }

    fn take_second_passkey(
        &self,
        tx: &mut Tx<'_>,
        facts: &Facts,
        asked: &SecondPasskey,
        ceremony: Option<&Ceremony>,
        (digest, place): ([u8; 32], [u8; 32]),
        fresh: [u8; 32],
    ) -> Result<Came, StoreError> {
        let now_us = tx.at_us();
        let Some(ticket) = tickets::find(tx, &digest, &place, now_us)? else { return Ok(Came::Again) };
        let user_id = ticket.user_id;
        let (passkey, shown) = match self.judge_passkey(tx, &user_id, ceremony, &asked.sent)? {
            Judged::Right(right) => *right,
            Judged::Wrong => return Ok(Came::Wrong),
            Judged::Paused(retry_after) => {
                tickets::void(tx, &user_id)?;
                return Ok(Came::Paused(retry_after));
            }
        };
        // Of two requests with one ticket, one takes it.
        if !tickets::take(tx, &digest)? || !users::signs_in_as(tx, &user_id, ticket.user_version)? {
            return Ok(Came::Again);
        }
        if !table::used(tx, &passkey, shown)? {
            return Ok(Came::Wrong);
        }
        self.end_presented(tx, facts)?;
        let session = self.begin_session(tx, facts, &user_id, fresh, asked.user_agent.as_deref(), ActsFor::First)?;
        sessions::second_factor(tx, &session.id)?;
        let device = self.device(asked.device.as_deref());
        if device.is_none_or(|device| device.user_id != user_id) {
            self.notify_of_device(tx, &user_id, facts, asked.user_agent.as_deref())?;
        }
        Ok(Came::Done(users::by_id(tx, &user_id)?.map(|known| Box::new((known.user, session)))))
    }

    /// What the browser is asked for a younger proof.
    ///
    /// # Errors
    /// [`IdentityError::NoFactor`] when there is no passkey.
    pub async fn passkey_confirm_options(&self, principal: &Principal) -> Result<PasskeyOptions, IdentityError> {
        let party = self.party()?;
        let have = self.passkeys(&principal.id).await?;
        if have.is_empty() {
            return Err(IdentityError::NoFactor);
        }
        let session = principal.session.as_deref().unwrap_or_default().to_owned();
        let ceremony = self.begin_ceremony(Purpose::Confirm { user: principal.id.to_string(), session })?;
        let allowed = options::descriptors(&have);
        let options = options::request(party, &ceremony.challenge, &allowed, party.user_verification);
        self.offer(&ceremony, options)
    }

    /// Takes a passkey as proof that it is the principal: its session goes on under a fresh token.
    ///
    /// # Errors
    /// [`IdentityError::PasskeyRefused`].
    pub async fn confirm_with_passkey(
        &self,
        facts: &Facts,
        principal: &Principal,
        ceremony: &str,
        sent: SentPasskey,
        user_agent: Option<String>,
    ) -> Result<SignedIn, IdentityError> {
        let confirmed = self.confirm_by_passkey(facts, principal, ceremony, sent, user_agent).await;
        self.0.ceremonies.counted(Kind::Confirm, confirmed)
    }

    async fn confirm_by_passkey(
        &self,
        facts: &Facts,
        principal: &Principal,
        ceremony: &str,
        sent: SentPasskey,
        user_agent: Option<String>,
    ) -> Result<SignedIn, IdentityError> {
        self.party()?;
        let _place = self.0.waiting.place(true)?;
        let ceremony = self.ceremony(ceremony).filter(|ceremony| match &ceremony.purpose {
            Purpose::Confirm { user, session } => {
                **user == *principal.id && Some(session.as_str()) == principal.session.as_deref()
            }
            _ => false,
        });
        let token = Token::new().map_err(IdentityError::Random)?;
        let (people, own, by, fresh) = (self.clone(), facts.clone(), principal.clone(), token.digest());
        let came = self.write(cause(facts), move |tx| {
            let (passkey, shown) = match people.judge_passkey(tx, &by.id, ceremony.as_ref(), &sent)? {
                Judged::Right(right) => *right,
                Judged::Wrong => return Ok(Came::Wrong),
                Judged::Paused(seconds) => return Ok(Came::Paused(seconds)),
            };
            if !table::used(tx, &passkey, shown)? {
                return Ok(Came::Wrong);
            }
            // Beside the password, or what else began the session, it is a second factor whether or not it looked at who holds it.
            let by = Principal { second_factor: true, ..by.clone() };
            let renewed = people.renew(tx, &own, &by, (fresh, user_agent.as_deref()), "passkey")?;
            Ok(Came::Done(renewed.map(Box::new)))
        });
        let retry_after = match came.await? {
            Came::Done(renewed) => return signed_in(renewed.map(|renewed| *renewed), token, &principal.id),
            Came::Wrong | Came::Again => None,
            Came::Paused(seconds) => Some(seconds),
        };
        self.0.passwords.pad(Duration::ZERO).await?;
        Err(IdentityError::PasskeyRefused { retry_after })
    }

    /// Counts a passkey of a user, as codes are counted, and looks at it.
    fn judge_passkey(
        &self,
        tx: &mut Tx<'_>,
        user_id: &str,
        ceremony: Option<&Ceremony>,
        sent: &SentPasskey,
    ) -> Result<Judged, StoreError> {
        let key = self.codes_key(user_id);
        let last = match attempts::count(tx, &key, attempts::CODES)? {
            Attempt::Paused { retry_after } => return Ok(Judged::Paused(retry_after)),
            Attempt::Heard { last } => last,
        };
        let passkey = if sent.is_whole() { table::by_credential(tx, &sent.id)? } else { None };
        // One of another user's is none.
        let passkey = passkey.filter(|passkey| passkey.user_id == user_id);
        let handle = table::known_handle(tx, user_id)?;
        let judged = match (ceremony, &self.0.settings.passkeys, &passkey) {
            (Some(ceremony), Some(party), Some(passkey)) if table::use_challenge(tx, &ceremony.used())? => {
                match &sent.response.user_handle {
                    Some(sent) if handle.as_ref() != Some(sent) => Err(Refusal::UserHandle),
                    _ => shown(party.expected(ceremony, party.verified()), passkey.known(), assertion(sent)),
                }
            }
            (Some(_), Some(_), None) => Err(Refusal::Unknown),
            _ => Err(Refusal::Challenge),
        };
        let mut after = Map::from_iter([("by".to_owned(), json!("passkey"))]);
        match (judged, passkey) {
            (Ok(shown), Some(passkey)) => {
                attempts::clear(tx, &key)?;
                after.insert("passkey".to_owned(), json!(passkey.id));
                tx.audit(Entry::new("user.second_factor", "user", user_id).made(after))?;
                Ok(Judged::Right(Box::new((passkey, shown))))
            }
            (judged, passkey) => {
                let refusal = judged.err().unwrap_or(Refusal::Unknown);
                tracing::debug!(why = %refusal, "a passkey was refused");
                after.insert("why".to_owned(), json!(refusal.to_string()));
                if last {
                    after.insert("paused".to_owned(), json!(true));
                }
                let entry = Entry::new("user.second_factor", "user", user_id).made(after);
                tx.audit(entry.with_outcome(Outcome::Refused))?;
                if let Some(passkey) = &passkey {
                    tell_of_copy(tx, passkey, &refusal)?;
                }
                Ok(Judged::Wrong)
            }
        }
    }
}
