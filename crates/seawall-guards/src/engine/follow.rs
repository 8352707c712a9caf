//! Looks at an answer as it passes: by guards that only tell what they see. Nothing is held back, changed or replaced.

use std::fmt;

use super::{AnswerHead, Context, Policy};

/// One guard's look at one answer of the application.
pub trait Follow: Send + fmt::Debug {
    /// Sees the next part, of no more than 64 KiB, before the client does. Whether it wants more; otherwise it is dropped. Whoever shows
    /// the part has made room for a copy of it.
    fn part(&mut self, part: &[u8]) -> bool;

    /// No more of the body comes; all of it came when it is `whole`. What is left to do is done off the answer's way.
    fn end(self: Box<Self>, whole: bool) -> Option<Rest>;
}

/// What is left to do when an answer is over, which may take long.
pub type Rest = Box<dyn FnOnce() + Send>;

/// The looks at one answer.
#[derive(Debug)]
pub struct Following {
    follows: Vec<Box<dyn Follow>>,
}

impl Following {
    /// Shows a part of the body. Whether anybody wants to see more.
    pub fn part(&mut self, part: &[u8]) -> bool {
        self.follows.retain_mut(|follow| follow.part(part));
        !self.follows.is_empty()
    }

    /// The body is over, or not shown any further: what is left to do, which needs the room of the copies until it is done.
    #[must_use]
    pub fn end(self, whole: bool) -> Vec<Rest> {
        self.follows.into_iter().filter_map(|follow| follow.end(whole)).collect()
    }
}

impl Policy {
    /// Asks the guards who of them looks at the application's answer; nothing when none does. Asked before [`Policy::answer`], so that
    /// they see what the application said.
    pub fn follow(&self, answer: &AnswerHead, context: &mut Context) -> Option<Following> {
        if self.phases.following.is_empty() {
            return None;
        }
        let asked = self.asked(self.phases.following);
        let follows: Vec<_> = asked.filter_map(|(_, step)| step.guard.follow(answer, context)).collect();
        (!follows.is_empty()).then_some(Following { follows })
    }
}
