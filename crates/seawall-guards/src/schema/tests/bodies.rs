//! Bodies and answers.

use serde_json::json;

use super::{super::*, *};

const JSON: &str = "application/json";

fn body(operation: &Operation, value: &Value, unknown: UnknownFields) -> Result<Option<Value>, Vec<String>> {
    operation.body(JSON, value, unknown, NOW).map_err(|faults| told(&faults))
}

fn refused(operation: &Operation, value: &Value) -> Vec<String> {
    body(operation, value, UnknownFields::Reject).err().unwrap_or_default()
}

#[test]
fn rg_10_every_field_that_is_wrong_is_told_with_its_rule_and_class_and_no_value() {
    let fastapi = document(FASTAPI);
    let create = operation(&fastapi, "POST /orders");
    let good = json!({"placed_on": "2024-02-29", "items": [{"sku": "ABC-1", "count": 1}], "note": null,
        "pay": {"kind": "card", "last4": "1234"}, "meta": {"any": 1}});
    assert_eq!(body(create, &good, UnknownFields::Reject), Ok(None));
    let bad = json!({"placed_on": "2024-03-01", "items": [{"sku": "secret-sku", "count": 4711, "price": 1}, {}],
        "note": "hunter2hunter2", "pay": {"kind": "card", "last4": "12"}, "role": "admin"});
    let faults = create.body(JSON, &bad, UnknownFields::Reject, NOW).unwrap_err();
    let mut found = told(&faults);
    found.sort();
    assert_eq!(
        found,
        [
            "/items/0/count maximum",
            "/items/0/price additionalProperties",
            "/items/0/sku pattern",
            "/items/1/count required",
            "/items/1/sku required",
            "/note maxLength",
            "/pay/last4 minLength",
            "/placed_on format",
            "/role additionalProperties",
        ]
    );
    let text = format!("{:?}{:?}", faults.fields(), faults);
    for value in ["4711", "hunter2", "secret-sku", "2024-03-01", "admin"] {
        assert!(!text.contains(value), "{value} is told: {text}");
    }
    assert!(text.contains("text of 14 characters") && text.contains("1 to 1000"), "{text}");
}

#[test]
fn fields_of_everything_that_is_composed_are_known_and_no_others() {
    let base = json!({"type": "object", "properties": {"a": {"type": "integer"}}});
    let more = json!({"type": "object", "properties": {"b": {"type": "object", "properties": {"c": true}}}});
    for composed in [
        json!({"allOf": [base, more]}),
        json!({"$defs": {"base": base}, "$ref": "#/$defs/base", "properties": {"b": more["properties"]["b"]}}),
        json!({"anyOf": [base, more]}),
        json!({"if": base, "then": more}),
        json!({"dependentSchemas": {"a": more}, "properties": base["properties"]}),
        json!({"allOf": [base, {"oneOf": [more, {"type": "object", "required": ["z"], "properties": {"z": {}}}]}]}),
    ] {
        let operation = schema(&composed);
        assert_eq!(refused(&operation, &json!({"a": 1, "b": {"c": 1}})), [""; 0], "{composed}");
        assert_eq!(refused(&operation, &json!({"a": 1, "x": 1})), ["/x additionalProperties"], "{composed}");
        let inner = refused(&operation, &json!({"a": 1, "b": {"d": 1}}));
        assert!(!inner.is_empty(), "{composed}");
        let allowed = body(&operation, &json!({"a": 1, "x": 1, "b": {"d": 1}}), UnknownFields::Allow);
        assert_eq!(allowed, Ok(None), "{composed}");
        let stripped = body(&operation, &json!({"a": 1, "x": 1, "b": {"c": 2, "d": 1}}), UnknownFields::Strip);
        assert_eq!(stripped, Ok(Some(json!({"a": 1, "b": {"c": 2}}))), "{composed}");
    }
}

