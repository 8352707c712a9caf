//! `:embedContent` and `:batchEmbedContents`.

use serde_json::{Value, json};

use crate::demo::llm::{
    ask::{Content, count},
    dialect::Asked,
    openai::vector,
    refused::Refused,
};

/// The most texts of one call.
const MOST_REQUESTS: usize = 100;

pub(in crate::demo::llm) fn embed(asked: &Asked<'_>) -> Result<Value, Refused> {
    Ok(json!({ "embedding": { "values": values(asked.body)? } }))
}

pub(in crate::demo::llm) fn batch_embed(asked: &Asked<'_>) -> Result<Value, Refused> {
    let requests = asked.body["requests"].as_array().filter(|requests| (1..=MOST_REQUESTS).contains(&requests.len()));
    let requests = requests
        .ok_or_else(|| Refused::request(format!("* BatchEmbedContentsRequest.requests: from 1 to {MOST_REQUESTS}")))?;
    let mut embeddings = Vec::with_capacity(requests.len());
    for request in requests {
        embeddings.push(json!({ "values": values(request)? }));
    }
    Ok(json!({ "embeddings": embeddings }))
}

fn values(request: &Value) -> Result<Vec<f32>, Refused> {
    let parts = &request["content"]["parts"];
    if !parts.is_array() {
        return Err(Refused::request("* EmbedContentRequest.content: contents is not specified"));
    }
    let dimensions =
        request.get("outputDimensionality").or_else(|| request["embedContentConfig"].get("outputDimensionality"));
    vector(&Content::of(parts).text, dimensions.and_then(count))
}
