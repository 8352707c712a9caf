//! Section `[idempotency]`.

use std::sync::Arc;

use http::{HeaderName, Method};
use seawall_core::{
    idempotency::Unknown,
    settings::{Complaint, Field, Literal, Raw, Section, Setting, Shape, Situation, Size, Span, Values, choice},
};

use super::{IdempotencyGuard, PROBLEMS, REQUESTS};
use crate::{
    GuardEntry, ReportOnly,
    deadline::{self, Deadlines},
    engine::MODE,
};

/// What happens when the outcome of an earlier attempt is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WhenUnknown(pub(super) Unknown);

impl Setting for WhenUnknown {
    const SHAPE: Shape = Shape::Choice(&["conflict", "retry"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &[("conflict", Self(Unknown::Conflict)), ("retry", Self(Unknown::Retry))])
    }
}

/// What happens while the store does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WhenUnavailable {
    /// Requests with a key are refused.
    Closed,
    /// They pass, as if they had none.
    Open,
}

impl Setting for WhenUnavailable {
    const SHAPE: Shape = Shape::Choice(&["closed", "open"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &[("closed", Self::Closed), ("open", Self::Open)])
    }
}

pub(super) const METHODS: Field<Vec<String>> = Field::new(
    "methods",
    Literal::Texts(&["POST", "PATCH"]),
    "The methods whose requests are carried out once for a key. Requests of other methods pass, with a key or without.",
);
pub(super) const REQUIRED: Field<bool> =
    Field::new("required", Literal::Flag(false), "Whether requests of these methods without a key are refused.");
pub(super) const HEADER: Field<String> =
    Field::new("header", Literal::Text("Idempotency-Key"), "The header field that holds the key.");
pub(super) const TTL: Field<Span> = Field::new(
    "ttl",
    Literal::Text("1day"),
    "How long a key and its answer are kept. After that the same key is a new one.",
)
.between("1min", "30days");
pub(super) const MAX_ANSWER: Field<Size> = Field::new(
    "max_answer",
    Literal::Text("1 MiB"),
    "The largest answer that is kept to be given again, its headers included. Of a larger one it is only known that it was given.",
)
.between("1 KiB", "16 MiB");
pub(super) const UNKNOWN: Field<WhenUnknown> = Field::new(
    "unknown",
    Literal::Text("conflict"),
    "What happens to an attempt when nobody knows whether an earlier one was carried out, because Seawall or the application ended in the middle: `conflict` refuses it with 409, `retry` sends it on, for applications that bear it twice.",
);
pub(super) const WHEN_UNAVAILABLE: Field<WhenUnavailable> = Field::new(
    "when_unavailable",
    Literal::Text("closed"),
    "What happens to requests with a key while the store does not answer: `closed` refuses them, `open` sends them on unprotected.",
);

/// The section.
pub const SECTION: Section = Section::new(
    "idempotency",
    "Requests that are carried out once, however often they come.",
    &[
        MODE.spec(),
        METHODS.spec(),
        REQUIRED.spec(),
        HEADER.spec(),
        TTL.spec(),
        MAX_ANSWER.spec(),
        UNKNOWN.spec(),
        WHEN_UNAVAILABLE.spec(),
    ],
)
.per_route()
.with_demands(demands);

/// The catalogue entry.
pub static ENTRY: GuardEntry = GuardEntry {
    name: "idempotency",
    summary: "Carries a request with an idempotency key out once, however often it comes, and gives its answer again.",
    section: &SECTION,
    problems: &PROBLEMS,
    metrics: &[&REQUESTS],
    report_only: ReportOnly::Yes,
    build: |build| {
        if build.own_path {
            return Ok(None);
        }
        let deadlines = Deadlines::read(&build.other.section(deadline::SECTION.name))?;
        let guard = IdempotencyGuard::read(build.values, build.policy, build.mode, &deadlines, build.shared)?;
        Ok(Some(Arc::new(guard)))
    },
};

/// The defaults, to change from.
#[must_use]
pub fn values() -> Values {
    Values::defaults(&SECTION)
}

fn demands(values: &Values, _: &Situation) -> Vec<Complaint> {
    let complaint = |key, what: String, help: &str| Complaint { key: Some(key), what, help: help.to_owned() };
    let mut complaints = Vec::new();
    for name in values.get(&METHODS).unwrap_or_default() {
        let method = name.parse::<Method>();
        let changes = method.is_ok_and(|method| !method.is_safe() && method != Method::CONNECT);
        if !changes || name != name.to_ascii_uppercase() {
            let what = format!("\"{name}\" is no method that changes anything");
            complaints.push(complaint(METHODS.key(), what, "list methods such as \"POST\" and \"PATCH\""));
        }
    }
    let header = values.get(&HEADER).unwrap_or_default();
    if header.parse::<HeaderName>().is_err() {
        let what = format!("\"{header}\" is not a name of a header field");
        complaints.push(complaint(HEADER.key(), what, "write a plain name, such as \"Idempotency-Key\""));
    }
    complaints
}
