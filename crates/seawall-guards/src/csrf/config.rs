//! Section `[csrf]`.

use std::sync::Arc;

use http::HeaderName;
use seawall_core::{
    cross_site::CROSS_SITE_REFUSED,
    http::OriginPattern,
    settings::{BadSetting, Complaint, Field, Literal, Raw, Section, Setting, Shape, Situation, Values, choice},
};

use super::{CONTENT_TYPE_REFUSED, ContentType, CsrfGuard, TOKEN_REFUSED};
use crate::{GuardEntry, ReportOnly, cors, engine::MODE};

/// Which requests are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// Those with cookies, or with what else a browser sends unasked.
    Cookies,
    /// All that show no key and no bearer token.
    Always,
}

impl Setting for When {
    const SHAPE: Shape = Shape::Choice(&["cookies", "always"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &[("cookies", Self::Cookies), ("always", Self::Always)])
    }
}

/// What a request has to bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Proof {
    /// Nothing: only what names another site is refused.
    Nothing,
    /// A field that says which page it comes from.
    Origin,
    /// A token that a page was given for the session.
    Token,
}

impl Setting for Proof {
    const SHAPE: Shape = Shape::Choice(&["nothing", "origin", "token"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &[("nothing", Self::Nothing), ("origin", Self::Origin), ("token", Self::Token)])
    }
}

/// The name of a header field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FieldName(pub(super) HeaderName);

impl Setting for FieldName {
    const SHAPE: Shape = Shape::Text("header field", "X-CSRF-Token");

    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Text(text) => text
                .parse()
                .map(Self)
                .map_err(|_| format!("\"{text}\" cannot name a header field; write one such as \"X-CSRF-Token\"")),
            other => Err(format!("expected the name of a header field as text, found {}", other.kind())),
        }
    }
}

pub(super) const WHEN: Field<When> = Field::new(
    "when",
    Literal::Text("cookies"),
    "Which requests that may change something are looked at: with `cookies` those that carry cookies, or a password that the browser keeps (`Authorization: Basic`); with `always` also those without, as a path where people sign in wants it. Requests with an API key or a bearer token are none of them.",
);
pub(super) const REQUIRE: Field<Proof> = Field::new(
    "require",
    Literal::Text("nothing"),
    "What such a request has to bring: with `nothing` one that does not say where it comes from passes, as programs do not; `origin` refuses it, for what is sensitive. Every browser of the last years says it. `token` asks for a token besides, which a page gets for a session of Seawall's from `PREFIX/auth/csrf-token`; it needs `enabled` in `[identity]`.",
);
pub(super) const TRUSTED: Field<Vec<OriginPattern>> = Field::new(
    "trusted",
    Literal::Texts(&[]),
    "Other origins whose pages may make such requests, each exactly, beside those of `origins` in `[cors]`. Outside production, pages on localhost may too.",
);
pub(super) const CONTENT_TYPES: Field<Vec<ContentType>> = Field::new(
    "content_types",
    Literal::Texts(&[]),
    "The only content types that such a request may have, such as `\"application/json\"` or `\"application/*+json\"`; any other is refused with 415, and so is a body without one. A page of another site can send forms and plain text without being asked, and nothing of these. Empty takes all.",
);

pub(super) const TOKEN_HEADER: Field<FieldName> =
    Field::new("token_header", Literal::Text("X-CSRF-Token"), "The field in which a page sends its token.");

/// The section.
pub const SECTION: Section = Section::new(
    "csrf",
    "Requests that pages of other sites have a browser make, with the cookies of whoever is before it.",
    &[MODE.spec(), WHEN.spec(), REQUIRE.spec(), TOKEN_HEADER.spec(), TRUSTED.spec(), CONTENT_TYPES.spec()],
)
.per_route()
.with_demands(demands);

/// The catalogue entry.
pub static ENTRY: GuardEntry = GuardEntry {
    name: "csrf",
    summary: "Refuses what pages of other sites have a browser ask with the visitor's cookies, and forms where JSON belongs.",
    section: &SECTION,
    problems: &[&CROSS_SITE_REFUSED, &CONTENT_TYPE_REFUSED, &TOKEN_REFUSED],
    metrics: &[],
    report_only: ReportOnly::Yes,
    build: |build| {
        if build.own_path {
            return Ok(None);
        }
        let granted = build.other.section(cors::SECTION.name);
        let guard = CsrfGuard::read(build.values, &granted, build.environment)?;
        let tokens = build.shared.credentials.as_ref().and_then(|credentials| credentials.page_tokens.clone());
        if guard.requires_token() && tokens.is_none() {
            let reason = "nobody can sign in, so no page could be given a token; set `enabled = true` in [identity]";
            return Err(BadSetting { key: REQUIRE.key(), reason: reason.to_owned() });
        }
        Ok(Some(Arc::new(guard.with_tokens(tokens))))
    },
};

/// The defaults, to change from.
#[must_use]
pub fn values() -> Values {
    Values::defaults(&SECTION)
}

/// The origins that are named in `[csrf]`.
pub(super) fn trusted(values: &Values) -> Result<Vec<OriginPattern>, BadSetting> {
    values.get(&TRUSTED)
}

fn demands(values: &Values, _: &Situation) -> Vec<Complaint> {
    let any = trusted(values).is_ok_and(|origins| origins.contains(&OriginPattern::Any));
    any.then(|| Complaint {
        key: Some(TRUSTED.key()),
        what: "\"*\" would let every website act as whoever visits it".to_owned(),
        help: "list the origins of your own pages, such as \"https://app.example.com\"; `mode = \"off\"` turns the guard off"
            .to_owned(),
    })
    .into_iter()
    .collect()
}
