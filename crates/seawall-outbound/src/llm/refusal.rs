//! Problems in the words of each dialect, so that its clients raise the error that they know.

use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, Response, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER},
};
use seawall_core::problem::Problem;
use serde_json::{Value, json};

use super::operation::{Dialect, Operation};
use crate::body::{Body, whole};

/// By which the libraries of OpenAI and Anthropic are told whether to try again.
pub(crate) static SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// A refusal as its caller understands it.
pub(crate) fn rendered(dialect: Dialect, problem: &Problem, request_id: &str) -> Response<Body> {
    let body = body(dialect, problem, request_id).to_string();
    let mut response = Response::new(whole(body.into()));
    *response.status_mut() = problem.status();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(seconds) = problem.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    for (name, value) in &problem.headers {
        headers.insert(name, value.clone());
    }
    // What will not help is not to be tried again; what may, the client decides on by the status.
    if !problem.kind.retryable && problem.status() != StatusCode::UNAUTHORIZED {
        headers.insert(&SHOULD_RETRY, HeaderValue::from_static("false"));
    }
    response
}

/// The body of an answer.
pub(crate) fn body(dialect: Dialect, problem: &Problem, request_id: &str) -> Value {
    let message = message(problem);
    let status = problem.status();
    match dialect {
        Dialect::OpenAi => json!({"error": openai_error(problem)}),
        Dialect::Anthropic => {
            json!({"type": "error", "error": {"type": anthropic_type(status), "message": message}, "request_id": request_id})
        }
        Dialect::Gemini => json!({"error": {
            "code": status.as_u16(), "message": message, "status": gemini_status(status),
            "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": problem.kind.code, "domain": "seawall"}],
        }}),
    }
}

/// The last event of a stream that failed after it had begun; `number` is its place, where events are numbered.
pub(crate) fn event(dialect: Dialect, operation: Operation, problem: &Problem, request_id: &str, number: u64) -> Bytes {
    let body = body(dialect, problem, request_id);
    match (dialect, operation) {
        (Dialect::OpenAi, Operation::Responses) => {
            // The reference has the words beside the type; OpenAI's own libraries raise only by an `error`.
            let (message, code) = (message(problem), openai_words(problem).1);
            let event = json!({
                "type": "error", "code": code, "message": message, "param": null, "sequence_number": number,
                "error": openai_error(problem),
            });
            format!("event: error\ndata: {event}\n\n")
        }
        (Dialect::OpenAi, _) => format!("data: {body}\n\n"),
        (Dialect::Anthropic, _) => format!("event: error\ndata: {body}\n\n"),
        (Dialect::Gemini, _) => format!("data: {body}\r\n\r\n"),
    }
    .into()
}

fn message(problem: &Problem) -> String {
    match &problem.detail {
        Some(detail) => format!("{}. {detail}", problem.kind.title),
        None => problem.kind.title.to_owned(),
    }
}

fn openai_error(problem: &Problem) -> Value {
    let (kind, code) = openai_words(problem);
    json!({"message": message(problem), "type": kind, "param": null, "code": code})
}

/// The type and the code of an error.
fn openai_words(problem: &Problem) -> (&'static str, &'static str) {
    match problem.status().as_u16() {
        401 => ("invalid_request_error", "invalid_api_key"),
        402 => ("insufficient_quota", "insufficient_quota"),
        404 => ("invalid_request_error", "model_not_found"),
        429 => ("rate_limit_exceeded", "rate_limit_exceeded"),
        400..=499 => ("invalid_request_error", problem.kind.code),
        _ => ("server_error", problem.kind.code),
    }
}

pub(super) const fn anthropic_type(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        400..=499 => "invalid_request_error",
        504 => "timeout_error",
        529 => "overloaded_error",
        _ => "api_error",
    }
}

pub(super) const fn gemini_status(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "UNAUTHENTICATED",
        402 => "FAILED_PRECONDITION",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        400..=499 => "INVALID_ARGUMENT",
        502 | 503 | 529 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        _ => "INTERNAL",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::LATE;

    #[test]
    fn each_dialect_has_its_own_shape() {
        let problem = Problem::new(&LATE).detail("It is \"slow\".");
        let openai = body(Dialect::OpenAi, &problem, "r");
        assert_eq!((&openai["error"]["type"], &openai["error"]["param"]), (&"server_error".into(), &Value::Null));
        let anthropic = body(Dialect::Anthropic, &problem, "r");
        assert_eq!((&anthropic["error"]["type"], &anthropic["request_id"]), (&"timeout_error".into(), &"r".into()));
        let gemini = body(Dialect::Gemini, &problem, "r");
        assert_eq!((&gemini["error"]["status"], &gemini["error"]["code"]), (&"DEADLINE_EXCEEDED".into(), &504.into()));
        let frame = event(Dialect::Anthropic, Operation::Messages, &problem, "r", 0);
        assert!(frame.starts_with(b"event: error\ndata: {") && frame.ends_with(b"}\n\n"));
    }

    #[test]
    fn a_failed_response_is_told_in_both_shapes_that_its_clients_read() {
        let frame = event(Dialect::OpenAi, Operation::Responses, &Problem::new(&LATE), "r", 7);
        let data = frame.strip_prefix(b"event: error\ndata: ").unwrap();
        let told: Value = serde_json::from_slice(data).unwrap();
        assert_eq!((&told["type"], &told["sequence_number"]), (&"error".into(), &7.into()));
        assert_eq!((&told["code"], &told["message"]), (&told["error"]["code"], &told["error"]["message"]));
        assert!(told["message"].is_string() && told["code"] == LATE.code, "{told}");
    }
}
