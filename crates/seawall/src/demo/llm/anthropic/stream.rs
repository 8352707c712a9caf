//! The events of a streamed message.

use serde_json::{Value, json};

use super::messages::{message, stop_details, stop_reason, tool_id, usage};
use crate::demo::llm::{
    ask::{Ask, pieces},
    frame::Frame,
    reply::Reply,
};

pub(super) fn frames(ask: &Ask, reply: &Reply) -> Vec<Frame> {
    let mut start = message(ask, &json!([]));
    if reply.usage {
        // One token stands in for what is not known yet.
        start["usage"] = usage(reply, 1);
    }
    let (block, deltas) = block(ask, reply);
    let mut frames = vec![
        event(json!({ "type": "message_start", "message": start })),
        event(json!({ "type": "content_block_start", "index": 0, "content_block": block })),
        event(json!({ "type": "ping" })),
    ];
    let delta = |delta: Value| event(json!({ "type": "content_block_delta", "index": 0, "delta": delta })).token();
    frames.extend(deltas.into_iter().map(delta));
    frames.push(event(json!({ "type": "content_block_stop", "index": 0 })));
    let mut end = json!({
        "type": "message_delta",
        "delta": { "stop_reason": stop_reason(reply), "stop_sequence": reply.stopped_by, "stop_details": stop_details(reply) },
    });
    if reply.usage {
        end["usage"] = usage(reply, reply.output_tokens);
    }
    frames.push(event(end));
    frames.push(event(json!({ "type": "message_stop" })));
    frames
}

/// The block as it begins, and what is added to it.
fn block(ask: &Ask, reply: &Reply) -> (Value, Vec<Value>) {
    match &reply.call {
        Some(call) => {
            let block = json!({ "type": "tool_use", "id": tool_id(ask), "name": call.name, "input": {} });
            let arguments = pieces(&call.arguments.to_string()).into_iter();
            (block, arguments.map(|piece| json!({ "type": "input_json_delta", "partial_json": piece })).collect())
        }
        None => {
            let texts = reply.pieces().into_iter();
            let deltas = texts.map(|piece| json!({ "type": "text_delta", "text": piece })).collect();
            (json!({ "type": "text", "text": "" }), deltas)
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "made where it is passed")]
fn event(data: Value) -> Frame {
    Frame::event(data["type"].as_str().unwrap_or_default(), &data)
}
