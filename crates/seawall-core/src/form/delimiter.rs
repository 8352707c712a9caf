//! The search for the next boundary, in content that arrives in parts.

use super::{Boundary, Fault};
use crate::word::until;

/// Where the front of a boundary's line was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    /// At a whole line end.
    LineEnd,
    /// At a bare line feed, or where no line end can stand: nothing may be a boundary there, because for some readers it would be one.
    Elsewhere(usize),
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Content.
    Content,
    /// A boundary, whose line goes on.
    Boundary,
}

/// The search. A line end stands only at the front of what is searched for, so that what turns out to be none never hides the start of
/// another.
#[derive(Debug)]
pub(super) struct Delimiter {
    boundary: Boundary,
    /// How many bytes of the boundary's line were found, and from where.
    matched: usize,
    from: From,
}

impl Delimiter {
    /// At the start of a form, where the first boundary stands without a line end.
    pub(super) const fn new(boundary: Boundary) -> Self {
        Self { boundary, matched: 2, from: From::Elsewhere(2) }
    }

    /// What stands before each part but the first: a line end, two hyphens and the boundary.
    pub(super) fn line(&self) -> &[u8] {
        self.boundary.line()
    }

    /// Content begins.
    pub(super) const fn begin(&mut self) {
        self.matched = 2;
        self.from = From::Elsewhere(2);
    }

    /// The first boundary: takes bytes of it, whether it is whole.
    pub(super) fn open(&mut self, rest: &mut &[u8]) -> Result<bool, Fault> {
        while let Some((&byte, after)) = rest.split_first() {
            if self.next() != Some(byte) {
                return Err(Fault::Preamble);
            }
            *rest = after;
            self.matched += 1;
            if self.next().is_none() {
                self.matched = 0;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes content from the front and tells it, up to a boundary or to the end of what is there.
    pub(super) fn content(
        &mut self,
        rest: &mut &[u8],
        mut tell: impl FnMut(&[u8]) -> Result<(), Fault>,
    ) -> Result<Found, Fault> {
        loop {
            if self.matched == 0 {
                let (content, after) = rest.split_at_checked(line_end(rest)).unwrap_or((rest, &[]));
                tell(content)?;
                *rest = after;
            }
            let Some((&byte, after)) = rest.split_first() else { return Ok(Found::Content) };
            match (self.matched, byte) {
                (0, b'\r') => (self.matched, self.from) = (1, From::LineEnd),
                (0, _) => (self.matched, self.from) = (2, From::Elsewhere(1)),
                _ if self.next() == Some(byte) => self.matched += 1,
                _ => {
                    let from = if let From::Elsewhere(from) = self.from { from } else { 0 };
                    let matched = std::mem::take(&mut self.matched);
                    tell(self.boundary.line().get(from..matched).unwrap_or_default())?;
                    continue;
                }
            }
            *rest = after;
            if self.next().is_none() {
                self.matched = 0;
                return if self.from == From::LineEnd { Ok(Found::Boundary) } else { Err(Fault::BadDelimiter) };
            }
        }
    }

    /// The next byte of the boundary's line; nothing when it is whole.
    fn next(&self) -> Option<u8> {
        self.boundary.line().get(self.matched).copied()
    }
}

/// How many bytes at the front end no line.
fn line_end(bytes: &[u8]) -> usize {
    until(bytes, |byte| (byte == b'\r') | (byte == b'\n'))
}
