//! Guards that ask who it is.

use std::sync::Arc;

use seawall_core::{
    Mode,
    authenticator::{Authenticator, Credential, Credentials, Found, Presented},
    meter::NoMeter,
    principal::{Principal, SessionFacts},
    reply::{PortError, Reply},
    settings::Setting as _,
};
use seawall_guards::{
    AnswerHead, Context, Guard, Head, Needs, Shared, Verdict, access, authentication, cors, csrf, rate_limit,
};

use crate::harness::{HOST, Sent, check, text};

#[derive(Debug)]
struct Knows;

impl Authenticator for Knows {
    fn authenticate(&self, presented: &Presented<'_>) -> Reply<Found> {
        let (Credential::Session(value) | Credential::Key(value) | Credential::Token(value)) = presented.credential;
        let found = if value == b"broken" { Err(PortError::Unavailable) } else { Ok(Found::Nobody) };
        Reply::Later(Box::pin(async { found }))
    }
}

#[tokio::test]
async fn authentication() {
    let closed = || {
        let credentials = Credentials::new("session".into(), Arc::new(Knows));
        let values = authentication::values().with("when_unavailable", text("closed"));
        let shared = Shared { credentials: Some(credentials), ..Shared::in_memory() };
        authentication::AuthenticationGuard::read(&values, &shared).unwrap()
    };
    let requests: &[(Sent<'_>, u16, &str)] = &[
        (("GET", "/", &[HOST], &[]), 200, "got 0"),
        (("GET", "/", &[HOST, ("cookie", "session=unknown")], &[]), 200, "got 0"),
        (("GET", "/", &[HOST, ("cookie", "session=broken")], &[]), 503, "SERVICE_UNAVAILABLE"),
        (("GET", "/", &[HOST, ("x-api-key", "sw_live_unknown")], &[]), 401, "INVALID_CREDENTIAL"),
    ];
    check(&authentication::ENTRY, closed, Mode::Enforce, requests).await;
    check(&authentication::ENTRY, closed, Mode::Report, requests).await;
}

#[tokio::test]
async fn access() {
    let users = || access::AccessGuard::new(vec![access::Requirement::read(&text("user")).unwrap()], false);
    let request: Sent<'_> = ("GET", "/", &[HOST], &[]);
    check(&access::ENTRY, users, Mode::Enforce, &[(request, 401, "UNAUTHORIZED")]).await;
    check(&access::ENTRY, users, Mode::Report, &[(request, 200, "got 0")]).await;
}

#[tokio::test]
async fn csrf() {
    let values = csrf::values().with("content_types", text("application/json"));
    let make = || csrf::CsrfGuard::read(&values, &cors::values(), seawall_core::Environment::Production).unwrap();
    let cookie = ("cookie", "session=1");
    let own = ("sec-fetch-site", "same-origin");
    let json: Sent<'_> = ("POST", "/", &[HOST, cookie, own, ("content-type", "application/json")], &["{}"]);
    let form: Sent<'_> = ("POST", "/", &[HOST, cookie, own, ("content-type", "text/plain")], &["{}"]);
    let other: Sent<'_> = ("POST", "/", &[HOST, cookie, ("sec-fetch-site", "cross-site")], &[]);
    let refused = [(json, 200, "got 2"), (form, 415, "UNSUPPORTED_MEDIA_TYPE"), (other, 403, "CROSS_SITE_REFUSED")];
    check(&csrf::ENTRY, make, Mode::Enforce, &refused).await;
    let reported = [(json, 200, "got 2"), (form, 200, "got 2"), (other, 200, "got 0")];
    check(&csrf::ENTRY, make, Mode::Report, &reported).await;
}

/// Limits whoever authentication would have found.
#[derive(Debug)]
struct Ann(rate_limit::PrincipalRateLimitGuard);

impl Guard for Ann {
    fn head(&self, head: &mut Head, context: &mut Context) -> Verdict {
        let session = SessionFacts {
            id: "s1".into(),
            authenticated_at_unix_us: 1,
            expires_at_unix_us: None,
            second_factor: false,
        };
        context.principal = Some(Arc::new(Principal::user("u1", "Ann", &[], session).unwrap()));
        self.0.head(head, context)
    }

    fn dress(&self, answer: &mut AnswerHead, context: &Context) {
        self.0.dress(answer, context);
    }

    fn needs(&self) -> Needs {
        self.0.needs()
    }
}

#[tokio::test]
async fn principal_rate_limit() {
    let make = || {
        let values = rate_limit::values().with("limits", text("2/min per user"));
        let rates = rate_limit::MemoryRates::new(1_024, &NoMeter);
        Ann(rate_limit::PrincipalRateLimitGuard::read(&values, "*", true, rates).unwrap())
    };
    let get: Sent<'_> = ("GET", "/", &[], &[]);
    let entry = &rate_limit::BY_PRINCIPAL;
    check(entry, make, Mode::Enforce, &[(get, 200, ""), (get, 200, ""), (get, 429, "RATE_LIMITED")]).await;
    check(entry, make, Mode::Report, &[(get, 200, ""), (get, 200, ""), (get, 200, "")]).await;
}
