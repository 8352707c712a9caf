//! One frame of a stream, as it is on the wire.

use serde_json::Value;

/// Bytes that belong together, and whether they carry a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) bytes: String,
    pub(super) token: bool,
}

impl Frame {
    /// As OpenAI's chat sends it.
    pub(super) fn data(data: &Value) -> Self {
        Self::raw(format!("data: {data}\n\n"))
    }

    /// With an event's name.
    pub(super) fn event(name: &str, data: &Value) -> Self {
        Self::raw(format!("event: {name}\ndata: {data}\n\n"))
    }

    pub(super) const fn raw(bytes: String) -> Self {
        Self { bytes, token: false }
    }

    /// The same, carrying a token.
    pub(super) fn token(self) -> Self {
        Self { token: true, ..self }
    }

    /// The same, with JSON that does not end.
    pub(super) fn malformed(&self) -> Self {
        Self { bytes: without_end(&self.bytes), token: self.token }
    }
}

/// JSON without its last brace.
pub(super) fn without_end(text: &str) -> String {
    text.rsplit_once('}').map_or_else(|| "{".to_owned(), |(before, after)| format!("{before}{after}"))
}
