//! The hold on an answer that gets a tag, or is compared by the one it has.

use http::{HeaderValue, header::ETAG};
use seawall_core::http::{EntityTag, Strength, Tagging, Tags};

use super::answer::not_modified;
use crate::{AnswerHead, Context, Held, Hold, Stop};

/// An answer of which a tag is made.
#[derive(Debug)]
pub(super) struct Tagged {
    tagging: Tagging,
    strength: Strength,
    left_bytes: u64,
    has: Vec<HeaderValue>,
}

impl Tagged {
    pub(super) const fn new(tagging: Tagging, strength: Strength, most_bytes: u64, has: Vec<HeaderValue>) -> Self {
        Self { tagging, strength, left_bytes: most_bytes, has }
    }
}

impl Hold for Tagged {
    fn part(&mut self, part: &[u8]) -> bool {
        let Some(left) = self.left_bytes.checked_sub(part.len() as u64) else { return false };
        self.left_bytes = left;
        self.tagging.body(part);
        true
    }

    fn end(self: Box<Self>, whole: bool, answer: &mut AnswerHead, _context: &mut Context) -> Held {
        if !whole {
            return Held::Pass;
        }
        let tag = self.tagging.finish(self.strength);
        let same = matches(&self.has, tag.as_bytes());
        answer.headers.insert(ETAG, tag);
        if same { Held::Stop(Stop::Answered(Box::new(not_modified(answer)))) } else { Held::Pass }
    }
}

/// An answer that the client has, by the application's own tag. Its body is read so that the connection can be used again.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) left_bytes: u64,
}

impl Hold for Known {
    fn part(&mut self, part: &[u8]) -> bool {
        let left = self.left_bytes.checked_sub(part.len() as u64);
        self.left_bytes = left.unwrap_or_default();
        left.is_some()
    }

    fn end(self: Box<Self>, _whole: bool, answer: &mut AnswerHead, _context: &mut Context) -> Held {
        Held::Stop(Stop::Answered(Box::new(not_modified(answer))))
    }
}

/// Whether the client has what has this tag.
pub(super) fn matches(has: &[HeaderValue], tag: &[u8]) -> bool {
    let tags = Tags::parse(has.iter().map(HeaderValue::as_bytes));
    EntityTag::parse(tag).is_some_and(|tag| tags.is_some_and(|tags| tags.weakly(&tag)))
}
