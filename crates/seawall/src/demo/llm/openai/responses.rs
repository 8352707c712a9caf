//! `POST /v1/responses`: one object, or the events that build it; and `POST /v1/responses/input_tokens`.

use serde_json::{Value, json};

use super::{CREATED, choice, error, format, model};
use crate::demo::llm::{
    ask::{Ask, Content, Tool, count, pieces},
    dialect::{Asked, Dialect},
    frame::Frame,
    refused::Refused,
    reply::{Finish, Reply, ToolCall},
};

pub(in crate::demo::llm) const DIALECT: Dialect = Dialect { read, whole, frames, error_frame };

pub(in crate::demo::llm) fn count_tokens(asked: &Asked<'_>) -> Result<Value, Refused> {
    Ok(json!({ "object": "response.input_tokens", "input_tokens": read(asked)?.input_tokens() }))
}

fn read(asked: &Asked<'_>) -> Result<Ask, Refused> {
    let body = asked.body;
    let mut ask = Ask {
        model: model(asked)?,
        tools: body["tools"].as_array().into_iter().flatten().filter_map(tool).collect(),
        choice: choice(&body["tool_choice"]),
        format: format(&body["text"]["format"]),
        max_tokens: count(&body["max_output_tokens"]),
        choices: 1,
        stream: body["stream"].as_bool().unwrap_or(false),
        stream_usage: true,
        ..Ask::default()
    };
    ask.count(body["instructions"].as_str().unwrap_or_default());
    match &body["input"] {
        Value::String(text) => {
            ask.count(text);
            ask.prompt.clone_from(text);
        }
        Value::Array(items) => items.iter().for_each(|item| take(&mut ask, item)),
        _ => return Err(Refused::request("'input' has to be a text or a list of items")),
    }
    Ok(ask)
}

fn take(ask: &mut Ask, item: &Value) {
    ask.tool_result = None;
    if item["type"] == "function_call_output" {
        let result = Content::of(&item["output"]).text;
        ask.count(&result);
        ask.tool_result = Some(result);
        return;
    }
    let content = Content::of(&item["content"]);
    ask.count(&content.text);
    ask.images += content.images;
    if item["role"] == "user" {
        ask.prompt = content.text;
    }
}

fn tool(tool: &Value) -> Option<Tool> {
    (tool["type"] == "function").then_some(())?;
    Some(Tool { name: tool["name"].as_str()?.to_owned(), schema: tool["parameters"].clone() })
}

fn whole(ask: &Ask, reply: &Reply) -> Value {
    let item = reply.call.as_ref().map_or_else(
        || message(ask, status(reply), &[part(reply, &reply.text)]),
        |call| function_call(ask, call, "completed", &call.arguments.to_string()),
    );
    let usage = if reply.usage { usage(reply) } else { Value::Null };
    object(ask, status(reply), &json!([item]), &usage)
}

fn frames(ask: &Ask, reply: &Reply) -> Vec<Frame> {
    let mut events = Events::default();
    let begun = object(ask, "in_progress", &json!([]), &Value::Null);
    events.add("response.created", json!({ "response": begun }));
    events.add("response.in_progress", json!({ "response": begun }));
    match &reply.call {
        Some(call) => calling(&mut events, ask, call),
        None => saying(&mut events, ask, reply),
    }
    let last = if reply.finish == Finish::Length { "response.incomplete" } else { "response.completed" };
    events.add(last, json!({ "response": whole(ask, reply) }));
    events.frames
}

fn saying(events: &mut Events, ask: &Ask, reply: &Reply) {
    let refused = reply.finish == Finish::Refusal;
    let (kind, field) = if refused { ("response.refusal", "refusal") } else { ("response.output_text", "text") };
    let place = json!({ "item_id": message_id(ask), "output_index": 0, "content_index": 0 });
    let at = |fields: Value| merged(&place, fields);
    events.add("response.output_item.added", json!({ "output_index": 0, "item": message(ask, "in_progress", &[]) }));
    events.add("response.content_part.added", at(json!({ "part": part(reply, "") })));
    for piece in reply.pieces() {
        let mut fields = json!({ "delta": piece });
        if !refused {
            fields["logprobs"] = json!([]);
        }
        events.add_token(&format!("{kind}.delta"), at(fields));
    }
    let mut fields = json!({ field: reply.text });
    if !refused {
        fields["logprobs"] = json!([]);
    }
    events.add(&format!("{kind}.done"), at(fields));
    events.add("response.content_part.done", at(json!({ "part": part(reply, &reply.text) })));
    let item = message(ask, status(reply), &[part(reply, &reply.text)]);
    events.add("response.output_item.done", json!({ "output_index": 0, "item": item }));
}

