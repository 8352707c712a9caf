//! Section `[rate_limit]`.

use std::sync::Arc;

use seawall_core::{
    limit::Quota,
    settings::{BadSetting, Complaint, Field, Literal, Raw, Section, Setting, Shape, Situation, Values, choice},
};

use super::{EVICTIONS, FALLBACKS, LIMITED, MOST_LIMITS, RETURNS, RateLimitGuard, UNAVAILABLE};
use crate::{GuardEntry, ReportOnly, engine::MODE};

/// What happens while counters cannot be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WhenUnavailable {
    /// This process counts alone.
    Local,
    /// Requests pass uncounted.
    Open,
    /// Requests are refused.
    Closed,
}

impl WhenUnavailable {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }
}

impl Setting for WhenUnavailable {
    const SHAPE: Shape = Shape::Choice(&["local", "open", "closed"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &[("local", Self::Local), ("open", Self::Open), ("closed", Self::Closed)])
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
    Literal::Text("local"),
    "What happens while shared counters (`redis` in `[store]`) cannot be asked: with `local` each process counts alone by the same limits, `open` lets requests pass, `closed` refuses them. Counters in memory can always be asked.",
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
    metrics: &[&EVICTIONS, &RETURNS, &FALLBACKS],
    report_only: ReportOnly::Yes,
    build: |build| {
        let guard = RateLimitGuard::read(build.values, build.scope, Arc::clone(&build.shared.rates))?;
        let guard = guard.map(|guard| match &build.shared.local_rates {
            Some(local) => guard.with_local(Arc::clone(local), &*build.shared.meter),
            None => guard,
        });
        Ok(guard.map(|guard| Arc::new(guard) as Arc<dyn crate::Guard>))
    },
};

/// Whether requests are refused while counters cannot be asked.
///
/// # Errors
/// [`BadSetting`] when they are not checked settings of the section.
pub fn needs_counters(values: &Values) -> Result<bool, BadSetting> {
    Ok(values.get(&WHEN_UNAVAILABLE)? == WhenUnavailable::Closed)
}

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
