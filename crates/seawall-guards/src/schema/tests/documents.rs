//! Documents that cannot be used, and what is said of them.

use serde_json::json;

use super::{super::*, *};

fn error(document: &Value) -> String {
    Document::read(document.to_string().as_bytes(), &formats()).unwrap_err().to_string()
}

/// A document whose one body has this schema.
fn with(schema: &Value) -> Value {
    json!({"openapi": "3.1.0", "paths": {"/a": {"post": {"requestBody": {"content": {"application/json": {"schema": schema}}}}}}})
}

#[test]
fn mistakes_are_told_with_their_place() {
    for (schema, part) in [
        (json!({"$ref": "https://a.example/x.json#/a"}), "leads out of the document"),
        (json!({"$ref": "other.json"}), "leads out of the document"),
        (json!({"$ref": "#/nothing"}), "names nothing"),
        (json!({"$ref": "#name"}), "is no JSON pointer"),
        (json!({"type": "strin"}), "/schema/type: expected null"),
        (json!({"properties": {"a/b": {"minimum": "1"}}}), "/schema/properties/a~1b/minimum: expected a number"),
        (json!({"pattern": "(?=a)"}), "looking ahead"),
        (json!({"pattern": "("}), "the pattern cannot be used"),
        (json!({"items": [{}]}), "`prefixItems`"),
        (json!({"$dynamicRef": "#a"}), "is not supported"),
        (json!({"anyOf": []}), "at least one schema"),
        (json!([]), "a schema is an object or a boolean"),
        (
            json!({"allOf": [{"$ref": "#/paths/~1a/post/requestBody/content/application~1json/schema"}]}),
            "would never end",
        ),
    ] {
        let error = error(&with(&schema));
        assert!(error.contains(part) && error.contains("/paths/~1a/post"), "{schema}: {error}");
    }
}

#[test]
fn documents_of_other_versions_shapes_and_sizes_are_refused() {
    let parameter =
        |parameter: Value| json!({"openapi": "3.0.3", "paths": {"/a": {"get": {"parameters": [parameter]}}}});
    for (document, part) in [
        (json!({"swagger": "2.0"}), "Swagger 2.0"),
        (json!({"openapi": "4.0.0"}), "is not known"),
        (json!({}), "no `openapi`"),
        (json!({"openapi": "3.1.0", "paths": {"/a/{b}.json": {"get": {}}}}), "fills a whole segment"),
        (json!({"openapi": "3.1.0", "paths": {"/a/{b}": {"get": {}}, "/A/{c}": {"get": {}}}}), "the same requests"),
        (parameter(json!({"name": "f", "in": "query", "style": "deepObject", "schema": {}})), "deepObject"),
        (parameter(json!({"name": "f", "in": "query", "schema": {"type": "object"}})), "is an object"),
        (parameter(json!({"name": "f", "in": "path", "schema": {}})), "the path has no parameter"),
        (parameter(json!({"name": "f"})), "`in`"),
        (parameter(json!({"$ref": "#/paths/~1a/get/parameters/0"})), "no end"),
    ] {
        let error = error(&document);
        assert!(error.contains(part), "{document}: {error}");
    }
    let read = |text: &str| Document::read(text.as_bytes(), &formats()).unwrap_err().to_string();
    assert!(read("openapi: 3.1.0").contains("YAML"));
    assert!(read(&" ".repeat(MOST_BYTES + 1)).contains("larger than"));
    assert!(read(&"[".repeat(1_000)).contains("not JSON"));
}

#[test]
fn long_chains_of_references_need_no_deep_stack() {
    let link = |place: usize| {
        (
            format!("s{place}"),
            json!({"properties": {"next": {"$ref": format!("#/components/schemas/s{}", (place + 1) % 20_000)}}}),
        )
    };
    let mut document = with(&json!({"$ref": "#/components/schemas/s0"}));
    document["components"] = json!({"schemas": (0..20_000).map(link).collect::<serde_json::Map<_, _>>()});
    assert!(Document::read(document.to_string().as_bytes(), &formats()).is_ok());
    let chain = |place: usize| (format!("s{place}"), json!({"$ref": format!("#/components/schemas/s{}", place + 1)}));
    let mut schemas = (0..20_000).map(chain).collect::<serde_json::Map<_, _>>();
    schemas.insert("s20000".to_owned(), json!(true));
    document["components"] = json!({"schemas": schemas});
    assert!(error(&document).contains("more than 32"));
}
