//! What an event at the beginning of a stream says: nothing yet, something, or that the provider failed.
//!
//! Known are the events that only open a stream; whatever else comes says something.

use http::StatusCode;
use serde_json::Value;

use super::heard::at;

/// What an event says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Says {
    /// That the stream is there, or still there.
    Nothing,
    /// A part of the answer, or its end.
    Something,
    /// That there will be no answer, for a reason that this status stands for.
    Failure(StatusCode),
}

/// What an event with this data says, in any dialect: none has a name for anything that means something else in another.
pub(super) fn says(data: &[u8]) -> Says {
    if data.is_empty() {
        return Says::Nothing;
    }
    // What is no JSON is OpenAI's last event, or was found broken before.
    serde_json::from_slice(data).map_or(Says::Something, |event| told(&event))
}

fn told(event: &Value) -> Says {
    if let Some(kind) = event["type"].as_str() {
        return typed(kind, event);
    }
    if !event["error"].is_null() {
        return Says::Failure(status(&event["error"]));
    }
    let parts = [&event["choices"], &event["candidates"]].map(Value::as_array);
    let said = parts.into_iter().flatten().flatten().any(|part| !blank(part)) || !event["promptFeedback"].is_null();
    if said { Says::Something } else { Says::Nothing }
}

/// Events that only open a stream or a part of it, or keep the connection.
const OPENS: [&str; 7] = [
    "message_start",
    "ping",
    "keepalive",
    "response.created",
    "response.queued",
    "response.in_progress",
    "response.content_part.added",
];

/// Of OpenAI's responses and of Anthropic's messages.
fn typed(kind: &str, event: &Value) -> Says {
    match kind {
        kind if OPENS.contains(&kind) => Says::Nothing,
        // A text that begins is empty; a thought that does may last, and is work to wait for.
        "content_block_start" if opens(&event["content_block"], "text") => Says::Nothing,
        "response.output_item.added" if opens(&event["item"], "message") => Says::Nothing,
        "response.failed" => Says::Failure(status(at(event, "/response/error"))),
        // Responses have the words beside the type, Anthropic has them in an object.
        "error" => Says::Failure(status(if event["error"].is_object() { &event["error"] } else { event })),
        _ => Says::Something,
    }
}

/// Whether a block of this kind begins, with nothing in it yet.
fn opens(block: &Value, kind: &str) -> bool {
    block["type"] == kind && blank(&block["text"]) && blank(&block["content"])
}

/// Members that say nothing of an answer: whose turn it is, and which of several answers it is a part of.
const FRAME: [&str; 3] = ["role", "index", "thought"];

/// Whether a part of an answer has no text, no call and no end in it.
fn blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.iter().all(blank),
        Value::Object(members) => members.iter().all(|(name, value)| FRAME.contains(&&**name) || blank(value)),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The status that an error stands for: its code where that is one, and else what its words mean. A provider that says nothing of it has failed.
fn status(error: &Value) -> StatusCode {
    let code =
        error["code"].as_u64().and_then(|code| u16::try_from(code).ok()).filter(|code| (400..600).contains(code));
    // The code says more than the type: "invalid_request_error" is OpenAI's for a model that is not there, too.
    let words = ["code", "status", "type"].iter().filter_map(|name| of_word(error[*name].as_str()?)).next();
    code.or(words).and_then(|code| StatusCode::from_u16(code).ok()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Words of OpenAI, Anthropic and Google for what went wrong.
fn of_word(word: &str) -> Option<u16> {
    Some(match word {
        "invalid_request_error" | "invalid_prompt" | "context_length_exceeded" | "INVALID_ARGUMENT" => 400,
        "authentication_error" | "invalid_api_key" | "UNAUTHENTICATED" => 401,
        "billing_error" => 402,
        "permission_error" | "PERMISSION_DENIED" => 403,
        "not_found_error" | "model_not_found" | "NOT_FOUND" => 404,
        "request_too_large" => 413,
        "rate_limit_error" | "rate_limit_exceeded" | "insufficient_quota" | "RESOURCE_EXHAUSTED" => 429,
        "UNAVAILABLE" => 503,
        "timeout_error" | "DEADLINE_EXCEEDED" => 504,
        "overloaded_error" => 529,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_opens_a_stream_says_nothing() {
        for opening in [
            "",
            r#"{"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null}"#,
            r#"{"choices":[],"prompt_filter_results":[{"prompt_index":0}]}"#,
            r#"{"type":"response.created","sequence_number":0,"response":{"status":"in_progress","output":[]}}"#,
            r#"{"type":"response.in_progress","response":{}}"#,
            r#"{"type":"message_start","message":{"role":"assistant","content":[],"usage":{"input_tokens":25}}}"#,
            r#"{"type":"ping"}"#,
            r#"{"type":"response.output_item.added","item":{"type":"message","status":"in_progress","content":[]}}"#,
            r#"{"type":"response.content_part.added","part":{"type":"output_text","text":""}}"#,
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
            r#"{"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":7}}"#,
        ] {
            assert_eq!(says(opening.as_bytes()), Says::Nothing, "{opening}");
        }
    }

    #[test]
    fn parts_calls_thoughts_and_ends_say_something() {
        for said in [
            "[DONE]",
            r#"{"choices":[{"index":0,"delta":{"content":"a"}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"role":"assistant","reasoning_content":"a"}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1"}]}}]}"#,
            r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
            r#"{"type":"response.output_item.added","item":{"type":"reasoning","summary":[]}}"#,
            r#"{"type":"response.incomplete"}"#,
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}}"#,
            r#"{"candidates":[{"content":{"parts":[{"text":"a","thought":true}]}}]}"#,
            r#"{"candidates":[{"finishReason":"SAFETY"}]}"#,
            r#"{"promptFeedback":{"blockReason":"SAFETY"}}"#,
        ] {
            assert_eq!(says(said.as_bytes()), Says::Something, "{said}");
        }
    }

    #[test]
    fn an_error_stands_for_a_status() {
        for (error, status) in [
            (r#"{"error":{"message":"m","type":"server_error","code":null}}"#, 500),
            (r#"{"error":{"message":"m","type":"invalid_request_error","code":"model_not_found"}}"#, 404),
            (r#"{"error":{"message":"m","type":"tokens","code":"rate_limit_exceeded"}}"#, 429),
            (r#"{"error":{"message":"m","code":502}}"#, 502),
            (r#"{"type":"error","code":"rate_limit_exceeded","message":"m"}"#, 429),
            (r#"{"type":"response.failed","response":{"error":{"code":"invalid_prompt"}}}"#, 400),
            (r#"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#, 529),
            (r#"{"type":"error","error":{"type":"invalid_request_error"}}"#, 400),
            (r#"{"error":{"code":503,"status":"UNAVAILABLE","message":"m"}}"#, 503),
            (r#"{"error":{"status":"RESOURCE_EXHAUSTED"}}"#, 429),
            (r#"{"error":"gone"}"#, 500),
        ] {
            let expected = Says::Failure(StatusCode::from_u16(status).unwrap());
            assert_eq!(says(error.as_bytes()), expected, "{error}");
        }
    }
}
