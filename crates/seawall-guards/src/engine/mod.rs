//! What runs guards: the trait, the facts of a request, the policy and its loop, and the tower adapter.

mod context;
mod counted;
mod entry;
mod guard;
mod layer;
mod policy;

#[cfg(test)]
pub(crate) use context::sample_context;
pub use context::{Context, Peer, Seed};
pub use counted::{Counted, CountedError, Watch};
pub(crate) use entry::MODE;
pub use entry::{Build, BuildError, BuildGuard, GuardEntry, ReportOnly, SectionSource, Shared};
pub use guard::{AnswerHead, End, Guard, Head, Needs, Settle, Stop, Verdict};
pub use layer::{GuardLayer, GuardService};
pub use policy::{DECISIONS, Flow, Policy, Step};
