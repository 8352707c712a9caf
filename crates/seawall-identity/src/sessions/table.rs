//! The table of sessions.

use std::net::IpAddr;

use seawall_store::{FromRow, LooseWrite, Merge, ReadTx, Row, StoreError, Tx, meta};

use super::{Limits, Live, token::Digest};

/// The most sessions that one user has at once; the oldest ends for one more (ASVS 5.0, 7.1.2).
pub(crate) const MOST_OF_A_USER: u32 = 100;

/// The longest user agent that is kept, in characters.
const LONGEST_AGENT: usize = 120;

/// When a session was last used; a moment of it may be lost.
pub(crate) const USED: LooseWrite =
    LooseWrite { sql: "UPDATE sessions SET used_at = $2 WHERE id = $1 AND used_at < $2", merge: Merge::Greatest };

/// A session, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The public id; it opens nothing.
    pub id: String,
    /// When its owner signed in, in microseconds since 1970-01-01T00:00:00Z.
    pub created_at: i64,
    /// When it was last used, to a minute.
    pub used_at: i64,
    /// When it ends without use.
    pub idle_at: i64,
    /// When it ends at the latest.
    pub expires_at: i64,
    /// From where its owner signed in.
    pub address: String,
    /// With what.
    pub user_agent: Option<String>,
}

impl FromRow for Session {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let used_at: i64 = row.at(2)?;
        Ok(Self {
            id: row.at(0)?,
            created_at: row.at(1)?,
            used_at,
            idle_at: used_at.saturating_add(row.at(3)?),
            expires_at: row.at(4)?,
            address: row.at(5)?,
            user_agent: row.at(6)?,
        })
    }
}

/// A session that has just ended.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub(crate) id: String,
    pub(crate) digest: Digest,
}

impl FromRow for Ended {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self { id: row.at(0)?, digest: row.at(1)? })
    }
}

/// Which of a user's sessions are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// All.
    All,
    /// All but one.
    Others(String),
    /// One.
    One(String),
}

/// A session that is begun.
pub(crate) struct Begun<'a> {
    pub(crate) id: &'a str,
    pub(crate) digest: Digest,
    pub(crate) user_id: &'a str,
    pub(crate) limits: Limits,
    pub(crate) address: IpAddr,
    pub(crate) user_agent: Option<&'a str>,
    /// The organisation that it acts for.
    pub(crate) organisation: Option<&'a str>,
}

/// Begins a session.
pub(crate) fn begin(tx: &mut Tx<'_>, begun: &Begun<'_>) -> Result<(), StoreError> {
    let (now, epoch) = (tx.at_us(), meta::epoch(tx)?);
    let user_agent = begun.user_agent.map(|agent| agent.chars().take(LONGEST_AGENT).collect::<String>());
    tx.execute(
        "INSERT INTO sessions (id, token_digest, user_id, epoch, created_at, authenticated_at, used_at, idle_us, expires_at, address, user_agent, organisation_id)
         VALUES ($1, $2, $3, $4, $5, $5, $5, $6, $7, $8, $9, $10)",
        &[
            &begun.id,
            &begun.digest,
            &begun.user_id,
            &epoch,
            &now,
            &begun.limits.idle_us,
            &now.saturating_add(begun.limits.absolute_us),
            &begun.address.to_canonical().to_string(),
            &user_agent,
            &begun.organisation,
        ],
    )
    .map(drop)
}

/// A session was begun in place of one that proved so long ago who it is, and ends no later.
pub(crate) fn keep_proof(
    tx: &mut Tx<'_>,
    id: &str,
    (authenticated_at, expires_at): (i64, Option<i64>),
) -> Result<(), StoreError> {
    let sql = "UPDATE sessions SET authenticated_at = $2,
                   expires_at = CASE WHEN $3 < expires_at THEN $3 ELSE expires_at END WHERE id = $1";
    tx.execute(sql, &[&id, &authenticated_at, &expires_at.unwrap_or(i64::MAX)]).map(drop)
}

/// Notes that a session was begun with a second factor.
pub(crate) fn second_factor(tx: &mut Tx<'_>, id: &str) -> Result<(), StoreError> {
    tx.execute("UPDATE sessions SET second_factor = TRUE WHERE id = $1", &[&id]).map(drop)
}

/// Forgets from where and with what a user signed in.
pub(crate) fn forget_places(tx: &mut Tx<'_>, user_id: &str) -> Result<(), StoreError> {
    tx.execute("UPDATE sessions SET address = '', user_agent = NULL WHERE user_id = $1", &[&user_id]).map(drop)
}