#[test]
fn what_a_document_opens_or_closes_itself_stays_so() {
    let map = schema(&json!({"type": "object", "properties": {"a": {}}, "additionalProperties": {"type": "integer"}}));
    assert_eq!(refused(&map, &json!({"b": 1, "c": 2})), [""; 0]);
    assert_eq!(refused(&map, &json!({"b": "x"})), ["/b type"]);
    assert_eq!(
        refused(&schema(&json!({"type": "object"})), &json!({"any": 1})),
        [""; 0],
        "nobody says which fields there are"
    );
    let closed = schema(&json!({"properties": {"a": {}}, "additionalProperties": false}));
    let told = body(&closed, &json!({"a": 1, "b": 1}), UnknownFields::Allow);
    assert_eq!(told, Err(vec!["/b additionalProperties".to_owned()]));
    assert_eq!(body(&closed, &json!({"a": 1, "b": 1}), UnknownFields::Strip), Ok(Some(json!({"a": 1}))));
    let whole = schema(&json!({"allOf": [{"properties": {"a": {}}}], "unevaluatedProperties": false}));
    assert_eq!(body(&whole, &json!({"b": 1}), UnknownFields::Allow), Err(vec!["/b unevaluatedProperties".to_owned()]));
}

#[test]
fn nothing_that_one_schema_names_is_taken_out_because_another_does_not() {
    let twice = schema(&json!({"allOf": [
        {"properties": {"o": {"properties": {"a": {}}}}}, {"properties": {"o": {"properties": {"b": {}}}}},
    ]}));
    let value = json!({"o": {"a": 1, "b": 2, "c": 3}});
    assert_eq!(body(&twice, &value, UnknownFields::Strip), Ok(Some(json!({"o": {"a": 1, "b": 2}}))));
    assert_eq!(refused(&twice, &json!({"o": {"a": 1, "b": 2}})), [""; 0]);
    assert_eq!(refused(&twice, &value), ["/o/c additionalProperties"]);
    // Whether the one who names everything looks first or last.
    let (some, all) = (
        json!({"properties": {"o": {"properties": {"a": {}}}}}),
        json!({"properties": {"o": {"properties": {"a": {}, "b": {}}}}}),
    );
    for both in [json!([some, all]), json!([all, some])] {
        let both = schema(&json!({"allOf": both}));
        assert_eq!(body(&both, &json!({"o": {"a": 1, "b": 2}}), UnknownFields::Strip), Ok(None));
        assert_eq!(body(&both, &value, UnknownFields::Strip), Ok(Some(json!({"o": {"a": 1, "b": 2}}))));
    }
    let wrong = body(
        &schema(&json!({"properties": {"a": {"type": "integer"}}})),
        &json!({"a": "x", "b": 1}),
        UnknownFields::Strip,
    );
    assert_eq!(wrong, Err(vec!["/a type".to_owned()]));
}

#[test]
fn what_is_only_asked_says_nothing_of_fields() {
    let card = json!({"required": ["kind"], "properties": {"kind": {"const": "card"}}});
    let pay = json!({"properties": {"kind": {}, "amount": {}}});
    let when = schema(&json!({
        "properties": {"pay": pay, "limit": {}},
        "if": {"required": ["pay"], "properties": {"pay": card}},
        "then": {"required": ["limit"]},
    }));
    let not = schema(&json!({"properties": {"pay": pay}, "not": {"required": ["pay"], "properties": {"pay": card}}}));
    let paid = json!({"pay": {"kind": "card", "amount": 5}});
    for (operation, rule) in [(&when, "/limit required"), (&not, "body not")] {
        for unknown in [UnknownFields::Reject, UnknownFields::Strip, UnknownFields::Allow] {
            assert_eq!(body(operation, &paid, unknown), Err(vec![rule.to_owned()]), "{unknown:?}");
        }
        assert_eq!(refused(operation, &json!({"pay": {"kind": "cash", "amount": 5}})), [""; 0]);
    }
    let admins = schema(&json!({"contains": {"required": ["role"], "properties": {"role": {"const": "admin"}}}}));
    for unknown in [UnknownFields::Reject, UnknownFields::Strip, UnknownFields::Allow] {
        assert_eq!(body(&admins, &json!([{"role": "admin", "name": "x"}]), unknown), Ok(None), "{unknown:?}");
    }
    // What a condition names is named, and it closes nothing.
    let address = schema(&json!({
        "properties": {"address": {"type": "object"}},
        "if": {"properties": {"address": {"properties": {"country": {"const": "US"}}}}},
        "then": {"properties": {"address": {"properties": {"zip": {}}}}},
    }));
    assert_eq!(refused(&address, &json!({"address": {"country": "US", "zip": "1"}})), [""; 0]);
    assert_eq!(refused(&address, &json!({"address": {"country": "US", "x": 1}})), ["/address/x additionalProperties"]);
    assert_eq!(refused(&address, &json!({"address": {"country": "FR", "x": 1}})), [""; 0]);
}

