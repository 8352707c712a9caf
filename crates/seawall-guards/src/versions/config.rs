//! Section `[versions]`, and `[versions.NAME]` for each version.

use std::sync::Arc;

use seawall_core::{
    meter::{Metric, MetricKind},
    settings::{Complaint, Day, Field, FieldSpec, Literal, Raw, Section, Setting, Shape, Situation, Values, choice},
};

use super::{GONE, Reading, UNKNOWN, VersionsGuard};
use crate::{GuardEntry, ReportOnly, engine::MODE};

/// What becomes of a version after its last day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AfterSunset {
    /// It is served on.
    Serve,
    /// It is refused.
    Refuse,
}

impl Setting for AfterSunset {
    const SHAPE: Shape = Shape::Choice(&["serve", "refuse"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &[("serve", Self::Serve), ("refuse", Self::Refuse)])
    }
}

pub(super) const BY: Field<Reading> = Field::new(
    "by",
    Literal::Unset,
    "Where a request names its version: `\"path\"`, as in `/v1/orders`; `\"header X-API-Version\"`, with `1` or `v1` in that field; or `\"media type\"`, in `Accept`, as in `application/vnd.shop.v1+json` or `application/json; version=1`. Unset, versions are the application's own business.",
);
pub(super) const BELOW: Field<String> = Field::new(
    "below",
    Literal::Text("/"),
    "With `by = \"path\"`, the path under which versions stand: `\"/api\"` for `/api/v1`. Paths that name none are let through.",
);
pub(super) const DEFAULT: Field<String> =
    Field::new("default", Literal::Unset, "The version of a request that names none.");
pub(super) const REQUIRED: Field<bool> = Field::new(
    "required",
    Literal::Flag(false),
    "Whether a request that names no version is refused, where there is no default. With `by = \"path\"` that is every path without one.",
);
pub(super) const AFTER_SUNSET: Field<AfterSunset> = Field::new(
    "after_sunset",
    Literal::Text("serve"),
    "What becomes of a version from the day of its `sunset` on: `serve` goes on serving it, `refuse` answers 410.",
);

pub(super) const DEPRECATED: Field<Day> = Field::new(
    "deprecated",
    Literal::Unset,
    "The day from which on the version should not be used any more, UTC; it may be one to come. Every answer says so in `Deprecation`.",
);
pub(super) const SUNSET: Field<Day> = Field::new(
    "sunset",
    Literal::Unset,
    "The day from which on the version may not be there any more, UTC. Every answer says so in `Sunset`.",
);
pub(super) const SUCCESSOR: Field<String> = Field::new(
    "successor",
    Literal::Unset,
    "What follows the version: another of these versions, or the address of something. `Link` names it, with `rel=\"successor-version\"`, when it is an address or versions stand in the path.",
);
pub(super) const DOCUMENTATION: Field<String> = Field::new(
    "documentation",
    Literal::Unset,
    "The address of a page about the deprecation, for `Link` with `rel=\"deprecation\"`.",
);

const VERSION: &[FieldSpec] = &[DEPRECATED.spec(), SUNSET.spec(), SUCCESSOR.spec(), DOCUMENTATION.spec()];

/// Requests by version.
pub static REQUESTS: Metric = Metric {
    name: "seawall_api_version_requests",
    help: "Requests for a version of the API.",
    kind: MetricKind::Counter,
    labels: &["version"],
};

/// The section.
pub const SECTION: Section = Section::new(
    "versions",
    "Versions of the API, each in a table such as `[versions.v1]`. Who uses one that is deprecated is told by `/api/versions` of the admin interface.",
    &[MODE.spec(), BY.spec(), BELOW.spec(), DEFAULT.spec(), REQUIRED.spec(), AFTER_SUNSET.spec()],
)
.per_route()
.with_entries(VERSION)
.with_demands(demands)
.with_entry_demands(entry_demands);

/// The catalogue entry.
pub static ENTRY: GuardEntry = GuardEntry {
    name: "versions",
    summary: "Refuses unknown versions of the API, announces the end of old ones, and remembers who still uses them.",
    section: &SECTION,
    problems: &[&UNKNOWN, &GONE],
    metrics: &[&REQUESTS],
    report_only: ReportOnly::Yes,
    build: |build| {
        if build.own_path {
            return Ok(None);
        }
        let guard = VersionsGuard::read(build.values, &build.other.entries(SECTION.name), build.shared)?;
        Ok(guard.map(|guard| Arc::new(guard) as _))
    },
};

/// The defaults, to change from.
#[must_use]
pub fn values() -> Values {
    Values::defaults(&SECTION)
}

fn demands(values: &Values, _: &Situation) -> Vec<Complaint> {
    let Ok(below) = values.get(&BELOW) else { return Vec::new() };
    let plain = below.starts_with('/') && !below.contains(|c: char| "?#%<>\"\\ ".contains(c) || !c.is_ascii_graphic());
    let complaint = |what: String| Complaint {
        key: Some(BELOW.key()),
        what,
        help: "write a path such as \"/api\", without query, fragment or percent-encoding".to_owned(),
    };
    (!plain).then(|| complaint(format!("\"{below}\" is not a plain path"))).into_iter().collect()
}

fn entry_demands(name: &str, values: &Values, _: &Situation) -> Vec<Complaint> {
    let complaint = |key, what: String, help: &str| Complaint { key, what, help: help.to_owned() };
    let mut complaints = Vec::new();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if name.is_empty() || name.len() > 32 || !name.bytes().all(plain) {
        complaints.push(complaint(
            None,
            format!("\"{name}\" cannot name a version"),
            "write at most 32 letters, digits, `-`, `_` and `.`, such as \"v1\" or \"2026-01-01\"",
        ));
    }
    if let (Ok(Some(deprecated)), Ok(Some(sunset))) = (values.find(&DEPRECATED), values.find(&SUNSET))
        && sunset < deprecated
    {
        let what = format!("the version would end on {sunset}, before it is deprecated on {deprecated}");
        complaints.push(complaint(Some(SUNSET.key()), what, "let it end on that day or later (RFC 9745 section 5)"));
    }
    for field in [&SUCCESSOR, &DOCUMENTATION] {
        let Ok(Some(text)) = values.find(field) else { continue };
        if !text.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"\\".contains(&byte)) || text.is_empty() {
            let what = format!("\"{text}\" is no address");
            complaints.push(complaint(Some(field.key()), what, "write one such as \"https://example.com/v2\""));
        }
    }
    complaints
}
