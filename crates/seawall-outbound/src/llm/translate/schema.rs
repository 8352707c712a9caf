//! Schemas: Gemini's own kind as JSON Schema, and whether OpenAI would take one strictly.

use serde_json::{Value, value::RawValue};

use super::{
    members::{Told, Unsaid, pairs},
    tree::{Raw, Tree},
};

/// How many schemas may stand in one another.
const DEEPEST: usize = 64;

/// A schema of Gemini's (the OpenAPI subset: types in capitals, `nullable`) as JSON Schema, in its order.
pub(super) fn of_gemini(schema: &RawValue, place: &str) -> Told<Raw> {
    let unread = || Unsaid(format!("`{place}` is no schema that can be read"));
    let tree = plain(schema.get(), DEEPEST).ok_or_else(unread)?;
    Raw::object(&tree.text()).ok_or_else(unread)
}

fn plain(schema: &str, deeper: usize) -> Option<Tree> {
    let deeper = deeper.checked_sub(1)?;
    let mut members = Vec::new();
    let nullable = pairs(schema)?.iter().any(|(name, value)| name == "nullable" && value.get() == "true");
    for (name, value) in pairs(schema)? {
        let value = match name.as_str() {
            // JSON Schema has no word for the order: it is that of the members.
            "nullable" | "propertyOrdering" | "property_ordering" => continue,
            "type" => kind(value.get(), nullable)?,
            "properties" | "$defs" | "defs" => {
                let each = pairs(value.get())?.into_iter();
                let each = each.map(|(name, value)| Some((name.into(), plain(value.get(), deeper)?)));
                Tree::Object(each.collect::<Option<_>>()?)
            }
            "items" => plain(value.get(), deeper)?,
            "anyOf" | "any_of" => {
                let each: Vec<&RawValue> = serde_json::from_str(value.get()).ok()?;
                Tree::List(each.into_iter().map(|value| plain(value.get(), deeper)).collect::<Option<_>>()?)
            }
            _ => Raw::parse(value.get())?.into(),
        };
        let name = match name.as_str() {
            "any_of" => "anyOf".into(),
            _ => name.into(),
        };
        members.push((name, value));
    }
    Some(Tree::Object(members))
}

fn kind(json: &str, nullable: bool) -> Option<Tree> {
    let value: Value = serde_json::from_str(json).ok()?;
    let Some(kind) = value.as_str() else { return Some(value.into()) };
    let kind = kind.to_ascii_lowercase();
    Some(if nullable { vec![kind.into(), "null".into()].into() } else { kind.into() })
}

/// Whether every object in it is closed and all its properties are wanted, which is what OpenAI takes strictly.
pub(super) fn closed(schema: &Raw) -> bool {
    serde_json::from_str::<Value>(schema.as_str()).is_ok_and(|schema| all_closed(&schema))
}

fn all_closed(value: &Value) -> bool {
    let below = match value {
        Value::Object(members) => members.values().all(all_closed),
        Value::Array(entries) => entries.iter().all(all_closed),
        _ => true,
    };
    let Some(properties) = value.get("properties").and_then(Value::as_object).filter(|_| value["type"] == "object")
    else {
        return below && value["type"] != "object";
    };
    let wanted = value["required"].as_array().map(Vec::as_slice).unwrap_or_default();
    below && value["additionalProperties"] == false && properties.keys().all(|name| wanted.iter().any(|w| w == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    #[test]
    fn geminis_schemas_become_json_schemas_in_their_order() {
        let schema = raw(
            r#"{"type":"OBJECT","propertyOrdering":["b","a"],"properties":{"type":{"type":"STRING","nullable":true},
            "list":{"type":"ARRAY","items":{"anyOf":[{"type":"INTEGER"},{"type":"NUMBER"}]}}},"required":["type"]}"#,
        );
        let expected = r#"{"type":"object","properties":{"type":{"type":["string","null"]},"list":{"type":"array","items":{"anyOf":[{"type":"integer"},{"type":"number"}]}}},"required":["type"]}"#;
        assert_eq!(of_gemini(&schema, "s").unwrap().as_str(), expected);
        let deep = format!("{}1{}", "{\"items\":".repeat(DEEPEST + 1), "}".repeat(DEEPEST + 1));
        assert_eq!(of_gemini(&raw(&deep), "s").unwrap_err().0, "`s` is no schema that can be read");
    }

    #[test]
    fn strict_is_what_leaves_nothing_open() {
        let closed = |json: &str| closed(&Raw::object(json).unwrap());
        let whole =
            r#"{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}"#;
        assert!(closed(whole));
        for open in [
            whole.replace("\"required\":[\"a\"],", ""),
            whole.replace(",\"additionalProperties\":false", ""),
            whole.replace("{\"type\":\"string\"}", "{\"type\":\"object\"}"),
        ] {
            assert!(!closed(&open), "{open}");
        }
    }
}
