//! The studio's OpenAPI document. Seawall fetches it, refuses what it does not describe, and publishes it for front ends: the limit of a
//! field is written here, enforced there, and counted down by the page.

use serde_json::{Map, Value, json};

use crate::project::{MOST_ANSWER, MOST_DESCRIPTION, VIEWS};

/// Buttons of a project that send nothing with them.
const BUTTONS: [&str; 6] = ["feasibility", "revised", "question", "enough", "blueprints", "specification"];

/// The document, OpenAPI 3.1.
pub(crate) fn openapi() -> Value {
    let mut paths = Map::new();
    let page = |what: &str| json!({ "200": { "description": what, "content": { "text/html": {} } } });
    let id = json!({ "name": "id", "in": "path", "required": true, "schema": { "type": "string", "pattern": "^prj_[0-9a-f]{32}$" } });
    let view = json!({ "name": "view", "in": "path", "required": true, "schema": { "enum": VIEWS } });
    let before = json!({ "name": "before", "in": "query", "schema": { "type": "integer", "minimum": 1 } });
    paths.insert("/".to_owned(), json!({ "get": { "parameters": [before], "responses": page("The projects") } }));
    let describe = form(&json!({ "description": text(MOST_DESCRIPTION) }));
    paths.insert("/projects".to_owned(), json!({ "post": { "requestBody": describe, "responses": leads_on() } }));
    paths.insert("/projects/{id}".to_owned(), json!({ "get": { "parameters": [id], "responses": page("A project") } }));
    for button in BUTTONS {
        let operation = json!({ "parameters": [id], "responses": leads_on() });
        paths.insert(format!("/projects/{{id}}/{button}"), json!({ "post": operation }));
    }
    let deletion = json!({
        "get": { "parameters": [id], "responses": page("Asks first") },
        "post": { "parameters": [id], "responses": leads_on() },
    });
    paths.insert("/projects/{id}/delete".to_owned(), deletion);
    let fields = json!({ "round": { "type": "integer", "minimum": 1 }, "answer": text(MOST_ANSWER) });
    let answer = json!({ "parameters": [id], "requestBody": form(&fields), "responses": leads_on() });
    paths.insert("/projects/{id}/answer".to_owned(), json!({ "post": answer }));
    let png = json!({ "200": { "description": "A picture", "content": { "image/png": {} } } });
    paths.insert(
        "/projects/{id}/blueprints/{view}".to_owned(),
        json!({ "get": { "parameters": [id, view], "responses": png } }),
    );
    for (file, kind) in [("counter.js", "text/javascript"), ("studio.css", "text/css")] {
        let found = json!({ "200": { "description": "A file", "content": { kind: {} } } });
        paths.insert(format!("/static/{file}"), json!({ "get": { "responses": found } }));
    }
    json!({ "openapi": "3.1.0", "info": { "title": "Studio", "version": "1.0.0" }, "paths": paths })
}

/// A form with these fields, all of which it needs.
fn form(fields: &Value) -> Value {
    let required: Vec<_> = fields.as_object().into_iter().flatten().map(|(name, _)| name).collect();
    let schema = json!({ "type": "object", "properties": fields, "required": required });
    json!({ "required": true, "content": { "application/x-www-form-urlencoded": { "schema": schema } } })
}

/// A field with so many characters at most, one of which can be seen.
fn text(most: usize) -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": most, "pattern": "\\S", "format": "safe_text" })
}

/// Every button leads to a page.
fn leads_on() -> Value {
    json!({ "303": { "description": "The page to go on with" } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn st_5_the_limit_of_a_description_stands_where_front_ends_read_it() {
        let document = openapi();
        let at = "/paths/~1projects/post/requestBody/content/application~1x-www-form-urlencoded/schema/properties/description/maxLength";
        assert_eq!(document.pointer(at), Some(&json!(2_000)));
    }
}
