//! The table of users.

use seawall_core::principal::Role;
use seawall_store::{FromRow, ReadTx, Row, StoreError, Tx};

use super::{Name, roles};
use crate::mail::Email;

/// A user, without the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The id: a UUIDv7.
    pub id: String,
    /// The name as it is shown.
    pub name: String,
    /// The e-mail address.
    pub email: Option<String>,
    /// What the user may do.
    pub roles: Vec<Role>,
    /// Whether the user is kept out.
    pub disabled: bool,
    /// When it was added, in microseconds since 1970-01-01T00:00:00Z.
    pub created_at: i64,
    /// When it last signed in.
    pub last_login_at: Option<i64>,
    /// Counts the changes.
    pub version: i64,
    /// Whether there is a password to sign in with.
    pub has_password: bool,
}

impl FromRow for User {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.at(0)?,
            name: row.at(1)?,
            email: row.at(2)?,
            roles: roles::read(&row.at::<String>(3)?),
            disabled: row.at(4)?,
            created_at: row.at(5)?,
            last_login_at: row.at(6)?,
            version: row.at(7)?,
            has_password: row.at(8)?,
        })
    }
}

/// A user, and what verifies the password.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) user: User,
    pub(crate) password_hash: Option<String>,
}

impl FromRow for Known {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self { user: User::from_row(row)?, password_hash: row.at(9)? })
    }
}

/// A user that is to be added.
pub(crate) struct Fresh<'a> {
    pub(crate) id: &'a str,
    pub(crate) name: &'a Name,
    pub(crate) email: Option<&'a str>,
    pub(crate) roles: &'a [Role],
    pub(crate) password_hash: Option<&'a str>,
}

/// Finds a user by the key of its name.
pub(crate) fn by_name(tx: &mut ReadTx<'_>, key: &str) -> Result<Option<Known>, StoreError> {
    tx.find(
        "SELECT id, name, email, roles, disabled, created_at, last_login_at, version, password_hash IS NOT NULL, password_hash
         FROM users WHERE name_key = $1",
        &[&key],
    )
}

/// Finds a user by its id.
pub(crate) fn by_id(tx: &mut ReadTx<'_>, id: &str) -> Result<Option<Known>, StoreError> {
    tx.find(
        "SELECT id, name, email, roles, disabled, created_at, last_login_at, version, password_hash IS NOT NULL, password_hash
         FROM users WHERE id = $1 AND deleted_at IS NULL",
        &[&id],
    )
}

/// Users in the order in which they were added, after one of them.
pub(crate) fn page(tx: &mut ReadTx<'_>, after: &str, limit: u32) -> Result<Vec<User>, StoreError> {
    tx.all(
        "SELECT id, name, email, roles, disabled, created_at, last_login_at, version, password_hash IS NOT NULL
         FROM users WHERE id > $1 AND deleted_at IS NULL ORDER BY id LIMIT $2",
        &[&after, &limit],
    )
}

/// Adds a user.
pub(crate) fn add(tx: &mut Tx<'_>, fresh: &Fresh<'_>) -> Result<(), StoreError> {
    let created_at = tx.at_us();
    let email_key = fresh.email.and_then(|email| Email::parse(email).ok()).map(|email| email.key().to_owned());
    tx.execute(
        "INSERT INTO users (id, name, name_key, email, password_hash, roles, created_at, email_key) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &[
            &fresh.id,
            &fresh.name.shown(),
            &fresh.name.key(),
            &fresh.email,
            &fresh.password_hash,
            &roles::write(fresh.roles),
            &created_at,
            &email_key,
        ],
    )
    .map(drop)
}

/// Gives a user other roles.
pub(crate) fn set_roles(tx: &mut Tx<'_>, id: &str, given: &[Role]) -> Result<(), StoreError> {
    let sql = "UPDATE users SET roles = $2, version = version + 1 WHERE id = $1";
    tx.execute(sql, &[&id, &roles::write(given)]).map(drop)
}

/// Keeps a user out, or lets it in again.
pub(crate) fn set_disabled(tx: &mut Tx<'_>, id: &str, disabled: bool) -> Result<(), StoreError> {
    tx.execute("UPDATE users SET disabled = $2, version = version + 1 WHERE id = $1", &[&id, &disabled]).map(drop)
}

