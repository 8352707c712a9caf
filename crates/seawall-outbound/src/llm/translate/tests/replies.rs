//! Whole answers: what they say, why they end, what they used.

use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use crate::llm::{
    operation::Dialect::{self, Anthropic, Gemini, OpenAi},
    translate::{
        anthropic, gemini, openai,
        reply::{Manner, Reply},
        tests::ALL,
        trouble::Trouble,
    },
};

pub(super) fn read(dialect: Dialect, body: &Value) -> Option<Reply> {
    match dialect {
        OpenAi => openai::read_reply(&body.to_string(), 1),
        Anthropic => anthropic::read_reply(&body.to_string()),
        Gemini => gemini::read_reply(&body.to_string(), 1),
    }
}

fn write(dialect: Dialect, reply: &Reply) -> Value {
    let tree = match dialect {
        OpenAi => openai::write_reply(reply, &Manner::default()),
        Anthropic => anthropic::write_reply(reply),
        Gemini => gemini::write_reply(reply, &Manner::default()),
    };
    serde_json::from_str(&tree.text()).unwrap()
}

/// One answer as each dialect gives it: a text, a call, and 100 tokens of which 60 came from a cache.
pub(super) fn same(dialect: Dialect) -> Value {
    match dialect {
        OpenAi => json!({"id": "i", "model": "m", "choices": [{"index": 0, "finish_reason": "tool_calls", "message": {
            "role": "assistant", "content": "I look.", "tool_calls": [{"id": "call_1_0", "type": "function", "function": {"name": "f", "arguments": "{\"a\": 1}"}}]}}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120, "prompt_tokens_details": {"cached_tokens": 60}}}),
        Anthropic => {
            json!({"id": "i", "model": "m", "type": "message", "role": "assistant", "stop_reason": "tool_use", "stop_sequence": null, "content": [
            {"type": "text", "text": "I look."}, {"type": "tool_use", "id": "call_1_0", "name": "f", "input": {"a": 1}}],
            "usage": {"input_tokens": 40, "cache_read_input_tokens": 60, "cache_creation_input_tokens": 0, "output_tokens": 20}})
        }
        Gemini => {
            json!({"responseId": "i", "modelVersion": "m", "candidates": [{"finishReason": "STOP", "content": {"role": "model", "parts": [
            {"text": "I look."}, {"functionCall": {"name": "f", "args": {"a": 1}}}]}}],
            "usageMetadata": {"promptTokenCount": 100, "cachedContentTokenCount": 60, "candidatesTokenCount": 20, "totalTokenCount": 120}})
        }
    }
}

#[test]
fn st_8_an_answer_is_the_same_in_every_dialect() {
    let expected = read(OpenAi, &same(OpenAi)).unwrap();
    assert_eq!(expected.said.len(), 2);
    for from in ALL {
        let reply = read(from, &same(from)).unwrap();
        assert_eq!(reply, expected, "{from:?}");
        for to in ALL {
            assert_eq!(read(to, &write(to, &reply)).unwrap(), expected, "{from:?} {to:?}");
        }
    }
}

#[test]
fn an_answer_ends_for_the_same_reason_in_every_dialect() {
    let ended = |dialect, word: &str| match dialect {
        OpenAi => json!({"choices": [{"message": {"content": "a"}, "finish_reason": word}]}),
        Anthropic => {
            json!({"id": "i", "content": [{"type": "text", "text": "a"}], "stop_reason": word, "stop_sequence": "END"})
        }
        Gemini => json!({"candidates": [{"content": {"parts": [{"text": "a"}]}, "finishReason": word}]}),
    };
    for (from, word, openai, anthropic, gemini, native) in [
        (OpenAi, "stop", "stop", "end_turn", "STOP", None),
        (OpenAi, "length", "length", "max_tokens", "MAX_TOKENS", None),
        (OpenAi, "content_filter", "content_filter", "refusal", "SAFETY", None),
        (OpenAi, "unheard_of", "length", "max_tokens", "OTHER", Some("unheard_of")),
        (Anthropic, "end_turn", "stop", "end_turn", "STOP", None),
        (Anthropic, "stop_sequence", "stop", "stop_sequence", "STOP", None),
        (Anthropic, "max_tokens", "length", "max_tokens", "MAX_TOKENS", None),
        (Anthropic, "refusal", "content_filter", "refusal", "SAFETY", None),
        (Anthropic, "pause_turn", "stop", "end_turn", "STOP", Some("pause_turn")),
        (
            Anthropic,
            "model_context_window_exceeded",
            "length",
            "max_tokens",
            "MAX_TOKENS",
            Some("model_context_window_exceeded"),
        ),
        (Gemini, "STOP", "stop", "end_turn", "STOP", None),
        (Gemini, "MAX_TOKENS", "length", "max_tokens", "MAX_TOKENS", None),
        (Gemini, "SAFETY", "content_filter", "refusal", "SAFETY", None),
        (Gemini, "RECITATION", "content_filter", "refusal", "SAFETY", Some("RECITATION")),
        (Gemini, "MALFORMED_FUNCTION_CALL", "length", "max_tokens", "OTHER", Some("MALFORMED_FUNCTION_CALL")),
    ] {
        let reply = read(from, &ended(from, word)).unwrap();
        let [of_openai, of_anthropic, of_gemini] = [OpenAi, Anthropic, Gemini].map(|to| write(to, &reply));
        assert_eq!(of_openai["choices"][0]["finish_reason"], openai, "{word}");
        assert_eq!(of_anthropic["stop_reason"], anthropic, "{word}");
        assert_eq!(of_gemini["candidates"][0]["finishReason"], gemini, "{word}");
        assert_eq!(of_openai["choices"][0]["native_finish_reason"].as_str(), native, "{word}");
        assert_eq!(of_anthropic["native_finish_reason"].as_str(), native, "{word}");
        assert_eq!(of_gemini["candidates"][0]["finishMessage"].as_str(), native, "{word}");
        let sequence = (word == "stop_sequence").then_some("END");
        assert_eq!(of_anthropic["stop_sequence"].as_str(), sequence, "{word}");
    }
}

