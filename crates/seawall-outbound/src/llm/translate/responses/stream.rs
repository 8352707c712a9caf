//! A streamed answer in the words of OpenAI's responses, written: events that say by `type` what they are, each with its number.

use serde_json::Value;

use super::{
    echo::Echo,
    reply::{COMPLETED, Called, IN_PROGRESS, INCOMPLETE, Item, Stage, part, response, status},
};
use crate::llm::{
    translate::{
        live::{Garbled, WriteEvents},
        reply::{Delta, Finish, Head, Manner},
        tree::Tree,
    },
    usage::Usage,
};

/// The longest answer that is held, because its last events tell it again as a whole, in bytes.
const LONGEST: usize = 16 * 1024 * 1024;

/// An item that is being told.
#[derive(Debug)]
struct Open {
    item: Item,
    /// The number of the call, where it is one.
    call: Option<usize>,
}

/// Writes events.
#[derive(Debug)]
pub(in crate::llm::translate) struct Writer {
    manner: Manner,
    echo: Echo,
    head: Head,
    begun: bool,
    /// The number of the next event.
    number: u64,
    /// The items that are told.
    output: Vec<Tree>,
    open: Option<Open>,
    held: usize,
    finish: Finish,
    usage: Option<Usage>,
}

impl Writer {
    pub(in crate::llm::translate) fn new(manner: Manner, echo: Echo) -> Self {
        Self {
            manner,
            echo,
            head: Head::default(),
            begun: false,
            number: 0,
            output: Vec::new(),
            open: None,
            held: 0,
            finish: Finish::untold(),
            usage: None,
        }
    }

    fn event(&mut self, kind: &'static str, members: Vec<(&'static str, Tree)>, out: &mut Vec<String>) {
        let own = [("type", kind.into()), ("sequence_number", self.number.into())];
        let all = own.into_iter().chain(members).map(|(name, value)| (name.into(), value));
        let data = Tree::Object(all.collect()).text();
        self.number += 1;
        out.push(format!("event: {kind}\ndata: {data}\n\n"));
    }

    fn begin(&mut self, out: &mut Vec<String>) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        let begun = response(&self.head, &self.manner, &self.echo, Stage::Begun);
        self.event("response.created", vec![("response", begun.clone())], out);
        self.event("response.in_progress", vec![("response", begun)], out);
    }

    /// Begins an item, and ends the one before it.
    fn start(&mut self, open: Open, out: &mut Vec<String>) {
        self.begin(out);
        self.end(COMPLETED, out);
        let index = self.output.len();
        let item = open.item.written(&self.head, index, IN_PROGRESS);
        let id = open.item.id(&self.head, index);
        let message = matches!(open.item, Item::Message(_));
        self.open = Some(open);
        self.event("response.output_item.added", vec![("output_index", place(index)), ("item", item)], out);
        if message {
            let mut members = at_part(id, index);
            members.push(("part", part("")));
            self.event("response.content_part.added", members, out);
        }
    }

    /// Ends the item that is open, if there is one.
    fn end(&mut self, status: &'static str, out: &mut Vec<String>) {
        let Some(Open { mut item, .. }) = self.open.take() else { return };
        let index = self.output.len();
        let id = item.id(&self.head, index);
        match &mut item {
            Item::Message(text) => {
                let with = |name, value| at_part(id.clone(), index).into_iter().chain([(name, value)]);
                let logprobs = ("logprobs", Vec::new().into());
                self.event("response.output_text.done", with("text", (&*text).into()).chain([logprobs]).collect(), out);
                self.event("response.content_part.done", with("part", part(text)).collect(), out);
            }
            Item::Call(call) => {
                let at = || vec![("item_id", (&id).into()), ("output_index", place(index))];
                if call.arguments.is_empty() {
                    // A call without arguments is one of an empty object.
                    call.arguments.push_str("{}");
                    let members = at().into_iter().chain([("delta", "{}".into())]).collect();
                    self.event("response.function_call_arguments.delta", members, out);
                }
                let whole = [("name", (&call.name).into()), ("arguments", (&call.arguments).into())];
                let members = at().into_iter().chain(whole).collect();
                self.event("response.function_call_arguments.done", members, out);
            }
        }
        let item = item.written(&self.head, index, status);
        self.output.push(item.clone());
        self.event("response.output_item.done", vec![("output_index", place(index)), ("item", item)], out);
    }

    /// Counts what is held of the answer.
    fn hold(&mut self, piece: &str) -> Result<(), Garbled> {
        self.held += piece.len();
        if self.held > LONGEST { Err(Garbled) } else { Ok(()) }
    }

    fn say(&mut self, piece: String, out: &mut Vec<String>) -> Result<(), Garbled> {
        self.hold(&piece)?;
        if !matches!(self.open, Some(Open { item: Item::Message(_), .. })) {
            self.start(Open { item: Item::Message(String::new()), call: None }, out);
        }
        let index = self.output.len();
        if let Some(Open { item, .. }) = &mut self.open {
            let mut members = at_part(item.id(&self.head, index), index);
            if let Item::Message(text) = item {
                text.push_str(&piece);
            }
            members.extend([("delta", piece.into()), ("logprobs", Vec::new().into())]);
            self.event("response.output_text.delta", members, out);
        }
        Ok(())
    }

    fn argue(&mut self, number: usize, piece: String, out: &mut Vec<String>) -> Result<(), Garbled> {
        self.hold(&piece)?;
        let index = self.output.len();
        // Items come one after the other, and what belongs to one that has ended has no place.
        let Some(Open { item, .. }) = self.open.as_mut().filter(|open| open.call == Some(number)) else {
            return Err(Garbled);
        };
        let id = item.id(&self.head, index);
        if let Item::Call(call) = item {
            call.arguments.push_str(&piece);
        }
        let members = vec![("item_id", id.into()), ("output_index", place(index)), ("delta", piece.into())];
        self.event("response.function_call_arguments.delta", members, out);
        Ok(())
    }
}

