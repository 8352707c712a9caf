//! The scrape: all series in the OpenMetrics text format.

use std::fmt;

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabel, EncodeLabelSet, LabelSetEncoder, MetricEncoder, NoLabelSet, text},
    metrics::{MetricType, exemplar::Exemplar},
    registry,
};
use seawall_core::meter::{Metric, MetricKind};

use super::{
    registry::{Family, Registry},
    series::{Distribution, Kept},
};

/// The media type of [`Registry::encode`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// No series has exemplars.
const NO_EXEMPLAR: Option<&Exemplar<NoLabelSet, f64>> = None;

/// Everything in `metrics`, as text.
pub(super) fn text(metrics: Registry) -> String {
    let mut scrape = registry::Registry::default();
    scrape.register_collector(Box::new(All(metrics)));
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = text::encode(&mut out, &scrape);
    out
}

/// All metrics, as the encoder collects them.
#[derive(Debug)]
struct All(Registry);

impl Collector for All {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for family in self.0.families().values().filter(|family| !family.series.is_empty()) {
            write_family(&mut encoder, family)?;
        }
        Ok(())
    }
}

fn write_family(encoder: &mut DescriptorEncoder<'_>, family: &Family) -> fmt::Result {
    let metric = family.metric;
    let mut encoder = encoder.encode_descriptor(metric.name, &help(metric), None, metric_type(metric.kind))?;
    for (values, kept) in &family.series {
        if metric.labels.is_empty() {
            write_series(&mut encoder, metric, kept)?;
        } else {
            let labels = Labels { names: metric.labels, values };
            write_series(&mut encoder.encode_family(&labels)?, metric, kept)?;
        }
    }
    Ok(())
}

fn write_series(encoder: &mut MetricEncoder<'_>, metric: &Metric, kept: &Kept) -> fmt::Result {
    match kept {
        Kept::Counter(counter) => encoder.encode_counter(&counter.sum(), NO_EXEMPLAR),
        Kept::Gauge(gauge) => encoder.encode_gauge(&gauge.sum()),
        Kept::Histogram(histogram) => write_histogram(encoder, metric.kind, &histogram.distribution()),
    }
}

fn write_histogram(encoder: &mut MetricEncoder<'_>, kind: MetricKind, distribution: &Distribution) -> fmt::Result {
    let MetricKind::Histogram { bounds, scale } = kind else {
        return Ok(());
    };
    let scaled = |value: u64| value as f64 / scale as f64;
    let bounds = bounds.iter().map(|&bound| scaled(bound)).chain([f64::INFINITY]);
    let buckets: Vec<_> = bounds.zip(distribution.counts.iter().copied()).collect();
    let count = distribution.counts.iter().sum();
    encoder.encode_histogram::<NoLabelSet>(scaled(distribution.sum), count, &buckets, None)
}

const fn metric_type(kind: MetricKind) -> MetricType {
    match kind {
        MetricKind::Counter => MetricType::Counter,
        MetricKind::Gauge => MetricType::Gauge,
        MetricKind::Histogram { .. } => MetricType::Histogram,
    }
}

/// The help text, escaped as OpenMetrics wants it; the encoder writes it as it comes.
fn help(metric: &Metric) -> String {
    metric.help.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// The labels of one series; the encoder escapes their values.
#[derive(Debug)]
struct Labels<'a> {
    names: &'static [&'static str],
    values: &'a [Box<str>],
}

impl EncodeLabelSet for Labels<'_> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        for (&name, value) in self.names.iter().zip(self.values) {
            (name, &**value).encode(encoder.encode_label())?;
        }
        Ok(())
    }
}
