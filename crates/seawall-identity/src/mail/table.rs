//! The addresses of users, and those that they want to have.

use seawall_store::{FromRow, ReadTx, Row, StoreError, Tx};

use super::Email;
use crate::sessions::Digest;

/// How long there is to show that an address is one's own.
const VERIFY_US: i64 = 24 * 3_600 * 1_000_000;

/// Users that may have one address in common and all get mail for it.
const MOST_OF_AN_ADDRESS: u32 = 5;

/// An address that a user wants to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) user_id: String,
    pub(crate) email: String,
    pub(crate) expires_at: i64,
}

impl FromRow for Wanted {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self { user_id: row.at(0)?, email: row.at(1)?, expires_at: row.at(2)? })
    }
}

/// The users who may sign in and have this address.
pub(crate) fn with_address(tx: &mut ReadTx<'_>, email: &Email) -> Result<Vec<String>, StoreError> {
    let rows: Vec<(String,)> = tx.all(
        "SELECT id FROM users WHERE email_key = $1 AND NOT disabled AND deleted_at IS NULL ORDER BY id LIMIT $2",
        &[&email.key(), &MOST_OF_AN_ADDRESS],
    )?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// When a user showed that the address is its own.
pub(crate) fn verified_at(tx: &mut ReadTx<'_>, user_id: &str) -> Result<Option<i64>, StoreError> {
    let found: Option<(Option<i64>,)> = tx.find("SELECT email_verified_at FROM users WHERE id = $1", &[&user_id])?;
    Ok(found.and_then(|(at,)| at))
}

/// Gives a user an address, or none.
pub(crate) fn set(
    tx: &mut Tx<'_>,
    user_id: &str,
    email: Option<&Email>,
    verified_at: Option<i64>,
) -> Result<(), StoreError> {
    let (text, key) = (email.map(Email::as_str), email.map(Email::key));
    tx.execute(
        "UPDATE users SET email = $2, email_key = $3, email_verified_at = $4, version = version + 1 WHERE id = $1",
        &[&user_id, &text, &key, &verified_at],
    )
    .map(drop)
}

/// Notes the address that a user wants, in place of another.
pub(crate) fn want(tx: &mut Tx<'_>, user_id: &str, email: &Email) -> Result<i64, StoreError> {
    let expires_at = tx.at_us().saturating_add(VERIFY_US);
    tx.execute(
        "INSERT INTO email_changes (user_id, email, expires_at) VALUES ($1, $2, $3)
         ON CONFLICT (user_id) DO UPDATE SET email = $2, digest = NULL, expires_at = $3",
        &[&user_id, &email.as_str(), &expires_at],
    )?;
    Ok(expires_at)
}

/// The address that a user wants.
pub(crate) fn wanted(tx: &mut ReadTx<'_>, user_id: &str, now_us: i64) -> Result<Option<Wanted>, StoreError> {
    let sql = "SELECT user_id, email, expires_at FROM email_changes WHERE user_id = $1 AND expires_at > $2";
    tx.find(sql, &[&user_id, &now_us])
}

/// Makes this the token of the link that was sent last.
pub(crate) fn link(tx: &mut Tx<'_>, user_id: &str, digest: &Digest) -> Result<(), StoreError> {
    tx.execute("UPDATE email_changes SET digest = $2 WHERE user_id = $1", &[&user_id, digest]).map(drop)
}

/// Uses a token up; answers whose it was, and for which address.
pub(crate) fn take(tx: &mut Tx<'_>, digest: &Digest) -> Result<Option<Wanted>, StoreError> {
    let now = tx.at_us();
    let rows: Vec<Wanted> = tx.all(
        "DELETE FROM email_changes WHERE digest = $1 AND expires_at > $2 RETURNING user_id, email, expires_at",
        &[digest, &now],
    )?;
    Ok(rows.into_iter().next())
}

/// Forgets the address that a user wanted.
pub(crate) fn forget(tx: &mut Tx<'_>, user_id: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM email_changes WHERE user_id = $1", &[&user_id]).map(drop)
}
