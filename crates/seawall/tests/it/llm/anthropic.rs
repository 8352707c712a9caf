//! Anthropic: messages, counting tokens, keys and versions.

use seawall_testkit::{
    FakeLlm,
    client::{Client, Request},
};
use serde_json::{Value, json};

use super::{chat, data, events, with};

const PATH: &str = "/v1/messages";

fn client(llm: &FakeLlm) -> Client {
    Client::new(&llm.url()).with_header("x-api-key", "key").with_header("anthropic-version", "2023-06-01")
}

fn weather() -> Value {
    let schema = json!({ "type": "object", "properties": { "city": { "type": "string" } } });
    json!({ "tools": [{ "name": "get_weather", "input_schema": schema }] })
}

#[tokio::test]
async fn a_whole_message_has_the_prompt_and_its_tokens() {
    let llm = FakeLlm::start().await;
    let body = with(chat("fake", "Good morning"), json!({ "system": [{ "type": "text", "text": "Be kind." }] }));
    let answer = client(&llm).post_json(PATH, &body).await.expect_status(200);
    let json = answer.json();
    assert_eq!(json["content"], json!([{ "type": "text", "text": "You said: Good morning" }]));
    assert_eq!((&json["type"], &json["stop_reason"]), (&json!("message"), &json!("end_turn")));
    assert_eq!((&json["usage"]["input_tokens"], &json["usage"]["output_tokens"]), (&json!(5), &json!(6)));
    for name in ["request-id", "anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-tokens-reset"] {
        assert!(answer.header(name).is_some(), "{name}");
    }
    let json = client(&llm).post_json(&format!("{PATH}/count_tokens"), &body).await.expect_status(200).json();
    assert_eq!(json, json!({ "input_tokens": 5 }));
}

#[tokio::test]
async fn a_stream_has_all_events_and_adds_up_to_the_whole() {
    let llm = FakeLlm::start().await;
    let body = with(chat("fake", "Good morning"), json!({ "stream": true }));
    let streamed = client(&llm).post_json(PATH, &body).await.expect_status(200);
    let expected = [
        "message_start",
        "content_block_start",
        "ping",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ];
    assert_eq!(events(&streamed), expected);
    let data = data(&streamed);
    let text: String = data.iter().filter_map(|event| event["delta"]["text"].as_str()).collect();
    assert_eq!(text, "You said: Good morning");
    assert_eq!(data[0]["message"]["usage"]["output_tokens"], 1, "it is not known yet");
    let end = data.iter().find(|event| event["type"] == "message_delta").unwrap();
    assert_eq!((&end["usage"]["output_tokens"], &end["delta"]["stop_reason"]), (&json!(6), &json!("end_turn")));
}

#[tokio::test]
async fn a_tool_is_called_whole_and_in_pieces_and_its_result_taken() {
    let llm = FakeLlm::start().await;
    let body = with(chat("fake", "get_weather"), weather());
    let json = client(&llm).post_json(PATH, &body).await.expect_status(200).json();
    let call = &json["content"][0];
    assert_eq!((&call["type"], &call["input"]), (&json!("tool_use"), &json!({ "city": "get_weather" })));
    assert_eq!(json["stop_reason"], "tool_use");
    let streamed = client(&llm).post_json(PATH, &with(body.clone(), json!({ "stream": true }))).await;
    let input: String =
        data(&streamed).iter().filter_map(|event| event["delta"]["partial_json"].as_str().map(str::to_owned)).collect();
    assert_eq!(input, "{\"city\":\"get_weather\"}");
    let result = json!([{ "type": "tool_result", "tool_use_id": call["id"], "content": "rain" }]);
    let turns = json!({ "messages": [
        { "role": "user", "content": "get_weather" },
        { "role": "assistant", "content": [call] },
        { "role": "user", "content": result },
    ] });
    let json = client(&llm).post_json(PATH, &with(body, turns)).await.json();
    assert_eq!(json["content"][0]["text"], "The tool said: rain");
}

#[tokio::test]
async fn either_key_is_taken_and_the_version_is_wanted() {
    let llm = FakeLlm::start().await;
    let bare = Client::new(&llm.url());
    let ask = || Request::post(PATH).json(&chat("fake", "x"));
    let version = "anthropic-version";
    bare.request(ask().header(version, "2023-06-01").header("Authorization", "Bearer key")).await.expect_status(200);
    let error = bare.request(ask().header(version, "2023-06-01")).await.expect_status(401);
    assert_eq!(error.json()["error"]["type"], "authentication_error");
    assert_eq!(error.json()["request_id"].as_str(), error.header("request-id"));
    let wrong = ask().header(version, "2023-06-01").header("x-api-key", "wrong");
    bare.request(wrong).await.expect_status(401);
    let error = bare.request(ask().header("x-api-key", "key")).await.expect_status(400).json();
    assert_eq!(error["error"]["message"], "anthropic-version: header is required");
}

#[tokio::test]
async fn sampling_is_refused_from_the_version_on_that_dropped_it() {
    let llm = FakeLlm::start().await;
    let bare = Client::new(&llm.url());
    let ask = |version: &str| {
        let body = with(chat("fake", "x"), json!({ "temperature": 1 }));
        Request::post(PATH).json(&body).header("x-api-key", "key").header("anthropic-version", version)
    };
    bare.request(ask("2023-06-01")).await.expect_status(200);
    bare.request(ask("2026-10-21")).await.expect_status(400);
}

#[tokio::test]
async fn what_goes_wrong_has_its_type() {
    let llm = FakeLlm::start().await;
    let told = [
        (chat("fake-429", "x"), 429, "rate_limit_error"),
        (chat("fake-529", "x"), 529, "overloaded_error"),
        (chat("fake-500", "x"), 500, "api_error"),
        (chat("fake-context", "x"), 400, "invalid_request_error"),
        (chat("fake-teapot", "x"), 404, "not_found_error"),
        (json!({ "model": "fake", "messages": [{ "role": "user", "content": "x" }] }), 400, "invalid_request_error"),
    ];
    for (body, status, kind) in told {
        let error = client(&llm).post_json(PATH, &body).await.expect_status(status).json();
        assert_eq!((&error["type"], &error["error"]["type"]), (&json!("error"), &json!(kind)), "{body}");
    }
    let json = client(&llm).post_json(PATH, &chat("fake-refusal", "x")).await.expect_status(200).json();
    assert_eq!(json["stop_reason"], "refusal");
    let body = with(chat("fake", "x"), json!({ "stop_sequences": ["said"] }));
    let json = client(&llm).post_json(PATH, &body).await.expect_status(200).json();
    assert_eq!((&json["stop_reason"], &json["stop_sequence"]), (&json!("stop_sequence"), &json!("said")));
    let streamed = client(&llm).post_json(PATH, &with(body, json!({ "stream": true }))).await;
    let end = data(&streamed).into_iter().find(|event| event["type"] == "message_delta").unwrap();
    assert_eq!(end["delta"]["stop_sequence"], "said");
    let json = client(&llm).post_json(PATH, &with(chat("fake", "x"), json!({ "max_tokens": 1 }))).await.json();
    assert_eq!((&json["stop_reason"], &json["usage"]["output_tokens"]), (&json!("max_tokens"), &json!(1)));
}
