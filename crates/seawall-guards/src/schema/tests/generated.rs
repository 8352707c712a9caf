//! Whatever documents and values are, nothing breaks, and what passes keeps what was promised.

use proptest::prelude::*;
use serde_json::{Map, json};

use super::{super::*, *};

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3_i64..3).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-c]{0,3}|\\PC{0,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            fields(inner).prop_map(Value::Object),
        ]
    })
}

fn fields(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::vec(("[a-d]", inner), 0..4).prop_map(|fields| fields.into_iter().collect())
}

fn schemas() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!({})),
        Just(json!(true)),
        Just(json!(false)),
        Just(json!({"type": "integer", "minimum": 0})),
        Just(json!({"type": ["string", "null"], "maxLength": 2, "pattern": "^a"})),
        Just(json!({"enum": [1, "a", null, [1]]})),
        Just(json!({"$ref": "#"})),
        Just(json!({"type": "object"})),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let list = prop::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            fields(inner.clone()).prop_map(|fields| json!({"type": "object", "properties": fields})),
            (fields(inner.clone()), inner.clone())
                .prop_map(|(fields, other)| json!({"properties": fields, "additionalProperties": other})),
            fields(inner.clone())
                .prop_map(|fields| json!({"required": ["a"], "properties": fields, "minProperties": 1})),
            inner.clone().prop_map(|items| json!({"type": "array", "items": items, "uniqueItems": true})),
            list.clone().prop_map(|list| json!({"allOf": list})),
            list.clone().prop_map(|list| json!({"anyOf": list})),
            list.clone().prop_map(|list| json!({"oneOf": list})),
            list.clone().prop_map(|list| json!({"allOf": list, "unevaluatedProperties": false})),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| json!({"if": a, "then": b, "else": c})),
            inner.prop_map(|inner| json!({"not": inner})),
        ]
    })
}

proptest! {
    #[test]
    fn no_document_and_no_value_breaks_anything(document in value(), schema in value(), found in value()) {
        let _refused = Document::read(document.to_string().as_bytes(), &formats());
        if let Ok(operation) = Operation::with_body_schema(schema.to_string().as_bytes(), &formats()) {
            let _told = operation.body("application/json", &found, UnknownFields::Strip, NOW);
        }
    }

    #[test]
    fn what_is_stripped_passes_and_what_passes_is_left_alone(schema in schemas(), found in value()) {
        let Ok(operation) = Operation::with_body_schema(schema.to_string().as_bytes(), &formats()) else { return Ok(()) };
        let look = |value: &Value, unknown| operation.body("application/json", value, unknown, NOW);
        if look(&found, UnknownFields::Reject).is_ok() {
            prop_assert_eq!(look(&found, UnknownFields::Strip), Ok(None));
        }
        if let Ok(Some(rest)) = look(&found, UnknownFields::Strip) {
            prop_assert_ne!(&rest, &found);
            prop_assert!(look(&rest, UnknownFields::Allow).is_ok(), "{} became {}", found, rest);
        }
        if let Err(faults) = look(&found, UnknownFields::Reject) {
            prop_assert!(!faults.is_empty() && faults.list().len() <= MOST_FAULTS);
        }
    }

    #[test]
    fn no_query_and_no_path_breaks_anything(path in "/[a-z%{};/A-Z0-9.]{0,20}", query in "[a-z&=%+0-9,]{0,40}|\\PC{0,10}") {
        let document = document(NESTJS);
        let headers = http::HeaderMap::new();
        let mut captured = Captured::new();
        if let Described::Operation(operation) = document.find(&http::Method::GET, &path, &mut captured) {
            let _told = operation.head(Parts { captured: &captured, query: Some(&query), headers: &headers }, UnknownFields::Reject, NOW);
        }
        let list = operation(&document, "GET /v1/cats");
        let told = list.head(Parts { captured: &[], query: Some(&query), headers: &headers }, UnknownFields::Reject, NOW);
        let rest = list.stripped_query(&query);
        if told.is_empty() {
            prop_assert_eq!(rest, None);
        } else if let Some(rest) = rest {
            prop_assert_eq!(list.stripped_query(&rest), None);
        }
    }
}
