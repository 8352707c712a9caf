//! A part of a conversation: a question that a provider of other words is asked, and the words that its answer is told in.

use super::{
    anthropic,
    asking::{Place, Written},
    conversation::Conversation,
    gemini,
    members::{Told, Unsaid},
    openai,
    passing::Wanted,
    reply::Manner,
    responses::{self, Echo},
    tree::Tree,
};
use crate::llm::{
    operation::{Dialect, Operation},
    sketch::OutputLimit,
    target::{Question, Target},
};

/// The words of an answer. OpenAI's callers have two kinds.
#[derive(Clone, Debug)]
pub(super) enum Words {
    /// OpenAI's chat completions.
    Chat,
    /// OpenAI's responses, with what they say again of their question.
    Responses(Echo),
    /// Anthropic's messages.
    Messages,
    /// Gemini's `generateContent`.
    Generate,
}

impl Words {
    pub(super) const fn dialect(&self) -> Dialect {
        match self {
            Self::Chat | Self::Responses(_) => Dialect::OpenAi,
            Self::Messages => Dialect::Anthropic,
            Self::Generate => Dialect::Gemini,
        }
    }
}

/// How a conversation's next answer is told.
#[derive(Clone, Debug)]
pub(super) struct Talk {
    pub(super) words: Words,
    /// Whether a stream was asked for.
    pub(super) stream: bool,
    /// Where the answer stands in the conversation.
    pub(super) turn: usize,
    pub(super) manner: Manner,
}

impl Talk {
    /// A whole answer of this provider's, as its caller is told; nothing when it is none of the dialect.
    pub(super) fn told(&self, from: Dialect, body: &str) -> Option<Tree> {
        let reply = match from {
            Dialect::OpenAi => openai::read_reply(body, self.turn),
            Dialect::Anthropic => anthropic::read_reply(body),
            Dialect::Gemini => gemini::read_reply(body, self.turn),
        }?;
        Some(match &self.words {
            Words::Chat => openai::write_reply(&reply, &self.manner),
            Words::Responses(echo) => responses::write_reply(&reply, &self.manner, echo),
            Words::Messages => anthropic::write_reply(&reply),
            Words::Generate => gemini::write_reply(&reply, &self.manner),
        })
    }
}

/// A question as its provider gets it. An answer that is told no length may have `most_output` tokens where a limit is wanted of all calls, and
/// `fallback` where the dialect wants one.
pub(super) fn written(
    question: &Question<'_>,
    body: &str,
    target: &Target,
    (most_output, fallback): (Option<u64>, u64),
    created_s: u64,
) -> Told<Written> {
    let (asked, words) = read(question, body)?;
    let (most_output, stream) = (asked.most_output.or(most_output), asked.wants.stream);
    let (body, place) = match target.provider.settings.dialect {
        Dialect::OpenAi => {
            let limit = match target.output_limit(Operation::Chat) {
                Some(OutputLimit::Member(name)) => name,
                Some(OutputLimit::OfGemini) | None => "max_tokens",
            };
            let body = openai::write(&asked, &target.model, (limit, most_output))?;
            (body, Place::At("/v1/chat/completions"))
        }
        Dialect::Anthropic => {
            let body = anthropic::write(&asked, &target.model, most_output.unwrap_or(fallback))?;
            (body, Place::At("/v1/messages"))
        }
        Dialect::Gemini => {
            let word = if stream { "streamGenerateContent" } else { "generateContent" };
            (gemini::write(&asked, &target.model, most_output)?, Place::OfModel(word))
        }
    };
    let manner = manner(question, &asked, created_s);
    let wanted = Wanted::Talk(Talk { words, stream, turn: asked.turns.len(), manner });
    Ok(Written { body, place, stream, wanted })
}

fn read(question: &Question<'_>, body: &str) -> Told<(Conversation, Words)> {
    Ok(match question.asked.operation {
        Operation::Chat => (openai::read(body)?, Words::Chat),
        Operation::Responses => (responses::read(body)?, Words::Responses(Echo::of(body))),
        Operation::Messages => (anthropic::read(body)?, Words::Messages),
        Operation::Generate => (gemini::read(body, question.asked.streams)?, Words::Generate),
        Operation::Embeddings | Operation::Images | Operation::CountTokens | Operation::Models => {
            return Err(Unsaid(format!("{} is no part of a conversation", question.asked.path)));
        }
    })
}

fn manner(question: &Question<'_>, asked: &Conversation, created_s: u64) -> Manner {
    let of_gemini = question.asked.dialect == Dialect::Gemini;
    let query = question.head.uri.query().unwrap_or_default();
    Manner {
        created_s,
        usage: asked.wants.usage,
        thoughts: asked.wants.thoughts,
        array: of_gemini && asked.wants.stream && !query.split('&').any(|pair| pair == "alt=sse"),
    }
}
