//! The fields of an event or span, each rendered as a JSON value.

use std::{error::Error, fmt};

use seawall_core::redact;
use tracing::field::{Field, Visit};

use crate::line::{capped, number};

/// The most bytes of a value.
const LONGEST_VALUE: usize = 4_096;

/// Names that a line has of its own.
const RESERVED: &[&str] = &["time", "level", "msg", "service", "target"];

/// The message, and the fields in the order they came.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) message: String,
    values: Vec<(&'static str, Vec<u8>)>,
}

impl Fields {
    /// Takes over the fields of an outer span that this one does not have.
    pub(super) fn inherit(&mut self, outer: &Self) {
        for (name, value) in &outer.values {
            if self.position(name).is_none() {
                self.values.push((name, value.clone()));
            }
        }
    }

    /// Names and JSON values; a name that a line has of its own is put under `field.`.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, &'static str, &[u8])> {
        self.values.iter().map(|(name, value)| {
            let prefix = if RESERVED.contains(name) { "field." } else { "" };
            (prefix, *name, value.as_slice())
        })
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.values.iter().position(|(known, _)| *known == name)
    }

    /// Keeps a value, unless its name says that it is secret. A later value of the same name replaces the earlier.
    fn put(&mut self, field: &Field, render: impl FnOnce(&mut Vec<u8>)) {
        let name = field.name().trim_start_matches("r#");
        let mut value = Vec::new();
        if redact::hides(name) {
            quoted(&mut value, redact::HIDDEN);
        } else {
            render(&mut value);
        }
        match self.position(name).and_then(|at| self.values.get_mut(at)) {
            Some((_, earlier)) => *earlier = value,
            None => self.values.push((name, value)),
        }
    }
}

fn quoted(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    capped(out, text.as_bytes(), LONGEST_VALUE);
    out.push(b'"');
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        self.record_str(field, &text);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            self.put(field, |out| quoted(out, value));
        }
    }

    /// The whole chain, outermost first.
    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let mut text = value.to_string();
        let mut inner = value.source();
        while let Some(source) = inner {
            text.push_str(": ");
            text.push_str(&source.to_string());
            inner = source.source();
        }
        self.record_str(field, &text);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, |out| number(out, value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, |out| out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes()));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, |out| out.extend_from_slice(if value { b"true" } else { b"false" }));
    }

    /// JSON has no infinities: they are text.
    fn record_f64(&mut self, field: &Field, value: f64) {
        let text = value.to_string();
        self.put(
            field,
            |out| if value.is_finite() { out.extend_from_slice(text.as_bytes()) } else { quoted(out, &text) },
        );
    }
}
