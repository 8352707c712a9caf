//! The export of spans: one thread that sends batches to a collector over OTLP/HTTP, in protobuf.
//!
//! The environment variables `OTEL_EXPORTER_OTLP_HEADERS` and `OTEL_EXPORTER_OTLP_TRACES_HEADERS` are honoured, for
//! collectors that want a token. A collector that is down or slow costs spans, which are counted, and nothing else.

use std::{
    borrow::Cow,
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use opentelemetry::{
    InstrumentationScope, KeyValue, SpanId, StringValue, TraceFlags, TraceId, Value,
    trace::{SpanContext, SpanKind, Status, TraceState},
};
use opentelemetry_otlp::{Protocol, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{SpanData, SpanEvents, SpanExporter as _, SpanLinks},
};
use seawall_core::{
    clock::Clock,
    meter::{Handle, Meter},
};
use tokio::runtime::{Builder, Runtime};

use super::{Attribute, Endpoint, Kind, SPANS_DROPPED, SpanRecord, Spans};
use crate::{
    TelemetryError,
    worker::{Inbox, Worker},
};

/// Spans of one request to the collector.
const BATCH: usize = 256;

/// How long the first span of a batch waits for others.
const WAIT_US: u64 = 1_000_000;

/// Spans that wait for the exporter.
const WAITING: usize = 2_048;

/// The most time for one batch, its retries included.
const LIMIT: Duration = Duration::from_secs(5);

/// The exporter of spans; its owner ends it with [`SpanExporter::finish`].
pub struct SpanExporter(Worker<SpanRecord>);

impl SpanExporter {
    /// Starts the exporter's thread. `service` is the service's name in each trace.
    ///
    /// # Errors
    /// [`TelemetryError`] when the exporter cannot be prepared or the system gives no thread. That the collector cannot be
    /// reached is no error: it may come later.
    pub fn start(
        endpoint: &Endpoint,
        service: &str,
        clock: Arc<dyn Clock>,
        meter: &dyn Meter,
    ) -> Result<(Self, Spans), TelemetryError> {
        let failed = |reason: String| TelemetryError::Exporter { endpoint: endpoint.to_string(), reason };
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| failed(error.to_string()))?;
        let mut exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_endpoint(endpoint.as_str())
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(LIMIT)
            .build()
            .map_err(|error| failed(error.to_string()))?;
        let name = KeyValue::new("service.name", service.to_owned());
        exporter.set_resource(&Resource::builder_empty().with_attribute(name).build());
        let dropped = meter.series(&SPANS_DROPPED, &[]);
        let for_thread = dropped.clone();
        let scope = InstrumentationScope::builder("seawall").with_version(env!("CARGO_PKG_VERSION")).build();
        let export = Export { exporter, runtime, scope, clock, dropped: for_thread };
        let worker = Worker::start("seawall-traces", WAITING, move |inbox| run(&inbox, &export))?;
        let spans = Spans::new(worker.sender(), dropped);
        Ok((Self(worker), spans))
    }

    /// Sends what waits, and ends the thread. Spans that come later are dropped and counted.
    ///
    /// # Errors
    /// [`TelemetryError::Unfinished`] when the collector takes longer than `limit`.
    pub fn finish(self, limit: Duration) -> Result<(), TelemetryError> {
        self.0.finish(limit)
    }
}

impl fmt::Debug for SpanExporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SpanExporter")
    }
}

struct Export {
    exporter: opentelemetry_otlp::SpanExporter,
    runtime: Runtime,
    scope: InstrumentationScope,
    clock: Arc<dyn Clock>,
    dropped: Handle,
}

/// Whether the collector took the last batch; the log says only when that changes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Collector {
    Takes,
    Fails,
}

fn run(inbox: &Inbox<SpanRecord>, export: &Export) {
    let mut collector = Collector::Takes;
    while let Some(first) = inbox.next() {
        let batch = gather(inbox, export, first);
        collector = send(export, batch, collector);
    }
}

/// The first span and those that come within the wait.
fn gather(inbox: &Inbox<SpanRecord>, export: &Export, first: SpanRecord) -> Vec<SpanData> {
    let began = export.clock.now();
    let mut batch = vec![data(first, &export.scope)];
    while batch.len() < BATCH {
        let left_us = WAIT_US.saturating_sub(export.clock.now().since_us(began));
        let Some(next) = inbox.next_within(Duration::from_micros(left_us)) else { break };
        batch.push(data(next, &export.scope));
    }
    batch
}

fn send(export: &Export, batch: Vec<SpanData>, before: Collector) -> Collector {
    let spans = batch.len() as u64;
    match (export.runtime.block_on(export.exporter.export(batch)), before) {
        (Ok(()), Collector::Takes) => Collector::Takes,
        (Ok(()), Collector::Fails) => {
            tracing::info!("collector takes spans again");
            Collector::Takes
        }
        (Err(error), before) => {
            export.dropped.observe(spans);
            if before == Collector::Takes {
                tracing::warn!(error = %error, "collector takes no spans; they are dropped until it does");
            }
            Collector::Fails
        }
    }
}

fn data(span: SpanRecord, scope: &InstrumentationScope) -> SpanData {
    let time = |unix_us| SystemTime::UNIX_EPOCH + Duration::from_micros(unix_us);
    let (trace_id, span_id) = (TraceId::from(span.trace_id), SpanId::from(span.span_id));
    SpanData {
        span_context: SpanContext::new(trace_id, span_id, TraceFlags::SAMPLED, false, TraceState::NONE),
        parent_span_id: span.parent_id.map_or(SpanId::INVALID, SpanId::from),
        parent_span_is_remote: span.parent_id.is_some(),
        span_kind: match span.kind {
            Kind::Server => SpanKind::Server,
            Kind::Client => SpanKind::Client,
        },
        name: Cow::Owned(span.name.as_ref().to_owned()),
        start_time: time(span.start_unix_us),
        end_time: time(span.end_unix_us),
        attributes: span.attributes.into_iter().map(|(name, value)| KeyValue::new(name, attribute(value))).collect(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: if span.error { Status::error("") } else { Status::Unset },
        instrumentation_scope: scope.clone(),
    }
}

fn attribute(value: Attribute) -> Value {
    match value {
        Attribute::Text(text) => Value::String(text.into()),
        Attribute::Texts(texts) => Value::Array(texts.into_iter().map(StringValue::from).collect::<Vec<_>>().into()),
        Attribute::Integer(integer) => Value::I64(integer),
        Attribute::Flag(flag) => Value::Bool(flag),
    }
}

#[cfg(test)]
mod tests;
