//! Section `[strict_http]`.

use std::sync::Arc;

use seawall_core::{
    http::path::PathRule,
    meter::{Metric, MetricKind},
    settings::{Field, Literal, Section, Size, Values},
};

use super::{
    HEADERS_TOO_LARGE, INVALID_HOST, INVALID_PATH, INVALID_REQUEST, METHOD_REFUSED, StrictHttpGuard, guard::Overrides,
};
use crate::{GuardEntry, ReportOnly};

pub(super) const ENCODED_SLASH: Field<PathRule> = Field::new(
    "encoded_slash",
    Literal::Text("refuse"),
    "What happens to paths with `%2F`, `%5C` or a backslash, which some applications take for a separator. `pass` for an application that expects them.",
);
pub(super) const MAX_HEADERS: Field<u64> =
    Field::new("max_headers", Literal::Integer(100), "The most header fields of a request.").between("10", "100");
pub(super) const MAX_HEADER_BYTES: Field<Size> =
    Field::new("max_header_bytes", Literal::Text("32 KiB"), "The most bytes of all header fields of a request.")
        .between("4 KiB", "96 KiB");
pub(super) const OVERRIDES: Field<Overrides> = Field::new(
    "overrides",
    Literal::Text("refuse"),
    "What happens to requests with `X-HTTP-Method-Override`, `X-HTTP-Method` or `X-Method-Override`, which some applications take for the method, or with `X-Original-URL` or `X-Rewrite-URL`, which some take for the path: they would have passed the guards of another one. `pass` for an application whose clients send them.",
);
pub(super) const HOSTS: Field<Vec<String>> = Field::new(
    "hosts",
    Literal::Texts(&[]),
    "The host names the application answers to, without port. Empty accepts any; naming them protects links and e-mails that the application builds from the Host header.",
);

/// The section.
pub const SECTION: Section = Section::new(
    "strict_http",
    "What every request must be.",
    &[ENCODED_SLASH.spec(), MAX_HEADERS.spec(), MAX_HEADER_BYTES.spec(), OVERRIDES.spec(), HOSTS.spec()],
);

pub(super) static DROPPED_FIELDS: Metric = Metric {
    name: "seawall_dropped_header_fields",
    help: "Request header fields dropped because of an underscore in their name.",
    kind: MetricKind::Counter,
    labels: &[],
};

/// The catalogue entry.
pub static ENTRY: GuardEntry = GuardEntry {
    name: "strict_http",
    summary: "Refuses requests whose meaning is uncertain: hosts, paths, methods and header fields that servers read differently.",
    section: &SECTION,
    problems: &[&INVALID_HOST, &INVALID_PATH, &INVALID_REQUEST, &METHOD_REFUSED, &HEADERS_TOO_LARGE],
    metrics: &[&DROPPED_FIELDS],
    report_only: ReportOnly::No(
        "always enforced: what a request means must be certain before a guard can decide on it",
    ),
    build: |build| {
        Ok(Some(Arc::new(StrictHttpGuard::read(build.values, build.shared.meter.series(&DROPPED_FIELDS, &[]))?)))
    },
};

/// The defaults, to change from.
#[must_use]
pub fn values() -> Values {
    Values::defaults(&SECTION)
}
