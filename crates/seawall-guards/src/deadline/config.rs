//! Section `[deadline]`.

use std::sync::Arc;

use seawall_core::settings::{Field, Literal, Section, Size, Span, Values};

use super::DeadlineGuard;
use crate::{GuardEntry, ReportOnly};

pub(super) const CONNECT: Field<Span> =
    Field::new("connect", Literal::Text("5s"), "How long a connection to the application may take.")
        .between("10ms", "5min");
pub(super) const RESPONSE_HEAD: Field<Span> = Field::new(
    "response_head",
    Literal::Text("30s"),
    "How long the application may take until the head of its answer.",
)
.between("10ms", "1h");
pub(super) const REQUEST_IDLE: Field<Span> = Field::new(
    "request_idle",
    Literal::Text("30s"),
    "How long the client may be silent in the middle of a request body.",
)
.between("10ms", "1h");
pub(super) const REQUEST_RATE: Field<Size> = Field::new(
    "request_rate",
    Literal::Text("500 B"),
    "How many bytes a second a client must send of a request body on average, once it was waited for as long as `request_grace`. One that drips to hold a place gets 408.",
)
.between("1 B", "100 MB");
pub(super) const REQUEST_GRACE: Field<Span> =
    Field::new("request_grace", Literal::Text("20s"), "How long a client is waited for before `request_rate` counts.")
        .between("10ms", "1h");
pub(super) const RESPONSE_IDLE: Field<Span> = Field::new(
    "response_idle",
    Literal::Text("5min"),
    "How long the application may be silent in the middle of an answer.",
)
.between("10ms", "1day");
pub(super) const TUNNEL_IDLE: Field<Span> = Field::new(
    "tunnel_idle",
    Literal::Text("1h"),
    "How long a WebSocket or other upgraded connection may be silent in both directions.",
)
.between("1s", "31day");
pub(super) const TOTAL: Field<Span> = Field::new(
    "total",
    Literal::Unset,
    "How long the whole exchange may take, from the request's head to the answer's end. Unset by default, because downloads and event streams are bounded by silence instead.",
)
.between("10ms", "1day");

/// The section.
pub const SECTION: Section = Section::new(
    "deadline",
    "Time limits of an exchange.",
    &[
        CONNECT.spec(),
        RESPONSE_HEAD.spec(),
        REQUEST_IDLE.spec(),
        REQUEST_RATE.spec(),
        REQUEST_GRACE.spec(),
        RESPONSE_IDLE.spec(),
        TUNNEL_IDLE.spec(),
        TOTAL.spec(),
    ],
)
.per_route();

/// The catalogue entry.
pub static ENTRY: GuardEntry = GuardEntry {
    name: "deadline",
    summary: "Bounds every wait: connecting, the answer's head, silence on either side, the whole exchange.",
    section: &SECTION,
    problems: &[],
    metrics: &[],
    report_only: ReportOnly::No(
        "a wait without an end holds memory and sockets, so limits are always enforced; raise them instead",
    ),
    build: |build| Ok(Some(Arc::new(DeadlineGuard::read(build.values)?))),
};

/// The defaults, to change from.
#[must_use]
pub fn values() -> Values {
    Values::defaults(&SECTION)
}
