//! Embeddings in OpenAI's words: `/v1/embeddings`.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Embedding, Form, Texts, Vectors, vector};
use crate::llm::{
    translate::{
        members::{Members, Told, Unsaid},
        tree::{Raw, Tree, object},
    },
    usage::{OpenAiUsage, Usage},
};

pub(super) fn read(body: &str) -> Told<Texts> {
    let mut call = Members::of(body, String::new())?;
    call.ignore(&["model", "user"]);
    let form = match call.text("encoding_format")?.as_deref() {
        None | Some("float") => Form::Numbers,
        Some("base64") => Form::Base64,
        Some(_) => return Err(Unsaid("what `encoding_format` says is not carried".to_owned())),
    };
    let input = call.take("input").ok_or_else(|| Unsaid("`input` is missing".to_owned()))?;
    let one = serde_json::from_str::<String>(input.get()).map(|text| vec![text]);
    // Tokens are those of one model.
    let texts = one.or_else(|_| serde_json::from_str(input.get()));
    let texts = texts.map_err(|_| Unsaid("`input` is neither a text nor a list of texts".to_owned()))?;
    let read = Texts { texts, dimensions: call.count("dimensions")?, form };
    call.done()?;
    Ok(read)
}

pub(super) fn write(asked: &Texts, model: &str) -> Tree {
    let texts: Vec<Tree> = asked.texts.iter().map(Tree::from).collect();
    object([
        ("model", model.into()),
        ("input", texts.into()),
        ("dimensions", asked.dimensions.into()),
        ("encoding_format", "float".into()),
    ])
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    data: Vec<Entry<'a>>,
    usage: Option<OpenAiUsage>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(default)]
    index: usize,
    #[serde(borrow)]
    embedding: &'a RawValue,
}

pub(super) fn read_vectors(body: &str) -> Option<Vectors> {
    let Answer { mut data, usage } = serde_json::from_str(body).ok()?;
    data.sort_by_key(|entry| entry.index);
    let vectors = data.into_iter().map(|entry| vector(entry.embedding.get())).collect::<Option<_>>()?;
    Some(Vectors { vectors, tokens: usage.map(|usage| Usage::from(usage).input) })
}

/// Nothing when a number is none that fits.
pub(super) fn write_vectors(told: Vectors, asked: &Embedding) -> Option<Tree> {
    let entry = |(index, raw): (usize, Raw)| {
        let embedding = if asked.form == Form::Base64 { encoded(&raw)?.into() } else { raw.into() };
        Some(object([("object", "embedding".into()), ("index", (index as u64).into()), ("embedding", embedding)]))
    };
    let data: Vec<Tree> = told.vectors.into_iter().enumerate().map(entry).collect::<Option<_>>()?;
    // Not every provider says what it counted, and callers read it.
    let tokens = told.tokens.unwrap_or(asked.tokens);
    Some(object([
        ("object", "list".into()),
        ("data", data.into()),
        ("model", asked.model.as_str().into()),
        ("usage", object([("prompt_tokens", tokens.into()), ("total_tokens", tokens.into())])),
    ]))
}

/// Numbers of 32 bits, little-endian, as OpenAI's libraries read them.
fn encoded(vector: &Raw) -> Option<String> {
    let numbers: Vec<f32> = serde_json::from_str(vector.as_str()).ok()?;
    Some(STANDARD.encode(numbers.into_iter().flat_map(f32::to_le_bytes).collect::<Vec<_>>()))
}
