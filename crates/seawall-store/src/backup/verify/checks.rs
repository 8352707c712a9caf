//! What a restored database has to pass.

use std::path::Path;

use seawall_core::meter::NoMeter;

use super::super::{BackupError, Kind, Manifest, Vault, snapshot};
use crate::{DatabaseUrl, Db, Lane, Options, StoreError, Surroundings, audit};

/// Findings of a check that are named; a damaged database has more than anybody reads.
const MOST_NAMED: usize = 5;

/// SQLite's own check of every page and index.
pub(in crate::backup) fn sound(path: &Path) -> Result<(), BackupError> {
    let connection = snapshot::open_copy(path)?;
    let mut check = connection.prepare("PRAGMA integrity_check(5)").map_err(BackupError::sqlite)?;
    let found: Vec<String> =
        check.query_map([], |row| row.get(0)).and_then(Iterator::collect).map_err(BackupError::sqlite)?;
    if found.iter().any(|line| line != "ok") || found.is_empty() {
        return Err(BackupError::Unsound(format!("integrity_check says: {}", found.join("; "))));
    }
    Ok(())
}

/// Whether every foreign key has its row. An application may live with some that have none; the store does not.
pub(super) fn foreign_keys(path: &Path) -> Result<(), BackupError> {
    let connection = snapshot::open_copy(path)?;
    let mut check = connection.prepare("PRAGMA foreign_key_check").map_err(BackupError::sqlite)?;
    let found: Vec<String> = check
        .query_map([], |row| row.get(0))
        .and_then(|rows| rows.take(MOST_NAMED).collect())
        .map_err(BackupError::sqlite)?;
    if found.is_empty() {
        return Ok(());
    }
    Err(BackupError::Unsound(format!("rows without the row they refer to, in {}", found.join(", "))))
}

/// Whether a snapshot holds what its manifest says.
pub(super) fn as_manifested(path: &Path, manifest: &Manifest) -> Result<(), BackupError> {
    let facts = snapshot::facts(path)?;
    for (table, &expected) in &manifest.rows {
        match facts.rows.get(table) {
            Some(&found) if found == expected => {}
            found => {
                let found = found.copied().unwrap_or_default();
                return Err(BackupError::Unsound(format!("{table} has {found} rows, not {expected}")));
            }
        }
    }
    let same = facts.schema == manifest.schema && facts.audit == manifest.audit && facts.sentinel == manifest.sentinel;
    if same {
        Ok(())
    } else {
        Err(BackupError::Unsound("migrations, audit head or sentinel are not those of the manifest".to_owned()))
    }
}

/// Whether the audit log is whole, and has the entry that was its head when the snapshot was taken.
pub(super) async fn audit_log(vault: &Vault, path: &Path, manifest: &Manifest) -> Result<(), BackupError> {
    if manifest.kind != Kind::Store || !manifest.rows.contains_key("audit_log") {
        return Ok(());
    }
    let url = DatabaseUrl::Sqlite(path.to_owned());
    let surroundings = Surroundings { clock: vault.clock.clone(), meter: &NoMeter };
    let db = Db::open(&url, &Options { readers: 1, ..Options::default() }, &surroundings)?;
    let checked = audited(vault, &db, manifest).await;
    let closing = tokio::task::spawn_blocking(move || db.close()).await;
    checked.and(closing.map_err(|error| BackupError::Abandoned(error.to_string())))
}

async fn audited(vault: &Vault, db: &Db, manifest: &Manifest) -> Result<(), BackupError> {
    let report = audit::verify(db, &vault.audit_keys, &[]).await?;
    if let Some(finding) = report.findings.first() {
        return Err(BackupError::Unsound(format!("audit log: {finding}")));
    }
    let Some(head) = manifest.audit.clone() else { return Ok(()) };
    let found: Option<(Vec<u8>,)> = db
        .read::<_, StoreError>(Lane::Background, move |tx| {
            tx.find("SELECT hash FROM audit_log WHERE seq = $1", &[&head.seq])
        })
        .await?;
    let expected = manifest.audit.as_ref().map(|head| head.hash.as_str());
    if found.map(|(hash,)| crate::hex::hex(&hash)).as_deref() == expected {
        Ok(())
    } else {
        Err(BackupError::Unsound("the audit log does not hold the manifest's head".to_owned()))
    }
}
