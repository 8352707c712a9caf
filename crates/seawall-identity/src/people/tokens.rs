//! Tokens for programs: given to a session that has begun, whatever began it, and refreshed for as long as it holds.

use std::sync::Arc;

use http::HeaderValue;
use seawall_core::{
    authenticator::Prover,
    clock::{Clock, Now},
    facts::Facts,
    principal::Principal,
    settings::Secret,
};
use seawall_store::{
    Cause, Db, StoreError,
    audit::{Entry, Outcome},
    cache::Caches,
};
use serde_json::{Map, Value, json};

use super::{People, SignedIn, cause};
use crate::{
    IdentityError, IdentitySettings,
    attempts::AttemptsKey,
    sessions::{SessionAuthenticator, table::Which},
    tokens::{
        self, Access, Bearer, Family, Judged, KeyRing, KeyShown, Kind, Names, Proofs, RefreshToken, Rotation,
        TokenAuthenticator, TokenSecrets,
    },
    users::{User, table as users},
};

/// How long the tokens of a program hold without use, when the session may last as long.
const PROGRAM_IDLE_US: i64 = 7 * 24 * 3_600 * 1_000_000;

/// What tokens are made and verified with.
#[derive(Debug)]
pub(super) struct Office {
    pub(super) secrets: TokenSecrets,
    pub(super) names: Arc<Names>,
    pub(super) ring: KeyRing,
}

impl Office {
    /// Opens it: keys are read, and tended on the runtime that this is called on.
    pub(super) fn open(
        key: &AttemptsKey,
        settings: &IdentitySettings,
        db: &Db,
        caches: &Caches,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, IdentityError> {
        let secrets = TokenSecrets::of(key)?;
        let (issuer, audience) = (settings.issuer.as_str().to_owned(), settings.audience.as_str().to_owned());
        let names = Arc::new(Names { issuer, audience });
        let ring = KeyRing::new(db.clone(), secrets.clone(), Arc::clone(clock), caches.messages().clone());
        Ok(Self { secrets, names, ring })
    }

    /// Who knows access tokens.
    pub(super) fn authenticator(&self, sessions: &Arc<SessionAuthenticator>) -> TokenAuthenticator {
        TokenAuthenticator::new(self.ring.clone(), Arc::clone(&self.names), Arc::clone(sessions))
    }
}

/// Who keeps the tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeper {
    /// A program, which may come back after days.
    Program,
    /// A browser, whose sessions end without use as the preset says.
    Browser,
}

/// Tokens of a session.
#[derive(Debug)]
pub struct Tokens {
    /// Whose they are.
    pub user: User,
    /// The session that they show.
    pub session_id: String,
    /// The access token.
    pub access: Secret,
    /// After how many seconds it expires.
    pub expires_in: i64,
    /// The refresh token.
    pub refresh: Secret,
    /// After how many seconds that one expires, unless it is used.
    pub refresh_expires_in: i64,
}

/// What a transaction found of a refresh token.
enum Refreshing {
    Good(Box<User>, Family, i64),
    Refused,
}

impl People {
    /// Gives tokens to somebody who has signed in, in the place of the token that the session began with.
    ///
    /// # Errors
    /// [`IdentityError::RefreshRefused`] when the session has ended meanwhile.
    pub async fn give_tokens(
        &self,
        facts: &Facts,
        signed_in: SignedIn,
        keeper: Keeper,
    ) -> Result<Tokens, IdentityError> {
        let SignedIn { user, session, token, .. } = signed_in;
        let limits = self.0.settings.sessions.limits();
        let idle_us = match keeper {
            Keeper::Program => PROGRAM_IDLE_US.min(limits.absolute_us),
            Keeper::Browser => limits.idle_us,
        };
        let (people, id, user_id, old) = (self.clone(), session.id.clone(), user.id.clone(), token.digest());
        let before_us = session.idle_at.saturating_sub(session.used_at);
        let given = self.write(cause(facts), move |tx| {
            if !tokens::give(tx, &id, idle_us)? {
                return Ok(None);
            }
            tx.void(people.0.authenticator.sessions.sessions(), [old]);
            let before =
                Map::from_iter([("shown_by".to_owned(), json!("cookie")), ("idle_us".to_owned(), json!(before_us))]);
            let after = Map::from_iter([
                ("shown_by".to_owned(), json!("tokens")),
                ("idle_us".to_owned(), json!(idle_us)),
                ("user".to_owned(), json!(user_id)),
            ]);
            tx.audit(Entry::new("session.tokens_given", "session", &*id).changed(before, after))?;
            tokens::family(tx, &id)
        });
        let family = given.await?.ok_or(IdentityError::RefreshRefused)?;
        self.tokens(user, session.id, &family, 0).await
    }

    /// Takes a refresh token and gives its successor: the same one to all who ask within ten seconds. One that comes later than that
    /// was stolen, or its successor was, so the session ends.
    ///
    /// # Errors
    /// [`IdentityError::RefreshRefused`].
    pub async fn refresh(&self, cause: Cause, presented: &str) -> Result<Tokens, IdentityError> {
        let read = RefreshToken::read(&self.0.office.secrets, presented);
        let (session_id, counter) = read.ok_or(IdentityError::RefreshRefused)?;
        let (people, id) = (self.clone(), session_id.clone());
        let judged = self.write(cause, move |tx| people.rotated(tx, &id, counter)).await?;
        match judged {
            Refreshing::Good(user, family, next) => self.tokens(*user, session_id, &family, next).await,
            Refreshing::Refused => Err(IdentityError::RefreshRefused),
        }
    }

