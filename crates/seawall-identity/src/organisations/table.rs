//! The tables of organisations and their members.

use seawall_core::{membership::Tier, principal::Role};
use seawall_store::{FromRow, ReadTx, Row, StoreError, Tx};

/// The most organisations of one user, and the most members of one organisation: all of them are told when it changes.
pub(crate) const MOST_OF_A_USER: i64 = 100;
pub(crate) const MOST_MEMBERS: i64 = 10_000;

/// An organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organisation {
    /// The id: a UUIDv7.
    pub id: String,
    /// The name as it is shown.
    pub name: String,
    /// The tier.
    pub tier: Option<String>,
    /// When it was added, in microseconds since 1970-01-01T00:00:00Z.
    pub created_at: i64,
}

impl FromRow for Organisation {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self { id: row.at(0)?, name: row.at(1)?, tier: row.at(2)?, created_at: row.at(3)? })
    }
}

/// A member of an organisation; or, of a user, an organisation that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The organisation.
    pub organisation: Organisation,
    /// The user.
    pub user_id: String,
    /// The user's name.
    pub user_name: String,
    /// The role in it.
    pub role: String,
    /// Since when.
    pub since: i64,
}

impl FromRow for Member {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let organisation = Organisation::from_row(row)?;
        Ok(Self { organisation, user_id: row.at(4)?, user_name: row.at(5)?, role: row.at(6)?, since: row.at(7)? })
    }
}

/// Adds an organisation.
pub(crate) fn add(tx: &mut Tx<'_>, id: &str, name: &str, key: &str, tier: Option<&Tier>) -> Result<(), StoreError> {
    let (now, tier) = (tx.at_us(), tier.map(Tier::as_str));
    let sql = "INSERT INTO organisations (id, name, name_key, tier, created_at) VALUES ($1, $2, $3, $4, $5)";
    tx.execute(sql, &[&id, &name, &key, &tier, &now]).map(drop)
}

/// The organisation of this id or key of a name.
pub(crate) fn find(tx: &mut ReadTx<'_>, which: &str, key: &str) -> Result<Option<Organisation>, StoreError> {
    let sql = "SELECT id, name, tier, created_at FROM organisations WHERE id = $1 OR name_key = $2";
    tx.find(sql, &[&which, &key])
}

/// Organisations in the order in which they were added, after one of them.
pub(crate) fn page(tx: &mut ReadTx<'_>, after: &str, limit: u32) -> Result<Vec<Organisation>, StoreError> {
    let sql = "SELECT id, name, tier, created_at FROM organisations WHERE id > $1 ORDER BY id LIMIT $2";
    tx.all(sql, &[&after, &limit])
}

/// Gives an organisation another tier, or none.
pub(crate) fn set_tier(tx: &mut Tx<'_>, id: &str, tier: Option<&Tier>) -> Result<(), StoreError> {
    let tier = tier.map(Tier::as_str);
    tx.execute("UPDATE organisations SET tier = $2 WHERE id = $1", &[&id, &tier]).map(drop)
}

/// Removes an organisation and all memberships in it.
pub(crate) fn remove(tx: &mut Tx<'_>, id: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM memberships WHERE organisation_id = $1", &[&id])?;
    tx.execute("DELETE FROM organisations WHERE id = $1", &[&id]).map(drop)
}

/// The members of an organisation, after one of them.
pub(crate) fn members(tx: &mut ReadTx<'_>, id: &str, after: &str, limit: u32) -> Result<Vec<Member>, StoreError> {
    tx.all(
        "SELECT organisations.id, organisations.name, tier, organisations.created_at, users.id, users.name, role,
                memberships.created_at
         FROM memberships JOIN organisations ON organisations.id = organisation_id JOIN users ON users.id = user_id
         WHERE organisation_id = $1 AND user_id > $2 ORDER BY user_id LIMIT $3",
        &[&id, &after, &limit],
    )
}

/// The organisations of a user, the first first.
pub(crate) fn of_user(tx: &mut ReadTx<'_>, user_id: &str) -> Result<Vec<Member>, StoreError> {
    tx.all(
        "SELECT organisations.id, organisations.name, tier, organisations.created_at, users.id, users.name, role,
                memberships.created_at
         FROM memberships JOIN organisations ON organisations.id = organisation_id JOIN users ON users.id = user_id
         WHERE user_id = $1 ORDER BY memberships.created_at, organisation_id LIMIT $2",
        &[&user_id, &MOST_OF_A_USER],
    )
}

