//! Section `[body]`.

use std::sync::Arc;

use seawall_core::settings::{Field, Literal, Section, Size, Values};

use super::{BodyGuard, TOO_LARGE};
use crate::{GuardEntry, ReportOnly, engine::MODE};

/// The largest body.
pub const MAX: Field<Size> = Field::new(
    "max",
    Literal::Text("10 MB"),
    "The largest request body. Larger ones are refused with 413 REQUEST_TOO_LARGE.",
)
.between("1 B", "1 TB");

/// The section.
pub const SECTION: Section =
    Section::new("body", "The size of request bodies.", &[MODE.spec(), MAX.spec()]).per_route();

/// The catalogue entry.
pub static ENTRY: GuardEntry = GuardEntry {
    name: "body",
    summary: "Refuses request bodies beyond a size, declared or streamed.",
    section: &SECTION,
    problems: &[&TOO_LARGE],
    metrics: &[],
    report_only: ReportOnly::Yes,
    build: |build| Ok(Some(Arc::new(BodyGuard::read(build.values)?))),
};

/// The defaults, to change from.
#[must_use]
pub fn values() -> Values {
    Values::defaults(&SECTION)
}
