//! What Seawall needs to know of a request's body, and the few places where it writes into it. All other bytes go on as they came: fields that
//! nobody here knows survive, and so does the provider's cache of prompts, which goes by the bytes.

use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::operation::{Dialect, Operation};

/// What is known of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sketch {
    /// The model, where the body names it.
    pub(crate) model: Option<String>,
    /// Whether the answer is to be a stream.
    pub(crate) streams: bool,
    /// The most tokens that the answer may have, when it says so.
    pub(crate) most_output: Option<u64>,
    /// How many answers or images are wanted.
    pub(crate) count: u64,
    /// Whether the stream is to tell its usage (`stream_options.include_usage`).
    tells_usage: bool,
    model_at: Option<Span>,
    config_at: Option<Span>,
    stream_options_at: Option<Span>,
    /// Members that would say how long the answer may be, and say `null`.
    open_lengths: Vec<(&'static str, Span)>,
    /// Where the first member begins.
    first_member_at: usize,
}

/// What is written into a body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Changes<'a> {
    /// The model as its provider calls it.
    pub(crate) model: &'a str,
    /// Whether the stream is asked for its usage.
    pub(crate) ask_for_usage: bool,
    /// How long the answer may be, in tokens, where the call does not say.
    pub(crate) most_output: Option<(OutputLimit, u64)>,
}

/// Where a dialect says how long an answer may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OutputLimit {
    /// A member of the body.
    Member(&'static str),
    /// A member of `generationConfig`.
    OfGemini,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    start: usize,
    end: usize,
}

/// The members that are looked at. A body that has one of them twice means two things, and is refused.
#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow)]
    model: Option<&'a RawValue>,
    stream: Option<bool>,
    #[serde(borrow)]
    stream_options: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "written")]
    max_tokens: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "written")]
    max_completion_tokens: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "written")]
    max_output_tokens: Option<&'a RawValue>,
    n: Option<u64>,
    #[serde(borrow, rename = "generationConfig", alias = "generation_config")]
    generation_config: Option<&'a RawValue>,
}

/// A member's value, also where that is `null`.
pub(super) fn written<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

#[derive(Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GenerationConfig {
    #[serde(alias = "max_output_tokens")]
    max_output_tokens: Option<u64>,
    #[serde(alias = "candidate_count")]
    candidate_count: Option<u64>,
}

