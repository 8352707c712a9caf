//! A translated call, ready to be sent.

use http::{
    HeaderMap, HeaderName, HeaderValue, Method,
    header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, USER_AGENT},
};
use seawall_core::{problem::Problem, resilience::Keyed};

use super::{
    anthropic,
    conversation::Conversation,
    gemini,
    members::{Told, Unsaid},
    openai,
    passing::Translation,
    reply::Manner,
    tree::Tree,
};
use crate::{
    endpoint::Outgoing,
    llm::{
        fields::signed,
        operation::{Asked, Dialect, Operation},
        sketch::OutputLimit,
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

/// The operation of a provider that a call comes to: its own where it speaks the call's words, and else what it has instead.
pub(in crate::llm) const fn operation(asked: &Asked<'_>, provider: Dialect) -> Operation {
    match (asked.operation, provider) {
        (Operation::Chat | Operation::Messages | Operation::Generate, Dialect::OpenAi) => Operation::Chat,
        (Operation::Chat | Operation::Messages | Operation::Generate, Dialect::Anthropic) => Operation::Messages,
        (Operation::Chat | Operation::Messages | Operation::Generate, Dialect::Gemini) => Operation::Generate,
        (other, _) => other,
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
    (most_output, fallback): (Option<u64>, u64),
    created_s: u64,
) -> Result<(Outgoing, Translation), Box<Problem>> {
    let provider = target.provider.settings.dialect;
    let refused = |Unsaid(what): Unsaid| {
        let detail = format!("\"{}\" speaks the words of {}: {what}.", target.provider.name, provider.word());
        Problem::new(&UNTRANSLATABLE).detail(detail)
    };
    let asked = read(question).map_err(refused)?;
    let most_output = asked.most_output.or(most_output);
    let body = match provider {
        Dialect::OpenAi => {
            let limit = match target.output_limit(Operation::Chat) {
                Some(OutputLimit::Member(name)) => name,
                Some(OutputLimit::OfGemini) | None => "max_tokens",
            };
            openai::write(&asked, &target.model, (limit, most_output))
        }
        Dialect::Anthropic => anthropic::write(&asked, &target.model, most_output.unwrap_or(fallback)),
        Dialect::Gemini => gemini::write(&asked, &target.model, most_output),
    };
    let body = body.map_err(refused)?;
    let (path, query) = address(provider, &target.model, asked.wants.stream)?;
    let uri = target.provider.settings.base.join(&path, query);
    let uri = uri.ok_or_else(|| Problem::new(&BAD_CALL).detail("The model's name is no part of an address."))?;
    let translation = translation(question, &asked, provider, created_s);
    let outgoing = Outgoing {
        method: Method::POST,
        uri,
        headers: headers(question, target, asked.wants.stream)?,
        body: Tree::text(&body).into(),
        keyed: Keyed::Yes,
        patient: false,
    };
    Ok((outgoing, translation))
}

fn read(question: &Question<'_>) -> Told<Conversation> {
    let body = std::str::from_utf8(&question.body).map_err(|_| Unsaid("the body is not UTF-8".to_owned()))?;
    match question.asked.operation {
        Operation::Chat => openai::read(body),
        Operation::Messages => anthropic::read(body),
        Operation::Generate => gemini::read(body, question.asked.streams),
        Operation::Responses
        | Operation::Embeddings
        | Operation::Images
        | Operation::CountTokens
        | Operation::Models => {
            let translated = "chat completions, messages, generateContent and streamGenerateContent are translated";
            Err(Unsaid(format!("only {translated}, and {} is none of them", question.asked.path)))
        }
    }
}

fn translation(question: &Question<'_>, asked: &Conversation, provider: Dialect, created_s: u64) -> Translation {
    let of_gemini = question.asked.dialect == Dialect::Gemini;
    let query = question.head.uri.query().unwrap_or_default();
    let manner = Manner {
        created_s,
        usage: asked.wants.usage,
        thoughts: asked.wants.thoughts,
        array: of_gemini && asked.wants.stream && !query.split('&').any(|pair| pair == "alt=sse"),
    };
    let request_id = question.head.headers.get("x-request-id").and_then(|id| id.to_str().ok());
    Translation {
        from: provider,
        to: question.asked.dialect,
        stream: asked.wants.stream,
        turn: asked.turns.len(),
        manner,
        request_id: request_id.unwrap_or_default().to_owned(),
    }
}

/// Path and query, from the version on.
fn address(provider: Dialect, model: &str, stream: bool) -> Result<(String, Option<&'static str>), Box<Problem>> {
    match (provider, stream) {
        (Dialect::OpenAi, _) => Ok(("/v1/chat/completions".to_owned(), None)),
        (Dialect::Anthropic, _) => Ok(("/v1/messages".to_owned(), None)),
        (Dialect::Gemini, stream) => {
            let model = model.strip_prefix("models/").unwrap_or(model);
            // Whatever a caller writes, the address stays one of a model.
            let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
            if model.is_empty() || !model.chars().all(sound) || model.starts_with('.') {
                return Err(Problem::new(&BAD_CALL).detail("The model's name is no part of an address.").into());
            }
            Ok(if stream {
                (format!("/v1beta/models/{model}:streamGenerateContent"), Some("alt=sse"))
            } else {
                (format!("/v1beta/models/{model}:generateContent"), None)
            })
        }
    }
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
