//! Looks at a request's body: by guards that understand it, while it is read and before anything of it is sent on.

use std::fmt;

use seawall_core::problem::Problem;
use smallvec::SmallVec;

use super::{Context, Flow, Head, Policy, Settle, Stop, Verdict};

/// One guard's look at one request's body.
pub trait Inspect: Send + fmt::Debug {
    /// Reads the next part. It is called with no more than 64 KiB, so that it never holds a core for long.
    ///
    /// # Errors
    /// The problem that the request is refused with, whatever follows. The body is not shown any further.
    fn part(&mut self, part: &[u8]) -> Result<(), Box<Problem>>;

    /// Bytes of memory that it holds of what it read. Asked after each part: what it takes beside the body counts in the same memory.
    fn held_bytes(&self) -> usize {
        0
    }

    /// The body is over; may change the head, or replace the body ([`Context::body`]).
    fn end(self: Box<Self>, head: &mut Head, context: &mut Context) -> Verdict;
}

/// What is known of a body before it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// How long it is said to be, in bytes; nothing when it comes in parts of unknown number.
    pub length: Option<u64>,
    /// Whether a guard that comes later wants what was read as a tree ([`Context::json`]).
    pub tree: bool,
}

impl Expected {
    /// Whether there is none.
    #[must_use]
    pub const fn empty(&self) -> bool {
        matches!(self.length, Some(0))
    }
}

/// The looks at one request's body.
#[derive(Debug)]
pub struct Inspection {
    /// With the place of each guard in its policy, in its order. Mostly there are one or two.
    looks: SmallVec<[(usize, Box<dyn Inspect>); 2]>,
}

impl Inspection {
    /// Whether nobody wants to see more, because each that looked reported what it saw.
    #[must_use]
    pub fn over(&self) -> bool {
        self.looks.is_empty()
    }

    /// Bytes of memory that all of them hold of what they read.
    #[must_use]
    pub fn held_bytes(&self) -> u64 {
        self.looks.iter().map(|(_, look)| look.held_bytes() as u64).sum()
    }
}

impl Policy {
    /// Asks the guards who of them looks at the body; nothing when none does. The head has passed all of them.
    pub fn inspect(
        &self,
        head: &mut Head,
        length: Option<u64>,
        context: &mut Context,
    ) -> Result<Option<Inspection>, Stop> {
        if self.phases.inspecting.is_empty() {
            return Ok(None);
        }
        let expected = Expected { length, tree: self.tree };
        let mut looks = SmallVec::new();
        for (place, step) in self.asked(self.phases.inspecting) {
            match step.guard.inspect(head, &expected, context) {
                Ok(None) => {}
                Ok(Some(look)) => looks.push((place, look)),
                Err(problem) => {
                    if let Some(stop) = self.stop(place, Stop::Refused(problem), context) {
                        return Err(stop);
                    }
                }
            }
        }
        Ok((!looks.is_empty()).then_some(Inspection { looks }))
    }

    /// Shows a part of the body to those who look.
    pub fn inspect_part(&self, inspection: &mut Inspection, part: &[u8], context: &mut Context) -> Option<Stop> {
        let mut next = 0;
        while let Some((place, look)) = inspection.looks.get_mut(next) {
            match look.part(part) {
                Ok(()) => next += 1,
                Err(problem) => {
                    let stopped = self.stop(*place, Stop::Refused(problem), context);
                    if stopped.is_some() {
                        return stopped;
                    }
                    inspection.looks.remove(next);
                }
            }
        }
        None
    }

    /// No more of the body can be held than was shown, for this problem. Those who enforce refuse with it; those who report record it, and
    /// see no more.
    pub fn inspect_no_further(
        &self,
        inspection: &mut Inspection,
        problem: &Problem,
        context: &mut Context,
    ) -> Option<Stop> {
        inspection
            .looks
            .drain(..)
            .find_map(|(place, _)| self.stop(place, Stop::Refused(Box::new(problem.clone())), context))
    }

    /// The whole body was shown: what each of those says who looked at it.
    pub fn inspected(&self, inspection: &mut Inspection, head: &mut Head, context: &mut Context) -> Flow {
        while !inspection.looks.is_empty() {
            let (place, look) = inspection.looks.remove(0);
            let verdict = look.end(head, context);
            match self.judge(place, verdict, context) {
                Flow::Pass => {}
                other => return other,
            }
        }
        Flow::Pass
    }

    /// Goes on after the wait of one of them.
    pub fn inspected_after(
        &self,
        place: usize,
        settle: Settle,
        inspection: &mut Inspection,
        head: &mut Head,
        context: &mut Context,
    ) -> Flow {
        let verdict = settle(head, context);
        match self.judge(place, verdict, context) {
            Flow::Pass => self.inspected(inspection, head, context),
            other => other,
        }
    }
}
