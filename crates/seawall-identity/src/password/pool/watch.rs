//! What the pool measures.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU64, Ordering},
};

use seawall_core::meter::{Handle, Meter, Metric, MetricKind};

use super::Format;

static WAITING: Metric = Metric {
    name: "seawall_password_jobs_waiting",
    help: "Passwords that wait to be hashed or verified.",
    kind: MetricKind::Gauge,
    labels: &[],
};
static RUNNING: Metric = Metric {
    name: "seawall_password_jobs_running",
    help: "Passwords that are being hashed or verified.",
    kind: MetricKind::Gauge,
    labels: &[],
};
static REFUSED: Metric = Metric {
    name: "seawall_password_jobs_refused",
    help: "Passwords that were neither hashed nor verified, because as many waited as may (`full`) or the time ran out (`late`).",
    kind: MetricKind::Counter,
    labels: &["reason"],
};
static DROPPED: Metric = Metric {
    name: "seawall_password_jobs_dropped",
    help: "Passwords that were not hashed because who asked had left.",
    kind: MetricKind::Counter,
    labels: &[],
};
static DURATION: Metric = Metric {
    name: "seawall_password_duration_seconds",
    help: "Time that hashing or verifying one password took, without waiting.",
    kind: MetricKind::Histogram {
        bounds: &[
            1_000, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000,
            10_000_000,
        ],
        scale: 1_000_000,
    },
    labels: &["format"],
};

/// All metrics of the pool.
pub static METRICS: [&Metric; 5] = [&WAITING, &RUNNING, &REFUSED, &DROPPED, &DURATION];

/// Why a job was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Full,
    Late,
}

/// The handles, and a moving mean of what a job takes.
#[derive(Debug)]
pub(super) struct Watch {
    waiting: Handle,
    running: Handle,
    full: Handle,
    late: Handle,
    dropped: Handle,
    /// Resolved when a format is met, so that a scrape shows those that there are.
    durations: [OnceLock<Handle>; Format::ALL.len()],
    meter: Arc<dyn Meter>,
    mean_us: AtomicU64,
}

impl Watch {
    pub(super) fn new(meter: Arc<dyn Meter>) -> Self {
        Self {
            waiting: meter.series(&WAITING, &[]),
            running: meter.series(&RUNNING, &[]),
            full: meter.series(&REFUSED, &["full"]),
            late: meter.series(&REFUSED, &["late"]),
            dropped: meter.series(&DROPPED, &[]),
            durations: [const { OnceLock::new() }; Format::ALL.len()],
            meter,
            mean_us: AtomicU64::new(0),
        }
    }

    pub(super) fn waiting(&self, change: i64) {
        self.waiting.add(change);
    }

    /// So many waiting jobs were given up.
    pub(super) fn dropped(&self, count: usize) {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.waiting.add(-count);
        self.dropped.add(count);
    }

    pub(super) fn refused(&self, why: Refused) {
        match why {
            Refused::Full => self.full.increment(),
            Refused::Late => self.late.increment(),
        }
    }

    /// A job runs as long as this lives.
    pub(super) fn running(&self) -> Running<'_> {
        self.running.add(1);
        Running(&self.running)
    }

    pub(super) fn took(&self, format: Format, took_us: u64) {
        if let Some(duration) = self.durations.get(format as usize) {
            duration.get_or_init(|| self.meter.series(&DURATION, &[format.name()])).observe(took_us);
        }
        // Two threads may overwrite each other's step; a mean does not mind.
        let mean_us = self.mean_us.load(Ordering::Relaxed);
        let next_us = if mean_us == 0 { took_us } else { (mean_us * 7 + took_us) / 8 };
        self.mean_us.store(next_us, Ordering::Relaxed);
    }

    pub(super) fn mean_us(&self) -> u64 {
        self.mean_us.load(Ordering::Relaxed)
    }
}

/// Counts back when it is dropped, whatever happens.
pub(super) struct Running<'a>(&'a Handle);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.add(-1);
    }
}
