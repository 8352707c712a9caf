//! What guards would have refused while they only report (checklist WK-17): how much, whose, with examples, and which setting would
//! refuse none of it.
//!
//! [`Reports`] is the memory of one process. It outlives policies, so a reload forgets nothing but what a changed setting has made
//! void: a guard whose settings change on a route counts anew there. It is bounded everywhere: in guards and routes, in callers, in
//! examples, in the length of each text. A request of which nothing is reported costs one addition on a line of its core; a limiter
//! counts it in a table besides, because only what all have asked says which limit would fit.

mod callers;
mod example;
mod gauge;
mod recorder;
mod refusal;
mod shown;
mod socket;
mod tally;
#[cfg(test)]
mod tests;

pub use callers::Caller;
pub(crate) use example::Asked;
pub use example::Example;
pub use gauge::{Gauge, Need};
pub use recorder::{Reporter, Reports};
pub use shown::{GuardReport, NeedReport, ProblemReport};
pub use socket::SocketReport;
