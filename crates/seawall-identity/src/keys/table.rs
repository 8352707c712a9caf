//! The table of keys.

use seawall_core::scope::Scope;
use seawall_store::{FromRow, LooseWrite, Merge, ReadTx, Row, StoreError, Tx};

use super::{Wish, live::LiveKey, text::KeyText, wish::scopes};

/// The most keys of one user that hold.
pub(crate) const MOST_OF_A_USER: i64 = 100;

/// The most keys of one user that are shown, ended ones among them.
const MOST_SHOWN: u32 = 500;

/// When a key was last used, and from where: `$1` is the key's id, a space, and the address. A moment of it may be lost.
pub(crate) const USED: LooseWrite = LooseWrite {
    sql: "UPDATE api_keys SET used_at = $2, used_from = substr(CAST($1 AS TEXT), 10)
          WHERE id = substr(CAST($1 AS TEXT), 1, 8) AND (used_at IS NULL OR used_at < $2)",
    merge: Merge::Greatest,
};

/// A key, as its owner and operators see it: without what opens anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// The public id.
    pub id: String,
    /// Whose it is.
    pub user_id: String,
    /// What it is for.
    pub label: String,
    /// To what it is bounded.
    pub scopes: Vec<Scope>,
    /// From where it may be used; none is anywhere.
    pub networks: Vec<String>,
    /// How often.
    pub rate: Option<String>,
    /// When it was made, in microseconds since 1970-01-01T00:00:00Z.
    pub created_at: i64,
    /// When it ends.
    pub expires_at: Option<i64>,
    /// When it was last used, to a minute.
    pub used_at: Option<i64>,
    /// From where.
    pub used_from: Option<String>,
    /// When it was taken back.
    pub revoked_at: Option<i64>,
    /// The key that takes its place.
    pub successor: Option<String>,
    /// The organisation that it acts for.
    pub organisation_id: Option<String>,
}

impl ApiKey {
    /// Whether it holds, as a word.
    #[must_use]
    pub fn state(&self, now_us: i64) -> &'static str {
        match (self.revoked_at, self.expires_at) {
            (Some(_), _) => "revoked",
            (None, Some(at)) if at <= now_us => "expired",
            _ => "holds",
        }
    }
}

impl FromRow for ApiKey {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let networks: String = row.at(4)?;
        Ok(Self {
            id: row.at(0)?,
            user_id: row.at(1)?,
            label: row.at(2)?,
            scopes: scopes(&row.at::<String>(3)?),
            networks: networks.split(',').filter(|part| !part.is_empty()).map(str::to_owned).collect(),
            rate: row.at(5)?,
            created_at: row.at(6)?,
            expires_at: row.at(7)?,
            used_at: row.at(8)?,
            used_from: row.at(9)?,
            revoked_at: row.at(10)?,
            successor: row.at(11)?,
            organisation_id: row.at(12)?,
        })
    }
}

/// Adds a key of a user.
pub(crate) fn add(tx: &mut Tx<'_>, key: &KeyText, user_id: &str, wish: &Wish) -> Result<(), StoreError> {
    let now = tx.at_us();
    tx.execute(
        "INSERT INTO api_keys (id, secret_digest, user_id, label, scopes, networks, rate, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        &[
            &key.id(),
            &key.digest(),
            &user_id,
            &wish.label,
            &wish.scopes,
            &wish.networks,
            &wish.rate,
            &now,
            &wish.lasts_us.map(|lasts| now.saturating_add(lasts)),
        ],
    )
    .map(drop)
}

/// How many keys of a user hold.
pub(crate) fn held(tx: &mut ReadTx<'_>, user_id: &str, now_us: i64) -> Result<i64, StoreError> {
    let (held,) = tx.one(
        "SELECT COUNT(*) FROM api_keys WHERE user_id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)",
        &[&user_id, &now_us],
    )?;
    Ok(held)
}

/// The key of an id, and whose it is, whether it holds or not.
pub(crate) fn live(tx: &mut ReadTx<'_>, id: &str) -> Result<Option<LiveKey>, StoreError> {
    tx.find(
        "SELECT api_keys.id, secret_digest, scopes, networks, rate, api_keys.created_at, expires_at, used_at, revoked_at,
                users.id, users.name, roles, disabled, api_keys.organisation_id, memberships.role, organisations.tier
         FROM api_keys JOIN users ON users.id = api_keys.user_id
         LEFT JOIN memberships ON memberships.organisation_id = api_keys.organisation_id AND memberships.user_id = users.id
         LEFT JOIN organisations ON organisations.id = memberships.organisation_id
         WHERE api_keys.id = $1",
        &[&id],
    )
}

