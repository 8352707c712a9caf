//! What a response says again of its question.

use crate::llm::translate::{
    members::pairs,
    tree::{Raw, Tree, object},
};

/// Members that a response has as they were asked. Those that only say whose a call is are not among them: an answer that is kept may be given to
/// another.
const SAID_AGAIN: [&str; 9] = [
    "instructions",
    "max_output_tokens",
    "parallel_tool_calls",
    "reasoning",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_p",
];

/// The members of a question that its response has, too.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::llm::translate) struct Echo(Vec<(&'static str, Raw)>);

impl Echo {
    /// Of a question that was read.
    pub(in crate::llm::translate) fn of(body: &str) -> Self {
        let mut said = Vec::new();
        for (name, value) in pairs(body).unwrap_or_default() {
            let known = SAID_AGAIN.into_iter().find(|known| *known == name).filter(|_| value.get() != "null");
            said.extend(known.zip(Raw::parse(value.get())));
        }
        Self(said)
    }

    /// All members of a response that do not come of its answer; what was not asked is as OpenAI has it then, or unknown.
    pub(super) fn members(&self) -> Vec<(&'static str, Tree)> {
        let said = |name: &str| self.0.iter().find(|(known, _)| *known == name).map(|(_, raw)| raw.clone().into());
        let null = || Tree::Value(serde_json::Value::Null);
        let plain = || object([("format", object([("type", "text".into())]))]);
        vec![
            ("background", false.into()),
            ("instructions", said("instructions").unwrap_or_else(null)),
            ("max_output_tokens", said("max_output_tokens").unwrap_or_else(null)),
            ("metadata", object([])),
            ("parallel_tool_calls", said("parallel_tool_calls").unwrap_or_else(|| true.into())),
            ("previous_response_id", null()),
            ("reasoning", said("reasoning").unwrap_or_else(|| object([("effort", null()), ("summary", null())]))),
            // Nobody can go on from here by the response's id.
            ("store", false.into()),
            ("temperature", said("temperature").unwrap_or_else(null)),
            ("text", said("text").unwrap_or_else(plain)),
            ("tool_choice", said("tool_choice").unwrap_or_else(|| "auto".into())),
            ("tools", said("tools").unwrap_or_else(|| Vec::new().into())),
            ("top_p", said("top_p").unwrap_or_else(null)),
            ("truncation", "disabled".into()),
            ("user", null()),
        ]
    }
}
