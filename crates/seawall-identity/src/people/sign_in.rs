//! Signing in and out.

use std::{net::IpAddr, sync::Arc};

use seawall_core::{clock::Now, facts::Facts, http::ClientKey, settings::Secret};
use seawall_store::{
    Actor, StoreError, Tx,
    audit::{Entry, Outcome},
};
use serde_json::{Map, json};

use super::{Inner, People, cause, request_cause};
use crate::{
    IdentityError,
    attempts::{Attempt, Device, Layers},
    factors::{table as factors, tickets},
    password::Verdict,
    sessions::{
        Session, Token,
        table::{self as sessions, Begun, Which},
    },
    users::{Name, User, table as users},
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

/// What is known of an attempt before its password is looked at.
struct Heard {
    known: Option<users::Known>,
    layers: Layers,
    /// The device, when it is one of the user's.
    device: Option<Device>,
    last: bool,
}

/// What the right password began.
enum Welcome {
    Session(Box<(User, Session)>),
    Ticket(i64, Vec<&'static str>),
}

/// Why an attempt failed, for the audit log alone.
#[derive(Clone, Copy)]
enum Failure {
    Unknown,
    Wrong,
    Disabled,
}

impl Failure {
    const fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown name",
            Self::Wrong => "wrong password",
            Self::Disabled => "disabled",
        }
    }
}

impl People {
    /// Signs somebody in: a fresh session with a fresh token, whatever cookie came with the request. A session that did come ends.
    /// Who has a second factor gets a ticket for it instead.
    ///
    /// # Errors
    /// [`IdentityError::SignInRefused`] takes the same time for every reason.
    pub async fn sign_in(&self, facts: &Facts, asked: SignIn) -> Result<SignInStep, IdentityError> {
        let begun = self.0.clock.now();
        let device = self.device(asked.device.as_deref());
        let _place = self.0.waiting.place(device.is_some())?;
        let heard = match self.hear(facts, &asked.name, device).await? {
            Ok(heard) => heard,
            Err(retry_after) => return Err(self.refuse(begun, Some(retry_after)).await?),
        };
        let hash = heard.known.as_ref().and_then(|known| known.password_hash.clone());
        let verdict = self.0.passwords.verify(hash.as_deref(), &asked.password).await?;
        let failure = match &heard.known {
            None => Some(Failure::Unknown),
            Some(known) if known.user.disabled => Some(Failure::Disabled),
            Some(_) if !verdict.matches => Some(Failure::Wrong),
            Some(_) => None,
        };
        if let (None, Some(known), Some(hash)) = (failure, &heard.known, hash)
            && let Some(step) = self.begin(facts, &asked, known, hash, &heard, verdict).await?
        {
            return Ok(step);
        }
        // Without a failure, the user was changed while the password was verified.
        self.record_failure(facts, &heard, failure.unwrap_or(Failure::Wrong)).await?;
        Err(self.refuse(begun, None).await?)
    }

    /// Counts the attempt and looks for the user; or answers after how many seconds another is heard.
    async fn hear(
        &self,
        facts: &Facts,
        typed: &str,
        device: Option<Device>,
    ) -> Result<Result<Heard, u64>, IdentityError> {
        let name = Name::parse(typed).ok();
        let counted_as = name.as_ref().map_or(typed, Name::key).to_owned();
        let (people, source) = (self.clone(), facts.client);
        let heard = self.write(cause(facts), move |tx| {
            let known = match &name {
                Some(name) => users::by_name(tx, name.key())?,
                None => None,
            };
            let owner = known.as_ref().map(|known| known.user.id.as_str());
            let device = device.clone().filter(|device| owner == Some(&*device.user_id));
            let Inner { key, settings, .. } = &*people.0;
            let preset = (settings.brute_force, settings.spraying);
            let layers = Layers::new(key, preset, &counted_as, source, device.as_ref());
            Ok(match layers.hear(tx)? {
                Attempt::Paused { retry_after } => Err(retry_after),
                Attempt::Heard { last } => Ok(Heard { known, layers, device, last }),
            })
        });
        Ok(heard.await?)
    }

