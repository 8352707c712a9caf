//! An answer in Anthropic's words, read and written.

use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use super::question::write_call;
use crate::llm::{
    translate::{
        conversation::Call,
        reply::{Finish, Head, Reply, Said, Why},
        tree::{Raw, Tree, object},
    },
    usage::{AnthropicUsage, Usage},
};

#[derive(Deserialize)]
struct Message<'a> {
    id: String,
    #[serde(default)]
    model: String,
    #[serde(borrow)]
    content: Vec<Block<'a>>,
    stop_reason: Option<String>,
    stop_sequence: Option<String>,
    usage: Option<AnthropicUsage>,
}

#[derive(Deserialize)]
struct Block<'a> {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
    thinking: Option<String>,
    id: Option<String>,
    name: Option<String>,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
}

/// Nothing when it is no answer of this dialect.
pub(in crate::llm::translate) fn read(body: &str) -> Option<Reply> {
    let message: Message<'_> = serde_json::from_str(body).ok()?;
    let mut said = Vec::new();
    for block in message.content {
        match block.kind.as_str() {
            "text" => said.extend(block.text.filter(|text| !text.is_empty()).map(Said::Text)),
            "thinking" => said.extend(block.thinking.filter(|text| !text.is_empty()).map(Said::Thought)),
            "tool_use" => {
                let arguments = Raw::object(block.input.map_or("{}", RawValue::get))?;
                said.push(Said::Call(Call { id: block.id?, name: block.name?, arguments, signature: None }));
            }
            // What nobody here knows tells nothing: only tools of the caller's are ever asked for.
            _ => {}
        }
    }
    let finish = finish(message.stop_reason.as_deref().unwrap_or_default(), message.stop_sequence);
    let head = Head { id: message.id, model: message.model };
    Some(Reply { head, said, finish, usage: message.usage.map(Usage::from) })
}

pub(super) fn finish(word: &str, sequence: Option<String>) -> Finish {
    match word {
        "end_turn" => Finish::plain(Why::Stop),
        "stop_sequence" => Finish::plain(Why::Sequence(sequence)),
        "max_tokens" => Finish::plain(Why::Length),
        "tool_use" => Finish::plain(Why::Calls),
        "refusal" => Finish::plain(Why::Filtered),
        "pause_turn" => Finish::native(Why::Stop, word),
        "model_context_window_exceeded" => Finish::native(Why::Length, word),
        other => Finish::native(Why::Incomplete, other),
    }
}

/// The answer.
pub(in crate::llm::translate) fn write(reply: &Reply) -> Tree {
    let content: Vec<Tree> = reply.said.iter().filter_map(block).collect();
    object([
        ("id", (&reply.head.id).into()),
        ("type", "message".into()),
        ("role", "assistant".into()),
        ("model", (&reply.head.model).into()),
        ("content", content.into()),
        ("stop_reason", stop_reason(&reply.finish).into()),
        ("stop_sequence", stop_sequence(&reply.finish)),
        ("native_finish_reason", reply.finish.native.as_ref().into()),
        ("usage", usage(reply.usage.unwrap_or_default()).into()),
    ])
}

/// Thoughts are told to nobody here: they would have to come back with a signature that only Anthropic can make.
fn block(said: &Said) -> Option<Tree> {
    match said {
        Said::Text(text) => Some(object([("type", "text".into()), ("text", text.into())])),
        Said::Call(call) => Some(write_call(call)),
        Said::Thought(_) => None,
    }
}

/// What has no word here did not come to its end, which is what `max_tokens` says.
pub(super) const fn stop_reason(finish: &Finish) -> &'static str {
    match finish.why {
        Why::Stop => "end_turn",
        Why::Sequence(_) => "stop_sequence",
        Why::Length | Why::Incomplete => "max_tokens",
        Why::Calls => "tool_use",
        Why::Filtered => "refusal",
    }
}

pub(super) fn stop_sequence(finish: &Finish) -> Tree {
    match &finish.why {
        Why::Sequence(Some(sequence)) => sequence.into(),
        _ => Value::Null.into(),
    }
}

/// What came from a cache, and what was written to one, stands beside the question and not in it.
pub(super) fn usage(usage: Usage) -> Value {
    let cached = usage.cached_read.saturating_add(usage.cached_write);
    json!({
        "input_tokens": usage.input.saturating_sub(cached),
        "cache_creation_input_tokens": usage.cached_write,
        "cache_read_input_tokens": usage.cached_read,
        "output_tokens": usage.output,
    })
}
