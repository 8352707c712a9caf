//! OpenAI's API: chat, responses, embeddings, images, models.

mod chat;
mod embeddings;
mod images;
mod responses;

pub(super) use chat::DIALECT as CHAT;
pub(super) use embeddings::{answer as embeddings, vector};
pub(super) use images::{PICTURE_PATH, answer as images, picture};
pub(super) use responses::{DIALECT as RESPONSES, count_tokens};

use serde_json::{Value, json};

use super::{
    ask::{Choice, Format},
    dialect::Asked,
    refused::{Refused, Why},
};

/// When everything was made: answers depend on what was asked only.
const CREATED: u64 = 1_790_000_000;

/// The shape of an error, in an answer and in a stream.
pub(super) fn error(refused: &Refused) -> Value {
    let (kind, code) = match (refused.status, refused.why) {
        (_, Why::Key) => ("invalid_request_error", json!("invalid_api_key")),
        (_, Why::Model) => ("invalid_request_error", json!("model_not_found")),
        (_, Why::Context) => ("invalid_request_error", json!("context_length_exceeded")),
        (429, _) => ("requests", json!("rate_limit_exceeded")),
        (500.., _) => ("server_error", Value::Null),
        _ => ("invalid_request_error", Value::Null),
    };
    let param = if refused.why == Why::Context { json!("messages") } else { Value::Null };
    json!({ "error": { "message": refused.message, "type": kind, "param": param, "code": code } })
}

pub(super) fn headers(request_id: &str) -> Vec<(&'static str, String)> {
    let fixed = [
        ("openai-version", "2020-10-01"),
        ("openai-organization", "fake"),
        ("openai-processing-ms", "1"),
        ("x-ratelimit-limit-requests", "10000"),
        ("x-ratelimit-remaining-requests", "9999"),
        ("x-ratelimit-reset-requests", "6ms"),
        ("x-ratelimit-limit-tokens", "200000"),
        ("x-ratelimit-remaining-tokens", "199984"),
        ("x-ratelimit-reset-tokens", "4ms"),
    ];
    let mut headers = vec![("x-request-id", request_id.to_owned())];
    headers.extend(fixed.map(|(name, value)| (name, value.to_owned())));
    headers
}

/// `GET /v1/models`.
#[expect(clippy::unnecessary_wraps, reason = "endpoints share a signature")]
pub(super) fn models(_asked: &Asked<'_>) -> Result<Value, Refused> {
    let model = |id| json!({ "id": id, "object": "model", "created": CREATED, "owned_by": "seawall" });
    let models = ["fake", "fake-429-once", "fake-cut"].map(model);
    Ok(json!({ "object": "list", "data": models }))
}

/// `tool_choice`, which chat nests and responses does not.
fn choice(value: &Value) -> Choice {
    match value.as_str() {
        Some("none") => Choice::Never,
        Some("required") => Choice::Always,
        Some(_) => Choice::Auto,
        None => {
            let name = value["function"]["name"].as_str().or_else(|| value["name"].as_str());
            name.map_or(Choice::Auto, |name| Choice::Named(name.to_owned()))
        }
    }
}

/// `response_format`, or `text.format`, which does not nest the schema.
fn format(value: &Value) -> Format {
    match value["type"].as_str() {
        Some("json_object") => Format::Json,
        Some("json_schema") => {
            let nested = value["json_schema"].get("schema").or_else(|| value.get("schema"));
            nested.map_or(Format::Json, |schema| Format::Schema(schema.clone()))
        }
        _ => Format::Text,
    }
}

/// The model, which every request has to name.
fn model(asked: &Asked<'_>) -> Result<String, Refused> {
    if asked.model.is_empty() {
        return Err(Refused::request("you must provide a model parameter"));
    }
    Ok(asked.model.to_owned())
}
