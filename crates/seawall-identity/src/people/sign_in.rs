//! Signing in and out.

use std::sync::Arc;

use seawall_core::{clock::Now, facts::Facts, settings::Secret};
use seawall_store::{
    Actor, StoreError, Tx,
    audit::{Entry, Outcome},
};
use serde_json::{Map, json};

use super::{People, cause, request_cause};
use crate::{
    IdentityError,
    attempts::{self, Attempt},
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
}

/// What is known of an attempt before its password is looked at.
struct Heard {
    known: Option<users::Known>,
    key: [u8; 32],
    last: bool,
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
    ///
    /// # Errors
    /// [`IdentityError::SignInRefused`] takes the same time for every reason.
    pub async fn sign_in(&self, facts: &Facts, asked: SignIn) -> Result<SignedIn, IdentityError> {
        let begun = self.0.clock.now();
        let heard = match self.hear(facts, &asked.name).await? {
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
            && let Some(signed_in) = self.begin(facts, &asked, known, hash, heard.key, verdict).await?
        {
            return Ok(signed_in);
        }
        // Without a failure, the user was changed while the password was verified.
        self.record_failure(facts, &heard, failure.unwrap_or(Failure::Wrong)).await?;
        Err(self.refuse(begun, None).await?)
    }

    /// Counts the attempt and looks for the user; or answers after how many seconds another is heard.
    async fn hear(&self, facts: &Facts, typed: &str) -> Result<Result<Heard, u64>, IdentityError> {
        let name = Name::parse(typed).ok();
        let counted_as = name.as_ref().map_or(typed, Name::key);
        let key = self.0.key.counted(counted_as, facts.client);
        let name_key = name.map(|name| name.key().to_owned());
        let heard = self.write(cause(facts), move |tx| {
            Ok(match attempts::count(tx, &key)? {
                Attempt::Paused { retry_after } => Err(retry_after),
                Attempt::Heard { last } => {
                    let known = match &name_key {
                        Some(name_key) => users::by_name(tx, name_key)?,
                        None => None,
                    };
                    Ok(Heard { known, key, last })
                }
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
        attempts_key: [u8; 32],
        verdict: Verdict,
    ) -> Result<Option<SignedIn>, IdentityError> {
        let fresh_hash = if verdict.upgrade_due { Some(self.0.passwords.hash(&asked.password).await?) } else { None };
        let token = Token::new().map_err(IdentityError::Random)?;
        let (people, facts) = (self.clone(), facts.clone());
        let (user_id, digest, agent) = (known.user.id.clone(), token.digest(), asked.user_agent.clone());
        let cause = request_cause(Actor::User(Arc::from(user_id.as_str())), facts.client, &facts);
        let begun = self.write(cause, move |tx| {
            if !users::signs_in(tx, &user_id, &hash)? {
                return Ok(None);
            }
            attempts::clear(tx, &attempts_key)?;
            if let Some(fresh_hash) = &fresh_hash
                && users::replace_hash(tx, &user_id, &hash, fresh_hash)?
            {
                tx.audit(Entry::new("user.hash_upgraded", "user", &*user_id))?;
            }
            people.end_presented(tx, &facts)?;
            let session = people.begin_session(tx, &facts, &user_id, digest, agent.as_deref())?;
            Ok(users::by_id(tx, &user_id)?.map(|known| (known.user, session)))
        });
        Ok(begun.await?.map(|(user, session)| SignedIn { user, session, token }))
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
            None => ("name", heard.key.iter().take(8).map(|byte| format!("{byte:02x}")).collect()),
        };
        let last = heard.last;
        let recorded = self.write(cause(facts), move |tx| {
            let mut after = Map::from_iter([("why".to_owned(), json!(failure.word()))]);
            if last {
                after.insert("paused".to_owned(), json!(true));
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
