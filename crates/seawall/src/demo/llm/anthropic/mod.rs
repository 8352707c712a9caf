//! Anthropic's API: messages, counting tokens, models.

mod messages;
mod stream;

pub(super) use messages::{DIALECT as MESSAGES, count_tokens};

use serde_json::{Value, json};

use super::{
    dialect::Asked,
    refused::{Refused, Why},
};

/// The shape of an error, in an answer and in a stream.
pub(super) fn error(refused: &Refused, request_id: Option<&str>) -> Value {
    let kind = match (refused.status, refused.why) {
        (_, Why::Key) | (401, _) => "authentication_error",
        (402, _) => "billing_error",
        (403, _) => "permission_error",
        (404, _) => "not_found_error",
        (409, _) => "conflict_error",
        (413, _) => "request_too_large",
        (429, _) => "rate_limit_error",
        (504, _) => "timeout_error",
        (529, _) => "overloaded_error",
        (500.., _) => "api_error",
        _ => "invalid_request_error",
    };
    let mut error = json!({ "type": "error", "error": { "type": kind, "message": refused.message } });
    if let Some(request_id) = request_id {
        error["request_id"] = json!(request_id);
    }
    error
}

pub(super) fn headers(request_id: &str) -> Vec<(&'static str, String)> {
    let fixed = [
        ("anthropic-organization-id", "00000000-0000-4000-8000-000000000000"),
        ("anthropic-ratelimit-requests-limit", "1000"),
        ("anthropic-ratelimit-requests-remaining", "999"),
        ("anthropic-ratelimit-requests-reset", "2027-01-01T00:00:00Z"),
        ("anthropic-ratelimit-tokens-limit", "100000"),
        ("anthropic-ratelimit-tokens-remaining", "99000"),
        ("anthropic-ratelimit-tokens-reset", "2027-01-01T00:00:00Z"),
        ("anthropic-ratelimit-input-tokens-limit", "80000"),
        ("anthropic-ratelimit-input-tokens-remaining", "79000"),
        ("anthropic-ratelimit-input-tokens-reset", "2027-01-01T00:00:00Z"),
        ("anthropic-ratelimit-output-tokens-limit", "20000"),
        ("anthropic-ratelimit-output-tokens-remaining", "19000"),
        ("anthropic-ratelimit-output-tokens-reset", "2027-01-01T00:00:00Z"),
    ];
    let mut headers = vec![("request-id", request_id.to_owned())];
    headers.extend(fixed.map(|(name, value)| (name, value.to_owned())));
    headers
}

/// `GET /v1/models`, for those who send `anthropic-version`.
#[expect(clippy::unnecessary_wraps, reason = "endpoints share a signature")]
pub(super) fn models(_asked: &Asked<'_>) -> Result<Value, Refused> {
    let ids = ["fake", "fake-529", "fake-cut"];
    let model = |id| json!({ "type": "model", "id": id, "display_name": id, "created_at": "2026-01-01T00:00:00Z" });
    let models = ids.map(model);
    Ok(json!({ "data": models, "has_more": false, "first_id": "fake", "last_id": "fake-cut" }))
}
