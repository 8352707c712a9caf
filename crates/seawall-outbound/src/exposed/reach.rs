//! What a question from outside may not ask of the provider: what costs otherwise than by tokens and images, of which budgets know; what
//! leads to things that the provider keeps for the whole account; and to say in two places how long its answer may be, of which budgets would
//! go by one and the provider by the other.

use std::collections::BTreeMap;

use seawall_core::problem::Problem;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

use crate::{llm::Operation, problem::BAD_CALL};

/// The kinds of tools that whoever asks carries out itself.
const OWN_TOOLS: [&str; 2] = ["function", "custom"];

/// The members of a question that reach so far. One that stands there twice means two things, and is refused.
#[derive(Deserialize)]
struct Question<'a> {
    tools: Option<Vec<Tool>>,
    /// What is to be drawn; of OpenAI's responses, a prompt that is kept there.
    #[serde(borrow)]
    prompt: Option<&'a RawValue>,
    #[serde(alias = "serviceTier")]
    service_tier: Option<IgnoredAny>,
    speed: Option<IgnoredAny>,
    inference_geo: Option<IgnoredAny>,
    audio: Option<IgnoredAny>,
    web_search_options: Option<IgnoredAny>,
    mcp_servers: Option<IgnoredAny>,
    container: Option<IgnoredAny>,
    background: Option<IgnoredAny>,
    previous_response_id: Option<IgnoredAny>,
    conversation: Option<IgnoredAny>,
    #[serde(alias = "cachedContent")]
    cached_content: Option<IgnoredAny>,
    prediction: Option<IgnoredAny>,
    n: Option<IgnoredAny>,
    max_tokens: Option<IgnoredAny>,
    max_completion_tokens: Option<IgnoredAny>,
    max_output_tokens: Option<IgnoredAny>,
    #[serde(rename = "generationConfig", alias = "generation_config")]
    generation_config: Option<GenerationConfig>,
}

/// What Gemini's words say of lengths and numbers. Both spellings of a member are one, so that it stands there once.
#[derive(Deserialize)]
struct GenerationConfig {
    #[serde(rename = "maxOutputTokens", alias = "max_output_tokens")]
    _most_output: Option<u64>,
    #[serde(rename = "candidateCount", alias = "candidate_count")]
    _count: Option<u64>,
}

/// A tool, as any dialect describes one.
#[derive(Deserialize)]
struct Tool {
    #[serde(rename = "type")]
    kind: Option<String>,
    name: Option<IgnoredAny>,
    #[serde(rename = "functionDeclarations", alias = "function_declarations")]
    declarations: Option<IgnoredAny>,
    #[serde(flatten)]
    rest: BTreeMap<String, IgnoredAny>,
}

impl Question<'_> {
    /// The first member that reaches too far.
    fn too_far(&self) -> Option<&'static str> {
        let members = [
            ("service_tier", self.service_tier.is_some()),
            ("speed", self.speed.is_some()),
            ("inference_geo", self.inference_geo.is_some()),
            ("audio", self.audio.is_some()),
            ("web_search_options", self.web_search_options.is_some()),
            ("mcp_servers", self.mcp_servers.is_some()),
            ("container", self.container.is_some()),
            ("background", self.background.is_some()),
            ("previous_response_id", self.previous_response_id.is_some()),
            ("conversation", self.conversation.is_some()),
            ("cached_content", self.cached_content.is_some()),
            ("prediction", self.prediction.is_some()),
            ("prompt", self.prompt.is_some_and(|prompt| !prompt.get().starts_with('"'))),
            ("tools", self.tools.iter().flatten().any(|tool| !tool.own())),
        ];
        members.into_iter().find_map(|(name, there)| there.then_some(name))
    }

    /// A member that says how long the answer may be, or how many there are, in other words than the operation's, or a second time.
    fn misplaced(&self, operation: Operation) -> Option<&'static str> {
        let own: &[&str] = match operation {
            Operation::Chat => &["max_tokens", "max_completion_tokens", "n"],
            Operation::Messages => &["max_tokens"],
            Operation::Responses => &["max_output_tokens"],
            Operation::Generate => &["generationConfig"],
            Operation::Embeddings | Operation::Images | Operation::CountTokens | Operation::Models => return None,
        };
        let lengths = [
            ("max_tokens", self.max_tokens.is_some()),
            ("max_completion_tokens", self.max_completion_tokens.is_some()),
            ("max_output_tokens", self.max_output_tokens.is_some()),
            ("generationConfig", self.generation_config.is_some()),
        ];
        let mut said = lengths.into_iter().filter_map(|(name, there)| there.then_some(name));
        let (first, second) = (said.next(), said.next());
        let number = self.n.as_ref().map(|_| "n");
        second.or_else(|| first.into_iter().chain(number).find(|name| !own.contains(name)))
    }
}

impl Tool {
    /// Whether whoever asks carries it out: OpenAI's and Anthropic's say so by their kind, or have none and a name; Gemini's are lists of
    /// functions, beside which nothing may stand.
    fn own(&self) -> bool {
        match &self.kind {
            Some(kind) => OWN_TOOLS.contains(&kind.as_str()),
            None => self.name.is_some() || self.declarations.is_some() && self.rest.is_empty(),
        }
    }
}