    fn rotated(&self, tx: &mut seawall_store::Tx<'_>, id: &str, counter: i64) -> Result<Refreshing, StoreError> {
        let now = tx.at_us();
        let Some(mut family) = tokens::family(tx, id)? else { return Ok(Refreshing::Refused) };
        let mut judged = tokens::judge(&family, counter, now);
        if judged == Judged::Rotate && tokens::rotate(tx, id, counter)? {
            tx.void(self.0.authenticator.sessions.sessions(), [tokens::digest_of_session(id)]);
            let turn = |turn: i64| Map::from_iter([("turn".to_owned(), json!(turn))]);
            tx.audit(Entry::new("session.refreshed", "session", id).changed(turn(counter), turn(counter + 1)))?;
            let user = users::by_id(tx, &family.user_id)?;
            family.idle_at = family.idle_at.max(now.saturating_add(family.idle_us));
            return Ok(
                user.map_or(Refreshing::Refused, |known| Refreshing::Good(Box::new(known.user), family, counter + 1))
            );
        }
        if judged == Judged::Rotate {
            // Another node has done so between the look and the change, which has waited for it.
            let Some(newer) = tokens::family(tx, id)? else { return Ok(Refreshing::Refused) };
            family = newer;
            judged = tokens::judge(&family, counter, now);
        }
        match judged {
            Judged::Again => {
                let (user, turn) = (users::by_id(tx, &family.user_id)?, family.counter);
                Ok(user.map_or(Refreshing::Refused, |known| Refreshing::Good(Box::new(known.user), family, turn)))
            }
            Judged::Replayed => {
                let after = Map::from_iter([
                    ("user".to_owned(), json!(family.user_id)),
                    ("turn".to_owned(), json!(counter)),
                    ("current_turn".to_owned(), json!(family.counter)),
                ]);
                let entry = Entry::new("session.refresh_replayed", "session", id).made(after);
                tx.audit(entry.with_outcome(Outcome::Refused))?;
                self.end_sessions(tx, &family.user_id, &Which::One(id.to_owned()), "a refresh token came twice")?;
                let session = id.to_owned();
                tx.on_commit(move || {
                    tracing::warn!(session.id = session, "a refresh token came a second time long after it was replaced, so its session was ended; one of the two who have it may be a thief");
                });
                Ok(Refreshing::Refused)
            }
            Judged::Rotate | Judged::Over => Ok(Refreshing::Refused),
        }
    }

    async fn tokens(
        &self,
        user: User,
        session_id: String,
        family: &Family,
        turn: i64,
    ) -> Result<Tokens, IdentityError> {
        let office = &self.0.office;
        let signer = office.ring.signer().await?;
        let now_us = self.now_us();
        let id = fresh_token_id()?;
        let bearer = Bearer { user_id: &user.id, session_id: &session_id, roles: &user.roles, id: &id };
        let claims = Access::claims(&office.names, &bearer, now_us, family.expires_at);
        let (claims, expires_in) = claims.map_err(|_| IdentityError::Cipher)?;
        let access = tokens::sign(&signer, Kind::Access, &claims).ok_or(IdentityError::Cipher)?;
        let refresh = RefreshToken::derive(&office.secrets, &session_id, turn).ok_or(IdentityError::Cipher)?;
        let ends_at = family.idle_at.min(family.expires_at);
        Ok(Tokens {
            session_id,
            user,
            access: access.into(),
            expires_in,
            refresh: refresh.expose().to_owned().into(),
            refresh_expires_in: ends_at.saturating_sub(now_us) / 1_000_000,
        })
    }

    /// What others verify tokens with, as JWKS.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn published_keys(&self) -> Result<Value, IdentityError> {
        Ok(self.0.office.ring.published().await?)
    }

    /// The signing keys, the oldest first.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn signing_keys(&self) -> Result<Vec<KeyShown>, IdentityError> {
        self.0.office.ring.list().await
    }

    /// Makes another signing key.
    ///
    /// # Errors
    /// [`IdentityError::TooManyKeys`], [`IdentityError::Store`].
    pub async fn rotate_keys(&self, cause: &Cause, rotation: Rotation) -> Result<Vec<KeyShown>, IdentityError> {
        self.0.office.ring.rotate(cause, rotation).await
    }

    /// Proof of a principal, for whoever asks on its behalf.
    ///
    /// # Errors
    /// [`IdentityError`] when there is no key and none can be made.
    pub async fn proof(&self, principal: &Principal) -> Result<HeaderValue, IdentityError> {
        self.make_ready_to_sign().await?;
        self.prove(principal, self.0.clock.now()).ok_or(IdentityError::Cipher)
    }

    /// For whom the application calls that shows us a proof in turn; nothing when it is none of ours, or older than an hour.
    #[must_use]
    pub fn proven(&self, token: &[u8]) -> Option<Arc<str>> {
        let office = &self.0.office;
        Proofs { ring: &office.ring, names: &office.names }.user_of(token, self.0.clock.now())
    }

    /// Makes the first signing key unless there is one, so that proof can be signed where nothing is waited for.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub async fn make_ready_to_sign(&self) -> Result<(), IdentityError> {
        self.0.office.ring.signer().await.map(drop)
    }
}

impl Prover for People {
    fn prove(&self, principal: &Principal, now: Now) -> Option<HeaderValue> {
        let office = &self.0.office;
        Proofs { ring: &office.ring, names: &office.names }.prove(principal, now)
    }
}

/// The name of one token: 128 random bits.
fn fresh_token_id() -> Result<String, IdentityError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(IdentityError::Random)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
