//! Gemini's API: generating content, counting tokens, embeddings, models.

mod embed;
mod generate;

pub(super) use embed::{batch_embed, embed};
pub(super) use generate::{DIALECT as GENERATE, count_tokens};

use serde_json::{Value, json};

use super::{
    dialect::Asked,
    refused::{Refused, Why},
};

/// The shape of an error, in an answer and in a stream.
pub(super) fn error(refused: &Refused) -> Value {
    let status = match refused.status {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 | 405 => "NOT_FOUND",
        409 => "ABORTED",
        429 => "RESOURCE_EXHAUSTED",
        499 => "CANCELLED",
        500 => "INTERNAL",
        504 => "DEADLINE_EXCEEDED",
        501.. => "UNAVAILABLE",
        _ => "INVALID_ARGUMENT",
    };
    let mut details = Vec::new();
    if refused.why == Why::Key {
        details.push(json!({
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "API_KEY_INVALID",
            "domain": "googleapis.com",
            "metadata": { "service": "generativelanguage.googleapis.com" },
        }));
    }
    if let Some(seconds) = refused.retry_after_s {
        details
            .push(json!({ "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": format!("{seconds}s") }));
    }
    let mut error = json!({ "code": refused.status, "message": refused.message, "status": status });
    if !details.is_empty() {
        error["details"] = json!(details);
    }
    json!({ "error": error })
}

pub(super) fn headers() -> Vec<(&'static str, String)> {
    let fixed = [
        ("server-timing", "gfet4t7; dur=1"),
        ("x-content-type-options", "nosniff"),
        ("vary", "Origin, X-Origin, Referer"),
    ];
    fixed.map(|(name, value)| (name, value.to_owned())).to_vec()
}

/// `GET /v1beta/models`.
#[expect(clippy::unnecessary_wraps, reason = "endpoints share a signature")]
pub(super) fn models(_asked: &Asked<'_>) -> Result<Value, Refused> {
    let model = |id| {
        json!({
            "name": format!("models/{id}"),
            "version": "001",
            "displayName": id,
            "inputTokenLimit": 1_048_576,
            "outputTokenLimit": 65_536,
            "supportedGenerationMethods": ["generateContent", "countTokens", "embedContent"],
        })
    };
    let models = ["fake", "fake-429-once", "fake-cut"].map(model);
    Ok(json!({ "models": models }))
}
