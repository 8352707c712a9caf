//! What a call used, in one form for all dialects.

use serde::Deserialize;

use super::operation::Dialect;

/// Tokens and images of one call. `input` holds what came from a cache and what was written to one; `output` holds what was spent on
/// reasoning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Tokens of the question.
    pub(crate) input: u64,
    /// Of those, read from the provider's cache.
    pub(crate) cached_read: u64,
    /// Of those, written to the provider's cache.
    pub(crate) cached_write: u64,
    /// Tokens of the answer.
    pub(crate) output: u64,
    /// Of those, spent on reasoning.
    pub(crate) reasoning: u64,
    /// Images that were made.
    pub(crate) images: u64,
}

impl Usage {
    /// Both together, of two attempts.
    #[must_use]
    pub(crate) const fn plus(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            cached_read: self.cached_read.saturating_add(other.cached_read),
            cached_write: self.cached_write.saturating_add(other.cached_write),
            output: self.output.saturating_add(other.output),
            reasoning: self.reasoning.saturating_add(other.reasoning),
            images: self.images.saturating_add(other.images),
        }
    }

    /// The question of so many attempts, and the images that they may have brought.
    #[must_use]
    pub(crate) const fn of_questions(self, count: u64) -> Self {
        Self { input: self.input.saturating_mul(count), images: self.images.saturating_mul(count), ..self }
    }

    /// What is known of both, where a stream tells in two places. Figures of streams are cumulative, so the larger one is the later one.
    #[must_use]
    pub(crate) fn merged(self, later: Self) -> Self {
        Self {
            input: self.input.max(later.input),
            cached_read: self.cached_read.max(later.cached_read),
            cached_write: self.cached_write.max(later.cached_write),
            output: self.output.max(later.output),
            reasoning: self.reasoning.max(later.reasoning),
            images: self.images.max(later.images),
        }
    }
}

/// OpenAI's: of chat and embeddings by one set of names, of responses and images by another.
#[derive(Debug, Default, Deserialize)]
pub(super) struct OpenAiUsage {
    #[serde(default, alias = "input_tokens")]
    prompt_tokens: u64,
    #[serde(default, alias = "output_tokens")]
    completion_tokens: u64,
    #[serde(default, alias = "input_tokens_details")]
    prompt_tokens_details: Option<InputDetails>,
    #[serde(default, alias = "output_tokens_details")]
    completion_tokens_details: Option<OutputDetails>,
}

#[derive(Debug, Default, Deserialize)]
struct InputDetails {
    #[serde(default)]
    cached_tokens: Option<u64>,
    #[serde(default)]
    cache_write_tokens: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
struct OutputDetails {
    #[serde(default)]
    reasoning_tokens: Option<u64>,
}

impl From<OpenAiUsage> for Usage {
    fn from(told: OpenAiUsage) -> Self {
        let input = told.prompt_tokens_details.unwrap_or_default();
        let output = told.completion_tokens_details.unwrap_or_default();
        Self {
            input: told.prompt_tokens,
            cached_read: input.cached_tokens.unwrap_or_default(),
            cached_write: input.cache_write_tokens.unwrap_or_default(),
            output: told.completion_tokens,
            reasoning: output.reasoning_tokens.unwrap_or_default(),
            images: 0,
        }
    }
}

/// Anthropic's: what came from a cache, and what was written to one, stands beside the input and not in it.
#[derive(Debug, Default, Deserialize)]
pub(super) struct AnthropicUsage {
    #[serde(default)]
    input_tokens: Option<u64>,
    #[serde(default)]
    output_tokens: Option<u64>,
    #[serde(default)]
    cache_read_input_tokens: Option<u64>,
    #[serde(default)]
    cache_creation_input_tokens: Option<u64>,
}

impl From<AnthropicUsage> for Usage {
    fn from(told: AnthropicUsage) -> Self {
        let cached_read = told.cache_read_input_tokens.unwrap_or_default();
        let cached_write = told.cache_creation_input_tokens.unwrap_or_default();
        let beside = told.input_tokens.unwrap_or_default();
        Self {
            input: beside.saturating_add(cached_read).saturating_add(cached_write),
            cached_read,
            cached_write,
            output: told.output_tokens.unwrap_or_default(),
            ..Self::default()
        }
    }
}

/// Gemini's: what was thought stands beside the answer and not in it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct GeminiUsage {
    prompt_token_count: u64,
    candidates_token_count: u64,
    thoughts_token_count: u64,
    cached_content_token_count: u64,
    tool_use_prompt_token_count: u64,
}

impl From<GeminiUsage> for Usage {
    fn from(told: GeminiUsage) -> Self {
        Self {
            input: told.prompt_token_count.saturating_add(told.tool_use_prompt_token_count),
            cached_read: told.cached_content_token_count,
            output: told.candidates_token_count.saturating_add(told.thoughts_token_count),
            reasoning: told.thoughts_token_count,
            ..Self::default()
        }
    }
}

