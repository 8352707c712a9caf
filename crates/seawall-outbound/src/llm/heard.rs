//! What an answer says beside its usage: its text, the model that gave it, and how it ended. It is listened to only where a route logs prompts or
//! the call is part of a sampled trace, and no more is kept than either takes.
//!
//! Answers and events tell by their members whose words they are in, so that it makes no difference whether they were translated or kept.

use serde_json::Value;

/// How many ends are kept, of as many answers to one call, and how long each may be, as a model's name may.
const MOST_ENDS: usize = 8;
const LONGEST_NAME: usize = 200;

/// What was heard of an answer.
#[derive(Debug)]
pub(crate) struct Heard {
    text: String,
    /// How much of the text is kept, in bytes.
    most_text: usize,
    /// Whether there was more.
    cut: bool,
    model: Option<String>,
    ends: Vec<String>,
}

impl Heard {
    /// Nothing yet; of the text so many bytes will be kept.
    pub(crate) const fn new(most_text: usize) -> Self {
        Self { text: String::new(), most_text, cut: false, model: None, ends: Vec::new() }
    }

    /// Nothing, to begin anew.
    pub(crate) fn forget(&mut self) {
        *self = Self::new(self.most_text);
    }

    /// Takes the data of an event, or an answer as a whole. What is no JSON says nothing.
    pub(crate) fn take(&mut self, data: &[u8]) {
        let Ok(told) = serde_json::from_slice::<Value>(data) else { return };
        if let Value::Array(parts) = &told {
            // Gemini's stream as a list.
            return parts.iter().for_each(|part| self.told(part));
        }
        self.told(&told);
    }

    fn told(&mut self, told: &Value) {
        let models = ["/model", "/response/model", "/message/model", "/modelVersion"];
        if let Some(model) = models.iter().find_map(|path| told.pointer(path)?.as_str()) {
            self.model = Some(shortened(model));
        }
        self.end_of(told);
        if self.most_text > 0 {
            self.text_of(told);
        }
    }

    /// Its text, and whether there was more.
    pub(crate) fn text(&self) -> (&str, bool) {
        (&self.text, self.cut)
    }

    /// The model that gave it, as it calls itself.
    pub(crate) fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// How it ended, in its provider's words: one for each answer that was asked for.
    pub(crate) fn ends(&self) -> &[String] {
        &self.ends
    }

    fn end_of(&mut self, told: &Value) {
        for (parts, end) in [("choices", "finish_reason"), ("candidates", "finishReason")] {
            members(&told[parts]).for_each(|part| self.ended(&part[end]));
        }
        self.ended(&told["stop_reason"]);
        self.ended(at(told, "/delta/stop_reason"));
        let response = if told["object"] == "response" { told } else { &told["response"] };
        match response["status"].as_str() {
            Some("incomplete") => self.ended(at(response, "/incomplete_details/reason")),
            Some("completed" | "failed") => self.ended(&response["status"]),
            _ => {}
        }
    }

    fn ended(&mut self, end: &Value) {
        if let Some(end) = end.as_str().filter(|_| self.ends.len() < MOST_ENDS) {
            self.ends.push(shortened(end));
        }
    }

    fn text_of(&mut self, told: &Value) {
        match told["type"].as_str() {
            Some(
                "response.output_text.delta" | "response.refusal.delta" | "response.function_call_arguments.delta",
            ) => self.said(&told["delta"]),
            Some("content_block_delta") => {
                self.said(at(told, "/delta/text"));
                self.said(at(told, "/delta/partial_json"));
            }
            Some("message") => members(&told["content"]).for_each(|block| {
                self.said(&block["text"]);
                self.given(&block["input"]);
            }),
            _ => {
                self.text_of_choices(told);
                self.text_of_output(told);
                self.text_of_candidates(told);
            }
        }
    }

    /// OpenAI's chat.
    fn text_of_choices(&mut self, told: &Value) {
        for message in members(&told["choices"]).flat_map(|choice| [&choice["delta"], &choice["message"]]) {
            self.said(&message["content"]);
            members(&message["content"]).for_each(|part| self.said(&part["text"]));
            self.said(&message["refusal"]);
            members(&message["tool_calls"]).for_each(|call| self.said(at(call, "/function/arguments")));
        }
    }

    /// OpenAI's responses, as a whole. The stream has told each part of it by the time it repeats all.
    fn text_of_output(&mut self, told: &Value) {
        for item in members(&told["output"]) {
            for part in members(&item["content"]) {
                self.said(&part["text"]);
                self.said(&part["refusal"]);
            }
            self.said(&item["arguments"]);
        }
    }

