//! The sentinel: a row that is written to be found again in what is restored. Its age there is what a loss of the machine would
//! have cost.

use super::{BackupError, manifest::Sentinel, snapshot::parse_sentinel, vault::random_hex};
use crate::{Cause, Db, StoreError, meta};

/// Writes it; answers what was written.
pub(super) async fn write(db: &Db) -> Result<Option<Sentinel>, BackupError> {
    let random = random_hex::<8>()?;
    let value = db
        .write::<_, StoreError>(&Cause::system("backup"), move |tx| {
            let value = format!("{} {random}", tx.at_us());
            meta::set(tx, meta::SENTINEL, &value)?;
            Ok(value)
        })
        .await?;
    Ok(parse_sentinel(&value))
}
