//! Section `[payload_filter]`.

use std::sync::Arc;

use http::HeaderName;
use seawall_core::{
    Mode,
    meter::{Metric, MetricKind},
    settings::{Field, Literal, Raw, Section, Setting, Shape, Values, choice},
};

use super::{Class, PayloadFilterGuard, SUSPICIOUS_PAYLOAD, allow::Allowed};
use crate::{GuardEntry, ReportOnly};

impl Setting for Class {
    const SHAPE: Shape = Shape::Choice(&["sql", "xss", "path", "command"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &Self::ALL.map(|class| (class.word(), class)))
    }
}

/// A header field whose value is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Watched(pub(super) HeaderName);

impl Setting for Watched {
    const SHAPE: Shape = Shape::Text("header field", "Referer");

    fn read(raw: &Raw) -> Result<Self, String> {
        let Raw::Text(text) = raw else {
            return Err(format!("expected the name of a header field as text, found {}", raw.kind()));
        };
        text.parse()
            .map(Self)
            .map_err(|_| format!("\"{text}\" cannot name a header field; write one such as \"Referer\""))
    }
}

/// The guard guesses, so the mode of everything does not make it enforce.
pub(super) const MODE: Field<Mode> = Field::new(
    "mode",
    Literal::Text("report"),
    "What the guard does with a request it would refuse: `enforce` refuses it, `report` lets it through and records it, `off` does not look. The `mode` at the top of the file does not reach it; that of a route does.",
);
pub(super) const ENABLED: Field<bool> = Field::new(
    "enabled",
    Literal::Flag(false),
    "Whether values are scored for SQL injection, cross-site scripting, path traversal and shell commands.",
);
pub(super) const THRESHOLD: Field<u64> = Field::new(
    "threshold",
    Literal::Integer(5),
    "From how many points on, of 10, one field makes a request suspicious. Less catches more, also of what is harmless.",
)
.between("1", "10");
pub(super) const CLASSES: Field<Vec<Class>> = Field::new(
    "classes",
    Literal::Texts(&["sql", "xss", "path", "command"]),
    "What is looked for: `sql`, `xss`, `path`, `command`; empty is all.",
);
pub(super) const ALLOW: Field<Vec<Allowed>> = Field::new(
    "allow",
    Literal::Texts(&[]),
    "Fields in which anything may stand: `\"body /comment\"` (a JSON pointer, in which `*` stands for any one name or number; for a form, `/` and the field's name), `\"query q\"`, `\"cookie NAME\"`, `\"header NAME\"`, `\"path\"`. A place alone is all of it.",
);
pub(super) const BODIES: Field<bool> = Field::new(
    "bodies",
    Literal::Flag(true),
    "Whether JSON bodies (read by `[json]`, which has to be on) and forms (`application/x-www-form-urlencoded`) are looked at. They are held until all of one was seen.",
);
pub(super) const COOKIES: Field<bool> =
    Field::new("cookies", Literal::Flag(false), "Whether values of cookies are looked at.");
pub(super) const HEADERS: Field<Vec<Watched>> = Field::new(
    "headers",
    Literal::Texts(&[]),
    "Header fields that are looked at, such as `\"Referer\"` and `\"User-Agent\"`.",
);

/// Findings by class.
pub static FINDINGS: Metric = Metric {
    name: "seawall_payload_filter_findings",
    help: "Requests in which the payload filter found something, by the class that weighed most.",
    kind: MetricKind::Counter,
    labels: &["class"],
};

/// The section.
pub const SECTION: Section = Section::new(
    "payload_filter",
    "Values that look like attacks. It is off until `enabled`, and reports until `mode` here or of a route says otherwise.",
    &[
        ENABLED.spec(),
        MODE.spec(),
        THRESHOLD.spec(),
        CLASSES.spec(),
        ALLOW.spec(),
        BODIES.spec(),
        COOKIES.spec(),
        HEADERS.spec(),
    ],
)
.per_route();

/// The catalogue entry.
pub static ENTRY: GuardEntry = GuardEntry {
    name: "payload_filter",
    summary: "Finds values that look like SQL injection, cross-site scripting, path traversal or shell commands; off unless enabled.",
    section: &SECTION,
    problems: &[&SUSPICIOUS_PAYLOAD],
    metrics: &[&FINDINGS],
    report_only: ReportOnly::Yes,
    build: |build| {
        if build.own_path || !build.values.get(&ENABLED)? {
            return Ok(None);
        }
        Ok(Some(Arc::new(PayloadFilterGuard::read(build.values, &*build.shared.meter)?)))
    },
};

/// The defaults, to change from.
#[must_use]
pub fn values() -> Values {
    Values::defaults(&SECTION)
}
