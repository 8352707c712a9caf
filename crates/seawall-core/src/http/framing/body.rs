//! The body of a message, followed to its last byte.

use super::{Limits, chunks::Chunks, progress::Fault, progress::wide};

/// Where a body ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Body {
    /// After this many more bytes; never none.
    Length(u64),
    /// After its last chunk.
    Chunks(Chunks),
    /// With the connection.
    UntilClose,
}

/// One step through a body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// Bytes that pass.
    pub(super) passed: usize,
    /// How many of them are content.
    pub(super) content: u64,
    /// Whether the message ends with them.
    pub(super) ended: bool,
}

impl Step {
    /// More bytes are needed.
    pub(super) const NONE: Self = Self::framing(0);

    /// Bytes of framing pass.
    pub(super) const fn framing(passed: usize) -> Self {
        Self { passed, content: 0, ended: false }
    }

    /// Bytes of framing pass, and the message ends.
    pub(super) const fn end(passed: usize) -> Self {
        Self { passed, content: 0, ended: true }
    }

    /// What has come of `left` bytes of content passes, unseen.
    pub(super) fn content(held: &[u8], left: u64) -> Self {
        let content = left.min(wide(held.len()));
        // At most as many as are held, which is a count of memory.
        let passed = usize::try_from(content).unwrap_or(held.len());
        Self { passed, content, ended: false }
    }
}

impl Body {
    /// Follows the body through the bytes held.
    pub(super) fn step(&mut self, held: &[u8], limits: &Limits) -> Result<Step, Fault> {
        match self {
            Self::Length(left) => {
                let step = Step::content(held, *left);
                *left -= step.content;
                Ok(Step { ended: *left == 0, ..step })
            }
            Self::Chunks(chunks) => chunks.step(held, limits),
            Self::UntilClose => Ok(Step::content(held, u64::MAX)),
        }
    }
}
