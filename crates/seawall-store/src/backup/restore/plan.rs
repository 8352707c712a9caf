//! Which snapshot and which segments lead to the wanted time.

use std::path::{Path, PathBuf};

use super::{
    super::{BackupError, Manifest, SegmentManifest, Vault, blocking::blocking, ship, time},
    Moment,
};

/// What has to be fetched.
#[derive(Debug)]
pub(in crate::backup) struct Plan {
    pub(in crate::backup) manifest: Manifest,
    pub(in crate::backup) segments: Vec<Segment>,
    /// Commits after this are not made again.
    pub(in crate::backup) until_us: Option<i64>,
    /// What is missing behind the last segment.
    pub(in crate::backup) gap: Option<String>,
    /// A change later than wanted is at the place, so all that is wanted is.
    beyond: bool,
}

/// A series of changes.
#[derive(Clone, Debug)]
pub(in crate::backup) struct Segment {
    pub(in crate::backup) manifest: SegmentManifest,
    /// Where it is on this machine, when it never came to the place.
    pub(in crate::backup) unshipped: Option<PathBuf>,
}

/// A segment's manifest, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Named {
    number: u64,
    first_at_us: i64,
    object: String,
}

/// Finds the way to a moment.
pub(in crate::backup) async fn plan(vault: &Vault, name: &str, moment: &Moment) -> Result<Plan, BackupError> {
    let listing = vault.list(name).await?;
    for error in &listing.unfit {
        tracing::warn!(error = error.chain(), "a manifest is passed over");
    }
    let none = listing.unfit.into_iter().next().unwrap_or_else(|| BackupError::NoBackup(name.to_owned()));
    let mut backups = listing.backups;
    match moment {
        Moment::Newest => from_snapshot(vault, backups.pop().ok_or(none)?, None, vault.unshipped.as_deref()).await,
        Moment::Backup(id) => backups.into_iter().find(|manifest| manifest.id == *id).map(bare).ok_or(none),
        Moment::At(at_us) => {
            let later = backups.partition_point(|manifest| manifest.taken_at_us <= *at_us);
            let later = backups.split_off(later).into_iter().next();
            match (backups.pop(), later) {
                (Some(manifest), later) => at(vault, manifest, later, *at_us).await,
                (None, Some(oldest)) => Err(BackupError::NotCovered {
                    wanted: time::plain(*at_us),
                    reason: format!("the oldest backup is of {}", time::plain(oldest.taken_at_us)),
                }),
                (None, None) => Err(none),
            }
        }
    }
}

/// The snapshot alone.
pub(in crate::backup) fn bare(manifest: Manifest) -> Plan {
    Plan { manifest, segments: Vec::new(), until_us: None, gap: None, beyond: false }
}

/// The way to a second, which has to be that second: changes that are not at the place must not be passed over in silence.
async fn at(vault: &Vault, manifest: Manifest, later: Option<Manifest>, at_us: i64) -> Result<Plan, BackupError> {
    let mut plan = from_snapshot(vault, manifest, Some(at_us), vault.unshipped.as_deref()).await?;
    let reached_us = plan.segments.last().map_or(plan.manifest.taken_at_us, |segment| segment.manifest.last_at_us);
    if plan.beyond || reached_us >= at_us {
        return Ok(plan);
    }
    let Manifest { id, .. } = &plan.manifest;
    let reached = time::plain(reached_us);
    match (plan.gap.take(), later) {
        (Some(gap), _) => Err(format!("{gap}; the backup before it is {id}")),
        (None, Some(later)) => Err(format!(
            "changes after {reached} are not at the place; the backup before it is {id}, the one after it {}",
            later.id
        )),
        (None, None) => {
            plan.gap = Some(format!("nothing later than {reached} is at the place"));
            Ok(plan)
        }
    }
    .map_err(|reason| BackupError::NotCovered { wanted: time::plain(at_us), reason })
}

