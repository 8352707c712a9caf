//! Section `[load_shed]`.

use std::sync::Arc;

use seawall_core::settings::{Field, Literal, Section, Span, Values};

use super::{LoadShedGuard, OVERLOADED};
use crate::{GuardEntry, ReportOnly, engine::MODE};

pub(super) const MAX_IN_FLIGHT: Field<u64> = Field::new(
    "max_in_flight",
    Literal::Integer(4_096),
    "How many requests may be in flight at once. Event streams and downloads count as long as they run; upgraded connections do not.",
)
.between("1", "1000000");
pub(super) const RETRY_AFTER: Field<Span> =
    Field::new("retry_after", Literal::Text("1s"), "What `Retry-After` says when a request is refused.")
        .between("1s", "1h");

/// The section.
pub const SECTION: Section = Section::new(
    "load_shed",
    "How many requests are served at once.",
    &[MODE.spec(), MAX_IN_FLIGHT.spec(), RETRY_AFTER.spec()],
)
.per_route();

/// The catalogue entry.
pub static ENTRY: GuardEntry = GuardEntry {
    name: "load_shed",
    summary: "Serves so many requests at once and refuses the rest early, so that accepted ones stay quick.",
    section: &SECTION,
    problems: &[&OVERLOADED],
    metrics: &[],
    report_only: ReportOnly::Yes,
    build: |build| Ok(Some(Arc::new(LoadShedGuard::read(build.values, build.shared.permits.places(build.scope))?))),
};

/// The defaults, to change from.
#[must_use]
pub fn values() -> Values {
    Values::defaults(&SECTION)
}
