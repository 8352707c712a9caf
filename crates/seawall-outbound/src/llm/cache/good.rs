//! Which answers are kept: those that are good to their end. A refusal, and whatever else a model may not say twice, is asked for anew.

use serde_json::Value;

use crate::llm::operation::{Dialect, Operation};

/// Whether an answer is one to be given again.
pub(super) fn good(dialect: Dialect, operation: Operation, answer: &Value) -> bool {
    // Some servers tell of a failure with status 200.
    if answer.get("error").is_some_and(|error| !error.is_null()) {
        return false;
    }
    match (dialect, operation) {
        (_, Operation::Chat) => {
            let words = ["stop", "length", "tool_calls", "function_call"];
            // A model that declines stops as any other.
            ended(&answer["choices"], "finish_reason", &words)
                && all(&answer["choices"], |choice| choice.pointer("/message/refusal").is_none_or(Value::is_null))
        }
        (_, Operation::Responses) => {
            let said =
                |item: &Value| item["content"].is_null() || all(&item["content"], |part| part["type"] != "refusal");
            let ended = answer["status"] == "completed"
                || answer.pointer("/incomplete_details/reason").is_some_and(|why| why == "max_output_tokens");
            ended && all(&answer["output"], said)
        }
        (_, Operation::Messages) => {
            one_of(&answer["stop_reason"], &["end_turn", "max_tokens", "stop_sequence", "tool_use"])
        }
        (_, Operation::Generate) => ended(&answer["candidates"], "finishReason", &["STOP", "MAX_TOKENS"]),
        (Dialect::Gemini, Operation::Embeddings) => answer["embedding"].is_object() || some(&answer["embeddings"]),
        (_, Operation::Embeddings) => some(&answer["data"]),
        // What an address leads to is gone before the answer is.
        (_, Operation::Images) => some(&answer["data"]) && all(&answer["data"], |image| image["b64_json"].is_string()),
        (_, Operation::CountTokens | Operation::Models) => false,
    }
}

/// Whether there are parts, and each says that it ended so.
fn ended(parts: &Value, name: &str, words: &[&str]) -> bool {
    some(parts) && all(parts, |part| one_of(&part[name], words))
}

fn one_of(value: &Value, words: &[&str]) -> bool {
    value.as_str().is_some_and(|word| words.contains(&word))
}

fn some(entries: &Value) -> bool {
    entries.as_array().is_some_and(|entries| !entries.is_empty())
}

fn all(entries: &Value, holds: impl Fn(&Value) -> bool) -> bool {
    entries.as_array().is_some_and(|entries| entries.iter().all(holds))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_ended_well_is_good_and_nothing_else() {
        use Dialect::{Anthropic, Gemini, OpenAi};
        let chat = |reason: Value| json!({"choices": [{"finish_reason": "stop"}, {"finish_reason": reason}]});
        let declined = json!({"status": "completed", "output": [{"content": [{"type": "refusal", "refusal": "no"}]}]});
        let cases = [
            (OpenAi, Operation::Chat, chat(json!("length")), true),
            (OpenAi, Operation::Chat, chat(json!("content_filter")), false),
            (OpenAi, Operation::Chat, chat(Value::Null), false),
            (OpenAi, Operation::Chat, json!({"choices": []}), false),
            (OpenAi, Operation::Chat, json!({"error": {"code": 502}, "choices": [{"finish_reason": "stop"}]}), false),
            (
                OpenAi,
                Operation::Responses,
                json!({"status": "completed", "error": null, "output": [{"type": "reasoning"}]}),
                true,
            ),
            (OpenAi, Operation::Responses, declined, false),
            (
                OpenAi,
                Operation::Chat,
                json!({"choices": [{"finish_reason": "stop", "message": {"refusal": "no"}}]}),
                false,
            ),
            (OpenAi, Operation::Responses, json!({"status": "queued"}), false),
            (Anthropic, Operation::Messages, json!({"stop_reason": "tool_use"}), true),
            (Anthropic, Operation::Messages, json!({"stop_reason": "refusal"}), false),
            (Gemini, Operation::Generate, json!({"candidates": [{"finishReason": "STOP"}]}), true),
            (Gemini, Operation::Generate, json!({"promptFeedback": {"blockReason": "SAFETY"}}), false),
            (Gemini, Operation::Embeddings, json!({"embedding": {"values": [1]}}), true),
            (OpenAi, Operation::Embeddings, json!({"data": [{"embedding": [1]}]}), true),
            (OpenAi, Operation::Images, json!({"data": [{"b64_json": "AAAA"}]}), true),
            (OpenAi, Operation::Images, json!({"data": [{"url": "https://a"}]}), false),
        ];
        for (dialect, operation, answer, expected) in cases {
            assert_eq!(good(dialect, operation, &answer), expected, "{answer}");
        }
    }
}