#[test]
fn a_model_that_declines_or_is_kept_from_answering_is_told_as_filtered() {
    let declined =
        json!({"choices": [{"message": {"content": null, "refusal": "I cannot."}, "finish_reason": "stop"}]});
    let told = write(Anthropic, &read(OpenAi, &declined).unwrap());
    assert_eq!((&told["stop_reason"], &told["content"][0]["text"]), (&json!("refusal"), &json!("I cannot.")));
    let blocked =
        json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 3}});
    let told = write(OpenAi, &read(Gemini, &blocked).unwrap());
    assert_eq!(told["choices"][0]["finish_reason"], "content_filter");
    assert_eq!(told["choices"][0]["native_finish_reason"], "PROHIBITED_CONTENT");
    assert_eq!((&told["choices"][0]["message"]["content"], &told["usage"]["prompt_tokens"]), (&json!(""), &json!(3)));
}

#[test]
fn usage_is_counted_as_each_dialect_counts() {
    let thought = json!({"candidates": [{"content": {"parts": [{"text": "a"}]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 100, "cachedContentTokenCount": 60, "candidatesTokenCount": 15, "thoughtsTokenCount": 5}});
    let reply = read(Gemini, &thought).unwrap();
    let openai = write(OpenAi, &reply)["usage"].clone();
    assert_eq!(
        (&openai["completion_tokens"], &openai["completion_tokens_details"]["reasoning_tokens"]),
        (&json!(20), &json!(5))
    );
    assert_eq!(
        (&openai["prompt_tokens"], &openai["prompt_tokens_details"]["cached_tokens"]),
        (&json!(100), &json!(60))
    );
    let anthropic = write(Anthropic, &reply)["usage"].clone();
    assert_eq!((&anthropic["input_tokens"], &anthropic["cache_read_input_tokens"]), (&json!(40), &json!(60)));
    let gemini = write(Gemini, &reply)["usageMetadata"].clone();
    assert_eq!((&gemini["candidatesTokenCount"], &gemini["thoughtsTokenCount"]), (&json!(15), &json!(5)));
    assert_eq!(gemini["totalTokenCount"], 120);
}

#[test]
fn what_is_no_answer_is_none() {
    let bad_arguments =
        json!({"choices": [{"message": {"tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "[1]"}}]}}]});
    for (dialect, body) in [
        (OpenAi, json!({"choices": []})),
        (OpenAi, bad_arguments),
        (Anthropic, json!({"content": "a"})),
        (Gemini, json!({"candidates": []})),
        (Gemini, json!([])),
    ] {
        assert_eq!(read(dialect, &body), None, "{body}");
    }
}

#[test]
fn errors_keep_their_status_and_say_when_to_come_again() {
    let of_google = json!({"error": {"code": 429, "message": "slow", "status": "RESOURCE_EXHAUSTED",
        "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "2.5s"}]}});
    let trouble =
        Trouble::of_answer(StatusCode::TOO_MANY_REQUESTS, &HeaderMap::new(), of_google.to_string().as_bytes());
    assert_eq!(trouble.retry_after_s, Some(3));
    let openai = trouble.written(OpenAi, "r");
    assert_eq!(
        (&openai["error"]["message"], &openai["error"]["code"]),
        (&json!("slow"), &json!("rate_limit_exceeded"))
    );
    assert_eq!(trouble.written(Anthropic, "r")["error"]["type"], "rate_limit_error");
    let gemini = trouble.written(Gemini, "r");
    assert_eq!((&gemini["error"]["code"], &gemini["error"]["details"][0]["retryDelay"]), (&json!(429), &json!("3s")));
    let overloaded = br#"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#;
    assert_eq!(Trouble::of_event(Anthropic, overloaded).status.as_u16(), 529);
    assert_eq!(Trouble::of_event(Anthropic, overloaded).written(Gemini, "r")["error"]["status"], "UNAVAILABLE");
    let speechless = Trouble::of_answer(StatusCode::BAD_GATEWAY, &HeaderMap::new(), b"<html>");
    assert_eq!(speechless.written(OpenAi, "r")["error"]["message"], "the provider gave no reason");
}
