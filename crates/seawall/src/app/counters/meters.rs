//! What is counted of shared counters.

use seawall_core::meter::{Handle, Meter, Metric, MetricKind};

/// Asks of shared counters.
static ASKS: Metric = Metric {
    name: "seawall_shared_counters_asks",
    help: "Asks of shared counters by outcome: answered, timed_out, unavailable, full (too many waited), held_back (the circuit breaker was open), abandoned (the client left).",
    kind: MetricKind::Counter,
    labels: &["outcome"],
};

/// How long asks waited.
static DURATION: Metric = Metric {
    name: "seawall_shared_counters_ask_duration_seconds",
    help: "How long asks of shared counters waited for their answers, or in vain.",
    kind: MetricKind::Histogram {
        bounds: &[100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 500_000, 3_000_000],
        scale: 1_000_000,
    },
    labels: &[],
};

/// The circuit breaker.
static OPEN: Metric = Metric {
    name: "seawall_shared_counters_breaker_open",
    help: "Whether the circuit breaker before shared counters is open, so that nobody waits for them: 0 or 1.",
    kind: MetricKind::Gauge,
    labels: &[],
};

/// All metrics of shared counters.
pub(in crate::app) static METRICS: [&Metric; 3] = [&ASKS, &DURATION, &OPEN];

/// The handles.
#[derive(Debug)]
pub(super) struct Meters {
    pub(super) answered: Handle,
    pub(super) timed_out: Handle,
    pub(super) unavailable: Handle,
    pub(super) full: Handle,
    pub(super) held_back: Handle,
    pub(super) abandoned: Handle,
    pub(super) duration: Handle,
}

impl Meters {
    pub(super) fn new(meter: &dyn Meter) -> Self {
        let asks = |outcome: &str| meter.series(&ASKS, &[outcome]);
        Self {
            answered: asks("answered"),
            timed_out: asks("timed_out"),
            unavailable: asks("unavailable"),
            full: asks("full"),
            held_back: asks("held_back"),
            abandoned: asks("abandoned"),
            duration: meter.series(&DURATION, &[]),
        }
    }

    /// One more while the breaker is open, one less again when it has closed.
    pub(super) fn open(meter: &dyn Meter) -> Handle {
        meter.series(&OPEN, &[])
    }
}
