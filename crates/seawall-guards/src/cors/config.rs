//! Section `[cors]`.

use std::sync::Arc;

use seawall_core::{
    Environment,
    http::OriginPattern,
    settings::{BadSetting, Complaint, Field, Literal, Section, Situation, Span, Values},
};

use super::{CorsGuard, ORIGIN_REFUSED};
use crate::{GuardEntry, ReportOnly, engine::MODE};

pub(super) const ORIGINS: Field<Vec<OriginPattern>> = Field::new(
    "origins",
    Literal::Texts(&[]),
    "The origins whose pages may call the application, each exactly: scheme, host, and port when it is not the scheme's own. With any listed, Seawall is in charge of CORS.",
);
pub(super) const CREDENTIALS: Field<bool> = Field::new(
    "credentials",
    Literal::Flag(false),
    "Whether those pages may send cookies and other credentials. Never together with `*`.",
);
pub(super) const METHODS: Field<Vec<String>> = Field::new(
    "methods",
    Literal::Texts(&["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]),
    "The methods those pages may use.",
);
pub(super) const HEADERS: Field<Vec<String>> = Field::new(
    "headers",
    Literal::Texts(&[
        "Authorization",
        "Content-Type",
        "Accept",
        "If-Match",
        "If-None-Match",
        "Idempotency-Key",
        "X-Requested-With",
        "X-Request-Id",
    ]),
    "The request headers those pages may send.",
);
pub(super) const EXPOSE: Field<Vec<String>> = Field::new(
    "expose",
    Literal::Texts(&[
        "X-Request-Id",
        "RateLimit",
        "RateLimit-Policy",
        "X-RateLimit-Limit",
        "X-RateLimit-Remaining",
        "X-RateLimit-Reset",
        "Retry-After",
    ]),
    "The answer headers those pages may read.",
);
pub(super) const MAX_AGE: Field<Span> =
    Field::new("max_age", Literal::Text("10min"), "How long a browser may remember a preflight.").between("0s", "1day");

/// The section.
pub const SECTION: Section = Section::new(
    "cors",
    "Which other origins' pages may call the application.",
    &[MODE.spec(), ORIGINS.spec(), CREDENTIALS.spec(), METHODS.spec(), HEADERS.spec(), EXPOSE.spec(), MAX_AGE.spec()],
)
.per_route()
.with_demands(demands);

/// The catalogue entry.
pub static ENTRY: GuardEntry = GuardEntry {
    name: "cors",
    summary: "Answers preflights, grants listed origins exactly, refuses others, and checks the origin of WebSockets.",
    section: &SECTION,
    problems: &[&ORIGIN_REFUSED],
    metrics: &[],
    report_only: ReportOnly::Yes,
    build: |build| Ok(Some(Arc::new(CorsGuard::read(build.values, build.environment)?))),
};

/// The defaults, to change from.
#[must_use]
pub fn values() -> Values {
    Values::defaults(&SECTION)
}

/// The origins that are granted.
pub(crate) fn origins(values: &Values) -> Result<Vec<OriginPattern>, BadSetting> {
    values.get(&ORIGINS)
}

fn demands(values: &Values, situation: &Situation) -> Vec<Complaint> {
    let Ok(origins) = values.get(&ORIGINS) else { return Vec::new() };
    let credentials = values.get(&CREDENTIALS).unwrap_or_default();
    let any = origins.contains(&OriginPattern::Any);
    let production = situation.environment == Environment::Production;
    let complaint =
        |key, what: &str, help: &str| Complaint { key: Some(key), what: what.to_owned(), help: help.to_owned() };
    let mut complaints = Vec::new();
    if production && any {
        let what = "\"*\" lets every website call the application, which production refuses";
        complaints.push(complaint(
            ORIGINS.key(),
            what,
            "list the origins of your own pages, such as \"https://app.example.com\"",
        ));
    }
    if any && credentials {
        let what =
            "\"*\" together with credentials would let every website act as the signed-in user; browsers refuse it";
        complaints.push(complaint(CREDENTIALS.key(), what, "list the origins exactly, or leave credentials off"));
    }
    if production && situation.written && origins.is_empty() {
        let what = "CORS is used, but no origin is listed, which production refuses";
        let help = "list the origins of your own pages in `origins`, or remove the section when no other origin calls the application";
        complaints.push(complaint(ORIGINS.key(), what, help));
    }
    let local = origins.iter().any(|origin| matches!(origin, OriginPattern::Exactly(origin) if origin.local()));
    if production && local {
        complaints.push(complaint(
            ORIGINS.key(),
            "a localhost origin is for development only",
            "remove it from production's list",
        ));
    }
    if let Err(bad) = CorsGuard::read(values, situation.environment) {
        complaints.push(Complaint {
            key: Some(bad.key),
            what: bad.reason,
            help: "write plain names, such as \"Content-Type\"".to_owned(),
        });
    }
    complaints
}
