//! A streamed answer in Anthropic's words, read and written.

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::reply::{finish, stop_reason, stop_sequence, usage};
use crate::llm::{
    translate::{
        live::{Garbled, ReadEvents, WriteEvents},
        reply::{Delta, Finish, Head},
        tree::{Tree, object},
    },
    usage::{AnthropicUsage, Usage},
};

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(rename = "type")]
    kind: String,
    index: Option<usize>,
    message: Option<Begun>,
    #[serde(borrow)]
    content_block: Option<Block<'a>>,
    delta: Option<Told>,
    usage: Option<AnthropicUsage>,
}

#[derive(Deserialize)]
struct Begun {
    id: String,
    #[serde(default)]
    model: String,
    usage: Option<AnthropicUsage>,
}

#[derive(Deserialize)]
struct Block<'a> {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
    id: Option<String>,
    name: Option<String>,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
}

/// What is added to a block, or to the message.
#[derive(Deserialize)]
struct Told {
    text: Option<String>,
    thinking: Option<String>,
    partial_json: Option<String>,
    stop_reason: Option<String>,
    stop_sequence: Option<String>,
}

/// Reads events.
#[derive(Debug, Default)]
pub(in crate::llm::translate) struct Reader {
    /// The blocks that are calls, by their order.
    calls: Vec<usize>,
}

impl Reader {
    fn block(&mut self, index: Option<usize>, block: Block<'_>, deltas: &mut Vec<Delta>) -> Result<(), Garbled> {
        match block.kind.as_str() {
            "text" => deltas.extend(block.text.filter(|text| !text.is_empty()).map(Delta::Text)),
            "tool_use" => {
                let (number, index) = (self.calls.len(), index.ok_or(Garbled)?);
                self.calls.push(index);
                let (id, name) = block.id.zip(block.name).ok_or(Garbled)?;
                deltas.push(Delta::Call { number, id, name, signature: None });
                // A block begins empty, and its pieces follow.
                let whole = block.input.map(RawValue::get).filter(|input| input.len() > "{}".len());
                deltas.extend(whole.map(|piece| Delta::Arguments { number, piece: piece.to_owned() }));
            }
            _ => {}
        }
        Ok(())
    }

    fn told(&self, index: Option<usize>, told: Told, deltas: &mut Vec<Delta>) -> Result<(), Garbled> {
        let some = |text: Option<String>| text.filter(|text| !text.is_empty());
        deltas.extend(some(told.text).map(Delta::Text));
        deltas.extend(some(told.thinking).map(Delta::Thought));
        if let Some(piece) = some(told.partial_json) {
            // Tools of Anthropic's own are never asked for, so each piece is of a call.
            let number = self.calls.iter().position(|known| Some(*known) == index).ok_or(Garbled)?;
            deltas.push(Delta::Arguments { number, piece });
        }
        let end = told.stop_reason.map(|word| Delta::Finish(finish(&word, told.stop_sequence)));
        deltas.extend(end);
        Ok(())
    }
}

impl ReadEvents for Reader {
    fn read(&mut self, data: &str, deltas: &mut Vec<Delta>) -> Result<(), Garbled> {
        let event: Event<'_> = serde_json::from_str(data).map_err(|_| Garbled)?;
        if let Some(Begun { id, model, usage }) = event.message {
            deltas.push(Delta::Head(Head { id, model }));
            deltas.extend(usage.map(|usage| Delta::Usage(usage.into())));
        }
        if let Some(block) = event.content_block {
            self.block(event.index, block, deltas)?;
        }
        deltas.extend(event.usage.map(|usage| Delta::Usage(usage.into())));
        if let Some(told) = event.delta {
            self.told(event.index, told, deltas)?;
        }
        if event.kind == "message_stop" {
            deltas.push(Delta::End);
        }
        Ok(())
    }
}

/// What is being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Nothing,
    Text,
    Call(usize),
}

