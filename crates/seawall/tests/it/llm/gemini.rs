//! Gemini: generating content whole, as events and as an array; counting, embeddings, keys.

use seawall_testkit::{
    FakeLlm,
    client::{Client, Request},
};
use serde_json::{Value, json};

use super::{data, with};

fn client(llm: &FakeLlm) -> Client {
    Client::new(&llm.url()).with_header("x-goog-api-key", "key")
}

fn contents(text: &str) -> Value {
    json!({ "contents": [{ "role": "user", "parts": [{ "text": text }] }] })
}

fn text(answers: &[Value]) -> String {
    answers.iter().filter_map(|answer| answer["candidates"][0]["content"]["parts"][0]["text"].as_str()).collect()
}

#[tokio::test]
async fn a_whole_answer_has_the_prompt_and_its_tokens_under_both_versions() {
    let llm = FakeLlm::start().await;
    for version in ["v1", "v1beta"] {
        let path = format!("/{version}/models/fake:generateContent");
        let json = client(&llm).post_json(&path, &contents("Good morning")).await.expect_status(200).json();
        assert_eq!(text(std::slice::from_ref(&json)), "You said: Good morning");
        assert_eq!(json["candidates"][0]["finishReason"], "STOP");
        let usage = &json["usageMetadata"];
        let counts = ["promptTokenCount", "candidatesTokenCount", "totalTokenCount"];
        assert_eq!(counts.map(|name| usage[name].as_u64().unwrap()), [3, 6, 9]);
    }
}

#[tokio::test]
async fn a_stream_is_events_with_carriage_returns_or_one_array() {
    let llm = FakeLlm::start().await;
    let path = "/v1beta/models/fake:streamGenerateContent";
    let events = client(&llm).post_json(&format!("{path}?alt=sse"), &contents("Good morning")).await.expect_status(200);
    assert!(events.header("content-type").unwrap().starts_with("text/event-stream"));
    let raw = events.text();
    assert!(raw.ends_with("\r\n\r\n") && raw.matches('\n').count() == raw.matches("\r\n").count(), "{raw}");
    let array = client(&llm).post_json(path, &contents("Good morning")).await.expect_status(200);
    assert_eq!(array.header("content-type"), Some("application/json"));
    let answers = data(&events);
    assert_eq!(&json!(answers), &array.json(), "both are the same answers");
    assert_eq!(text(&answers), "You said: Good morning");
    let counts: Vec<_> =
        answers.iter().map(|answer| answer["usageMetadata"]["candidatesTokenCount"].as_u64().unwrap()).collect();
    assert_eq!(counts, [1, 2, 3, 4, 5, 6, 6], "what was sent so far");
    let (last, before) = answers.split_last().unwrap();
    assert_eq!(last["candidates"][0]["finishReason"], "STOP");
    assert!(before.iter().all(|answer| answer["candidates"][0].get("finishReason").is_none()));
}

#[tokio::test]
async fn a_function_is_called_whole_and_its_response_taken() {
    let llm = FakeLlm::start().await;
    let parameters = json!({ "type": "OBJECT", "properties": { "city": { "type": "STRING" } } });
    let tools = json!({ "tools": [{ "functionDeclarations": [{ "name": "get_weather", "parameters": parameters }] }] });
    let body = with(contents("get_weather"), tools);
    let json = client(&llm).post_json("/v1beta/models/fake:generateContent", &body).await.json();
    let part = json["candidates"][0]["content"]["parts"][0].clone();
    assert_eq!(part["functionCall"], json!({ "name": "get_weather", "args": { "city": "get_weather" } }));
    assert_eq!(json["candidates"][0]["finishReason"], "STOP");
    let stream = "/v1beta/models/fake:streamGenerateContent?alt=sse";
    let streamed = data(&client(&llm).post_json(stream, &body).await);
    assert_eq!(streamed.len(), 1, "it arrives whole");
    assert_eq!(streamed[0]["candidates"][0]["content"]["parts"][0], part);
    let response = json!({ "functionResponse": { "name": "get_weather", "response": { "sky": "rain" } } });
    let turns = json!({ "contents": [
        { "role": "user", "parts": [{ "text": "get_weather" }] },
        { "role": "model", "parts": [part] },
        { "role": "user", "parts": [response] },
    ] });
    let json = client(&llm).post_json("/v1beta/models/fake:generateContent", &with(body, turns)).await.json();
    assert_eq!(text(&[json]), "The tool said: {\"sky\":\"rain\"}");
}

