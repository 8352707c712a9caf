//! The tracing port: finished spans of calls outwards, by the names of OpenTelemetry.

use std::fmt;

use crate::http::trace_context::TraceContext;

/// A call to another service, finished: a span of kind client.
#[derive(Clone, Debug, PartialEq)]
pub struct ClientSpan {
    /// Its trace, its own id, and whose span called.
    pub trace: TraceContext,
    /// What was called, such as `chat gpt-5`.
    pub name: String,
    /// When it began, in microseconds since 1970-01-01T00:00:00Z.
    pub start_unix_us: u64,
    /// When it ended, in microseconds since 1970-01-01T00:00:00Z.
    pub end_unix_us: u64,
    /// What is known of it.
    pub attributes: Vec<(&'static str, Attribute)>,
    /// Whether it failed.
    pub error: bool,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// Text.
    Text(String),
    /// Several texts.
    Texts(Vec<String>),
    /// A whole number.
    Integer(i64),
}

/// Where finished spans go.
pub trait Tracer: fmt::Debug + Send + Sync {
    /// Whether they go anywhere; otherwise there is no need to make one.
    fn exports(&self) -> bool;

    /// Hands over a span. Never waits: where there is no room, it is dropped and counted.
    fn finished(&self, span: ClientSpan);
}
