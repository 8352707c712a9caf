//! Bodies as the guard of schemas takes them. What a schema does not name is refused there, though to others it says nothing of it; so
//! the bodies of requests refer to schemas that say it, made of the application's own and called `NAME-sent`.

use serde_json::{Map, Value, json};

const SCHEMAS: &str = "#/components/schemas/";

/// What says of an object which other fields it has.
const OF_OTHERS: [&str; 3] = ["additionalProperties", "unevaluatedProperties", "patternProperties"];

/// The schemas that were made.
#[derive(Debug)]
pub(super) struct Closed {
    /// OpenAPI 3.0 has no word for what several schemas together leave open.
    plain: bool,
    made: Map<String, Value>,
}

impl Closed {
    /// For a document of this version.
    pub(super) fn new(version: &str) -> Self {
        Self { plain: version.starts_with("3.0"), made: Map::new() }
    }

    /// All that were made, by their names.
    pub(super) fn finish(self) -> Map<String, Value> {
        self.made
    }

    /// The body of a request to the application.
    pub(super) fn body(&mut self, application: &Value, body: &mut Value) {
        for (kind, media) in body.get_mut("content").and_then(Value::as_object_mut).into_iter().flatten() {
            let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            let looked_at = kind == "application/json" || kind.ends_with("+json") || kind.ends_with("-urlencoded");
            if let Some(schema) = media.get_mut("schema").filter(|_| looked_at) {
                *schema = self.schema(application, schema);
            }
        }
    }

    fn schema(&mut self, application: &Value, schema: &Value) -> Value {
        let Value::Object(words) = schema else { return schema.clone() };
        if let Some(name) = words.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix(SCHEMAS)) {
            return self.named(application, name, words);
        }
        let mut out = words.clone();
        for word in ["properties", "patternProperties"] {
            for (_, one) in out.get_mut(word).and_then(Value::as_object_mut).into_iter().flatten() {
                *one = self.schema(application, one);
            }
        }
        for word in ["items", "additionalProperties"] {
            if let Some(one) = out.get_mut(word) {
                *one = self.schema(application, one);
            }
        }
        let says_fields = out.contains_key("properties");
        for word in ["allOf", "anyOf", "oneOf"] {
            let Some(Value::Array(parts)) = out.get_mut(word) else { continue };
            let alone = !says_fields && (word != "allOf" || parts.len() == 1);
            if alone {
                parts.iter_mut().for_each(|part| *part = self.schema(application, part));
            } else if !self.plain {
                out.entry("unevaluatedProperties").or_insert(Value::Bool(false));
            }
        }
        let open = says_fields && !OF_OTHERS.iter().any(|word| out.contains_key(*word));
        let composed = ["allOf", "anyOf", "oneOf"].iter().any(|word| out.contains_key(*word));
        if open && !composed {
            out.insert("additionalProperties".to_owned(), Value::Bool(false));
        }
        Value::Object(out)
    }

    /// A reference to what is made of a schema with a name; to the schema itself when it leaves nothing open.
    fn named(&mut self, application: &Value, name: &str, words: &Map<String, Value>) -> Value {
        let closed = format!("{name}-sent");
        let target = application.pointer(&format!("/components/schemas/{name}"));
        let Some(target) = target.filter(|target| leaves_open(application, target, &mut Vec::new())) else {
            return Value::Object(words.clone());
        };
        if !self.made.contains_key(&closed) {
            // It may refer to itself.
            self.made.insert(closed.clone(), Value::Null);
            let made = self.schema(application, target);
            self.made.insert(closed.clone(), made);
        }
        let mut out = words.clone();
        out.insert("$ref".to_owned(), json!(format!("{SCHEMAS}{closed}")));
        Value::Object(out)
    }
}

/// Whether an object in it, or behind it, names fields and says nothing of others.
fn leaves_open<'v>(application: &'v Value, schema: &'v Value, seen: &mut Vec<&'v str>) -> bool {
    match schema {
        Value::Array(parts) => parts.iter().any(|part| leaves_open(application, part, seen)),
        Value::Object(words) => {
            let open = words.contains_key("properties") && !OF_OTHERS.iter().any(|word| words.contains_key(*word));
            let name = words.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix(SCHEMAS));
            let behind = name.filter(|name| !seen.contains(name)).and_then(|name| {
                seen.push(name);
                application.pointer(&format!("/components/schemas/{name}"))
            });
            open || behind.is_some_and(|behind| leaves_open(application, behind, seen))
                || words.values().any(|word| leaves_open(application, word, seen))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(version: &str, schemas: &Value, schema: &Value) -> (Value, Map<String, Value>) {
        let application = json!({ "components": { "schemas": schemas } });
        let mut closed = Closed::new(version);
        let mut body = json!({ "content": { "application/json": { "schema": schema } } });
        closed.body(&application, &mut body);
        (body["content"]["application/json"]["schema"].take(), closed.finish())
    }

    #[test]
    fn what_names_fields_and_says_nothing_of_others_is_closed_and_nothing_else_is() {
        let open = json!({ "properties": { "a": { "properties": { "b": {} } } } });
        let shut = json!({
            "properties": { "a": { "properties": { "b": {} }, "additionalProperties": false } }, "additionalProperties": false,
        });
        assert_eq!(made("3.1.0", &json!({}), &open).0, shut);
        for stays in [
            json!({ "properties": { "a": {} }, "additionalProperties": true }),
            json!({ "type": "object" }),
            json!({ "type": "array", "items": { "type": "string" } }),
        ] {
            assert_eq!(made("3.1.0", &json!({}), &stays).0, stays);
        }
    }

    #[test]
    fn schemas_with_names_are_copied_only_when_they_are_open_and_may_refer_to_themselves() {
        let schemas = json!({
            "Tree": { "properties": { "size": { "$ref": "#/components/schemas/Size" },
                                      "leaves": { "items": { "$ref": "#/components/schemas/Tree" } } } },
            "Size": { "enum": [1, 2] },
        });
        let (schema, made) = made("3.0.3", &schemas, &json!({ "$ref": "#/components/schemas/Tree" }));
        assert_eq!(schema["$ref"], "#/components/schemas/Tree-sent");
        assert_eq!(made.keys().collect::<Vec<_>>(), ["Tree-sent"]);
        let tree = &made["Tree-sent"];
        assert_eq!(tree["additionalProperties"], false);
        assert_eq!(tree["properties"]["leaves"]["items"]["$ref"], "#/components/schemas/Tree-sent");
        assert_eq!(tree["properties"]["size"]["$ref"], "#/components/schemas/Size");
    }

    #[test]
    fn of_several_schemas_for_one_object_none_is_closed_by_itself() {
        let both = json!({ "allOf": [{ "properties": { "a": {} } }, { "properties": { "b": {} } }] });
        let (schema, _) = made("3.1.0", &json!({}), &both);
        assert_eq!(schema["unevaluatedProperties"], false);
        assert_eq!(schema["allOf"], both["allOf"]);
        assert_eq!(made("3.0.3", &json!({}), &both).0, both, "3.0 cannot say it");
        let either = json!({ "anyOf": [{ "properties": { "a": {} } }, { "type": "null" }] });
        assert_eq!(made("3.1.0", &json!({}), &either).0["anyOf"][0]["additionalProperties"], false);
    }
}
