//! Section `[schema]`.

use std::sync::Arc;

use seawall_core::{
    Mode,
    settings::{BadSetting, Field, Literal, Raw, Section, Setting, Shape, Span, Values, choice},
};

use super::{DRIFT, DocumentSource, Reading, SchemaGuard, UnknownFields, VALIDATION_FAILED};
use crate::{GuardEntry, ReportOnly, engine::MODE, json};

pub(super) const DOCUMENT: Field<DocumentSource> = Field::new(
    "document",
    Literal::Text(""),
    "The application's OpenAPI document, 3.0 or 3.1 as JSON, up to 5 MiB: a file, relative to the configuration file, or a path at which the application itself gives it, such as `upstream:/openapi.json`. Requests are looked at as it describes them: path, query, headers, cookies, and bodies in JSON or of forms. Empty looks at none.",
);
pub(super) const DOCUMENT_WAIT: Field<Span> = Field::new(
    "document_wait",
    Literal::Text("30s"),
    "How long Seawall waits, when it starts, for an application that does not give its document yet. It does not start without it.",
)
.between("1s", "10min");
/// What happens to fields that nothing names.
pub const UNKNOWN_FIELDS: Field<UnknownFields> = Field::new(
    "unknown_fields",
    Literal::Text("reject"),
    "What happens to parameters of the query and fields of the body that the document does not name: `reject` refuses the request, `strip` takes them out, `allow` passes them on. Headers and cookies that it does not name pass in any case.",
);
pub(super) const UNDOCUMENTED: Field<Undocumented> = Field::new(
    "undocumented",
    Literal::Text("allow"),
    "What happens to requests for a path or method that the document does not have: `allow` passes them on as they are, `refuse` answers 404, and 405 where it has other methods. `OPTIONS` is allowed in any case.",
);

pub(super) const ANSWERS: Field<Compared> = Field::new(
    "answers",
    Literal::Text("off"),
    "Whether the application's answers are compared with the document: `report` tells in `seawall report`, the metrics and the request log where status, media type, headers that must be there or JSON bodies differ; `off` does not look. No answer is ever changed, held or refused for it.",
);

/// A schema of a route's own.
pub const BODY: Field<String> = Field::new(
    "body",
    Literal::Text(""),
    "A file with a JSON Schema (2020-12) that JSON bodies and forms must fit, up to 5 MiB, for a route such as `[route.\"POST /orders\"]`; relative to the configuration file. It takes the place of what the document says of the body. Requests other than `GET`, `HEAD`, `OPTIONS` and `DELETE` must have a body then; one that these have must fit, too.",
);

/// Whether answers are compared with the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compared {
    /// They are not looked at.
    Off,
    /// What differs is told.
    Report,
}

impl Setting for Compared {
    const SHAPE: Shape = Shape::Choice(&["off", "report"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &[("off", Self::Off), ("report", Self::Report)])
    }
}

/// What happens to requests that a document does not describe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undocumented {
    /// They pass.
    Allow,
    /// They are refused.
    Refuse,
}

impl Setting for Undocumented {
    const SHAPE: Shape = Shape::Choice(&["allow", "refuse"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &[("allow", Self::Allow), ("refuse", Self::Refuse)])
    }
}

impl Setting for UnknownFields {
    const SHAPE: Shape = Shape::Choice(&["reject", "strip", "allow"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &[("reject", Self::Reject), ("strip", Self::Strip), ("allow", Self::Allow)])
    }
}

/// The section.
pub const SECTION: Section = Section::new(
    "schema",
    "Requests as the application's OpenAPI document describes them.",
    &[
        MODE.spec(),
        DOCUMENT.spec(),
        DOCUMENT_WAIT.spec(),
        UNKNOWN_FIELDS.spec(),
        UNDOCUMENTED.spec(),
        ANSWERS.spec(),
        BODY.spec(),
    ],
)
.per_route();

/// The catalogue entry.
pub static ENTRY: GuardEntry = GuardEntry {
    name: "schema",
    summary: "Refuses requests whose path, query, headers, cookies or body are not what the application's document says.",
    section: &SECTION,
    problems: &[&VALIDATION_FAILED],
    metrics: &[&DRIFT],
    report_only: ReportOnly::Yes,
    build: |build| {
        let (source, body): (DocumentSource, String) = (build.values.get(&DOCUMENT)?, build.values.get(&BODY)?);
        if source.is_none() && body.is_empty() || build.own_path {
            return Ok(None);
        }
        let document = (!source.is_none()).then(|| build.other.document(&source)).transpose();
        let document = document.map_err(|reason| BadSetting { key: DOCUMENT.key(), reason })?;
        let body = (!body.is_empty()).then(|| build.other.body_schema(&body)).transpose();
        let body = body.map_err(|reason| BadSetting { key: BODY.key(), reason })?;
        // What is only reported changes nothing.
        let unknown = match build.values.get(&UNKNOWN_FIELDS)? {
            UnknownFields::Strip if build.mode == Mode::Report => UnknownFields::Allow,
            unknown => unknown,
        };
        let reading = Reading {
            read_before: build.other.mode(json::ENTRY.name) == Mode::Enforce,
            encoded: build.other.section(json::SECTION.name).get(&json::ENCODED)?,
            aside: Some(build.aside),
        };
        let guard = SchemaGuard::new(document, unknown, build.values.get(&UNDOCUMENTED)?);
        let guard = guard.with_body(body).reading(reading);
        Ok(Some(Arc::new(match build.values.get(&ANSWERS)? {
            Compared::Off => guard,
            Compared::Report => {
                let shared = build.shared;
                guard.comparing_answers(&shared.drift, build.policy, build.values.get(&UNKNOWN_FIELDS)?, &*shared.meter)
            }
        })))
    },
};

/// Where the document is.
///
/// # Errors
/// [`BadSetting`] when they are not checked settings of the section.
pub fn document_of(values: &Values) -> Result<DocumentSource, BadSetting> {
    values.get(&DOCUMENT)
}

/// How long an application is waited for that gives its document itself.
///
/// # Errors
/// [`BadSetting`] when they are not checked settings of the section.
pub fn wait_of(values: &Values) -> Result<Span, BadSetting> {
    values.get(&DOCUMENT_WAIT)
}

/// The defaults, to change from.
#[must_use]
pub fn values() -> Values {
    Values::defaults(&SECTION)
}
