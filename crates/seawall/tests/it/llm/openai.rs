//! OpenAI: chat, embeddings, images, models, keys.

use seawall_testkit::{
    FakeLlm,
    client::{Client, Request},
};
use serde_json::{Value, json};

use super::{chat, client, data, frames, with};

const PATH: &str = "/v1/chat/completions";

fn weather() -> Value {
    let parameters = json!({ "type": "object", "properties": { "city": { "type": "string" } } });
    json!({ "tools": [{ "type": "function", "function": { "name": "get_weather", "parameters": parameters } }] })
}

#[tokio::test]
async fn a_whole_answer_has_the_prompt_and_its_tokens() {
    let llm = FakeLlm::start().await;
    let answer = client(&llm).post_json(PATH, &chat("fake", "Good morning")).await.expect_status(200);
    let json = answer.json();
    let message = &json["choices"][0]["message"];
    assert_eq!((&message["content"], &message["role"]), (&json!("You said: Good morning"), &json!("assistant")));
    assert_eq!(json["choices"][0]["finish_reason"], "stop");
    assert_eq!(json["object"], "chat.completion");
    let usage = &json["usage"];
    let counts = ["prompt_tokens", "completion_tokens", "total_tokens"].map(|name| usage[name].as_u64().unwrap());
    assert_eq!(counts, [3, 6, 9], "12 and 22 characters");
    for name in ["x-request-id", "openai-version", "openai-processing-ms", "x-ratelimit-remaining-tokens"] {
        assert!(answer.header(name).is_some(), "{name}");
    }
    let again = client(&llm).post_json(PATH, &chat("fake", "Good morning")).await;
    assert_eq!(again.body, answer.body, "the same call gets the same answer");
    assert_ne!(again.header("x-request-id"), answer.header("x-request-id"));
}

#[tokio::test]
async fn a_stream_adds_up_to_the_whole_and_tells_usage_when_asked() {
    let llm = FakeLlm::start().await;
    let body =
        with(chat("fake", "Good morning"), json!({ "stream": true, "stream_options": { "include_usage": true } }));
    let answer = client(&llm).post_json(PATH, &body).await.expect_status(200);
    assert_eq!(answer.header("content-type"), Some("text/event-stream; charset=utf-8"));
    assert_eq!(frames(&answer).last().unwrap().1, "[DONE]");
    let chunks = data(&answer);
    let text: String = chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(text, "You said: Good morning");
    let (last, before) = chunks.split_last().unwrap();
    assert_eq!((&last["choices"], &last["usage"]["total_tokens"]), (&json!([]), &json!(9)));
    assert!(before.iter().all(|chunk| chunk["usage"].is_null() && chunk.get("usage").is_some()));
    assert_eq!(before.last().unwrap()["choices"][0]["finish_reason"], "stop");
    assert_eq!(before[0]["choices"][0]["delta"], json!({ "role": "assistant", "content": "", "refusal": null }));

    let unasked = client(&llm).post_json(PATH, &with(chat("fake", "x"), json!({ "stream": true }))).await;
    assert!(data(&unasked).iter().all(|chunk| chunk.get("usage").is_none()));
}

#[tokio::test]
async fn a_tool_is_called_whole_and_in_pieces() {
    let llm = FakeLlm::start().await;
    let body = with(chat("fake", "get_weather"), weather());
    let json = client(&llm).post_json(PATH, &body).await.expect_status(200).json();
    let choice = &json["choices"][0];
    assert_eq!((&choice["finish_reason"], &choice["message"]["content"]), (&json!("tool_calls"), &Value::Null));
    let function = &choice["message"]["tool_calls"][0]["function"];
    assert_eq!(function, &json!({ "name": "get_weather", "arguments": "{\"city\":\"get_weather\"}" }));

    let streamed = client(&llm).post_json(PATH, &with(body, json!({ "stream": true }))).await;
    let calls: Vec<Value> =
        data(&streamed).iter().filter_map(|chunk| chunk["choices"][0]["delta"]["tool_calls"].get(0).cloned()).collect();
    let arguments: String = calls.iter().map(|call| call["function"]["arguments"].as_str().unwrap()).collect();
    assert_eq!(arguments, "{\"city\":\"get_weather\"}");
    let named = calls.iter().filter(|call| call.get("id").is_some()).count();
    assert_eq!((named, &calls[0]["function"]["name"]), (1, &json!("get_weather")), "only the first piece has the name");

    let turns = json!({ "messages": [
        { "role": "user", "content": "get_weather" },
        { "role": "assistant", "tool_calls": [{ "id": "call_1", "type": "function", "function": function }] },
        { "role": "tool", "tool_call_id": "call_1", "content": "rain" },
    ] });
    let json = client(&llm).post_json(PATH, &with(with(chat("fake", ""), weather()), turns)).await.json();
    assert_eq!(json["choices"][0]["message"]["content"], "The tool said: rain");
}

#[tokio::test]
async fn formats_several_answers_and_images_are_answered() {
    let llm = FakeLlm::start().await;
    let body = with(chat("fake", "hi"), json!({ "n": 2, "response_format": { "type": "json_object" } }));
    let json = client(&llm).post_json(PATH, &body).await.expect_status(200).json();
    assert_eq!(json["choices"].as_array().unwrap().len(), 2);
    assert_eq!(json["choices"][1]["message"]["content"], "{\"answer\":\"You said: hi\"}");
    let parts = json!([{ "type": "text", "text": "look" }, { "type": "image_url", "image_url": { "url": "data:," } }]);
    let body = json!({ "model": "fake", "messages": [{ "role": "user", "content": parts }] });
    let json = client(&llm).post_json(PATH, &body).await.json();
    assert_eq!(json["choices"][0]["message"]["content"], "You said: look (with 1 image)");
    assert_eq!(json["usage"]["prompt_tokens"], 86, "one token, and 85 for the image");
}

