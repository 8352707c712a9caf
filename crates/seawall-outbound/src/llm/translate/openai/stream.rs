//! A streamed answer in OpenAI's words, read and written.

use serde::Deserialize;
use serde_json::{Value, json};

use super::reply::{finish, finish_reason, usage};
use crate::llm::{
    translate::{
        live::{Garbled, ReadEvents, WriteEvents},
        reply::{Delta, Finish, Head, Manner, made_id},
        tree::{Tree, object},
    },
    usage::{OpenAiUsage, Usage},
};

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    id: String,
    #[serde(default)]
    model: String,
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<OpenAiUsage>,
}

#[derive(Deserialize)]
struct Choice {
    delta: Option<Told>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Told {
    content: Option<String>,
    refusal: Option<String>,
    reasoning_content: Option<String>,
    tool_calls: Option<Vec<Piece>>,
}

#[derive(Deserialize)]
struct Piece {
    index: Option<usize>,
    id: Option<String>,
    function: Option<Function>,
}

#[derive(Deserialize)]
struct Function {
    name: Option<String>,
    arguments: Option<String>,
}

/// Reads chunks.
#[derive(Debug)]
pub(in crate::llm::translate) struct Reader {
    turn: usize,
    begun: bool,
    declined: bool,
    /// The numbers that calls have in the stream, by their order.
    calls: Vec<usize>,
}

impl Reader {
    pub(in crate::llm::translate) const fn new(turn: usize) -> Self {
        Self { turn, begun: false, declined: false, calls: Vec::new() }
    }

    fn piece(&mut self, piece: Piece, deltas: &mut Vec<Delta>) -> Result<(), Garbled> {
        // Some servers send each call in one piece, and number none.
        let index = piece.index.unwrap_or(self.calls.len());
        let function = piece.function.unwrap_or(Function { name: None, arguments: None });
        let known = self.calls.iter().position(|known| *known == index);
        let number = match known {
            Some(number) => number,
            None => {
                let (number, name) = (self.calls.len(), function.name.ok_or(Garbled)?);
                self.calls.push(index);
                let id = piece.id.filter(|id| !id.is_empty()).unwrap_or_else(|| made_id(self.turn, number));
                deltas.push(Delta::Call { number, id, name, signature: None });
                number
            }
        };
        if let Some(piece) = function.arguments.filter(|piece| !piece.is_empty()) {
            deltas.push(Delta::Arguments { number, piece });
        }
        Ok(())
    }
}

impl ReadEvents for Reader {
    fn read(&mut self, data: &str, deltas: &mut Vec<Delta>) -> Result<(), Garbled> {
        if data.trim() == "[DONE]" {
            deltas.push(Delta::End);
            return Ok(());
        }
        let Chunk { id, model, choices, usage } = serde_json::from_str(data).map_err(|_| Garbled)?;
        if !std::mem::replace(&mut self.begun, true) {
            deltas.push(Delta::Head(Head { id, model }));
        }
        for Choice { delta, finish_reason } in choices.into_iter().take(1) {
            if let Some(told) = delta {
                let text = |text: Option<String>| text.filter(|text| !text.is_empty());
                deltas.extend(text(told.reasoning_content).map(Delta::Thought));
                deltas.extend(text(told.content).map(Delta::Text));
                let refusal = text(told.refusal);
                self.declined |= refusal.is_some();
                deltas.extend(refusal.map(Delta::Text));
                for piece in told.tool_calls.unwrap_or_default() {
                    self.piece(piece, deltas)?;
                }
            }
            if let Some(word) = finish_reason {
                let finish = finish(&word, self.declined).with_calls(!self.calls.is_empty());
                deltas.push(Delta::Finish(finish));
            }
        }
        deltas.extend(usage.map(|usage| Delta::Usage(usage.into())));
        Ok(())
    }
}

/// Writes chunks.
#[derive(Debug)]
pub(in crate::llm::translate) struct Writer {
    manner: Manner,
    head: Head,
    begun: bool,
    finish: Option<Finish>,
    usage: Option<Usage>,
}

impl Writer {
    pub(in crate::llm::translate) fn new(manner: Manner) -> Self {
        Self { manner, head: Head::default(), begun: false, finish: None, usage: None }
    }

    fn chunk(&self, choices: Vec<Tree>, usage: Tree) -> String {
        let chunk = object([
            ("id", (&self.head.id).into()),
            ("object", "chat.completion.chunk".into()),
            ("created", self.manner.created_s.into()),
            ("model", (&self.head.model).into()),
            ("choices", choices.into()),
            ("usage", usage),
        ]);
        framed(&chunk)
    }

    fn delta(&self, delta: Tree, finish: Option<&Finish>) -> String {
        let choice = object([
            ("index", 0_u64.into()),
            ("delta", delta),
            ("logprobs", Value::Null.into()),
            ("finish_reason", finish.map_or(Value::Null, |finish| finish_reason(finish).into()).into()),
            ("native_finish_reason", finish.and_then(|finish| finish.native.as_ref()).into()),
        ]);
        // Who asks for usage is told in each chunk that it is not known yet.
        let usage = if self.manner.usage { Value::Null.into() } else { Tree::Nothing };
        self.chunk(vec![choice], usage)
    }

    fn begin(&mut self, out: &mut Vec<String>) {
        if !std::mem::replace(&mut self.begun, true) {
            out.push(self.delta(object([("role", "assistant".into()), ("content", "".into())]), None));
        }
    }
}

impl WriteEvents for Writer {
    fn write(&mut self, delta: Delta, out: &mut Vec<String>) -> Result<(), Garbled> {
        match delta {
            Delta::Head(head) => self.head = head,
            Delta::Text(text) => {
                self.begin(out);
                out.push(self.delta(object([("content", text.into())]), None));
            }
            Delta::Call { number, id, name, signature } => {
                self.begin(out);
                let function = object([("name", name.into()), ("arguments", "".into())]);
                let signature =
                    signature.map(|signature| object([("google", object([("thought_signature", signature.into())]))]));
                let call = object([
                    ("index", (number as u64).into()),
                    ("id", id.into()),
                    ("type", "function".into()),
                    ("function", function),
                    ("extra_content", signature.into()),
                ]);
                out.push(self.delta(object([("tool_calls", vec![call].into())]), None));
            }
            Delta::Arguments { number, piece } => {
                let function = object([("arguments", piece.into())]);
                let call = object([("index", (number as u64).into()), ("function", function)]);
                out.push(self.delta(object([("tool_calls", vec![call].into())]), None));
            }
            Delta::Usage(usage) => self.usage = Some(self.usage.unwrap_or_default().merged(usage)),
            Delta::Finish(finish) => self.finish = Some(finish),
            // These models do not show their thoughts, and the end is asked for by `close`.
            Delta::Thought(_) | Delta::End => {}
        }
        Ok(())
    }

    fn close(&mut self, out: &mut Vec<String>) -> Result<(), Garbled> {
        self.begin(out);
        let finish = self.finish.clone().unwrap_or_else(Finish::untold);
        out.push(self.delta(object([]), Some(&finish)));
        if let Some(known) = self.usage.filter(|_| self.manner.usage) {
            out.push(self.chunk(Vec::new(), usage(&known).into()));
        }
        out.push("data: [DONE]\n\n".to_owned());
        Ok(())
    }

    fn fail(&mut self, error: &Value) -> String {
        framed(&json!(error).into())
    }
}

fn framed(chunk: &Tree) -> String {
    format!("data: {}\n\n", chunk.text())
}