/// The session of a token, when it holds.
pub(crate) fn live(tx: &mut ReadTx<'_>, digest: &Digest) -> Result<Option<Live>, StoreError> {
    let epoch = meta::epoch(tx)?;
    tx.find(
        "SELECT sessions.id, used_at, idle_us, expires_at, authenticated_at, users.id, users.name, roles, second_factor,
                memberships.organisation_id, memberships.role, organisations.tier
         FROM sessions JOIN users ON users.id = sessions.user_id
         LEFT JOIN memberships ON memberships.organisation_id = sessions.organisation_id AND memberships.user_id = users.id
         LEFT JOIN organisations ON organisations.id = memberships.organisation_id
         WHERE token_digest = $1 AND ended_at IS NULL AND epoch = $2 AND NOT disabled",
        &[digest, &epoch],
    )
}

/// A session, whether it holds or not.
pub(crate) fn by_id(tx: &mut ReadTx<'_>, id: &str) -> Result<Option<Session>, StoreError> {
    let sql = "SELECT id, created_at, used_at, idle_us, expires_at, address, user_agent FROM sessions WHERE id = $1";
    tx.find(sql, &[&id])
}

/// A user's sessions that hold, the latest first.
pub(crate) fn of_user(tx: &mut ReadTx<'_>, user_id: &str, now_us: i64) -> Result<Vec<Session>, StoreError> {
    let epoch = meta::epoch(tx)?;
    tx.all(
        "SELECT id, created_at, used_at, idle_us, expires_at, address, user_agent FROM sessions
         WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2 AND used_at + idle_us > $2 AND epoch = $3
         ORDER BY id DESC LIMIT $4",
        &[&user_id, &now_us, &epoch, &MOST_OF_A_USER],
    )
}

/// What finds a user's sessions, so that what is known of them can be forgotten.
pub(crate) fn digests(tx: &mut ReadTx<'_>, user_id: &str) -> Result<Vec<Digest>, StoreError> {
    let rows: Vec<(Digest,)> =
        tx.all("SELECT token_digest FROM sessions WHERE user_id = $1 AND ended_at IS NULL", &[&user_id])?;
    Ok(rows.into_iter().map(|(digest,)| digest).collect())
}

/// Ends sessions of a user, and answers which.
pub(crate) fn end(tx: &mut Tx<'_>, user_id: &str, which: &Which, why: &'static str) -> Result<Vec<Ended>, StoreError> {
    let now = tx.at_us();
    match which {
        Which::All => tx.all(
            "UPDATE sessions SET ended_at = $1, ended_by = $2 WHERE user_id = $3 AND ended_at IS NULL RETURNING id, token_digest",
            &[&now, &why, &user_id],
        ),
        Which::Others(own) => tx.all(
            "UPDATE sessions SET ended_at = $1, ended_by = $2 WHERE user_id = $3 AND ended_at IS NULL AND id <> $4
             RETURNING id, token_digest",
            &[&now, &why, &user_id, own],
        ),
        Which::One(id) => tx.all(
            "UPDATE sessions SET ended_at = $1, ended_by = $2 WHERE user_id = $3 AND ended_at IS NULL AND id = $4
             RETURNING id, token_digest",
            &[&now, &why, &user_id, id],
        ),
    }
}

/// Ends sessions of a user beyond the most that it may have, and answers which: first those that hold no longer, then the oldest.
pub(crate) fn end_surplus(tx: &mut Tx<'_>, user_id: &str) -> Result<Vec<Ended>, StoreError> {
    let now = tx.at_us();
    tx.all(
        "UPDATE sessions SET ended_at = $1, ended_by = 'surplus'
         WHERE id IN (SELECT id FROM sessions WHERE user_id = $2 AND ended_at IS NULL
             ORDER BY CASE WHEN expires_at > $1 AND used_at + idle_us > $1 THEN 0 ELSE 1 END, id DESC LIMIT 1000 OFFSET $3)
         RETURNING id, token_digest",
        &[&now, &user_id, &MOST_OF_A_USER],
    )
}

/// The next sessions that ended after that one, each with when it did, in that order; at most so many.
pub(crate) fn ended_after(
    tx: &mut ReadTx<'_>,
    (at_us, id): (i64, &str),
    most: u32,
) -> Result<Vec<(i64, String)>, StoreError> {
    let sql =
        "SELECT ended_at, id FROM sessions WHERE ended_at IS NOT NULL AND ended_at >= $1 AND (ended_at, id) > ($1, $2)
               ORDER BY ended_at, id LIMIT $3";
    tx.all(sql, &[&at_us, &id, &most])
}
