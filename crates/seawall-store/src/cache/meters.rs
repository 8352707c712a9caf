//! What caches count.

use seawall_core::meter::{Handle, Meter, Metric, MetricKind};

use super::table::Size;

static LOOKUPS: Metric = Metric {
    name: "seawall_cache_lookups",
    help: "Look-ups in a cache of the store, by outcome: hit, miss.",
    kind: MetricKind::Counter,
    labels: &["cache", "outcome"],
};
static LOADS: Metric = Metric {
    name: "seawall_cache_loads",
    help: "Readings for a cache, by what became of them: kept, overtaken (made void while they ran), failed, refused (too many at once).",
    kind: MetricKind::Counter,
    labels: &["cache", "outcome"],
};
static EVICTIONS: Metric = Metric {
    name: "seawall_cache_evictions",
    help: "Entries that a cache let go of for want of room, those that found none included.",
    kind: MetricKind::Counter,
    labels: &["cache"],
};
static INVALIDATIONS: Metric = Metric {
    name: "seawall_cache_invalidations",
    help: "How often a cache was told to forget, by who told it (this node, another) and what (keys, everything).",
    kind: MetricKind::Counter,
    labels: &["cache", "source", "scope"],
};
static ENTRIES: Metric = Metric {
    name: "seawall_cache_entries",
    help: "Entries in a cache, those included that are too old and not yet replaced.",
    kind: MetricKind::Gauge,
    labels: &["cache"],
};
static BYTES: Metric = Metric {
    name: "seawall_cache_bytes",
    help: "What the entries of a cache count for in bytes, each at least its share of the room.",
    kind: MetricKind::Gauge,
    labels: &["cache"],
};

/// All metrics of caches.
pub(crate) const METRICS: [&Metric; 6] = [&LOOKUPS, &LOADS, &EVICTIONS, &INVALIDATIONS, &ENTRIES, &BYTES];

/// The handles of one cache.
#[derive(Debug)]
pub(super) struct Meters {
    pub(super) hits: Handle,
    pub(super) misses: Handle,
    pub(super) kept: Handle,
    pub(super) overtaken: Handle,
    pub(super) failed: Handle,
    pub(super) refused: Handle,
    pub(super) evictions: Handle,
    pub(super) own: Invalidations,
    pub(super) others: Invalidations,
    entries: Handle,
    bytes: Handle,
}

/// By whom a cache was told.
#[derive(Debug)]
pub(super) struct Invalidations {
    pub(super) keys: Handle,
    pub(super) everything: Handle,
}

impl Meters {
    pub(super) fn of(cache: &str, meter: &dyn Meter) -> Self {
        let invalidations = |source: &str| Invalidations {
            keys: meter.series(&INVALIDATIONS, &[cache, source, "keys"]),
            everything: meter.series(&INVALIDATIONS, &[cache, source, "everything"]),
        };
        Self {
            hits: meter.series(&LOOKUPS, &[cache, "hit"]),
            misses: meter.series(&LOOKUPS, &[cache, "miss"]),
            kept: meter.series(&LOADS, &[cache, "kept"]),
            overtaken: meter.series(&LOADS, &[cache, "overtaken"]),
            failed: meter.series(&LOADS, &[cache, "failed"]),
            refused: meter.series(&LOADS, &[cache, "refused"]),
            evictions: meter.series(&EVICTIONS, &[cache]),
            own: invalidations("own"),
            others: invalidations("other"),
            entries: meter.series(&ENTRIES, &[cache]),
            bytes: meter.series(&BYTES, &[cache]),
        }
    }

    /// The size has changed.
    pub(super) fn resized(&self, from: Size, to: Size) {
        self.entries.add(to.entries.cast_signed().wrapping_sub(from.entries.cast_signed()));
        self.bytes.add(to.bytes.cast_signed().wrapping_sub(from.bytes.cast_signed()));
    }
}
