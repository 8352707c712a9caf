//! Section `[trace_context]`.

use std::sync::Arc;

use seawall_core::{
    http::Sample,
    settings::{Field, Literal, Raw, Section, Setting, Shape, Values, choice},
};

use super::TraceContextGuard;
use crate::{GuardEntry, ReportOnly, client_address};

/// Whose traces are continued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Accept {
    /// Those of trusted proxies.
    Trusted,
    /// Everybody's; the sampled flag of strangers is ignored.
    Any,
    /// Nobody's.
    None,
}

impl Setting for Accept {
    const SHAPE: Shape = Shape::Choice(&["trusted", "any", "none"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &[("trusted", Self::Trusted), ("any", Self::Any), ("none", Self::None)])
    }
}

pub(super) const ACCEPT: Field<Accept> = Field::new(
    "accept",
    Literal::Text("trusted"),
    "Whose `traceparent` is continued: that of trusted proxies (`[client_address] trusted`), of `any` caller, or of `none`.",
);
pub(super) const SAMPLE: Field<Sample> = Field::new(
    "sample",
    Literal::Text("100%"),
    "The share of traces beginning here that are marked as sampled, so that the application, and Seawall when it exports spans, record them. A trace that a trusted caller began stays as the caller marked it.",
)
.between("0%", "100%");

/// The section.
pub const SECTION: Section = Section::new(
    "trace_context",
    "The request's place in a distributed trace (W3C Trace Context).",
    &[ACCEPT.spec(), SAMPLE.spec()],
);

/// The catalogue entry.
pub static ENTRY: GuardEntry = GuardEntry {
    name: "trace_context",
    summary: "Continues or begins a W3C trace and tells the application.",
    section: &SECTION,
    problems: &[],
    metrics: &[],
    report_only: ReportOnly::No("it refuses nothing"),
    build: |build| {
        let trusted = client_address::trusted(&build.other.section(client_address::SECTION.name))?;
        Ok(Some(Arc::new(TraceContextGuard::read(build.values, trusted)?)))
    },
};

/// The defaults, to change from.
#[must_use]
pub fn values() -> Values {
    Values::defaults(&SECTION)
}
