//! Values about people, which can be erased while the chain stays whole.

use aws_lc_rs::digest::{self, SHA256};

use crate::{Cause, Db, StoreError, Tx, hex::hex};

/// One value, kept beside the chain.
#[derive(Debug)]
pub(super) struct Personal {
    /// `address`, `before.NAME` or `after.NAME`.
    pub(super) field: String,
    /// Randomness, without which short values could be guessed from their hashes.
    pub(super) salt: Vec<u8>,
    /// The value; JSON but for the address.
    pub(super) value: String,
}

/// What stands in the chain for a value, which is added to those kept beside it.
pub(super) fn hidden(erasable: &mut Vec<Personal>, field: String, value: String) -> Result<String, StoreError> {
    let mut salt = vec![0; 16];
    getrandom::fill(&mut salt).map_err(|error| StoreError::Unavailable(format!("no randomness: {error}")))?;
    let digest = digest_of(&salt, &value);
    erasable.push(Personal { field, salt, value });
    Ok(digest)
}

/// The hash that stands in the chain for a value.
pub(super) fn digest_of(salt: &[u8], value: &str) -> String {
    let mut context = digest::Context::new(&SHA256);
    context.update(salt);
    context.update(value.as_bytes());
    format!("sha256:{}", hex(context.finish().as_ref()))
}

/// Erases all values about a person, by the id that was given as their subject. The chain stays whole. Answers how many there were.
///
/// # Errors
/// [`StoreError`].
pub async fn erase(db: &Db, cause: &Cause, subject: &str) -> Result<u64, StoreError> {
    let subject = subject.to_owned();
    db.write(cause, move |tx| erase_within(tx, &subject)).await
}

/// The same, within a transaction.
///
/// # Errors
/// [`StoreError`].
pub fn erase_within(tx: &mut Tx<'_>, subject: &str) -> Result<u64, StoreError> {
    let erased = tx.execute("DELETE FROM audit_personal WHERE subject = $1", &[&subject])?;
    tx.audit(super::Entry::new("audit.erased", "subject", subject))?;
    Ok(erased)
}