#[test]
fn what_is_meant_is_told_and_no_more() {
    let either =
        |kind: &str| json!({"properties": {"o": {"properties": {"kind": {"const": kind}, "b": {"type": "integer"}}}}});
    let one = schema(
        &json!({"allOf": [{"properties": {"o": {"properties": {"a": {}}}}}, {"oneOf": [either("x"), either("y")]}]}),
    );
    let told = refused(&one, &json!({"o": {"a": 1, "kind": "x", "b": "no"}}));
    assert!(!told.iter().any(|fault| fault.ends_with("additionalProperties")), "{told:?}");
    // Whatever else the object has decides whether the condition holds.
    let closed = schema(&json!({
        "properties": {"a": {}, "b": {}},
        "if": {"properties": {"a": {}}, "additionalProperties": false},
        "then": {"required": ["z"]},
    }));
    let junk = body(&closed, &json!({"a": 1, "b": 2, "junk": 3}), UnknownFields::Strip);
    assert_eq!(junk, Ok(Some(json!({"a": 1, "b": 2}))));
    // The way to what is wrong, through arrays and odd names.
    let deep = schema(&json!({"allOf": [{"properties": {"a/b": {"items": {"properties": {"c": {}}}}}}, {}]}));
    assert_eq!(refused(&deep, &json!({"a/b": [{"c": 1}, {"c": 1, "d": 1}]})), ["/a~1b/1/d additionalProperties"]);
}

/// An expression in expressions: each is looked at by every alternative, and by none twice for the fields of another.
#[test]
fn alternatives_in_alternatives_do_not_grow_beyond_their_size() {
    let expression = schema(&json!({
        "$defs": {"e": {"anyOf": [
            {"type": "array", "items": {"$ref": "#/$defs/e"}},
            {"type": "array", "items": {"$ref": "#/$defs/e"}, "minItems": 1},
            {"type": "object", "properties": {"x": {"type": "integer"}}},
        ]}},
        "$ref": "#/$defs/e",
    }));
    let leaf = json!(vec![json!({"x": 1}); 50]);
    let nested = (0..10).fold(leaf, |inner, _| json!([inner]));
    assert_eq!(refused(&expression, &nested), [""; 0]);
    let many = schema(&json!({"allOf": [{"items": {"properties": {"a": {}}}}, {"items": {"properties": {"b": {}}}}]}));
    let objects = json!(vec![json!({"a": 1, "b": 2}); 5_000]);
    assert_eq!(refused(&many, &objects), [""; 0], "records of many objects are put together meanwhile");
}

#[test]
fn items_that_are_the_same_are_found_whatever_their_spelling() {
    let unique = schema(&json!({"items": true, "uniqueItems": true}));
    for same in [json!([1, 1.0]), json!([{"a": 1, "b": [2]}, {"b": [2.0], "a": 1}]), json!(["x", null, "x"])] {
        assert_eq!(refused(&unique, &same), ["body uniqueItems"], "{same}");
    }
    let other = json!([1, "1", true, null, "null", [], {}, [[]], [1], {"a": 1}, {"a": "1"}, {"b": 1}, [1, 2], [2, 1], 1e308, -1e308]);
    assert_eq!(refused(&unique, &other), [""; 0]);
}

