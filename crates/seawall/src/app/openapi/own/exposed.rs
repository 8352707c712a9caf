//! The paths of language models that people outside may call, of each route that is exposed.

use super::{Gives, Own, Takes, Who, paths::own};

const fn asks(path: &'static str, summary: &'static str) -> Own {
    own("post", path, summary)
        .let_in(Who::Known)
        .taking(Takes::AnyJson)
        .giving(&[(200, Gives::Said)])
        .refusing(&[402, 404, 413, 502, 503, 504])
}

/// All of them; `{route}` stands for the name of a route.
pub(in crate::app::openapi) static EXPOSED: [Own; 6] = [
    asks("llm/{route}/v1/chat/completions", "Asks a language model, in OpenAI's words"),
    asks("llm/{route}/v1/embeddings", "Asks for embeddings, in OpenAI's words"),
    asks("llm/{route}/v1/images/generations", "Asks for images, in OpenAI's words"),
    asks("llm/{route}/v1/messages", "Asks a language model, in Anthropic's words"),
    asks("llm/{route}/v1/responses", "Asks a language model, in OpenAI's words for responses"),
    asks("llm/{route}/v1beta/models/{call}", "Asks a language model, in Gemini's words"),
];
