//! What is answered, whichever dialect it was answered in: as a whole, or delta by delta.

use super::{conversation::Call, tree::Raw};
use crate::llm::usage::Usage;

/// An answer that is here as a whole.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reply {
    pub(super) head: Head,
    pub(super) said: Vec<Said>,
    pub(super) finish: Finish,
    pub(super) usage: Option<Usage>,
}

/// What an answer is called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) id: String,
    /// As the provider calls it.
    pub(super) model: String,
}

/// A part of an answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Said {
    Text(String),
    Thought(String),
    Call(Call),
}

/// Why an answer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finish {
    pub(super) why: Why,
    /// The provider's own word, where it says more than `why` does.
    pub(super) native: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// The model was done.
    Stop,
    /// It came to this stop sequence.
    Sequence(Option<String>),
    Length,
    Calls,
    Filtered,
    /// It did not come to an end, for a reason that other dialects do not know.
    Incomplete,
}

impl Finish {
    pub(super) const fn plain(why: Why) -> Self {
        Self { why, native: None }
    }

    pub(super) fn native(why: Why, word: &str) -> Self {
        Self { why, native: Some(word).filter(|word| !word.is_empty()).map(str::to_owned) }
    }

    /// Of a stream whose provider ended it and did not say why.
    pub(super) const fn untold() -> Self {
        Self::plain(Why::Incomplete)
    }

    /// The same, where tools were called: some servers say of that only that the answer stopped.
    pub(super) fn with_calls(self, calls: bool) -> Self {
        if calls && self.why == Why::Stop { Self { why: Why::Calls, ..self } } else { self }
    }
}

/// A part of a streamed answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Delta {
    Head(Head),
    Text(String),
    Thought(String),
    /// A call of a tool begins; calls are numbered from 0.
    Call {
        number: usize,
        id: String,
        name: String,
        signature: Option<String>,
    },
    /// More of the text of a call's arguments.
    Arguments {
        number: usize,
        piece: String,
    },
    Usage(Usage),
    Finish(Finish),
    /// Nothing comes after it.
    End,
}

/// The id of a call for which its provider has none. It depends on where the call stands only, and no other call of the conversation has it.
pub(super) fn made_id(turn: usize, number: usize) -> String {
    format!("call_{turn}_{number}")
}

/// Arguments as an object, which some servers send as an empty text; nothing when they are none.
pub(super) fn arguments(text: &str) -> Option<Raw> {
    Raw::object(if text.trim().is_empty() { "{}" } else { text })
}

/// How a caller is told.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Manner {
    /// When the call came, in seconds since 1970.
    pub(super) created_s: u64,
    /// Whether a stream tells its usage, where a dialect leaves that to the caller.
    pub(super) usage: bool,
    /// Whether thoughts are told, where a dialect leaves that to the caller.
    pub(super) thoughts: bool,
    /// Whether a stream is one JSON array (Gemini without `alt=sse`).
    pub(super) array: bool,
}