impl WriteEvents for Writer {
    fn write(&mut self, delta: Delta, out: &mut Vec<String>) -> Result<(), Garbled> {
        match delta {
            Delta::Head(head) => {
                self.head = head;
                self.begin(out);
            }
            Delta::Text(text) => self.say(text, out)?,
            Delta::Call { number, id, name, signature } => {
                self.hold(&id)?;
                self.hold(&name)?;
                let called = Called { id, name, arguments: String::new(), signature };
                self.start(Open { item: Item::Call(called), call: Some(number) }, out);
            }
            Delta::Arguments { number, piece } => self.argue(number, piece, out)?,
            Delta::Usage(usage) => self.usage = Some(self.usage.unwrap_or_default().merged(usage)),
            Delta::Finish(finish) => self.finish = finish,
            // These models do not show their thoughts, and the end is asked for by `close`.
            Delta::Thought(_) | Delta::End => {}
        }
        Ok(())
    }

    fn close(&mut self, out: &mut Vec<String>) -> Result<(), Garbled> {
        let status = status(&self.finish);
        if self.open.is_none() && self.output.is_empty() {
            self.start(Open { item: Item::Message(String::new()), call: None }, out);
        }
        self.end(status, out);
        let output = std::mem::take(&mut self.output);
        let stage = Stage::Ended(&self.finish, output, self.usage.as_ref());
        let whole = response(&self.head, &self.manner, &self.echo, stage);
        let kind = if status == INCOMPLETE { "response.incomplete" } else { "response.completed" };
        self.event(kind, vec![("response", whole)], out);
        Ok(())
    }

    fn fail(&mut self, error: &Value) -> String {
        let error = &error["error"];
        let code = if error["code"].is_null() { &error["type"] } else { &error["code"] };
        // The reference has the words beside the type; OpenAI's own libraries raise only by an `error`.
        let members = vec![
            ("code", code.clone().into()),
            ("message", error["message"].clone().into()),
            ("param", Value::Null.into()),
            ("error", error.clone().into()),
        ];
        let mut out = Vec::new();
        self.event("error", members, &mut out);
        out.concat()
    }
}

fn place(index: usize) -> Tree {
    (index as u64).into()
}

/// Where a part of a message stands; messages have one.
fn at_part(id: String, index: usize) -> Vec<(&'static str, Tree)> {
    vec![("item_id", id.into()), ("output_index", place(index)), ("content_index", 0_u64.into())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_longer_than_is_held_is_none() {
        let (mut writer, mut out) = (Writer::new(Manner::default(), Echo::default()), Vec::new());
        let piece = "a".repeat(LONGEST / 2);
        assert_eq!(writer.write(Delta::Text(piece.clone()), &mut out), Ok(()));
        assert_eq!(writer.write(Delta::Text(piece), &mut out), Ok(()));
        assert_eq!(writer.write(Delta::Text("a".to_owned()), &mut out), Err(Garbled));
    }
}