/// The way from a snapshot on, as far as the place has it, and then the segments on this machine that were not shipped.
pub(in crate::backup) async fn from_snapshot(
    vault: &Vault,
    manifest: Manifest,
    at_us: Option<i64>,
    unshipped: Option<&Path>,
) -> Result<Plan, BackupError> {
    let mut plan = Plan { until_us: at_us, ..bare(manifest) };
    let Some(continued) = plan.manifest.continued.clone() else { return Ok(plan) };
    let folder = folder(&plan.manifest.name, &continued.generation);
    let named = vault.place.list(&folder).await?.into_iter().filter_map(parse);
    let later = named.filter(|named| named.number >= continued.segment);
    for (next, named) in (continued.segment..).zip(later) {
        let missing = || Some(format!("segment {next} of generation {} is missing", continued.generation));
        // Looked at before its time is: what is missing in front of it may be wanted.
        if named.number != next {
            plan.gap = missing();
            break;
        }
        if at_us.is_some_and(|at_us| named.first_at_us > at_us) {
            plan.beyond = true;
            break;
        }
        let segment: SegmentManifest = match vault.document(&named.object).await {
            Ok(segment) => segment,
            Err(error @ (BackupError::Forged { .. } | BackupError::Damaged { .. })) => {
                plan.gap = Some(error.chain());
                break;
            }
            Err(error) => return Err(error),
        };
        if !plan.continues(&segment) {
            plan.gap = missing();
            break;
        }
        plan.segments.push(Segment { manifest: segment, unshipped: None });
    }
    if let Some(directory) = unshipped.filter(|_| plan.gap.is_none() && !plan.beyond) {
        let next = plan.segments.last().map_or(continued.segment, |last| last.manifest.number + 1);
        let (directory, generation) = (directory.to_owned(), continued.generation.clone());
        plan.go_on(blocking(move || Ok(ship::unshipped(&directory, &generation, next))).await?);
    }
    // What was captured is a series without a gap, so when it reaches beyond the snapshot, all that is in the snapshot is in it too.
    // Otherwise the snapshot may hold changes that were never captured, because the generation was given up meanwhile: then its
    // pages are newer than those of the segments, and older ones among them would make it neither the one state nor the other.
    let reached_us = plan.segments.last().map(|segment| segment.manifest.last_at_us);
    if !plan.beyond && reached_us <= Some(plan.manifest.taken_at_us) {
        plan.segments.clear();
    }
    Ok(plan)
}

impl Plan {
    /// Whether a segment begins where the last one ends.
    fn continues(&self, next: &SegmentManifest) -> bool {
        self.segments.last().is_none_or(|before| before.manifest.next_commit == next.first_commit)
    }

    /// Goes on with segments of this machine, as far as they follow the others without a gap.
    fn go_on(&mut self, unshipped: Vec<(PathBuf, SegmentManifest)>) {
        for (path, manifest) in unshipped {
            if self.until_us.is_some_and(|until_us| manifest.first_at_us > until_us) {
                self.beyond = true;
                return;
            }
            if !self.continues(&manifest) {
                return;
            }
            self.segments.push(Segment { manifest, unshipped: Some(path) });
        }
    }
}

/// Where a generation's segments are.
pub(in crate::backup) fn folder(name: &str, generation: &str) -> String {
    format!("{name}/segments/{generation}")
}

/// The name of a segment's manifest.
pub(in crate::backup) fn manifest_name(name: &str, segment: &SegmentManifest) -> String {
    let SegmentManifest { generation, number, first_at_us, last_at_us, .. } = segment;
    format!("{}/{number:010}-{first_at_us:016}-{last_at_us:016}.json", folder(name, generation))
}

fn parse(object: String) -> Option<Named> {
    let (_, file) = object.rsplit_once('/')?;
    let mut parts = file.strip_suffix(".json")?.split('-');
    let number = parts.next()?.parse().ok()?;
    let first_at_us = parts.next()?.parse().ok()?;
    Some(Named { number, first_at_us, object })
}
