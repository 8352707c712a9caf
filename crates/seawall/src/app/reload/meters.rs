//! How often the configuration was reloaded, and when last.

use std::sync::atomic::{AtomicI64, Ordering};

use seawall_core::{
    clock::Now,
    meter::{Handle, Meter, Metric, MetricKind},
};
use seawall_telemetry::Registry;

static RELOADS: Metric = Metric {
    name: "seawall_reloads",
    help: "Reloads of the configuration: applied, or refused because of mistakes.",
    kind: MetricKind::Counter,
    labels: &["outcome"],
};
static APPLIED_AT: Metric = Metric {
    name: "seawall_reload_applied_timestamp_seconds",
    help: "When the configuration was reloaded last, in seconds since 1970; 0 when it was not since the start.",
    kind: MetricKind::Gauge,
    labels: &[],
};

/// Every metric of reloads, for the catalogue.
pub static METRICS: [&Metric; 2] = [&RELOADS, &APPLIED_AT];

/// The handles.
#[derive(Debug)]
pub(in crate::app) struct ReloadMeters {
    applied: Handle,
    refused: Handle,
    applied_at: Handle,
    /// What the gauge shows, which is moved by differences.
    shown_s: AtomicI64,
}

impl ReloadMeters {
    pub(in crate::app) fn new(registry: &Registry) -> Self {
        Self {
            applied: registry.series(&RELOADS, &["applied"]),
            refused: registry.series(&RELOADS, &["refused"]),
            applied_at: registry.series(&APPLIED_AT, &[]),
            shown_s: AtomicI64::new(0),
        }
    }

    pub(super) fn applied(&self, now: Now) {
        self.applied.increment();
        let now_s = i64::try_from(now.unix_us / 1_000_000).unwrap_or(i64::MAX);
        self.applied_at.add(now_s.saturating_sub(self.shown_s.swap(now_s, Ordering::Relaxed)));
    }

    pub(super) fn refused(&self) {
        self.refused.increment();
    }
}