    /// Begins the session, unless the user has been changed since its password was read.
    async fn begin(
        &self,
        facts: &Facts,
        asked: &SignIn,
        known: &users::Known,
        hash: String,
        heard: &Heard,
        verdict: Verdict,
    ) -> Result<Option<SignInStep>, IdentityError> {
        let fresh_hash = if verdict.upgrade_due { Some(self.0.passwords.hash(&asked.password).await?) } else { None };
        let token = Token::new().map_err(IdentityError::Random)?;
        let (people, facts, layers) = (self.clone(), facts.clone(), heard.layers.clone());
        let (place, known_device) = (self.place(facts.client), heard.device.is_some());
        let (user_id, digest, agent) = (known.user.id.clone(), token.digest(), asked.user_agent.clone());
        let cause = request_cause(Actor::User(Arc::from(user_id.as_str())), facts.client, &facts);
        let begun = self.write(cause, move |tx| {
            let second = factors::has_one(tx, &user_id)?;
            let as_it_was =
                if second { users::has_hash(tx, &user_id, &hash)? } else { users::signs_in(tx, &user_id, &hash)? };
            if !as_it_was {
                return Ok(None);
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
                return Ok(Some(Welcome::Ticket(expires_at, factors::kinds(tx, &user_id)?)));
            }
            people.end_presented(tx, &facts)?;
            let session = people.begin_session(tx, &facts, &user_id, digest, agent.as_deref())?;
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
                let device = self.known_device(&user.id, heard.device.clone())?;
                Some(SignInStep::SignedIn(Box::new(SignedIn { user, session, token, device })))
            }
        })
    }

    /// What a ticket that is given there is bound to.
    pub(super) fn place(&self, source: IpAddr) -> [u8; 32] {
        self.0.key.made_for("ticket", &[&ClientKey::of(source).bytes()[..]])
    }

    /// The session that the request came with ends: another takes its place (ASVS 5.0, 7.2.4).
    pub(super) fn end_presented(&self, tx: &mut Tx<'_>, facts: &Facts) -> Result<(), StoreError> {
        let Some(principal) = &facts.principal else { return Ok(()) };
        let Some(session) = &principal.session else { return Ok(()) };
        self.end_sessions(tx, &principal.id, &Which::One((**session).to_owned()), "replaced").map(drop)
    }

    /// Begins a session of a user.
    pub(super) fn begin_session(
        &self,
        tx: &mut Tx<'_>,
        facts: &Facts,
        user_id: &str,
        digest: [u8; 32],
        user_agent: Option<&str>,
    ) -> Result<Session, StoreError> {
        let (id, limits, at) = (tx.fresh_id()?, self.0.settings.sessions.limits(), tx.at_us());
        let begun = Begun { id: &id, digest, user_id, limits, address: facts.client, user_agent };
        sessions::begin(tx, &begun)?;
        self.end_surplus(tx, user_id)?;
        let after = Map::from_iter([
            ("user".to_owned(), json!(user_id)),
            ("idle_us".to_owned(), json!(limits.idle_us)),
            ("expires_at".to_owned(), json!(at.saturating_add(limits.absolute_us))),
        ]);
        tx.audit(Entry::new("session.began", "session", &*id).made(after))?;
        let session = sessions::of_user(tx, user_id, at)?.into_iter().find(|session| session.id == id);
        session.ok_or(StoreError::NoRow)
    }

    /// Records an attempt that failed. Names that were typed are recorded by their keyed hashes alone: one may be a password.
    async fn record_failure(&self, facts: &Facts, heard: &Heard, failure: Failure) -> Result<(), IdentityError> {
        let (kind, object) = match &heard.known {
            Some(known) => ("user", known.user.id.clone()),
            None => ("name", heard.layers.own().iter().take(8).map(|byte| format!("{byte:02x}")).collect()),
        };
        let (last, layers) = (heard.last, heard.layers.clone());
        let recorded = self.write(cause(facts), move |tx| {
            let source_paused = layers.failed(tx)?;
            let mut after = Map::from_iter([("why".to_owned(), json!(failure.word()))]);
            if last {
                after.insert("paused".to_owned(), json!(true));
            }
            if source_paused {
                after.insert("source_paused".to_owned(), json!(true));
            }
            tx.audit(Entry::new("user.sign_in", kind, &*object).made(after).with_outcome(Outcome::Refused))
        });
        Ok(recorded.await?)
    }

    /// The refusal, after as long as every refusal takes.
    async fn refuse(&self, begun: Now, retry_after: Option<u64>) -> Result<IdentityError, IdentityError> {
        self.0.passwords.pad(begun).await?;
        Ok(IdentityError::SignInRefused { retry_after })
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
