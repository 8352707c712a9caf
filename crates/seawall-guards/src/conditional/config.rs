//! Section `[conditional]`.

use std::sync::Arc;

use http::Method;
use seawall_core::settings::{
    Complaint, Field, Literal, Raw, Section, Setting, Shape, Situation, Size, Span, Values, choice,
};

use super::{CURRENT_UNKNOWN, ConditionalGuard, PRECONDITION_FAILED, PRECONDITION_REQUIRED, RESOURCE_BUSY};
use crate::{GuardEntry, ReportOnly, engine::MODE};

/// Whether answers without a tag get one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Etag {
    /// They do not.
    Off,
    /// They get a weak one.
    Weak,
    /// They get a strong one.
    Strong,
}

impl Setting for Etag {
    const SHAPE: Shape = Shape::Choice(&["off", "weak", "strong"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &[("off", Self::Off), ("weak", Self::Weak), ("strong", Self::Strong)])
    }
}

/// What is asked of requests that change something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IfMatch {
    /// Nothing.
    Off,
    /// They have to say what they know; the application compares it.
    Require,
    /// They have to say what they know, and it is compared here.
    Check,
}

impl Setting for IfMatch {
    const SHAPE: Shape = Shape::Choice(&["off", "require", "check"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &[("off", Self::Off), ("require", Self::Require), ("check", Self::Check)])
    }
}

/// A method that changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Changing {
    Post,
    Put,
    Patch,
    Delete,
}

impl Changing {
    /// It.
    pub(super) const fn method(self) -> Method {
        match self {
            Self::Post => Method::POST,
            Self::Put => Method::PUT,
            Self::Patch => Method::PATCH,
            Self::Delete => Method::DELETE,
        }
    }
}

impl Setting for Changing {
    const SHAPE: Shape = Shape::Choice(&["POST", "PUT", "PATCH", "DELETE"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &[("POST", Self::Post), ("PUT", Self::Put), ("PATCH", Self::Patch), ("DELETE", Self::Delete)])
    }
}

pub(super) const ETAG: Field<Etag> = Field::new(
    "etag",
    Literal::Text("off"),
    "Whether answers to GET without `ETag` get one, made of their body, type and coding, and a client that has that answer is told so (304). `weak` is for caching. `strong` is for `If-Match`, which no weak tag matches; such an answer is not compressed here. Answers up to `max` are held for it until they are whole; those that set a cookie, say `no-store`, or stream are left as they are.",
);
pub(super) const UPSTREAM_TAGS: Field<bool> = Field::new(
    "upstream_tags",
    Literal::Flag(false),
    "Whether 304 is also answered by tags that the application gives, for an application that gives `ETag` and does not look at `If-None-Match`.",
);
pub(super) const IF_MATCH: Field<IfMatch> = Field::new(
    "if_match",
    Literal::Text("off"),
    "What a request that changes something has to say of the state it changes: `require` asks for `If-Match` with the tag of what was read, or `If-None-Match: *` for what is not there yet, and leaves the comparison to the application. `check` compares it here: the application is asked for its current state first (GET, with the caller's own fields), and until the change is answered nobody else changes the same path through this process.",
);
pub(super) const IF_MATCH_METHODS: Field<Vec<Changing>> =
    Field::new("if_match_methods", Literal::Texts(&["PUT", "PATCH", "DELETE"]), "Which methods `if_match` is about.");
pub(super) const COALESCE: Field<bool> = Field::new(
    "coalesce",
    Literal::Flag(false),
    "Whether GETs of one caller that are alike in every field and come at the same time ask the application once. Never between callers: the address, who is known and every credential have to be the same.",
);
pub(super) const MAX: Field<Size> = Field::new(
    "max",
    Literal::Text("1 MiB"),
    "The longest answer that is tagged, read to be compared, or shared. It is held in memory meanwhile, within `body_memory` of `[server]`.",
)
.between("1 KiB", "64 MiB");
pub(super) const WAIT: Field<Span> = Field::new(
    "wait",
    Literal::Text("5s"),
    "How long one request waits for another: a change for the change before it, which then is answered with 503, and a GET for the answer to one like it, which then goes to the application itself.",
)
.between("10ms", "5min");

/// The section.
pub const SECTION: Section = Section::new(
    "conditional",
    "Conditional requests (`ETag`, `If-None-Match`, `If-Match`), and requests that are alike. Nothing of it is on from the start.",
    &[
        MODE.spec(),
        ETAG.spec(),
        UPSTREAM_TAGS.spec(),
        IF_MATCH.spec(),
        IF_MATCH_METHODS.spec(),
        COALESCE.spec(),
        MAX.spec(),
        WAIT.spec(),
    ],
)
.per_route()
.with_demands(demands);

/// The catalogue entry.
pub static ENTRY: GuardEntry = GuardEntry {
    name: "conditional",
    summary: "Answers 304 to clients that have the answer, refuses changes of a state that has changed, and asks once for GETs that are alike.",
    section: &SECTION,
    problems: &[&PRECONDITION_REQUIRED, &PRECONDITION_FAILED, &RESOURCE_BUSY, &CURRENT_UNKNOWN],
    metrics: &[],
    report_only: ReportOnly::Yes,
    build: |build| {
        if build.own_path {
            return Ok(None);
        }
        let guard = ConditionalGuard::read(build.values, build.mode)?;
        Ok(guard.map(|guard| Arc::new(guard) as _))
    },
};

/// The defaults, to change from.
#[must_use]
pub fn values() -> Values {
    Values::defaults(&SECTION)
}

fn demands(values: &Values, _: &Situation) -> Vec<Complaint> {
    let complaint = |field: &'static str, what: &str, help: &str| Complaint {
        key: Some(field),
        what: what.to_owned(),
        help: help.to_owned(),
    };
    let (Ok(etag), Ok(if_match)) = (values.get(&ETAG), values.get(&IF_MATCH)) else { return Vec::new() };
    let mut complaints = Vec::new();
    if etag == Etag::Weak && if_match == IfMatch::Check {
        complaints.push(complaint(
            ETAG.key(),
            "a weak tag never matches in `If-Match` (RFC 9110 section 13.1.1), so no change would be let through",
            "write etag = \"strong\", or \"off\" when the application gives strong tags itself",
        ));
    }
    if if_match != IfMatch::Off && values.get(&IF_MATCH_METHODS).is_ok_and(|methods| methods.is_empty()) {
        complaints.push(complaint(
            IF_MATCH_METHODS.key(),
            "`if_match` is on, but for no method",
            "name those that change something, such as [\"PUT\", \"PATCH\", \"DELETE\"]",
        ));
    }
    complaints
}
