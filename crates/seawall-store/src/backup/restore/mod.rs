//! Restoring: the newest state, or that of any second that the backups reach.
//!
//! A restore builds a new file, checks it, and only then puts it in the place of the old one, which is kept beside it.

pub(super) mod again;
mod plan;
mod rebuild;
mod swap;

use std::path::{Path, PathBuf};

use super::{BackupError, Kind, Manifest, Phase, Progress, Vault, blocking::blocking, verify::checks};
use crate::sqlite::{Ownership, beside};

pub(super) use plan::{Plan, bare, folder, from_snapshot, manifest_name, plan};
pub(super) use rebuild::{Rebuilt, fetch_snapshot, replay};

/// What is to be restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moment {
    /// As new as can be.
    Newest,
    /// As it was at this time, in microseconds since 1970.
    At(i64),
    /// What this backup holds, by its id, and nothing after it.
    Backup(String),
}

/// What a restore came to.
#[derive(Clone, Debug)]
pub struct Restored {
    /// The snapshot that it began with.
    pub manifest: Manifest,
    /// The state is that of this time: of the last commit made again, or of the snapshot.
    pub state_at_us: i64,
    /// Commits that were made again.
    pub commits: u64,
    /// Why nothing later could be made again, when something is missing at the place.
    pub gap: Option<String>,
    /// Where the old file is kept; nothing when there was none.
    pub kept: Option<PathBuf>,
}

/// Restores the database at `target`, which no process may have open: as new as can be, or as it was at a time. Sessions and one-use tokens of before are worthless afterwards, because the epoch is another one.
///
/// # Errors
/// [`BackupError`]; then the file at `target` is as it was.
pub async fn restore(
    vault: &Vault,
    name: &str,
    moment: &Moment,
    target: &Path,
    progress: &Progress,
) -> Result<Restored, BackupError> {
    let owned = Ownership::take(target)?;
    let plan = plan(vault, name, moment).await?;
    if !matches!(plan.manifest.kind, Kind::Store | Kind::Sqlite) {
        return Err(BackupError::Unfit(format!("`{name}` is no SQLite database, so it cannot take the place of one")));
    }
    let now_us = vault.now_us();
    // On the file system of the target, so that it only has to be renamed.
    let fresh = beside(target, &format!("restore-{}", super::time::compact(now_us)));
    let built = build(vault, &plan, &fresh, now_us, progress).await;
    let Rebuilt { state_at_us, commits } = match built {
        Ok(rebuilt) => rebuilt,
        Err(error) => {
            swap::discard(&fresh);
            return Err(error);
        }
    };
    let kept = swap::swap(&fresh, target, now_us)?;
    drop(owned);
    Ok(Restored { manifest: plan.manifest, state_at_us, commits, gap: plan.gap, kept })
}

async fn build(
    vault: &Vault,
    plan: &Plan,
    fresh: &Path,
    now_us: i64,
    progress: &Progress,
) -> Result<Rebuilt, BackupError> {
    fetch_snapshot(vault, &plan.manifest, fresh, progress).await?;
    let rebuilt = replay(vault, plan, fresh, progress).await?;
    let (path, own_store, progress) = (fresh.to_owned(), plan.manifest.kind == Kind::Store, progress.clone());
    blocking(move || {
        progress.tell(Phase::Check, 0, 0);
        checks::sound(&path)?;
        if own_store {
            swap::change_epoch(&path, now_us)?;
        }
        Ok(())
    })
    .await?;
    Ok(rebuilt)
}
