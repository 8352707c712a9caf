//! Section `[security_headers]`.

use std::sync::Arc;

use seawall_core::settings::{Field, Literal, Raw, Section, Setting, Shape, Values, choice};

use super::SecurityHeadersGuard;
use crate::{GuardEntry, ReportOnly};

/// Whose header stands when the application sets it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Upstream {
    /// The application's.
    Respect,
    /// Ours.
    Override,
}

impl Setting for Upstream {
    const SHAPE: Shape = Shape::Choice(&["respect", "override"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &[("respect", Self::Respect), ("override", Self::Override)])
    }
}

/// When `Strict-Transport-Security` is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hsts {
    /// Over https, in production.
    Auto,
    /// Over https, everywhere.
    Always,
    /// Never.
    Off,
}

impl Setting for Hsts {
    const SHAPE: Shape = Shape::Choice(&["auto", "always", "off"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &[("auto", Self::Auto), ("always", Self::Always), ("off", Self::Off)])
    }
}

pub(super) const ENABLED: Field<bool> =
    Field::new("enabled", Literal::Flag(true), "Whether answers are dressed at all.");
pub(super) const UPSTREAM: Field<Upstream> = Field::new(
    "upstream",
    Literal::Text("respect"),
    "Whose header stands when the application sets one too: `respect` keeps its value, `override` puts ours.",
);
pub(super) const FRAME_OPTIONS: Field<String> = Field::new(
    "frame_options",
    Literal::Text("DENY"),
    "`X-Frame-Options`: `DENY`, `SAMEORIGIN`, or empty for none. It also sets `frame-ancestors` of the default policies.",
);
pub(super) const REFERRER_POLICY: Field<String> = Field::new(
    "referrer_policy",
    Literal::Text("strict-origin-when-cross-origin"),
    "`Referrer-Policy`; empty for none.",
);
pub(super) const PERMISSIONS_POLICY: Field<String> = Field::new(
    "permissions_policy",
    Literal::Text("geolocation=(), microphone=(), camera=()"),
    "`Permissions-Policy`; empty for none.",
);
pub(super) const XSS_PROTECTION: Field<String> = Field::new(
    "xss_protection",
    Literal::Text("0"),
    "`X-XSS-Protection`. The filter it steers is gone from browsers and did harm where it was on, so `0`; `1; mode=block` for those who must have it; empty for none.",
);
pub(super) const CSP_JSON: Field<String> = Field::new(
    "csp_json",
    Literal::Text("default-src 'none'; frame-ancestors 'none'"),
    "`Content-Security-Policy` of JSON and other data; empty for none.",
);
pub(super) const CSP_HTML: Field<String> = Field::new(
    "csp_html",
    Literal::Text("frame-ancestors 'none'; base-uri 'self'; object-src 'none'"),
    "`Content-Security-Policy` of pages; empty for none. The default blocks nothing that a page loads.",
);
pub(super) const CSP_HTML_REPORT_ONLY: Field<String> = Field::new(
    "csp_html_report_only",
    Literal::Text(
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'self'; form-action 'self'; object-src 'none'",
    ),
    "`Content-Security-Policy-Report-Only` of pages: what a stricter policy would block shows in the browser's console and blocks nothing. Empty for none.",
);
pub(super) const HSTS: Field<Hsts> = Field::new(
    "hsts",
    Literal::Text("auto"),
    "When `Strict-Transport-Security` is sent: `auto` over https in production, `always` over https everywhere, `off` never.",
);
pub(super) const HSTS_VALUE: Field<String> = Field::new(
    "hsts_value",
    Literal::Text("max-age=31536000"),
    "The value of `Strict-Transport-Security`. Add `; includeSubDomains` when every subdomain speaks https.",
);
pub(super) const HIDE: Field<Vec<String>> = Field::new(
    "hide",
    Literal::Texts(&["Server", "X-Powered-By", "X-AspNet-Version", "X-AspNetMvc-Version"]),
    "Headers of the application that are taken out, because they tell an attacker what it runs on.",
);

/// The section.
pub const SECTION: Section = Section::new(
    "security_headers",
    "Security headers on every answer.",
    &[
        ENABLED.spec(),
        UPSTREAM.spec(),
        FRAME_OPTIONS.spec(),
        REFERRER_POLICY.spec(),
        PERMISSIONS_POLICY.spec(),
        XSS_PROTECTION.spec(),
        CSP_JSON.spec(),
        CSP_HTML.spec(),
        CSP_HTML_REPORT_ONLY.spec(),
        HSTS.spec(),
        HSTS_VALUE.spec(),
        HIDE.spec(),
    ],
)
.per_route()
.with_demands(super::guard::demands);

/// The catalogue entry.
pub static ENTRY: GuardEntry = GuardEntry {
    name: "security_headers",
    summary: "Adds or corrects security headers on every answer and takes out those that name the application's software.",
    section: &SECTION,
    problems: &[],
    metrics: &[],
    report_only: ReportOnly::No("it refuses nothing; what could block a page is sent in report-only form"),
    build: |build| {
        let guard = SecurityHeadersGuard::read(build.values, build.environment)?;
        Ok(guard.map(|guard| Arc::new(guard) as Arc<dyn crate::Guard>))
    },
};

/// The defaults, to change from.
#[must_use]
pub fn values() -> Values {
    Values::defaults(&SECTION)
}
