//! The tables of passkeys. Nothing in them is secret: public keys, and what they are called.

use seawall_store::{FromRow, ReadTx, Row, StoreError, Tx};

use super::ceremony::{Known, Made, Shown};

/// A passkey of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passkey {
    /// The id by which it is named here.
    pub id: String,
    /// Whose it is.
    pub user_id: String,
    /// The id that its authenticator gave it.
    pub credential_id: Vec<u8>,
    /// What its owner calls it.
    pub name: String,
    /// The model of the authenticator, as it says; zeros when it says nothing.
    pub aaguid: Vec<u8>,
    /// How it can be reached, as the browser said.
    pub transports: Vec<String>,
    /// Whether it may be on several devices.
    pub backup_eligible: bool,
    /// Whether it is.
    pub backed_up: bool,
    /// Whether its device has verified its user at least once: only then is it known to sign in by itself.
    pub user_verified: bool,
    /// When it was made, in microseconds since 1970-01-01T00:00:00Z.
    pub created_at: i64,
    /// When it served last.
    pub used_at: Option<i64>,
    key: Vec<u8>,
    counter: i64,
}

impl FromRow for Passkey {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let transports: String = row.at(5)?;
        Ok(Self {
            id: row.at(0)?,
            user_id: row.at(1)?,
            credential_id: row.at(2)?,
            name: row.at(3)?,
            aaguid: row.at(4)?,
            transports: transports.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect(),
            backup_eligible: row.at(6)?,
            backed_up: row.at(7)?,
            user_verified: row.at(8)?,
            created_at: row.at(9)?,
            used_at: row.at(10)?,
            key: row.at(11)?,
            counter: row.at(12)?,
        })
    }
}

impl Passkey {
    /// What a ceremony needs of it.
    pub(crate) fn known(&self) -> Known<'_> {
        let counter = u32::try_from(self.counter).unwrap_or(u32::MAX);
        Known { key: &self.key, counter, backup_eligible: self.backup_eligible }
    }
}

/// One that is to be added.
pub(crate) struct Fresh<'a> {
    pub(crate) id: &'a str,
    pub(crate) user_id: &'a str,
    pub(crate) name: &'a str,
    pub(crate) transports: &'a str,
    pub(crate) made: &'a Made,
}

/// Adds one; answers whether nobody had its credential id.
pub(crate) fn add(tx: &mut Tx<'_>, fresh: &Fresh<'_>) -> Result<bool, StoreError> {
    let (at, made) = (tx.at_us(), fresh.made);
    let added = tx.execute(
        "INSERT INTO passkeys (id, user_id, credential_id, name, aaguid, transports, backup_eligible, backed_up, user_verified, created_at, public_key, counter)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (credential_id) DO NOTHING",
        &[
            &fresh.id,
            &fresh.user_id,
            &made.id,
            &fresh.name,
            &made.aaguid,
            &fresh.transports,
            &made.backup_eligible,
            &made.backed_up,
            &made.verified,
            &at,
            &made.key,
            &i64::from(made.counter),
        ],
    )?;
    Ok(added > 0)
}

/// The passkeys of a user, the oldest first.
pub(crate) fn of_user(tx: &mut ReadTx<'_>, user_id: &str) -> Result<Vec<Passkey>, StoreError> {
    tx.all(
        "SELECT id, user_id, credential_id, name, aaguid, transports, backup_eligible, backed_up, user_verified, created_at, used_at, public_key, counter
         FROM passkeys WHERE user_id = $1 ORDER BY id",
        &[&user_id],
    )
}

/// Credential ids of the user of a name: one statement, whether there is one or not.
pub(crate) fn ids_of_name(tx: &mut ReadTx<'_>, name_key: &str) -> Result<Vec<Vec<u8>>, StoreError> {
    let found: Vec<(Vec<u8>,)> = tx.all(
        "SELECT passkeys.credential_id FROM passkeys JOIN users ON users.id = passkeys.user_id
         WHERE users.name_key = $1 ORDER BY passkeys.id",
        &[&name_key],
    )?;
    Ok(found.into_iter().map(|(id,)| id).collect())
}

/// How many users have one.
pub(crate) fn owners(tx: &mut ReadTx<'_>) -> Result<i64, StoreError> {
    Ok(tx.one::<(i64,)>("SELECT COUNT(DISTINCT user_id) FROM passkeys", &[])?.0)
}

/// The passkey of a credential id.
pub(crate) fn by_credential(tx: &mut ReadTx<'_>, credential_id: &[u8]) -> Result<Option<Passkey>, StoreError> {
    tx.find(
        "SELECT id, user_id, credential_id, name, aaguid, transports, backup_eligible, backed_up, user_verified, created_at, used_at, public_key, counter
         FROM passkeys WHERE credential_id = $1",
        &[&credential_id],
    )
}

/// It served; answers whether its counter is still the one that was read.
pub(crate) fn used(tx: &mut Tx<'_>, passkey: &Passkey, shown: Shown) -> Result<bool, StoreError> {
    let at = tx.at_us();
    let sql = "UPDATE passkeys SET counter = $3, backed_up = $4, used_at = $5, user_verified = $6 WHERE id = $1 AND counter = $2";
    let (counter, verified) = (i64::from(shown.counter), passkey.user_verified || shown.verified);
    Ok(tx.execute(sql, &[&passkey.id, &passkey.counter, &counter, &shown.backed_up, &at, &verified])? > 0)
}

/// Gives one of a user's another name; answers whether there is one of this id.
pub(crate) fn rename(tx: &mut Tx<'_>, user_id: &str, id: &str, name: &str) -> Result<bool, StoreError> {
    let sql = "UPDATE passkeys SET name = $3 WHERE id = $1 AND user_id = $2";
    Ok(tx.execute(sql, &[&id, &user_id, &name])? > 0)
}

/// Removes one of a user's; answers whether there was one of this id.
pub(crate) fn remove(tx: &mut Tx<'_>, user_id: &str, id: &str) -> Result<bool, StoreError> {
    Ok(tx.execute("DELETE FROM passkeys WHERE id = $1 AND user_id = $2", &[&id, &user_id])? > 0)
}

/// Removes all of a user's, and the handle that its authenticators know it by.
pub(crate) fn forget(tx: &mut Tx<'_>, user_id: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM passkeys WHERE user_id = $1", &[&user_id])?;
    tx.execute("DELETE FROM passkey_handles WHERE user_id = $1", &[&user_id]).map(drop)
}

/// What authenticators know a user by: 32 random bytes, made when they are first needed.
pub(crate) fn handle(tx: &mut Tx<'_>, user_id: &str, fresh: &[u8; 32]) -> Result<Vec<u8>, StoreError> {
    let sql = "INSERT INTO passkey_handles (user_id, handle) VALUES ($1, $2) ON CONFLICT (user_id) DO NOTHING";
    tx.execute(sql, &[&user_id, fresh])?;
    known_handle(tx, user_id)?.ok_or(StoreError::NoRow)
}

/// The same, when there is one.
pub(crate) fn known_handle(tx: &mut ReadTx<'_>, user_id: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let found: Option<(Vec<u8>,)> = tx.find("SELECT handle FROM passkey_handles WHERE user_id = $1", &[&user_id])?;
    Ok(found.map(|(handle,)| handle))
}

/// Uses a challenge up; answers whether it was not used before.
pub(crate) fn use_challenge(tx: &mut Tx<'_>, (digest, until): &([u8; 32], i64)) -> Result<bool, StoreError> {
    let sql =
        "INSERT INTO passkey_challenges_used (digest, expires_at) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING";
    Ok(tx.execute(sql, &[digest, until])? > 0)
}
