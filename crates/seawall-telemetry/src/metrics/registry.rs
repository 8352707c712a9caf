//! Which series there are: the same labels give the same series, and there is a bound on their number.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use seawall_core::meter::{Handle, Meter, Metric, MetricKind};

use super::{expose, series::Kept};

/// The most series of one metric; beyond it handles count nothing.
pub const MOST_SERIES: usize = 2_000;

/// Series that were asked for and not given.
pub const SERIES_DROPPED: Metric = Metric {
    name: "seawall_metrics_series_dropped",
    help: "Series that are not counted, because their metric has its most series or is declared twice in different ways.",
    kind: MetricKind::Counter,
    labels: &[],
};

/// The metrics of one application; cheap to clone.
#[derive(Clone, Debug)]
pub struct Registry(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    cores: usize,
    families: Mutex<Families>,
    dropped: Kept,
}

/// All metrics by name, in the order of the scrape.
pub(super) type Families = BTreeMap<&'static str, Family>;

/// A metric and its series by label values.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) metric: &'static Metric,
    pub(super) series: BTreeMap<Box<[Box<str>]>, Kept>,
}

impl Registry {
    /// A registry for threads bound to the cores `0..cores`, and any number of others.
    #[must_use]
    pub fn new(cores: usize) -> Self {
        let dropped = Kept::new(SERIES_DROPPED.kind, cores);
        let own = Family { metric: &SERIES_DROPPED, series: BTreeMap::from([(Box::default(), dropped.clone())]) };
        let families = Mutex::new(BTreeMap::from([(SERIES_DROPPED.name, own)]));
        Self(Arc::new(Inner { cores, families, dropped }))
    }

    /// All metrics in the OpenMetrics text format, ordered by name and label values; its type is
    /// [`CONTENT_TYPE`](super::CONTENT_TYPE).
    #[must_use]
    pub fn encode(&self) -> String {
        expose::text(self.clone())
    }

    /// The value of one series: what a counter or gauge holds, and the number of observations of a histogram. Nothing
    /// when nobody asked for the series.
    #[must_use]
    pub fn value(&self, name: &str, label_values: &[&str]) -> Option<f64> {
        let kept = self.families().get(name)?.series.get(&key(label_values))?.clone();
        Some(match kept {
            Kept::Counter(counter) => counter.sum() as f64,
            Kept::Gauge(gauge) => gauge.sum() as f64,
            Kept::Histogram(histogram) => histogram.count() as f64,
        })
    }

    pub(super) fn families(&self) -> MutexGuard<'_, Families> {
        self.0.families.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The series, unless there is no room or the metric contradicts its first declaration.
    fn find(&self, metric: &'static Metric, label_values: &[&str]) -> Option<Handle> {
        let mut families = self.families();
        let family = families.entry(metric.name).or_insert_with(|| Family { metric, series: BTreeMap::new() });
        if family.metric != metric || label_values.len() != metric.labels.len() {
            return None;
        }
        let full = family.series.len() >= MOST_SERIES;
        match family.series.entry(key(label_values)) {
            Entry::Occupied(kept) => Some(kept.get().handle()),
            Entry::Vacant(_) if full => None,
            Entry::Vacant(place) => Some(place.insert(Kept::new(metric.kind, self.0.cores)).handle()),
        }
    }
}

impl Meter for Registry {
    fn series(&self, metric: &'static Metric, label_values: &[&str]) -> Handle {
        self.find(metric, label_values).unwrap_or_else(|| {
            self.0.dropped.handle().increment();
            Handle::none()
        })
    }
}

fn key(label_values: &[&str]) -> Box<[Box<str>]> {
    label_values.iter().map(|&value| value.into()).collect()
}
