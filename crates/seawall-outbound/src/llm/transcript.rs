//! What is logged of a call on a route that says `log_prompts`: its texts, redacted and cut, in one event of the log and nowhere else.

use std::sync::Arc;

use seawall_core::redact;
use serde_json::Value;

use super::{
    account::Begun,
    heard::Heard,
    record::Outcome,
    texts::{FILES, NOT_READ},
};

/// How much of a question is logged, and of an answer, in bytes. The log takes 4,096 of any value.
pub(super) const MOST: usize = 4_000;

/// Of a question that is longer, its beginning has this part, and its end the rest: there stands what was asked last.
const BEGINNING: usize = MOST / 4;

/// What stands around what was left out, at most.
const MARK: usize = 40;

/// Members whose text only the provider can read.
const SEALED: [&str; 2] = ["data", "encrypted_content"];

/// The members of a body that hold what a model is told, in any dialect, in the order in which they are logged.
const TOLD: [&str; 10] = [
    "system",
    "instructions",
    "systemInstruction",
    "system_instruction",
    "messages",
    "input",
    "prompt",
    "contents",
    "content",
    "requests",
];

/// The texts of a question, one in each line, as they may be logged.
pub(crate) fn question(body: &[u8]) -> Arc<str> {
    let mut texts = String::new();
    if let Ok(body) = serde_json::from_slice::<Value>(body) {
        TOLD.iter().filter_map(|member| body.get(*member)).for_each(|told| collect(told, &mut texts));
    }
    middle_cut(&redact::text(texts.trim_end())).into()
}

/// Writes the one event of a call.
pub(crate) fn log(begun: &Begun, question: &str, heard: &Heard, outcome: Outcome, status: u16) {
    let (answer, cut) = heard.text();
    let answer = end_cut(&redact::text(answer), cut);
    tracing::info!(
        request.id = begun.request_id,
        llm.route = &*begun.route,
        llm.caller = &*begun.caller,
        llm.model = begun.model,
        llm.question = question,
        llm.answer = answer,
        outcome = outcome.word(),
        http.status = status,
        "what was asked and answered, as the route logs it"
    );
}

/// The texts of a value that a model reads: no pictures, ids and names of the dialect.
fn collect(value: &Value, texts: &mut String) {
    match value {
        Value::String(text) => {
            texts.push_str(text);
            texts.push('\n');
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Value::Object(members) => {
            let read = |name: &str| ![&NOT_READ[..], &FILES, &SEALED].iter().any(|names| names.contains(&name));
            members.iter().filter(|(name, _)| read(name)).for_each(|(_, value)| collect(value, texts));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A text that is short enough, without its middle where it is not.
fn middle_cut(text: &str) -> String {
    if text.len() <= MOST {
        return text.to_owned();
    }
    let before = text.floor_char_boundary(BEGINNING);
    let after = text.ceil_char_boundary(text.len() - (MOST - BEGINNING - MARK));
    let [beginning, end] = [text.get(..before), text.get(after..)].map(Option::unwrap_or_default);
    format!("{beginning} [{} bytes cut] {end}", after - before)
}

/// A text that is short enough, without its end where it is not, or there was more of it.
fn end_cut(text: &str, more: bool) -> String {
    let kept = text.floor_char_boundary(MOST - MARK);
    if text.len() <= MOST && !more {
        return text.to_owned();
    }
    format!("{} [cut]", text.get(..kept).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_logged_and_nothing_around_them() {
        let chat = br#"{"model":"m","messages":[{"role":"system","content":"be kind"},{"role":"user","content":[{"type":"text","text":"what is this"},
            {"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}],"tools":[{"function":{"description":"a tool"}}]}"#;
        assert_eq!(&*question(chat), "be kind\nwhat is this");
        assert_eq!(&*question(br#"{"system":"a","messages":[{"role":"user","content":"b"}]}"#), "a\nb");
        let gemini =
            br#"{"contents":[{"role":"user","parts":[{"text":"b"}]}],"systemInstruction":{"parts":[{"text":"a"}]}}"#;
        assert_eq!(&*question(gemini), "a\nb");
        assert_eq!(&*question(b"no json"), "");
    }

    #[test]
    fn named_secrets_are_hidden_and_others_are_not() {
        let told = |text: &str| question(serde_json::json!({"input": text}).to_string().as_bytes()).to_string();
        assert_eq!(told("my password: hunter2, please"), "my password: [redacted], please");
        assert_eq!(told("see postgres://app:hunter2@db/x"), "see postgres://app:[redacted]@db/x");
        assert_eq!(told("api_key=abc&n=1"), "api_key=[redacted]&n=1");
        // The guide says so.
        assert_eq!(told("hunter2 is what I type"), "hunter2 is what I type");
    }

    #[test]
    fn what_is_long_is_cut_where_one_sees_it_and_after_it_was_redacted() {
        let text = format!("{}password=hunter2\n{}the end", "ä".repeat(520), "b".repeat(5_000));
        let told = question(serde_json::json!({"input": text}).to_string().as_bytes());
        assert!(told.len() <= MOST && told.starts_with("ää") && told.contains(" bytes cut] "), "{}", told.len());
        assert!(!told.contains("hunter2"), "{told}");
        let long = end_cut(&"é".repeat(3_000), false);
        assert!(long.len() <= MOST && long.ends_with(" [cut]"), "{}", long.len());
        assert_eq!((end_cut("ab", true), end_cut("ab", false)), ("ab [cut]".to_owned(), "ab".to_owned()));
    }
}