#[tokio::test]
async fn json_limits_and_refusals_are_told_its_way() {
    let llm = FakeLlm::start().await;
    let ask = async |model: &str, settings: Value| {
        let body = with(contents("hi"), json!({ "generationConfig": settings }));
        let answer = client(&llm).post_json(&format!("/v1beta/models/{model}:generateContent"), &body).await;
        answer.expect_status(200).json()["candidates"][0].clone()
    };
    let schema = json!({ "type": "OBJECT", "properties": { "a": { "type": "STRING" } } });
    let settings = json!({ "responseMimeType": "application/json", "responseSchema": schema });
    assert_eq!(ask("fake", settings).await["content"]["parts"][0]["text"], "{\"a\":\"You said: hi\"}");
    assert_eq!(ask("fake", json!({ "maxOutputTokens": 1 })).await["finishReason"], "MAX_TOKENS");
    let refused = ask("fake-refusal", json!({})).await;
    assert_eq!((&refused["finishReason"], refused.get("content")), (&json!("SAFETY"), None));
}

#[tokio::test]
async fn tokens_are_counted_and_texts_embedded() {
    let llm = FakeLlm::start().await;
    let post = async |action: &str, body: &Value| {
        client(&llm).post_json(&format!("/v1beta/models/fake:{action}"), body).await.expect_status(200).json()
    };
    assert_eq!(post("countTokens", &contents("Good morning")).await["totalTokens"], 3);
    let content = json!({ "content": { "parts": [{ "text": "a" }] }, "outputDimensionality": 4 });
    let one = post("embedContent", &content).await["embedding"]["values"].clone();
    assert_eq!(one.as_array().unwrap().len(), 4);
    let batch = post("batchEmbedContents", &json!({ "requests": [content, content] })).await;
    assert_eq!(batch["embeddings"], json!([{ "values": one }, { "values": one }]));
}

#[tokio::test]
async fn a_key_is_taken_from_a_field_or_the_query_and_errors_have_their_shape() {
    let llm = FakeLlm::start().await;
    let bare = Client::new(&llm.url());
    let ask = |model: &str, query: &str| {
        Request::post(format!("/v1beta/models/{model}:generateContent{query}")).json(&contents("x"))
    };
    bare.request(ask("fake", "?key=key")).await.expect_status(200);
    for request in [ask("fake", ""), ask("fake", "?key=wrong"), ask("fake", "").header("x-goog-api-key", "wrong")] {
        let error = bare.request(request).await.expect_status(401).json();
        assert_eq!((&error["error"]["code"], &error["error"]["status"]), (&json!(401), &json!("UNAUTHENTICATED")));
    }
    let error = client(&llm).request(ask("fake-429-retry-after-3", "")).await.expect_status(429);
    assert_eq!(error.header("retry-after"), None, "it says so in the body");
    assert_eq!(error.json()["error"]["status"], "RESOURCE_EXHAUSTED");
    assert_eq!(error.json()["error"]["details"][0]["retryDelay"], "3s");
    for (model, status, name) in
        [("fake-503", 503, "UNAVAILABLE"), ("fake-context", 400, "INVALID_ARGUMENT"), ("fake-teapot", 404, "NOT_FOUND")]
    {
        let error = client(&llm).request(ask(model, "")).await.expect_status(status).json();
        assert_eq!(error["error"]["status"], name);
    }
    let empty = json!({ "contents": [{ "role": "user", "parts": [] }] });
    client(&llm).post_json("/v1beta/models/fake:generateContent", &empty).await.expect_status(400);
    client(&llm).post_json("/v1beta/models/fake:unknown", &contents("x")).await.expect_status(404);
}
