//! What Seawall answers itself below its prefix, but for pages: a test compares it with the routers, and another what is really sent
//! and answered with the shapes that are named here.

mod dialect;
mod exposed;
mod health;
mod paths;
mod schemas;

use serde_json::{Map, Value, json};

pub(super) use exposed::EXPOSED;
pub(super) use paths::OWN;
pub(super) use schemas::schemas;

use super::{answers, shapes};

/// What ids, names of issuers and those of problems are made of.
const WORD: &str = "^[0-9A-Za-z_-]{1,64}$";

/// One of its paths with a method.
#[derive(Clone, Copy, Debug)]
pub(super) struct Own {
    pub(super) method: &'static str,
    /// Below the prefix.
    pub(super) path: &'static str,
    pub(super) summary: &'static str,
    pub(super) who: Who,
    pub(super) takes: Takes,
    /// Parameters of the query, each with its schema's type.
    pub(super) query: &'static [(&'static str, &'static str)],
    pub(super) gives: &'static [(u16, Gives)],
    /// The problems that it has besides those that follow from the above and those of guards.
    pub(super) refuses: &'static [u16],
}

/// Who is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Everybody,
    /// People who signed in.
    People,
    /// They, and their devices and programs.
    Known,
}

/// The body of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    Nothing,
    /// JSON of this schema.
    Json(&'static str),
    /// JSON of this schema, or nothing.
    MaybeJson(&'static str),
    /// JSON of any form.
    AnyJson,
    /// A form of this schema.
    Form(&'static str),
}

/// The body of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gives {
    Nothing,
    /// JSON of this schema.
    Json(&'static str),
    /// JSON of this schema, which begins a session: with cookies.
    Welcome(&'static str),
    /// JSON of any form.
    AnyJson,
    /// JSON of any form, or a stream of events; what is refused may be told in the same words.
    Said,
    Page,
    Text,
    /// The way to another page.
    Elsewhere,
}

impl Own {
    /// Whether it is part of signing in.
    pub(super) fn identifies(&self) -> bool {
        self.path.starts_with("auth/")
    }

    /// The operation, but for what guards add.
    pub(super) fn operation(&self, path: &str) -> Map<String, Value> {
        let mut operation = Map::new();
        let mut put = |name: &str, value: Value| operation.insert(name.to_owned(), value);
        put("summary", self.summary.into());
        put("tags", json!(["seawall"]));
        let in_path = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let in_path = in_path.map(placeholder);
        let in_query = self.query.iter().map(|(name, kind)| parameter(name, kind));
        let parameters: Vec<Value> = in_path.chain(in_query).collect();
        if !parameters.is_empty() {
            put("parameters", parameters.into());
        }
        if let Some(body) = self.takes.body() {
            put("requestBody", body);
        }
        let ways = match self.who {
            Who::Everybody => None,
            // A key is no person.
            Who::People => shapes::SCHEMES.get(..2),
            Who::Known => Some(&shapes::SCHEMES[..]),
        };
        if let Some(ways) = ways {
            put("security", ways.iter().map(|scheme| json!({ *scheme: [] })).collect());
        }
        put("responses", Value::Object(self.responses()));
        operation
    }

    fn responses(&self) -> Map<String, Value> {
        let mut out = Map::new();
        let said = self.gives.iter().any(|(_, gives)| *gives == Gives::Said);
        for status in self.refusals() {
            let mut content = answers::content();
            if let Some(content) = content.as_object_mut().filter(|_| said) {
                content.insert("application/json".to_owned(), json!({ "schema": { "type": "object" } }));
            }
            out.insert(status.to_string(), json!({ "description": described(status), "content": content }));
        }
        for (status, gives) in self.gives {
            let mut answer = json!({ "description": described(*status), "content": gives.content() });
            let field = match gives {
                Gives::Welcome(_) => Some(("Set-Cookie", "The session, or the tokens, in cookies.")),
                Gives::Elsewhere => Some(("Location", "Where to go on.")),
                _ => None,
            };
            if let (Some((name, description)), Some(answer)) = (field, answer.as_object_mut()) {
                let field = json!({ "description": description, "schema": { "type": "string" } });
                answer.insert("headers".to_owned(), json!({ name: field }));
            }
            out.insert(status.to_string(), answer);
        }
        out
    }

    /// The statuses of its problems.
    fn refusals(&self) -> Vec<u16> {
        let mut out = self.refuses.to_vec();
        if self.takes != Takes::Nothing {
            out.extend([400, 415]);
        }
        if self.who != Who::Everybody {
            out.extend([401, 403]);
        }
        if self.identifies() {
            // The store may be away; and what changes something is asked by the site's own pages, and not in clear.
            out.push(503);
            out.extend((self.method != "get").then_some(403));
        }
        out
    }
}

impl Takes {
    fn body(self) -> Option<Value> {
        let (kind, schema, required) = match self {
            Self::Nothing => return None,
            Self::Json(schema) => ("application/json", schema, true),
            Self::MaybeJson(schema) => ("application/json", schema, false),
            Self::Form(schema) => ("application/x-www-form-urlencoded", schema, true),
            Self::AnyJson => {
                let content = json!({ "application/json": { "schema": { "type": "object" } } });
                return Some(json!({ "required": true, "content": content }));
            }
        };
        Some(json!({ "required": required, "content": { kind: { "schema": reference(schema) } } }))
    }
}

impl Gives {
    fn content(self) -> Value {
        match self {
            Self::Nothing | Self::Elsewhere => json!({}),
            Self::Json(schema) | Self::Welcome(schema) => {
                json!({ "application/json": { "schema": reference(schema) } })
            }
            Self::AnyJson => json!({ "application/json": { "schema": { "type": "object" } } }),
            Self::Said => json!({
                "application/json": { "schema": { "type": "object" } },
                "text/event-stream": { "schema": { "type": "string" } },
            }),
            Self::Page => json!({ "text/html": { "schema": { "type": "string" } } }),
            Self::Text => json!({ "text/plain": { "schema": { "type": "string" } } }),
        }
    }
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/Seawall{schema}") })
}

/// A parameter of the path.
fn placeholder(name: &str) -> Value {
    let schema = match name {
        // What is behind the prefix of another proxy is a path of its own.
        // So is the model of a call with what is asked of it, `MODEL:generateContent`.
        "path" | "call" => json!({ "type": "string" }),
        _ => json!({ "type": "string", "pattern": WORD }),
    };
    json!({ "name": name, "in": "path", "required": true, "schema": schema })
}

/// A parameter of the query; one that is an array may come more than once.
fn parameter(name: &str, kind: &str) -> Value {
    let text = json!({ "type": "string" });
    let schema = if kind == "array" { json!({ "type": "array", "items": text }) } else { text };
    json!({ "name": name, "in": "query", "required": false, "schema": schema })
}

fn described(status: u16) -> &'static str {
    let known = http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    known.unwrap_or("Another answer")
}
