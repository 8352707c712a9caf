//! Holds an answer's body: for guards that must have seen it, or kept it, before the client sees anything of the answer.

use std::{collections::VecDeque, fmt};

use seawall_core::reply::BoxFuture;

use super::{AnswerHead, Context, Policy, Stop};

/// One guard's hold on one answer.
pub trait Hold: Send + fmt::Debug {
    /// Whether it wants to see the body at all.
    fn wants(&self) -> bool {
        true
    }

    /// Reads the next part, of no more than 64 KiB. Whether the body is held further; when nobody holds it, what was held is sent and the
    /// rest streams.
    fn part(&mut self, part: &[u8]) -> bool;

    /// The bytes that it keeps of the body, beside the body itself.
    fn held_bytes(&self) -> usize {
        0
    }

    /// The body is over, or not held any further; may change the head. The body is `whole` when all of it was shown.
    fn end(self: Box<Self>, whole: bool, answer: &mut AnswerHead, context: &mut Context) -> Held;
}

/// What is said of an answer that was held.
pub enum Held {
    /// It goes to the client.
    Pass,
    /// Something else takes its place.
    Stop(Stop),
    /// It goes to the client, or is replaced, after a wait.
    Later(BoxFuture<'static, Option<Stop>>),
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pass => f.write_str("Pass"),
            Self::Stop(stop) => stop.fmt(f),
            Self::Later(_) => f.write_str("Later"),
        }
    }
}

/// The holds on one answer.
#[derive(Debug)]
pub struct Holding {
    /// With the place of each guard in its policy, the last first, and whether it wants more.
    holds: VecDeque<(usize, Box<dyn Hold>, bool)>,
}

impl Holding {
    /// Shows a part of the body to those who want more. Whether anybody does still.
    pub fn part(&mut self, part: &[u8]) -> bool {
        for (_, hold, more) in &mut self.holds {
            *more = *more && hold.part(part);
        }
        self.more()
    }

    /// The bytes that all of them keep, beside the body itself.
    #[must_use]
    pub fn held_bytes(&self) -> u64 {
        self.holds.iter().map(|(_, hold, _)| hold.held_bytes() as u64).sum()
    }

    /// Whether anybody wants to see more.
    #[must_use]
    pub fn more(&self) -> bool {
        self.holds.iter().any(|(.., more)| *more)
    }
}

impl Policy {
    /// Asks the guards who of them holds the answer; nothing when none does.
    pub fn hold(&self, answer: &AnswerHead, context: &mut Context) -> Option<Holding> {
        if self.phases.holding.is_empty() {
            return None;
        }
        let holds = self.asked(self.phases.holding).rev().filter_map(|(place, step)| {
            let hold = step.guard.hold(answer, context)?;
            let wants = hold.wants();
            Some((place, hold, wants))
        });
        let holds: VecDeque<_> = holds.collect();
        (!holds.is_empty()).then_some(Holding { holds })
    }

    /// The body is over, or nobody wants more of it: what each of those says who held it.
    pub fn held(&self, holding: &mut Holding, ended: bool, answer: &mut AnswerHead, context: &mut Context) -> HeldFlow {
        while let Some((place, hold, more)) = holding.holds.pop_front() {
            match hold.end(ended && more, answer, context) {
                Held::Pass => {}
                Held::Stop(stop) => {
                    if let Some(stop) = self.stop(place, stop, context) {
                        return HeldFlow::Stop(stop);
                    }
                }
                Held::Later(wait) => return HeldFlow::Later(place, wait),
            }
        }
        HeldFlow::Pass
    }

    /// Goes on after the wait of one of them.
    pub fn held_after(
        &self,
        (place, said): (usize, Option<Stop>),
        holding: &mut Holding,
        ended: bool,
        answer: &mut AnswerHead,
        context: &mut Context,
    ) -> HeldFlow {
        match said.and_then(|stop| self.stop(place, stop, context)) {
            Some(stop) => HeldFlow::Stop(stop),
            None => self.held(holding, ended, answer, context),
        }
    }
}

/// How far an answer came that was held.
pub enum HeldFlow {
    /// It goes to the client.
    Pass,
    /// Something else takes its place.
    Stop(Stop),
    /// A guard waits: await it, then [`Policy::held_after`] with this place.
    Later(usize, BoxFuture<'static, Option<Stop>>),
}

impl fmt::Debug for HeldFlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pass => f.write_str("Pass"),
            Self::Stop(stop) => stop.fmt(f),
            Self::Later(place, _) => write!(f, "Later({place})"),
        }
    }
}
