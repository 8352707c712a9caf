//! Section `[access]`.

use std::sync::Arc;

use seawall_core::{
    authenticator::{CONFIRM_YOUR_IDENTITY, NOT_SIGNED_IN, SECOND_FACTOR_REQUIRED},
    settings::{BadSetting, Field, Literal, Section, Values},
};

use super::{AccessGuard, NOT_ALLOWED, Requirement};
use crate::{GuardEntry, ReportOnly, engine::MODE};

pub(super) const REQUIRE: Field<Vec<Requirement>> = Field::new(
    "require",
    Literal::Texts(&[]),
    "Who may use the route: \"user\" is a person who signed in, \"key\" a program with an API key, \"device\" a paired device, \"known\" any of them; \"role admin\" is whoever has that role, \"organisation role admin\" whoever acts for an organisation in that role, \"tier pro\" whoever acts for one of that tier, \"scope orders:read\" whoever may do that: a person everything, a key what it was given; \"second factor\" is whoever signed in with one, \"fresh 5min\" whoever showed the password or a code within that time. Parts of one are joined by \"and\"; of several, one is enough. A key opens only what says \"key\", \"known\" or a scope, a device what says \"device\" or \"known\". Empty lets everybody in. It needs `enabled` in `[identity]`. Seawall's own paths are not meant.",
);
pub(super) const HIDDEN: Field<bool> = Field::new(
    "hidden",
    Literal::Flag(false),
    "Whether whoever may not use the route is answered 404, as if it were not there, instead of 401 or 403.",
);

/// The section.
pub const SECTION: Section =
    Section::new("access", "Who may use a route.", &[MODE.spec(), REQUIRE.spec(), HIDDEN.spec()]).per_route();

/// The catalogue entry.
pub static ENTRY: GuardEntry = GuardEntry {
    name: "access",
    summary: "Lets a route be used by whoever signed in, has a role, or shows a key that holds for it.",
    section: &SECTION,
    problems: &[&NOT_SIGNED_IN, &NOT_ALLOWED, &CONFIRM_YOUR_IDENTITY, &SECOND_FACTOR_REQUIRED],
    metrics: &[],
    report_only: ReportOnly::Yes,
    build: |build| {
        let require = build.values.get(&REQUIRE)?;
        if require.is_empty() || build.own_path {
            return Ok(None);
        }
        let Some(credentials) = &build.shared.credentials else {
            let reason = "nobody can sign in, so nobody could be let in; set `enabled = true` in [identity]".to_owned();
            return Err(BadSetting { key: REQUIRE.key(), reason });
        };
        let guard = AccessGuard::new(require, build.values.get(&HIDDEN)?).with_pages(credentials.pages.clone());
        Ok(Some(Arc::new(guard)))
    },
};

/// The defaults, to change from.
#[must_use]
pub fn values() -> Values {
    Values::defaults(&SECTION)
}
