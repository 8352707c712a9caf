//! A call for an answer, whichever dialect it was made in.

use serde_json::Value;

/// What is asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Ask {
    pub(super) model: String,
    /// The last text of the user.
    pub(super) prompt: String,
    /// Characters of all texts.
    pub(super) characters: usize,
    pub(super) images: usize,
    pub(super) tools: Vec<Tool>,
    pub(super) choice: Choice,
    /// What a tool said, when that is the last turn.
    pub(super) tool_result: Option<String>,
    pub(super) format: Format,
    pub(super) max_tokens: Option<usize>,
    /// Texts before which the answer ends.
    pub(super) stop: Vec<String>,
    /// How many answers.
    pub(super) choices: usize,
    pub(super) stream: bool,
    /// Whether a stream tells its usage, where a dialect leaves that to the client.
    pub(super) stream_usage: bool,
    /// Whether a stream is one JSON array (Gemini without `alt=sse`).
    pub(super) array: bool,
}

/// A tool that may be called.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tool {
    pub(super) name: String,
    /// Of its arguments.
    pub(super) schema: Value,
}

/// Whether tools are called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Choice {
    /// When the prompt asks for it.
    #[default]
    Auto,
    Never,
    Always,
    Named(String),
}

/// What the text has to be.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Format {
    #[default]
    Text,
    Json,
    Schema(Value),
}

impl Ask {
    /// The end of all ids of this call.
    pub(super) fn id(&self) -> String {
        format!("{:016x}", hash(format!("{}\n{}", self.model, self.prompt).as_bytes()))
    }

    /// Tokens of what was sent. An image counts 85, as OpenAI counts one of low detail.
    pub(super) fn input_tokens(&self) -> usize {
        self.characters.div_ceil(4) + 85 * self.images
    }

    /// Counts a text that is not the prompt, or may be.
    pub(super) fn count(&mut self, text: &str) {
        self.characters += text.chars().count();
    }
}

/// Text and images of content, which is a text or a list of parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) text: String,
    pub(super) images: usize,
}

impl Content {
    pub(super) fn of(value: &Value) -> Self {
        let mut content = Self::default();
        match value {
            Value::String(text) => content.text.push_str(text),
            Value::Array(parts) => parts.iter().for_each(|part| content.add(part)),
            _ => {}
        }
        content
    }

    fn add(&mut self, part: &Value) {
        let kind = part["type"].as_str().unwrap_or_default();
        if let Some(text) = part["text"].as_str().or_else(|| part.as_str()) {
            if !self.text.is_empty() {
                self.text.push(' ');
            }
            self.text.push_str(text);
        } else if kind.contains("image") || part.get("inlineData").or_else(|| part.get("fileData")).is_some() {
            self.images += 1;
        }
    }
}

/// Tokens of a text.
pub(super) fn tokens(text: &str) -> usize {
    text.chars().count().div_ceil(4)
}

/// A text as its tokens.
pub(super) fn pieces(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    characters.chunks(4).map(|token| token.iter().collect()).collect()
}

/// A text or a list of texts.
pub(super) fn texts(value: &Value) -> Vec<String> {
    let listed = value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice);
    listed.iter().filter_map(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned).collect()
}

/// A number as JSON has it, as a count.
pub(super) fn count(value: &Value) -> Option<usize> {
    value.as_u64().and_then(|count| usize::try_from(count).ok())
}

/// FNV-1a, with every bit mixed into every other as in `MurmurHash3`: the same on every machine and in every version.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    let folded = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325, folded);
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}
