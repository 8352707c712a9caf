//! What a call below `/llm` asks for: a dialect's operation, by method and path.

use http::{HeaderMap, Method};

/// Whose words a call is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Dialect {
    /// OpenAI's, and of all servers that speak like it.
    OpenAi,
    /// Anthropic's.
    Anthropic,
    /// Google's Gemini.
    Gemini,
}

impl Dialect {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::OpenAi, Self::Anthropic, Self::Gemini];

    /// As it is written in configuration, metrics and the ledger; the names of OpenTelemetry (`gen_ai.provider.name`).
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
        }
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// `POST /v1/chat/completions`
    Chat,
    /// `POST /v1/responses`
    Responses,
    /// `POST /v1/embeddings`, `:embedContent`, `:batchEmbedContents`
    Embeddings,
    /// `POST /v1/images/generations`
    Images,
    /// `POST /v1/messages`
    Messages,
    /// `:generateContent`, and `:streamGenerateContent`
    Generate,
    /// `/v1/messages/count_tokens`, `:countTokens`, `/v1/responses/input_tokens`; costs nothing
    CountTokens,
    /// `GET /v1/models` and their like; costs nothing
    Models,
}

impl Operation {
    /// As OpenTelemetry names it (`gen_ai.operation.name`).
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Chat | Self::Responses | Self::Messages => "chat",
            Self::Generate => "generate_content",
            Self::Embeddings => "embeddings",
            Self::Images => "image_generation",
            Self::CountTokens => "count_tokens",
            Self::Models => "list_models",
        }
    }

    /// Whether it is a part of a conversation: messages in, a message out.
    pub(crate) const fn talks(self) -> bool {
        matches!(self, Self::Chat | Self::Responses | Self::Messages | Self::Generate)
    }

    /// Whether it makes something that is paid for.
    pub(crate) const fn costs(self) -> bool {
        !matches!(self, Self::CountTokens | Self::Models)
    }
}

/// A call's path, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked<'a> {
    pub(crate) dialect: Dialect,
    pub(crate) operation: Operation,
    /// Whether the path itself says that the answer is a stream (Gemini).
    pub(crate) streams: bool,
    /// The model, where the path names it (Gemini).
    pub(crate) model: Option<&'a str>,
    /// The path as the provider knows it, from its version on: `/v1/…`.
    pub(crate) path: &'a str,
}

/// Reads the path of a call, without the `/llm` before it. Of its fields only those count by which clients say whose they are.
pub(crate) fn asked<'a>(method: &Method, path: &'a str, headers: &HeaderMap) -> Option<Asked<'a>> {
    use Dialect::{Anthropic, Gemini, OpenAi};
    let plain = |dialect, operation| Some(Asked { dialect, operation, streams: false, model: None, path });
    match (method, path) {
        (&Method::POST, "/v1/chat/completions") => plain(OpenAi, Operation::Chat),
        (&Method::POST, "/v1/responses") => plain(OpenAi, Operation::Responses),
        (&Method::POST, "/v1/responses/input_tokens") => plain(OpenAi, Operation::CountTokens),
        (&Method::POST, "/v1/embeddings") => plain(OpenAi, Operation::Embeddings),
        (&Method::POST, "/v1/images/generations") => plain(OpenAi, Operation::Images),
        (&Method::POST, "/v1/messages") => plain(Anthropic, Operation::Messages),
        (&Method::POST, "/v1/messages/count_tokens") => plain(Anthropic, Operation::CountTokens),
        (&Method::GET, "/v1/models") => plain(whose(headers), Operation::Models),
        (&Method::GET, "/v1beta/models") => plain(Gemini, Operation::Models),
        (&Method::POST, _) => of_gemini(path),
        _ => None,
    }
}

/// Whose client it is that asks at a path which all three have. OpenAI's says nothing of itself.
fn whose(headers: &HeaderMap) -> Dialect {
    if headers.contains_key("anthropic-version") {
        Dialect::Anthropic
    } else if headers.contains_key("x-goog-api-client") {
        Dialect::Gemini
    } else {
        Dialect::OpenAi
    }
}

/// `/VERSION/models/MODEL:OPERATION`
fn of_gemini(path: &str) -> Option<Asked<'_>> {
    let below = path.strip_prefix("/v1beta/models/").or_else(|| path.strip_prefix("/v1/models/"))?;
    let (model, word) = below.split_once(':')?;
    // `PROVIDER/MODEL` has a slash; what a path would be led away by has none.
    let sound = model.split('/').all(|part| !part.is_empty() && !part.starts_with('.'));
    let (operation, streams) = match word {
        "generateContent" => (Operation::Generate, false),
        "streamGenerateContent" => (Operation::Generate, true),
        "countTokens" => (Operation::CountTokens, false),
        "embedContent" | "batchEmbedContents" => (Operation::Embeddings, false),
        _ => return None,
    };
    sound.then_some(Asked { dialect: Dialect::Gemini, operation, streams, model: Some(model), path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_all_dialects_are_known() {
        let none = HeaderMap::new();
        let post = |path| {
            let asked = asked(&Method::POST, path, &none)?;
            Some((asked.dialect, asked.operation, asked.streams, asked.model))
        };
        use Dialect::{Anthropic, Gemini, OpenAi};
        assert_eq!(post("/v1/chat/completions"), Some((OpenAi, Operation::Chat, false, None)));
        assert_eq!(post("/v1/messages"), Some((Anthropic, Operation::Messages, false, None)));
        assert_eq!(post("/v1/responses/input_tokens"), Some((OpenAi, Operation::CountTokens, false, None)));
        let streams = post("/v1beta/models/gemini-3:streamGenerateContent");
        assert_eq!(streams, Some((Gemini, Operation::Generate, true, Some("gemini-3"))));
        assert_eq!(post("/v1/models/g:generateContent"), Some((Gemini, Operation::Generate, false, Some("g"))));
        let prefixed = post("/v1/models/a/b:generateContent");
        assert_eq!(prefixed, Some((Gemini, Operation::Generate, false, Some("a/b"))));
        for unknown in [
            "/v1/files",
            "/v1/models/:generateContent",
            "/v1/models/a/../b:generateContent",
            "/v1/models/a//b:generateContent",
            "/v1/models/a:tune",
            "",
        ] {
            assert_eq!(post(unknown), None, "{unknown}");
        }
        assert!(asked(&Method::GET, "/v1/chat/completions", &none).is_none());
    }

    #[test]
    fn the_list_of_models_is_of_whoever_the_clients_fields_name() {
        for (field, dialect) in [
            ("accept", Dialect::OpenAi),
            ("anthropic-version", Dialect::Anthropic),
            ("x-goog-api-client", Dialect::Gemini),
        ] {
            let headers = HeaderMap::from_iter([(field.parse().unwrap(), "any".parse().unwrap())]);
            assert_eq!(asked(&Method::GET, "/v1/models", &headers).unwrap().dialect, dialect);
        }
    }
}
