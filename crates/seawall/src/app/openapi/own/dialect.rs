//! Schemas as the application's document has them: ours are written for OpenAPI 3.1, and 3.0 says the same in other words.

use serde_json::{Map, Value, json};

/// Says a schema, and all that is in it, as OpenAPI 3.0 does: `nullable` in place of the type `null`.
pub(super) fn as_in_3_0(schema: &mut Value) {
    match schema {
        Value::Array(parts) => parts.iter_mut().for_each(as_in_3_0),
        Value::Object(words) => {
            without_null(words);
            words.values_mut().for_each(as_in_3_0);
        }
        _ => {}
    }
}

fn without_null(words: &mut Map<String, Value>) {
    let null = json!("null");
    match words.get("type") {
        Some(Value::Array(types)) if types.contains(&null) => {
            let kind = types.iter().find(|kind| **kind != null).cloned().unwrap_or_default();
            words.insert("type".to_owned(), kind);
            words.insert("nullable".to_owned(), true.into());
        }
        Some(kind) if *kind == null => {
            // Nothing but null: of no type are these values.
            words.insert("type".to_owned(), "string".into());
            words.insert("nullable".to_owned(), true.into());
            words.insert("enum".to_owned(), json!([null]));
        }
        _ => {}
    }
    let null = json!({ "type": "null" });
    let either = words.get_mut("anyOf").and_then(Value::as_array_mut);
    if let Some(either) = either.filter(|either| either.contains(&null)) {
        either.retain(|one| *one != null);
        if let [Value::Object(only)] = &mut either[..] {
            let only = std::mem::take(only);
            words.remove("anyOf");
            words.extend(only);
            words.insert("nullable".to_owned(), true.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(mut schema: Value) -> Value {
        as_in_3_0(&mut schema);
        schema
    }

    #[test]
    fn null_is_said_as_each_version_says_it() {
        assert_eq!(
            said(json!({ "properties": { "a": { "type": ["string", "null"], "format": "date-time" } } })),
            json!({ "properties": { "a": { "type": "string", "nullable": true, "format": "date-time" } } })
        );
        assert_eq!(
            said(
                json!({ "anyOf": [{ "type": "object", "properties": { "b": { "type": ["integer", "null"] } } }, { "type": "null" }] })
            ),
            json!({ "type": "object", "nullable": true, "properties": { "b": { "type": "integer", "nullable": true } } })
        );
        assert_eq!(said(json!({ "type": "null" })), json!({ "type": "string", "nullable": true, "enum": [null] }));
        assert_eq!(said(json!({ "type": ["string"] })), json!({ "type": ["string"] }), "what has no null stays");
    }
}
