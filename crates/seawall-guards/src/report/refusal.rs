//! What is written down of one request, or of one socket, that would not have been let through.

use seawall_core::problem::{Problem, ProblemType};

use super::example::Asked;
use crate::Context;

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refusal<'a> {
    pub(super) kind: &'static ProblemType,
    /// The status of the answer, or the code of the close.
    pub(super) status: u16,
    pub(super) detail: Option<&'a str>,
    pub(super) caller: &'a str,
    pub(super) asked: Option<&'a Asked>,
    pub(super) at_unix_us: u64,
}

impl<'a> Refusal<'a> {
    /// A request that would have been answered with a problem.
    pub(super) fn of(problem: &'a Problem, caller: &'a str, context: &'a Context) -> Self {
        Self {
            kind: problem.kind,
            status: problem.status().as_u16(),
            detail: problem.inside.as_deref().or(problem.detail.as_deref()),
            caller,
            asked: context.asked.as_deref(),
            at_unix_us: context.now.unix_us,
        }
    }
}

/// Who asks, as the request log has it: the principal or, of nobody in particular, the address.
pub(super) fn caller(context: &Context) -> Box<str> {
    match &context.principal {
        Some(principal) => principal.id.as_ref().into(),
        None => context.client.to_string().into(),
    }
}
