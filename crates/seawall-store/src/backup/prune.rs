//! Deletes what retention does not keep.

use std::{
    collections::BTreeSet,
    time::{Duration, UNIX_EPOCH},
};

use super::{
    BackupError, Manifest, Vault,
    retention::{Aged, Retention},
    time,
    verify::Outcome,
};

/// Objects without a manifest are left from uploads that broke off, and go after this long: until then one may be under way.
const ORPHAN_US: i64 = 48 * 3_600_000_000;

/// How long the records of verifications are kept.
const RECORDS_US: i64 = 400 * 86_400_000_000;

/// Deletes the backups and segments of `name` that retention does not keep; answers how many backups.
///
/// # Errors
/// [`BackupError`]; what is left is deleted the next time.
pub async fn prune(vault: &Vault, name: &str, retention: &Retention) -> Result<usize, BackupError> {
    let now_us = vault.now_us();
    let backups = vault.list(name).await?.backups;
    let well: BTreeSet<String> = vault
        .verifications(name)
        .await?
        .into_iter()
        .filter(|record| record.outcome == Outcome::Ok)
        .map(|record| record.backup)
        .collect();
    let aged: Vec<Aged> = backups
        .iter()
        .map(|manifest| Aged { taken_at_us: manifest.taken_at_us, verified: well.contains(&manifest.id) })
        .collect();
    let mut deleted = 0;
    let mut kept = Vec::new();
    for (manifest, keep) in backups.iter().zip(retention.keep(&aged, now_us)) {
        if keep {
            kept.push(manifest);
            continue;
        }
        // The manifest first: without it there is no backup, so none is there whose object is gone.
        vault.place.delete(&format!("{name}/manifests/{}.json", manifest.id)).await?;
        vault.place.delete(&manifest.object.name).await?;
        deleted += 1;
    }
    segments(vault, name, retention, &kept, now_us).await?;
    orphans(vault, name, now_us).await?;
    Ok(deleted)
}

async fn segments(
    vault: &Vault,
    name: &str,
    retention: &Retention,
    kept: &[&Manifest],
    now_us: i64,
) -> Result<(), BackupError> {
    let kept_at: Vec<i64> = kept.iter().map(|manifest| manifest.taken_at_us).collect();
    let from_us = retention.segments_from(&kept_at, now_us);
    // A backup goes on with the segment that was open while it was taken, and all changes in that may be older than the backup.
    let begun = kept
        .iter()
        .filter(|manifest| manifest.taken_at_us >= from_us)
        .filter_map(|manifest| manifest.continued.as_ref());
    let needed = |generation: &str, number: u64| {
        begun.clone().any(|continued| continued.generation == generation && number >= continued.segment)
    };
    let objects = vault.place.list(&format!("{name}/segments")).await?;
    let gone: BTreeSet<&str> = objects
        .iter()
        .filter_map(|object| {
            let last_at_us: i64 = object.strip_suffix(".json")?.rsplit_once('-')?.1.parse().ok()?;
            let stem = stem(object)?;
            let mut parts = stem.rsplit('/');
            let (number, generation) = (parts.next()?.parse().ok()?, parts.next()?);
            (last_at_us < from_us && !needed(generation, number)).then_some(stem)
        })
        .collect();
    // Manifests sort behind their objects; the other way round is the safe one.
    for object in objects.iter().rev().filter(|object| stem(object).is_some_and(|stem| gone.contains(stem))) {
        vault.place.delete(object).await?;
    }
    Ok(())
}

/// What a segment's object and its manifest have in common: folder and number.
fn stem(object: &str) -> Option<&str> {
    let file = object.rfind('/')? + 1;
    let number = object.get(file..)?.find('-')?;
    object.get(..file + number)
}

async fn orphans(vault: &Vault, name: &str, now_us: i64) -> Result<(), BackupError> {
    let before = time::compact(now_us - ORPHAN_US);
    let manifests: BTreeSet<String> = vault.place.list(&format!("{name}/manifests")).await?.into_iter().collect();
    for object in vault.place.list(&format!("{name}/objects")).await? {
        // A backup's id is a time with its fraction, `-` and a random part; endings follow.
        let file = object.rsplit('/').next().unwrap_or_default();
        let id = file.split(".zst").next().unwrap_or_default();
        if id < before.as_str() && !manifests.contains(&format!("{name}/manifests/{id}.json")) {
            vault.place.delete(&object).await?;
        }
    }
    let before = Duration::from_micros(u64::try_from(now_us - ORPHAN_US).unwrap_or_default());
    vault.place.sweep(name, UNIX_EPOCH + before).await?;
    let before = time::compact(now_us - RECORDS_US);
    for record in vault.place.list(&format!("{name}/checks")).await? {
        if record.rsplit('/').next().is_some_and(|file| file < before.as_str()) {
            vault.place.delete(&record).await?;
        }
    }
    Ok(())
}
