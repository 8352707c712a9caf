//! Spans of calls outwards, handed over by the crates that make them.

use seawall_core::span::{self, ClientSpan, Tracer};

use super::{Attribute, Kind, SpanRecord, Spans};

impl Tracer for Spans {
    fn exports(&self) -> bool {
        self.exported()
    }

    fn finished(&self, span: ClientSpan) {
        let ClientSpan { trace, name, start_unix_us, end_unix_us, attributes, error } = span;
        self.hand(SpanRecord {
            trace_id: trace.trace_id,
            span_id: trace.span_id,
            parent_id: trace.parent_id,
            kind: Kind::Client,
            name: name.into(),
            start_unix_us,
            end_unix_us,
            attributes: attributes.into_iter().map(|(name, value)| (name, attribute(value))).collect(),
            error,
        });
    }
}

fn attribute(value: span::Attribute) -> Attribute {
    match value {
        span::Attribute::Text(text) => Attribute::Text(text.into()),
        span::Attribute::Texts(texts) => Attribute::Texts(texts),
        span::Attribute::Integer(integer) => Attribute::Integer(integer),
    }
}