/// The organisation that a user belongs to for longest.
pub(crate) fn first(tx: &mut ReadTx<'_>, user_id: &str) -> Result<Option<String>, StoreError> {
    let sql = "SELECT organisation_id FROM memberships WHERE user_id = $1 ORDER BY created_at, organisation_id LIMIT 1";
    let found: Option<(String,)> = tx.find(sql, &[&user_id])?;
    Ok(found.map(|(id,)| id))
}

/// The id of a user's organisation of this id or key of a name.
pub(crate) fn of_user_called(
    tx: &mut ReadTx<'_>,
    user_id: &str,
    which: &str,
    key: &str,
) -> Result<Option<String>, StoreError> {
    let sql = "SELECT organisations.id FROM memberships JOIN organisations ON organisations.id = organisation_id
               WHERE user_id = $1 AND (organisations.id = $2 OR name_key = $3)";
    let found: Option<(String,)> = tx.find(sql, &[&user_id, &which, &key])?;
    Ok(found.map(|(id,)| id))
}

/// The role of a user in an organisation.
pub(crate) fn role(tx: &mut ReadTx<'_>, id: &str, user_id: &str) -> Result<Option<String>, StoreError> {
    let sql = "SELECT role FROM memberships WHERE organisation_id = $1 AND user_id = $2";
    let found: Option<(String,)> = tx.find(sql, &[&id, &user_id])?;
    Ok(found.map(|(role,)| role))
}

/// The ids of all members.
pub(crate) fn member_ids(tx: &mut ReadTx<'_>, id: &str) -> Result<Vec<String>, StoreError> {
    let rows: Vec<(String,)> = tx.all("SELECT user_id FROM memberships WHERE organisation_id = $1", &[&id])?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Whether one more fits into the organisation, and one more organisation to the user.
pub(crate) fn has_room(tx: &mut ReadTx<'_>, id: &str, user_id: &str) -> Result<bool, StoreError> {
    let (members,): (i64,) = tx.one("SELECT COUNT(*) FROM memberships WHERE organisation_id = $1", &[&id])?;
    let (own,): (i64,) = tx.one("SELECT COUNT(*) FROM memberships WHERE user_id = $1", &[&user_id])?;
    Ok(members < MOST_MEMBERS && own < MOST_OF_A_USER)
}

/// Makes a user a member in this role, or gives a member another.
pub(crate) fn set_role(tx: &mut Tx<'_>, id: &str, user_id: &str, role: &Role) -> Result<(), StoreError> {
    let now = tx.at_us();
    tx.execute(
        "INSERT INTO memberships (organisation_id, user_id, role, created_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (organisation_id, user_id) DO UPDATE SET role = $3",
        &[&id, &user_id, &role.as_str(), &now],
    )
    .map(drop)
}

/// A user belongs to an organisation no longer.
pub(crate) fn leave(tx: &mut Tx<'_>, id: &str, user_id: &str) -> Result<(), StoreError> {
    let sql = "DELETE FROM memberships WHERE organisation_id = $1 AND user_id = $2";
    tx.execute(sql, &[&id, &user_id]).map(drop)
}

/// A user belongs to none any longer.
pub(crate) fn leave_all(tx: &mut Tx<'_>, user_id: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM memberships WHERE user_id = $1", &[&user_id]).map(drop)
}

/// A key acts for an organisation that its owner belongs to.
pub(crate) fn give_key(
    tx: &mut Tx<'_>,
    key: &str,
    user_id: &str,
    organisation: Option<&str>,
) -> Result<(), StoreError> {
    let sql = "UPDATE api_keys SET organisation_id =
                   (SELECT organisation_id FROM memberships WHERE organisation_id = $2 AND user_id = $3) WHERE id = $1";
    tx.execute(sql, &[&key, &organisation, &user_id]).map(drop)
}

/// A key acts for the organisation of another.
pub(crate) fn inherit_key(tx: &mut Tx<'_>, old: &str, key: &str) -> Result<(), StoreError> {
    let sql =
        "UPDATE api_keys SET organisation_id = (SELECT organisation_id FROM api_keys WHERE id = $1) WHERE id = $2";
    tx.execute(sql, &[&old, &key]).map(drop)
}
