//! The look at one body, and what it is known by once it was seen.

use std::sync::Arc;

use seawall_core::problem::Problem;

use super::{
    body::{Body, Fault},
    outcome::Refusal,
    rules::Rules,
};
use crate::{Context, Expected, Head, Inspect, Verdict};

/// A request whose head holds; what is left is its body.
#[derive(Debug)]
pub struct Pending {
    pub(super) key: usize,
    /// Until when its signature is taken; nothing when it has no time.
    pub(super) until_unix_s: Option<u64>,
    pub(super) body: Body,
}

/// The look at its body.
#[derive(Debug)]
pub(super) struct Look {
    rules: Arc<Rules>,
    pending: Pending,
}

impl Look {
    /// Begins, unless it is known already that the body is not as it must be.
    pub(super) fn begin(rules: &Arc<Rules>, pending: Pending, expected: &Expected) -> Result<Self, Box<Problem>> {
        match pending.body.announced(expected.length) {
            Ok(()) => Ok(Self { rules: Arc::clone(rules), pending }),
            Err(fault) => Err(refused(rules, pending.key, fault)),
        }
    }
}

impl Inspect for Look {
    fn part(&mut self, part: &[u8]) -> Result<(), Box<Problem>> {
        self.pending.body.part(part).map_err(|fault| refused(&self.rules, self.pending.key, fault))
    }

    fn end(self: Box<Self>, head: &mut Head, context: &mut Context) -> Verdict {
        let Self { rules, pending: Pending { key, until_unix_s, body } } = *self;
        match body.end() {
            Ok(mark) => rules.settle(key, mark, until_unix_s, head, context),
            Err(fault) => Verdict::Refuse(refused(&rules, key, fault)),
        }
    }
}

fn refused(rules: &Rules, key: usize, (outcome, detail): Fault) -> Box<Problem> {
    rules.refuse(Refusal::new(outcome, Some(key), detail))
}
