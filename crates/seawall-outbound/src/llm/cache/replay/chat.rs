//! OpenAI's chat.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{append, extend, object};

/// One answer of the chunks of a stream.
pub(super) fn folded(chunks: Vec<Value>) -> Option<Value> {
    let (mut answer, mut choices) = (Map::new(), BTreeMap::new());
    for chunk in chunks {
        for (name, value) in object(chunk)? {
            match (&*name, value) {
                ("choices", Value::Array(parts)) => {
                    for part in parts {
                        let part = object(part)?;
                        let index = part.get("index").and_then(Value::as_u64).unwrap_or_default();
                        grown(choices.entry(index).or_insert_with(Map::new), part)?;
                    }
                }
                // Padding, and what is not known yet.
                ("object" | "obfuscation", _) | ("usage", Value::Null) => {}
                (_, value) => {
                    answer.insert(name, value);
                }
            }
        }
    }
    let choices = choices.into_iter().map(|(index, choice)| whole(index, choice)).collect::<Option<Vec<_>>>()?;
    answer.insert("object".to_owned(), "chat.completion".into());
    answer.insert("choices".to_owned(), choices.into());
    Some(answer.into())
}

/// A choice, with what a chunk adds to it.
fn grown(choice: &mut Map<String, Value>, part: Map<String, Value>) -> Option<()> {
    for (name, value) in part {
        match (&*name, value) {
            ("delta", Value::Object(delta)) => {
                let message = choice.entry("message").or_insert_with(|| json!({}));
                message_grown(message.as_object_mut()?, delta)?;
            }
            ("logprobs", Value::Object(more)) => {
                let known = choice.entry("logprobs").or_insert_with(|| json!({}));
                for (kind, entries) in more {
                    match entries {
                        Value::Array(entries) => extend(known.as_object_mut()?, &kind, entries),
                        Value::Null => {}
                        _ => return None,
                    }
                }
            }
            ("index", _) | (_, Value::Null) => {}
            (_, value) => {
                choice.insert(name, value);
            }
        }
    }
    Some(())
}

fn message_grown(message: &mut Map<String, Value>, delta: Map<String, Value>) -> Option<()> {
    for (name, value) in delta {
        match (&*name, value) {
            ("role", role @ Value::String(_)) => {
                message.insert(name, role);
            }
            ("tool_calls", Value::Array(calls)) => {
                let known = message.entry("tool_calls").or_insert_with(|| json!({}));
                for call in calls {
                    call_grown(known.as_object_mut()?, object(call)?)?;
                }
            }
            ("function_call", Value::Object(call)) => {
                let known = message.entry("function_call").or_insert_with(|| json!({}));
                function_grown(known.as_object_mut()?, call)?;
            }
            ("annotations", Value::Array(entries)) => extend(message, &name, entries),
            // The text, a refusal, and what other servers tell of reasoning.
            (_, Value::String(text)) => append(message, &name, &text),
            (_, Value::Null) => {}
            _ => return None,
        }
    }
    Some(())
}

/// Calls of tools are told apart by `index`, which is written with as many digits as keep them in order.
fn call_grown(calls: &mut Map<String, Value>, part: Map<String, Value>) -> Option<()> {
    let index = part.get("index").and_then(Value::as_u64)?;
    let call = calls.entry(format!("{index:020}")).or_insert_with(|| json!({})).as_object_mut()?;
    for (name, value) in part {
        match (&*name, value) {
            ("index", _) | (_, Value::Null) => {}
            ("function" | "custom", Value::Object(more)) => {
                let known = call.entry(name).or_insert_with(|| json!({}));
                function_grown(known.as_object_mut()?, more)?;
            }
            ("id" | "type", Value::String(text)) if text.is_empty() => {}
            (_, value) => {
                call.insert(name, value);
            }
        }
    }
    Some(())
}

fn function_grown(function: &mut Map<String, Value>, part: Map<String, Value>) -> Option<()> {
    for (name, value) in part {
        match value {
            Value::String(text) => append(function, &name, &text),
            Value::Null => {}
            _ => return None,
        }
    }
    Some(())
}

/// A choice of an answer, with the members that each has.
fn whole(index: u64, mut choice: Map<String, Value>) -> Option<Value> {
    let message = choice.entry("message").or_insert_with(|| json!({})).as_object_mut()?;
    if let Some(Value::Object(calls)) = message.remove("tool_calls") {
        let mut calls: Vec<Value> = calls.into_iter().map(|(_, call)| call).collect();
        for call in &mut calls {
            call.as_object_mut()?.entry("type").or_insert_with(|| "function".into());
        }
        message.insert("tool_calls".to_owned(), calls.into());
    }
    message.entry("role").or_insert_with(|| "assistant".into());
    for name in ["content", "refusal"] {
        message.entry(name).or_insert(Value::Null);
    }
    // A call of a tool begins with an empty text in some streams, and has none in the answer.
    if message.contains_key("tool_calls") && message.get("content").is_some_and(|text| text == "") {
        message.insert("content".to_owned(), Value::Null);
    }
    for name in ["finish_reason", "logprobs"] {
        choice.entry(name).or_insert(Value::Null);
    }
    choice.insert("index".to_owned(), index.into());
    Some(choice.into())
}

/// Two chunks for each choice of an answer, and one for what it used where that is wanted.
pub(super) fn unfolded(answer: &Value, usage: bool) -> Option<Vec<Value>> {
    let mut base = answer.as_object()?.clone();
    let used = base.remove("usage").filter(|used| usage && !used.is_null());
    base.insert("object".to_owned(), "chat.completion.chunk".into());
    if used.is_some() {
        base.insert("usage".to_owned(), Value::Null);
    }
    let mut chunks = Vec::new();
    let mut add = |choices: Value| {
        let mut chunk = base.clone();
        chunk.insert("choices".to_owned(), choices);
        chunks.push(chunk);
    };
    for choice in answer.get("choices")?.as_array()? {
        let mut delta = choice.get("message")?.as_object()?.clone();
        if delta.get("audio").is_some_and(|audio| !audio.is_null()) {
            return None;
        }
        if let Some(calls) = delta.get_mut("tool_calls").and_then(Value::as_array_mut) {
            for (index, call) in calls.iter_mut().enumerate() {
                call.as_object_mut()?.insert("index".to_owned(), index.into());
            }
        }
        let (index, reason) = (choice.get("index")?, choice.get("finish_reason")?);
        let logprobs = choice.get("logprobs").unwrap_or(&Value::Null);
        add(json!([{"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": null}]));
        add(json!([{"index": index, "delta": {}, "logprobs": null, "finish_reason": reason}]));
    }
    if let Some(used) = used {
        add(json!([]));
        chunks.last_mut()?.insert("usage".to_owned(), used);
    }
    Some(chunks.into_iter().map(Value::from).collect())
}
