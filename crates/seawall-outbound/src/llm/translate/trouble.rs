//! A provider's error, in the words of another dialect: the same status, the same message, and when to come again.

use http::{HeaderMap, StatusCode, header::RETRY_AFTER};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::llm::{
    operation::Dialect,
    refusal::{anthropic_type, gemini_status},
};

/// What stands in place of a message where a provider gives none.
const SPEECHLESS: &str = "the provider gave no reason";

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) status: StatusCode,
    message: String,
    pub(super) retry_after_s: Option<u64>,
}

#[derive(Deserialize)]
struct Told {
    error: Option<Error>,
}

#[derive(Deserialize)]
struct Error {
    message: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    /// Google's is the status; OpenAI's is a word.
    code: Option<Value>,
    #[serde(default)]
    details: Vec<Value>,
}

impl Trouble {
    /// Of an answer that is an error.
    pub(super) fn of_answer(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let error = error(body);
        let in_field = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let retry_after_s = in_field.or_else(|| error.as_ref().and_then(|error| retry_delay_s(&error.details)));
        Self { status, message: message(error), retry_after_s }
    }

    /// Of an event that tells of one. Only Google's has a status; Anthropic's has a type that stands for one.
    pub(super) fn of_event(dialect: Dialect, data: &[u8]) -> Self {
        let error = error(data);
        let of_error = |error: &Error| match dialect {
            Dialect::Anthropic => status_of(error.kind.as_deref()?),
            Dialect::Gemini | Dialect::OpenAi => {
                StatusCode::from_u16(u16::try_from(error.code.as_ref()?.as_u64()?).ok()?).ok()
            }
        };
        let status = error.as_ref().and_then(of_error).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, message: message(error), retry_after_s: None }
    }

    /// As a caller of this dialect is told.
    pub(super) fn written(&self, dialect: Dialect, request_id: &str) -> Value {
        let Self { status, message, retry_after_s } = self;
        match dialect {
            Dialect::OpenAi => {
                let (kind, code) = openai_words(*status);
                json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
            }
            Dialect::Anthropic => {
                let kind = anthropic_type(*status);
                json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": request_id})
            }
            Dialect::Gemini => {
                let kind = "type.googleapis.com/google.rpc.RetryInfo";
                let retry = |seconds: u64| json!({"@type": kind, "retryDelay": format!("{seconds}s")});
                let details: Vec<Value> = retry_after_s.map(retry).into_iter().collect();
                let (code, word) = (status.as_u16(), gemini_status(*status));
                json!({"error": {"code": code, "message": message, "status": word, "details": details}})
            }
        }
    }
}

fn error(body: &[u8]) -> Option<Error> {
    serde_json::from_slice::<Told>(body).ok()?.error
}

fn message(error: Option<Error>) -> String {
    error.and_then(|error| error.message).unwrap_or_else(|| SPEECHLESS.to_owned())
}

/// Google's word for when to come again (`google.rpc.RetryInfo`), in whole seconds.
fn retry_delay_s(details: &[Value]) -> Option<u64> {
    let delay = details.iter().find_map(|detail| detail["retryDelay"].as_str())?.strip_suffix('s')?;
    let (whole, part) = delay.split_once('.').unwrap_or((delay, ""));
    let whole: u64 = whole.parse().ok()?;
    Some(whole.saturating_add(u64::from(part.contains(|c| c != '0'))))
}

/// The status that a type of Anthropic's stands for.
fn status_of(kind: &str) -> Option<StatusCode> {
    let code = match kind {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "not_found_error" => 404,
        "request_too_large" => 413,
        "rate_limit_error" => 429,
        "timeout_error" => 504,
        "overloaded_error" => 529,
        _ => 500,
    };
    StatusCode::from_u16(code).ok()
}

/// The type and the code of an error in OpenAI's words.
const fn openai_words(status: StatusCode) -> (&'static str, Option<&'static str>) {
    match status.as_u16() {
        401 => ("invalid_request_error", Some("invalid_api_key")),
        402 => ("insufficient_quota", Some("insufficient_quota")),
        404 => ("invalid_request_error", Some("model_not_found")),
        429 => ("rate_limit_exceeded", Some("rate_limit_exceeded")),
        400..=499 => ("invalid_request_error", None),
        _ => ("server_error", None),
    }
}
