//! Traces: which requests become spans, what a span holds, and how it leaves the data plane.
//!
//! The data plane hands the finished spans of sampled traces to [`Spans`], which never waits. With the feature `otlp`, an exporter sends them in batches to a collector over OTLP/HTTP; without it
//! a configured collector is refused when the configuration loads.

mod client;
mod config;
#[cfg(feature = "otlp")]
mod exporter;
mod span;

pub use config::{Endpoint, TRACE_SECTION, TraceSettings};
#[cfg(feature = "otlp")]
pub use exporter::SpanExporter;
pub use span::{Attribute, Kind, SPANS_DROPPED, SpanRecord, Spans};
