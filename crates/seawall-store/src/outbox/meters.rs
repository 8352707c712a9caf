//! What the outbox counts.

use seawall_core::meter::{Handle, Meter, Metric, MetricKind};

static DELIVERIES: Metric = Metric {
    name: "seawall_outbox_deliveries",
    help: "Attempts to deliver a message, by what came of them: delivered, failed and tried again, set aside as dead.",
    kind: MetricKind::Counter,
    labels: &["topic", "outcome"],
};
static LATENCY: Metric = Metric {
    name: "seawall_outbox_latency_seconds",
    help: "Time from writing a message to its delivery.",
    kind: MetricKind::Histogram {
        bounds: &[
            1_000,
            5_000,
            25_000,
            100_000,
            500_000,
            1_000_000,
            10_000_000,
            60_000_000,
            600_000_000,
            3_600_000_000,
        ],
        scale: 1_000_000,
    },
    labels: &["topic"],
};

/// All metrics of the outbox.
pub(crate) const METRICS: [&Metric; 2] = [&DELIVERIES, &LATENCY];

/// The handles of one topic.
#[derive(Debug)]
pub(super) struct Meters {
    pub(super) delivered: Handle,
    pub(super) failed: Handle,
    pub(super) dead: Handle,
    pub(super) latency: Handle,
}

impl Meters {
    pub(super) fn of(topic: &str, meter: &dyn Meter) -> Self {
        Self {
            delivered: meter.series(&DELIVERIES, &[topic, "delivered"]),
            failed: meter.series(&DELIVERIES, &[topic, "failed"]),
            dead: meter.series(&DELIVERIES, &[topic, "dead"]),
            latency: meter.series(&LATENCY, &[topic]),
        }
    }
}