#[test]
fn alternatives_are_told_apart_by_the_fields_of_their_objects() {
    let inside = |name: &str| json!({"items": {"properties": {name: {}}}});
    for word in ["anyOf", "oneOf"] {
        let either = schema(&json!({word: [inside("a"), inside("b")]}));
        for good in [json!([{"a": 1}]), json!([{"b": 1}, {"b": 2}])] {
            assert_eq!(body(&either, &good, UnknownFields::Reject), Ok(None), "{word} {good}");
        }
        assert!(!refused(&either, &json!([{"c": 1}])).is_empty(), "{word}");
    }
}

#[test]
fn openapi_3_0_is_read_in_its_own_words() {
    let nestjs = document(NESTJS);
    let create = operation(&nestjs, "POST /v1/cats");
    let cat = json!({"name": null, "age": 3, "owner": null, "born": "2024-01-01T00:00:00Z", "tags": {"a": "b"}});
    assert_eq!(refused(create, &cat), [""; 0]);
    let owned = json!({"name": "T", "age": 3, "owner": {"name": "A", "cats": [{"name": "K", "age": 1, "id": "x"}]}});
    assert_eq!(refused(create, &owned), ["/owner/cats/0/id format"], "documents may be recursive");
    assert_eq!(refused(create, &json!({"name": "T", "age": 3_000_000_000_u64})), ["/age maximum"], "int32 has a range");
    assert_eq!(refused(create, &json!({"name": "T", "age": null})), ["/age type"]);
}

#[test]
fn wk_1_rules_for_text_are_formats() {
    let rules = Operation::with_body_schema(
        br#"{"properties": {"id": {"format": "safe_id"}, "line": {"format": "safe_string"},
            "text": {"format": "safe_text"}, "path": {"format": "safe_path"}}}"#,
        &Formats::standard(),
    )
    .unwrap();
    let good = json!({"id": "ord_42", "line": "Zo\u{eb}", "text": "one\n\ttwo", "path": "a/b.png"});
    assert_eq!(refused(&rules, &good), [""; 0]);
    let bad = json!({"id": "a/b", "line": "one\ntwo", "text": "\u{202e}", "path": "a/../../etc/passwd"});
    assert_eq!(refused(&rules, &bad), ["/id format", "/line format", "/path format", "/text format"]);
    assert_eq!(refused(&rules, &json!({"id": 7})), [""; 0], "a format is of text alone");
}

#[test]
fn rust_enums_are_known_by_their_variant() {
    let utoipa = document(UTOIPA);
    let put = operation(&utoipa, "PUT /api/v1/pets/a/1");
    for good in [
        json!({"Cat": {"name": "T", "lives": null, "kittens": [{"name": "K"}]}}),
        json!({"Dog": {"name": "R"}}),
        json!("None"),
    ] {
        assert_eq!(refused(put, &good), [""; 0]);
    }
    assert_eq!(refused(put, &json!("Fish")), ["body enum"]);
    assert!(!refused(put, &json!({"Cat": {"name": "T", "lives": 10}})).is_empty());
    assert!(!refused(put, &json!({"Cat": {"name": "T"}, "Dog": {"name": "R"}})).is_empty());
}

#[test]
fn answers_that_differ_from_the_document_are_told() {
    let fastapi = document(FASTAPI);
    let get = operation(&fastapi, "GET /orders/7");
    let answer = |status, value: &Value| {
        told(&get.answer(status, "application/json; charset=utf-8", value, UnknownFields::Reject, NOW))
    };
    let order = json!({"id": 1, "placed_on": "2024-02-29", "items": [{"sku": "ABC-1", "count": 1}]});
    assert_eq!(answer(200, &order), [""; 0]);
    assert_eq!(
        answer(200, &json!({"id": "1", "items": [], "x": 1, "placed_on": "2024-02-29"})),
        ["/items minItems", "/id type", "/x additionalProperties"]
    );
    assert_eq!(answer(500, &order), ["message responses"]);
    let utoipa = document(UTOIPA);
    let put = operation(&utoipa, "PUT /api/v1/pets/a/1");
    let problem = put.answer(404, "application/problem+json", &json!({}), UnknownFields::Allow, NOW);
    assert_eq!(told(&problem), ["/title required"]);
}

