//! The layer that turns events into lines.

use tracing::{
    Event, Level, Subscriber,
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    Layer,
    layer::Context,
    registry::{LookupSpan, SpanRef},
};

use super::fields::Fields;
use crate::{
    Output, Style,
    line::{Colour, Head, LONGEST_MESSAGE, Stamp, capped, key, paint, text_field, unpaint},
};

/// The most bytes of a target.
const LONGEST_TARGET: usize = 256;

/// Writes each event as one line.
pub(super) struct LogLayer {
    head: Head,
    output: Output,
}

impl LogLayer {
    pub(super) fn new(output: Output) -> Self {
        Self { head: Head::new(&output.service), output }
    }

    fn write_json(&self, out: &mut Vec<u8>, level: Level, target: &str, fields: &Fields) {
        let unix_us = self.output.clock.now().unix_us;
        self.head.write(out, &mut Stamp::new(), unix_us, level, fields.message.as_bytes());
        text_field(out, "target", target.as_bytes(), LONGEST_TARGET);
        for (prefix, name, value) in fields.iter() {
            if prefix.is_empty() {
                key(out, name);
            } else {
                key(out, &format!("{prefix}{name}"));
            }
            out.extend_from_slice(value);
        }
        out.extend_from_slice(b"}\n");
    }

    fn write_pretty(&self, out: &mut Vec<u8>, level: Level, target: &str, fields: &Fields) {
        let style = self.output.style;
        let (word, colour) = look(level);
        out.extend_from_slice(paint(style, Colour::Dim));
        Stamp::new().write_time_of_day(out, self.output.clock.now().unix_us);
        out.extend_from_slice(unpaint(style));
        out.push(b' ');
        out.extend_from_slice(paint(style, colour));
        out.extend_from_slice(word);
        out.extend_from_slice(unpaint(style));
        out.push(b' ');
        capped(out, fields.message.as_bytes(), LONGEST_MESSAGE);
        for (_, name, value) in fields.iter() {
            out.push(b' ');
            out.extend_from_slice(name.as_bytes());
            out.push(b'=');
            out.extend_from_slice(value);
        }
        out.push(b' ');
        out.extend_from_slice(paint(style, Colour::Dim));
        capped(out, target.as_bytes(), LONGEST_TARGET);
        out.extend_from_slice(unpaint(style));
        out.push(b'\n');
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for LogLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().replace(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        for span in context.event_scope(event).into_iter().flatten() {
            inherit(&mut fields, &span);
        }
        let (level, target) = (*event.metadata().level(), event.metadata().target());
        let mut line = Vec::with_capacity(256);
        match self.output.style {
            Style::Json => self.write_json(&mut line, level, target, &fields),
            Style::Pretty | Style::Coloured => self.write_pretty(&mut line, level, target, &fields),
        }
        // Nothing is left to say it to: the sink is where errors are said.
        let _ = self.output.sink.write(&line);
    }
}

fn inherit<'a, S: LookupSpan<'a>>(fields: &mut Fields, span: &SpanRef<'a, S>) {
    if let Some(outer) = span.extensions().get::<Fields>() {
        fields.inherit(outer);
    }
}

const fn look(level: Level) -> (&'static [u8], Colour) {
    match level {
        Level::ERROR => (b"ERROR", Colour::Bad),
        Level::WARN => (b"WARN ", Colour::Doubtful),
        Level::INFO => (b"INFO ", Colour::Good),
        Level::DEBUG => (b"DEBUG", Colour::Dim),
        Level::TRACE => (b"TRACE", Colour::Dim),
    }
}
