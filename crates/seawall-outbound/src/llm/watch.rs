//! What a stream tells while it passes: how much it used, how long its text is, and whether it came to its end.

use serde::Deserialize;

use super::{
    estimate::Length,
    operation::{Dialect, Operation},
    sse::Event,
    usage::{AnthropicUsage, GeminiUsage, OpenAiUsage, Usage},
};

/// What is known of a stream so far.
#[derive(Debug)]
pub(crate) struct Watch {
    dialect: Dialect,
    operation: Operation,
    /// Whether the caller did not ask for usage, so that what tells nothing else is not passed on.
    hides_usage: bool,
    usage: Option<Usage>,
    text: Length,
    passed: u64,
    /// The answers that began, and those that said how they ended; each by a bit, of the first 128.
    begun: u128,
    done: u128,
    finished: bool,
    failed: bool,
    next_number: u64,
}

/// What becomes of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passes {
    /// It goes on as it came.
    On,
    /// It was asked for by Seawall and stays here.
    Stays,
    /// It is none of the dialect: the stream is broken.
    Broken,
}

/// A part of OpenAI's chat.
#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(default, borrow)]
    choices: Vec<Choice<'a>>,
    usage: Option<OpenAiUsage>,
    error: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(default)]
    index: u32,
    #[serde(borrow)]
    delta: Option<Delta<'a>>,
    finish_reason: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow)]
    content: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow)]
    tool_calls: Option<&'a serde_json::value::RawValue>,
}

/// An event of OpenAI's responses, and of Anthropic's messages: both say by `type` what they are.
#[derive(Deserialize)]
struct Typed<'a> {
    #[serde(rename = "type", borrow)]
    kind: std::borrow::Cow<'a, str>,
    /// Responses: a piece of text, or a thing with one (Anthropic).
    #[serde(borrow)]
    delta: Option<&'a serde_json::value::RawValue>,
    response: Option<WithUsage<OpenAiUsage>>,
    /// What begins (Anthropic), or the words of an error.
    #[serde(borrow)]
    message: Option<&'a serde_json::value::RawValue>,
    usage: Option<AnthropicUsage>,
    sequence_number: Option<u64>,
}

/// An event of a stream of images (OpenAI): a sketch, or an image that is done.
#[derive(Deserialize)]
struct Imaged<'a> {
    #[serde(rename = "type", default, borrow)]
    kind: std::borrow::Cow<'a, str>,
    usage: Option<OpenAiUsage>,
    error: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct WithUsage<T> {
    usage: Option<T>,
}

/// A part of Gemini's stream: an answer of its own.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Generated<'a> {
    #[serde(default, borrow)]
    candidates: Vec<Candidate<'a>>,
    usage_metadata: Option<GeminiUsage>,
    prompt_feedback: Option<serde::de::IgnoredAny>,
    error: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate<'a> {
    #[serde(default)]
    index: u32,
    #[serde(borrow)]
    content: Option<&'a serde_json::value::RawValue>,
    finish_reason: Option<serde::de::IgnoredAny>,
}

impl Watch {
    pub(crate) fn new(dialect: Dialect, operation: Operation, hides_usage: bool) -> Self {
        Self {
            dialect,
            operation,
            hides_usage,
            usage: None,
            text: Length::default(),
            passed: 0,
            begun: 0,
            done: 0,
            finished: false,
            failed: false,
            next_number: 0,
        }
    }

    /// Looks at an event.
    pub(crate) fn look(&mut self, event: &Event) -> Passes {
        if event.data.is_empty() {
            return Passes::On;
        }
        let passes = match (self.dialect, self.operation) {
            (Dialect::OpenAi, Operation::Responses) | (Dialect::Anthropic, _) => self.typed(&event.data),
            (Dialect::OpenAi, _) if event.data.trim_ascii() == b"[DONE]" => {
                self.finished = true;
                Some(Passes::On)
            }
            (Dialect::OpenAi, Operation::Images) => self.image(&event.data),
            (Dialect::OpenAi, _) => self.chunk(&event.data),
            (Dialect::Gemini, _) => self.generated(&event.data),
        };
        let passes = passes.unwrap_or(Passes::Broken);
        self.passed += u64::from(passes == Passes::On);
        passes
    }

    /// How many events that tell something went on.
    pub(crate) const fn passed(&self) -> u64 {
        self.passed
    }

    /// What the provider said it used.
    pub(crate) const fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// How long the answer's text is.
    pub(crate) const fn text(&self) -> Length {
        self.text
    }

    /// Whether the stream has said how it ended, or that it failed.
    pub(crate) const fn ended(&self) -> bool {
        self.finished || self.failed || (self.done != 0 && self.done == self.begun)
    }

    /// Whether the provider said that it failed.
    pub(crate) const fn failed(&self) -> bool {
        self.failed
    }

