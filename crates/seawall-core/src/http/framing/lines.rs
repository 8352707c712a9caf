//! Lines out of bytes that arrive in pieces.

use super::{LineEnds, Rule, octets::find_control};

/// How far a part of a message (a head, a chunk-size line, the trailers) was read. Offsets count from the first byte of the
/// part, which is the first byte that the caller holds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lines {
    /// Where the line that is being read begins.
    start: usize,
    /// Everything before this was searched.
    scanned: usize,
}

/// How far lines may reach.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    /// Bytes of the part, to the end of the line.
    pub(super) bytes: usize,
    /// What is broken beyond.
    pub(super) beyond: Rule,
    /// How the line may end.
    pub(super) ends: LineEnds,
}

impl Lines {
    /// The next line, without its end; nothing when it has not come whole. It holds no control character but tabs.
    ///
    /// Invariant: what is found depends on the bytes alone, never on how they were cut. So nothing beyond the reach is
    /// looked at, even when it has come.
    pub(super) fn next<'a>(&mut self, held: &'a [u8], reach: Reach) -> Result<Option<&'a [u8]>, Rule> {
        let window = held.get(..reach.bytes).unwrap_or(held);
        let rest = window.get(self.scanned..).unwrap_or_default();
        let Some(found) = find_control(rest) else {
            self.scanned = window.len();
            return self.wait(held, reach);
        };
        let at = self.scanned + found;
        let end = match rest.get(found..).unwrap_or_default() {
            [b'\r', b'\n', ..] => at + 2,
            [b'\n', ..] if reach.ends == LineEnds::Tolerant => at + 1,
            [b'\n', ..] => return Err(Rule::BareLineFeed),
            [b'\r'] => {
                self.scanned = at;
                return self.wait(held, reach);
            }
            [b'\r', ..] => return Err(Rule::BareCarriageReturn),
            _ => return Err(Rule::ControlCharacter),
        };
        let line = window.get(self.start..at).unwrap_or_default();
        *self = Self { start: end, scanned: end };
        Ok(Some(line))
    }

    /// Where the line that is being read begins.
    pub(super) const fn start(&self) -> usize {
        self.start
    }

    fn wait<'a>(self, held: &[u8], reach: Reach) -> Result<Option<&'a [u8]>, Rule> {
        if held.len() > reach.bytes { Err(reach.beyond) } else { Ok(None) }
    }
}
