//! Which requests are taken for another site's.

use std::sync::Arc;

use http::{Request, Version};
use proptest::prelude::*;
use seawall_core::{
    Environment,
    authenticator::PageTokens,
    principal::{Principal, SessionFacts},
    settings::{Raw, Situation, Values},
};

use super::*;
use crate::{Guard, Verdict, cors, engine::sample_context};

const COOKIE: (&str, &str) = ("cookie", "session=1");
const BEARER: (&str, &str) = ("authorization", "Bearer of-the-application");
const JSON: (&str, &str) = ("content-type", "application/json");
const LENGTH: (&str, &str) = ("content-length", "2");

fn list(texts: &[&str]) -> Raw {
    Raw::List(texts.iter().map(|&text| Raw::Text(text.to_owned())).collect())
}

fn guard(values: &Values, environment: Environment) -> CsrfGuard {
    let granted = cors::values().with("origins", list(&["https://pages.example"]));
    CsrfGuard::read(values, &granted, environment).unwrap()
}

fn production(values: &Values) -> CsrfGuard {
    guard(values, Environment::Production)
}

/// What a request meets, over https: nothing when it passes, else the status.
fn asked(guard: &CsrfGuard, method: &str, sent: &[&[(&str, &str)]]) -> Option<u16> {
    met(guard, method, sent, |_| {})
}