/// What an answer that is here as a whole says it used; nothing when it does not say.
pub(super) fn of_answer(dialect: Dialect, body: &[u8]) -> Option<Usage> {
    #[derive(Deserialize)]
    struct OpenAi {
        usage: Option<OpenAiUsage>,
        /// Images.
        data: Option<Images>,
    }
    #[derive(Deserialize)]
    struct Anthropic {
        usage: Option<AnthropicUsage>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Gemini {
        usage_metadata: Option<GeminiUsage>,
    }
    match dialect {
        Dialect::OpenAi => {
            let told: OpenAi = serde_json::from_slice(body).ok()?;
            let images = told.data.map_or(0, |data| data.0);
            let usage = told.usage.map(Usage::from);
            (usage.is_some() || images > 0).then(|| Usage { images, ..usage.unwrap_or_default() })
        }
        Dialect::Anthropic => Some(serde_json::from_slice::<Anthropic>(body).ok()?.usage?.into()),
        // A stream that is no stream of events is a list of answers, of which each tells what was used until then.
        Dialect::Gemini if body.trim_ascii_start().starts_with(b"[") => {
            let parts: Vec<Gemini> = serde_json::from_slice(body).ok()?;
            let told = parts.into_iter().filter_map(|part| part.usage_metadata).map(Usage::from);
            told.reduce(Usage::merged)
        }
        Dialect::Gemini => Some(serde_json::from_slice::<Gemini>(body).ok()?.usage_metadata?.into()),
    }
}

/// What the end of a long answer says it used; nothing when it does not say. Its images are as many as were asked for.
pub(super) fn of_end(dialect: Dialect, end: &[u8], images: u64) -> Option<Usage> {
    fn last<'a, T: Deserialize<'a> + Into<Usage>>(end: &'a [u8], name: &[u8]) -> Option<Usage> {
        let at = end.windows(name.len()).rposition(|window| window == name)?;
        let rest = end.get(at + name.len()..)?.trim_ascii_start().strip_prefix(b":")?;
        serde_json::Deserializer::from_slice(rest).into_iter::<T>().next()?.ok().map(Into::into)
    }
    let used = match dialect {
        Dialect::OpenAi => last::<OpenAiUsage>(end, b"\"usage\""),
        Dialect::Anthropic => last::<AnthropicUsage>(end, b"\"usage\""),
        Dialect::Gemini => last::<GeminiUsage>(end, b"\"usageMetadata\""),
    };
    (used.is_some() || images > 0).then(|| Usage { images, ..used.unwrap_or_default() })
}

/// How many of the entries are images; those of embeddings are not.
struct Images(u64);

impl<'de> Deserialize<'de> for Images {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Entry {
            b64_json: Option<serde::de::IgnoredAny>,
            url: Option<serde::de::IgnoredAny>,
        }
        let entries = Vec::<Entry>::deserialize(deserializer)?;
        let images = entries.iter().filter(|entry| entry.b64_json.is_some() || entry.url.is_some()).count();
        Ok(Self(images as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(dialect: Dialect, body: &str) -> Option<Usage> {
        of_answer(dialect, body.as_bytes())
    }

    #[test]
    fn each_dialect_counts_in_its_own_way() {
        let openai = r#"{"usage":{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120,
            "prompt_tokens_details":{"cached_tokens":60,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":5}}}"#;
        let expected = Usage { input: 100, cached_read: 60, output: 20, reasoning: 5, ..Usage::default() };
        assert_eq!(told(Dialect::OpenAi, openai), Some(expected));
        let responses = r#"{"usage":{"input_tokens":100,"input_tokens_details":{"cached_tokens":60},"output_tokens":20,
            "output_tokens_details":{"reasoning_tokens":5},"total_tokens":120}}"#;
        assert_eq!(told(Dialect::OpenAi, responses), Some(expected));
        let anthropic = r#"{"usage":{"input_tokens":30,"cache_read_input_tokens":60,"cache_creation_input_tokens":10,"output_tokens":20}}"#;
        let expected = Usage { input: 100, cached_read: 60, cached_write: 10, output: 20, ..Usage::default() };
        assert_eq!(told(Dialect::Anthropic, anthropic), Some(expected));
        let gemini = r#"{"usageMetadata":{"promptTokenCount":100,"cachedContentTokenCount":60,"candidatesTokenCount":15,"thoughtsTokenCount":5,"totalTokenCount":120}}"#;
        let expected = Usage { input: 100, cached_read: 60, output: 20, reasoning: 5, ..Usage::default() };
        assert_eq!(told(Dialect::Gemini, gemini), Some(expected));
        let listed = format!(r#"[{{"usageMetadata":{{"promptTokenCount":100}}}},{gemini}]"#);
        assert_eq!(told(Dialect::Gemini, &listed), Some(expected));
    }

    #[test]
    fn images_are_counted_and_embeddings_are_none() {
        let images = r#"{"created":1,"data":[{"b64_json":"aaaa"},{"url":"https://a"}]}"#;
        assert_eq!(told(Dialect::OpenAi, images), Some(Usage { images: 2, ..Usage::default() }));
        let embeddings = r#"{"data":[{"embedding":[0.1],"index":0}],"usage":{"prompt_tokens":7,"total_tokens":7}}"#;
        assert_eq!(told(Dialect::OpenAi, embeddings), Some(Usage { input: 7, ..Usage::default() }));
    }

    #[test]
    fn the_end_of_a_long_answer_says_it_too() {
        let end = br#"...AAAA"}],"usage" : {"input_tokens":7,"output_tokens":9,"total_tokens":16},"quality":"high"}"#;
        let expected = Usage { input: 7, output: 9, images: 2, ..Usage::default() };
        assert_eq!(of_end(Dialect::OpenAi, end, 2), Some(expected));
        assert_eq!(of_end(Dialect::OpenAi, b"AAAA\"}]}", 2), Some(Usage { images: 2, ..Usage::default() }));
        assert_eq!(of_end(Dialect::Gemini, end, 0), None);
    }

    #[test]
    fn what_does_not_say_is_not_known() {
        for body in ["{}", r#"{"usage":null}"#, "no json", "", r#"{"usage":{"prompt_tokens":-1}}"#] {
            assert_eq!(told(Dialect::OpenAi, body), None, "{body}");
        }
    }
}
