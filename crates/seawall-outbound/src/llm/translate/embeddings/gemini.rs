//! Embeddings in Gemini's words: `:embedContent` and `:batchEmbedContents`.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Form, Texts, Vectors, vector};
use crate::llm::{
    translate::{
        members::{Members, Told, Unsaid},
        tree::{Raw, Tree, object},
    },
    usage::{GeminiUsage, Usage},
};

/// What a vector is for. Elsewhere all are for everything.
const IGNORED: [&str; 3] = ["model", "taskType", "title"];

pub(super) fn read(body: &str, batch: bool) -> Told<Texts> {
    let mut call = Members::of(body, String::new())?.in_either_spelling();
    if !batch {
        let (text, dimensions) = one(call)?;
        return Ok(Texts { texts: vec![text], dimensions, form: Form::One });
    }
    call.ignore(&["model"]);
    let place = call.place("requests");
    let requests = call.objects("requests")?.into_iter().map(one).collect::<Told<Vec<_>>>()?;
    call.done()?;
    let dimensions = requests.first().and_then(|(_, dimensions)| *dimensions);
    if requests.iter().any(|(_, other)| *other != dimensions) {
        return Err(Unsaid(format!("vectors of several lengths in one `{place}` are not carried")));
    }
    Ok(Texts { texts: requests.into_iter().map(|(text, _)| text).collect(), dimensions, form: Form::Batch })
}

/// The text of a request, and how many numbers its vector has.
fn one(mut request: Members<'_>) -> Told<(String, Option<u64>)> {
    request.ignore(&IGNORED);
    let mut dimensions = request.count("outputDimensionality")?;
    if let Some(mut config) = request.object("embedContentConfig")? {
        config.ignore(&IGNORED);
        dimensions = config.count("outputDimensionality")?.or(dimensions);
        config.done()?;
    }
    let mut content = request.needed_object("content")?;
    content.ignore(&["role"]);
    let mut texts = Vec::new();
    for mut part in content.objects("parts")? {
        texts.push(part.needed("text")?);
        part.done()?;
    }
    content.done()?;
    request.done()?;
    Ok((texts.join("\n"), dimensions))
}

pub(super) fn write(asked: &Texts, model: &str) -> Tree {
    let request = |text: &String| {
        object([
            ("model", format!("models/{model}").into()),
            ("content", object([("parts", vec![object([("text", text.into())])].into())])),
            ("outputDimensionality", asked.dimensions.into()),
        ])
    };
    let requests: Vec<Tree> = asked.texts.iter().map(request).collect();
    object([("requests", requests.into())])
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    #[serde(borrow)]
    embeddings: Vec<Entry<'a>>,
    usage_metadata: Option<GeminiUsage>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    values: &'a RawValue,
}

pub(super) fn read_vectors(body: &str) -> Option<Vectors> {
    let Answer { embeddings, usage_metadata } = serde_json::from_str(body).ok()?;
    let vectors = embeddings.into_iter().map(|entry| vector(entry.values.get())).collect::<Option<_>>()?;
    Some(Vectors { vectors, tokens: usage_metadata.map(|usage| Usage::from(usage).input) })
}

/// Nothing when there is not the one that was asked for.
pub(super) fn write_vectors(told: Vectors, form: Form) -> Option<Tree> {
    let entry = |values: Raw| object([("values", values.into())]);
    let count = |tokens: u64| object([("promptTokenCount", tokens.into()), ("totalTokenCount", tokens.into())]);
    let used = ("usageMetadata", told.tokens.map(count).into());
    let mut vectors: Vec<Tree> = told.vectors.into_iter().map(entry).collect();
    Some(match form {
        Form::One => object([("embedding", vectors.pop()?), used]),
        _ => object([("embeddings", vectors.into()), used]),
    })
}