fn met(
    guard: &CsrfGuard,
    method: &str,
    sent: &[&[(&str, &str)]],
    known: impl FnOnce(&mut crate::Context),
) -> Option<u16> {
    let request = Request::builder().method(method).header("host", "app.example");
    let request = sent.iter().copied().flatten().fold(request, |request, (name, value)| request.header(*name, *value));
    let (mut head, ()) = request.body(()).unwrap().into_parts();
    let mut context = sample_context();
    context.secure = true;
    known(&mut context);
    match guard.head(&mut head, &mut context) {
        Verdict::Pass => None,
        Verdict::Refuse(problem) => Some(problem.status().as_u16()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn st_11_what_the_browser_says_of_the_page_decides() {
    let guard = production(&values());
    let site = |value| ("sec-fetch-site", value);
    let origin = |value| ("origin", value);
    let referer = |value| ("referer", value);
    for (sent, expected) in [
        (&[][..], None),
        (&[site("same-origin")], None),
        (&[site("none")], None),
        (&[site("same-origin"), origin("null")], None),
        (&[site("same-site")], Some(403)),
        (&[site("cross-site")], Some(403)),
        (&[site("cross-site"), origin("https://app.example")], Some(403)),
        (&[site("cross-site"), origin("https://pages.example")], None),
        (&[site("same-site"), origin("https://pages.example")], None),
        (&[site("nonsense")], Some(403)),
        (&[site("")], Some(403)),
        (&[site("same-origin"), site("cross-site")], Some(403)),
        (&[origin("https://app.example")], None),
        (&[origin("https://APP.example")], None),
        (&[origin("http://app.example")], Some(403)),
        (&[origin("https://app.example:8443")], Some(403)),
        (&[origin("https://app.example.evil.example")], Some(403)),
        (&[origin("https://pages.example")], None),
        (&[origin("null")], Some(403)),
        (&[origin("")], Some(403)),
        (&[origin("https://app.example"), origin("https://evil.example")], Some(403)),
        (&[origin("http://localhost:5173")], Some(403)),
        (&[referer("https://app.example/a?b")], None),
        (&[referer("https://app.example")], None),
        (&[referer("https://pages.example/a")], None),
        (&[referer("https://evil.example/https://app.example/")], Some(403)),
        (&[referer("https://app.example@evil.example/")], Some(403)),
        (&[referer("about:blank")], Some(403)),
        (&[referer("https://app.example/"), origin("https://evil.example")], Some(403)),
    ] {
        assert_eq!(asked(&guard, "POST", &[&[COOKIE], sent]), expected, "{sent:?}");
    }
}

#[test]
fn only_what_may_change_something_or_opens_a_socket_is_looked_at() {
    let guard = production(&values());
    let foreign = [COOKIE, ("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")];
    for (method, expected) in [
        ("GET", None),
        ("HEAD", None),
        ("OPTIONS", None),
        ("POST", Some(403)),
        ("PUT", Some(403)),
        ("PATCH", Some(403)),
        ("DELETE", Some(403)),
        ("PURGE", Some(403)),
        ("CONNECT", Some(403)),
    ] {
        assert_eq!(asked(&guard, method, &[&foreign]), expected, "{method}");
    }
    let upgrade = [("connection", "keep-alive, Upgrade"), ("upgrade", "websocket")];
    assert_eq!(asked(&guard, "GET", &[&upgrade, &foreign]), Some(403));
    assert_eq!(asked(&guard, "GET", &[&upgrade, &[COOKIE, ("origin", "https://app.example")]]), None);
}

#[test]
fn keys_and_tokens_are_sent_by_nobody_unasked_and_cookies_and_passwords_are() {
    let (guard, always) = (production(&values()), production(&values().with("when", Raw::Text("always".into()))));
    let foreign = ("origin", "https://evil.example");
    for (sent, by_default, when_always) in [
        (&[][..], None, Some(403)),
        (&[COOKIE], Some(403), Some(403)),
        (&[COOKIE, BEARER], None, None),
        (&[COOKIE, ("x-api-key", "of-the-application")], None, None),
        (&[("authorization", "Basic YTpi")], Some(403), Some(403)),
        (&[("authorization", "NEGOTIATE x")], Some(403), Some(403)),
        (&[("authorization", "")], Some(403), Some(403)),
        (&[BEARER, ("authorization", "Basic YTpi")], Some(403), Some(403)),
    ] {
        assert_eq!(asked(&guard, "POST", &[sent, &[foreign]]), by_default, "{sent:?}");
        assert_eq!(asked(&always, "POST", &[sent, &[foreign]]), when_always, "{sent:?}");
    }
    let session =
        SessionFacts { id: "s1".into(), authenticated_at_unix_us: 1, expires_at_unix_us: None, second_factor: false };
    let ann = Arc::new(Principal::user("u1", "Ann", &[], session).unwrap());
    let by = |by_cookie: bool, sent: &[(&str, &str)]| {
        met(&guard, "POST", &[sent, &[foreign]], |context| {
            context.principal = Some(Arc::clone(&ann));
            context.by_cookie = by_cookie;
        })
    };
    assert_eq!(by(true, &[]), Some(403), "the cookie of the session stays here, and counts");
    assert_eq!(by(true, &[BEARER]), Some(403), "what was believed is the cookie");
    assert_eq!(by(false, &[COOKIE]), None, "a token was believed, not the application's cookie");
}

#[test]
fn a_sensitive_route_asks_where_a_request_comes_from() {
    let guard = production(&values().with("require", Raw::Text("origin".into())));
    assert_eq!(asked(&guard, "POST", &[&[COOKIE]]), Some(403));
    assert_eq!(asked(&guard, "POST", &[&[COOKIE, ("sec-fetch-site", "none")]]), None);
    assert_eq!(asked(&guard, "POST", &[&[COOKIE, ("referer", "https://app.example/x")]]), None);
    assert_eq!(asked(&guard, "POST", &[&[BEARER]]), None);
    assert_eq!(asked(&guard, "POST", &[]), None, "without cookies there is nothing to abuse");
}

#[derive(Debug)]
struct Known;

impl PageTokens for Known {
    fn holds(&self, session: &str, token: &[u8]) -> bool {
        (session, token) == ("s1", b"good")
    }
}

#[test]
fn a_route_asks_for_a_token_of_the_session() {
    let values = values().with("require", Raw::Text("token".into())).with("token_header", Raw::Text("X-Own".into()));
    let without = production(&values);
    let guard = production(&values).with_tokens(Some(Arc::new(Known)));
    let ann = |session: &str| {
        let session = SessionFacts {
            id: session.into(),
            authenticated_at_unix_us: 1,
            expires_at_unix_us: None,
            second_factor: false,
        };
        Principal::user("u1", "Ann", &[], session).map(Arc::new)
    };
    let own = ("sec-fetch-site", "same-origin");
    let by = |guard: &CsrfGuard, session: Option<&str>, sent: &[(&str, &str)]| {
        met(guard, "POST", &[sent, &[COOKIE]], |context| {
            context.principal = session.and_then(ann);
            context.by_cookie = true;
        })
    };
    assert_eq!(by(&guard, Some("s1"), &[own, ("x-own", "good")]), None);
    assert_eq!(by(&guard, Some("s1"), &[("x-own", "good")]), None, "the token says enough");
    assert_eq!(by(&guard, Some("s1"), &[own]), Some(403));
    assert_eq!(by(&guard, Some("s1"), &[own, ("x-own", "bad")]), Some(403));
    assert_eq!(by(&guard, Some("s1"), &[own, ("x-own", "good"), ("x-own", "good")]), Some(403));
    assert_eq!(by(&guard, Some("s2"), &[own, ("x-own", "good")]), Some(403));
    assert_eq!(by(&guard, None, &[own, ("x-own", "good")]), Some(403));
    assert_eq!(by(&guard, Some("s1"), &[("origin", "https://evil.example"), ("x-own", "good")]), Some(403));
    assert_eq!(by(&without, Some("s1"), &[own, ("x-own", "good")]), Some(403), "nobody knows it");
    assert_eq!(asked(&guard, "POST", &[&[BEARER]]), None);
    let upgrade = [COOKIE, own, ("connection", "upgrade"), ("upgrade", "websocket")];
    assert_eq!(asked(&guard, "GET", &[&upgrade]), None, "a page can give a socket no field");
    let silent = [COOKIE, ("connection", "upgrade"), ("upgrade", "websocket")];
    assert_eq!(asked(&guard, "GET", &[&silent]), Some(403), "but it says where it comes from");
}

#[test]
fn origins_of_ones_own_are_listed_and_those_on_localhost_hold_outside_production() {
    let listed = values().with("trusted", list(&["https://admin.example"]));
    let from = |guard: &CsrfGuard, origin| asked(guard, "POST", &[&[COOKIE, ("origin", origin)]]);
    assert_eq!(from(&production(&listed), "https://admin.example"), None);
    assert_eq!(from(&production(&listed), "https://other.example"), Some(403));
    let local = "http://localhost:5173";
    assert_eq!(from(&production(&listed), local), Some(403));
    assert_eq!(from(&guard(&listed, Environment::Staging), local), None);
    let page = [COOKIE, ("sec-fetch-site", "same-site"), ("origin", local)];
    assert_eq!(asked(&guard(&values(), Environment::Development), "POST", &[&page]), None);
    let situation = Situation { environment: Environment::Development, written: true };
    assert_eq!((SECTION.demands)(&values().with("trusted", list(&["*"])), &situation).len(), 1);
    assert_eq!((SECTION.demands)(&listed, &situation).len(), 0);
}

#[test]
fn where_json_belongs_forms_and_garbage_are_refused_with_415() {
    let guard = production(&values().with("content_types", list(&["application/json", "application/*+json"])));
    let own = [COOKIE, LENGTH, ("sec-fetch-site", "same-origin")];
    for (kind, expected) in [
        ("application/json", None),
        (" Application/JSON ; charset=utf-8", None),
        ("application/json;", None),
        ("application/json; a=\"b;\\\" ,c\" ; d=e", None),
        ("application/problem+json", None),
        ("application/+json", Some(415)),
        ("application/jsonp", Some(415)),
        ("text/plain", Some(415)),
        ("text/plain; application/json", Some(415)),
        ("multipart/form-data; boundary=x", Some(415)),
        ("application/x-www-form-urlencoded", Some(415)),
        ("application/json, text/plain", Some(415)),
        ("application/json; a=b, text/plain", Some(415)),
        ("application/json; a=\"b", Some(415)),
        ("application/json; a", Some(415)),
        ("application/json; a=", Some(415)),
        ("json", Some(415)),
        ("application/", Some(415)),
        ("application/json/x", Some(415)),
        ("", Some(415)),
        (";", Some(415)),
    ] {
        assert_eq!(asked(&guard, "POST", &[&own, &[("content-type", kind)]]), expected, "{kind:?}");
    }
    assert_eq!(asked(&guard, "POST", &[&own]), Some(415), "a body without a type");
    assert_eq!(asked(&guard, "POST", &[&own, &[JSON, ("content-type", "text/plain")]]), Some(415));
    assert_eq!(asked(&guard, "POST", &[&own, &[JSON, JSON]]), Some(415), "said twice");
    assert_eq!(asked(&guard, "POST", &[&[COOKIE, ("content-length", "0")]]), None, "no body needs no type");
    assert_eq!(asked(&guard, "DELETE", &[&[COOKIE]]), None);
    assert_eq!(asked(&guard, "POST", &[&[COOKIE, ("transfer-encoding", "chunked")]]), Some(415));
    assert_eq!(asked(&guard, "POST", &[&[BEARER, LENGTH, ("content-type", "text/plain")]]), None, "no browser's");
    assert_eq!(asked(&guard, "GET", &[&[COOKIE, ("content-type", "text/plain")]]), None);
}

#[test]
fn over_http2_a_post_without_a_length_may_have_a_body() {
    let guard = production(&values().with("content_types", list(&["application/json"])));
    for (method, refused) in [("POST", true), ("DELETE", false)] {
        let request = Request::builder().method(method).version(Version::HTTP_2).header(COOKIE.0, COOKIE.1);
        let (mut head, ()) = request.body(()).unwrap().into_parts();
        let verdict = guard.head(&mut head, &mut sample_context());
        assert_eq!(matches!(verdict, Verdict::Refuse(_)), refused, "{method} {verdict:?}");
    }
}

#[test]
fn content_types_are_written_without_parameters() {
    for bad in ["", "json", "/", "a/", "/b", "*/*", "application/*", "application/*+", "a/b; c=d", "a/b, c/d", "a/*x"] {
        assert!(ContentType::parse(bad).is_err(), "{bad:?}");
    }
    assert_eq!(ContentType::parse("Application/JSON"), ContentType::parse("application/json"));
}

proptest! {
    /// Whatever stands in the fields: no panic, and what another site's page sends never passes.
    #[test]
    fn no_bytes_of_a_foreign_page_open_anything(
        origin in "[ -~]{0,40}",
        referer in "[ -~]{0,40}",
        kind in proptest::collection::vec(32_u8..=255, 0..40),
    ) {
        let values = values().with("content_types", list(&["application/json"]));
        let guard = production(&values);
        prop_assume!(origin.trim() != "https://pages.example" && kind.iter().all(|&byte| byte != 127));
        let request = Request::post("/")
            .header("host", "app.example")
            .header(COOKIE.0, COOKIE.1)
            .header(LENGTH.0, LENGTH.1)
            .header("sec-fetch-site", "cross-site")
            .header("origin", origin.as_str())
            .header("referer", referer.as_str())
            .header("content-type", kind.as_slice());
        let (mut head, ()) = request.body(()).unwrap().into_parts();
        prop_assert!(matches!(guard.head(&mut head, &mut sample_context()), Verdict::Refuse(_)));
        head.headers.remove("origin");
        head.headers.remove("sec-fetch-site");
        head.headers.remove("referer");
        let json = kind.to_ascii_lowercase().trim_ascii().starts_with(b"application/json");
        let passes = matches!(guard.head(&mut head, &mut sample_context()), Verdict::Pass);
        prop_assert!(json || !passes);
    }
}
