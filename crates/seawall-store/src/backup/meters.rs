//! What backups measure.

use seawall_core::meter::{Handle, Meter, Metric, MetricKind};

use super::{BackupError, Manifest, Outcome, Verification};
use crate::gauge::Gauge;

static TAKEN: Metric = Metric {
    name: "seawall_backup_last_taken_timestamp_seconds",
    help: "When the last backup was taken, in seconds since 1970.",
    kind: MetricKind::Gauge,
    labels: &["name"],
};
static VERIFIED: Metric = Metric {
    name: "seawall_backup_last_verified_timestamp_seconds",
    help: "When a backup was last restored and found well, in seconds since 1970; alert when it is older than 26 hours.",
    kind: MetricKind::Gauge,
    labels: &["name"],
};
static RPO: Metric = Metric {
    name: "seawall_backup_rpo_seconds",
    help: "How old the newest state was that the last verification could restore.",
    kind: MetricKind::Gauge,
    labels: &["name"],
};
static RTO: Metric = Metric {
    name: "seawall_backup_rto_seconds",
    help: "How long the last verification took to fetch, restore and check.",
    kind: MetricKind::Gauge,
    labels: &["name"],
};
static SIZE: Metric = Metric {
    name: "seawall_backup_stored_bytes",
    help: "Bytes of the last backup at its place.",
    kind: MetricKind::Gauge,
    labels: &["name"],
};
static FAILURES: Metric = Metric {
    name: "seawall_backup_failures",
    help: "Failures by what failed: backup, verification, shipping of changes, retention.",
    kind: MetricKind::Counter,
    labels: &["name", "step"],
};
static WAITING: Metric = Metric {
    name: "seawall_backup_segments_waiting",
    help: "Segments of changes that wait to be shipped.",
    kind: MetricKind::Gauge,
    labels: &["name"],
};

/// All metrics of backups.
pub(crate) const METRICS: [&Metric; 7] = [&TAKEN, &VERIFIED, &RPO, &RTO, &SIZE, &FAILURES, &WAITING];

/// The handles of one name, shared by all that takes and verifies its backups.
#[derive(Debug)]
pub struct Meters {
    taken_at: Gauge,
    verified_at: Gauge,
    rpo: Gauge,
    rto: Gauge,
    size: Gauge,
    waiting: Gauge,
    backup_failures: Handle,
    verification_failures: Handle,
    pub(super) ship_failures: Handle,
    pub(super) retention_failures: Handle,
}

impl Meters {
    /// The handles of this name.
    #[must_use]
    pub fn of(name: &str, meter: &dyn Meter) -> Self {
        let gauge = |metric| Gauge::new(meter.series(metric, &[name]));
        let failures = |step| meter.series(&FAILURES, &[name, step]);
        Self {
            taken_at: gauge(&TAKEN),
            verified_at: gauge(&VERIFIED),
            rpo: gauge(&RPO),
            rto: gauge(&RTO),
            size: gauge(&SIZE),
            waiting: gauge(&WAITING),
            backup_failures: failures("backup"),
            verification_failures: failures("verification"),
            ship_failures: failures("ship"),
            retention_failures: failures("retention"),
        }
    }

    /// Counts what came of taking a backup.
    pub fn taken(&self, outcome: &Result<Manifest, BackupError>) {
        match outcome {
            Ok(manifest) => self.backup(manifest),
            Err(_) => self.backup_failures.increment(),
        }
    }

    /// Counts what came of a verification.
    pub fn verified(&self, outcome: &Result<Verification, BackupError>) {
        match outcome {
            Ok(record) if record.outcome == Outcome::Ok => self.verification(record),
            _ => self.verification_failures.increment(),
        }
    }

    fn backup(&self, manifest: &Manifest) {
        self.taken_at.set(manifest.taken_at_us / 1_000_000);
        self.size.set(i64::try_from(manifest.object.stored_bytes).unwrap_or(i64::MAX));
    }

    /// A verification that was well.
    fn verification(&self, verification: &Verification) {
        let seconds = |us: u64| i64::try_from(us.div_ceil(1_000_000)).unwrap_or(i64::MAX);
        self.verified_at.set(verification.at_us / 1_000_000);
        self.rto.set(seconds(verification.rto_us));
        if let Some(rpo_us) = verification.rpo_us {
            self.rpo.set(seconds(rpo_us));
        }
    }

    /// The place could not be read, so no backup could be taken.
    pub(super) fn unreadable(&self) {
        self.backup_failures.increment();
    }

    pub(super) fn waiting(&self, segments: u64) {
        self.waiting.set(i64::try_from(segments).unwrap_or(i64::MAX));
    }
}
