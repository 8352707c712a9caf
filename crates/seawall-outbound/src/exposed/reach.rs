//! What a question from outside may not ask of the provider: what costs otherwise than by tokens and images, of which budgets know, and what
//! leads to things that the provider keeps for the whole account.

use std::collections::BTreeMap;

use seawall_core::problem::Problem;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

use crate::problem::BAD_CALL;

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
            ("prompt", self.prompt.is_some_and(|prompt| !prompt.get().starts_with('"'))),
            ("tools", self.tools.iter().flatten().any(|tool| !tool.own())),
        ];
        members.into_iter().find_map(|(name, there)| there.then_some(name))
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
pub(super) fn check(body: &[u8]) -> Result<(), Box<Problem>> {
    let refused = |why: String| -> Result<(), Box<Problem>> { Err(Problem::new(&BAD_CALL).detail(why).into()) };
    match serde_json::from_slice::<Question<'_>>(body) {
        Ok(question) => question.too_far().map_or(Ok(()), |member| {
            refused(format!("Its `{member}` asks for more of the provider than this route is for."))
        }),
        Err(error) => refused(format!("It cannot be read, at line {} column {}.", error.line(), error.column())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &str) -> Option<String> {
        check(body.as_bytes()).err().map(|problem| problem.detail.unwrap_or_default().into_owned())
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
        ] {
            assert!(refused(body).is_some_and(|why| why.contains(named)), "{body}: {:?}", refused(body));
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
