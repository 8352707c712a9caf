//! Section `[rate_limit]`.

use std::sync::Arc;

use seawall_core::{
    limit::Quota,
    settings::{Complaint, Field, Literal, Raw, Section, Setting, Shape, Situation, Values, choice},
};

use super::{EVICTIONS, LIMITED, MOST_LIMITS, RETURNS, RateLimitGuard, UNAVAILABLE};
use crate::{GuardEntry, ReportOnly, engine::MODE};

/// What happens while counters cannot be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WhenUnavailable {
    /// Requests pass uncounted.
    Open,
    /// Requests are refused.
    Closed,
}

impl Setting for WhenUnavailable {
    const SHAPE: Shape = Shape::Choice(&["open", "closed"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &[("open", Self::Open), ("closed", Self::Closed)])
    }
}

/// The limits.
pub const LIMITS: Field<Vec<Quota>> = Field::new(
    "limits",
    Literal::Texts(&["1000/min per ip", "100/min per ip for unsafe methods"]),
    "How many requests are accepted in any window, counted by client address (IPv6 by /64). Several may hold at once; a request must fit all. An empty list means no limit.",
);
pub(super) const LEGACY_HEADERS: Field<bool> = Field::new(
    "legacy_headers",
    Literal::Flag(true),
    "Whether answers carry `X-RateLimit-Limit`, `-Remaining` and `-Reset` beside the current fields.",
);
pub(super) const WHEN_UNAVAILABLE: Field<WhenUnavailable> = Field::new(
    "when_unavailable",
    Literal::Text("open"),
    "What happens while the counters cannot be asked: `open` lets requests pass, `closed` refuses them. Counters in memory can always be asked.",
);
/// How many counters are kept.
pub const CAPACITY: Field<u64> = Field::new(
    "capacity",
    Literal::Integer(32_768),
    "How many counters are kept for the whole process: clients times limits. Beyond it the least recently used are remembered by a sketch. Each takes about half a kilobyte when used.",
)
.between("1024", "16777216")
.needs_restart();

/// The section.
pub const SECTION: Section = Section::new(
    "rate_limit",
    "How often a client may ask.",
    &[MODE.spec(), LIMITS.spec(), LEGACY_HEADERS.spec(), WHEN_UNAVAILABLE.spec(), CAPACITY.spec()],
)
.per_route()
.with_demands(demands);

/// The catalogue entry.
pub static ENTRY: GuardEntry = GuardEntry {
    name: "rate_limit",
    summary: "Limits how often a client may ask, exactly, and tells it where it stands.",
    section: &SECTION,
    problems: &[&LIMITED, &UNAVAILABLE],
    metrics: &[&EVICTIONS, &RETURNS],
    report_only: ReportOnly::Yes,
    build: |build| {
        let guard = RateLimitGuard::read(build.values, build.scope, Arc::clone(&build.shared.rates))?;
        Ok(guard.map(|guard| Arc::new(guard) as Arc<dyn crate::Guard>))
    },
};

/// The defaults, to change from.
#[must_use]
pub fn values() -> Values {
    Values::defaults(&SECTION)
}

fn demands(values: &Values, _: &Situation) -> Vec<Complaint> {
    let limits = values.get(&LIMITS).map_or(0, |limits| limits.len());
    if limits <= MOST_LIMITS {
        return Vec::new();
    }
    let what = format!("{limits} limits at once are more than the {MOST_LIMITS} that can hold for one request");
    let help = "keep those that bind; a wider window already bounds a narrower one of the same number".to_owned();
    vec![Complaint { key: Some(LIMITS.key()), what, help }]
}
