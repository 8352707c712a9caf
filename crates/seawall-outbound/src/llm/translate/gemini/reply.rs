//! An answer in Gemini's words, read and written.

use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use super::question::write_call;
use crate::llm::{
    translate::{
        conversation::Call,
        reply::{Finish, Head, Manner, Reply, Said, Why, made_id},
        tree::{Raw, Tree, object},
    },
    usage::{GeminiUsage, Usage},
};

/// An answer, or a part of a stream.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Generated<'a> {
    #[serde(default)]
    pub(super) response_id: String,
    #[serde(default)]
    pub(super) model_version: String,
    #[serde(default, borrow)]
    pub(super) candidates: Vec<Candidate<'a>>,
    pub(super) prompt_feedback: Option<Feedback>,
    pub(super) usage_metadata: Option<GeminiUsage>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Candidate<'a> {
    #[serde(borrow)]
    pub(super) content: Option<Content<'a>>,
    pub(super) finish_reason: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Content<'a> {
    #[serde(default, borrow)]
    pub(super) parts: Vec<Part<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Part<'a> {
    text: Option<String>,
    #[serde(default)]
    thought: bool,
    thought_signature: Option<String>,
    #[serde(borrow)]
    function_call: Option<Function<'a>>,
}

#[derive(Deserialize)]
struct Function<'a> {
    id: Option<String>,
    name: String,
    #[serde(borrow)]
    args: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Feedback {
    pub(super) block_reason: Option<String>,
}

/// Nothing when it is no answer of this dialect. `turn` is where it stands in the conversation.
pub(in crate::llm::translate) fn read(body: &str, turn: usize) -> Option<Reply> {
    let generated: Generated<'_> = serde_json::from_str(body).ok()?;
    let head = Head { id: generated.response_id, model: generated.model_version };
    let usage = generated.usage_metadata.map(Usage::from);
    let (mut said, mut calls) = (Vec::new(), 0);
    let Some(candidate) = generated.candidates.into_iter().next() else {
        let finish = blocked(generated.prompt_feedback.as_ref()?);
        return Some(Reply { head, said, finish, usage });
    };
    for part in candidate.content.map(|content| content.parts).unwrap_or_default() {
        said.extend(part.read(turn, &mut calls)?);
    }
    let finish = finish(candidate.finish_reason.as_deref().unwrap_or_default()).with_calls(calls > 0);
    Some(Reply { head, said, finish, usage })
}

impl Part<'_> {
    /// What it says, if it says something; nothing at all when its arguments are none. `calls` is how many came before.
    pub(super) fn read(self, turn: usize, calls: &mut usize) -> Option<Option<Said>> {
        if let Some(Function { id, name, args }) = self.function_call {
            let arguments = Raw::object(args.map_or("{}", RawValue::get))?;
            let id = id.filter(|id| !id.is_empty()).unwrap_or_else(|| made_id(turn, *calls));
            *calls += 1;
            return Some(Some(Said::Call(Call { id, name, arguments, signature: self.thought_signature })));
        }
        let text = self.text.filter(|text| !text.is_empty());
        Some(text.map(|text| if self.thought { Said::Thought(text) } else { Said::Text(text) }))
    }
}

/// A question that was refused: there is no answer to it.
pub(super) fn blocked(feedback: &Feedback) -> Finish {
    Finish::native(Why::Filtered, feedback.block_reason.as_deref().unwrap_or("BLOCK_REASON_UNSPECIFIED"))
}

/// `STOP` stands for calls of tools as well.
pub(super) fn finish(word: &str) -> Finish {
    match word {
        "STOP" => Finish::plain(Why::Stop),
        "MAX_TOKENS" => Finish::plain(Why::Length),
        "SAFETY" => Finish::plain(Why::Filtered),
        "RECITATION"
        | "LANGUAGE"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "MODEL_ARMOR"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION" => Finish::native(Why::Filtered, word),
        other => Finish::native(Why::Incomplete, other),
    }
}

/// The answer.
pub(in crate::llm::translate) fn write(reply: &Reply, manner: &Manner) -> Tree {
    let parts: Vec<Tree> = reply.said.iter().filter_map(|said| part(said, manner)).collect();
    generated(&reply.head, parts, Some(&reply.finish), reply.usage.as_ref())
}

/// A part of an answer; nothing for thoughts that nobody asked for.
pub(super) fn part(said: &Said, manner: &Manner) -> Option<Tree> {
    match said {
        Said::Text(text) => Some(object([("text", text.into())])),
        Said::Thought(text) => manner.thoughts.then(|| object([("text", text.into()), ("thought", true.into())])),
        Said::Call(call) => Some(write_call(call, None)),
    }
}

/// An answer, or a part of a stream.
pub(super) fn generated(head: &Head, parts: Vec<Tree>, finish: Option<&Finish>, used: Option<&Usage>) -> Tree {
    let content = object([("parts", parts.into()), ("role", "model".into())]);
    let candidate = object([
        ("content", content),
        ("finishReason", finish.map(finish_reason).into()),
        ("finishMessage", finish.and_then(|finish| finish.native.as_ref()).into()),
        ("index", 0_u64.into()),
    ]);
    object([
        ("candidates", vec![candidate].into()),
        ("usageMetadata", used.map(usage).into()),
        ("modelVersion", (&head.model).into()),
        ("responseId", (&head.id).into()),
    ])
}

const fn finish_reason(finish: &Finish) -> &'static str {
    match finish.why {
        Why::Stop | Why::Sequence(_) | Why::Calls => "STOP",
        Why::Length => "MAX_TOKENS",
        Why::Filtered => "SAFETY",
        Why::Incomplete => "OTHER",
    }
}

/// What was thought stands beside the answer and not in it.
fn usage(usage: &Usage) -> Value {
    json!({
        "promptTokenCount": usage.input,
        "cachedContentTokenCount": usage.cached_read,
        "candidatesTokenCount": usage.output.saturating_sub(usage.reasoning),
        "thoughtsTokenCount": usage.reasoning,
        "totalTokenCount": usage.input.saturating_add(usage.output),
    })
}
