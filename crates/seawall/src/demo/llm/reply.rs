//! What the model answers: a function of what it was asked and of how it behaves.

use serde_json::{Value, json};

use super::{
    ask::{Ask, Choice, Format, Tool, pieces, tokens},
    behaviour::{Behaviour, Says, Trouble},
    sample, studio,
};

/// Stands where a whole answer that is far too long is filled.
pub(super) const FILLED: &str = "«filled»";

/// An answer, for each dialect to write down.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reply {
    /// Empty when a tool is called.
    pub(super) text: String,
    pub(super) call: Option<ToolCall>,
    pub(super) finish: Finish,
    /// The text of the call's that ended the answer.
    pub(super) stopped_by: Option<String>,
    pub(super) input_tokens: usize,
    /// Of one answer.
    pub(super) output_tokens: usize,
    /// Whether tokens are told.
    pub(super) usage: bool,
}

/// A call of a tool.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ToolCall {
    pub(super) name: String,
    pub(super) arguments: Value,
}

/// Why the answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finish {
    Stop,
    Length,
    ToolCall,
    Refusal,
}

impl Reply {
    pub(super) fn new(ask: &Ask, behaviour: &Behaviour) -> Self {
        let reply = Self {
            text: String::new(),
            call: None,
            finish: Finish::Stop,
            stopped_by: None,
            input_tokens: ask.input_tokens(),
            output_tokens: 0,
            usage: !behaviour.no_usage,
        };
        match behaviour.says {
            Says::Refusal => Self { finish: Finish::Refusal, ..reply }.saying("I cannot help with that.".to_owned()),
            Says::Tokens(count) => reply.saying("tok ".repeat(count)).limited(ask.max_tokens),
            Says::Length => {
                let text = said(ask);
                let half = tokens(&text).div_ceil(2);
                Self { finish: Finish::Length, ..reply }.saying(text).limited(Some(half))
            }
            Says::Studio => reply.saying(studio::answer(ask).unwrap_or_else(|| said(ask))).limited(ask.max_tokens),
            Says::Echo | Says::Context => {
                if behaviour.trouble == Some(Trouble::Oversized) && !ask.stream {
                    return reply.saying(FILLED.to_owned());
                }
                match tool(ask) {
                    Some(tool) => reply.calling(tool, &ask.prompt),
                    None => reply.saying(said(ask)).stopped(&ask.stop).limited(ask.max_tokens),
                }
            }
        }
    }

    /// The text as its tokens.
    pub(super) fn pieces(&self) -> Vec<String> {
        pieces(&self.text)
    }

    fn saying(self, text: String) -> Self {
        Self { output_tokens: tokens(&text), text, ..self }
    }

    fn calling(self, tool: &Tool, prompt: &str) -> Self {
        let arguments = sample::of(&tool.schema, prompt);
        let output_tokens = tokens(&tool.name) + tokens(&arguments.to_string());
        let call = ToolCall { name: tool.name.clone(), arguments };
        Self { call: Some(call), finish: Finish::ToolCall, output_tokens, ..self }
    }

    /// Ends before the first of these.
    fn stopped(self, stop: &[String]) -> Self {
        let found = stop.iter().filter_map(|stop| Some((self.text.find(stop)?, stop))).min();
        match found.and_then(|(at, stop)| Some((self.text.get(..at)?.to_owned(), stop.clone()))) {
            Some((text, stop)) => Self { stopped_by: Some(stop), ..self }.saying(text),
            None => self,
        }
    }

    fn limited(self, most: Option<usize>) -> Self {
        match most {
            Some(most) if most < self.output_tokens => {
                let text = self.pieces().into_iter().take(most).collect();
                Self { text, output_tokens: most, finish: Finish::Length, stopped_by: None, ..self }
            }
            _ => self,
        }
    }
}

/// The tool that the prompt asks for.
fn tool(ask: &Ask) -> Option<&Tool> {
    if ask.tool_result.is_some() {
        return None;
    }
    let named = ask.tools.iter().find(|tool| ask.prompt.contains(&tool.name));
    match &ask.choice {
        Choice::Never => None,
        Choice::Named(name) => ask.tools.iter().find(|tool| tool.name == *name),
        Choice::Always => named.or_else(|| ask.tools.first()),
        Choice::Auto => named.or_else(|| ask.tools.first().filter(|_| ask.prompt.contains("use a tool"))),
    }
}

fn said(ask: &Ask) -> String {
    let text = match (&ask.tool_result, ask.prompt.strip_prefix("say: ")) {
        (Some(result), _) => format!("The tool said: {result}"),
        (None, Some(text)) => text.to_owned(),
        (None, None) if ask.prompt.is_empty() => "You said nothing.".to_owned(),
        (None, None) => format!("You said: {}", ask.prompt),
    };
    let text = match ask.images {
        0 => text,
        1 => format!("{text} (with 1 image)"),
        images => format!("{text} (with {images} images)"),
    };
    match &ask.format {
        Format::Text => text,
        Format::Json => json!({ "answer": text }).to_string(),
        Format::Schema(schema) => sample::of(schema, &text).to_string(),
    }
}

#[cfg(test)]
mod tests;
