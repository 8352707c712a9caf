//! How often this process took over or handed over.

use seawall_core::meter::{Handle, Meter, Metric, MetricKind};
use seawall_telemetry::Registry;

static HAND_OVERS: Metric = Metric {
    name: "seawall_hand_overs",
    help: "Hand-overs between processes: taken over from another, given to another, or failed, after which this one went on.",
    kind: MetricKind::Counter,
    labels: &["outcome"],
};

/// Every metric of hand-overs, for the catalogue.
pub static METRICS: [&Metric; 1] = [&HAND_OVERS];

/// The handles.
#[derive(Clone, Debug)]
pub(in crate::app) struct HandOverMeters {
    /// Taken over from another process.
    pub(in crate::app) taken: Handle,
    /// Given to another process.
    pub(super) given: Handle,
    /// Tried in vain.
    pub(super) failed: Handle,
}

impl HandOverMeters {
    pub(in crate::app) fn new(registry: &Registry) -> Self {
        let series = |outcome| registry.series(&HAND_OVERS, &[outcome]);
        Self { taken: series("taken"), given: series("given"), failed: series("failed") }
    }
}