impl Sketch {
    /// Reads a body.
    ///
    /// # Errors
    /// A sentence for whoever made it, without its values.
    pub(crate) fn of(body: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(body).map_err(|_| "the body is not UTF-8".to_owned())?;
        let members: Members<'_> = serde_json::from_str(text).map_err(|error| {
            // What serde says can hold a value; its place cannot.
            format!("the body is not as this API has it, at line {} column {}", error.line(), error.column())
        })?;
        let lengths = [
            ("max_completion_tokens", members.max_completion_tokens),
            ("max_tokens", members.max_tokens),
            ("max_output_tokens", members.max_output_tokens),
        ];
        let at = |value: &RawValue| {
            // Both are parts of one text.
            let start = (value.get().as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
            Some(Span { start, end: start + value.get().len() })
        };
        let model = members.model.filter(|model| model.get() != "null");
        let named = model.map(|model| serde_json::from_str(model.get()));
        let named: Option<String> = named.transpose().map_err(|_| "`model` is no text".to_owned())?;
        let options =
            members.stream_options.and_then(|options| serde_json::from_str::<StreamOptions>(options.get()).ok());
        let config =
            members.generation_config.and_then(|config| serde_json::from_str::<GenerationConfig>(config.get()).ok());
        let of_config = |value: fn(&GenerationConfig) -> Option<u64>| config.as_ref().and_then(value);
        let (mut most_output, mut open_lengths) = (None, Vec::new());
        for (name, value) in lengths {
            let Some(value) = value else { continue };
            let length: Option<u64> =
                serde_json::from_str(value.get()).map_err(|_| format!("`{name}` is no number of tokens"))?;
            most_output = most_output.or(length);
            open_lengths.extend(at(value).filter(|_| length.is_none()).map(|span| (name, span)));
        }
        Ok(Self {
            model: named,
            streams: members.stream.unwrap_or_default(),
            most_output: most_output.or_else(|| of_config(|config| config.max_output_tokens)),
            count: members.n.or_else(|| of_config(|config| config.candidate_count)).unwrap_or(1).max(1),
            tells_usage: options.and_then(|options| options.include_usage).unwrap_or_default(),
            model_at: model.and_then(at),
            config_at: members.generation_config.and_then(at),
            open_lengths,
            stream_options_at: members.stream_options.and_then(at),
            first_member_at: text.find('{').map_or(0, |brace| brace + 1),
        })
    }

    /// Whether the stream has to be asked for its usage, which the caller did not.
    pub(crate) fn lacks_usage(&self, dialect: Dialect, operation: Operation) -> bool {
        dialect == Dialect::OpenAi && operation == Operation::Chat && self.streams && !self.tells_usage
    }

    /// The body as it is sent: with what is changed in it, where that is another than it has.
    pub(crate) fn written(&self, body: &Bytes, changes: &Changes<'_>) -> Bytes {
        let Changes { model, ask_for_usage, most_output } = *changes;
        let mut edits: Vec<(Span, String)> = Vec::new();
        if let Some(span) = self.model_at.filter(|_| self.model.as_deref() != Some(model)) {
            edits.push((span, serde_json::Value::from(model).to_string()));
        }
        if ask_for_usage {
            let here = Span { start: self.first_member_at, end: self.first_member_at };
            edits.push(match self.stream_options_at {
                Some(span) => (
                    span,
                    with_member(body.get(span.start..span.end).unwrap_or_default(), "include_usage", true.into()),
                ),
                None => (here, "\"stream_options\":{\"include_usage\":true},".to_owned()),
            });
        }
        if let Some((limit, tokens)) = most_output {
            let here = Span { start: self.first_member_at, end: self.first_member_at };
            let open = |name| self.open_lengths.iter().find(|(open, _)| *open == name).map(|(_, span)| *span);
            edits.push(match (limit, self.config_at) {
                // A second member of the name would be read or not, as the provider likes.
                (OutputLimit::Member(name), _) => open(name)
                    .map_or_else(|| (here, format!("\"{name}\":{tokens},")), |span| (span, tokens.to_string())),
                (OutputLimit::OfGemini, None) => {
                    (here, format!("\"generationConfig\":{{\"maxOutputTokens\":{tokens}}},"))
                }
                (OutputLimit::OfGemini, Some(span)) => {
                    let config = body.get(span.start..span.end).unwrap_or_default();
                    (span, with_member(config, "maxOutputTokens", tokens.into()))
                }
            });
        }
        if edits.is_empty() {
            return body.clone();
        }
        edits.sort_by_key(|(span, _)| span.start);
        let mut written = BytesMut::with_capacity(body.len() + 64);
        let mut done = 0;
        for (span, text) in edits {
            written.extend_from_slice(body.get(done..span.start).unwrap_or_default());
            written.extend_from_slice(text.as_bytes());
            done = span.end;
        }
        written.extend_from_slice(body.get(done..).unwrap_or_default());
        written.freeze()
    }
}

