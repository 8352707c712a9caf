//! The task that keeps one source backed up: ships changes, takes backups, verifies them, deletes what is too old.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

use super::{
    BackupError, Due, Meters, Outcome, Progress, Retention, Schedule, Source, State, Vault, begin_generation, prune,
    sentinel, ship, take, time, verify,
};
use crate::Db;

/// The longest that complete segments wait, and how often is looked at the time.
const ROUND: Duration = Duration::from_secs(30);

/// How long is waited for a sentinel to be shipped before a verification looks for it.
const SENTINEL_TRIES: u32 = 90;
const SENTINEL_EVERY: Duration = Duration::from_secs(1);

/// One source with all that its backups need.
#[derive(Clone, Debug)]
pub struct Task {
    /// The name of its backups.
    pub name: String,
    /// What is backed up.
    pub source: Source,
    /// Where to.
    pub vault: Vault,
    /// How often.
    pub schedule: Schedule,
    /// What is kept.
    pub retention: Retention,
    /// What is counted.
    pub meters: Arc<Meters>,
}

/// Keeps the source backed up until `stop` holds true. Whatever fails is counted, said, and tried again.
pub async fn run(task: Task, mut stop: watch::Receiver<bool>) {
    if !task.vault.encrypted() {
        tracing::warn!(
            backup.name = task.name,
            "backups are not encrypted: whoever can read the place can read the data; give recipients or a key file"
        );
    }
    let mut state: Option<State> = None;
    let mut rotated = task.db().and_then(Db::capturing).map(|(_, shared)| shared.rotated());
    loop {
        let wait = tokio::select! {
            wait = task.round(&mut state) => wait,
            _ = stop.wait_for(|&stop| stop) => return,
        };
        let segment = async {
            match &mut rotated {
                Some(rotated) => rotated.changed().await.is_ok(),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = stop.wait_for(|&stop| stop) => return,
            _ = segment => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

impl Task {
    /// Does what is due; answers how long there is nothing to do.
    async fn round(&self, state: &mut Option<State>) -> Duration {
        let name = &self.name;
        let shipped = self.ship().await;
        let known = match state {
            Some(known) => known,
            None => match self.known().await {
                Ok(known) => state.insert(known),
                Err(error) => {
                    self.meters.unreadable();
                    tracing::error!(
                        backup.name = name,
                        place = self.vault.place.url(),
                        error = error.chain(),
                        "the place of the backups cannot be read; check that it is there and what the credentials allow"
                    );
                    return ROUND;
                }
            },
        };
        if shipped && self.begin_again().await {
            known.wanted_at_once = true;
        }
        let now_us = self.vault.now_us();
        match self.schedule.due(known, now_us) {
            Due::Backup => {
                self.backup(known).await;
                Duration::ZERO
            }
            Due::Verification => {
                self.verify(known).await;
                Duration::ZERO
            }
            Due::Nothing { until_us } => {
                Duration::from_micros(u64::try_from(until_us.saturating_sub(now_us)).unwrap_or_default()).min(ROUND)
            }
        }
    }

    /// How things stand according to the place.
    async fn known(&self) -> Result<State, BackupError> {
        let listing = self.vault.list(&self.name).await?;
        let mut state = State::default();
        for unfit in &listing.unfit {
            tracing::error!(
                backup.name = self.name,
                error = unfit.chain(),
                "a manifest cannot be trusted; find out who wrote it"
            );
        }
        if let Some(newest) = listing.backups.last() {
            state.backup.done(newest.taken_at_us);
            state.anything_to_verify = true;
            let generation = newest.continued.as_ref().map(|continued| &continued.generation);
            let captured = self.db().and_then(Db::capture_status).and_then(|status| status.generation);
            state.wanted_at_once = captured.is_some() && captured.as_ref() != generation;
        }
        let verified = self.vault.verifications(&self.name).await?;
        if let Some(well) = verified.iter().rfind(|record| record.outcome == Outcome::Ok) {
            state.verification.done(well.at_us);
        }
        Ok(state)
    }

    async fn backup(&self, state: &mut State) {
        let name = &self.name;
        let taken = take(&self.vault, name, &self.source, &Progress::silent()).await;
        self.meters.taken(&taken);
        match taken {
            Ok(manifest) => {
                tracing::info!(
                    backup.name = name,
                    backup.id = manifest.id,
                    bytes = manifest.object.stored_bytes,
                    "a backup was taken"
                );
                for remark in &manifest.remarks {
                    tracing::warn!(backup.name = name, backup.id = manifest.id, remark);
                }
                state.backup.done(manifest.taken_at_us);
                state.wanted_at_once = false;
                state.anything_to_verify = true;
            }
            Err(error) => {
                state.backup.failed(self.vault.now_us());
                tracing::error!(
                    backup.name = name,
                    place = self.vault.place.url(),
                    failures = state.backup.failures,
                    error = error.chain(),
                    "no backup was taken; it is tried again"
                );
                return;
            }
        }
        if let Err(error) = prune(&self.vault, name, &self.retention).await {
            self.meters.retention_failures.increment();
            tracing::warn!(
                backup.name = name,
                error = error.chain(),
                "old backups were not deleted; the credentials may not allow it, or the place keeps them itself"
            );
        }
    }

    async fn verify(&self, state: &mut State) {
        let name = &self.name;
        if let Err(error) = self.show_sentinel().await {
            tracing::warn!(
                backup.name = name,
                error = error.chain(),
                "the row by which a verification sees how recent a backup is could not be shipped"
            );
        }
        let outcome = verify(&self.vault, name, None, &Progress::silent()).await;
        self.meters.verified(&outcome);
        let now_us = self.vault.now_us();
        match outcome {
            Ok(record) if record.outcome == Outcome::Ok => {
                state.verification.done(now_us);
                tracing::info!(
                    backup.name = name,
                    backup.id = record.backup,
                    rpo_us = record.rpo_us,
                    rto_us = record.rto_us,
                    "a backup was restored and found well"
                );
            }
            Ok(record) => {
                state.verification.failed(now_us);
                let reason = record.reason.unwrap_or_default();
                match record.outcome {
                    Outcome::Inconclusive => tracing::warn!(
                        backup.name = name,
                        backup.id = record.backup,
                        reason,
                        "a backup could not be looked at, so nothing is known of it; check the place and the key"
                    ),
                    _ => {
                        // The sooner there is a sound one, the better.
                        state.wanted_at_once = true;
                        tracing::error!(
                            backup.name = name,
                            backup.id = record.backup,
                            reason,
                            "a backup cannot be restored; another is taken at once, and an older one may be sound (`seawall backup verify`)"
                        );
                    }
                }
            }
            Err(error) => {
                state.verification.failed(now_us);
                tracing::error!(
                    backup.name = name,
                    error = error.chain(),
                    "no backup could be verified; it is tried again"
                );
            }
        }
    }

    /// Ships what waits; answers whether the place takes things.
    async fn ship(&self) -> bool {
        let Some(db) = self.db() else { return true };
        let shipped = ship(&self.vault, &self.name, db).await;
        if let Err(error) = &shipped {
            self.meters.ship_failures.increment();
            tracing::error!(
                backup.name = self.name,
                place = self.vault.place.url(),
                error = error.chain(),
                "changes were not shipped and wait on this machine; check the place"
            );
        }
        self.meters.waiting(db.capture_status().map_or(0, |status| status.waiting_segments));
        shipped.is_ok()
    }

    /// Has another generation begun when the last was given up; answers whether it was.
    async fn begin_again(&self) -> bool {
        let Some(db) = self.db() else { return false };
        let begun = db.capture_status().is_some_and(|status| status.given_up.is_some()) && begin_generation(db).await;
        if begun {
            tracing::info!(backup.name = self.name, "changes are captured again");
        }
        begun
    }

    /// Writes a sentinel and ships it, so that the verification that follows measures what a loss of the machine would cost.
    async fn show_sentinel(&self) -> Result<(), BackupError> {
        let Some(db) = self.db() else { return Ok(()) };
        let Some(before) = db.capture_status().filter(|status| status.generation.is_some()) else { return Ok(()) };
        let written = sentinel::write(db).await?;
        for _ in 0..SENTINEL_TRIES {
            tokio::time::sleep(SENTINEL_EVERY).await;
            let status = db.capture_status().unwrap_or_default();
            if status.generation != before.generation || status.segment > before.segment {
                return ship(&self.vault, &self.name, db).await.map(drop);
            }
        }
        let written = written.map_or_else(String::new, |sentinel| time::plain(sentinel.at_us));
        Err(BackupError::Abandoned(format!("what was written at {written} is in no segment yet")))
    }

    const fn db(&self) -> Option<&Db> {
        match &self.source {
            Source::Store(db) => Some(db),
            _ => None,
        }
    }
}
