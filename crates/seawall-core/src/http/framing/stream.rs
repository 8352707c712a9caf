//! One direction of a connection: a head, its body, and the next head.

use super::{
    Checked, Limits, Outcome, Progress, Refusal, Rule, Side,
    body::{Body, Step},
    progress::{Fault, wide},
};

/// How the heads of one direction are read.
pub(super) trait Heads {
    /// Whose heads they are.
    const SIDE: Side;

    /// Reads on in a head. The length of the head and what follows it, once it has come whole and is right.
    fn read(&mut self, held: &[u8], limits: &Limits) -> Result<Option<(usize, After)>, Fault>;
}

/// What follows a head.
#[derive(Clone, Copy, Debug)]
pub(super) enum After {
    /// Another head.
    Head,
    /// A body.
    Body(Body),
    /// Another protocol.
    Upgrade,
}

/// One direction of a connection.
#[derive(Debug)]
pub(super) struct Stream<H> {
    pub(super) heads: H,
    limits: Limits,
    part: Part,
    progress: Progress,
    /// Bytes shown at the last look that did not pass.
    held: usize,
}

#[derive(Clone, Copy, Debug)]
enum Part {
    Head,
    Body(Body),
    Upgraded,
    Refused(Refusal),
}

impl<H: Heads> Stream<H> {
    pub(super) fn new(heads: H, limits: Limits) -> Self {
        Self { heads, limits, part: Part::Head, progress: Progress::default(), held: 0 }
    }

    pub(super) fn check(&mut self, held: &[u8]) -> Checked {
        let mut passed = 0;
        // Invariant: a step that goes on passes at least one byte, so that the loop ends.
        loop {
            match self.step(held.get(passed..).unwrap_or_default()) {
                Ok(0) => break,
                Ok(bytes) => {
                    passed += bytes;
                    self.progress.bytes += wide(bytes);
                }
                Err(fault) => {
                    self.part = Part::Refused(self.refusal(fault));
                    break;
                }
            }
        }
        self.held = held.len().saturating_sub(passed);
        let outcome = match self.part {
            Part::Head | Part::Body(_) => Outcome::Go,
            Part::Upgraded => Outcome::Upgraded,
            Part::Refused(refusal) => Outcome::Refuse(refusal),
        };
        Checked { passed, outcome }
    }

    pub(super) fn at_end(&self) -> Result<(), Refusal> {
        match self.part {
            Part::Refused(refusal) => Err(refusal),
            Part::Head if self.held == 0 => Ok(()),
            Part::Upgraded | Part::Body(Body::UntilClose) => Ok(()),
            Part::Head | Part::Body(_) => Err(self.refusal(Fault { rule: Rule::CutShort, at: 0 })),
        }
    }

    pub(super) fn upgraded(&mut self) {
        if !matches!(self.part, Part::Refused(_)) {
            self.part = Part::Upgraded;
        }
    }

    pub(super) const fn between_messages(&self) -> bool {
        matches!(self.part, Part::Head) && self.held == 0
    }

    pub(super) const fn progress(&self) -> Progress {
        self.progress
    }

    /// How many bytes pass in one step; none when more are needed.
    fn step(&mut self, rest: &[u8]) -> Result<usize, Fault> {
        match &mut self.part {
            Part::Upgraded => Ok(rest.len()),
            Part::Refused(_) => Ok(0),
            Part::Head => {
                let Some((bytes, after)) = self.heads.read(rest, &self.limits)? else { return Ok(0) };
                self.progress.heads += 1;
                self.part = match after {
                    After::Head => Part::Head,
                    After::Body(body) => Part::Body(body),
                    After::Upgrade => Part::Upgraded,
                };
                if !matches!(after, After::Body(_)) {
                    self.progress.messages += 1;
                }
                Ok(bytes)
            }
            Part::Body(body) => {
                let Step { passed, content, ended } = body.step(rest, &self.limits)?;
                self.progress.content_bytes += content;
                if ended {
                    self.part = Part::Head;
                    self.progress.messages += 1;
                }
                Ok(passed)
            }
        }
    }

    fn refusal(&self, fault: Fault) -> Refusal {
        Refusal { rule: fault.rule, side: H::SIDE, offset: self.progress.bytes + wide(fault.at) }
    }
}
