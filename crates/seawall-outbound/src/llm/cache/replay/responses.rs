//! OpenAI's responses.

use serde_json::{Map, Value, json};

/// The response as the last event of its stream has it.
pub(super) fn folded(events: Vec<Value>) -> Option<Value> {
    let mut last = events
        .into_iter()
        .rfind(|event| matches!(event["type"].as_str(), Some("response.completed" | "response.incomplete")))?;
    last.get_mut("response").map(Value::take).filter(Value::is_object)
}

/// Events, numbered as they come.
#[derive(Default)]
struct Told(Vec<Value>);

impl Told {
    fn add(&mut self, kind: &str, members: Value) {
        let place = json!({"type": kind, "sequence_number": self.0.len()});
        self.0.push(with(&place, members));
    }
}

/// A response as it begins, each of its items in one piece, and itself.
pub(super) fn unfolded(answer: &Value) -> Option<Vec<Value>> {
    let mut begun = answer.as_object()?.clone();
    for (name, value) in [
        ("status", "in_progress".into()),
        ("output", json!([])),
        ("usage", Value::Null),
        ("incomplete_details", Value::Null),
    ] {
        begun.insert(name.to_owned(), value);
    }
    let mut told = Told::default();
    told.add("response.created", json!({"response": begun}));
    told.add("response.in_progress", json!({"response": begun}));
    for (index, item) in answer["output"].as_array()?.iter().enumerate() {
        told_item(&mut told, index, item.as_object()?)?;
    }
    let end = if answer["status"] == "incomplete" { "response.incomplete" } else { "response.completed" };
    told.add(end, json!({"response": answer}));
    Some(told.0)
}

fn told_item(told: &mut Told, index: usize, item: &Map<String, Value>) -> Option<()> {
    let place = json!({"output_index": index, "item_id": item.get("id").unwrap_or(&Value::Null)});
    let added = |told: &mut Told, members: &[(&str, Value)]| {
        let mut begun = item.clone();
        begun.extend(members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        told.add("response.output_item.added", json!({"output_index": index, "item": begun}));
    };
    match item.get("type")?.as_str()? {
        "message" => {
            added(told, &[("status", "in_progress".into()), ("content", json!([]))]);
            for (number, part) in item.get("content")?.as_array()?.iter().enumerate() {
                told_part(told, &with(&place, json!({"content_index": number})), part)?;
            }
        }
        "function_call" => {
            added(told, &[("status", "in_progress".into()), ("arguments", "".into())]);
            let arguments = item.get("arguments")?;
            told.add("response.function_call_arguments.delta", with(&place, json!({"delta": arguments})));
            let members = json!({"arguments": arguments, "name": item.get("name")?});
            told.add("response.function_call_arguments.done", with(&place, members));
        }
        // What comes in one piece.
        _ => added(told, &[]),
    }
    told.add("response.output_item.done", json!({"output_index": index, "item": item}));
    Some(())
}

/// A part of a message, of which there are two kinds.
fn told_part(told: &mut Told, place: &Value, part: &Value) -> Option<()> {
    let (name, kind) = match part["type"].as_str()? {
        "output_text" => ("text", "response.output_text"),
        "refusal" => ("refusal", "response.refusal"),
        _ => return None,
    };
    let text = part.get(name)?;
    let (begun, members) = match name {
        "text" => (json!({"text": "", "annotations": []}), json!({"logprobs": []})),
        _ => (json!({"refusal": ""}), json!({})),
    };
    let begun = with(part, begun);
    told.add("response.content_part.added", with(place, json!({"part": begun})));
    told.add(&format!("{kind}.delta"), with(place, with(&members, json!({"delta": text}))));
    told.add(&format!("{kind}.done"), with(place, with(&members, json!({name: text}))));
    told.add("response.content_part.done", with(place, json!({"part": part})));
    Some(())
}

/// The members of both.
fn with(one: &Value, other: Value) -> Value {
    let mut all = one.as_object().cloned().unwrap_or_default();
    if let Value::Object(other) = other {
        all.extend(other);
    }
    all.into()
}
