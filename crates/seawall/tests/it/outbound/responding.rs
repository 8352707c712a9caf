//! Calls in the words of OpenAI's responses to providers that have none: those of other dialects, and servers with chat completions alone.

use seawall_testkit::client::{RawResponse, Request};
use serde_json::{Value, json};

use super::{Models, answers::CACHE, calling_models, calling_models_by, streamed};

/// Providers without responses: of the first, the configuration says so.
const PROVIDERS: [&str; 3] = ["openai", "anthropic", "gemini"];

const CHAT_ALONE: &str = "responses = false";

const PATH: &str = "/llm/v1/responses";

const TOOL: &str = "get_weather";

fn schema() -> Value {
    json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": false})
}

/// A question with these members more.
fn question(model: &str, input: &Value, more: &Value) -> String {
    let mut body = json!({"model": model, "input": input});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body.to_string()
}

async fn ask(models: &Models, body: &str) -> RawResponse {
    models.app.outbound_client().request(Request::post(PATH).body(body.to_owned())).await
}

async fn stream(models: &Models, body: &str) -> Vec<Value> {
    let (_, body) = streamed(PATH, body);
    let answer = ask(models, &body).await.expect_status(200);
    assert!(answer.header("content-type").unwrap().starts_with("text/event-stream"));
    events(&answer.text())
}

