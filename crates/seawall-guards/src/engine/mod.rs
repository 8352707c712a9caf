//! What runs guards: the trait, the facts of a request, the policy and its loop, and the tower adapter.

mod context;
mod counted;
mod entry;
mod follow;
mod followed;
mod guard;
mod hold;
mod inspect;
mod kept;
mod layer;
mod phase;
mod policy;
mod reread;

#[cfg(test)]
pub(crate) use context::sample_context;
pub use context::{Context, Peer, Seed};
pub use counted::{Counted, CountedError, Watch};
pub(crate) use entry::MODE;
pub use entry::{Build, BuildError, BuildGuard, GuardEntry, ReportOnly, SectionSource, Shared};
pub use follow::{Follow, Following, Rest};
pub use followed::Followed;
pub use guard::{AnswerHead, End, Guard, Head, Needs, Settle, Stop, Verdict};
pub use hold::{Held, HeldFlow, Hold, Holding};
pub use inspect::{Expected, Inspect, Inspection};
pub use kept::Kept;
pub use layer::{GuardLayer, GuardService};
pub use policy::{DECISIONS, Flow, Policy, Step};
pub use reread::Reread;