#[test]
fn what_only_answers_have_is_not_asked_of_requests() {
    let order = json!({"required": ["id"], "properties": {"id": {"type": "integer", "readOnly": true}, "a": {}}});
    assert_eq!(refused(&schema(&order), &json!({"a": 1})), [""; 0]);
    let given = json!({"id": 1, "a": 1});
    assert_eq!(refused(&schema(&order), &given), ["/id readOnly"]);
    let mut open = order.clone();
    open["additionalProperties"] = json!(true);
    assert_eq!(refused(&schema(&open), &given), ["/id readOnly"], "whatever else the object may have");
    assert_eq!(body(&schema(&open), &given, UnknownFields::Strip), Ok(Some(json!({"a": 1}))));
    assert_eq!(body(&schema(&order), &given, UnknownFields::Strip), Ok(Some(json!({"a": 1}))));
    assert_eq!(body(&schema(&order), &given, UnknownFields::Allow), Ok(None));
}

#[test]
fn forms_are_looked_at_as_json_is() {
    let fastapi = document(FASTAPI);
    let token = operation(&fastapi, "POST /token");
    let form = "application/x-www-form-urlencoded";
    let fields = [("username", "7"), ("password", "8"), ("remember", "true"), ("scopes", "1"), ("scopes", "x")];
    let fields = fields.map(|(name, value)| (name.into(), value.into()));
    let value = token.form(form, &fields);
    assert_eq!(value, json!({"username": "7", "password": "8", "remember": true, "scopes": [1, "x"]}));
    assert_eq!(told(&token.body(form, &value, UnknownFields::Reject, NOW).unwrap_err()), ["/scopes/1 type"]);
    assert_eq!(told(&token.body(JSON, &value, UnknownFields::Reject, NOW).unwrap_err()), ["body content"]);
    assert_eq!(told(&token.without_body()), ["body required"]);
}

#[test]
fn faults_are_bounded_and_so_is_the_time_that_alternatives_take() {
    let numbers = schema(&json!({"type": "array", "items": {"type": "integer"}}));
    let faults = numbers.body(JSON, &json!(vec!["x"; 1_000]), UnknownFields::Reject, NOW).unwrap_err();
    assert_eq!((faults.list().len(), faults.more(), faults.fields().len()), (MOST_FAULTS, true, MOST_FAULTS + 1));
    let tree = schema(&json!({"$defs": {"n": {"anyOf": [
        {"properties": {"c": {"$ref": "#/$defs/n"}, "v": {"type": "integer"}}},
        {"properties": {"c": {"$ref": "#/$defs/n"}, "v": {"type": "integer", "minimum": 1}}},
    ]}}, "$ref": "#/$defs/n"}));
    let deep = (0..100).fold(json!({"v": "x"}), |inner, _| json!({"c": inner}));
    let refused = refused(&tree, &deep);
    assert_eq!(
        refused.last().map(String::as_str).unwrap_or_default().split(' ').next_back(),
        Some("complexity"),
        "{refused:?}"
    );
}

#[test]
fn a_field_that_must_be_there_is_known_though_nothing_else_is_said_of_it() {
    let operation = schema(&json!({"required": ["a"], "properties": {"b": {}}, "minProperties": 1}));
    assert_eq!(refused(&operation, &json!({"a": null})), [""; 0]);
    assert_eq!(body(&operation, &json!({"a": null, "c": 1}), UnknownFields::Strip), Ok(Some(json!({"a": null}))));
    let counted = schema(&json!({"properties": {"b": {}}, "minProperties": 1}));
    let stripped = body(&counted, &json!({"c": 1}), UnknownFields::Strip);
    assert_eq!(stripped, Err(vec!["/c additionalProperties".to_owned()]), "what is left would be too little");
}
