//! How long a question and its answer may be on a route.

use bytes::{Bytes, BytesMut};
use seawall_core::problem::Problem;
use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};

use crate::{
    llm::{estimate::Length, operation::Operation, sketch::written},
    problem::{BAD_CALL, QUESTION_TOO_LONG},
};

/// The limits of a route; nothing where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Characters (Unicode scalar values) of all messages.
    pub(crate) characters: Option<u64>,
    /// Tokens of the question, estimated.
    pub(crate) tokens: Option<u64>,
    /// Tokens of each answer.
    pub(crate) output: Option<u64>,
}

/// The members that hold what a model is told, in any dialect. A body that has one of them twice means two things, and is refused.
#[derive(Deserialize)]
struct Told<'a> {
    #[serde(borrow)]
    messages: Option<&'a RawValue>,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
    #[serde(borrow)]
    instructions: Option<&'a RawValue>,
    #[serde(borrow)]
    system: Option<&'a RawValue>,
    #[serde(borrow)]
    prompt: Option<&'a RawValue>,
    #[serde(borrow)]
    contents: Option<&'a RawValue>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    requests: Option<&'a RawValue>,
    #[serde(borrow, rename = "systemInstruction", alias = "system_instruction")]
    system_instruction: Option<&'a RawValue>,
}

/// The members that say how long an answer may be. What says `null` says so, too.
#[derive(Deserialize)]
struct Lengths<'a> {
    #[serde(borrow, default, deserialize_with = "written")]
    max_tokens: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "written")]
    max_completion_tokens: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "written")]
    max_output_tokens: Option<&'a RawValue>,
    #[serde(borrow, rename = "generationConfig", alias = "generation_config")]
    generation_config: Option<&'a RawValue>,
}

impl Limits {
    /// Refuses a question that is too long for a route.
    ///
    /// # Errors
    /// `llm-question-too-long`; `outbound-bad-call` where nobody can say how long it is.
    pub(crate) fn check(&self, route: &str, body: &[u8]) -> Result<(), Box<Problem>> {
        let too_long = |what: String| Err(Problem::new(&QUESTION_TOO_LONG).detail(what).into());
        if body.is_empty() {
            return Ok(());
        }
        if let Some(most) = self.characters {
            let has = told(body).map_err(|why| Problem::new(&BAD_CALL).detail(why))?.characters;
            if has > most {
                return too_long(format!(
                    "Its messages have {has} characters, and the route \"{route}\" takes {most}."
                ));
            }
        }
        if let Some(most) = self.tokens {
            let has = Length::of_json(body).tokens();
            if has > most {
                return too_long(format!("It has about {has} tokens, and the route \"{route}\" takes {most}."));
            }
        }
        Ok(())
    }

    /// The body, with no answer asked for that is longer than the route gives. Where it names none, whoever sends it adds one.
    pub(crate) fn shortened(&self, operation: Operation, body: Bytes) -> Bytes {
        match self.output {
            Some(most) if operation.talks() => shortened(&body, most).unwrap_or(body),
            _ => body,
        }
    }
}

/// The texts of the messages.
fn told(body: &[u8]) -> Result<Length, String> {
    let told: Told<'_> = serde_json::from_slice(body).map_err(|error| {
        format!("the messages cannot be told from the rest, at line {} column {}", error.line(), error.column())
    })?;
    let Told { messages, input, instructions, system, prompt, contents, content, requests, system_instruction } = told;
    let all = [messages, input, instructions, system, prompt, contents, content, requests, system_instruction];
    Ok(all.into_iter().flatten().fold(Length::default(), |mut length, text| {
        length.join(Length::of_json(text.get().as_bytes()));
        length
    }))
}

