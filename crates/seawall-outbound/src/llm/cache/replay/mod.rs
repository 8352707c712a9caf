//! One answer in both of its forms: events made one answer, and an answer made events.
//!
//! What a fold does not know it does not guess at: it then answers nothing, and the answer is not kept.

mod chat;
mod generate;
mod messages;
mod responses;

use bytes::{Bytes, BytesMut};
use serde_json::{Map, Value};

use crate::llm::{
    operation::{Dialect, Operation},
    sse::{Event, Events},
    watch::{Passes, Watch},
};

/// Whether answers of this operation come in both forms.
pub(super) const fn has_both(operation: Operation) -> bool {
    matches!(operation, Operation::Chat | Operation::Responses | Operation::Messages | Operation::Generate)
}

/// The answer that a stream tells; nothing when it did not come to its end, or holds what cannot be folded.
pub(super) fn folded(dialect: Dialect, operation: Operation, stream: &Bytes) -> Option<Value> {
    let mut watch = Watch::new(dialect, operation, false);
    let (mut told, mut done) = (Vec::new(), false);
    for event in events(stream)? {
        if watch.look(&event) == Passes::Broken {
            return None;
        }
        if event.data.trim_ascii() == b"[DONE]" {
            done = true;
        } else if !event.data.is_empty() {
            told.push(serde_json::from_slice::<Value>(&event.data).ok()?);
        }
    }
    if !watch.ended() || watch.failed() {
        return None;
    }
    match operation {
        // One choice may have ended where another was cut.
        Operation::Chat => chat::folded(told).filter(|_| done),
        Operation::Responses => responses::folded(told),
        Operation::Messages => messages::folded(told),
        Operation::Generate => generate::folded(told),
        Operation::Embeddings | Operation::Images | Operation::CountTokens | Operation::Models => None,
    }
}

/// The shortest stream that tells an answer; nothing when it holds what no stream can tell here.
pub(super) fn unfolded(dialect: Dialect, operation: Operation, answer: &Value, usage: bool) -> Option<Bytes> {
    let told = match operation {
        Operation::Chat => chat::unfolded(answer, usage)?,
        Operation::Responses => responses::unfolded(answer)?,
        Operation::Messages => messages::unfolded(answer)?,
        Operation::Generate => vec![answer.clone()],
        Operation::Embeddings | Operation::Images | Operation::CountTokens | Operation::Models => return None,
    };
    let mut stream = String::new();
    for event in &told {
        // Events that say by `type` what they are have it as their name, too.
        if let Some(name) =
            event["type"].as_str().filter(|_| matches!(operation, Operation::Responses | Operation::Messages))
        {
            stream.push_str("event: ");
            stream.push_str(name);
            stream.push('\n');
        }
        stream.push_str("data: ");
        stream.push_str(&event.to_string());
        stream.push_str(if dialect == Dialect::Gemini { "\r\n\r\n" } else { "\n\n" });
    }
    if operation == Operation::Chat {
        stream.push_str("data: [DONE]\n\n");
    }
    Some(stream.into())
}

/// A stream as it was recorded, without the event that tells nothing but its usage where that is not wanted.
pub(super) fn again(dialect: Dialect, operation: Operation, stream: &Bytes, usage: bool) -> Bytes {
    if usage || operation != Operation::Chat {
        return stream.clone();
    }
    let mut watch = Watch::new(dialect, operation, true);
    let mut wanted = BytesMut::with_capacity(stream.len());
    for event in events(stream).into_iter().flatten() {
        if watch.look(&event) == Passes::On {
            wanted.extend_from_slice(&event.bytes);
        }
    }
    wanted.freeze()
}

/// The events of a stream that is here as a whole.
fn events(stream: &Bytes) -> Option<Vec<Event>> {
    let mut events = Events::default();
    events.push(stream).ok()?;
    Some(std::iter::from_fn(|| events.next()).collect())
}

/// Adds a text to one that stands there already.
fn append(to: &mut Map<String, Value>, name: &str, more: &str) {
    match to.get_mut(name) {
        Some(Value::String(text)) => text.push_str(more),
        _ => {
            to.insert(name.to_owned(), more.into());
        }
    }
}

/// Adds entries to a list that stands there already.
fn extend(to: &mut Map<String, Value>, name: &str, more: Vec<Value>) {
    match to.get_mut(name) {
        Some(Value::Array(entries)) => entries.extend(more),
        _ => {
            to.insert(name.to_owned(), more.into());
        }
    }
}

fn object(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(members) => Some(members),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
