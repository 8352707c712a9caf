//! An answer in OpenAI's words, read and written.

use serde::Deserialize;
use serde_json::{Value, json};

use super::question::write_call;
use crate::llm::{
    translate::{
        conversation::Call,
        reply::{Finish, Head, Manner, Reply, Said, Why, arguments, made_id},
        tree::{Tree, object},
    },
    usage::{OpenAiUsage, Usage},
};

#[derive(Deserialize)]
struct Completion {
    #[serde(default)]
    id: String,
    #[serde(default)]
    model: String,
    choices: Vec<Choice>,
    usage: Option<OpenAiUsage>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    content: Option<String>,
    refusal: Option<String>,
    /// Of servers that speak like OpenAI; its own models do not show their thoughts.
    reasoning_content: Option<String>,
    tool_calls: Option<Vec<ToolCall>>,
}

#[derive(Deserialize)]
struct ToolCall {
    id: Option<String>,
    function: Function,
}

#[derive(Deserialize)]
struct Function {
    name: String,
    arguments: Option<String>,
}

/// Nothing when it is no answer of this dialect. `turn` is where it stands in the conversation.
pub(in crate::llm::translate) fn read(body: &str, turn: usize) -> Option<Reply> {
    let Completion { id, model, choices, usage } = serde_json::from_str(body).ok()?;
    let Choice { message, finish_reason } = choices.into_iter().next()?;
    let mut said = Vec::new();
    said.extend(message.reasoning_content.filter(|text| !text.is_empty()).map(Said::Thought));
    said.extend(message.content.filter(|text| !text.is_empty()).map(Said::Text));
    let refused = message.refusal.filter(|text| !text.is_empty());
    let declined = refused.is_some();
    said.extend(refused.map(Said::Text));
    let calls = message.tool_calls.unwrap_or_default();
    let finish = finish(finish_reason.as_deref().unwrap_or_default(), declined).with_calls(!calls.is_empty());
    for (number, ToolCall { id, function }) in calls.into_iter().enumerate() {
        let arguments = arguments(function.arguments.as_deref().unwrap_or_default())?;
        let id = id.filter(|id| !id.is_empty()).unwrap_or_else(|| made_id(turn, number));
        said.push(Said::Call(Call { id, name: function.name, arguments, signature: None }));
    }
    Some(Reply { head: Head { id, model }, said, finish, usage: usage.map(Usage::from) })
}

/// A model that declines says so in `refusal`, and stops.
pub(super) fn finish(word: &str, declined: bool) -> Finish {
    match word {
        "stop" if declined => Finish::plain(Why::Filtered),
        "stop" => Finish::plain(Why::Stop),
        "length" => Finish::plain(Why::Length),
        "tool_calls" | "function_call" => Finish::plain(Why::Calls),
        "content_filter" => Finish::plain(Why::Filtered),
        other => Finish::native(Why::Incomplete, other),
    }
}

/// The answer.
pub(in crate::llm::translate) fn write(reply: &Reply, manner: &Manner) -> Tree {
    let text: String = reply.said.iter().filter_map(text_of).collect();
    let calls: Vec<Tree> = reply.said.iter().filter_map(call_of).map(write_call).collect();
    let content = if text.is_empty() && !calls.is_empty() { Value::Null } else { text.into() };
    let message = object([
        ("role", "assistant".into()),
        ("content", content.into()),
        ("refusal", Value::Null.into()),
        ("tool_calls", (!calls.is_empty()).then_some(calls).into()),
    ]);
    let choice = object([
        ("index", 0_u64.into()),
        ("message", message),
        ("logprobs", Value::Null.into()),
        ("finish_reason", finish_reason(&reply.finish).into()),
        ("native_finish_reason", reply.finish.native.as_ref().into()),
    ]);
    object([
        ("id", (&reply.head.id).into()),
        ("object", "chat.completion".into()),
        ("created", manner.created_s.into()),
        ("model", (&reply.head.model).into()),
        ("choices", vec![choice].into()),
        ("usage", reply.usage.as_ref().map(usage).into()),
    ])
}

fn text_of(said: &Said) -> Option<&str> {
    match said {
        Said::Text(text) => Some(text),
        Said::Thought(_) | Said::Call(_) => None,
    }
}

fn call_of(said: &Said) -> Option<&Call> {
    match said {
        Said::Call(call) => Some(call),
        Said::Thought(_) | Said::Text(_) => None,
    }
}

/// What has no word here did not come to its end, which is what `length` says.
pub(super) const fn finish_reason(finish: &Finish) -> &'static str {
    match finish.why {
        Why::Stop | Why::Sequence(_) => "stop",
        Why::Length | Why::Incomplete => "length",
        Why::Calls => "tool_calls",
        Why::Filtered => "content_filter",
    }
}

/// What came from a cache is in the question, and what was thought in the answer.
pub(super) fn usage(usage: &Usage) -> Value {
    json!({
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input.saturating_add(usage.output),
        "prompt_tokens_details": {"cached_tokens": usage.cached_read, "cache_write_tokens": usage.cached_write},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    })
}
