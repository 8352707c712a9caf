//! Section `[retry]`.

use std::sync::Arc;

use seawall_core::settings::{Complaint, Field, Literal, Section, Situation, Span, Values};

use super::RetryGuard;
use crate::{GuardEntry, ReportOnly};

pub(super) const ATTEMPTS: Field<u64> = Field::new(
    "attempts",
    Literal::Integer(3),
    "How often a request is sent to the application at most, the first time counted (checklist WK-5: 3). 1 sends nothing again.",
)
.between("1", "10");
pub(super) const BACKOFF: Field<Span> = Field::new(
    "backoff",
    Literal::Text("100ms"),
    "The longest wait before the second attempt; it doubles with each further one, and a random part of it is waited. Another server is tried without a wait.",
)
.between("1ms", "10s");
pub(super) const MAX_BACKOFF: Field<Span> =
    Field::new("max_backoff", Literal::Text("5s"), "The longest wait before any attempt.").between("1ms", "1min");
pub(super) const STATUSES: Field<Vec<u64>> = Field::new(
    "statuses",
    Literal::Texts(&[]),
    "Statuses of the application after which a request is sent again, such as [502, 503, 504], when a second time does no harm.",
);

/// The section.
pub const SECTION: Section = Section::new(
    "retry",
    "Which failed requests are sent to the application again.",
    &[ATTEMPTS.spec(), BACKOFF.spec(), MAX_BACKOFF.spec(), STATUSES.spec()],
)
.per_route()
.with_demands(demands);

/// The catalogue entry.
pub static ENTRY: GuardEntry = GuardEntry {
    name: "retry",
    summary: "Sends a request again when the application failed it and a second time does no harm.",
    section: &SECTION,
    problems: &[],
    metrics: &[],
    report_only: ReportOnly::No("it refuses nothing; `attempts = 1` sends nothing again"),
    build: |build| Ok(Some(Arc::new(RetryGuard::read(build.values)?))),
};

/// The defaults, to change from.
#[must_use]
pub fn values() -> Values {
    Values::defaults(&SECTION)
}

/// Only a failure is a reason to try again.
fn demands(values: &Values, _: &Situation) -> Vec<Complaint> {
    let statuses = values.get(&STATUSES).unwrap_or_default();
    let wrong = statuses.into_iter().filter(|status| !(500..600).contains(status) && *status != 429);
    wrong
        .map(|status| Complaint {
            key: Some(STATUSES.key()),
            what: format!("{status} is not a status that a second attempt could change"),
            help: "name statuses from 500 to 599, or 429".to_owned(),
        })
        .collect()
}
