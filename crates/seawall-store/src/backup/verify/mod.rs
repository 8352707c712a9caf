//! Verification: a backup is fetched from the place, restored into a scratch directory, and checked. Only then it counts.

pub(super) mod checks;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    BackupError, Kind, Manifest, Phase, PostgresServer, Progress, Sentinel, Vault,
    blocking::blocking,
    directory, postgres,
    restore::{self, Rebuilt},
    snapshot,
    vault::random_hex,
};

/// What a verification came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It can be restored, and holds what it should.
    Ok,
    /// It cannot, or does not: somebody has to act.
    Failed,
    /// It could not be looked at: the place was away, or the key is not here.
    Inconclusive,
}

impl Outcome {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Inconclusive => "inconclusive",
        }
    }
}

/// The record of one verification; kept at the place, signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// The backup.
    pub backup: String,
    /// Its name in the configuration.
    pub name: String,
    /// When it began, in microseconds since 1970.
    pub at_us: i64,
    /// What came of it.
    pub outcome: Outcome,
    /// Why, unless it is well; or what was not looked at.
    pub reason: Option<String>,
    /// How old the newest state that could be restored was, in microseconds: what a loss of the machine would have cost.
    pub rpo_us: Option<u64>,
    /// How long it took from the first byte fetched to the last check passed, in microseconds.
    pub rto_us: u64,
    /// Commits that were made again after the snapshot.
    pub commits: u64,
}

/// Verifies one backup of `name`: the newest with all that follows it, or the one that is named. The record is kept at the place.
///
/// # Errors
/// [`BackupError`] when there is nothing to verify or the place cannot be listed; all else is an [`Outcome`].
pub async fn verify(
    vault: &Vault,
    name: &str,
    backup: Option<&str>,
    progress: &Progress,
) -> Result<Verification, BackupError> {
    let listing = vault.list(name).await?;
    let newest = listing.backups.last().map(|manifest| manifest.id.clone());
    let manifest = match backup {
        None => listing.backups.into_iter().next_back(),
        Some(id) => listing.backups.into_iter().find(|manifest| manifest.id == id),
    };
    // A manifest that somebody forged must not hide behind an older one that is sound.
    let forged = listing.unfit.into_iter().next();
    let Some(manifest) = manifest else { return Err(forged.unwrap_or_else(|| BackupError::NoBackup(name.to_owned()))) };
    let begun = vault.clock.now();
    let at_us = vault.now_us();
    let found = look(vault, &manifest, newest.as_ref() == Some(&manifest.id), progress).await;
    let rto_us = vault.clock.now().since_us(begun);
    let found = match (found, forged) {
        (Ok(_), Some(forged)) => Err(forged),
        (found, _) => found,
    };
    let age = |at: i64| u64::try_from(at_us - at).unwrap_or_default();
    let mut verification = Verification {
        backup: manifest.id.clone(),
        name: name.to_owned(),
        at_us,
        outcome: Outcome::Ok,
        reason: None,
        rpo_us: None,
        rto_us,
        commits: 0,
    };
    match found {
        Ok(Found { newest_us, commits, remark }) => {
            verification.reason = remark;
            verification.rpo_us = Some(age(newest_us));
            verification.commits = commits;
        }
        Err(error) => {
            verification.outcome = if error.inconclusive() { Outcome::Inconclusive } else { Outcome::Failed };
            verification.reason = Some(error.chain());
        }
    }
    let record = format!("{name}/checks/{}-{}.json", super::time::compact(at_us), random_hex::<6>()?);
    if let Err(error) = vault.write_document(&record, &verification).await {
        tracing::warn!(error = error.chain(), "the record of a verification could not be kept at the place");
    }
    Ok(verification)
}

impl Vault {
    /// All records of verifications of a name, the oldest first.
    ///
    /// # Errors
    /// [`BackupError::Place`].
    pub async fn verifications(&self, name: &str) -> Result<Vec<Verification>, BackupError> {
        let mut records = Vec::new();
        for object in self.place.list(&format!("{name}/checks")).await? {
            match self.document::<Verification>(&object).await {
                Ok(record) => records.push(record),
                Err(error) if error.retryable() => return Err(error),
                Err(error) => tracing::warn!(error = error.chain(), "the record of a verification is passed over"),
            }
        }
        Ok(records)
    }
}

