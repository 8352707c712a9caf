//! The JSON Schema (draft 2020-12) by which editors complete and check the file.

use seawall_core::settings::{FieldSpec, Literal, Raw, Section, Shape};
use serde_json::{Map, Value, json};

use crate::{
    schema::{ROUTE, Schema, file_key},
    top,
};

/// What a route's name begins with: methods or none, then a path.
const ROUTE_PATTERN: &str = "^(\\*\\s+|[A-Z]+(\\s*\\|\\s*[A-Z]+)*\\s+)?/";

/// The JSON Schema of the file.
#[must_use]
pub fn json_schema(schema: &Schema) -> Value {
    let mut properties = Map::new();
    if let Some(top) = schema.top() {
        properties.extend(fields(top.fields));
    }
    let presets: Vec<_> = schema.presets.iter().map(|preset| preset.name).collect();
    if let Some(Value::Object(preset)) = properties.get_mut(top::PRESET.key()).filter(|_| !presets.is_empty()) {
        preset.insert("enum".to_owned(), json!(presets));
    }
    for section in schema.tables().filter(|section| schema.table(section.name).is_some()) {
        properties.insert(section.name.to_owned(), table(schema, section));
    }
    properties.insert(ROUTE.to_owned(), routes(schema));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Seawall configuration",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    })
}

fn table(schema: &Schema, section: &Section) -> Value {
    let mut properties = fields(section.fields);
    properties.extend(schema.inners(section).map(|(name, inner)| (name.to_owned(), table(schema, inner))));
    let own: Vec<_> = properties.keys().cloned().collect();
    let mut table = object(section.documentation, &properties);
    if let (Some(entries), Value::Object(table)) = (section.entries, &mut table) {
        let own = if own.is_empty() { String::new() } else { format!("(?!(?:{})$)", own.join("|")) };
        let documentation = format!("A named entry of [{}].", section.name);
        let pattern = format!("^{own}[A-Za-z0-9_-]{{1,64}}$");
        table.insert("patternProperties".to_owned(), json!({ pattern: object(&documentation, &fields(entries)) }));
    }
    table
}

fn routes(schema: &Schema) -> Value {
    let mut properties: Map<String, Value> = fields(std::slice::from_ref(&top::ROUTE_MODE));
    for section in schema.tables().filter(|section| section.routes) {
        properties.insert(section.name.to_owned(), object(section.documentation, &fields(section.fields)));
    }
    json!({
        "type": "object",
        "description": "What differs on a route, by methods and path: \"POST /api/login\", \"/admin/*\".",
        "patternProperties": { ROUTE_PATTERN: object("What differs on this route.", &properties) },
        "additionalProperties": false,
    })
}

fn object(documentation: &str, properties: &Map<String, Value>) -> Value {
    json!({
        "type": "object",
        "description": documentation,
        "properties": properties,
        "additionalProperties": false,
    })
}

fn fields(fields: &[FieldSpec]) -> Map<String, Value> {
    let mut properties = Map::new();
    for field in fields {
        properties.insert(field.key.to_owned(), value(field));
        if field.secret() {
            let documentation = format!("The path of a file that holds `{}` and nothing else.", field.key);
            properties.insert(file_key(field.key), json!({ "type": "string", "description": documentation }));
        }
    }
    properties
}

fn value(field: &FieldSpec) -> Value {
    let mut value = shape(&field.shape);
    if let Value::Object(value) = &mut value {
        value.insert("description".to_owned(), description(field).into());
        if let Some(default) = default(field.default) {
            value.insert("default".to_owned(), default);
        }
        if let (Shape::Integer, Some((least, most))) = (field.shape, field.between) {
            for (name, bound) in [("minimum", least), ("maximum", most)] {
                if let Ok(bound) = bound.parse::<i64>() {
                    value.insert(name.to_owned(), bound.into());
                }
            }
        }
    }
    value
}

fn description(field: &FieldSpec) -> String {
    let between = field.between.map(|(least, most)| format!(" Between {least} and {most}.")).unwrap_or_default();
    let change = if field.reloadable { "" } else { " Needs a restart." };
    format!("{}{between}{change}", field.documentation)
}

fn shape(form: &Shape) -> Value {
    match form {
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Integer => json!({ "type": "integer" }),
        Shape::Text(_, "") => json!({ "type": "string" }),
        Shape::Text(_, example) => json!({ "type": "string", "examples": [example] }),
        Shape::Choice(all) => json!({ "type": "string", "enum": all }),
        // A single value stands for a list of one.
        Shape::List(inner) => json!({ "anyOf": [{ "type": "array", "items": shape(inner) }, shape(inner)] }),
        Shape::Secret | Shape::Address => json!({ "type": "string", "writeOnly": true }),
    }
}

fn default(default: Literal) -> Option<Value> {
    fn value(raw: &Raw) -> Value {
        match raw {
            Raw::Flag(flag) => (*flag).into(),
            Raw::Integer(integer) => (*integer).into(),
            Raw::Text(text) => text.as_str().into(),
            Raw::List(items) => items.iter().map(value).collect(),
        }
    }
    default.raw().as_ref().map(value)
}
