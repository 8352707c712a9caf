//! Calls in the words of one dialect to a model of a provider that speaks another: all six directions.

use seawall_testkit::client::{RawResponse, Request};
use serde_json::{Value, json};

use super::{Models, calling_models, in_front_of_nothing, streamed};

/// The dialects, by the names of their providers.
const DIALECTS: [&str; 3] = ["openai", "anthropic", "gemini"];

/// Callers, and providers of another dialect.
fn directions() -> impl Iterator<Item = (&'static str, &'static str)> {
    DIALECTS.into_iter().flat_map(|from| DIALECTS.into_iter().filter(move |to| *to != from).map(move |to| (from, to)))
}

const CITY: &str = "get_weather";

fn schema() -> Value {
    json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": false})
}

/// A question in a dialect: its path and its body, with these members more.
fn question(dialect: &str, model: &str, text: &str, more: &Value) -> (String, String) {
    let mut body = match dialect {
        "openai" => json!({"model": model, "messages": [{"role": "user", "content": text}]}),
        "anthropic" => json!({"model": model, "max_tokens": 100, "messages": [{"role": "user", "content": text}]}),
        _ => json!({"contents": [{"role": "user", "parts": [{"text": text}]}]}),
    };
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let path = match dialect {
        "openai" => "/llm/v1/chat/completions".to_owned(),
        "anthropic" => "/llm/v1/messages".to_owned(),
        _ => format!("/llm/v1beta/models/{model}:generateContent"),
    };
    (path, body.to_string())
}

async fn ask(models: &Models, (path, body): (String, String)) -> RawResponse {
    models.app.outbound_client().request(Request::post(path).body(body)).await
}

/// The text of an answer, why it ended, and how many tokens it has.
fn answered(dialect: &str, answer: &Value) -> (String, String, u64) {
    let (text, why, tokens) = match dialect {
        "openai" => ("/choices/0/message/content", "/choices/0/finish_reason", "/usage/completion_tokens"),
        "anthropic" => ("/content/0/text", "/stop_reason", "/usage/output_tokens"),
        _ => {
            ("/candidates/0/content/parts/0/text", "/candidates/0/finishReason", "/usageMetadata/candidatesTokenCount")
        }
    };
    let at = |path: &str| answer.pointer(path).unwrap_or_else(|| panic!("{dialect} {path}: {answer}"));
    (
        at(text).as_str().unwrap_or_default().to_owned(),
        at(why).as_str().unwrap().to_owned(),
        at(tokens).as_u64().unwrap(),
    )
}

/// What each dialect says of these ends: done, cut by its length, a tool called, declined.
fn word(dialect: &str, end: usize) -> &'static str {
    let words = match dialect {
        "openai" => ["stop", "length", "tool_calls", "content_filter"],
        "anthropic" => ["end_turn", "max_tokens", "tool_use", "refusal"],
        _ => ["STOP", "MAX_TOKENS", "STOP", "SAFETY"],
    };
    words[end]
}

#[tokio::test(flavor = "multi_thread")]
async fn st_8_a_question_is_answered_by_a_provider_of_every_other_dialect() {
    let models = calling_models("").await;
    for (from, to) in directions() {
        for (end, model, said) in
            [(0, "fake", Some("Good morning")), (1, "fake-length", Some("Good mor")), (3, "fake-refusal", None)]
        {
            let asked = question(from, &format!("{to}/{model}"), "say: Good morning", &json!({}));
            let answer = ask(&models, asked).await.expect_status(200);
            assert_eq!(answer.header("x-seawall-provider"), Some(to));
            let called = models.fake.calls().pop().unwrap();
            let shown = ["authorization", "x-api-key", "x-goog-api-key"].map(|name| called.header(name));
            assert!(shown.into_iter().flatten().all(|key| key.ends_with("sk-of-the-provider")), "{from} {to}");
            let body = answer.json();
            let why = if from == "gemini" { body["candidates"][0]["finishReason"].clone() } else { Value::Null };
            if let Some(said) = said {
                let (text, why, tokens) = answered(from, &body);
                assert_eq!((text.as_str(), why.as_str()), (said, word(from, end)), "{from} {to} {model}");
                assert!(tokens > 0, "{from} {to}: {body}");
            } else {
                assert!(
                    body.to_string().contains(&format!("\"{}\"", word(from, end))),
                    "{from} {to} {model}: {body} {why}"
                );
            }
        }
    }
    let rows = models.app.llm_calls().await;
    assert_eq!(rows.len(), 18);
    for row in rows {
        let told = (&row["outcome"], &row["estimated"], &row["status"]);
        assert_eq!(told, (&json!("answered"), &json!(false), &json!(200)), "{row}");
        assert!(row["input_tokens"].as_i64().unwrap() > 0 && row["output_tokens"].as_i64().unwrap() > 0, "{row}");
        let gemini = row["provider"] == "gemini";
        assert_eq!(row["operation"] == "generate_content", gemini, "{row}");
    }
}

