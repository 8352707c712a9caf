//! A database from a snapshot and the changes after it.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufReader},
    path::Path,
};

use super::{
    super::{
        BackupError, Manifest, Phase, Progress, SegmentManifest, Vault,
        blocking::blocking,
        capture::{RecordKind, Records},
        paced::Paced,
        pipeline,
    },
    again,
    plan::{Plan, Segment},
};

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::backup) struct Rebuilt {
    /// The state's time.
    pub(in crate::backup) state_at_us: i64,
    /// Commits made again.
    pub(in crate::backup) commits: u64,
}

/// Fetches the snapshot into a new file.
pub(in crate::backup) async fn fetch_snapshot(
    vault: &Vault,
    manifest: &Manifest,
    into: &Path,
    progress: &Progress,
) -> Result<(), BackupError> {
    pipeline::fetch(&vault.place, &vault.keys, &manifest.object, into, progress).await
}

/// Makes the plan's commits again in the file. A segment is fetched whole and compared with its manifest before any of it is used.
pub(in crate::backup) async fn replay(
    vault: &Vault,
    plan: &Plan,
    file: &Path,
    progress: &Progress,
) -> Result<Rebuilt, BackupError> {
    let mut rebuilt = Rebuilt { state_at_us: plan.manifest.taken_at_us, commits: 0 };
    if plan.segments.is_empty() {
        return Ok(rebuilt);
    }
    let scratch = vault.scratch("replay")?;
    let total: u64 = plan.segments.iter().map(|segment| segment.manifest.object.plain_bytes).sum();
    let mut done = 0;
    for Segment { manifest: segment, unshipped } in &plan.segments {
        let fetched = match unshipped {
            Some(path) => path.clone(),
            None => {
                let fetched = scratch.file("segment");
                pipeline::fetch(&vault.place, &vault.keys, &segment.object, &fetched, &Progress::silent()).await?;
                fetched
            }
        };
        let (own, target, until_us) = (segment.clone(), file.to_owned(), plan.until_us);
        let applied = blocking(move || apply(&own, &fetched, &target, until_us)).await?;
        rebuilt.commits += applied.commits;
        rebuilt.state_at_us = rebuilt.state_at_us.max(applied.state_at_us);
        done += segment.object.plain_bytes;
        progress.tell(Phase::Replay, done, total);
    }
    Ok(rebuilt)
}

/// Writes the pages of a segment's commits to their places.
fn apply(
    segment: &SegmentManifest,
    fetched: &Path,
    target: &Path,
    until_us: Option<i64>,
) -> Result<Rebuilt, BackupError> {
    let damaged =
        |reason: &str| BackupError::Damaged { object: segment.object.name.clone(), reason: reason.to_owned() };
    let open = || {
        let file = File::open(fetched).map_err(BackupError::file(fetched))?;
        Records::open(BufReader::with_capacity(1 << 20, file)).map_err(|error| damaged(&error.to_string()))
    };
    let (head, records) = open()?;
    if (&head.generation, head.number) != (&segment.generation, segment.number) {
        return Err(damaged("it belongs elsewhere"));
    }
    let wanted = wanted(records, until_us).map_err(BackupError::file(fetched))?;
    let whole = head.first_commit + wanted.rebuilt.commits == segment.next_commit;
    if !whole && !wanted.later {
        return Err(damaged("its end is missing"));
    }
    let mut file = Paced::new(OpenOptions::new().write(true).open(target).map_err(BackupError::file(target))?);
    let (_, mut records) = open()?;
    let commits = head.first_commit..head.first_commit + wanted.rebuilt.commits;
    let bytes = again::make(&head, &mut records, &commits, &mut file).map_err(BackupError::file(target))?;
    if let Some(bytes) = bytes {
        // A commit may have made the database smaller.
        file.set_len(bytes).map_err(BackupError::file(target))?;
    }
    file.finish().map_err(BackupError::file(target))?;
    Ok(wanted.rebuilt)
}

/// How much of a segment is wanted. A commit's end says when it was, and parts of it come before, so this is known only afterwards.
struct Wanted {
    rebuilt: Rebuilt,
    /// A commit follows that is later than wanted.
    later: bool,
}

fn wanted(mut records: Records<BufReader<File>>, until_us: Option<i64>) -> io::Result<Wanted> {
    let rebuilt = Rebuilt { state_at_us: 0, commits: 0 };
    let mut wanted = Wanted { rebuilt, later: false };
    while let Some(record) = records.advance()? {
        if let RecordKind::Commit { at_us, .. } = record.what {
            if until_us.is_some_and(|until_us| at_us > until_us) {
                wanted.later = true;
                break;
            }
            wanted.rebuilt.commits += 1;
            wanted.rebuilt.state_at_us = at_us;
        }
    }
    Ok(wanted)
}
