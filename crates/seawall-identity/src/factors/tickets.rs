//! Tickets: the password was right, and a second factor is to come. And tokens with which a person chooses a password.

use seawall_store::{FromRow, ReadTx, Row, StoreError, Tx};

const MINUTE_US: i64 = 60_000_000;

/// How long there is for the second factor.
pub(crate) const TICKET_US: i64 = 10 * MINUTE_US;

/// How long there is to choose a password.
pub(crate) const RESET_US: i64 = 30 * MINUTE_US;

/// A ticket that holds.
#[derive(Debug)]
pub(crate) struct Ticket {
    pub(crate) user_id: String,
    /// The user as it was when the password was right: what changed it since makes the ticket void.
    pub(crate) user_version: i64,
}

impl FromRow for Ticket {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self { user_id: row.at(0)?, user_version: row.at(1)? })
    }
}

/// Gives a user a ticket there, in place of one that it had there.
pub(crate) fn give(
    tx: &mut Tx<'_>,
    digest: &[u8; 32],
    user: (&str, i64),
    source: &[u8; 32],
) -> Result<i64, StoreError> {
    let (user_id, version) = user;
    let expires_at = tx.at_us().saturating_add(TICKET_US);
    tx.execute("DELETE FROM sign_in_tickets WHERE user_id = $1 AND source_key = $2", &[&user_id, source])?;
    tx.execute(
        "INSERT INTO sign_in_tickets (digest, user_id, user_version, source_key, expires_at) VALUES ($1, $2, $3, $4, $5)",
        &[digest, &user_id, &version, source, &expires_at],
    )?;
    Ok(expires_at)
}

/// The ticket, when it holds there.
pub(crate) fn find(
    tx: &mut ReadTx<'_>,
    digest: &[u8; 32],
    source: &[u8; 32],
    now_us: i64,
) -> Result<Option<Ticket>, StoreError> {
    let sql =
        "SELECT user_id, user_version FROM sign_in_tickets WHERE digest = $1 AND source_key = $2 AND expires_at > $3";
    tx.find(sql, &[digest, source, &now_us])
}

/// Uses it up; answers whether it was there.
pub(crate) fn take(tx: &mut Tx<'_>, digest: &[u8; 32]) -> Result<bool, StoreError> {
    Ok(tx.execute("DELETE FROM sign_in_tickets WHERE digest = $1", &[digest])? > 0)
}

/// Voids all tickets of a user.
pub(crate) fn void(tx: &mut Tx<'_>, user_id: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM sign_in_tickets WHERE user_id = $1", &[&user_id]).map(drop)
}

/// Gives a user, or the first one to come, a token to choose a password with, in place of the ones before. Answers until when.
pub(crate) fn give_reset(tx: &mut Tx<'_>, digest: &[u8; 32], user_id: Option<&str>) -> Result<i64, StoreError> {
    let expires_at = tx.at_us().saturating_add(RESET_US);
    void_resets(tx, user_id)?;
    let sql = "INSERT INTO password_resets (digest, user_id, expires_at) VALUES ($1, $2, $3)";
    tx.execute(sql, &[digest, &user_id, &expires_at])?;
    Ok(expires_at)
}

/// Gives a user another token to choose a password with, beside those that were given before: else whoever asks again and again keeps
/// the owner's from holding. Answers until when.
pub(crate) fn add_reset(tx: &mut Tx<'_>, digest: &[u8; 32], user_id: &str) -> Result<i64, StoreError> {
    let expires_at = tx.at_us().saturating_add(RESET_US);
    let sql = "INSERT INTO password_resets (digest, user_id, expires_at) VALUES ($1, $2, $3)";
    tx.execute(sql, &[digest, &user_id, &expires_at])?;
    Ok(expires_at)
}

/// Whose password a token is for; nothing when it does not hold.
pub(crate) fn find_reset(
    tx: &mut ReadTx<'_>,
    digest: &[u8; 32],
    now_us: i64,
) -> Result<Option<Option<String>>, StoreError> {
    let sql = "SELECT user_id FROM password_resets WHERE digest = $1 AND expires_at > $2";
    let found: Option<(Option<String>,)> = tx.find(sql, &[digest, &now_us])?;
    Ok(found.map(|(user_id,)| user_id))
}

/// Uses a token up; answers whether it still held.
pub(crate) fn take_reset(tx: &mut Tx<'_>, digest: &[u8; 32]) -> Result<bool, StoreError> {
    let now = tx.at_us();
    Ok(tx.execute("DELETE FROM password_resets WHERE digest = $1 AND expires_at > $2", &[digest, &now])? > 0)
}

/// Voids all tokens of a user, or of the first one to come.
pub(crate) fn void_resets(tx: &mut Tx<'_>, user_id: Option<&str>) -> Result<(), StoreError> {
    let done = match user_id {
        Some(user_id) => tx.execute("DELETE FROM password_resets WHERE user_id = $1", &[&user_id]),
        None => tx.execute("DELETE FROM password_resets WHERE user_id IS NULL", &[]),
    };
    done.map(drop)
}
