//! Which user an account elsewhere belongs to, and ID tokens that were used.

use seawall_store::{FromRow, ReadTx, Row, StoreError, Tx};

use crate::sessions::{Digest, digest};

/// The most accounts of one user.
pub(crate) const MOST_OF_A_USER: u32 = 20;

/// An account that belongs to a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) issuer: String,
    pub(crate) subject: String,
    pub(crate) created_at: i64,
}

impl Account {
    /// By what it is named in paths: 64 bits of a hash, since issuers and subjects may hold anything.
    pub(crate) fn id(&self) -> String {
        let named = digest(format!("{}\0{}", self.issuer, self.subject).as_bytes());
        named.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

impl FromRow for Account {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self { issuer: row.at(0)?, subject: row.at(1)?, created_at: row.at(2)? })
    }
}

/// Whose an account is.
pub(crate) fn owner(tx: &mut ReadTx<'_>, issuer: &str, subject: &str) -> Result<Option<String>, StoreError> {
    let sql = "SELECT user_id FROM external_identities WHERE issuer = $1 AND subject = $2";
    Ok(tx.find::<(String,)>(sql, &[&issuer, &subject])?.map(|(id,)| id))
}

/// The accounts of a user, the first first.
pub(crate) fn of_user(tx: &mut ReadTx<'_>, user_id: &str) -> Result<Vec<Account>, StoreError> {
    let sql = "SELECT issuer, subject, created_at FROM external_identities WHERE user_id = $1
               ORDER BY created_at, issuer, subject LIMIT $2";
    tx.all(sql, &[&user_id, &MOST_OF_A_USER])
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

/// Takes an account away from a user.
pub(crate) fn unlink(tx: &mut Tx<'_>, user_id: &str, account: &Account) -> Result<(), StoreError> {
    let sql = "DELETE FROM external_identities WHERE user_id = $1 AND issuer = $2 AND subject = $3";
    tx.execute(sql, &[&user_id, &account.issuer, &account.subject]).map(drop)
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
