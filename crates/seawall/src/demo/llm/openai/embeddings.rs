//! `POST /v1/embeddings`: a vector of length one for each text, always the same for the same text.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::model;
use crate::demo::llm::{
    ask::{count, hash, tokens},
    dialect::Asked,
    refused::Refused,
};

/// Numbers in a vector, unless the call says otherwise.
const DIMENSIONS: usize = 16;

/// The most that a call may ask for, as of the largest model.
const MOST_DIMENSIONS: usize = 3_072;

/// The most texts of one call.
const MOST_INPUTS: usize = 2_048;

pub(in crate::demo::llm) fn answer(asked: &Asked<'_>) -> Result<Value, Refused> {
    let model = model(asked)?;
    let inputs = inputs(&asked.body["input"])?;
    let as_base64 = match asked.body["encoding_format"].as_str() {
        None | Some("float") => false,
        Some("base64") => true,
        Some(other) => return Err(Refused::request(format!("'encoding_format' cannot be '{other}'"))),
    };
    let dimensions = count(&asked.body["dimensions"]);
    let mut data = Vec::with_capacity(inputs.len());
    for (index, (text, _)) in inputs.iter().enumerate() {
        let vector = vector(text, dimensions)?;
        let embedding = if as_base64 { json!(encoded(&vector)) } else { json!(vector) };
        data.push(json!({ "object": "embedding", "index": index, "embedding": embedding }));
    }
    let used: usize = inputs.iter().map(|(_, tokens)| tokens).sum();
    let usage = json!({ "prompt_tokens": used, "total_tokens": used });
    Ok(json!({ "object": "list", "data": data, "model": model, "usage": usage }))
}

/// A vector for a text.
pub(in crate::demo::llm) fn vector(text: &str, dimensions: Option<usize>) -> Result<Vec<f32>, Refused> {
    let dimensions = dimensions.unwrap_or(DIMENSIONS);
    if !(1..=MOST_DIMENSIONS).contains(&dimensions) {
        return Err(Refused::request(format!("a vector has from 1 to {MOST_DIMENSIONS} dimensions")));
    }
    let numbers: Vec<f32> = (0..dimensions)
        .map(|index| {
            let [first, second, ..] = hash(format!("{index} {text}").as_bytes()).to_be_bytes();
            f32::from(i16::from_be_bytes([first, second])) + 0.5
        })
        .collect();
    let length = numbers.iter().map(|number| number * number).sum::<f32>().sqrt();
    Ok(numbers.iter().map(|number| number / length).collect())
}

/// Little-endian, as OpenAI's libraries read it.
fn encoded(vector: &[f32]) -> String {
    STANDARD.encode(vector.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<_>>())
}

/// The inputs, each with its tokens: a text, tokens, or a list of either.
fn inputs(value: &Value) -> Result<Vec<(String, usize)>, Refused> {
    let one = |value: &Value| match value {
        Value::String(text) => Some((text.clone(), tokens(text))),
        Value::Array(numbers) if numbers.iter().all(Value::is_u64) => Some((value.to_string(), numbers.len())),
        _ => None,
    };
    let wrong =
        || Refused::request(format!("'input' has to be a text, tokens, or a list of up to {MOST_INPUTS} of either"));
    let inputs: Vec<_> = match value {
        Value::Array(items) if !items.iter().all(Value::is_u64) => {
            items.iter().map(one).collect::<Option<_>>().ok_or_else(wrong)?
        }
        Value::Array(items) if items.is_empty() => return Err(wrong()),
        value => vec![one(value).ok_or_else(wrong)?],
    };
    if inputs.len() > MOST_INPUTS { Err(wrong()) } else { Ok(inputs) }
}
