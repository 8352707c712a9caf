//! Which path is which API.

use hyper::{HeaderMap, Method};
use serde_json::Value;

use super::{
    anthropic,
    dialect::{Asked, Dialect, Provider},
    gemini, openai,
    refused::{Refused, Why},
};

/// What answers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Endpoint {
    /// Generates text.
    Generates(&'static Dialect),
    /// Gives a JSON value.
    Tells(fn(&Asked<'_>) -> Result<Value, Refused>),
    /// Gives the picture that an answer named; wants no key, as storage with signed addresses wants none.
    Picture,
}

/// A path that is known.
#[derive(Debug)]
pub(super) struct Route<'p> {
    pub(super) provider: Provider,
    pub(super) endpoint: Endpoint,
    /// When the path names it.
    pub(super) model: Option<&'p str>,
    /// What follows the model.
    pub(super) action: &'p str,
}

/// Finds it. A path that nobody has is refused as the provider would whom it looks like.
pub(super) fn find<'p>(method: &Method, path: &'p str, headers: &HeaderMap) -> Result<Route<'p>, (Provider, Refused)> {
    let provider = provider(path, headers);
    let found = match (provider, path) {
        (Provider::Gemini, _) => gemini_route(path),
        (_, "/v1/chat/completions") => post(Endpoint::Generates(&openai::CHAT)),
        (_, "/v1/responses") => post(Endpoint::Generates(&openai::RESPONSES)),
        (_, "/v1/responses/input_tokens") => post(Endpoint::Tells(openai::count_tokens)),
        (_, "/v1/embeddings") => post(Endpoint::Tells(openai::embeddings)),
        (_, "/v1/images/generations") => post(Endpoint::Tells(openai::images)),
        (_, "/v1/messages") => post(Endpoint::Generates(&anthropic::MESSAGES)),
        (_, "/v1/messages/count_tokens") => post(Endpoint::Tells(anthropic::count_tokens)),
        (_, openai::PICTURE_PATH) => get(Endpoint::Picture),
        (_, "/v1/models") => get(Endpoint::Tells(match provider {
            Provider::Anthropic => anthropic::models,
            _ => openai::models,
        })),
        _ => None,
    };
    let Some((wanted, endpoint, model, action)) = found else {
        return Err((provider, Refused::new(404, Why::Path, format!("unknown request URL: {method} {path}"))));
    };
    if *method != wanted {
        let message = format!("{method} is not allowed for {path}; use {wanted}");
        return Err((provider, Refused::new(405, Why::Path, message)));
    }
    Ok(Route { provider, endpoint, model, action })
}

type Found<'p> = Option<(Method, Endpoint, Option<&'p str>, &'p str)>;

fn post<'p>(endpoint: Endpoint) -> Found<'p> {
    Some((Method::POST, endpoint, None, ""))
}

fn get<'p>(endpoint: Endpoint) -> Found<'p> {
    Some((Method::GET, endpoint, None, ""))
}

fn provider(path: &str, headers: &HeaderMap) -> Provider {
    let gemini =
        path.starts_with("/v1beta/") || (path.starts_with("/v1/models") && headers.contains_key("x-goog-api-key"));
    if gemini || path.strip_prefix("/v1/models/").is_some_and(|rest| rest.contains(':')) {
        Provider::Gemini
    } else if path.starts_with("/v1/messages") || headers.contains_key("anthropic-version") {
        Provider::Anthropic
    } else {
        Provider::OpenAi
    }
}

fn gemini_route(path: &str) -> Found<'_> {
    let rest = path.strip_prefix("/v1beta").or_else(|| path.strip_prefix("/v1"))?.strip_prefix("/models")?;
    if rest.is_empty() {
        return get(Endpoint::Tells(gemini::models));
    }
    let (model, action) = rest.strip_prefix('/')?.rsplit_once(':')?;
    let endpoint = match action {
        "generateContent" | "streamGenerateContent" => Endpoint::Generates(&gemini::GENERATE),
        "countTokens" => Endpoint::Tells(gemini::count_tokens),
        "embedContent" => Endpoint::Tells(gemini::embed),
        "batchEmbedContents" => Endpoint::Tells(gemini::batch_embed),
        _ => return None,
    };
    Some((Method::POST, endpoint, Some(model), action))
}