/// An object with one more member, or another value of it.
fn with_member(object: &[u8], name: &str, value: serde_json::Value) -> String {
    let mut members: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(object).unwrap_or_default();
    members.insert(name.to_owned(), value);
    serde_json::Value::from(members).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sketch(body: &str) -> Sketch {
        Sketch::of(body.as_bytes()).unwrap()
    }

    fn renamed(model: &str) -> Changes<'_> {
        Changes { model, ask_for_usage: false, most_output: None }
    }

    #[test]
    fn an_answer_without_an_end_is_given_one() {
        let limited = |body: &'static str, limit| {
            let changes = Changes { most_output: Some((limit, 9)), ..renamed("m") };
            String::from_utf8(sketch(body).written(&Bytes::from(body), &changes).to_vec()).unwrap()
        };
        let member = OutputLimit::Member("max_tokens");
        assert_eq!(limited(r#"{"model":"m"}"#, member), r#"{"max_tokens":9,"model":"m"}"#);
        assert_eq!(
            limited(r#"{"contents":[]}"#, OutputLimit::OfGemini),
            r#"{"generationConfig":{"maxOutputTokens":9},"contents":[]}"#
        );
        assert_eq!(limited(r#"{"max_tokens" : null,"model":"m"}"#, member), r#"{"max_tokens" : 9,"model":"m"}"#);
        assert_eq!(
            limited(r#"{"model":"m","max_completion_tokens":null}"#, member),
            r#"{"max_tokens":9,"model":"m","max_completion_tokens":null}"#
        );
        let merged = limited(r#"{"generationConfig":{"temperature":1},"contents":[]}"#, OutputLimit::OfGemini);
        assert_eq!(merged, r#"{"generationConfig":{"maxOutputTokens":9,"temperature":1},"contents":[]}"#);
    }

    #[test]
    fn what_counts_is_found_in_every_dialect() {
        let chat = sketch(r#"{"model":"a","stream":true,"max_completion_tokens":7,"n":2,"x":{"model":"no"}}"#);
        assert_eq!((chat.model.as_deref(), chat.streams, chat.most_output, chat.count), (Some("a"), true, Some(7), 2));
        assert_eq!(sketch(r#"{"max_output_tokens":9}"#).most_output, Some(9));
        let gemini = sketch(r#"{"contents":[],"generationConfig":{"maxOutputTokens":5,"candidateCount":3}}"#);
        assert_eq!((gemini.most_output, gemini.count, gemini.model), (Some(5), 3, None));
    }

    #[test]
    fn every_byte_but_the_models_name_goes_on_as_it_came() {
        let body = Bytes::from("{ \"messages\": [ {\"a\":1e0} ],\n\t\"model\" : \"nick\" , \"unknown\":\"\\u00e9\" }");
        let sketch = Sketch::of(&body).unwrap();
        let written = sketch.written(&body, &renamed("real-1"));
        assert_eq!(written, "{ \"messages\": [ {\"a\":1e0} ],\n\t\"model\" : \"real-1\" , \"unknown\":\"\\u00e9\" }");
        assert_eq!(sketch.written(&body, &renamed("nick")), body);
    }

    #[test]
    fn usage_is_asked_for_where_it_is_not() {
        let asked = |body: &'static str| {
            let sketch = sketch(body);
            let wanted = sketch.lacks_usage(Dialect::OpenAi, Operation::Chat);
            sketch.written(&Bytes::from(body), &Changes { ask_for_usage: wanted, ..renamed("m") })
        };
        let plain = asked(r#"{"model":"m","stream":true}"#);
        assert_eq!(plain, r#"{"stream_options":{"include_usage":true},"model":"m","stream":true}"#);
        let other = asked(r#"{"stream_options":{"include_obfuscation":false},"model":"m","stream":true}"#);
        let read: serde_json::Value = serde_json::from_slice(&other).unwrap();
        assert_eq!(read["stream_options"], serde_json::json!({"include_obfuscation": false, "include_usage": true}));
        for enough in [r#"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#, r#"{"model":"m"}"#] {
            assert_eq!(asked(enough), enough);
        }
    }

    #[test]
    fn what_means_two_things_is_refused_without_its_values() {
        for wrong in
            [r#"{"model":"a","model":"b"}"#, r#"{"stream":"secret"}"#, r#"{"model":7}"#, "secret", "[]", "\u{feff}{}"]
        {
            let error = Sketch::of(wrong.as_bytes()).unwrap_err();
            assert!(!error.contains("secret"), "{error}");
        }
        assert!(Sketch::of(b"\xff").is_err());
    }
}