/// All data of a stream's events.
fn datas(stream: &str) -> Vec<Value> {
    let datas = stream.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
    datas.map(|data| serde_json::from_str(data).unwrap()).collect()
}

/// The text of a stream, and how it says that it ended.
fn joined(dialect: &str, stream: &str) -> (String, String) {
    let (text, why) = match dialect {
        "openai" => ("/choices/0/delta/content", "/choices/0/finish_reason"),
        "anthropic" => ("/delta/text", "/delta/stop_reason"),
        _ => ("/candidates/0/content/parts/0/text", "/candidates/0/finishReason"),
    };
    let datas = datas(stream);
    let all = |path: &str| datas.iter().filter_map(|data| data.pointer(path)?.as_str()).collect::<String>();
    (all(text), all(why))
}

#[tokio::test(flavor = "multi_thread")]
async fn st_8_streams_are_translated_event_by_event() {
    let models = calling_models("").await;
    for (from, to) in directions() {
        let (path, body) = question(from, &format!("{to}/fake"), "say: Good morning", &json!({}));
        let answer = ask(&models, streamed(&path, &body)).await.expect_status(200);
        assert!(answer.header("content-type").unwrap().starts_with("text/event-stream"));
        let stream = answer.text();
        let expected = ("Good morning".to_owned(), word(from, 0).to_owned());
        assert_eq!(joined(from, &stream), expected, "{from} {to}: {stream}");
        assert_eq!(stream.contains("[DONE]"), from == "openai", "{stream}");
        assert_eq!(stream.contains("event: message_stop"), from == "anthropic", "{stream}");
        assert_eq!(stream.contains("usage"), from != "openai", "who did not ask is not told: {stream}");
    }
    let rows = models.app.llm_calls().await;
    assert_eq!(rows.len(), 6);
    for row in rows {
        let told = (&row["outcome"], &row["estimated"], &row["streamed"], &row["output_tokens"]);
        assert_eq!(told, (&json!("answered"), &json!(false), &json!(true), &json!(3)), "{row}");
    }
    let (path, body) = question("gemini", "openai/fake", "say: Good morning", &json!({}));
    let array = ask(&models, (path.replace(":generate", ":streamGenerate"), body)).await;
    let parts = array.expect_status(200).json();
    assert_eq!(parts.as_array().unwrap().last().unwrap()["candidates"][0]["finishReason"], "STOP", "{parts}");
}

/// Tools in a dialect, and a picture to look at with the question.
fn tools(dialect: &str) -> Value {
    match dialect {
        "openai" => json!({"tools": [{"type": "function", "function": {"name": CITY, "parameters": schema()}}]}),
        "anthropic" => json!({"tools": [{"name": CITY, "input_schema": schema()}]}),
        _ => json!({"tools": [{"functionDeclarations": [{"name": CITY, "parametersJsonSchema": schema()}]}]}),
    }
}

