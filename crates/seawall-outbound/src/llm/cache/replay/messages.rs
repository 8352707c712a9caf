//! Anthropic's messages.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{append, extend, object};

/// A block, and the pieces of JSON that a tool's input comes in.
#[derive(Default)]
struct Block {
    members: Map<String, Value>,
    input: String,
}

/// One message of the events of a stream.
pub(super) fn folded(events: Vec<Value>) -> Option<Value> {
    let (mut message, mut blocks) = (Map::new(), BTreeMap::<u64, Block>::new());
    for event in events {
        let mut event = object(event)?;
        let kind = event.remove("type")?;
        let index = event.get("index").and_then(Value::as_u64);
        match kind.as_str()? {
            "message_start" => message = object(event.remove("message")?)?,
            "content_block_start" => {
                blocks.insert(index?, Block { members: object(event.remove("content_block")?)?, ..Block::default() });
            }
            "content_block_delta" => blocks.get_mut(&index?)?.grow(&object(event.remove("delta")?)?)?,
            "message_delta" => {
                for (name, value) in event {
                    match (&*name, value) {
                        ("delta", Value::Object(last)) => message.extend(last),
                        // What it used until then; what only the beginning told of stays.
                        ("usage", Value::Object(used)) => {
                            let told = used.into_iter().filter(|(_, value)| !value.is_null());
                            message.entry("usage").or_insert_with(|| json!({})).as_object_mut()?.extend(told);
                        }
                        (_, value) => {
                            message.insert(name, value);
                        }
                    }
                }
            }
            "content_block_stop" | "message_stop" | "ping" => {}
            _ => return None,
        }
    }
    let content = blocks.into_values().map(Block::whole).collect::<Option<Vec<_>>>()?;
    message.insert("content".to_owned(), content.into());
    Some(message.into())
}

impl Block {
    fn grow(&mut self, delta: &Map<String, Value>) -> Option<()> {
        let text = |name: &str| delta.get(name).and_then(Value::as_str);
        match text("type")? {
            "text_delta" => append(&mut self.members, "text", text("text")?),
            "thinking_delta" => append(&mut self.members, "thinking", text("thinking")?),
            "signature_delta" => {
                self.members.insert("signature".to_owned(), text("signature")?.into());
            }
            "input_json_delta" => self.input.push_str(text("partial_json")?),
            "citations_delta" => extend(&mut self.members, "citations", vec![delta.get("citation")?.clone()]),
            _ => return None,
        }
        Some(())
    }

    fn whole(mut self) -> Option<Value> {
        if !self.input.is_empty() {
            self.members.insert("input".to_owned(), serde_json::from_str(&self.input).ok()?);
        }
        Some(self.members.into())
    }
}

/// A message as it begins, each block in one piece, and its end.
pub(super) fn unfolded(answer: &Value) -> Option<Vec<Value>> {
    let mut start = answer.as_object()?.clone();
    let mut last = Map::new();
    for name in ["stop_reason", "stop_sequence", "stop_details"] {
        if let Some(value) = start.get_mut(name) {
            last.insert(name.to_owned(), value.take());
        }
    }
    let content = start.insert("content".to_owned(), json!([]))?;
    let mut end = Map::from_iter([("type".to_owned(), "message_delta".into()), ("delta".to_owned(), last.into())]);
    if let Some(usage) = start.get_mut("usage").and_then(Value::as_object_mut) {
        end.insert("usage".to_owned(), usage.clone().into());
        usage.insert("output_tokens".to_owned(), 0.into());
    }
    let mut events = vec![json!({"type": "message_start", "message": start})];
    for (index, block) in content.as_array()?.iter().enumerate() {
        let (block, deltas) = pieces(block)?;
        events.push(json!({"type": "content_block_start", "index": index, "content_block": block}));
        let deltas = deltas.into_iter().filter(|delta| !delta.is_null());
        events.extend(deltas.map(|delta| json!({"type": "content_block_delta", "index": index, "delta": delta})));
        events.push(json!({"type": "content_block_stop", "index": index}));
    }
    events.push(end.into());
    events.push(json!({"type": "message_stop"}));
    Some(events)
}

/// A block as it begins, and what is added to it.
fn pieces(block: &Value) -> Option<(Value, Vec<Value>)> {
    let mut begun = block.as_object()?.clone();
    let mut deltas = Vec::new();
    match block["type"].as_str()? {
        "text" => {
            let text = begun.insert("text".to_owned(), "".into())?;
            deltas.push(json!({"type": "text_delta", "text": text}));
            if let Some(Value::Array(citations)) = begun.get_mut("citations") {
                let cited = std::mem::take(citations).into_iter();
                deltas.extend(cited.map(|citation| json!({"type": "citations_delta", "citation": citation})));
            }
        }
        "thinking" => {
            let thinking = begun.insert("thinking".to_owned(), "".into())?;
            deltas.push(json!({"type": "thinking_delta", "thinking": thinking}));
            if let Some(signature) = begun.insert("signature".to_owned(), "".into()) {
                deltas.push(json!({"type": "signature_delta", "signature": signature}));
            }
        }
        _ if block["input"].is_object() => {
            let input = begun.insert("input".to_owned(), json!({}))?;
            deltas.push(json!({"type": "input_json_delta", "partial_json": input.to_string()}));
        }
        // What comes in one piece.
        _ => {}
    }
    Some((begun.into(), deltas))
}
