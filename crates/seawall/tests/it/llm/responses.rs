//! OpenAI's responses.

use seawall_testkit::FakeLlm;
use serde_json::{Value, json};

use super::{client, data, events, with};

const PATH: &str = "/v1/responses";

#[tokio::test]
async fn a_whole_answer_has_items_and_usage() {
    let llm = FakeLlm::start().await;
    let body = json!({ "model": "fake", "instructions": "Be kind.", "input": "Good morning" });
    let json = client(&llm).post_json(PATH, &body).await.expect_status(200).json();
    assert_eq!((&json["object"], &json["status"]), (&json!("response"), &json!("completed")));
    let part = &json["output"][0]["content"][0];
    assert_eq!((&part["type"], &part["text"]), (&json!("output_text"), &json!("You said: Good morning")));
    assert_eq!((&json["usage"]["input_tokens"], &json["usage"]["output_tokens"]), (&json!(5), &json!(6)));

    let items =
        json!([{ "role": "user", "content": [{ "type": "input_text", "text": "hi" }, { "type": "input_image" }] }]);
    let json = client(&llm).post_json(PATH, &json!({ "model": "fake", "input": items })).await.json();
    assert_eq!(json["output"][0]["content"][0]["text"], "You said: hi (with 1 image)");
    client(&llm).post_json(PATH, &json!({ "model": "fake" })).await.expect_status(400);
}

#[tokio::test]
async fn a_stream_builds_the_same_answer_event_by_event() {
    let llm = FakeLlm::start().await;
    let body = json!({ "model": "fake", "input": "Good morning" });
    let whole = client(&llm).post_json(PATH, &body).await.json();
    let streamed = client(&llm).post_json(PATH, &with(body, json!({ "stream": true }))).await.expect_status(200);
    let expected = [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ];
    assert_eq!(events(&streamed), expected);
    let data = data(&streamed);
    assert!(data.iter().enumerate().all(|(index, event)| event["sequence_number"] == index));
    let text: String = data.iter().filter_map(|event| event["delta"].as_str()).collect();
    assert_eq!(text, "You said: Good morning");
    assert_eq!(data.last().unwrap()["response"], whole);
}

#[tokio::test]
async fn a_tool_is_called_and_its_result_taken() {
    let llm = FakeLlm::start().await;
    let parameters = json!({ "type": "object", "properties": { "city": { "type": "string" } } });
    let tools = json!([{ "type": "function", "name": "get_weather", "parameters": parameters }]);
    let body = json!({ "model": "fake", "input": "get_weather", "tools": tools });
    let call = client(&llm).post_json(PATH, &body).await.json()["output"][0].clone();
    assert_eq!((&call["type"], &call["name"]), (&json!("function_call"), &json!("get_weather")));
    assert_eq!(call["arguments"], "{\"city\":\"get_weather\"}");
    let streamed = client(&llm).post_json(PATH, &with(body.clone(), json!({ "stream": true }))).await;
    assert!(events(&streamed).contains(&"response.function_call_arguments.done".to_owned()));
    let output = json!({ "type": "function_call_output", "call_id": call["call_id"], "output": "rain" });
    let turns = json!({ "input": [{ "role": "user", "content": "get_weather" }, call, output] });
    let json = client(&llm).post_json(PATH, &with(body, turns)).await.json();
    assert_eq!(json["output"][0]["content"][0]["text"], "The tool said: rain");
}

#[tokio::test]
async fn what_is_cut_is_incomplete_and_what_is_declined_is_a_refusal() {
    let llm = FakeLlm::start().await;
    let ask = |model: &str| json!({ "model": model, "input": "Good morning", "max_output_tokens": 2, "stream": true });
    let streamed = client(&llm).post_json(PATH, &ask("fake")).await;
    let last: Value = data(&streamed).pop().unwrap();
    assert_eq!(last["type"], "response.incomplete");
    assert_eq!(last["response"]["incomplete_details"]["reason"], "max_output_tokens");
    assert_eq!(last["response"]["usage"]["output_tokens"], 2);
    let streamed = client(&llm).post_json(PATH, &ask("fake-refusal")).await;
    assert!(events(&streamed).contains(&"response.refusal.done".to_owned()));
}
