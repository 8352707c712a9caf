//! What Seawall adds once and operations refer to: the schema of problems, their fields, and how requests show who they are from.

use seawall_core::authenticator::Credentials;
use seawall_guards::additions::{Sent, Takes};
use serde_json::{Map, Value, json};

/// The name of the schema of problems.
pub(super) const PROBLEM: &str = "SeawallProblem";

/// What every problem has (RFC 9457).
pub(super) fn problem() -> Value {
    let text = || json!({ "type": "string" });
    json!({
        "type": "object",
        "description": "A problem (RFC 9457). `type` leads to its page, `code` is for programs.",
        "required": ["type", "title", "status", "code", "severity", "fault", "retryable", "instance", "request_id"],
        "properties": {
            "type": text(), "title": text(), "status": { "type": "integer" }, "code": text(), "severity": text(),
            "fault": text(), "retryable": { "type": "boolean" }, "retry_after": { "type": "integer" }, "detail": text(),
            "inside": text(), "instance": text(), "request_id": text(),
            "errors": { "type": "array", "items": {
                "type": "object", "required": ["field", "message"],
                "properties": { "field": text(), "message": text() },
            } },
        },
    })
}

/// The fields of a problem with this status.
pub(super) fn of_problems(status: u16) -> Map<String, Value> {
    let fields = [
        ("X-Request-Id", "The id of the request, which the log names.", true),
        ("Retry-After", "After how many seconds it may work.", matches!(status, 401 | 403 | 409 | 429 | 500..=599)),
        ("WWW-Authenticate", "How a request can show who it is from.", status == 401),
        ("Allow", "The methods that there are.", status == 405),
    ];
    let field = |description| json!({ "description": description, "schema": { "type": "string" } });
    let there = fields.into_iter().filter(|(_, _, there)| *there);
    there.map(|(name, description, _)| (name.to_owned(), field(description))).collect()
}

/// A field of requests as a parameter.
pub(super) fn parameter(sent: &Sent) -> Value {
    let schema = match &sent.takes {
        Takes::Text => json!({ "type": "string" }),
        Takes::Pattern(pattern) => json!({ "type": "string", "pattern": pattern }),
        Takes::OneOf(values) => json!({ "type": "string", "enum": values }),
    };
    json!({
        "name": sent.name, "in": "header", "required": sent.required, "description": sent.description, "schema": schema,
    })
}

/// The names of how a request shows who it is from: a person's first.
pub(super) const SCHEMES: [&str; 3] = ["SeawallSession", "SeawallToken", "SeawallKey"];

/// How a request shows who it is from.
pub(super) fn security(credentials: &Credentials) -> Map<String, Value> {
    let session = json!({
        "type": "apiKey", "in": "cookie", "name": &*credentials.cookie, "description": "The session of a browser that signed in.",
    });
    let token = json!({
        "type": "http", "scheme": "bearer", "description": "An access token of somebody who signed in, or an API key.",
    });
    let key =
        json!({ "type": "apiKey", "in": "header", "name": "X-API-Key", "description": "An API key of a program." });
    SCHEMES.map(str::to_owned).into_iter().zip([session, token, key]).collect()
}