/// The events of a stream, each with the name that it has in itself, and the number that follows.
fn events(stream: &str) -> Vec<Value> {
    let mut all = Vec::new();
    for event in stream.split_terminator("\n\n") {
        let (name, data) = event.split_once("\ndata: ").unwrap();
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!(name.strip_prefix("event: "), data["type"].as_str(), "{stream}");
        assert_eq!(data["sequence_number"], all.len(), "{stream}");
        all.push(data);
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn st_8_a_response_is_answered_by_providers_that_have_none() {
    let models = calling_models(CHAT_ALONE).await;
    for to in PROVIDERS {
        for (model, status, reason, said) in [
            ("fake", "completed", None, Some("Good morning")),
            ("fake-length", "incomplete", Some("max_output_tokens"), Some("Good mor")),
            ("fake-refusal", "incomplete", Some("content_filter"), None),
        ] {
            let asked = question(&format!("{to}/{model}"), &json!("say: Good morning"), &json!({"store": true}));
            let answer = ask(&models, &asked).await.expect_status(200);
            assert_eq!(answer.header("x-seawall-provider"), Some(to));
            let told = answer.json();
            let ended = (&told["status"], told["incomplete_details"]["reason"].as_str());
            assert_eq!(
                (ended, &told["object"]),
                ((&json!(status), reason), &json!("response")),
                "{to} {model}: {told}"
            );
            assert!(told["usage"]["input_tokens"].as_u64() > Some(0) && told["store"] == false, "{to}: {told}");
            if let Some(said) = said {
                assert_eq!(told["output"][0]["content"][0]["text"], said, "{to} {model}: {told}");
                assert_eq!(told["output"].as_array().unwrap().len(), 1, "{told}");
            }
        }
    }
    let paths: Vec<_> = models.fake.calls().into_iter().map(|call| call.path).collect();
    assert!(!paths.iter().any(|path| path.contains("responses")), "{paths:?}");
    assert!(paths.iter().any(|path| path == "/v1/chat/completions"), "{paths:?}");
    let rows = models.app.llm_calls().await;
    assert_eq!(rows.len(), 9);
    for row in rows {
        let told = (&row["outcome"], &row["estimated"], &row["status"]);
        assert_eq!(told, (&json!("answered"), &json!(false), &json!(200)), "{row}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_has_responses_is_asked_by_them() {
    let models = calling_models("").await;
    let answer = ask(&models, &question("openai/fake", &json!("say: a"), &json!({"previous_response_id": "r"}))).await;
    assert_eq!(answer.expect_status(200).json()["output"][0]["content"][0]["text"], "a");
    assert_eq!(models.fake.calls().pop().unwrap().path, "/v1/responses");
}

#[tokio::test(flavor = "multi_thread")]
async fn st_8_streams_are_told_in_the_events_of_responses() {
    let models = calling_models(CHAT_ALONE).await;
    for to in PROVIDERS {
        let told = stream(&models, &question(&format!("{to}/fake"), &json!("say: Good morning"), &json!({}))).await;
        let kinds: Vec<_> = told.iter().map(|event| event["type"].as_str().unwrap()).collect();
        let (begun, ended) = (kinds.iter().take(4), kinds.iter().rev().take(4).rev());
        let expected = ["created", "in_progress", "output_item.added", "content_part.added"];
        assert_eq!(begun.map(|kind| kind.trim_start_matches("response.")).collect::<Vec<_>>(), expected, "{to}");
        let expected = ["output_text.done", "content_part.done", "output_item.done", "completed"];
        assert_eq!(ended.map(|kind| kind.trim_start_matches("response.")).collect::<Vec<_>>(), expected, "{to}");
        let deltas: String = told.iter().filter_map(|event| event["delta"].as_str()).collect();
        assert_eq!(deltas, "Good morning", "{to}");
        let whole = &told.last().unwrap()["response"];
        assert_eq!(whole["output"][0]["content"][0]["text"], "Good morning", "{to}");
        assert_eq!((&whole["status"], &whole["usage"]["output_tokens"]), (&json!("completed"), &json!(3)), "{to}");
    }
    let rows = models.app.llm_calls().await;
    assert_eq!(rows.len(), 3);
    for row in rows {
        let told = (&row["outcome"], &row["estimated"], &row["streamed"], &row["output_tokens"]);
        assert_eq!(told, (&json!("answered"), &json!(false), &json!(true), &json!(3)), "{row}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn st_8_tools_of_responses_are_called_and_answered() {
    let models = calling_models(CHAT_ALONE).await;
    let text = "Bergen: get_weather";
    let tools = json!({"tools": [{"type": "function", "name": TOOL, "parameters": schema(), "strict": true}]});
    for to in PROVIDERS {
        let model = format!("{to}/fake");
        let asked = question(&model, &json!([{"role": "user", "content": text}]), &tools);
        let answer = ask(&models, &asked).await.expect_status(200).json();
        let call = &answer["output"][0];
        let arguments: Value = serde_json::from_str(call["arguments"].as_str().unwrap()).unwrap();
        assert_eq!((&call["type"], &call["name"]), (&json!("function_call"), &json!(TOOL)), "{to}: {answer}");
        assert_eq!((arguments, &answer["status"]), (json!({"city": text}), &json!("completed")), "{to}: {answer}");

        let result = json!({"type": "function_call_output", "call_id": call["call_id"], "output": "rain"});
        let conversation = json!([{"role": "user", "content": text}, call, result]);
        let last = ask(&models, &question(&model, &conversation, &tools)).await.expect_status(200).json();
        assert_eq!(last["output"][0]["content"][0]["text"], "The tool said: rain", "{to}");
        if to == "gemini" {
            // What Google's models want to see again.
            let sent = models.fake.calls().pop().unwrap().json();
            assert_eq!(sent["contents"][1]["parts"][0]["thoughtSignature"], "ZmFrZQ==", "{sent}");
        }

        let told = stream(&models, &asked).await;
        let pieces = told.iter().filter(|event| event["type"] == "response.function_call_arguments.delta");
        let pieces: String = pieces.map(|event| event["delta"].as_str().unwrap()).collect();
        assert_eq!(serde_json::from_str::<Value>(&pieces).unwrap(), json!({"city": text}), "{to}");
        let whole = &told.last().unwrap()["response"]["output"][0];
        assert_eq!((&whole["arguments"], &whole["name"]), (&json!(pieces), &json!(TOOL)), "{to}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn st_8_images_schemas_and_instructions_of_responses_reach_every_provider() {
    let models = calling_models(CHAT_ALONE).await;
    let picture = json!([{"role": "user", "content": [
        {"type": "input_text", "text": "say: I see"}, {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "auto"}]}]);
    let structured =
        json!({"text": {"format": {"type": "json_schema", "name": "place", "schema": schema(), "strict": true}}});
    for to in PROVIDERS {
        let model = format!("{to}/fake");
        let asked = question(&model, &picture, &json!({"instructions": "Be brief."}));
        let seen = ask(&models, &asked).await.expect_status(200).json();
        assert_eq!(seen["output"][0]["content"][0]["text"], "I see (with 1 image)", "{to}");
        let sent = models.fake.calls().pop().unwrap().json();
        let system = match to {
            "openai" => &sent["messages"][0]["content"],
            "anthropic" => &sent["system"][0]["text"],
            _ => &sent["systemInstruction"]["parts"][0]["text"],
        };
        assert_eq!(system, "Be brief.", "{to}: {sent}");
        let answer = ask(&models, &question(&model, &json!("say: Bergen"), &structured)).await.expect_status(200);
        let answer = answer.json();
        let text = answer["output"][0]["content"][0]["text"].as_str().unwrap();
        assert_eq!(serde_json::from_str::<Value>(text).unwrap(), json!({"city": "Bergen"}), "{to}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn st_8_a_response_that_fails_is_told_as_an_error_and_never_looks_whole() {
    let settings = "responses = false\ntimeout = \"3s\"\nidle_timeout = \"300ms\"\nbackoff = \"1ms\"\nattempts = 2";
    let models = calling_models(settings).await;
    let text = json!("say: one two three four five six seven eight");
    for to in PROVIDERS {
        for model in ["fake-cut", "fake-stall", "fake-malformed", "fake-error-frame"] {
            let told = stream(&models, &question(&format!("{to}/{model}"), &text, &json!({}))).await;
            let last = told.last().unwrap();
            assert_eq!((&last["type"], last["error"].is_object()), (&json!("error"), true), "{to} {model}: {last}");
            assert!(last["message"].is_string() && last["code"].is_string(), "{to} {model}: {last}");
            assert!(!told.iter().any(|event| event["type"] == "response.completed"), "{to} {model}");
        }
        for (model, status) in [("fake-400", 400), ("fake-429-retry-after-30", 429), ("fake-529", 529)] {
            let asked = question(&format!("{to}/{model}"), &text, &json!({}));
            let answer = ask(&models, &asked).await.expect_status(status);
            assert!(answer.json()["error"]["message"].is_string(), "{to} {model}: {}", answer.text());
        }
    }
    let rows = models.app.llm_calls().await;
    assert_eq!(rows.len(), 21);
    assert!(rows.iter().all(|row| row["outcome"] != "answered"), "{rows:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn st_8_what_responses_alone_can_is_refused_before_anybody_is_asked() {
    let models = calling_models(CHAT_ALONE).await;
    for (more, what) in [
        (json!({"previous_response_id": "secret"}), "`previous_response_id`"),
        (json!({"background": true}), "`background` other than false"),
        (json!({"tools": [{"type": "web_search"}]}), "`tools[0].type`"),
        (
            json!({"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "secret"}]}]}),
            "`input[0].content[0].type`",
        ),
    ] {
        for to in PROVIDERS {
            let answer =
                ask(&models, &question(&format!("{to}/fake"), &json!("secret"), &more)).await.expect_status(400);
            let error = &answer.json()["error"];
            let message = error["message"].as_str().unwrap();
            assert!(message.contains(what) && !message.contains("secret"), "{to}: {message}");
            assert_eq!(message.contains("has chat completions alone"), to == "openai", "{message}");
            assert_eq!(error["code"], "LLM_UNTRANSLATABLE");
        }
    }
    assert!(models.fake.calls().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_translated_response_is_kept_in_both_of_its_forms_and_as_long_as_its_route_gives() {
    let routes = format!("[llm.route.default]\nmax_output_tokens = 2\n{CACHE}");
    let models = calling_models_by(CHAT_ALONE, &routes).await;
    for (asked, to) in PROVIDERS.into_iter().enumerate() {
        let body = question(&format!("{to}/fake"), &json!("say: Good morning"), &json!({"max_output_tokens": 50}));
        let told = stream(&models, &body).await;
        let last = told.last().unwrap();
        assert_eq!(last["type"], "response.incomplete", "{to}: {last}");
        let whole = ask(&models, &body).await.expect_status(200);
        assert_eq!(whole.header("x-seawall-cache"), Some("hit"), "{to}");
        assert_eq!(whole.json(), last["response"], "{to}");
        let again = stream(&models, &body).await;
        assert_eq!(again.last().unwrap()["response"], last["response"], "{to}");
        assert_eq!(models.fake.calls().len(), asked + 1, "{to}");
        let sent = models.fake.calls().pop().unwrap().json();
        let limit = if to == "gemini" { &sent["generationConfig"]["maxOutputTokens"] } else { &sent["max_tokens"] };
        assert_eq!(*limit, 2, "{to}: {sent}");
    }
}