#[tokio::test]
async fn embeddings_are_the_same_as_numbers_and_as_base64() {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let llm = FakeLlm::start().await;
    let ask =
        |format: &str| json!({ "model": "fake", "input": ["a", "b"], "dimensions": 5, "encoding_format": format });
    let floats = client(&llm).post_json("/v1/embeddings", &ask("float")).await.expect_status(200).json();
    let base64 = client(&llm).post_json("/v1/embeddings", &ask("base64")).await.expect_status(200).json();
    for index in 0..2 {
        let numbers: Vec<f64> = floats["data"][index]["embedding"]
            .as_array()
            .unwrap()
            .iter()
            .map(|number| number.as_f64().unwrap())
            .collect();
        let bytes = STANDARD.decode(base64["data"][index]["embedding"].as_str().unwrap()).unwrap();
        let decoded: Vec<f32> = bytes.as_chunks().0.iter().map(|bytes: &[u8; 4]| f32::from_le_bytes(*bytes)).collect();
        assert_eq!(decoded.len(), 5);
        for (number, decoded) in numbers.iter().zip(&decoded) {
            assert!((number - f64::from(*decoded)).abs() < 1e-6, "{number} {decoded}");
        }
        let length: f64 = numbers.iter().map(|number| number * number).sum();
        assert!((length - 1.0).abs() < 1e-5, "{length}");
    }
    assert_ne!(floats["data"][0]["embedding"], floats["data"][1]["embedding"]);
    assert_eq!(floats["usage"], json!({ "prompt_tokens": 2, "total_tokens": 2 }));
    client(&llm).post_json("/v1/embeddings", &json!({ "model": "fake", "input": [] })).await.expect_status(400);
    client(&llm).post_json("/v1/embeddings", &json!({ "model": "fake", "input": [1, 2] })).await.expect_status(200);
}

#[tokio::test]
async fn images_come_in_the_answer_or_by_their_url() {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let llm = FakeLlm::start().await;
    let ask = |format: &str| json!({ "model": "fake", "prompt": "a wall", "n": 2, "response_format": format });
    let json = client(&llm).post_json("/v1/images/generations", &ask("b64_json")).await.expect_status(200).json();
    assert_eq!(json["data"].as_array().unwrap().len(), 2);
    let picture = STANDARD.decode(json["data"][0]["b64_json"].as_str().unwrap()).unwrap();
    assert!(picture.starts_with(b"\x89PNG"));
    let json = client(&llm).post_json("/v1/images/generations", &ask("url")).await.expect_status(200).json();
    let url = json["data"][0]["url"].as_str().unwrap();
    let fetched = Client::new(&llm.url()).get(url.strip_prefix(&llm.url()).unwrap()).await.expect_status(200);
    assert_eq!((fetched.header("content-type"), &fetched.body), (Some("image/png"), &picture));
}

#[tokio::test]
async fn a_key_is_wanted_and_what_is_wrong_is_told() {
    let llm = FakeLlm::start().await;
    let bare = Client::new(&llm.url());
    let body = chat("fake", "x");
    for request in
        [Request::post(PATH).json(&body), Request::post(PATH).json(&body).header("Authorization", "Bearer wrong")]
    {
        let error = bare.request(request).await.expect_status(401).json();
        assert_eq!(error["error"]["code"], "invalid_api_key");
    }
    let told = [
        (PATH, json!({ "model": "fake", "messages": [] }), 400, "invalid_request_error", Value::Null),
        (PATH, json!({ "messages": [{ "role": "user", "content": "x" }] }), 400, "invalid_request_error", Value::Null),
        (PATH, chat("fake-teapot", "x"), 404, "invalid_request_error", json!("model_not_found")),
        (PATH, chat("fake-429", "x"), 429, "requests", json!("rate_limit_exceeded")),
        (PATH, chat("fake-500", "x"), 500, "server_error", Value::Null),
        (PATH, chat("fake-context", "x"), 400, "invalid_request_error", json!("context_length_exceeded")),
        ("/v1/unknown", json!({}), 404, "invalid_request_error", Value::Null),
    ];
    for (path, body, status, kind, code) in told {
        let error = client(&llm).post_json(path, &body).await.expect_status(status).json();
        assert_eq!((&error["error"]["type"], &error["error"]["code"]), (&json!(kind), &code), "{path} {body}");
    }
    client(&llm).get(PATH).await.expect_status(405);
    client(&llm).request(Request::post(PATH).body("{")).await.expect_status(400);
}

#[tokio::test]
async fn models_are_listed_as_each_provider_lists_them() {
    let llm = FakeLlm::start().await;
    let list = client(&llm).get("/v1/models").await.expect_status(200).json();
    assert_eq!((&list["object"], &list["data"][0]["id"]), (&json!("list"), &json!("fake")));
    let request = |path: &str, name: &str| Request::get(path).header(name, "2023-06-01");
    let list = client(&llm).request(request("/v1/models", "anthropic-version")).await.expect_status(200).json();
    assert_eq!((&list["has_more"], &list["data"][0]["type"]), (&json!(false), &json!("model")));
    for path in ["/v1/models", "/v1beta/models"] {
        let list = client(&llm).request(request(path, "x-goog-api-key")).await.expect_status(200).json();
        assert_eq!(list["models"][0]["name"], "models/fake");
    }
}
