//! `POST /v1/chat/completions`.

use serde_json::{Value, json};

use super::{CREATED, choice, error, format, model};
use crate::demo::llm::{
    ask::{Ask, Content, Tool, count, pieces, texts},
    dialect::{Asked, Dialect},
    frame::Frame,
    refused::Refused,
    reply::{Finish, Reply, ToolCall},
};

pub(in crate::demo::llm) const DIALECT: Dialect =
    Dialect { read, whole, frames, error_frame: |_, refused, _| Frame::data(&error(refused)) };

/// The most answers of one call.
const MOST_CHOICES: usize = 8;

fn read(asked: &Asked<'_>) -> Result<Ask, Refused> {
    let body = asked.body;
    let messages = body["messages"].as_array().filter(|messages| !messages.is_empty());
    let messages = messages.ok_or_else(|| Refused::request("'messages' has to be a list with at least one message"))?;
    let choices = count(&body["n"]).unwrap_or(1);
    if !(1..=MOST_CHOICES).contains(&choices) {
        return Err(Refused::request(format!("'n' has to be from 1 to {MOST_CHOICES}")));
    }
    let mut ask = Ask {
        model: model(asked)?,
        tools: body["tools"].as_array().into_iter().flatten().filter_map(tool).collect(),
        choice: choice(&body["tool_choice"]),
        format: format(&body["response_format"]),
        max_tokens: count(&body["max_completion_tokens"]).or_else(|| count(&body["max_tokens"])),
        stop: texts(&body["stop"]),
        choices,
        stream: body["stream"].as_bool().unwrap_or(false),
        stream_usage: body["stream_options"]["include_usage"].as_bool().unwrap_or(false),
        ..Ask::default()
    };
    for message in messages {
        let content = Content::of(&message["content"]);
        ask.count(&content.text);
        ask.images += content.images;
        ask.tool_result = None;
        match message["role"].as_str() {
            Some("user") => ask.prompt = content.text,
            Some("tool" | "function") => ask.tool_result = Some(content.text),
            Some("system" | "developer" | "assistant") => {}
            role => return Err(Refused::request(format!("a message's role cannot be {role:?}"))),
        }
    }
    Ok(ask)
}

fn tool(tool: &Value) -> Option<Tool> {
    let function = &tool["function"];
    Some(Tool { name: function["name"].as_str()?.to_owned(), schema: function["parameters"].clone() })
}

fn whole(ask: &Ask, reply: &Reply) -> Value {
    let choice = |index: usize| {
        let refused = reply.finish == Finish::Refusal;
        let mut message = json!({
            "role": "assistant",
            "content": (!refused && reply.call.is_none()).then_some(&reply.text),
            "refusal": refused.then_some(&reply.text),
            "annotations": [],
        });
        if let Some(call) = &reply.call {
            message["tool_calls"] = json!([tool_call(ask, call, &call.arguments.to_string())]);
        }
        json!({ "index": index, "message": message, "logprobs": null, "finish_reason": finish(reply) })
    };
    let mut answer = json!({
        "id": id(ask),
        "object": "chat.completion",
        "created": CREATED,
        "model": ask.model,
        "choices": (0..ask.choices).map(choice).collect::<Vec<_>>(),
        "service_tier": "default",
        "system_fingerprint": "fp_fake",
    });
    if reply.usage {
        answer["usage"] = usage(ask, reply);
    }
    answer
}

fn frames(ask: &Ask, reply: &Reply) -> Vec<Frame> {
    let tells_usage = ask.stream_usage && reply.usage;
    let chunk = |choices: Value| {
        let mut chunk = json!({
            "id": id(ask),
            "object": "chat.completion.chunk",
            "created": CREATED,
            "model": ask.model,
            "service_tier": "default",
            "system_fingerprint": "fp_fake",
            "choices": choices,
        });
        if tells_usage {
            chunk["usage"] = Value::Null;
        }
        chunk
    };
    let mut frames = Vec::new();
    for index in 0..ask.choices {
        let delta = |delta: Value, finish: Value| {
            let choice = json!({ "index": index, "delta": delta, "logprobs": null, "finish_reason": finish });
            Frame::data(&chunk(json!([choice])))
        };
        let content = if reply.call.is_some() { Value::Null } else { json!("") };
        frames.push(delta(json!({ "role": "assistant", "content": content, "refusal": null }), Value::Null));
        let field = if reply.finish == Finish::Refusal { "refusal" } else { "content" };
        let texts = reply.pieces().into_iter().map(|piece| delta(json!({ field: piece }), Value::Null).token());
        frames.extend(texts);
        if let Some(call) = &reply.call {
            let mut first = tool_call(ask, call, "");
            first["index"] = json!(0);
            frames.push(delta(json!({ "tool_calls": [first] }), Value::Null));
            frames.extend(pieces(&call.arguments.to_string()).into_iter().map(|piece| {
                let part = json!({ "index": 0, "function": { "arguments": piece } });
                delta(json!({ "tool_calls": [part] }), Value::Null).token()
            }));
        }
        frames.push(delta(json!({}), json!(finish(reply))));
    }
    if tells_usage {
        let mut last = chunk(json!([]));
        last["usage"] = usage(ask, reply);
        frames.push(Frame::data(&last));
    }
    frames.push(Frame::raw("data: [DONE]\n\n".to_owned()));
    frames
}

fn id(ask: &Ask) -> String {
    format!("chatcmpl-{}", ask.id())
}

fn tool_call(ask: &Ask, call: &ToolCall, arguments: &str) -> Value {
    let function = json!({ "name": call.name, "arguments": arguments });
    json!({ "id": format!("call_{}", ask.id()), "type": "function", "function": function })
}

const fn finish(reply: &Reply) -> &'static str {
    match reply.finish {
        // A model that declines says so in `refusal`, and stops.
        Finish::Stop | Finish::Refusal => "stop",
        Finish::Length => "length",
        Finish::ToolCall => "tool_calls",
    }
}

fn usage(ask: &Ask, reply: &Reply) -> Value {
    let output = reply.output_tokens * ask.choices;
    json!({
        "prompt_tokens": reply.input_tokens,
        "completion_tokens": output,
        "total_tokens": reply.input_tokens + output,
        "prompt_tokens_details": { "cached_tokens": 0, "audio_tokens": 0 },
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    })
}
