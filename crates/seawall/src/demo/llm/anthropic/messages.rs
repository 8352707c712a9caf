//! `POST /v1/messages` and `POST /v1/messages/count_tokens`.

use serde_json::{Value, json};

use super::{error, stream};
use crate::demo::llm::{
    ask::{Ask, Choice, Content, Format, Tool, count, texts},
    dialect::{Asked, Dialect},
    frame::Frame,
    refused::Refused,
    reply::{Finish, Reply},
};

pub(in crate::demo::llm) const DIALECT: Dialect = Dialect {
    read,
    whole,
    frames: stream::frames,
    error_frame: |_, refused, _| Frame::event("error", &error(refused, None)),
};

/// From this version of the API on, sampling is the model's own business.
const WITHOUT_SAMPLING: &str = "2026-10-21";

pub(in crate::demo::llm) fn count_tokens(asked: &Asked<'_>) -> Result<Value, Refused> {
    Ok(json!({ "input_tokens": conversation(asked)?.input_tokens() }))
}

fn read(asked: &Asked<'_>) -> Result<Ask, Refused> {
    let ask = conversation(asked)?;
    let max_tokens = count(&asked.body["max_tokens"]).filter(|most| *most > 0);
    let max_tokens = max_tokens.ok_or_else(|| Refused::request("max_tokens: Field required, and at least 1"))?;
    Ok(Ask { max_tokens: Some(max_tokens), stream: asked.body["stream"].as_bool().unwrap_or(false), ..ask })
}

fn conversation(asked: &Asked<'_>) -> Result<Ask, Refused> {
    let body = asked.body;
    check_version(asked)?;
    if asked.model.is_empty() {
        return Err(Refused::request("model: Field required"));
    }
    let messages = body["messages"].as_array().filter(|messages| !messages.is_empty());
    let messages = messages.ok_or_else(|| Refused::request("messages: at least one message is required"))?;
    let schema = body["output_config"]["format"].get("schema");
    let mut ask = Ask {
        model: asked.model.to_owned(),
        tools: body["tools"].as_array().into_iter().flatten().filter_map(tool).collect(),
        choice: choice(&body["tool_choice"]),
        format: schema.map_or(Format::Text, |schema| Format::Schema(schema.clone())),
        stop: texts(&body["stop_sequences"]),
        choices: 1,
        stream_usage: true,
        ..Ask::default()
    };
    ask.count(&Content::of(&body["system"]).text);
    for message in messages {
        take(&mut ask, message)?;
    }
    Ok(ask)
}

fn check_version(asked: &Asked<'_>) -> Result<(), Refused> {
    let version = asked.header("anthropic-version");
    let version = version.ok_or_else(|| Refused::request("anthropic-version: header is required"))?;
    let sampling = ["temperature", "top_p", "top_k"].into_iter().find(|name| asked.body.get(name).is_some());
    match sampling {
        // Dates in this form are ordered as texts.
        Some(name) if version >= WITHOUT_SAMPLING => {
            Err(Refused::request(format!("{name}: not supported from anthropic-version {WITHOUT_SAMPLING} on")))
        }
        _ => Ok(()),
    }
}

fn take(ask: &mut Ask, message: &Value) -> Result<(), Refused> {
    let content = Content::of(&message["content"]);
    ask.count(&content.text);
    ask.images += content.images;
    ask.tool_result = None;
    match message["role"].as_str() {
        Some("user") => {
            let blocks = message["content"].as_array().into_iter().flatten();
            let results: Vec<_> = blocks
                .filter(|block| block["type"] == "tool_result")
                .map(|block| Content::of(&block["content"]).text)
                .collect();
            if !results.is_empty() {
                let result = results.join(" ");
                ask.count(&result);
                ask.tool_result = Some(result);
            }
            ask.prompt = content.text;
            Ok(())
        }
        Some("assistant" | "system") => Ok(()),
        role => Err(Refused::request(format!("messages: a role cannot be {role:?}"))),
    }
}

fn tool(tool: &Value) -> Option<Tool> {
    Some(Tool { name: tool["name"].as_str()?.to_owned(), schema: tool["input_schema"].clone() })
}

fn choice(value: &Value) -> Choice {
    match value["type"].as_str() {
        Some("any") => Choice::Always,
        Some("none") => Choice::Never,
        Some("tool") => value["name"].as_str().map_or(Choice::Auto, |name| Choice::Named(name.to_owned())),
        _ => Choice::Auto,
    }
}

fn whole(ask: &Ask, reply: &Reply) -> Value {
    let block = reply.call.as_ref().map_or_else(
        || json!({ "type": "text", "text": reply.text }),
        |call| json!({ "type": "tool_use", "id": tool_id(ask), "name": call.name, "input": call.arguments }),
    );
    let mut message = message(ask, &json!([block]));
    message["stop_reason"] = json!(stop_reason(reply));
    message["stop_sequence"] = json!(reply.stopped_by);
    message["stop_details"] = stop_details(reply);
    if reply.usage {
        message["usage"] = usage(reply, reply.output_tokens);
    }
    message
}

/// A message as it begins.
pub(super) fn message(ask: &Ask, content: &Value) -> Value {
    json!({
        "id": format!("msg_{}", ask.id()),
        "type": "message",
        "role": "assistant",
        "model": ask.model,
        "content": content,
        "stop_reason": null,
        "stop_sequence": null,
    })
}

pub(super) fn tool_id(ask: &Ask) -> String {
    format!("toolu_{}", ask.id())
}

pub(super) const fn stop_reason(reply: &Reply) -> &'static str {
    match reply.finish {
        Finish::Stop if reply.stopped_by.is_some() => "stop_sequence",
        Finish::Stop => "end_turn",
        Finish::Length => "max_tokens",
        Finish::ToolCall => "tool_use",
        Finish::Refusal => "refusal",
    }
}

pub(super) fn stop_details(reply: &Reply) -> Value {
    match reply.finish {
        Finish::Refusal => json!({ "type": "refusal", "category": null, "explanation": null }),
        _ => Value::Null,
    }
}

pub(super) fn usage(reply: &Reply, output_tokens: usize) -> Value {
    json!({
        "input_tokens": reply.input_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "cache_creation": { "ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0 },
        "output_tokens": output_tokens,
        "service_tier": "standard",
    })
}
