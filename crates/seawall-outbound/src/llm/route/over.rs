//! What a conversation is answered whose rounds are over: an empty message that ended as any other, in the call's dialect, streamed if that was asked for.
//! Whoever builds on the answer goes on to the next step; the cap is no error.

use std::fmt::Write;

use http::{HeaderName, HeaderValue, Response, header::CONTENT_TYPE};
use serde_json::{Value, json};

use crate::{
    body::{Body, whole},
    llm::{
        operation::{Dialect, Operation},
        target::Question,
    },
};

static OVER: HeaderName = HeaderName::from_static("x-seawall-rounds-over");

/// The most answers of one call that any provider gives.
const MOST_CHOICES: u64 = 128;

/// What the messages are made of.
struct Empty<'a> {
    id: &'a str,
    model: &'a str,
    /// Seconds since 1970-01-01T00:00:00Z.
    at_s: u64,
    choices: u64,
    /// Whether the stream was asked for its usage.
    tells_usage: bool,
}

/// The answer. `id` is that of the request, and `at_s` the time in seconds since 1970-01-01T00:00:00Z.
pub(crate) fn answer(question: &Question<'_>, id: &str, at_s: u64) -> Response<Body> {
    let asked = &question.asked;
    let sketch = question.sketch.as_ref();
    let empty = Empty {
        id,
        model: question.model().unwrap_or_default(),
        at_s,
        choices: question.count().min(MOST_CHOICES),
        tells_usage: sketch.is_some_and(|sketch| !sketch.lacks_usage(asked.dialect, asked.operation)),
    };
    let streams = asked.streams || sketch.is_some_and(|sketch| sketch.streams);
    // Without it, Gemini streams one JSON array.
    let as_events = question.head.uri.query().is_some_and(|query| query.split('&').any(|pair| pair == "alt=sse"));
    let (kind, body) = match (asked.dialect, asked.operation, streams) {
        (Dialect::OpenAi, Operation::Responses, true) => (EVENTS, empty.response_events()),
        (Dialect::OpenAi, Operation::Responses, false) => (JSON, empty.response("completed").to_string()),
        (Dialect::OpenAi, _, true) => (EVENTS, empty.chunks()),
        (Dialect::OpenAi, _, false) => (JSON, empty.completion().to_string()),
        (Dialect::Anthropic, _, true) => (EVENTS, empty.message_events()),
        (Dialect::Anthropic, _, false) => (JSON, empty.message().to_string()),
        (Dialect::Gemini, _, true) if as_events => (EVENTS, format!("data: {}\r\n\r\n", empty.generated())),
        (Dialect::Gemini, _, true) => (JSON, json!([empty.generated()]).to_string()),
        (Dialect::Gemini, _, false) => (JSON, empty.generated().to_string()),
    };
    let mut response = Response::new(whole(body.into()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(&OVER, HeaderValue::from_static("true"));
    response
}

const EVENTS: &str = "text/event-stream";
const JSON: &str = "application/json";

impl Empty<'_> {
    fn completion(&self) -> Value {
        let choice = |index| {
            let message = json!({"role": "assistant", "content": "", "refusal": null});
            json!({"index": index, "message": message, "logprobs": null, "finish_reason": "stop"})
        };
        json!({
            "id": format!("chatcmpl-{}", self.id), "object": "chat.completion", "created": self.at_s, "model": self.model,
            "choices": (0..self.choices).map(choice).collect::<Vec<_>>(), "usage": chat_usage(),
        })
    }

    fn chunks(&self) -> String {
        let chunk = |choices: Value| {
            let mut chunk = json!({
                "id": format!("chatcmpl-{}", self.id), "object": "chat.completion.chunk", "created": self.at_s,
                "model": self.model, "choices": choices,
            });
            if self.tells_usage
                && let Value::Object(members) = &mut chunk
            {
                members.insert("usage".to_owned(), Value::Null);
            }
            chunk
        };
        let mut stream = String::new();
        for index in 0..self.choices {
            let part = |delta: Value, finish: Value| {
                chunk(json!([{"index": index, "delta": delta, "logprobs": null, "finish_reason": finish}]))
            };
            data(&mut stream, &part(json!({"role": "assistant", "content": "", "refusal": null}), Value::Null));
            data(&mut stream, &part(json!({}), json!("stop")));
        }
        if self.tells_usage {
            let mut last = chunk(json!([]));
            if let Value::Object(members) = &mut last {
                members.insert("usage".to_owned(), chat_usage());
            }
            data(&mut stream, &last);
        }
        stream.push_str("data: [DONE]\n\n");
        stream
    }

    fn response(&self, status: &str) -> Value {
        let done = status == "completed";
        json!({
            "id": format!("resp_{}", self.id), "object": "response", "created_at": self.at_s, "status": status,
            "background": false, "error": null, "incomplete_details": null, "instructions": null, "max_output_tokens": null,
            "metadata": {}, "model": self.model, "parallel_tool_calls": true, "previous_response_id": null,
            "output": if done { json!([self.item("completed")]) } else { json!([]) },
            "reasoning": {"effort": null, "summary": null}, "store": false, "temperature": 1.0,
            "text": {"format": {"type": "text"}}, "tool_choice": "auto", "tools": [], "top_p": 1.0, "truncation": "disabled",
            "usage": done.then(|| json!({
                "input_tokens": 0, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 0,
                "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 0,
            })),
            "user": null,
        })
    }

    /// The one item of a response.
    fn item(&self, status: &str) -> Value {
        let content = if status == "completed" { json!([part()]) } else { json!([]) };
        json!({"id": format!("msg_{}", self.id), "type": "message", "status": status, "role": "assistant", "content": content})
    }

    fn response_events(&self) -> String {
        let place = (format!("msg_{}", self.id), 0, 0);
        let at = |name: &str, value: Value| {
            let mut fields = json!({"item_id": place.0, "output_index": place.1, "content_index": place.2});
            if let Value::Object(members) = &mut fields {
                members.insert(name.to_owned(), value);
            }
            fields
        };
        let mut text = at("text", json!(""));
        if let Value::Object(members) = &mut text {
            members.insert("logprobs".to_owned(), json!([]));
        }
        let events = [
            ("response.created", json!({"response": self.response("in_progress")})),
            ("response.in_progress", json!({"response": self.response("in_progress")})),
            ("response.output_item.added", json!({"output_index": 0, "item": self.item("in_progress")})),
            ("response.content_part.added", at("part", part())),
            ("response.output_text.done", text),
            ("response.content_part.done", at("part", part())),
            ("response.output_item.done", json!({"output_index": 0, "item": self.item("completed")})),
            ("response.completed", json!({"response": self.response("completed")})),
        ];
        let mut stream = String::new();
        for (number, (kind, mut fields)) in events.into_iter().enumerate() {
            if let Value::Object(members) = &mut fields {
                members.insert("type".to_owned(), json!(kind));
                members.insert("sequence_number".to_owned(), json!(number));
            }
            event(&mut stream, kind, &fields);
        }
        stream
    }

    fn message(&self) -> Value {
        json!({
            "id": format!("msg_{}", self.id), "type": "message", "role": "assistant", "model": self.model,
            "content": [{"type": "text", "text": ""}], "stop_reason": "end_turn", "stop_sequence": null,
            "usage": {"input_tokens": 0, "output_tokens": 0},
        })
    }

    fn message_events(&self) -> String {
        let start = json!({
            "id": format!("msg_{}", self.id), "type": "message", "role": "assistant", "model": self.model, "content": [],
            "stop_reason": null, "stop_sequence": null, "usage": {"input_tokens": 0, "output_tokens": 0},
        });
        let end = json!({"stop_reason": "end_turn", "stop_sequence": null});
        let events = [
            ("message_start", json!({"type": "message_start", "message": start})),
            (
                "content_block_start",
                json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
            ),
            ("content_block_stop", json!({"type": "content_block_stop", "index": 0})),
            ("message_delta", json!({"type": "message_delta", "delta": end, "usage": {"output_tokens": 0}})),
            ("message_stop", json!({"type": "message_stop"})),
        ];
        let mut stream = String::new();
        for (kind, fields) in events {
            event(&mut stream, kind, &fields);
        }
        stream
    }

    fn generated(&self) -> Value {
        let candidate = |index| json!({"index": index, "content": {"role": "model", "parts": [{"text": ""}]}, "finishReason": "STOP"});
        json!({
            "candidates": (0..self.choices).map(candidate).collect::<Vec<_>>(),
            "usageMetadata": {"promptTokenCount": 0, "candidatesTokenCount": 0, "totalTokenCount": 0},
            "modelVersion": self.model, "responseId": self.id,
        })
    }
}

fn chat_usage() -> Value {
    json!({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0})
}

/// The one part of a response's message.
fn part() -> Value {
    json!({"type": "output_text", "text": "", "annotations": [], "logprobs": []})
}

fn data(stream: &mut String, data: &Value) {
    // Writing to a string cannot fail.
    let _infallible = write!(stream, "data: {data}\n\n");
}

fn event(stream: &mut String, kind: &str, data: &Value) {
    // Writing to a string cannot fail.
    let _infallible = write!(stream, "event: {kind}\ndata: {data}\n\n");
}
