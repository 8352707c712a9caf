//! Sessions of the application on several devices: made by somebody, joined with a token that serves once, terminated (checklist WK-10).

use seawall_core::{facts::Facts, principal::Principal};
use seawall_store::{FromRow, Lane, ReadTx, Row, StoreError, Tx, audit::Entry};
use serde_json::{Map, json};

use super::{People, cause, devices::device_name};
use crate::{
    IdentityError,
    sessions::{Token, digest_of},
};

/// How long there is to join.
const TOKEN_US: i64 = 2 * 60 * 1_000_000;

/// The most sessions of one user that are not over, the most who join one, and the most tokens of one that were not used.
const MOST: i64 = 100;

/// A session of the application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppSession {
    /// The id: a UUIDv7.
    pub id: String,
    /// Whose it is.
    pub user_id: String,
    /// What it is called.
    pub name: String,
    /// When it was made, in microseconds since 1970-01-01T00:00:00Z.
    pub created_at: i64,
    /// When it was terminated.
    pub ended_at: Option<i64>,
    /// Who joined: users, keys and devices.
    pub members: Vec<String>,
}

impl FromRow for AppSession {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.at(0)?,
            user_id: row.at(1)?,
            name: row.at(2)?,
            created_at: row.at(3)?,
            ended_at: row.at(4)?,
            members: Vec::new(),
        })
    }
}

/// With what somebody joins.
#[derive(Debug)]
pub struct AppSessionToken {
    /// The token.
    pub token: Token,
    /// Until when it holds, in microseconds since 1970-01-01T00:00:00Z.
    pub expires_at: i64,
}

impl People {
    /// Makes a session, which its maker has joined.
    ///
    /// # Errors
    /// [`IdentityError::Invalid`], among others when its owner has as many as may be.
    pub async fn begin_app_session(
        &self,
        facts: &Facts,
        principal: &Principal,
        name: &str,
    ) -> Result<AppSession, IdentityError> {
        let name = device_name(name)?;
        let (user_id, maker) = (principal.user_id().to_string(), principal.id.to_string());
        let begun = self.write(cause(facts), move |tx| {
            let sql = "SELECT COUNT(*) FROM app_sessions WHERE user_id = $1 AND ended_at IS NULL";
            let (held,): (i64,) = tx.one(sql, &[&user_id])?;
            if held >= MOST {
                return Ok(None);
            }
            let (id, now) = (tx.fresh_id()?, tx.at_us());
            let sql = "INSERT INTO app_sessions (id, user_id, name, created_at) VALUES ($1, $2, $3, $4)";
            tx.execute(sql, &[&id, &user_id, &name, &now])?;
            join(tx, &id, &maker)?;
            let after = Map::from_iter([("user".to_owned(), json!(user_id)), ("name".to_owned(), json!(name))]);
            tx.audit(Entry::new("app_session.began", "app_session", &*id).made(after))?;
            find(tx, &id)
        });
        let full = || IdentityError::Invalid(format!("a user has {MOST} sessions of the application at most; end one"));
        begun.await?.ok_or_else(full)
    }

    /// Makes a token with which somebody joins a session, once.
    ///
    /// # Errors
    /// [`IdentityError::NoAppSession`] when the principal is none of its members, or it is over.
    pub async fn offer_app_session(
        &self,
        facts: &Facts,
        principal: &Principal,
        id: &str,
    ) -> Result<AppSessionToken, IdentityError> {
        let token = Token::new().map_err(IdentityError::Random)?;
        let (digest, wanted, who) = (token.digest(), id.to_owned(), asker(principal));
        let offered = self.write(cause(facts), move |tx| {
            let known = find(tx, &wanted)?.filter(|session| session.ended_at.is_none() && is_of(session, &who));
            if known.is_none() {
                return Ok(None);
            }
            let (now, expires_at) = (tx.at_us(), tx.at_us().saturating_add(TOKEN_US));
            tx.execute("DELETE FROM app_session_tokens WHERE session_id = $1 AND expires_at <= $2", &[&wanted, &now])?;
            let sql = "SELECT COUNT(*) FROM app_session_tokens WHERE session_id = $1";
            let (under_way,): (i64,) = tx.one(sql, &[&wanted])?;
            if under_way >= MOST {
                return Ok(Some(None));
            }
            let sql = "INSERT INTO app_session_tokens (digest, session_id, expires_at) VALUES ($1, $2, $3)";
            tx.execute(sql, &[&digest, &wanted, &expires_at])?;
            tx.audit(Entry::new("app_session.offered", "app_session", &*wanted))?;
            Ok(Some(Some(expires_at)))
        });
        match offered.await? {
            Some(Some(expires_at)) => Ok(AppSessionToken { token, expires_at }),
            Some(None) => Err(IdentityError::Crowded),
            None => Err(IdentityError::NoAppSession(id.to_owned())),
        }
    }

