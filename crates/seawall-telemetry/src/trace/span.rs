//! One finished span, and the way it leaves the data plane.

use std::{
    fmt,
    sync::{Arc, mpsc::SyncSender},
};

use seawall_core::meter::{Handle, Metric, MetricKind};

use crate::worker::Message;

/// Spans that were not exported.
pub const SPANS_DROPPED: Metric = Metric {
    name: "seawall_trace_spans_dropped",
    help: "Spans of sampled requests that were dropped because the collector was too slow or failed.",
    kind: MetricKind::Counter,
    labels: &[],
};

/// A sampled request, or a call that it led to, finished.
#[derive(Clone, Debug, PartialEq)]
pub struct SpanRecord {
    /// The trace it belongs to; never zero.
    pub trace_id: u128,
    /// Its own id; never zero.
    pub span_id: u64,
    /// The span that called us, when the trace began before us.
    pub parent_id: Option<u64>,
    /// Whether it was asked of us, or by us.
    pub kind: Kind,
    /// Method and route, or what was called.
    pub name: Arc<str>,
    /// When it began, in microseconds since 1970.
    pub start_unix_us: u64,
    /// When it ended, in microseconds since 1970.
    pub end_unix_us: u64,
    /// What is known of it, by the names of OpenTelemetry.
    pub attributes: Vec<(&'static str, Attribute)>,
    /// Whether it failed by our fault or the upstream's.
    pub error: bool,
}

/// Whose work a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A request to us.
    Server,
    /// A call of ours.
    Client,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// Text.
    Text(Arc<str>),
    /// Several texts.
    Texts(Vec<String>),
    /// A whole number.
    Integer(i64),
    /// Yes or no.
    Flag(bool),
}

/// Where finished spans go; cheap to clone. Without an exporter they go nowhere.
#[derive(Clone, Default)]
pub struct Spans(Option<Way>);

#[derive(Clone)]
struct Way {
    exporter: SyncSender<Message<SpanRecord>>,
    dropped: Handle,
}

impl Spans {
    /// No exporter.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    #[cfg(feature = "otlp")]
    pub(super) const fn new(exporter: SyncSender<Message<SpanRecord>>, dropped: Handle) -> Self {
        Self(Some(Way { exporter, dropped }))
    }

    /// Whether spans go anywhere; otherwise there is no need to make one.
    #[must_use]
    pub const fn exported(&self) -> bool {
        self.0.is_some()
    }

    /// Hands over a span, and never waits: when the exporter has no room, it is dropped and counted.
    pub fn hand(&self, span: SpanRecord) {
        if let Some(way) = &self.0
            && way.exporter.try_send(Message::Work(span)).is_err()
        {
            way.dropped.increment();
        }
    }
}

impl fmt::Debug for Spans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spans").field("exported", &self.exported()).finish()
    }
}
