//! Segments go to the place, and from this machine once they are there.

use std::{
    fs::{self, File},
    io::{self, BufReader},
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    BackupError, Progress, SegmentManifest, Vault,
    blocking::blocking,
    capture::{CaptureOptions, RecordKind, Records, Shared, Waiting, hold, segment_file, waiting},
    pipeline, restore,
    take::send_file,
    vault::random_hex,
};
use crate::Db;

/// How often, and how many times, is looked whether the writer has begun a generation: it looks every five seconds when idle.
const BEGIN_EVERY: Duration = Duration::from_millis(50);
const BEGIN_TRIES: u32 = 200;

/// Ships all complete segments of `db` to the place, the oldest first; answers how many.
///
/// # Errors
/// [`BackupError`]; what is not shipped stays and is shipped later.
pub async fn ship(vault: &Vault, name: &str, db: &Db) -> Result<usize, BackupError> {
    let Some((options, shared)) = db.capturing() else { return Ok(0) };
    let directory = options.directory.clone();
    let segments = blocking(move || waiting(&directory).map_err(BackupError::file(directory))).await?;
    let mut shipped = 0;
    for segment in segments {
        let found = one(vault, name, &segment).await?;
        let_go(options, shared, &segment, found.as_ref()).map_err(BackupError::file(&segment.path))?;
        shared.shipped(segment.bytes);
        shipped += 1;
    }
    Ok(shipped)
}

/// Has a generation of changes begun where there is none; answers whether there is one. A backup has to follow, to begin with.
pub async fn begin_generation(db: &Db) -> bool {
    let Some((_, shared)) = db.capturing() else { return false };
    shared.ask_for_generation();
    for _ in 0..BEGIN_TRIES {
        if shared.status().generation.is_some() {
            return true;
        }
        tokio::time::sleep(BEGIN_EVERY).await;
    }
    false
}

/// Removes a segment that is at the place, unless a copy is being made that needs it.
fn let_go(
    options: &CaptureOptions,
    shared: &Shared,
    segment: &Waiting,
    found: Option<&SegmentManifest>,
) -> io::Result<()> {
    let most = options.most_waiting_bytes;
    match found {
        Some(found) if shared.keeps(&found.generation, found.number, segment.bytes, most) => hold(&segment.path),
        _ => fs::remove_file(&segment.path),
    }
}

/// Ships one; nothing when nothing whole is in it, which happens when its end was lost with the power.
async fn one(vault: &Vault, name: &str, segment: &Waiting) -> Result<Option<SegmentManifest>, BackupError> {
    let path = segment.path.clone();
    let Some(found) = blocking(move || summary(&path)).await? else { return Ok(None) };
    let folder = restore::folder(name, &found.generation);
    let object = format!("{folder}/{:010}-{}", found.number, random_hex::<6>()?);
    let path = segment.path.clone();
    let stored =
        pipeline::store(&vault.place, &vault.keys, &object, move |into| send_file(&path, into, &Progress::silent()));
    let (object, ()) = stored.await?;
    let manifest = SegmentManifest { object, ..found };
    let written = vault.write_document(&restore::manifest_name(name, &manifest), &manifest).await;
    match written {
        // A crash after an earlier upload: what was to be shipped is there, and this is a second copy.
        Err(error) if error.exists_already() => vault.place.delete(&manifest.object.name).await?,
        other => other?,
    }
    Ok(Some(manifest))
}

/// The segments of a generation on this machine from a number on, the unfinished last one included, up to the first that is missing
/// or is none: that one, and what follows it, was never whole.
pub(super) fn unshipped(directory: &Path, generation: &str, from: u64) -> Vec<(PathBuf, SegmentManifest)> {
    let mut found = Vec::new();
    for number in from.. {
        let Some(path) = segment_file(directory, generation, number) else { break };
        let read = match summary(&path) {
            Ok(Some(manifest)) if manifest.generation == generation && manifest.number == number => manifest,
            // Nothing whole is in it, or it belongs elsewhere.
            Ok(_) => break,
            Err(error) => {
                tracing::warn!(error = error.chain(), "changes that were not shipped cannot be read, and are left out");
                break;
            }
        };
        found.push((path, read));
    }
    found
}

/// Reads a segment through; its object is not known yet.
fn summary(path: &Path) -> Result<Option<SegmentManifest>, BackupError> {
    let file = File::open(path).map_err(BackupError::file(path))?;
    let (head, mut records) =
        Records::open(BufReader::with_capacity(1 << 20, file)).map_err(BackupError::file(path))?;
    let (mut next_commit, mut times) = (head.first_commit, None);
    while let Some(record) = records.advance().map_err(BackupError::file(path))? {
        if let RecordKind::Commit { at_us, .. } = record.what {
            next_commit += 1;
            let (first, _) = times.unwrap_or((at_us, at_us));
            times = Some((first, at_us));
        }
    }
    Ok(times.map(|(first_at_us, last_at_us)| SegmentManifest {
        generation: head.generation,
        number: head.number,
        first_at_us,
        last_at_us,
        first_commit: head.first_commit,
        next_commit,
        object: pipeline::Object::default(),
    }))
}
