//! What is kept about the database as a whole: its epoch, and the sentinel that shows how recent a backup is.

use crate::{
    ReadTx, StoreError, Tx,
    migration::{Migration, Overlap},
};

/// The key of the epoch.
pub(crate) const EPOCH: &str = "epoch";
/// The key of the sentinel.
pub(crate) const SENTINEL: &str = "backup_sentinel";

/// The table.
pub(crate) const MIGRATION: Migration = Migration {
    name: "meta",
    overlap: Overlap::Expands,
    up: include_str!("sql/up.sql"),
    down: include_str!("sql/down.sql"),
};

/// The epoch of the database: empty at first, another random value after each restore. What may not be used again after a restore,
/// such as a session or a one-use token, carries the epoch it was made in and is worthless in another.
///
/// # Errors
/// [`StoreError`].
pub fn epoch(tx: &mut ReadTx<'_>) -> Result<String, StoreError> {
    Ok(value(tx, EPOCH)?.unwrap_or_default())
}

/// Keeps a value under a key.
pub(crate) fn set(tx: &mut Tx<'_>, key: &'static str, value: &str) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO seawall_meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        &[&key, &value],
    )?;
    Ok(())
}

fn value(tx: &mut ReadTx<'_>, key: &'static str) -> Result<Option<String>, StoreError> {
    let row: Option<(String,)> = tx.find("SELECT value FROM seawall_meta WHERE key = $1", &[&key])?;
    Ok(row.map(|(value,)| value))
}
