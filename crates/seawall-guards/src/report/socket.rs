//! A socket whose frames are only reported.

use seawall_core::problem::ProblemType;

use super::{
    Reporter,
    example::Asked,
    refusal::{Refusal, caller},
};
use crate::Context;

/// Where a socket is reported, and as whose. It outlives the request that opened it.
#[derive(Clone, Debug)]
pub struct SocketReport {
    reporter: Reporter,
    kind: &'static ProblemType,
    caller: Box<str>,
    asked: Option<Box<Asked>>,
}

impl SocketReport {
    pub(crate) fn new(reporter: &Reporter, kind: &'static ProblemType, context: &Context) -> Self {
        Self { reporter: reporter.clone(), kind, caller: caller(context), asked: context.asked.clone() }
    }

    /// It would have been ended with this code: of the close or, before it was opened, of the answer. One that has ended breaks no
    /// further rule, so this is told once.
    pub fn ended(&self, code: u16, why: &str, at_unix_us: u64) {
        self.reporter.tally().refused(&Refusal {
            kind: self.kind,
            status: code,
            detail: Some(why),
            caller: &self.caller,
            asked: self.asked.as_deref(),
            at_unix_us,
        });
    }
}
