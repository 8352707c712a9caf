//! The table of devices.

use seawall_store::{FromRow, LooseWrite, Merge, ReadTx, Row, StoreError, Tx};

use super::{live::LiveDevice, text::DeviceText};

/// The most devices of one user that hold.
pub(crate) const MOST_OF_A_USER: i64 = 100;

/// The most devices of one user that are shown, revoked ones among them.
const MOST_SHOWN: u32 = 500;

/// When a device was last used, and from where: `$1` is its id, a space, and the address. A moment of it may be lost.
pub(crate) const USED: LooseWrite = LooseWrite {
    sql: "UPDATE devices SET used_at = $2, used_from = substr(CAST($1 AS TEXT), 10)
          WHERE id = substr(CAST($1 AS TEXT), 1, 8) AND (used_at IS NULL OR used_at < $2)",
    merge: Merge::Greatest,
};

/// A device, as its owner and operators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// The public id.
    pub id: String,
    /// Whose it is.
    pub user_id: String,
    /// For which organisation it acts.
    pub organisation_id: Option<String>,
    /// What it is called.
    pub name: String,
    /// When it was paired, in microseconds since 1970-01-01T00:00:00Z.
    pub created_at: i64,
    /// From where.
    pub paired_from: String,
    /// When it was last used, to a minute.
    pub used_at: Option<i64>,
    /// From where.
    pub used_from: Option<String>,
    /// When it was revoked.
    pub revoked_at: Option<i64>,
}

impl FromRow for Device {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.at(0)?,
            user_id: row.at(1)?,
            organisation_id: row.at(2)?,
            name: row.at(3)?,
            created_at: row.at(4)?,
            paired_from: row.at(5)?,
            used_at: row.at(6)?,
            used_from: row.at(7)?,
            revoked_at: row.at(8)?,
        })
    }
}

/// A device that is added.
pub(crate) struct Fresh<'a> {
    pub(crate) text: &'a DeviceText,
    pub(crate) user_id: &'a str,
    pub(crate) organisation_id: Option<&'a str>,
    pub(crate) name: &'a str,
    pub(crate) paired_from: &'a str,
}

/// Adds a device.
pub(crate) fn add(tx: &mut Tx<'_>, fresh: &Fresh<'_>) -> Result<(), StoreError> {
    let now = tx.at_us();
    tx.execute(
        "INSERT INTO devices (id, secret_digest, user_id, organisation_id, name, created_at, paired_from)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &[
            &fresh.text.id(),
            &fresh.text.digest(),
            &fresh.user_id,
            &fresh.organisation_id,
            &fresh.name,
            &now,
            &fresh.paired_from,
        ],
    )
    .map(drop)
}

/// How many devices of a user hold.
pub(crate) fn held(tx: &mut ReadTx<'_>, user_id: &str) -> Result<i64, StoreError> {
    let sql = "SELECT COUNT(*) FROM devices WHERE user_id = $1 AND revoked_at IS NULL";
    let (held,) = tx.one(sql, &[&user_id])?;
    Ok(held)
}

/// The device of an id, and whose it is, whether it holds or not.
pub(crate) fn live(tx: &mut ReadTx<'_>, id: &str) -> Result<Option<LiveDevice>, StoreError> {
    tx.find(
        "SELECT devices.id, secret_digest, devices.created_at, used_at, revoked_at, devices.organisation_id,
                users.id, users.name, roles, disabled, memberships.role, organisations.tier
         FROM devices JOIN users ON users.id = devices.user_id
         LEFT JOIN memberships ON memberships.organisation_id = devices.organisation_id AND memberships.user_id = users.id
         LEFT JOIN organisations ON organisations.id = memberships.organisation_id
         WHERE devices.id = $1",
        &[&id],
    )
}

/// A device as it is shown.
pub(crate) fn by_id(tx: &mut ReadTx<'_>, id: &str) -> Result<Option<Device>, StoreError> {
    tx.find(
        "SELECT id, user_id, organisation_id, name, created_at, paired_from, used_at, used_from, revoked_at
         FROM devices WHERE id = $1",
        &[&id],
    )
}

/// A user's devices, the latest first.
pub(crate) fn of_user(tx: &mut ReadTx<'_>, user_id: &str) -> Result<Vec<Device>, StoreError> {
    tx.all(
        "SELECT id, user_id, organisation_id, name, created_at, paired_from, used_at, used_from, revoked_at
         FROM devices WHERE user_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2",
        &[&user_id, &MOST_SHOWN],
    )
}

/// All devices in the order in which they were paired, after one of them.
pub(crate) fn page(tx: &mut ReadTx<'_>, after: &(i64, String), limit: u32) -> Result<Vec<Device>, StoreError> {
    tx.all(
        "SELECT id, user_id, organisation_id, name, created_at, paired_from, used_at, used_from, revoked_at
         FROM devices WHERE (created_at, id) > ($1, $2) ORDER BY created_at, id LIMIT $3",
        &[&after.0, &after.1, &limit],
    )
}

/// Calls a device something else.
pub(crate) fn rename(tx: &mut Tx<'_>, id: &str, name: &str) -> Result<(), StoreError> {
    tx.execute("UPDATE devices SET name = $2 WHERE id = $1", &[&id, &name]).map(drop)
}

/// Revokes a device, and answers whether it had not been.
pub(crate) fn revoke(tx: &mut Tx<'_>, id: &str) -> Result<bool, StoreError> {
    let now = tx.at_us();
    Ok(tx.execute("UPDATE devices SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL", &[&id, &now])? > 0)
}

/// Ends all devices of a user who is deleted, and forgets what they say of somebody.
pub(crate) fn forget(tx: &mut Tx<'_>, user_id: &str) -> Result<(), StoreError> {
    let now = tx.at_us();
    let sql = "UPDATE devices SET revoked_at = COALESCE(revoked_at, $2), name = '', paired_from = '', used_from = NULL
        WHERE user_id = $1";
    tx.execute(sql, &[&user_id, &now]).map(drop)
}

/// The ids of a user's devices that were not revoked, so that what is known of them can be forgotten.
pub(crate) fn ids(tx: &mut ReadTx<'_>, user_id: &str) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT id FROM devices WHERE user_id = $1 AND revoked_at IS NULL";
    let rows: Vec<(String,)> = tx.all(sql, &[&user_id])?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Devices that were revoked since then, those of users who are kept out, and those that act for an organisation which their user has
/// left: the next ones after this id, at most so many.
pub(crate) fn ended_after(tx: &mut ReadTx<'_>, since_us: i64, id: &str, most: u32) -> Result<Vec<String>, StoreError> {
    let rows: Vec<(String,)> = tx.all(
        "SELECT devices.id FROM devices JOIN users ON users.id = user_id
         WHERE devices.id > $2 AND (revoked_at >= $1 OR disabled
             OR (organisation_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM memberships
                 WHERE memberships.organisation_id = devices.organisation_id AND memberships.user_id = users.id)))
         ORDER BY devices.id LIMIT $3",
        &[&since_us, &id, &most],
    )?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}
