//! Which user an account elsewhere belongs to, and ID tokens that were used.

use seawall_store::{ReadTx, StoreError, Tx};

use crate::sessions::Digest;

/// Whose an account is.
pub(crate) fn owner(tx: &mut ReadTx<'_>, issuer: &str, subject: &str) -> Result<Option<String>, StoreError> {
    let sql = "SELECT user_id FROM external_identities WHERE issuer = $1 AND subject = $2";
    Ok(tx.find::<(String,)>(sql, &[&issuer, &subject])?.map(|(id,)| id))
}

/// Links an account; answers whether it was nobody's.
pub(crate) fn link(tx: &mut Tx<'_>, issuer: &str, subject: &str, user_id: &str) -> Result<bool, StoreError> {
    let at = tx.at_us();
    let linked = tx.execute(
        "INSERT INTO external_identities (issuer, subject, user_id, created_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (issuer, subject) DO NOTHING",
        &[&issuer, &subject, &user_id, &at],
    )?;
    Ok(linked > 0)
}

/// Uses a token that was posted; answers whether it was not used before.
pub(crate) fn use_token(tx: &mut Tx<'_>, digest: &Digest, expires_at: i64) -> Result<bool, StoreError> {
    let sql = "INSERT INTO issuer_tokens_used (digest, expires_at) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING";
    Ok(tx.execute(sql, &[digest, &expires_at])? > 0)
}

/// Whether a user has linked one.
pub(crate) fn any(tx: &mut ReadTx<'_>, user_id: &str) -> Result<bool, StoreError> {
    let sql = "SELECT issuer FROM external_identities WHERE user_id = $1 LIMIT 1";
    Ok(tx.find::<(String,)>(sql, &[&user_id])?.is_some())
}

/// Forgets the accounts of a user.
pub(crate) fn forget(tx: &mut Tx<'_>, user_id: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM external_identities WHERE user_id = $1", &[&user_id]).map(drop)
}
