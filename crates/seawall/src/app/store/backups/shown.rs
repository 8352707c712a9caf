//! Backups, verifications and restores as JSON.

use seawall_store::backup::{BackupError, Listing, Manifest, Restored, Verification};
use serde_json::{Value, json};

use super::super::shown::time;
use super::Kept;

/// A backup, with the last verification of it.
pub(super) fn manifest(manifest: &Manifest, verified: Option<&Verification>) -> Value {
    json!({
        "id": manifest.id,
        "name": manifest.name,
        "taken_at": time(manifest.taken_at_us),
        "stored_bytes": manifest.object.stored_bytes,
        "plain_bytes": manifest.object.plain_bytes,
        "rows": manifest.rows.values().sum::<i64>(),
        "continued": manifest.continued.is_some(),
        "verified": verified.map(|record| record.outcome.name()),
        "verified_at": verified.map(|record| time(record.at_us)),
        "remarks": manifest.remarks,
    })
}

/// All backups of a name.
pub(super) fn listing(kept: &Kept, listing: &Listing, verified: &[Verification]) -> Value {
    let of = |backup: &Manifest| verified.iter().rfind(|record| record.backup == backup.id);
    json!({
        "name": kept.name,
        "kind": kept.kind(),
        "place": kept.vault.place().url(),
        "encrypted": kept.vault.encrypted(),
        "backups": listing.backups.iter().map(|backup| manifest(backup, of(backup))).collect::<Vec<_>>(),
        "unfit": listing.unfit.iter().map(BackupError::chain).collect::<Vec<_>>(),
    })
}

/// What a verification found.
pub(super) fn verification(record: &Verification) -> Value {
    json!({
        "backup": record.backup,
        "name": record.name,
        "at": time(record.at_us),
        "outcome": record.outcome.name(),
        "reason": record.reason,
        "rpo_ms": record.rpo_us.map(|us| us / 1_000),
        "rto_ms": record.rto_us / 1_000,
        "commits": record.commits,
    })
}

/// What a restore of a database came to.
pub(crate) fn restored(restored: &Restored) -> Value {
    json!({
        "name": restored.manifest.name,
        "backup": restored.manifest.id,
        "taken_at": time(restored.manifest.taken_at_us),
        "state_at": time(restored.state_at_us),
        "commits": restored.commits,
        "missing": restored.gap,
        "kept": restored.kept.as_ref().map(|path| path.display().to_string()),
    })
}
