//! Restoring what is no SQLite database: a directory, a PostgreSQL database.

use std::path::Path;

use super::{
    BackupError, Kind, Manifest, Moment, PostgresServer, Progress, Vault, blocking::blocking, directory, postgres,
    restore,
};

/// Unpacks the backup of a directory into `into`, which must not exist yet.
///
/// # Errors
/// [`BackupError`]; what was unpacked by then is left for whoever wants to look at it.
pub async fn restore_directory(
    vault: &Vault,
    name: &str,
    moment: &Moment,
    into: &Path,
    progress: &Progress,
) -> Result<Manifest, BackupError> {
    let into = into.to_owned();
    with_snapshot(vault, name, moment, Kind::Directory, progress, move |archive| {
        directory::unpack(archive, &into).map(drop)
    })
    .await
}

/// Restores the backup of a PostgreSQL database into an empty database.
///
/// # Errors
/// [`BackupError`]; what was restored by then is in the database.
pub async fn restore_postgres(
    vault: &Vault,
    name: &str,
    moment: &Moment,
    into: &PostgresServer,
    progress: &Progress,
) -> Result<Manifest, BackupError> {
    let into = into.clone();
    with_snapshot(vault, name, moment, Kind::Postgres, progress, move |dump| postgres::restore_into(&into, dump)).await
}

async fn with_snapshot(
    vault: &Vault,
    name: &str,
    moment: &Moment,
    kind: Kind,
    progress: &Progress,
    use_it: impl FnOnce(&Path) -> Result<(), BackupError> + Send + 'static,
) -> Result<Manifest, BackupError> {
    let plan = restore::plan(vault, name, moment).await?;
    if plan.manifest.kind != kind {
        return Err(BackupError::Unfit(format!(
            "the backups of `{name}` are of another kind: {:?}",
            plan.manifest.kind
        )));
    }
    let scratch = vault.scratch("restore")?;
    let fetched = scratch.file("fetched");
    restore::fetch_snapshot(vault, &plan.manifest, &fetched, progress).await?;
    blocking(move || use_it(&fetched)).await?;
    Ok(plan.manifest)
}
