//! Section `[authentication]`.

use std::sync::Arc;

use seawall_core::authenticator::INVALID_CREDENTIAL;
use seawall_core::settings::{Field, Literal, Raw, Section, Setting, Shape, Values, choice};

use super::{AuthenticationGuard, ELSEWHERE, FAILURES, UNAVAILABLE};
use crate::{GuardEntry, ReportOnly};

/// What becomes of a request whose credential cannot be looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WhenUnavailable {
    /// It goes on as nobody's, but to no route that requires somebody.
    Anonymous,
    /// It is refused.
    Closed,
}

impl Setting for WhenUnavailable {
    const SHAPE: Shape = Shape::Choice(&["anonymous", "closed"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &[("anonymous", Self::Anonymous), ("closed", Self::Closed)])
    }
}

pub(super) const WHEN_UNAVAILABLE: Field<WhenUnavailable> = Field::new(
    "when_unavailable",
    Literal::Text("anonymous"),
    "What happens to a request with a session while the store cannot say whose it is: with `anonymous` it goes on as nobody's, and a route that requires somebody answers 503; `closed` answers 503 on every route. A request with an API key gets 503 either way. Sessions and keys that were seen a moment ago are known without the store.",
);

/// The section.
pub const SECTION: Section = Section::new(
    "authentication",
    "How it is found out who a request is from. Sessions and API keys are turned on by `enabled` in `[identity]`.",
    &[WHEN_UNAVAILABLE.spec()],
)
.per_route();

/// The catalogue entry.
pub static ENTRY: GuardEntry = GuardEntry {
    name: "authentication",
    summary: "Finds out who a request is from, by a session, a token or an API key, tells the application, and removes what strangers said of it.",
    section: &SECTION,
    problems: &[&UNAVAILABLE, &INVALID_CREDENTIAL, &ELSEWHERE],
    metrics: &[&FAILURES],
    report_only: ReportOnly::No(
        "forged identity headers are always removed, and a key that does not hold is never nobody's",
    ),
    build: |build| {
        let guard = AuthenticationGuard::read(build.values, build.shared)?;
        Ok(Some(Arc::new(guard.on_own_path(build.own_path))))
    },
};

/// The defaults, to change from.
#[must_use]
pub fn values() -> Values {
    Values::defaults(&SECTION)
}
