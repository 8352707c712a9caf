//! A translated call, ready to be sent.

use http::{
    HeaderMap, HeaderName, HeaderValue, Method,
    header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, USER_AGENT},
};
use seawall_core::{problem::Problem, resilience::Keyed};

use super::{
    counts, embeddings,
    members::{Told, Unsaid},
    passing::{Translation, Wanted},
    talk,
    tree::Tree,
};
use crate::{
    endpoint::Outgoing,
    llm::{
        config::ProviderSettings,
        fields::signed,
        operation::{Asked, Dialect, Operation},
        target::{Question, Target},
    },
    problem::{BAD_CALL, UNTRANSLATABLE},
};

/// Fields of a call that mean the same to every provider. All others are of one dialect, or of the application's.
static CARRIED: [HeaderName; 4] = [
    USER_AGENT,
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
];

/// A question in a provider's words.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) body: Tree,
    pub(super) place: Place,
    pub(super) stream: bool,
    pub(super) wanted: Wanted,
}

/// Where a provider is asked.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// The path, from the version on.
    At(&'static str),
    /// What Gemini does with a model: `/v1beta/models/MODEL:WORD`.
    OfModel(&'static str),
}

/// Whether a provider has no words for a call as it came.
pub(in crate::llm) fn needed(asked: &Asked<'_>, provider: &ProviderSettings) -> bool {
    // OpenAI's own count is one of responses.
    let of_responses = matches!(asked.operation, Operation::Responses | Operation::CountTokens);
    provider.dialect != asked.dialect || (provider.dialect == Dialect::OpenAi && of_responses && !provider.responses)
}

/// The operation of a provider that a call comes to: its own where it speaks the call's words, and else what it has instead.
pub(in crate::llm) fn operation(asked: &Asked<'_>, provider: &ProviderSettings) -> Operation {
    if !asked.operation.talks() || !needed(asked, provider) {
        return asked.operation;
    }
    match provider.dialect {
        Dialect::OpenAi => Operation::Chat,
        Dialect::Anthropic => Operation::Messages,
        Dialect::Gemini => Operation::Generate,
    }
}

/// A call as a provider of another dialect gets it, and what has to be known for the way back. An answer that is told no length may have
/// `most_output` tokens where a limit is wanted of all calls, and `fallback` where its dialect wants one.
///
/// # Errors
/// [`UNTRANSLATABLE`] when the provider's dialect has no words for it, [`BAD_CALL`] when the model's name is no part of an address.
pub(in crate::llm) fn asking(
    question: &Question<'_>,
    target: &Target,
    limits: (Option<u64>, u64),
    created_s: u64,
) -> Result<(Outgoing, Translation), Box<Problem>> {
    let Written { body, place, stream, wanted } = written(question, target, limits, created_s).map_err(|told| {
        let (Unsaid(what), provider) = (told, &target.provider);
        let speaks = if provider.settings.dialect == question.asked.dialect {
            "has chat completions alone".to_owned()
        } else {
            format!("speaks the words of {}", provider.settings.dialect.word())
        };
        let detail = format!("\"{}\" {speaks}: {what}.", provider.name);
        Problem::new(&UNTRANSLATABLE).detail(detail)
    })?;
    let path = match place {
        Place::At(path) => path.to_owned(),
        Place::OfModel(word) => format!("/v1beta/models/{}:{word}", of_address(&target.model)?),
    };
    let query = (stream && matches!(place, Place::OfModel(_))).then_some("alt=sse");
    let uri = target.provider.settings.base.join(&path, query);
    let uri = uri.ok_or_else(|| Problem::new(&BAD_CALL).detail("The model's name is no part of an address."))?;
    let outgoing = Outgoing {
        method: Method::POST,
        uri,
        headers: headers(question, target, stream)?,
        body: Tree::text(&body).into(),
        keyed: Keyed::Yes,
        patient: false,
    };
    let request_id = question.head.headers.get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
    let (from, to) = (target.provider.settings.dialect, question.asked.dialect);
    Ok((outgoing, Translation { from, to, request_id: request_id.to_owned(), wanted }))
}

fn written(question: &Question<'_>, target: &Target, limits: (Option<u64>, u64), created_s: u64) -> Told<Written> {
    let body = std::str::from_utf8(&question.body).map_err(|_| Unsaid("the body is not UTF-8".to_owned()))?;
    match question.asked.operation {
        Operation::Chat | Operation::Responses | Operation::Messages | Operation::Generate => {
            talk::written(question, body, target, limits, created_s)
        }
        Operation::Embeddings => embeddings::written(question, body, target),
        Operation::CountTokens => counts::written(question, body, target),
        Operation::Images | Operation::Models => {
            let translated = "conversations, embeddings and counts of tokens are translated";
            Err(Unsaid(format!("only {translated}, and {} is none of them", question.asked.path)))
        }
    }
}

/// A model's name without what stands before it in addresses.
pub(super) fn plain_model(model: &str) -> &str {
    model.strip_prefix("models/").unwrap_or(model)
}

/// A model's name as a part of an address.
fn of_address(model: &str) -> Result<&str, Box<Problem>> {
    let model = plain_model(model);
    // Whatever a caller writes, the address stays one of a model.
    let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if model.is_empty() || !model.chars().all(sound) || model.starts_with('.') {
        return Err(Problem::new(&BAD_CALL).detail("The model's name is no part of an address.").into());
    }
    Ok(model)
}

fn headers(question: &Question<'_>, target: &Target, stream: bool) -> Result<HeaderMap, Box<Problem>> {
    let carried = CARRIED.iter().filter_map(|name| Some((name.clone(), question.head.headers.get(name)?.clone())));
    let mut headers: HeaderMap = carried.collect();
    let accept = if stream { "text/event-stream" } else { "application/json" };
    headers.insert(ACCEPT, HeaderValue::from_static(accept));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    signed(&mut headers, &target.provider.settings)?;
    Ok(headers)
}