struct Found {
    newest_us: i64,
    commits: u64,
    remark: Option<String>,
}

impl Found {
    fn snapshot(manifest: &Manifest) -> Self {
        Self { newest_us: manifest.taken_at_us, commits: 0, remark: None }
    }
}

async fn look(vault: &Vault, manifest: &Manifest, newest: bool, progress: &Progress) -> Result<Found, BackupError> {
    let scratch = vault.scratch("verify")?;
    let file = scratch.file("restored");
    restore::fetch_snapshot(vault, manifest, &file, progress).await?;
    match manifest.kind {
        Kind::Store | Kind::Sqlite => database(vault, manifest, newest, file, progress).await,
        Kind::Directory => {
            let (own, into) = (manifest.clone(), scratch.file("unpacked"));
            blocking(move || same_counts(&own, &directory::unpack(&file, &into)?)).await?;
            Ok(Found::snapshot(manifest))
        }
        Kind::Postgres => {
            let (own, server) = (manifest.clone(), vault.scratch_server.clone());
            let remark = blocking(move || dump(&own, server.as_ref(), &file)).await?;
            Ok(Found { remark, ..Found::snapshot(manifest) })
        }
    }
}

/// Proves a dump; answers what an operator should know when it could not be restored.
fn dump(manifest: &Manifest, server: Option<&PostgresServer>, file: &Path) -> Result<Option<String>, BackupError> {
    postgres::listed(file)?;
    let found = server.map(|server| postgres::restored(server, file)).transpose()?.flatten();
    match found {
        Some(found) => same_counts(manifest, &found).map(|()| None),
        None => Ok(Some("the dump's list is sound; it was not restored, for want of a server that lets us".to_owned())),
    }
}

fn same_counts(manifest: &Manifest, found: &BTreeMap<String, i64>) -> Result<(), BackupError> {
    if *found == manifest.rows {
        return Ok(());
    }
    Err(BackupError::Unsound(format!("it holds {found:?}, not {:?}", manifest.rows)))
}

async fn database(
    vault: &Vault,
    manifest: &Manifest,
    newest: bool,
    file: PathBuf,
    progress: &Progress,
) -> Result<Found, BackupError> {
    progress.tell(Phase::Check, 0, 0);
    let (path, own) = (file.clone(), manifest.clone());
    blocking(move || {
        checks::sound(&path)?;
        checks::as_manifested(&path, &own)
    })
    .await?;
    // What followed an older one is kept for a day only.
    let plan = if newest {
        restore::from_snapshot(vault, manifest.clone(), None, None).await?
    } else {
        restore::bare(manifest.clone())
    };
    let Rebuilt { state_at_us, commits } = restore::replay(vault, &plan, &file, progress).await?;
    progress.tell(Phase::Check, 0, 0);
    let (path, own) = (file.clone(), manifest.clone());
    let newest = blocking(move || last_checks(&path, &own, commits)).await?;
    checks::audit_log(vault, &file, manifest).await?;
    if let Some(gap) = plan.gap {
        return Err(BackupError::Unsound(format!("the snapshot is sound, but changes after it are lost: {gap}")));
    }
    Ok(Found { newest_us: newest.map_or(state_at_us, |sentinel| sentinel.at_us), commits, remark: None })
}

fn last_checks(path: &Path, manifest: &Manifest, commits: u64) -> Result<Option<Sentinel>, BackupError> {
    if commits > 0 {
        checks::sound(path)?;
    }
    if manifest.kind == Kind::Store {
        checks::foreign_keys(path)?;
    }
    let newest = snapshot::facts(path)?.sentinel;
    let expected = manifest.sentinel.as_ref().map(|sentinel| sentinel.at_us);
    if newest.as_ref().map(|sentinel| sentinel.at_us) < expected {
        return Err(BackupError::Unsound("the row that was written just before the backup is not in it".to_owned()));
    }
    Ok(newest)
}