/// Writes events.
#[derive(Debug)]
pub(in crate::llm::translate) struct Writer {
    head: Head,
    begun: bool,
    open: Open,
    /// How many blocks there were.
    blocks: u64,
    finish: Finish,
    usage: Usage,
}

impl Writer {
    pub(in crate::llm::translate) fn new() -> Self {
        let (head, finish) = (Head::default(), Finish::untold());
        Self { head, begun: false, open: Open::Nothing, blocks: 0, finish, usage: Usage::default() }
    }

    fn begin(&mut self, out: &mut Vec<String>) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        let message = object([
            ("id", (&self.head.id).into()),
            ("type", "message".into()),
            ("role", "assistant".into()),
            ("model", (&self.head.model).into()),
            ("content", Vec::new().into()),
            ("stop_reason", Value::Null.into()),
            ("stop_sequence", Value::Null.into()),
            // What is not known yet is told at the end.
            ("usage", usage(self.usage).into()),
        ]);
        out.push(event("message_start", [("message", message)]));
    }

    /// Ends the block that is open, if it is another.
    fn change_to(&mut self, open: Open, out: &mut Vec<String>) -> bool {
        self.begin(out);
        if self.open == open {
            return false;
        }
        if self.open != Open::Nothing {
            out.push(event("content_block_stop", [("index", self.blocks.into())]));
            self.blocks += 1;
        }
        self.open = open;
        true
    }

    fn start(&self, block: Tree) -> String {
        event("content_block_start", [("index", self.blocks.into()), ("content_block", block)])
    }

    fn add(&self, delta: Tree) -> String {
        event("content_block_delta", [("index", self.blocks.into()), ("delta", delta)])
    }
}

impl WriteEvents for Writer {
    fn write(&mut self, delta: Delta, out: &mut Vec<String>) -> Result<(), Garbled> {
        match delta {
            Delta::Head(head) => self.head = head,
            Delta::Text(text) => {
                if self.change_to(Open::Text, out) {
                    out.push(self.start(object([("type", "text".into()), ("text", "".into())])));
                }
                out.push(self.add(object([("type", "text_delta".into()), ("text", text.into())])));
            }
            Delta::Call { number, id, name, signature: _ } => {
                self.change_to(Open::Call(number), out);
                let block =
                    [("type", "tool_use".into()), ("id", id.into()), ("name", name.into()), ("input", object([]))];
                out.push(self.start(object(block)));
            }
            Delta::Arguments { number, piece } => {
                // Blocks come one after the other, and what belongs to one that has ended has no place.
                if self.open != Open::Call(number) {
                    return Err(Garbled);
                }
                out.push(self.add(object([("type", "input_json_delta".into()), ("partial_json", piece.into())])));
            }
            Delta::Usage(usage) => self.usage = self.usage.merged(usage),
            Delta::Finish(finish) => self.finish = finish,
            Delta::Thought(_) | Delta::End => {}
        }
        Ok(())
    }

    fn close(&mut self, out: &mut Vec<String>) -> Result<(), Garbled> {
        self.change_to(Open::Nothing, out);
        let delta = object([
            ("stop_reason", stop_reason(&self.finish).into()),
            ("stop_sequence", stop_sequence(&self.finish)),
            ("native_finish_reason", self.finish.native.as_ref().into()),
        ]);
        out.push(event("message_delta", [("delta", delta), ("usage", usage(self.usage).into())]));
        out.push(event("message_stop", []));
        Ok(())
    }

    fn fail(&mut self, error: &Value) -> String {
        format!("event: error\ndata: {error}\n\n")
    }
}

fn event<const N: usize>(kind: &'static str, members: [(&'static str, Tree); N]) -> String {
    let mut all = vec![("type".into(), kind.into())];
    all.extend(members.into_iter().map(|(name, value)| (name.into(), value)));
    format!("event: {kind}\ndata: {}\n\n", Tree::Object(all).text())
}