    /// The number of the event that would come next, where events are numbered (responses).
    pub(crate) const fn next_number(&self) -> u64 {
        self.next_number
    }

    fn used(&mut self, usage: Usage) {
        self.usage = Some(self.usage.unwrap_or_default().merged(usage));
    }

    /// A part of one of several answers; its last, or not.
    const fn answer(&mut self, index: u32, last: bool) {
        let bit = if index < u128::BITS { 1 << index } else { 1 << (u128::BITS - 1) };
        self.begun |= bit;
        if last {
            self.done |= bit;
        }
    }

    fn chunk(&mut self, data: &[u8]) -> Option<Passes> {
        let chunk: Chunk<'_> = serde_json::from_slice(data).ok()?;
        self.failed |= chunk.error.is_some();
        let tells_usage_only = chunk.choices.is_empty() && chunk.usage.is_some();
        if let Some(usage) = chunk.usage {
            self.used(usage.into());
        }
        for choice in chunk.choices {
            self.answer(choice.index, choice.finish_reason.is_some());
            if let Some(delta) = choice.delta {
                self.text.add(delta.content.as_deref().unwrap_or_default());
                if let Some(calls) = delta.tool_calls {
                    self.text.add(calls.get());
                }
            }
        }
        Some(if tells_usage_only && self.hides_usage { Passes::Stays } else { Passes::On })
    }

    fn image(&mut self, data: &[u8]) -> Option<Passes> {
        let told: Imaged<'_> = serde_json::from_slice(data).ok()?;
        self.failed |= told.error.is_some() || told.kind == "error";
        if told.kind.ends_with(".completed") {
            self.finished = true;
            // Each image tells what it took itself.
            let of_image = Usage { images: 1, ..told.usage.map(Usage::from).unwrap_or_default() };
            self.usage = Some(self.usage.unwrap_or_default().plus(of_image));
        }
        Some(Passes::On)
    }

    fn typed(&mut self, data: &[u8]) -> Option<Passes> {
        let told: Typed<'_> = serde_json::from_slice(data).ok()?;
        if let Some(number) = told.sequence_number {
            self.next_number = number.saturating_add(1);
        }
        match &*told.kind {
            "response.completed" | "response.incomplete" | "message_stop" => self.finished = true,
            "response.failed" | "error" => self.failed = true,
            _ => {}
        }
        if let Some(delta) = told.delta {
            let added = Length::of_json(delta.get().as_bytes());
            self.text.join(added);
        }
        let message =
            told.message.and_then(|message| serde_json::from_str::<WithUsage<AnthropicUsage>>(message.get()).ok());
        let of_message = message.and_then(|message| message.usage);
        for usage in of_message.into_iter().chain(told.usage) {
            self.used(usage.into());
        }
        if let Some(usage) = told.response.and_then(|response| response.usage) {
            self.used(usage.into());
        }
        Some(Passes::On)
    }