/// Gives a user another password hash, unless it has got another one since it was read, or is kept out. Answers whether it did.
pub(crate) fn replace_hash(tx: &mut Tx<'_>, id: &str, read: &str, hash: &str) -> Result<bool, StoreError> {
    let sql = "UPDATE users SET password_hash = $3, version = version + 1 WHERE id = $1 AND password_hash = $2 AND NOT disabled";
    Ok(tx.execute(sql, &[&id, &read, &hash])? > 0)
}

/// Notes that a user signs in.
pub(crate) fn signed_in(tx: &mut Tx<'_>, id: &str) -> Result<(), StoreError> {
    let at_us = tx.at_us();
    tx.execute("UPDATE users SET last_login_at = $2 WHERE id = $1", &[&id, &at_us]).map(drop)
}

/// Gives a user another password hash, whichever it has.
pub(crate) fn set_hash(tx: &mut Tx<'_>, id: &str, hash: &str) -> Result<bool, StoreError> {
    let sql = "UPDATE users SET password_hash = $2, version = version + 1 WHERE id = $1 AND NOT disabled AND deleted_at IS NULL";
    Ok(tx.execute(sql, &[&id, &hash])? > 0)
}

/// Counts a change of a user that stands in other tables.
pub(crate) fn touch(tx: &mut Tx<'_>, id: &str) -> Result<(), StoreError> {
    tx.execute("UPDATE users SET version = version + 1 WHERE id = $1", &[&id]).map(drop)
}

/// Holds the row of a user who may sign in until the transaction ends, and notes it; answers whether it may and is as it was.
pub(crate) fn signs_in_as(tx: &mut Tx<'_>, id: &str, version: i64) -> Result<bool, StoreError> {
    let at_us = tx.at_us();
    let sql = "UPDATE users SET last_login_at = $2 WHERE id = $1 AND version = $3 AND NOT disabled";
    Ok(tx.execute(sql, &[&id, &at_us, &version])? > 0)
}

/// Holds the row of a user until the transaction ends, so that what is read of it and written for it cannot change in between.
pub(crate) fn hold(tx: &mut Tx<'_>, id: &str) -> Result<(), StoreError> {
    tx.execute("UPDATE users SET version = version WHERE id = $1", &[&id]).map(drop)
}

/// Holds the row of a user until the transaction ends, so that nobody disables it in between; answers whether it may sign in, and the
/// hash is still the one that was verified.
pub(crate) fn has_hash(tx: &mut Tx<'_>, id: &str, hash: &str) -> Result<bool, StoreError> {
    let sql = "UPDATE users SET version = version WHERE id = $1 AND password_hash = $2 AND NOT disabled";
    Ok(tx.execute(sql, &[&id, &hash])? > 0)
}

/// Removes what says who a user is. The id stays, so that what refers to it refers to nobody else, and the name is free.
pub(crate) fn delete(tx: &mut Tx<'_>, id: &str) -> Result<(), StoreError> {
    let at_us = tx.at_us();
    // A name that nobody can have: it begins with a control character.
    let nobody = format!("\u{1}{id}");
    tx.execute(
        "UPDATE users SET name = '', name_key = $2, email = NULL, email_key = NULL, email_verified_at = NULL, password_hash = NULL, roles = '', disabled = TRUE,
             last_login_at = NULL, deleted_at = $3, version = version + 1 WHERE id = $1",
        &[&id, &nobody, &at_us],
    )
    .map(drop)
}

/// Whether there is a user.
pub(crate) fn any(tx: &mut ReadTx<'_>) -> Result<bool, StoreError> {
    Ok(tx.find::<(String,)>("SELECT id FROM users WHERE deleted_at IS NULL LIMIT 1", &[])?.is_some())
}

/// Examples of how passwords are kept, one for each format and cost among the first users, and how many are like it.
pub(crate) fn examples(tx: &mut ReadTx<'_>) -> Result<Vec<(String, i64)>, StoreError> {
    // Seven signs tell formats apart, and the costs of bcrypt. Who was imported came first.
    tx.all(
        "SELECT MIN(password_hash), COUNT(*) FROM
             (SELECT password_hash FROM users WHERE password_hash IS NOT NULL ORDER BY id LIMIT 50000) AS known
         GROUP BY substr(password_hash, 1, 7) ORDER BY 2 DESC LIMIT 16",
        &[],
    )
}
