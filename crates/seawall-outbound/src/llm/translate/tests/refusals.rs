//! What a dialect has no words for is named, and never dropped.

use serde_json::{Value, json};

use super::translated;
use crate::llm::operation::Dialect::{self, Anthropic, Gemini, OpenAi};

/// A question with one member more.
fn with(dialect: Dialect, path: &str, value: Value) -> String {
    let mut body = match dialect {
        OpenAi => json!({"model": "x", "messages": [{"role": "user", "content": "secret"}]}),
        Anthropic => json!({"model": "x", "max_tokens": 9, "messages": [{"role": "user", "content": "secret"}]}),
        Gemini => json!({"contents": [{"role": "user", "parts": [{"text": "secret"}]}]}),
    };
    let mut at = &mut body;
    for name in path.split('.') {
        at = match name.parse::<usize>() {
            Ok(n) => &mut at[n],
            Err(_) => &mut at[name],
        };
    }
    *at = value;
    body.to_string()
}

/// Each of these members is refused, by a sentence with these words.
fn all_refused(from: Dialect, cases: Vec<(Dialect, &str, Value, &str)>) {
    for (to, path, value, what) in cases {
        let told = translated(from, to, &with(from, path, value)).unwrap_err();
        assert!(told.contains(what) && !told.contains("secret"), "{from:?} {to:?} {path}: {told}");
    }
}

#[test]
fn what_openais_callers_say_and_others_cannot_is_refused_by_its_name() {
    let of_file = json!([{"type": "file", "file": {"file_id": "secret"}}]);
    let image = json!([{"type": "image_url", "image_url": {"url": "https://secret/a.png"}}]);
    let call = |text: &str| json!([{"id": "c", "function": {"name": "f", "arguments": text}}]);
    let cases = vec![
        (Anthropic, "n", json!(2), "`n` other than 1"),
        (Gemini, "logprobs", json!(true), "`logprobs` other than false"),
        (Gemini, "audio", json!({"voice": "secret"}), "`audio`"),
        (Gemini, "web_search_options", json!({}), "`web_search_options`"),
        (Gemini, "functions", json!([]), "`functions`"),
        (Anthropic, "unheard_of", json!("secret"), "`unheard_of`"),
        (Anthropic, "messages.0.content", of_file, "`messages[0].content[0].type`"),
        (Anthropic, "messages.0.name", json!("secret"), "`messages[0].name`"),
        (Anthropic, "messages.0.role", json!("function"), "`messages[0].role`"),
        (
            Anthropic,
            "messages.0",
            json!({"role": "assistant", "tool_calls": call("[1]")}),
            "`messages[0].tool_calls[0].function.arguments`",
        ),
        (
            Anthropic,
            "messages.0",
            json!({"role": "tool", "tool_call_id": "c", "content": "secret"}),
            "`messages[0].tool_call_id` answers no call",
        ),
        (Anthropic, "presence_penalty", json!(0.5), "`presence_penalty`"),
        (Anthropic, "temperature", json!(1.5), "`temperature` above 1"),
        (Anthropic, "response_format", json!({"type": "json_object"}), "JSON without a schema"),
        (Anthropic, "tools", json!([{"type": "custom", "custom": {}}]), "`tools[0].type` other than \"function\""),
        (Gemini, "messages.0.content", image, "an image by its address"),
    ];
    all_refused(OpenAi, cases);
}

#[test]
fn what_anthropics_callers_say_and_others_cannot_is_refused_by_its_name() {
    let of_document = json!([{"type": "document", "source": {"type": "text", "data": "secret"}}]);
    let stops = json!(["1", "2", "3", "4", "5"]);
    let cases = vec![
        (OpenAi, "messages.0.content", of_document, "`messages[0].content[0].type`"),
        (
            OpenAi,
            "tools",
            json!([{"type": "web_search_20250305", "name": "web_search"}]),
            "`tools[0].type` other than \"custom\"",
        ),
        (OpenAi, "top_k", json!(5), "top_k"),
        (OpenAi, "stop_sequences", stops, "more than 4 stop sequences"),
        (OpenAi, "container", json!("secret"), "`container`"),
        (Gemini, "mcp_servers", json!([{"url": "secret"}]), "`mcp_servers` other than []"),
    ];
    all_refused(Anthropic, cases);
}

#[test]
fn what_geminis_callers_say_and_others_cannot_is_refused_by_its_name() {
    let cases = vec![
        (OpenAi, "cachedContent", json!("secret"), "`cachedContent`"),
        (OpenAi, "tools", json!([{"googleSearch": {}}]), "`tools[0].googleSearch`"),
        (OpenAi, "contents.0.parts", json!([{"fileData": {"fileUri": "secret"}}]), "`contents[0].parts[0].fileData`"),
        (
            Anthropic,
            "contents.0.parts",
            json!([{"inlineData": {"mimeType": "audio/mp3", "data": ""}}]),
            "`contents[0].parts[0].inlineData.mimeType`",
        ),
        (Anthropic, "generationConfig", json!({"candidateCount": 2}), "`generationConfig.candidateCount` other than 1"),
    ];
    all_refused(Gemini, cases);
}

#[test]
fn one_tool_at_a_time_is_said_where_it_can_be() {
    let tool = json!([{"type": "function", "function": {"name": "f"}}]);
    let mut body: Value = serde_json::from_str(&with(OpenAi, "tools", tool)).unwrap();
    body["parallel_tool_calls"] = json!(false);
    assert!(translated(OpenAi, Gemini, &body.to_string()).unwrap_err().contains("parallel_tool_calls"));
    assert!(translated(OpenAi, Anthropic, &body.to_string()).is_ok());
}

#[test]
fn what_does_no_harm_is_dropped() {
    for (from, members) in [
        (
            OpenAi,
            json!({"user": "u", "metadata": {"a": "b"}, "store": true, "service_tier": "auto", "seed": 7, "n": 1, "logprobs": false, "stop": null}),
        ),
        (Anthropic, json!({"metadata": {"user_id": "u"}, "service_tier": "auto", "thinking": {"type": "disabled"}})),
        (Gemini, json!({"safetySettings": [], "labels": {"a": "b"}})),
    ] {
        for to in super::ALL {
            let mut body: Value = serde_json::from_str(&with(from, "model", json!("x"))).unwrap();
            body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
            assert!(translated(from, to, &body.to_string()).is_ok(), "{from:?} {to:?}");
        }
    }
}

#[test]
fn what_stands_twice_or_is_no_question_is_refused() {
    for wrong in ["", "[]", "{", r#"{"messages":[],"messages":[]}"#, r#"{"messages":{}}"#, r#"{"messages":[7]}"#] {
        assert!(translated(OpenAi, Anthropic, wrong).is_err(), "{wrong}");
    }
}