/// Looks at a question.
///
/// # Errors
/// `outbound-bad-call` in words for whoever asks.
pub(super) fn check(operation: Operation, body: &[u8]) -> Result<(), Box<Problem>> {
    let refused = |why: String| -> Result<(), Box<Problem>> { Err(Problem::new(&BAD_CALL).detail(why).into()) };
    let question = match serde_json::from_slice::<Question<'_>>(body) {
        Ok(question) => question,
        Err(error) => {
            return refused(format!("It cannot be read, at line {} column {}.", error.line(), error.column()));
        }
    };
    if let Some(member) = question.too_far() {
        return refused(format!("Its `{member}` asks for more of the provider than this route is for."));
    }
    match question.misplaced(operation) {
        Some(member) => refused(format!("Its `{member}` has no place beside what it says else, or in these words.")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &str) -> Option<String> {
        refused_as(Operation::Chat, body)
    }

    fn refused_as(operation: Operation, body: &str) -> Option<String> {
        check(operation, body.as_bytes()).err().map(|problem| problem.detail.unwrap_or_default().into_owned())
    }

    #[test]
    fn tools_that_whoever_asks_carries_out_are_taken() {
        for body in [
            r#"{"messages":[{"role":"user","content":"hi"}],"stream":true}"#,
            r#"{"tools":[{"type":"function","function":{"name":"a"}},{"type":"custom","name":"b"}]}"#,
            r#"{"tools":[{"name":"a","input_schema":{"type":"object"}}]}"#,
            r#"{"tools":[{"functionDeclarations":[{"name":"a"}]},{"function_declarations":[]}]}"#,
            r#"{"prompt":"a lighthouse","n":1}"#,
            r#"{"tools":[],"service_tier":null}"#,
        ] {
            assert_eq!(refused(body), None, "{body}");
        }
    }

    #[test]
    fn what_costs_otherwise_or_leads_to_the_account_is_refused() {
        for (body, named) in [
            (r#"{"tools":[{"type":"web_search"}]}"#, "tools"),
            (r#"{"tools":[{"type":"function"},{"type":"web_search_20250305","name":"web_search"}]}"#, "tools"),
            (r#"{"tools":[{"googleSearch":{}}]}"#, "tools"),
            (r#"{"tools":[{"functionDeclarations":[],"codeExecution":{}}]}"#, "tools"),
            (r#"{"tools":[{}]}"#, "tools"),
            (r#"{"prompt":{"id":"pmpt_1"}}"#, "prompt"),
            (r#"{"service_tier":"priority"}"#, "service_tier"),
            (r#"{"serviceTier":"priority"}"#, "service_tier"),
            (r#"{"previous_response_id":"resp_1"}"#, "previous_response_id"),
            (r#"{"cachedContent":"cachedContents/1"}"#, "cached_content"),
            (r#"{"mcp_servers":[]}"#, "mcp_servers"),
            (r#"{"background":true}"#, "background"),
            (r#"{"prediction":{"type":"content","content":"a"}}"#, "prediction"),
        ] {
            assert!(refused(body).is_some_and(|why| why.contains(named)), "{body}: {:?}", refused(body));
        }
    }

    #[test]
    fn how_long_an_answer_may_be_is_said_once_and_in_the_words_of_the_call() {
        use Operation::{Chat, Generate, Messages, Responses};
        for (operation, body) in [
            (Chat, r#"{"max_tokens":5,"n":2}"#),
            (Chat, r#"{"max_completion_tokens":5,"max_tokens":null}"#),
            (Messages, r#"{"max_tokens":5}"#),
            (Responses, r#"{"max_output_tokens":5}"#),
            (Generate, r#"{"generationConfig":{"maxOutputTokens":5,"candidateCount":2,"temperature":0}}"#),
            (Operation::Images, r#"{"prompt":"a","n":2}"#),
        ] {
            assert_eq!(refused_as(operation, body), None, "{body}");
        }
        for (operation, body) in [
            (Chat, r#"{"max_completion_tokens":5,"max_tokens":1000}"#),
            (Chat, r#"{"max_output_tokens":5}"#),
            (Chat, r#"{"generationConfig":{"maxOutputTokens":5}}"#),
            (Messages, r#"{"max_tokens":1000,"max_completion_tokens":5}"#),
            (Responses, r#"{"max_tokens":5}"#),
            (Generate, r#"{"max_tokens":5,"generationConfig":{"maxOutputTokens":1000}}"#),
            (Generate, r#"{"n":1,"generationConfig":{"candidateCount":8}}"#),
            (Generate, r#"{"generationConfig":{"candidateCount":1,"candidate_count":8}}"#),
            (Generate, r#"{"generationConfig":{"candidateCount":8,"candidateCount":8}}"#),
            (Generate, r#"{"generationConfig":{},"generation_config":{"candidateCount":8}}"#),
        ] {
            assert!(refused_as(operation, body).is_some(), "{body}");
        }
    }

    #[test]
    fn what_means_two_things_or_nothing_is_refused() {
        for body in [
            r#"{"tools":[],"tools":[{"type":"web_search"}]}"#,
            r#"{"tools":[{"type":"web_search","type":"function"}]}"#,
            r#"{"tools":{"type":"web_search"}}"#,
            "",
            "[]",
            "no json",
        ] {
            assert!(refused(body).is_some_and(|why| why.starts_with("It cannot be read")), "{body}");
        }
    }
}
