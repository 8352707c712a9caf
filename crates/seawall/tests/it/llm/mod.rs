//! The fake LLM: each dialect whole and streamed, each fault, and what a test sees of its calls.

mod anthropic;
mod endings;
mod faults;
mod gemini;
mod openai;
mod responses;

use seawall_testkit::{
    FakeLlm,
    client::{Client, RawResponse, Request},
};
use serde_json::{Value, json};

/// A client with a key in each provider's field, and the version that Anthropic wants.
fn client(llm: &FakeLlm) -> Client {
    Client::new(&llm.url()).with_header("Authorization", "Bearer key")
}

/// One user's message, in the words of OpenAI's chat and of Anthropic.
fn chat(model: &str, text: &str) -> Value {
    json!({ "model": model, "max_tokens": 100, "messages": [{ "role": "user", "content": text }] })
}

fn with(mut body: Value, fields: Value) -> Value {
    if let (Value::Object(body), Value::Object(fields)) = (&mut body, fields) {
        body.extend(fields);
    }
    body
}

/// Dialects as faults see them: how each is asked for a stream or for a whole answer.
const DIALECTS: [&str; 4] = ["chat", "responses", "messages", "gemini"];

fn request(dialect: &str, model: &str, stream: bool) -> Request {
    let whole = |path: &str, body: Value| Request::post(path).json(&with(body, json!({ "stream": stream })));
    match dialect {
        "chat" => {
            let options = if stream { json!({ "stream_options": { "include_usage": true } }) } else { json!({}) };
            whole("/v1/chat/completions", with(chat(model, "Good morning"), options))
        }
        "responses" => whole("/v1/responses", json!({ "model": model, "input": "Good morning" })),
        "messages" => whole("/v1/messages", chat(model, "Good morning")).header("anthropic-version", "2023-06-01"),
        _ => {
            let action = if stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
            let body = json!({ "contents": [{ "role": "user", "parts": [{ "text": "Good morning" }] }] });
            Request::post(format!("/v1beta/models/{model}:{action}")).json(&body)
        }
    }
    .header("Authorization", "Bearer key")
}

/// The frames of a stream: the event's name, if it has one, and the data.
fn frames(response: &RawResponse) -> Vec<(Option<String>, String)> {
    let text = response.text().replace("\r\n", "\n");
    let frames = text.split_terminator("\n\n").map(|frame| {
        let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
        (field("event: "), field("data: ").expect("each frame has data"))
    });
    frames.collect()
}

/// The frames' data as JSON, those that are JSON.
fn data(response: &RawResponse) -> Vec<Value> {
    frames(response).iter().filter_map(|(_, data)| serde_json::from_str(data).ok()).collect()
}

/// The names of the events.
fn events(response: &RawResponse) -> Vec<String> {
    let mut names: Vec<String> = frames(response).into_iter().filter_map(|(name, _)| name).collect();
    names.dedup();
    names
}