fn calling(events: &mut Events, ask: &Ask, call: &ToolCall) {
    let arguments = call.arguments.to_string();
    let place = json!({ "item_id": format!("fc_{}", ask.id()), "output_index": 0 });
    let item = function_call(ask, call, "in_progress", "");
    events.add("response.output_item.added", json!({ "output_index": 0, "item": item }));
    for piece in pieces(&arguments) {
        events.add_token("response.function_call_arguments.delta", merged(&place, json!({ "delta": piece })));
    }
    let fields = json!({ "arguments": arguments, "name": call.name });
    events.add("response.function_call_arguments.done", merged(&place, fields));
    let item = function_call(ask, call, "completed", &arguments);
    events.add("response.output_item.done", json!({ "output_index": 0, "item": item }));
}

fn error_frame(_ask: &Ask, refused: &Refused, sent: usize) -> Frame {
    let error = &error(refused)["error"];
    let code = if error["code"].is_null() { &error["type"] } else { &error["code"] };
    let data =
        json!({ "type": "error", "code": code, "message": error["message"], "param": null, "sequence_number": sent });
    Frame::event("error", &data)
}

fn object(ask: &Ask, status: &str, output: &Value, usage: &Value) -> Value {
    let incomplete = (status == "incomplete").then(|| json!({ "reason": "max_output_tokens" }));
    json!({
        "id": format!("resp_{}", ask.id()),
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "background": false,
        "error": null,
        "incomplete_details": incomplete,
        "instructions": null,
        "max_output_tokens": ask.max_tokens,
        "metadata": {},
        "model": ask.model,
        "output": output,
        "parallel_tool_calls": true,
        "previous_response_id": null,
        "reasoning": { "effort": null, "summary": null },
        "store": true,
        "temperature": 1.0,
        "text": { "format": { "type": "text" } },
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": usage,
        "user": null,
    })
}

fn message_id(ask: &Ask) -> String {
    format!("msg_{}", ask.id())
}

fn message(ask: &Ask, status: &str, content: &[Value]) -> Value {
    json!({ "id": message_id(ask), "type": "message", "status": status, "role": "assistant", "content": content })
}

fn part(reply: &Reply, text: &str) -> Value {
    if reply.finish == Finish::Refusal {
        json!({ "type": "refusal", "refusal": text })
    } else {
        json!({ "type": "output_text", "text": text, "annotations": [], "logprobs": [] })
    }
}

fn function_call(ask: &Ask, call: &ToolCall, status: &str, arguments: &str) -> Value {
    json!({
        "id": format!("fc_{}", ask.id()),
        "type": "function_call",
        "status": status,
        "call_id": format!("call_{}", ask.id()),
        "name": call.name,
        "arguments": arguments,
    })
}

fn status(reply: &Reply) -> &'static str {
    if reply.finish == Finish::Length { "incomplete" } else { "completed" }
}

fn usage(reply: &Reply) -> Value {
    json!({
        "input_tokens": reply.input_tokens,
        "input_tokens_details": { "cached_tokens": 0, "cache_write_tokens": 0 },
        "output_tokens": reply.output_tokens,
        "output_tokens_details": { "reasoning_tokens": 0 },
        "total_tokens": reply.input_tokens + reply.output_tokens,
    })
}

/// Events with their type and place.
#[derive(Debug, Default)]
struct Events {
    frames: Vec<Frame>,
}

impl Events {
    fn add(&mut self, kind: &str, fields: Value) {
        let data = merged(&json!({ "type": kind, "sequence_number": self.frames.len() }), fields);
        self.frames.push(Frame::event(kind, &data));
    }

    fn add_token(&mut self, kind: &str, fields: Value) {
        self.add(kind, fields);
        if let Some(frame) = self.frames.last_mut() {
            frame.token = true;
        }
    }
}

fn merged(place: &Value, fields: Value) -> Value {
    let mut merged = place.as_object().cloned().unwrap_or_default();
    if let Value::Object(fields) = fields {
        merged.extend(fields);
    }
    Value::Object(merged)
}