    fn generated(&mut self, data: &[u8]) -> Option<Passes> {
        let part: Generated<'_> = serde_json::from_slice(data).ok()?;
        self.failed |= part.error.is_some();
        // A refused prompt has no candidate, and is the whole answer.
        self.finished |= part.prompt_feedback.is_some() && part.candidates.is_empty();
        if let Some(usage) = part.usage_metadata {
            self.used(usage.into());
        }
        for candidate in part.candidates {
            self.answer(candidate.index, candidate.finish_reason.is_some());
            if let Some(content) = candidate.content {
                self.text.join(Length::of_json(content.get().as_bytes()));
            }
        }
        Some(Passes::On)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::llm::sse::Events;

    fn watched(dialect: Dialect, operation: Operation, stream: &str) -> (Watch, Vec<Passes>) {
        let mut watch = Watch::new(dialect, operation, true);
        let mut events = Events::default();
        events.push(stream.as_bytes()).unwrap();
        let passes = std::iter::from_fn(|| events.next()).map(|event| watch.look(&event)).collect();
        (watch, passes)
    }

    #[test]
    fn a_chat_tells_its_end_its_text_and_usage_that_stays_here() {
        let stream = "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}],\"usage\":null}\n\n\
            data: {\"choices\":[{\"delta\":{\"content\":\"caf\\u00e9\"},\"finish_reason\":null}]}\n\n\
            data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n\
            data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":1}}\n\ndata: [DONE]\n\n";
        let (watch, passes) = watched(Dialect::OpenAi, Operation::Chat, stream);
        assert_eq!(passes, [Passes::On, Passes::On, Passes::On, Passes::Stays, Passes::On]);
        assert_eq!((watch.ended(), watch.failed(), watch.text().characters), (true, false, 4));
        assert_eq!(watch.usage(), Some(Usage { input: 7, output: 1, ..Usage::default() }));
    }

    #[test]
    fn cumulative_figures_are_never_added_up() {
        let stream = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":25,\"output_tokens\":1}}}\n\n\
            event: ping\ndata: {\"type\":\"ping\"}\n\n\
            event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hello\"}}\n\n\
            event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":15}}\n\n\
            event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
        let (watch, passes) = watched(Dialect::Anthropic, Operation::Messages, stream);
        assert!(passes.iter().all(|passes| *passes == Passes::On) && watch.ended());
        assert_eq!(watch.usage(), Some(Usage { input: 25, output: 15, ..Usage::default() }));
        let gemini = "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"abcd\"}],\"role\":\"model\"}}],\"usageMetadata\":{\"promptTokenCount\":4,\"candidatesTokenCount\":1}}\r\n\r\n\
            data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"ef\"}]},\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":4,\"candidatesTokenCount\":2,\"thoughtsTokenCount\":3}}\r\n\r\n";
        let (watch, _) = watched(Dialect::Gemini, Operation::Generate, gemini);
        assert_eq!((watch.ended(), watch.text().characters), (true, 6));
        assert_eq!(watch.usage(), Some(Usage { input: 4, output: 5, reasoning: 3, ..Usage::default() }));
    }

    #[test]
    fn responses_end_by_a_name_of_their_own() {
        let stream = "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"abc\"}\n\n\
            event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"usage\":{\"input_tokens\":3,\"output_tokens\":2}}}\n\n";
        let (watch, _) = watched(Dialect::OpenAi, Operation::Responses, stream);
        assert_eq!((watch.ended(), watch.failed(), watch.text().characters), (true, false, 3));
        let error = r#"{"type":"error","code":"server_error","message":"words","param":null,"sequence_number":3}"#;
        for failure in [r#"{"type":"response.failed"}"#, error] {
            let (watch, passes) = watched(Dialect::OpenAi, Operation::Responses, &format!("data: {failure}\n\n"));
            assert_eq!((watch.failed(), passes), (true, vec![Passes::On]));
        }
    }

    #[test]
    fn images_that_are_streamed_are_counted_and_the_last_ends_the_stream() {
        let sketch =
            "data: {\"type\":\"image_generation.partial_image\",\"b64_json\":\"AA\",\"partial_image_index\":0}\n\n";
        let (watch, passes) = watched(Dialect::OpenAi, Operation::Images, sketch);
        assert_eq!((watch.ended(), watch.usage(), passes), (false, None, vec![Passes::On]));
        let done = "data: {\"type\":\"image_generation.completed\",\"b64_json\":\"AA\",\"usage\":{\"input_tokens\":5,\"output_tokens\":7}}\n\n";
        let (watch, _) = watched(Dialect::OpenAi, Operation::Images, &done.repeat(2));
        assert_eq!((watch.ended(), watch.failed()), (true, false));
        assert_eq!(watch.usage(), Some(Usage { input: 10, output: 14, images: 2, ..Usage::default() }));
        let (watch, _) = watched(Dialect::OpenAi, Operation::Images, "data: {\"error\":{\"message\":\"m\"}}\n\n");
        assert!(watch.failed());
    }

    #[test]
    fn of_several_answers_the_last_one_ends_the_stream() {
        let chat = |index: u8, end: &str| {
            format!("data: {{\"choices\":[{{\"index\":{index},\"delta\":{{}},\"finish_reason\":{end}}}]}}\n\n")
        };
        let generated = |index: u8, end: &str| {
            format!("data: {{\"candidates\":[{{\"index\":{index},\"finishReason\":{end}}}]}}\n\n")
        };
        let told = |part: &dyn Fn(u8, &str) -> String, ends: usize| {
            let parts = [(0, "null"), (1, "null"), (1, "\"stop\""), (0, "\"stop\"")];
            parts.iter().take(ends).map(|(index, end)| part(*index, end)).collect::<String>()
        };
        for (ends, ended) in [(2, false), (3, false), (4, true)] {
            let (watch, _) = watched(Dialect::OpenAi, Operation::Chat, &told(&chat, ends));
            assert_eq!(watch.ended(), ended, "{ends}");
            let (watch, _) = watched(Dialect::Gemini, Operation::Generate, &told(&generated, ends));
            assert_eq!(watch.ended(), ended, "{ends}");
        }
    }

    #[test]
    fn what_was_cut_has_not_ended_and_what_is_no_event_is_broken() {
        let (watch, _) =
            watched(Dialect::OpenAi, Operation::Chat, "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n");
        assert!(!watch.ended());
        for (dialect, operation) in [
            (Dialect::OpenAi, Operation::Chat),
            (Dialect::Anthropic, Operation::Messages),
            (Dialect::Gemini, Operation::Generate),
        ] {
            let event = Event { bytes: Bytes::new(), name: None, data: Bytes::from_static(b"{\"choices\":[{]}") };
            assert_eq!(Watch::new(dialect, operation, false).look(&event), Passes::Broken);
        }
    }
}
