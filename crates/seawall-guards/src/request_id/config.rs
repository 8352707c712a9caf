//! Section `[request_id]`.

use std::sync::Arc;

use seawall_core::settings::{Field, Literal, Section, Values};

use super::RequestIdGuard;
use crate::{GuardEntry, ReportOnly, client_address};

pub(super) const KEEP: Field<bool> = Field::new(
    "keep",
    Literal::Flag(true),
    "Whether a sane `X-Request-Id` that comes from a trusted proxy (`[client_address] trusted`) is kept instead of a fresh id.",
);

/// The section.
pub const SECTION: Section = Section::new("request_id", "The id of each request.", &[KEEP.spec()]);

/// The catalogue entry.
pub static ENTRY: GuardEntry = GuardEntry {
    name: "request_id",
    summary: "Gives every request an id: in the answer, in the log, and told to the application.",
    section: &SECTION,
    problems: &[],
    metrics: &[],
    report_only: ReportOnly::No("it refuses nothing"),
    build: |build| {
        let trusted = client_address::trusted(&build.other.section(client_address::SECTION.name))?;
        Ok(Some(Arc::new(RequestIdGuard::read(build.values, trusted)?)))
    },
};

/// The defaults, to change from.
#[must_use]
pub fn values() -> Values {
    Values::defaults(&SECTION)
}
