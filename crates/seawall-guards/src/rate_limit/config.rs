//! Section `[rate_limit]`.

use std::sync::Arc;

use seawall_core::{
    limit::Quota,
    settings::{BadSetting, Complaint, Field, Literal, Raw, Section, Setting, Shape, Situation, Values, choice},
};

use super::{
    EVICTIONS, FALLBACKS, LIMITED, MOST_LIMITS, PrincipalRateLimitGuard, RETURNS, RateLimitGuard, UNAVAILABLE,
};
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
    "How many requests are accepted in any window: \"per ip\" counts by client address (IPv6 by /64), \"per user\" by the person who signed in or whose key or device it is, \"per key\" by API key or device, \"per org\" by organisation. What is not counted by address holds once it is known who asks, and needs `enabled` in `[identity]`; whoever has none of it is not counted by it. Several may hold at once; a request must fit all, or is counted in none. An empty list means no limit.",
);
/// Whether the older fields are written too.
pub const LEGACY_HEADERS: Field<bool> = Field::new(
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

/// The catalogue entry of what is counted by who asks.
pub static BY_PRINCIPAL: GuardEntry = GuardEntry {
    name: "principal_rate_limit",
    summary: "Limits how often a person, a key or an organisation may ask, by `[rate_limit]`, the tier, and the key's own rate.",
    section: &SECTION,
    problems: &[&LIMITED, &UNAVAILABLE],
    metrics: &[],
    report_only: ReportOnly::Yes,
    build: |build| {
        let limits = build.values.get(&LIMITS)?;
        if build.shared.credentials.is_none() {
            let Some(nobodys) = limits.iter().find(|quota| quota.per.principal()) else { return Ok(None) };
            let reason =
                format!("\"{nobodys}\" counts nobody, because nobody can sign in; set `enabled = true` in [identity]");
            return Err(BadSetting { key: LIMITS.key(), reason });
        }
        let general = build.own_path || build.scope == GENERAL;
        let guard = PrincipalRateLimitGuard::read(build.values, build.scope, general, Arc::clone(&build.shared.rates))?;
        let guard = match &build.shared.local_rates {
            Some(local) => guard.with_local(Arc::clone(local), &*build.shared.meter),
            None => guard,
        };
        Ok(Some(Arc::new(guard) as Arc<dyn crate::Guard>))
    },
};

/// The most limits of one route by who asks: beside them there are those of a tier, [`MOST_OF_A_TIER`] at most, and the rate of a key.
const MOST_BY_PRINCIPAL: usize = MOST_LIMITS - MOST_OF_A_TIER - 1;

/// The most limits of one tier.
pub const MOST_OF_A_TIER: usize = 3;

/// The scope of settings that are no route's own.
const GENERAL: &str = "*";

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
    let limits = values.get(&LIMITS).unwrap_or_default();
    let by_principal = limits.iter().filter(|quota| quota.per.principal()).count();
    let help = "keep those that bind; a wider window already bounds a narrower one of the same number".to_owned();
    let what = if limits.len() > MOST_LIMITS {
        format!("{} limits at once are more than the {MOST_LIMITS} that can hold for one request", limits.len())
    } else if by_principal > MOST_BY_PRINCIPAL {
        format!(
            "{by_principal} limits by who asks are more than the {MOST_BY_PRINCIPAL} that can hold beside those of keys and tiers"
        )
    } else {
        return Vec::new();
    };
    vec![Complaint { key: Some(LIMITS.key()), what, help }]
}