    /// Joins the session of a token, which is used up by it.
    ///
    /// # Errors
    /// [`IdentityError::DeviceRefused`] when the token does not hold.
    pub async fn join_app_session(
        &self,
        facts: &Facts,
        principal: &Principal,
        token: &str,
    ) -> Result<AppSession, IdentityError> {
        let refused = || IdentityError::DeviceRefused { retry_after: None };
        let digest = digest_of(token.as_bytes()).ok_or_else(refused)?;
        let joiner = principal.id.to_string();
        let joined = self.write(cause(facts), move |tx| {
            let now = tx.at_us();
            let sql = "DELETE FROM app_session_tokens WHERE digest = $1 AND expires_at > $2 RETURNING session_id";
            let taken: Option<(String,)> = tx.all(sql, &[&digest, &now])?.into_iter().next();
            let Some((id,)) = taken else { return Ok(None) };
            let Some(session) = find(tx, &id)?.filter(|session| session.ended_at.is_none()) else { return Ok(None) };
            let known = session.members.contains(&joiner);
            if !known && i64::try_from(session.members.len()).unwrap_or(i64::MAX) >= MOST {
                return Ok(None);
            }
            join(tx, &id, &joiner)?;
            let after = Map::from_iter([("principal".to_owned(), json!(joiner))]);
            tx.audit(Entry::new("app_session.joined", "app_session", &*id).made(after))?;
            find(tx, &id)
        });
        joined.await?.ok_or_else(refused)
    }

    /// Terminates a session.
    ///
    /// # Errors
    /// [`IdentityError::NoAppSession`] when the principal's user has no such session that is not over.
    pub async fn end_app_session(&self, facts: &Facts, principal: &Principal, id: &str) -> Result<(), IdentityError> {
        let (wanted, user_id) = (id.to_owned(), principal.user_id().to_string());
        let ended = self.write(cause(facts), move |tx| {
            let now = tx.at_us();
            let sql = "UPDATE app_sessions SET ended_at = $3 WHERE id = $1 AND user_id = $2 AND ended_at IS NULL";
            if tx.execute(sql, &[&wanted, &user_id, &now])? == 0 {
                return Ok(false);
            }
            tx.execute("DELETE FROM app_session_tokens WHERE session_id = $1", &[&wanted])?;
            let at = |at| Map::from_iter([("ended_at".to_owned(), at)]);
            let entry = Entry::new("app_session.ended", "app_session", &*wanted);
            tx.audit(entry.changed(at(json!(null)), at(json!(now))))?;
            Ok(true)
        });
        if ended.await? { Ok(()) } else { Err(IdentityError::NoAppSession(id.to_owned())) }
    }

    /// A session, for those who are in it.
    ///
    /// # Errors
    /// [`IdentityError::NoAppSession`].
    pub async fn app_session(&self, principal: &Principal, id: &str) -> Result<AppSession, IdentityError> {
        let (wanted, who) = (id.to_owned(), asker(principal));
        let found = self.0.db.read::<_, StoreError>(Lane::Interactive, move |tx| find(tx, &wanted));
        let found = found.await?.filter(|session| is_of(session, &who));
        found.ok_or_else(|| IdentityError::NoAppSession(id.to_owned()))
    }

    /// The sessions that the principal made or joined and that are not over, the latest first.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn app_sessions(&self, principal: &Principal) -> Result<Vec<AppSession>, IdentityError> {
        let (user_id, own) = asker(principal);
        let read = self.0.db.read::<_, StoreError>(Lane::Interactive, move |tx| {
            tx.all(
                "SELECT id, user_id, name, created_at, ended_at FROM app_sessions
                 WHERE ended_at IS NULL AND (user_id = $1
                     OR id IN (SELECT session_id FROM app_session_members WHERE principal_id = $2))
                 ORDER BY id DESC LIMIT $3",
                &[&user_id, &own, &MOST],
            )
        });
        Ok(read.await?)
    }
}

/// Ends the sessions of a user who is deleted, and forgets what they were called and who was to join them.
pub(super) fn forget(tx: &mut Tx<'_>, user_id: &str) -> Result<(), StoreError> {
    let now = tx.at_us();
    let sql = "UPDATE app_sessions SET ended_at = COALESCE(ended_at, $2), name = '' WHERE user_id = $1";
    tx.execute(sql, &[&user_id, &now])?;
    let sql = "DELETE FROM app_session_tokens WHERE session_id IN (SELECT id FROM app_sessions WHERE user_id = $1)";
    tx.execute(sql, &[&user_id]).map(drop)
}

/// The user of a principal, and the principal itself.
fn asker(principal: &Principal) -> (String, String) {
    (principal.user_id().to_string(), principal.id.to_string())
}

/// Whether a session is the user's, or one that the principal joined.
fn is_of(session: &AppSession, (user_id, own): &(String, String)) -> bool {
    session.user_id == *user_id || session.members.contains(own)
}

fn find(tx: &mut ReadTx<'_>, id: &str) -> Result<Option<AppSession>, StoreError> {
    let sql = "SELECT id, user_id, name, created_at, ended_at FROM app_sessions WHERE id = $1";
    let found: Option<AppSession> = tx.find(sql, &[&id])?;
    let Some(session) = found else { return Ok(None) };
    let sql = "SELECT principal_id FROM app_session_members WHERE session_id = $1 ORDER BY joined_at, principal_id";
    let rows: Vec<(String,)> = tx.all(sql, &[&id])?;
    Ok(Some(AppSession { members: rows.into_iter().map(|(id,)| id).collect(), ..session }))
}

fn join(tx: &mut Tx<'_>, id: &str, principal: &str) -> Result<(), StoreError> {
    let now = tx.at_us();
    tx.execute(
        "INSERT INTO app_session_members (session_id, principal_id, joined_at) VALUES ($1, $2, $3)
         ON CONFLICT (session_id, principal_id) DO NOTHING",
        &[&id, &principal, &now],
    )
    .map(drop)
}
