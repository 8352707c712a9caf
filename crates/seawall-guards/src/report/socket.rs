//! A socket whose frames are only reported.

use std::sync::Weak;

use http::uri::PathAndQuery;
use seawall_core::problem::ProblemType;

use super::{
    Reporter,
    example::Asked,
    refusal::{Refusal, caller},
    tally::Tally,
};
use crate::Context;

/// Where a socket is reported, and as whose. It outlives the request that opened it.
#[derive(Clone, Debug)]
pub struct SocketReport {
    /// Weak, for a guard reports as long as a policy says so, and not as long as a socket is open.
    tally: Weak<Tally>,
    kind: &'static ProblemType,
    caller: Box<str>,
    asked: Option<Box<Asked>>,
}

impl SocketReport {
    pub(crate) fn new(reporter: &Reporter, kind: &'static ProblemType, context: &Context) -> Self {
        // Copied, for the path is a part of what the request was read into, and would keep all of it.
        let copy = |path: &PathAndQuery| path.as_str().parse().ok();
        let asked = context.asked.as_deref();
        let asked = asked.map(|(method, path)| Box::new((method.clone(), path.as_ref().and_then(copy))));
        Self { tally: reporter.weak(), kind, caller: caller(context), asked }
    }

    /// It would have been ended with this code: of the close or, before it was opened, of the answer. One that has ended breaks no
    /// further rule, so this is told once.
    pub fn ended(&self, code: u16, why: &str, at_unix_us: u64) {
        if let Some(tally) = self.tally.upgrade() {
            tally.refused(&Refusal {
                kind: self.kind,
                status: code,
                detail: Some(why),
                caller: &self.caller,
                asked: self.asked.as_deref(),
                at_unix_us,
            });
        }
    }
}