    /// Gemini's.
    fn text_of_candidates(&mut self, told: &Value) {
        let parts = members(&told["candidates"]).flat_map(|candidate| members(at(candidate, "/content/parts")));
        for part in parts.filter(|part| part["thought"] != true) {
            self.said(&part["text"]);
            self.given(at(part, "/functionCall/args"));
        }
    }

    fn said(&mut self, text: &Value) {
        let Some(text) = text.as_str() else { return };
        if self.cut {
            return;
        }
        let kept = text.floor_char_boundary(self.most_text.saturating_sub(self.text.len()));
        self.cut |= kept < text.len();
        self.text.push_str(text.get(..kept).unwrap_or_default());
    }

    /// What a tool is given, as an object.
    fn given(&mut self, arguments: &Value) {
        if arguments.is_object() {
            self.said(&Value::String(arguments.to_string()));
        }
    }
}

/// What stands at this place (RFC 6901); `null` where nothing does.
pub(super) fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    static NOTHING: Value = Value::Null;
    value.pointer(path).unwrap_or(&NOTHING)
}

fn members(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn shortened(name: &str) -> String {
    name.get(..name.floor_char_boundary(LONGEST_NAME)).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(told: &[&str]) -> (String, Option<String>, Vec<String>) {
        let mut heard = Heard::new(1_000);
        told.iter().for_each(|data| heard.take(data.as_bytes()));
        let Heard { text, model, ends, .. } = heard;
        (text, model, ends)
    }

    fn expected(text: &str, model: &str, end: &str) -> (String, Option<String>, Vec<String>) {
        (text.to_owned(), Some(model.to_owned()), vec![end.to_owned()])
    }

    #[test]
    fn each_dialect_is_heard_as_a_whole_and_as_a_stream() {
        let whole = [
            (
                r#"{"model":"m-1","choices":[{"message":{"content":"ab","tool_calls":[{"function":{"arguments":"{}"}}]},"finish_reason":"stop"}]}"#,
                expected("ab{}", "m-1", "stop"),
            ),
            (
                r#"{"object":"response","model":"m-1","status":"completed","output":[{"type":"reasoning"},{"content":[{"text":"ab"}]},{"arguments":"{}"}]}"#,
                expected("ab{}", "m-1", "completed"),
            ),
            (
                r#"{"type":"message","model":"m-1","content":[{"type":"text","text":"ab"},{"type":"tool_use","input":{"a":1}}],"stop_reason":"tool_use"}"#,
                expected("ab{\"a\":1}", "m-1", "tool_use"),
            ),
            (
                r#"{"modelVersion":"m-1","candidates":[{"content":{"parts":[{"text":"no","thought":true},{"text":"ab"}]},"finishReason":"STOP"}]}"#,
                expected("ab", "m-1", "STOP"),
            ),
        ];
        for (told, expected) in whole {
            assert_eq!(heard(&[told]), expected, "{told}");
        }
        let chat = [
            r#"{"model":"m-1","choices":[{"delta":{"role":"assistant","content":""}}]}"#,
            r#"{"model":"m-1","choices":[{"delta":{"content":"a"}}]}"#,
            r#"{"model":"m-1","choices":[{"delta":{"content":"b"},"finish_reason":"length"}]}"#,
            "[DONE]",
        ];
        assert_eq!(heard(&chat), expected("ab", "m-1", "length"));
        let responses = [
            r#"{"type":"response.created","response":{"model":"m-1","status":"in_progress"}}"#,
            r#"{"type":"response.output_text.delta","delta":"ab"}"#,
            r#"{"type":"response.output_text.done","text":"ab"}"#,
            r#"{"type":"response.incomplete","response":{"model":"m-1","status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"output":[{"content":[{"text":"ab"}]}]}}"#,
        ];
        assert_eq!(heard(&responses), expected("ab", "m-1", "max_output_tokens"));
        let messages = [
            r#"{"type":"message_start","message":{"model":"m-1","stop_reason":null}}"#,
            r#"{"type":"content_block_delta","delta":{"type":"text_delta","text":"ab"}}"#,
            r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"}}"#,
        ];
        assert_eq!(heard(&messages), expected("ab", "m-1", "end_turn"));
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let mut heard = Heard::new(5);
        for text in ["abcé", "d", "e"] {
            heard.take(serde_json::json!({"choices":[{"delta":{"content":text}}]}).to_string().as_bytes());
        }
        assert_eq!(heard.text(), ("abcé", true));
        let mut none = Heard::new(0);
        none.take(br#"{"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}"#);
        assert_eq!((none.text(), none.ends().len()), (("", false), 1));
        for _ in 0..100 {
            none.take(br#"{"choices":[{"finish_reason":"stop"}]}"#);
        }
        assert_eq!(none.ends().len(), MOST_ENDS);
    }
}
