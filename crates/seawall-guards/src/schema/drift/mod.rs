//! Drift: in what the application's answers differ from its document. It is told, and nothing else is done about it.
//!
//! An answer is looked at as it passes ([`crate::Follow`]): its status, its media type and the headers that it must have, always; its
//! body, when it is JSON of at most 1 MiB in no content coding, of a bounded number of answers a second. A copy of a body is kept until
//! all of it has passed. What is found is remembered by operation, status, field and rule, without any value and in bounded memory.

mod differs;
mod finding;
mod look;
mod memory;
mod sampler;
#[cfg(test)]
mod tests;

pub use differs::{Differs, Told};
pub use finding::Finding;
pub(super) use look::Answers;
pub(crate) use look::Promised;
pub use memory::{Drift, DriftReport};

use seawall_core::meter::{Metric, MetricKind};

/// Differences between answers and the document.
pub static DRIFT: Metric = Metric {
    name: "seawall_schema_drift",
    help: "Answers of the application that differ from its document, by what differs: status, header or body.",
    kind: MetricKind::Counter,
    labels: &["route", "differs"],
};
