//! An answer in the words of OpenAI's responses, written.

use serde_json::{Value, json};

use super::echo::Echo;
use crate::llm::{
    translate::{
        conversation::Call,
        openai::extra_content,
        reply::{Finish, Head, Manner, Reply, Said, Why},
        tree::{Tree, object},
    },
    usage::Usage,
};

/// The answer: what was said in a row is one message, and each call an item of its own.
pub(in crate::llm::translate) fn write(reply: &Reply, manner: &Manner, echo: &Echo) -> Tree {
    let mut items: Vec<Item> = Vec::new();
    for said in &reply.said {
        match (said, items.last_mut()) {
            (Said::Text(more), Some(Item::Message(text))) => text.push_str(more),
            (Said::Text(text), _) => items.push(Item::Message(text.clone())),
            (Said::Call(call), _) => items.push(Item::Call(call.into())),
            // These models do not show their thoughts.
            (Said::Thought(_), _) => {}
        }
    }
    if items.is_empty() {
        items.push(Item::Message(String::new()));
    }
    let (head, end) = (&reply.head, status(&reply.finish));
    let last = items.len() - 1;
    let status = |index: usize| if index == last { end } else { COMPLETED };
    let written = items.iter().enumerate().map(|(index, item)| item.written(head, index, status(index)));
    response(head, manner, echo, Stage::Ended(&reply.finish, written.collect(), reply.usage.as_ref()))
}

pub(super) const COMPLETED: &str = "completed";
pub(super) const INCOMPLETE: &str = "incomplete";
pub(super) const IN_PROGRESS: &str = "in_progress";

/// Something that an answer holds.
#[derive(Debug)]
pub(super) enum Item {
    Message(String),
    Call(Called),
}

/// A call whose arguments may not be here as a whole.
#[derive(Debug)]
pub(super) struct Called {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) arguments: String,
    pub(super) signature: Option<String>,
}

impl From<&Call> for Called {
    fn from(Call { id, name, arguments, signature }: &Call) -> Self {
        let (id, name, arguments) = (id.clone(), name.clone(), arguments.as_str().to_owned());
        Self { id, name, arguments, signature: signature.clone() }
    }
}

impl Item {
    /// What it is called: by the answer that it is of, and its place there.
    pub(super) fn id(&self, head: &Head, index: usize) -> String {
        let kind = match self {
            Self::Message(_) => "msg",
            Self::Call(_) => "fc",
        };
        format!("{kind}_{}_{index}", head.id)
    }

    /// As it stands in the answer; one in progress has nothing in it yet.
    pub(super) fn written(&self, head: &Head, index: usize, status: &'static str) -> Tree {
        let begun = status == IN_PROGRESS;
        match self {
            Self::Message(text) => {
                let content = if begun { Vec::new() } else { vec![part(text)] };
                object([
                    ("id", self.id(head, index).into()),
                    ("type", "message".into()),
                    ("status", status.into()),
                    ("role", "assistant".into()),
                    ("content", content.into()),
                ])
            }
            Self::Call(call) => {
                let arguments = if begun { "" } else { call.arguments.as_str() };
                object([
                    ("id", self.id(head, index).into()),
                    ("type", "function_call".into()),
                    ("status", status.into()),
                    ("call_id", (&call.id).into()),
                    ("name", (&call.name).into()),
                    ("arguments", arguments.into()),
                    ("extra_content", extra_content(call.signature.as_ref())),
                ])
            }
        }
    }
}

/// The one part of a message.
pub(super) fn part(text: &str) -> Tree {
    object([
        ("type", "output_text".into()),
        ("text", text.into()),
        ("annotations", Vec::new().into()),
        ("logprobs", Vec::new().into()),
    ])
}

/// How far an answer has come.
#[derive(Debug)]
pub(super) enum Stage<'a> {
    Begun,
    /// With its items, and what was used.
    Ended(&'a Finish, Vec<Tree>, Option<&'a Usage>),
}

/// A response.
pub(super) fn response(head: &Head, manner: &Manner, echo: &Echo, stage: Stage<'_>) -> Tree {
    let null = || Tree::Value(Value::Null);
    let (status, finish, output, used) = match stage {
        Stage::Begun => (IN_PROGRESS, None, Vec::new(), None),
        Stage::Ended(finish, output, used) => (status(finish), Some(finish), output, used),
    };
    let why = finish.and_then(reason).map(|why| object([("reason", why.into())]));
    let own = [
        ("id", (&head.id).into()),
        ("object", "response".into()),
        ("created_at", manner.created_s.into()),
        ("status", status.into()),
        ("error", null()),
        ("incomplete_details", why.unwrap_or_else(null)),
        ("native_finish_reason", finish.and_then(|finish| finish.native.as_ref()).into()),
        ("model", (&head.model).into()),
        ("output", output.into()),
        ("usage", used.map_or_else(null, |used| usage(used).into())),
    ];
    let all = own.into_iter().chain(echo.members());
    Tree::Object(all.map(|(name, value)| (name.into(), value)).collect())
}

pub(super) const fn status(finish: &Finish) -> &'static str {
    match reason(finish) {
        None => COMPLETED,
        Some(_) => INCOMPLETE,
    }
}

/// Why an answer did not come to its end. What has no word here was cut short, which is what `max_output_tokens` says.
const fn reason(finish: &Finish) -> Option<&'static str> {
    match finish.why {
        Why::Stop | Why::Sequence(_) | Why::Calls => None,
        Why::Length | Why::Incomplete => Some("max_output_tokens"),
        Why::Filtered => Some("content_filter"),
    }
}

/// What came from a cache is in the question, and what was thought in the answer.
fn usage(usage: &Usage) -> Value {
    json!({
        "input_tokens": usage.input,
        "input_tokens_details": {"cached_tokens": usage.cached_read, "cache_write_tokens": usage.cached_write},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.input.saturating_add(usage.output),
    })
}
