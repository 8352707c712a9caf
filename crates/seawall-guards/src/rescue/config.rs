//! Section `[rescue]`.

use std::sync::Arc;

use seawall_core::settings::{Field, Literal, Raw, Section, Setting, Shape, Values, choice};

use super::{INTERNAL, RescueGuard, UPSTREAM_ERROR};
use crate::{GuardEntry, ReportOnly, engine::MODE};

/// What happens to the upstream's own 5xx answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UpstreamErrors {
    /// Replaced in production, passed elsewhere.
    Auto,
    /// Always replaced.
    Replace,
    /// Always passed.
    Pass,
}

impl Setting for UpstreamErrors {
    const SHAPE: Shape = Shape::Choice(&["auto", "replace", "pass"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &[("auto", Self::Auto), ("replace", Self::Replace), ("pass", Self::Pass)])
    }
}

pub(super) const UPSTREAM_ERRORS: Field<UpstreamErrors> = Field::new(
    "upstream_errors",
    Literal::Text("auto"),
    "What happens to 5xx answers of the application: `replace` puts a problem in their place and the original in the log, `pass` forwards them, `auto` replaces them in production.",
);

/// The section.
pub const SECTION: Section =
    Section::new("rescue", "Failures of the application and of Seawall.", &[MODE.spec(), UPSTREAM_ERRORS.spec()])
        .per_route();

/// The catalogue entry.
pub static ENTRY: GuardEntry = GuardEntry {
    name: "rescue",
    summary: "Keeps stack traces inside: the application's 5xx answers become problems in production, a panic becomes a 500.",
    section: &SECTION,
    problems: &[&UPSTREAM_ERROR, &INTERNAL],
    metrics: &[],
    report_only: ReportOnly::Yes,
    build: |build| Ok(Some(Arc::new(RescueGuard::read(build.values, build.environment)?))),
};

/// The defaults, to change from.
#[must_use]
pub fn values() -> Values {
    Values::defaults(&SECTION)
}