/// A key as it is shown.
pub(crate) fn by_id(tx: &mut ReadTx<'_>, id: &str) -> Result<Option<ApiKey>, StoreError> {
    tx.find(
        "SELECT id, user_id, label, scopes, networks, rate, created_at, expires_at, used_at, used_from, revoked_at, successor, organisation_id
         FROM api_keys WHERE id = $1",
        &[&id],
    )
}

/// A user's keys, the latest first.
pub(crate) fn of_user(tx: &mut ReadTx<'_>, user_id: &str) -> Result<Vec<ApiKey>, StoreError> {
    tx.all(
        "SELECT id, user_id, label, scopes, networks, rate, created_at, expires_at, used_at, used_from, revoked_at, successor, organisation_id
         FROM api_keys WHERE user_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2",
        &[&user_id, &MOST_SHOWN],
    )
}

/// All keys in the order in which they were made, after one of them.
pub(crate) fn page(tx: &mut ReadTx<'_>, after: &(i64, String), limit: u32) -> Result<Vec<ApiKey>, StoreError> {
    tx.all(
        "SELECT id, user_id, label, scopes, networks, rate, created_at, expires_at, used_at, used_from, revoked_at, successor, organisation_id
         FROM api_keys WHERE (created_at, id) > ($1, $2) ORDER BY created_at, id LIMIT $3",
        &[&after.0, &after.1, &limit],
    )
}

/// Ends all keys of a user who is deleted, and forgets what they say of somebody.
pub(crate) fn forget(tx: &mut Tx<'_>, user_id: &str) -> Result<(), StoreError> {
    let now = tx.at_us();
    let sql = "UPDATE api_keys SET revoked_at = COALESCE(revoked_at, $2), label = '', networks = '', used_from = NULL
        WHERE user_id = $1";
    tx.execute(sql, &[&user_id, &now]).map(drop)
}

/// Takes a key back, and answers whether it had not been.
pub(crate) fn revoke(tx: &mut Tx<'_>, id: &str) -> Result<bool, StoreError> {
    let now = tx.at_us();
    Ok(tx.execute("UPDATE api_keys SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL", &[&id, &now])? > 0)
}

/// Lets a key that has no successor end then at the latest, in favour of another. Answers whether it had none.
pub(crate) fn succeed(tx: &mut Tx<'_>, id: &str, successor: &str, ends_at: i64) -> Result<bool, StoreError> {
    let sql = "UPDATE api_keys SET successor = $2,
                   expires_at = CASE WHEN expires_at IS NULL OR expires_at > $3 THEN $3 ELSE expires_at END
               WHERE id = $1 AND revoked_at IS NULL AND successor IS NULL";
    Ok(tx.execute(sql, &[&id, &successor, &ends_at])? > 0)
}

/// The ids of a user's keys that were not taken back, so that what is known of them can be forgotten.
pub(crate) fn ids(tx: &mut ReadTx<'_>, user_id: &str) -> Result<Vec<String>, StoreError> {
    let rows: Vec<(String,)> =
        tx.all("SELECT id FROM api_keys WHERE user_id = $1 AND revoked_at IS NULL", &[&user_id])?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Keys that were taken back since then, those of users who are kept out, and those that act for an organisation which their user has
/// left: the next ones after this id, at most so many.
pub(crate) fn ended_after(tx: &mut ReadTx<'_>, since_us: i64, id: &str, most: u32) -> Result<Vec<String>, StoreError> {
    let rows: Vec<(String,)> = tx.all(
        "SELECT api_keys.id FROM api_keys JOIN users ON users.id = user_id
         WHERE api_keys.id > $2 AND (revoked_at >= $1 OR disabled
             OR (organisation_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM memberships
                 WHERE memberships.organisation_id = api_keys.organisation_id AND memberships.user_id = users.id)))
         ORDER BY api_keys.id LIMIT $3",
        &[&since_us, &id, &most],
    )?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}
