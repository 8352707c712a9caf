//! A streamed answer in Gemini's words, read and written.

use serde_json::Value;

use super::reply::{Generated, blocked, finish, generated, part};
use crate::llm::{
    translate::{
        conversation::Call,
        live::{Garbled, ReadEvents, WriteEvents},
        reply::{Delta, Finish, Head, Manner, Said, arguments},
        tree::Tree,
    },
    usage::Usage,
};

/// The longest arguments of a call that are held until they are here as a whole, in bytes.
const LONGEST_ARGUMENTS: usize = 16 * 1024 * 1024;

/// Reads parts, each of which is an answer of its own.
#[derive(Debug)]
pub(in crate::llm::translate) struct Reader {
    turn: usize,
    begun: bool,
    calls: usize,
}

impl Reader {
    pub(in crate::llm::translate) const fn new(turn: usize) -> Self {
        Self { turn, begun: false, calls: 0 }
    }
}

impl ReadEvents for Reader {
    fn read(&mut self, data: &str, deltas: &mut Vec<Delta>) -> Result<(), Garbled> {
        let told: Generated<'_> = serde_json::from_str(data).map_err(|_| Garbled)?;
        if !std::mem::replace(&mut self.begun, true) {
            deltas.push(Delta::Head(Head { id: told.response_id, model: told.model_version }));
        }
        deltas.extend(told.usage_metadata.map(|usage| Delta::Usage(usage.into())));
        let Some(candidate) = told.candidates.into_iter().next() else {
            deltas.extend(told.prompt_feedback.as_ref().map(|feedback| Delta::Finish(blocked(feedback))));
            return Ok(());
        };
        for part in candidate.content.map(|content| content.parts).unwrap_or_default() {
            let number = self.calls;
            match part.read(self.turn, &mut self.calls).ok_or(Garbled)? {
                Some(Said::Text(text)) => deltas.push(Delta::Text(text)),
                Some(Said::Thought(text)) => deltas.push(Delta::Thought(text)),
                Some(Said::Call(Call { id, name, arguments, signature })) => {
                    deltas.push(Delta::Call { number, id, name, signature });
                    deltas.push(Delta::Arguments { number, piece: arguments.as_str().to_owned() });
                }
                None => {}
            }
        }
        let end = candidate.finish_reason.map(|word| finish(&word).with_calls(self.calls > 0));
        deltas.extend(end.map(Delta::Finish));
        Ok(())
    }
}

/// A call whose arguments are not here as a whole.
#[derive(Debug)]
struct Held {
    number: usize,
    id: String,
    name: String,
    arguments: String,
}

/// Writes parts. A call is told as a whole, so its arguments are held until then.
#[derive(Debug)]
pub(in crate::llm::translate) struct Writer {
    manner: Manner,
    head: Head,
    begun: bool,
    held: Option<Held>,
    finish: Option<Finish>,
    usage: Option<Usage>,
}

impl Writer {
    pub(in crate::llm::translate) fn new(manner: Manner) -> Self {
        Self { manner, head: Head::default(), begun: false, held: None, finish: None, usage: None }
    }

    fn framed(&mut self, part: &str) -> String {
        let first = !std::mem::replace(&mut self.begun, true);
        match (self.manner.array, first) {
            (false, _) => format!("data: {part}\r\n\r\n"),
            (true, true) => format!("[{part}"),
            (true, false) => format!(",\r\n{part}"),
        }
    }

    fn part(&mut self, said: &Said, out: &mut Vec<String>) {
        if let Some(part) = part(said, &self.manner) {
            let part = generated(&self.head, vec![part], None, self.usage.as_ref()).text();
            out.push(self.framed(&part));
        }
    }

    /// Tells the call that is held.
    fn let_go(&mut self, out: &mut Vec<String>) -> Result<(), Garbled> {
        if let Some(Held { id, name, arguments: text, .. }) = self.held.take() {
            let arguments = arguments(&text).ok_or(Garbled)?;
            self.part(&Said::Call(Call { id, name, arguments, signature: None }), out);
        }
        Ok(())
    }
}

impl WriteEvents for Writer {
    fn write(&mut self, delta: Delta, out: &mut Vec<String>) -> Result<(), Garbled> {
        match delta {
            Delta::Head(head) => self.head = head,
            Delta::Text(text) => {
                self.let_go(out)?;
                self.part(&Said::Text(text), out);
            }
            Delta::Thought(text) => {
                self.let_go(out)?;
                self.part(&Said::Thought(text), out);
            }
            Delta::Call { number, id, name, signature: _ } => {
                self.let_go(out)?;
                self.held = Some(Held { number, id, name, arguments: String::new() });
            }
            Delta::Arguments { number, piece } => {
                let held = self.held.as_mut().filter(|held| held.number == number).ok_or(Garbled)?;
                if held.arguments.len() + piece.len() > LONGEST_ARGUMENTS {
                    return Err(Garbled);
                }
                held.arguments.push_str(&piece);
            }
            Delta::Usage(usage) => self.usage = Some(self.usage.unwrap_or_default().merged(usage)),
            Delta::Finish(finish) => {
                self.let_go(out)?;
                self.finish = Some(finish);
            }
            Delta::End => {}
        }
        Ok(())
    }

    fn close(&mut self, out: &mut Vec<String>) -> Result<(), Garbled> {
        self.let_go(out)?;
        let finish = self.finish.clone().unwrap_or_else(Finish::untold);
        let empty = Tree::Object(vec![("text".into(), "".into())]);
        let last = generated(&self.head, vec![empty], Some(&finish), self.usage.as_ref()).text();
        let end = if self.manner.array { "]" } else { "" };
        out.push(self.framed(&last) + end);
        Ok(())
    }

    fn fail(&mut self, error: &Value) -> String {
        let end = if self.manner.array { "]" } else { "" };
        self.framed(&error.to_string()) + end
    }
}