/// The conversation that follows an answer with a call: it, and what the tool said.
fn with_result(dialect: &str, body: &str, answer: &Value) -> Value {
    let mut body: Value = serde_json::from_str(body).unwrap();
    let (turns, more) = match dialect {
        "openai" => {
            let message = &answer["choices"][0]["message"];
            let id = &message["tool_calls"][0]["id"];
            ("messages", vec![message.clone(), json!({"role": "tool", "tool_call_id": id, "content": "rain"})])
        }
        "anthropic" => {
            let content = &answer["content"];
            let result = json!({"type": "tool_result", "tool_use_id": content[0]["id"], "content": "rain"});
            (
                "messages",
                vec![json!({"role": "assistant", "content": content}), json!({"role": "user", "content": [result]})],
            )
        }
        _ => {
            let result = json!({"functionResponse": {"name": CITY, "response": {"output": "rain"}}});
            let content = answer["candidates"][0]["content"].clone();
            ("contents", vec![content, json!({"role": "user", "parts": [result]})])
        }
    };
    body[turns].as_array_mut().unwrap().extend(more);
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn st_8_tools_are_called_and_answered_across_dialects() {
    let models = calling_models("").await;
    let text = "Bergen: get_weather";
    for (from, to) in directions() {
        let (path, body) = question(from, &format!("{to}/fake"), text, &tools(from));
        let answer = ask(&models, (path.clone(), body.clone())).await.expect_status(200).json();
        let call = match from {
            "openai" => answer["choices"][0]["message"]["tool_calls"][0]["function"].clone(),
            "anthropic" => answer["content"][0].clone(),
            _ => answer["candidates"][0]["content"]["parts"][0]["functionCall"].clone(),
        };
        let arguments = match from {
            "openai" => serde_json::from_str(call["arguments"].as_str().unwrap()).unwrap(),
            "anthropic" => call["input"].clone(),
            _ => call["args"].clone(),
        };
        assert_eq!((&call["name"], &arguments), (&json!(CITY), &json!({"city": text})), "{from} {to}: {answer}");
        assert!(answer.to_string().contains(&format!("\"{}\"", word(from, 2))), "{from} {to}: {answer}");

        let told = with_result(from, &body, &answer).to_string();
        let last = ask(&models, (path.clone(), told)).await.expect_status(200).json();
        assert_eq!(answered(from, &last).0, "The tool said: rain", "{from} {to}");
        if to == "gemini" {
            // What Google's models want to see again, where the caller's words have a place for it.
            let sent = models.fake.calls().pop().unwrap().json();
            let expected = if from == "openai" { "ZmFrZQ==" } else { "skip_thought_signature_validator" };
            assert_eq!(sent["contents"][1]["parts"][0]["thoughtSignature"], expected, "{sent}");
        }

        let stream = ask(&models, streamed(&path, &body)).await.expect_status(200).text();
        let pieces = match from {
            "openai" => "/choices/0/delta/tool_calls/0/function/arguments",
            "anthropic" => "/delta/partial_json",
            _ => "/candidates/0/content/parts/0/functionCall/args/city",
        };
        let all: String = datas(&stream).iter().filter_map(|data| data.pointer(pieces)?.as_str()).collect();
        assert!(
            all == text || serde_json::from_str::<Value>(&all).unwrap() == json!({"city": text}),
            "{from} {to}: {stream}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn st_8_images_and_schemas_reach_every_other_dialect() {
    let models = calling_models("").await;
    for (from, to) in directions() {
        let model = format!("{to}/fake");
        let (picture, structured) = match from {
            "openai" => (
                json!({"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": [{"type": "text", "text": "say: I see"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]}]}),
                json!({"response_format": {"type": "json_schema", "json_schema": {"name": "place", "schema": schema(), "strict": true}}}),
            ),
            "anthropic" => (
                json!({"system": "Be brief.", "messages": [{"role": "user", "content": [{"type": "text", "text": "say: I see"}, {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}]}]}),
                json!({"output_config": {"format": {"type": "json_schema", "schema": schema()}}}),
            ),
            _ => (
                json!({"systemInstruction": {"parts": [{"text": "Be brief."}]}, "contents": [{"role": "user", "parts": [{"text": "say: I see"}, {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]}]}),
                json!({"generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": schema()}}),
            ),
        };
        let seen = ask(&models, question(from, &model, "", &picture)).await.expect_status(200).json();
        assert_eq!(answered(from, &seen).0, "I see (with 1 image)", "{from} {to}");
        let sent = models.fake.calls().pop().unwrap().json();
        let system = match to {
            "openai" => &sent["messages"][0]["content"],
            "anthropic" => &sent["system"][0]["text"],
            _ => &sent["systemInstruction"]["parts"][0]["text"],
        };
        assert_eq!(system, "Be brief.", "{from} {to}: {sent}");
        let answer = ask(&models, question(from, &model, "say: Bergen", &structured)).await.expect_status(200).json();
        let value: Value = serde_json::from_str(&answered(from, &answer).0).unwrap();
        assert_eq!(value, json!({"city": "Bergen"}), "{from} {to}");
    }
}

/// The message of an error, and the word for its kind.
fn error(dialect: &str, answer: &Value) -> (String, String) {
    let kind = if dialect == "gemini" { "status" } else { "type" };
    let at =
        |name: &str| answer["error"][name].as_str().unwrap_or_else(|| panic!("{dialect} {name}: {answer}")).to_owned();
    (at("message"), at(kind))
}

#[tokio::test(flavor = "multi_thread")]
async fn st_8_errors_keep_their_status_and_are_in_the_callers_words() {
    let models = calling_models("backoff = \"1ms\"\nattempts = 2\ntimeout = \"2s\"").await;
    for (from, to) in directions() {
        for (model, status, words) in [
            ("fake-400", 400, ["invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"]),
            ("fake-429-retry-after-30", 429, ["rate_limit_exceeded", "rate_limit_error", "RESOURCE_EXHAUSTED"]),
            ("fake-529", 529, ["server_error", "overloaded_error", "UNAVAILABLE"]),
            ("fake-malformed", 502, ["server_error", "api_error", "UNAVAILABLE"]),
            ("fake-cut", 502, ["server_error", "api_error", "UNAVAILABLE"]),
        ] {
            let asked = question(from, &format!("{to}/{model}"), "say: one two three", &json!({}));
            let answer = ask(&models, asked).await.expect_status(status);
            let word = words[DIALECTS.iter().position(|dialect| *dialect == from).unwrap()];
            let (message, kind) = error(from, &answer.json());
            assert!(kind == word && !message.is_empty(), "{from} {to} {model}: {}", answer.text());
            if status == 429 {
                assert_eq!(answer.header("retry-after"), Some("30"), "{from} {to}");
            }
            if status == 529 {
                assert_eq!(answer.header("x-should-retry"), Some("false"), "{from} {to}");
            }
        }
    }
    let rows = models.app.llm_calls().await;
    assert_eq!(rows.len(), 30);
    for row in rows {
        let outcome = if row["status"] == 502 { "failed" } else { "refused" };
        assert_eq!(row["outcome"], outcome, "{row}");
        assert_eq!(row["cost"] == "0.00", outcome == "refused", "{row}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn st_8_a_translated_stream_that_breaks_off_never_looks_whole() {
    let models = calling_models("timeout = \"3s\"\nidle_timeout = \"300ms\"\nbackoff = \"1ms\"").await;
    for (from, to) in directions() {
        for model in ["fake-cut", "fake-stall", "fake-malformed", "fake-error-frame"] {
            let text = "say: one two three four five six seven eight";
            let (path, body) = question(from, &format!("{to}/{model}"), text, &json!({}));
            let stream = ask(&models, streamed(&path, &body)).await.expect_status(200).text();
            let last = datas(&stream).pop().unwrap();
            error(from, &last);
            assert_eq!(last["type"] == "error", from == "anthropic", "{from} {to} {model}: {stream}");
            assert!(!stream.contains("[DONE]") && !stream.contains("message_stop"), "{from} {to} {model}: {stream}");
            assert_eq!(joined(from, &stream).1, "", "{from} {to} {model}: {stream}");
        }
    }
    let rows = models.app.llm_calls().await;
    assert_eq!(rows.len(), 24);
    for row in rows {
        let told = if row["model"] == "fake-error-frame" { "refused" } else { "failed" };
        assert_eq!((&row["outcome"], &row["estimated"]), (&json!(told), &json!(true)), "{row}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn st_8_what_cannot_be_said_is_refused_before_anybody_is_asked() {
    let models = calling_models("").await;
    for (from, to, more, what) in [
        ("openai", "anthropic", json!({"n": 2}), "`n` other than 1"),
        ("openai", "gemini", json!({"logprobs": true}), "`logprobs`"),
        ("anthropic", "openai", json!({"top_k": 3}), "top_k"),
        ("gemini", "anthropic", json!({"cachedContent": "secret"}), "`cachedContent`"),
    ] {
        let answer = ask(&models, question(from, &format!("{to}/fake"), "secret", &more)).await.expect_status(400);
        let (message, _) = error(from, &answer.json());
        assert!(
            message.contains(what) && message.contains(&format!("\"{to}\"")) && !message.contains("secret"),
            "{message}"
        );
        assert_eq!(answer.header("x-should-retry"), Some("false"));
    }
    for model in ["gemini/../files", "gemini/a?key=b", "gemini/", "gemini/a:tune"] {
        ask(&models, question("openai", model, "a", &json!({}))).await.expect_status(400);
    }
    assert!(models.fake.calls().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_of_the_configuration_is_called_in_any_dialect_and_within_its_budget() {
    let fake = seawall_testkit::llm::FakeLlm::start().await;
    let config = format!(
        "[llm]\nmost_output_tokens = 77\n[llm.provider.one]\nkind = \"anthropic\"\nurl = \"{}\"\nkey = \"sk\"\n\
         [llm.model.small]\nprovider = \"one\"\nname = \"fake\"\ninput_price = \"1\"\noutput_price = \"2\"\n\
         [llm.budget.all]\namount = \"1\"\nper = \"day\"\n",
        fake.url()
    );
    let models = Models { app: in_front_of_nothing(&config).await, fake };
    for from in ["openai", "gemini"] {
        ask(&models, question(from, "small", "say: Good morning", &json!({}))).await.expect_status(200);
        assert_eq!(models.fake.calls().pop().unwrap().json()["max_tokens"], 77, "{from}");
        let row = models.app.llm_calls().await.remove(0);
        let cost = row["input_tokens"].as_i64().unwrap() + 2 * row["output_tokens"].as_i64().unwrap();
        assert_eq!((&row["model"], &row["price_known"]), (&json!("fake"), &json!(true)), "{row}");
        assert_eq!(row["cost"], format!("0.{cost:06}"), "{row}");
    }
}
