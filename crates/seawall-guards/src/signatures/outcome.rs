//! What came of signatures, and how it is counted.

use std::borrow::Cow;

use seawall_core::meter::{Handle, Meter, Metric, MetricKind};

/// Requests of routes that ask for a signature.
pub static SIGNATURES: Metric = Metric {
    name: "seawall_signatures",
    help: "Requests of routes that ask for a signature, by the key that it names and what came of it.",
    kind: MetricKind::Counter,
    labels: &["key", "outcome"],
};

/// What came of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Verified,
    Missing,
    Malformed,
    Unknown,
    Stale,
    Incomplete,
    Wrong,
    Body,
    Replayed,
    Unavailable,
}

const WORDS: [&str; 10] = [
    "verified",
    "missing",
    "malformed",
    "unknown_key",
    "stale",
    "incomplete",
    "wrong",
    "body",
    "replayed",
    "unavailable",
];

/// The counters of one key.
#[derive(Debug)]
pub(super) struct Outcomes([Handle; 10]);

impl Outcomes {
    pub(super) fn new(meter: &dyn Meter, key: &str) -> Self {
        Self(WORDS.map(|word| meter.series(&SIGNATURES, &[key, word])))
    }

    pub(super) fn count(&self, outcome: Outcome) {
        if let Some(handle) = self.0.get(outcome as usize) {
            handle.increment();
        }
    }
}

/// Why a request is refused.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) outcome: Outcome,
    /// The place of the key that it names.
    pub(super) key: Option<usize>,
    /// For the caller, without what the signature should have been.
    pub(super) detail: Cow<'static, str>,
}

impl Refusal {
    pub(super) fn new(outcome: Outcome, key: Option<usize>, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { outcome, key, detail: detail.into() }
    }
}
