//! What is asked, whichever dialect it was asked in.

use std::collections::HashMap;

use serde_json::Number;

use super::{
    members::{Told, Unsaid},
    tree::Raw,
};

/// A question.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Conversation {
    pub(super) system: Vec<String>,
    pub(super) turns: Vec<Turn>,
    pub(super) tools: Vec<Tool>,
    pub(super) choice: Option<Choice>,
    /// Whether several tools may be called at once, where the call says so.
    pub(super) parallel: Option<bool>,
    pub(super) sampling: Sampling,
    /// How long the answer may be, in tokens.
    pub(super) most_output: Option<u64>,
    pub(super) stop: Vec<String>,
    pub(super) format: Format,
    pub(super) effort: Option<Effort>,
    pub(super) wants: Wants,
}

/// How the answer is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wants {
    /// Event by event.
    pub(super) stream: bool,
    /// With its usage, where a dialect leaves that to the caller.
    pub(super) usage: bool,
    /// With what was thought, where a dialect leaves that to the caller.
    pub(super) thoughts: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sampling {
    pub(super) temperature: Option<Number>,
    pub(super) top_p: Option<Number>,
    pub(super) top_k: Option<u64>,
    pub(super) presence_penalty: Option<Number>,
    pub(super) frequency_penalty: Option<Number>,
    pub(super) seed: Option<Number>,
}

/// What one of the two said, until the other speaks.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Turn {
    pub(super) role: Role,
    pub(super) parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    User,
    Assistant,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Part {
    Text(String),
    Image(Image),
    Call(Call),
    Outcome(Outcome),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Image {
    /// Base64.
    Data {
        media_type: String,
        data: String,
    },
    Address(String),
}

/// A call of a tool.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    pub(super) id: String,
    pub(super) name: String,
    /// An object.
    pub(super) arguments: Raw,
    /// What a model has to be shown again of its thoughts (Gemini's `thoughtSignature`).
    pub(super) signature: Option<String>,
}

/// What a tool said.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Outcome {
    /// Of the call.
    pub(super) id: String,
    /// Of the tool.
    pub(super) name: String,
    /// Texts and images.
    pub(super) said: Vec<Part>,
    pub(super) failed: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tool {
    pub(super) name: String,
    pub(super) description: Option<String>,
    /// A JSON schema.
    pub(super) parameters: Option<Raw>,
    pub(super) strict: Option<bool>,
}

/// Whether tools are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    Auto,
    Never,
    Always,
    Named(String),
}

/// What the text of the answer has to be.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Format {
    #[default]
    Text,
    Json,
    Schema {
        name: Option<String>,
        description: Option<String>,
        schema: Raw,
        strict: Option<bool>,
    },
}

/// How long to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effort {
    None,
    Minimal,
    Low,
    Medium,
    High,
    Most,
}

impl Effort {
    /// The effort of so many tokens of thoughts; the steps are those of Google's translation of OpenAI's words.
    pub(super) const fn of_budget(tokens: u64) -> Self {
        match tokens {
            0 => Self::None,
            1..=1_024 => Self::Low,
            1_025..=8_192 => Self::Medium,
            _ => Self::High,
        }
    }
}

/// Turns as they are read.
#[derive(Debug, Default)]
pub(super) struct Turns {
    turns: Vec<Turn>,
    /// The tool of each call.
    names: HashMap<String, String>,
}

impl Turns {
    /// How many turns there are.
    pub(super) const fn len(&self) -> usize {
        self.turns.len()
    }

    /// Adds what one of them said. Empty texts say nothing, and two dialects refuse them.
    pub(super) fn say(&mut self, role: Role, part: Part) {
        if matches!(&part, Part::Text(text) if text.is_empty()) {
            return;
        }
        match self.turns.last_mut().filter(|turn| turn.role == role) {
            Some(turn) => turn.parts.push(part),
            None => self.turns.push(Turn { role, parts: vec![part] }),
        }
    }

    pub(super) fn call(&mut self, call: Call) {
        self.names.insert(call.id.clone(), call.name.clone());
        self.say(Role::Assistant, Part::Call(call));
    }

    /// Adds what a tool said to the call of this id, which stands at `place`.
    pub(super) fn outcome(&mut self, id: String, said: Vec<Part>, failed: bool, place: &str) -> Told<()> {
        let name = self.names.get(&id).cloned();
        let name = name.ok_or_else(|| Unsaid(format!("`{place}` answers no call of a tool before it")))?;
        self.say(Role::User, Part::Outcome(Outcome { id, name, said, failed }));
        Ok(())
    }

    /// All turns; what tools said comes first in each, because Anthropic wants it there.
    pub(super) fn done(mut self) -> Vec<Turn> {
        for turn in &mut self.turns {
            turn.parts.sort_by_key(|part| turn.role == Role::User && !matches!(part, Part::Outcome(_)));
        }
        self.turns
    }
}

/// The texts of these parts as one; nothing where one of them is no text.
pub(super) fn only_text(parts: &[Part]) -> Option<String> {
    let texts = parts.iter().map(|part| match part {
        Part::Text(text) => Some(text.as_str()),
        _ => None,
    });
    Some(texts.collect::<Option<Vec<_>>>()?.join("\n"))
}

/// The image of a `data:` address; nothing when it is none, or not in base64.
pub(super) fn of_data_url(url: &str) -> Option<Image> {
    let (media_type, data) = url.strip_prefix("data:")?.split_once(";base64,")?;
    Some(Image::Data { media_type: media_type.to_owned(), data: data.to_owned() })
}
