//! What a look at the bytes found, and how far a connection has come.

use super::{Refusal, Rule};

/// What one look found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    /// How many of the bytes shown, from the front, may be passed on. The rest is held and shown again.
    pub passed: usize,
    /// How it goes on.
    pub outcome: Outcome,
}

/// How it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// More bytes may come.
    Go,
    /// The bytes after those that passed are refused, and all that come later. Nothing of them may be passed on.
    Refuse(Refusal),
    /// Another protocol speaks: everything passes unseen.
    Upgraded,
}

/// How far one direction of a connection has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that passed.
    pub bytes: u64,
    /// Heads that passed, those of interim answers too.
    pub heads: u64,
    /// Messages that passed to their last byte, interim answers too.
    pub messages: u64,
    /// Bytes of content in bodies, without the framing of chunks.
    pub content_bytes: u64,
}

/// Something that must not be passed on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault {
    pub(super) rule: Rule,
    /// Where the line begins that breaks the rule, counted from the first byte held.
    pub(super) at: usize,
}

/// A count of bytes, as it is counted over a connection.
pub(super) fn wide(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
