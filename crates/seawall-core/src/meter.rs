//! The metrics port: handles are resolved when a policy is built, so that counting costs one addition.

use std::{fmt, sync::Arc};

/// What a metric is; each crate declares its own as constants, and the catalogue lists them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metric {
    /// `seawall_<noun>_<unit>[_total]`, or an OpenTelemetry name (HTTP, generative AI) with underscores. Counters are named without `_total`: the exposition adds it.
    pub name: &'static str,
    /// One sentence for the scrape and the reference.
    pub help: &'static str,
    /// Counter, gauge or histogram.
    pub kind: MetricKind,
    /// Label names, in order. Their values come from bounded sets only.
    pub labels: &'static [&'static str],
}

/// The kinds of metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MetricKind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts observations, given in microseconds or bytes, by upper bounds in `scale` units.
    Histogram {
        /// Upper bounds of the buckets, in observed units, ascending.
        bounds: &'static [u64],
        /// What one exposed unit is in observed units: 1,000,000 exposes microseconds as seconds.
        scale: u64,
    },
}

/// One series of a metric, as an engine keeps it.
pub trait Series: fmt::Debug + Send + Sync {
    /// Adds to a counter or gauge, or observes a value of a histogram.
    fn add(&self, value: i64);
}

/// A handle to one series; cheap to clone. [`Handle::none`] counts nothing.
#[derive(Clone, Debug, Default)]
pub struct Handle(Option<Arc<dyn Series>>);

impl Handle {
    /// A handle to `series`.
    #[must_use]
    pub fn new(series: Arc<dyn Series>) -> Self {
        Self(Some(series))
    }

    /// A handle that counts nothing.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    /// Adds one.
    pub fn increment(&self) {
        self.add(1);
    }

    /// Adds `value` to a counter or gauge, or observes it in a histogram.
    pub fn add(&self, value: i64) {
        if let Some(series) = &self.0 {
            series.add(value);
        }
    }

    /// Observes an unsigned value; beyond `i64::MAX` it is clamped.
    pub fn observe(&self, value: u64) {
        self.add(i64::try_from(value).unwrap_or(i64::MAX));
    }
}

/// Where handles come from.
pub trait Meter: fmt::Debug + Send + Sync {
    /// The series of `metric` with these label values, in the order of [`Metric::labels`]. The same values give the
    /// same series, so a reload resets nothing. A meter that holds its bound of series answers one that counts nothing.
    fn series(&self, metric: &'static Metric, label_values: &[&str]) -> Handle;
}

/// A meter that counts nothing, for libraries and tests that do not look.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoMeter;

impl Meter for NoMeter {
    fn series(&self, _metric: &'static Metric, _label_values: &[&str]) -> Handle {
        Handle::none()
    }
}