/// The body with what is too long shortened; nothing when nothing is, or it cannot be read, of which whoever reads it next tells.
fn shortened(body: &Bytes, most: u64) -> Option<Bytes> {
    let text = std::str::from_utf8(body).ok()?;
    let lengths: Lengths<'_> = serde_json::from_str(text).ok()?;
    let fits = |raw: &RawValue| raw.get().parse::<u64>().is_ok_and(|tokens| tokens <= most);
    let plain = [lengths.max_tokens, lengths.max_completion_tokens, lengths.max_output_tokens];
    let plain = plain.into_iter().flatten().filter(|raw| !fits(raw)).map(|raw| (raw, most.to_string()));
    let of_gemini = lengths.generation_config.and_then(|raw| Some((raw, config(raw, most)?)));
    let mut edits: Vec<_> = plain
        .chain(of_gemini)
        .filter_map(|(raw, written)| {
            // Both are parts of one text.
            let start = (raw.get().as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
            Some((start..start + raw.get().len(), written))
        })
        .collect();
    if edits.is_empty() {
        return None;
    }
    edits.sort_by_key(|(place, _)| place.start);
    let mut written = BytesMut::with_capacity(body.len() + 16);
    let mut done = 0;
    for (place, text) in edits {
        written.extend_from_slice(body.get(done..place.start)?);
        written.extend_from_slice(text.as_bytes());
        done = place.end;
    }
    written.extend_from_slice(body.get(done..)?);
    Some(written.freeze())
}

/// Gemini's settings of an answer, shortened; nothing where they need not be.
fn config(raw: &RawValue, most: u64) -> Option<String> {
    let mut members: Map<String, Value> = serde_json::from_str(raw.get()).ok()?;
    let mut changed = false;
    for name in ["maxOutputTokens", "max_output_tokens"] {
        let Some(value) = members.get_mut(name) else { continue };
        if value.as_u64().is_none_or(|tokens| tokens > most) {
            *value = most.into();
            changed = true;
        }
    }
    changed.then(|| Value::from(members).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slug(limits: Limits, body: &str) -> Option<&'static str> {
        limits.check("refine", body.as_bytes()).err().map(|problem| problem.kind.slug)
    }

    #[test]
    fn st_5_characters_of_messages_count_and_nothing_around_them() {
        let limits = Limits { characters: Some(5), ..Limits::default() };
        let chat = |text: &str| {
            format!(
                r#"{{"model":"a-very-long-name","messages":[{{"role":"user","content":"{text}"}}],"user":"somebody"}}"#
            )
        };
        for fits in ["héllo", "日本語の字", "\\u00e9\\n\\\"ab", "🙂🙂🙂🙂🙂"] {
            assert_eq!(slug(limits, &chat(fits)), None, "{fits}");
        }
        assert_eq!(slug(limits, &chat("hellos")), Some("llm-question-too-long"));
        for long in [
            r#"{"system":"abc","messages":[{"role":"user","content":[{"type":"text","text":"def"}]}]}"#,
            r#"{"instructions":"abc","input":"def"}"#,
            r#"{"contents":[{"parts":[{"text":"abc"}]}],"systemInstruction":{"parts":[{"text":"def"}]}}"#,
            r#"{"contents":[{"parts":[{"text":"abc"}]}],"system_instruction":{"parts":[{"text":"def"}]}}"#,
            r#"{"prompt":"abcdef"}"#,
            r#"{"input":["abc","def"]}"#,
        ] {
            assert_eq!(slug(limits, long), Some("llm-question-too-long"), "{long}");
        }
    }

    #[test]
    fn messages_that_stand_there_twice_pass_no_limit() {
        let limits = Limits { characters: Some(5), ..Limits::default() };
        let twice = r#"{"messages":[{"content":"short"}],"messages":[{"content":"much too long"}]}"#;
        assert_eq!(slug(limits, twice), Some("outbound-bad-call"));
    }

    #[test]
    fn tokens_are_estimated() {
        let limits = Limits { tokens: Some(2), ..Limits::default() };
        assert_eq!(slug(limits, r#"{"messages":[{"content":"abcdefgh"}]}"#), None);
        assert_eq!(slug(limits, r#"{"messages":[{"content":"abcdefghi"}]}"#), Some("llm-question-too-long"));
        let image = r#"{"messages":[{"content":[{"type":"image_url","image_url":{"url":"https://a"}}]}]}"#;
        assert_eq!(slug(limits, image), Some("llm-question-too-long"));
    }

    #[test]
    fn only_what_is_longer_is_shortened() {
        let limits = Limits { output: Some(9), ..Limits::default() };
        let shortened = |body: &'static str| {
            String::from_utf8(limits.shortened(Operation::Chat, Bytes::from(body)).to_vec()).unwrap()
        };
        for (body, sent) in [
            (r#"{"max_tokens": 10 ,"a":1}"#, r#"{"max_tokens": 9 ,"a":1}"#),
            (r#"{"max_completion_tokens":10,"max_tokens":8}"#, r#"{"max_completion_tokens":9,"max_tokens":8}"#),
            (r#"{"max_output_tokens":18446744073709551615}"#, r#"{"max_output_tokens":9}"#),
            (r#"{"max_tokens":null}"#, r#"{"max_tokens":9}"#),
            (
                r#"{"generationConfig":{"maxOutputTokens":10},"contents":[]}"#,
                r#"{"generationConfig":{"maxOutputTokens":9},"contents":[]}"#,
            ),
            (
                r#"{"generation_config":{"max_output_tokens":10,"maxOutputTokens":5}}"#,
                r#"{"generation_config":{"max_output_tokens":9,"maxOutputTokens":5}}"#,
            ),
        ] {
            let sent: Value = serde_json::from_str(sent).unwrap();
            assert_eq!(serde_json::from_str::<Value>(&shortened(body)).unwrap(), sent, "{body}");
        }
        for same in [r#"{"max_tokens":9}"#, r#"{"messages":[]}"#, r#"{"generationConfig":{}}"#, "no json"] {
            assert_eq!(shortened(same), same);
        }
        let embeddings = Bytes::from_static(br#"{"max_tokens":10}"#);
        assert_eq!(limits.shortened(Operation::Embeddings, embeddings.clone()), embeddings);
    }
}
