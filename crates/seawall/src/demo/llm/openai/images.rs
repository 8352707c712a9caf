//! `POST /v1/images/generations`: always the same picture, of one pixel.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::{Value, json};

use super::CREATED;
use crate::demo::llm::{
    ask::{count, tokens},
    dialect::Asked,
    refused::Refused,
};

/// Where the picture is, for answers that name its URL.
pub(in crate::demo::llm) const PICTURE_PATH: &str = "/files/picture.png";

/// A PNG of one grey pixel.
const PICTURE: &[u8] = b"\x89PNG\x0d\x0a\x1a\x0a\x00\x00\x00\x0dIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00:~\x9bU\x00\x00\x00\x0aIDATx\xdach\x00\x00\x00\x82\x00\x81\xdaE\x08;\x00\x00\x00\x00IEND\xaeB`\x82";

/// The most pictures of one call.
const MOST_PICTURES: usize = 10;

pub(in crate::demo::llm) fn answer(asked: &Asked<'_>) -> Result<Value, Refused> {
    let body = asked.body;
    let prompt = body["prompt"].as_str().ok_or_else(|| Refused::request("'prompt' has to be a text"))?;
    let pictures = count(&body["n"]).unwrap_or(1);
    if !(1..=MOST_PICTURES).contains(&pictures) {
        return Err(Refused::request(format!("'n' has to be from 1 to {MOST_PICTURES}")));
    }
    let picture = match body["response_format"].as_str() {
        None | Some("b64_json") => json!({ "b64_json": STANDARD.encode(PICTURE) }),
        Some("url") => {
            let host = asked.header("host").unwrap_or("127.0.0.1");
            json!({ "url": format!("http://{host}{PICTURE_PATH}"), "revised_prompt": prompt })
        }
        Some(other) => return Err(Refused::request(format!("'response_format' cannot be '{other}'"))),
    };
    let (input, output) = (tokens(prompt), 272 * pictures);
    let usage = json!({
        "input_tokens": input,
        "input_tokens_details": { "text_tokens": input, "image_tokens": 0 },
        "output_tokens": output,
        "total_tokens": input + output,
    });
    Ok(json!({ "created": CREATED, "data": vec![picture; pictures], "usage": usage }))
}

/// The picture's bytes.
pub(in crate::demo::llm) const fn picture() -> Bytes {
    Bytes::from_static(PICTURE)
}
