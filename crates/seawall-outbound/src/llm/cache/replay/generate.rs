//! Gemini's content, of which each event is an answer of its own.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{append, extend, object};

/// One answer of the parts of a stream. What is cumulative is told by the last.
pub(super) fn folded(parts: Vec<Value>) -> Option<Value> {
    let (mut answer, mut candidates) = (Map::new(), BTreeMap::new());
    for part in parts {
        for (name, value) in object(part)? {
            match (&*name, value) {
                ("candidates", Value::Array(parts)) => {
                    for part in parts {
                        let part = object(part)?;
                        let index = part.get("index").and_then(Value::as_u64).unwrap_or_default();
                        grown(candidates.entry(index).or_insert_with(Map::new), part)?;
                    }
                }
                (_, value) => {
                    answer.insert(name, value);
                }
            }
        }
    }
    let candidates: Vec<Value> = candidates.into_values().map(Value::from).collect();
    answer.insert("candidates".to_owned(), candidates.into());
    Some(answer.into())
}

fn grown(candidate: &mut Map<String, Value>, part: Map<String, Value>) -> Option<()> {
    for (name, value) in part {
        if name != "content" {
            candidate.insert(name, value);
            continue;
        }
        let content = candidate.entry("content").or_insert_with(|| json!({})).as_object_mut()?;
        for (name, value) in object(value)? {
            match (&*name, value) {
                ("parts", Value::Array(parts)) => {
                    let mut known = match content.remove("parts") {
                        Some(Value::Array(known)) => known,
                        _ => Vec::new(),
                    };
                    for part in parts {
                        joined(&mut known, object(part)?);
                    }
                    extend(content, "parts", known);
                }
                (_, value) => {
                    content.insert(name, value);
                }
            }
        }
    }
    Some(())
}

/// Adds a part: to the text before it where both are nothing but text of one kind.
fn joined(parts: &mut Vec<Value>, part: Map<String, Value>) {
    let plain = |part: &Map<String, Value>| {
        part.get("text").is_some_and(Value::is_string) && part.keys().all(|name| name == "text" || name == "thought")
    };
    match (parts.last_mut().and_then(Value::as_object_mut), part.get("text").and_then(Value::as_str)) {
        (Some(last), Some(text)) if plain(last) && plain(&part) && last.get("thought") == part.get("thought") => {
            append(last, "text", text);
        }
        _ => parts.push(part.into()),
    }
}
