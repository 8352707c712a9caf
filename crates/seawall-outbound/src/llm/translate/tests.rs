//! The same things said in three dialects.

mod properties;
mod questions;
mod refusals;
mod replies;
mod responses;
mod streams;

use super::{
    anthropic,
    conversation::Conversation,
    gemini,
    members::{Told, Unsaid},
    openai,
    talk::Words,
};
use crate::llm::operation::Dialect;

const ALL: [Dialect; 3] = [Dialect::OpenAi, Dialect::Anthropic, Dialect::Gemini];

/// What the tests' model is called.
const MODEL: &str = "m";

/// How long an answer may be that is told no length.
const FALLBACK: u64 = 99;

/// The words of a caller of this dialect, unless it speaks OpenAI's responses.
const fn words(dialect: Dialect) -> Words {
    match dialect {
        Dialect::OpenAi => Words::Chat,
        Dialect::Anthropic => Words::Messages,
        Dialect::Gemini => Words::Generate,
    }
}

fn read(dialect: Dialect, body: &str) -> Told<Conversation> {
    match dialect {
        Dialect::OpenAi => openai::read(body),
        Dialect::Anthropic => anthropic::read(body),
        Dialect::Gemini => gemini::read(body, false),
    }
}

fn write(dialect: Dialect, asked: &Conversation) -> Told<String> {
    let tree = match dialect {
        Dialect::OpenAi => openai::write(asked, MODEL, ("max_tokens", asked.most_output)),
        Dialect::Anthropic => anthropic::write(asked, MODEL, asked.most_output.unwrap_or(FALLBACK)),
        Dialect::Gemini => gemini::write(asked, MODEL, asked.most_output),
    };
    Ok(tree?.text())
}

fn translated(from: Dialect, to: Dialect, body: &str) -> Result<serde_json::Value, String> {
    let written = read(from, body).and_then(|asked| write(to, &asked)).map_err(|Unsaid(what)| what)?;
    Ok(serde_json::from_str(&written).unwrap())
}
