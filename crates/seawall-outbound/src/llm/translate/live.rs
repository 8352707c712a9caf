//! A stream in one dialect as a stream in another: each event is read, and what it says is told at once.

use std::collections::VecDeque;

use bytes::Bytes;
use seawall_core::problem::Problem;
use serde_json::Value;

use super::{
    anthropic, gemini, openai,
    reply::{Delta, Manner},
    responses,
    talk::Words,
    trouble,
};
use crate::llm::{operation::Dialect, refusal, sse::Event};

/// An event cannot be read, or makes no sense where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Garbled;

/// Reads the events of a dialect.
pub(super) trait ReadEvents: Send {
    /// What the data of one event says.
    fn read(&mut self, data: &str, deltas: &mut Vec<Delta>) -> Result<(), Garbled>;
}

/// Writes the events of a dialect.
pub(super) trait WriteEvents: Send {
    fn write(&mut self, delta: Delta, out: &mut Vec<String>) -> Result<(), Garbled>;

    /// The events at the end of an answer that is whole.
    fn close(&mut self, out: &mut Vec<String>) -> Result<(), Garbled>;

    /// The last event of a stream that failed; the error is in the shape of the dialect.
    fn fail(&mut self, error: &Value) -> String;
}

/// A stream that is translated.
pub(crate) struct Live {
    from: Dialect,
    to: Dialect,
    reader: Box<dyn ReadEvents>,
    writer: Box<dyn WriteEvents>,
    request_id: String,
    closed: bool,
}

impl Live {
    pub(super) fn new(from: Dialect, words: Words, turn: usize, manner: Manner, request_id: &str) -> Self {
        let to = words.dialect();
        let reader: Box<dyn ReadEvents> = match from {
            Dialect::OpenAi => Box::new(openai::Reader::new(turn)),
            Dialect::Anthropic => Box::new(anthropic::Reader::default()),
            Dialect::Gemini => Box::new(gemini::Reader::new(turn)),
        };
        let writer: Box<dyn WriteEvents> = match words {
            Words::Chat => Box::new(openai::Writer::new(manner)),
            Words::Responses(echo) => Box::new(responses::Writer::new(manner, echo)),
            Words::Messages => Box::new(anthropic::Writer::new()),
            Words::Generate => Box::new(gemini::Writer::new(manner)),
        };
        Self { from, to, reader, writer, request_id: request_id.to_owned(), closed: false }
    }

    /// Translates an event; `failed` says that it tells of a failure.
    pub(crate) fn take(&mut self, event: &Event, failed: bool, ready: &mut VecDeque<Bytes>) -> Result<(), Garbled> {
        if event.data.is_empty() || self.closed {
            return Ok(());
        }
        if failed {
            let trouble = trouble::Trouble::of_event(self.from, &event.data);
            let error = trouble.written(self.to, &self.request_id);
            ready.push_back(self.error(&error));
            return Ok(());
        }
        let data = std::str::from_utf8(&event.data).map_err(|_| Garbled)?;
        let (mut deltas, mut out) = (Vec::new(), Vec::new());
        self.reader.read(data, &mut deltas)?;
        for delta in deltas {
            if delta == Delta::End {
                self.closed = true;
                self.writer.close(&mut out)?;
                break;
            }
            self.writer.write(delta, &mut out)?;
        }
        ready.extend(out.into_iter().map(Bytes::from));
        Ok(())
    }

    /// The connection is at its end, and so is the answer. Not every dialect has an event for that.
    pub(crate) fn close(&mut self, ready: &mut VecDeque<Bytes>) -> Result<(), Garbled> {
        if !std::mem::replace(&mut self.closed, true) {
            let mut out = Vec::new();
            self.writer.close(&mut out)?;
            ready.extend(out.into_iter().map(Bytes::from));
        }
        Ok(())
    }

    /// The last event of a stream that failed on its way.
    pub(crate) fn fail(&mut self, problem: &Problem) -> Bytes {
        let error = refusal::body(self.to, problem, &self.request_id);
        self.error(&error)
    }

    fn error(&mut self, error: &Value) -> Bytes {
        self.closed = true;
        self.writer.fail(error).into()
    }
}
