//! A JSON value that fits a schema, as a model makes one.

use serde_json::{Map, Value, json};

/// How deep a value goes.
const DEEPEST: usize = 8;

/// A value for this schema; texts are `text`.
pub(super) fn of(schema: &Value, text: &str) -> Value {
    at(schema, text, DEEPEST)
}

fn at(schema: &Value, text: &str, deeper: usize) -> Value {
    if let Some(first) = schema["enum"].as_array().and_then(|values| values.first()) {
        return first.clone();
    }
    if let Some(value) = schema.get("const") {
        return value.clone();
    }
    if let Some(first) = schema["anyOf"].as_array().and_then(|schemas| schemas.first()) {
        return if deeper == 0 { Value::Null } else { at(first, text, deeper - 1) };
    }
    // JSON Schema may list types; Gemini writes them in capitals.
    let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str()).unwrap_or("object");
    match kind.to_ascii_lowercase().as_str() {
        "string" => json!(text),
        "integer" | "number" => json!(1),
        "boolean" => json!(true),
        "null" => Value::Null,
        "array" if deeper == 0 || schema.get("items").is_none() => json!([]),
        "array" => json!([at(&schema["items"], text, deeper - 1)]),
        _ if deeper == 0 => json!({}),
        _ => {
            let fields = schema["properties"].as_object().into_iter().flatten();
            let fields = fields.map(|(name, schema)| (name.clone(), at(schema, text, deeper - 1)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
    }
}
