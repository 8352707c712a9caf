//! Embeddings: texts, and the vector of each. OpenAI and Gemini have them, and Anthropic has none.

mod gemini;
mod openai;

use serde_json::Number;

use super::{
    asking::{Place, Written, plain_model},
    members::{Told, Unsaid},
    passing::Wanted,
    tree::{Raw, Tree},
};
use crate::llm::{
    estimate::Length,
    operation::Dialect,
    target::{Question, Target},
};

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Texts {
    texts: Vec<String>,
    /// How many numbers a vector has.
    dimensions: Option<u64>,
    form: Form,
}

/// How vectors are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// OpenAI's, as numbers.
    Numbers,
    /// OpenAI's, as bytes in base64, which its libraries ask for.
    Base64,
    /// Gemini's, of the one text of a call.
    One,
    /// Gemini's, of a batch.
    Batch,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq)]
struct Vectors {
    /// Lists of numbers, whose digits stay as they were written.
    vectors: Vec<Raw>,
    /// Tokens of all texts.
    tokens: Option<u64>,
}

/// How a caller is told.
#[derive(Clone, Debug)]
pub(super) struct Embedding {
    form: Form,
    /// How many texts there are.
    texts: usize,
    /// As the provider calls it.
    model: String,
    /// About how many tokens the texts have.
    tokens: u64,
}

/// The texts as their provider gets them.
pub(super) fn written(question: &Question<'_>, body: &str, target: &Target) -> Told<Written> {
    let model = plain_model(&target.model);
    let texts = match question.asked.dialect {
        Dialect::OpenAi => openai::read(body)?,
        Dialect::Gemini => gemini::read(body, question.asked.path.ends_with(":batchEmbedContents"))?,
        Dialect::Anthropic => return Err(unknown()),
    };
    let (body, place) = match target.provider.settings.dialect {
        Dialect::OpenAi => (openai::write(&texts, &target.model), Place::At("/v1/embeddings")),
        Dialect::Gemini => (gemini::write(&texts, model), Place::OfModel("batchEmbedContents")),
        Dialect::Anthropic => return Err(unknown()),
    };
    let wanted = Embedding {
        form: texts.form,
        texts: texts.texts.len(),
        model: target.model.clone(),
        tokens: Length::of_json(&question.body).tokens(),
    };
    Ok(Written { body, place, stream: false, wanted: Wanted::Embedding(wanted) })
}

fn unknown() -> Unsaid {
    Unsaid("embeddings are not known there".to_owned())
}

impl Embedding {
    /// The vectors of this provider's as their caller is told; nothing when they are not one for each text.
    pub(super) fn told(&self, from: Dialect, body: &str) -> Option<Tree> {
        let vectors = match from {
            Dialect::OpenAi => openai::read_vectors(body)?,
            Dialect::Gemini => gemini::read_vectors(body)?,
            Dialect::Anthropic => return None,
        };
        // One that is missing would move all behind it to other texts.
        if vectors.vectors.len() != self.texts {
            return None;
        }
        match self.form {
            Form::Numbers | Form::Base64 => openai::write_vectors(vectors, self),
            Form::One | Form::Batch => gemini::write_vectors(vectors, self.form),
        }
    }
}

/// A list of numbers; nothing when it is none.
fn vector(json: &str) -> Option<Raw> {
    let numbers: Vec<Number> = serde_json::from_str(json).ok()?;
    if numbers.is_empty() { None } else { Raw::parse(json) }
}

#[cfg(test)]
mod tests;
