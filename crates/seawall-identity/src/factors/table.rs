//! The tables of second factors.

use seawall_store::{FromRow, ReadTx, Row, StoreError, Tx};

use super::seal::Sealed;

/// A user's authenticator app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Totp {
    pub(crate) sealed: Sealed,
    pub(crate) created_at: i64,
    /// When a code of it came first; until then it is asked for nowhere.
    pub(crate) confirmed_at: Option<i64>,
    /// The step of the last code that was used.
    pub(crate) last_step: i64,
}

impl FromRow for Totp {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            sealed: Sealed { key_id: row.at(0)?, bytes: row.at(1)? },
            created_at: row.at(2)?,
            confirmed_at: row.at(3)?,
            last_step: row.at(4)?,
        })
    }
}

/// A user's app.
pub(crate) fn totp(tx: &mut ReadTx<'_>, user_id: &str) -> Result<Option<Totp>, StoreError> {
    let sql = "SELECT key_id, sealed_seed, created_at, confirmed_at, last_step FROM totp_factors WHERE user_id = $1";
    tx.find(sql, &[&user_id])
}

/// Whether a user has a factor besides the password.
pub(crate) fn has_one(tx: &mut ReadTx<'_>, user_id: &str) -> Result<bool, StoreError> {
    Ok(has_app(tx, user_id)? || has_passkey(tx, user_id)?)
}

/// With what a user can show that it is more than the password: a code, and a passkey where they are used.
pub(crate) fn kinds(tx: &mut ReadTx<'_>, user_id: &str, passkeys: bool) -> Result<Vec<&'static str>, StoreError> {
    let code = has_app(tx, user_id)? || recovery_codes(tx, user_id)? > 0;
    let kinds = [(code, "code"), (passkeys && has_passkey(tx, user_id)?, "passkey")];
    Ok(kinds.into_iter().filter(|(has, _)| *has).map(|(_, kind)| kind).collect())
}

/// Whether a user has an authenticator app.
pub(crate) fn has_app(tx: &mut ReadTx<'_>, user_id: &str) -> Result<bool, StoreError> {
    let sql = "SELECT created_at FROM totp_factors WHERE user_id = $1 AND confirmed_at IS NOT NULL";
    Ok(tx.find::<(i64,)>(sql, &[&user_id])?.is_some())
}

/// Whether a user has a passkey.
pub(crate) fn has_passkey(tx: &mut ReadTx<'_>, user_id: &str) -> Result<bool, StoreError> {
    Ok(tx.find::<(String,)>("SELECT id FROM passkeys WHERE user_id = $1 LIMIT 1", &[&user_id])?.is_some())
}

/// Keeps an app that is to be confirmed, in place of another that never was. Answers whether it did: one that was confirmed stays.
pub(crate) fn enrol(tx: &mut Tx<'_>, user_id: &str, sealed: &Sealed) -> Result<bool, StoreError> {
    let at = tx.at_us();
    let kept = tx.execute(
        "INSERT INTO totp_factors (user_id, key_id, sealed_seed, created_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (user_id) DO UPDATE SET key_id = $2, sealed_seed = $3, created_at = $4, last_step = 0
         WHERE totp_factors.confirmed_at IS NULL",
        &[&user_id, &sealed.key_id, &sealed.bytes, &at],
    )?;
    Ok(kept > 0)
}

/// Uses a step; answers whether it was not used before. The row is held until the transaction ends.
pub(crate) fn use_step(tx: &mut Tx<'_>, user_id: &str, step: i64) -> Result<bool, StoreError> {
    let sql = "UPDATE totp_factors SET last_step = $2 WHERE user_id = $1 AND last_step < $2";
    Ok(tx.execute(sql, &[&user_id, &step])? > 0)
}

/// The first code came.
pub(crate) fn confirm(tx: &mut Tx<'_>, user_id: &str) -> Result<bool, StoreError> {
    let at = tx.at_us();
    let sql = "UPDATE totp_factors SET confirmed_at = $2 WHERE user_id = $1 AND confirmed_at IS NULL";
    Ok(tx.execute(sql, &[&user_id, &at])? > 0)
}

/// Removes the app of a user, and the recovery codes unless there are passkeys that they stand beside; answers whether there was one.
pub(crate) fn remove(tx: &mut Tx<'_>, user_id: &str) -> Result<bool, StoreError> {
    if !has_passkey(tx, user_id)? {
        tx.execute("DELETE FROM recovery_codes WHERE user_id = $1", &[&user_id])?;
    }
    Ok(tx.execute("DELETE FROM totp_factors WHERE user_id = $1", &[&user_id])? > 0)
}

/// Gives a user these recovery codes in place of all others.
pub(crate) fn set_recovery_codes(tx: &mut Tx<'_>, user_id: &str, digests: &[[u8; 32]]) -> Result<(), StoreError> {
    tx.execute("DELETE FROM recovery_codes WHERE user_id = $1", &[&user_id])?;
    for digest in digests {
        tx.execute("INSERT INTO recovery_codes (digest, user_id) VALUES ($1, $2)", &[digest, &user_id])?;
    }
    Ok(())
}

/// Uses a recovery code up; answers whether it was the user's.
pub(crate) fn use_recovery_code(tx: &mut Tx<'_>, user_id: &str, digest: &[u8; 32]) -> Result<bool, StoreError> {
    Ok(tx.execute("DELETE FROM recovery_codes WHERE digest = $1 AND user_id = $2", &[digest, &user_id])? > 0)
}

/// How many recovery codes a user has left.
pub(crate) fn recovery_codes(tx: &mut ReadTx<'_>, user_id: &str) -> Result<i64, StoreError> {
    let (count,) = tx.one::<(i64,)>("SELECT COUNT(*) FROM recovery_codes WHERE user_id = $1", &[&user_id])?;
    Ok(count)
}
