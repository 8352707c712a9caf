//! What answers wear.

use http::{HeaderMap, Response};
use seawall_core::{
    Environment,
    settings::{Raw, Values},
};

use super::*;
use crate::{Guard, engine::sample_context};

fn dressed_with(values: &Values, environment: Environment, secure: bool, set: &[(&str, &str)]) -> HeaderMap {
    let guard = SecurityHeadersGuard::read(values, environment).unwrap().unwrap();
    let response = set.iter().fold(Response::builder(), |response, (name, value)| response.header(*name, *value));
    let (mut answer, ()) = response.body(()).unwrap().into_parts();
    let mut context = sample_context();
    context.secure = secure;
    guard.dress(&mut answer, &context);
    answer.headers
}

fn dressed(set: &[(&str, &str)]) -> HeaderMap {
    dressed_with(&values(), Environment::Development, false, set)
}

#[test]
fn wk_3_every_header_of_the_checklist_is_there() {
    let headers = dressed(&[("content-type", "application/json; charset=utf-8")]);
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("x-xss-protection", "0"),
        ("referrer-policy", "strict-origin-when-cross-origin"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ("permissions-policy", "geolocation=(), microphone=(), camera=()"),
    ] {
        assert_eq!(headers[name], value);
    }
    assert!(!headers.contains_key("strict-transport-security"));
    let asked = values().with("xss_protection", Raw::Text("1; mode=block".to_owned()));
    assert_eq!(dressed_with(&asked, Environment::Development, false, &[])["x-xss-protection"], "1; mode=block");
}

#[test]
fn wk_3_hsts_is_sent_over_https_in_production() {
    let hsts = |environment, secure| {
        dressed_with(&values(), environment, secure, &[]).contains_key("strict-transport-security")
    };
    assert!(hsts(Environment::Production, true));
    assert!(!hsts(Environment::Production, false));
    assert!(!hsts(Environment::Development, true));
}

#[test]
fn pages_may_load_what_they_load() {
    let headers = dressed(&[("content-type", "text/html; charset=utf-8")]);
    assert_eq!(headers["content-security-policy"], "frame-ancestors 'none'; base-uri 'self'; object-src 'none'");
    assert!(headers["content-security-policy-report-only"].to_str().unwrap().starts_with("default-src 'self'"));
    assert!(
        !dressed(&[("content-type", "text/javascript")]).contains_key("content-security-policy"),
        "a worker lives under its script's policy"
    );
}

#[test]
fn the_applications_own_headers_are_respected_or_overridden_but_never_doubled() {
    let own = [
        ("x-frame-options", "SAMEORIGIN"),
        ("content-security-policy", "default-src 'self'"),
        ("content-type", "text/html"),
        ("x-content-type-options", "sniff"),
    ];
    let respected = dressed(&own);
    assert_eq!(respected["x-frame-options"], "SAMEORIGIN");
    assert_eq!(respected["content-security-policy"], "default-src 'self'");
    assert!(!respected.contains_key("content-security-policy-report-only"));
    assert_eq!(respected["x-content-type-options"], "nosniff", "the only value it has");
    let overriding = values().with("upstream", Raw::Text("override".to_owned()));
    let overridden = dressed_with(&overriding, Environment::Development, false, &own);
    assert_eq!(overridden["x-frame-options"], "DENY");
    for name in overridden.keys() {
        assert_eq!(overridden.get_all(name).iter().count(), 1, "{name} is doubled");
    }
}

#[test]
fn software_names_are_taken_out() {
    let headers = dressed(&[("server", "SimpleHTTP/0.6"), ("x-powered-by", "Express")]);
    assert!(!headers.contains_key("server") && !headers.contains_key("x-powered-by"));
}

/// Names are first told apart by their length and last letter: `content-language` is like `x-powered-by`, `x-other-options` like
/// `x-frame-options`.
#[test]
fn names_that_are_alike_are_told_apart() {
    let headers = dressed(&[("content-language", "de"), ("x-powered-by", "Express"), ("x-other-options", "a")]);
    assert!(headers.contains_key("content-language") && !headers.contains_key("x-powered-by"));
    assert_eq!(
        (&headers["x-frame-options"], &headers["x-other-options"]),
        (&"DENY".parse().unwrap(), &"a".parse().unwrap())
    );
    assert_eq!(dressed(&[("content-language", "de")])["content-language"], "de");
}

#[test]
fn framing_agrees_in_both_headers() {
    let same = values().with("frame_options", Raw::Text("SAMEORIGIN".to_owned()));
    let headers = dressed_with(&same, Environment::Development, false, &[("content-type", "text/html")]);
    assert!(headers["content-security-policy"].to_str().unwrap().starts_with("frame-ancestors 'self'"));
    let none = values().with("frame_options", Raw::Text(String::new()));
    let headers = dressed_with(&none, Environment::Development, false, &[("content-type", "text/html")]);
    assert_eq!(headers["content-security-policy"], "base-uri 'self'; object-src 'none'");
    assert!(!headers.contains_key("x-frame-options"));
}

#[test]
fn a_value_that_cannot_stand_in_a_header_is_a_complaint() {
    let broken = values().with("referrer_policy", Raw::Text("a\nb".to_owned()));
    let situation = seawall_core::settings::Situation { environment: Environment::Development, written: true };
    let complaints = (SECTION.demands)(&broken, &situation);
    assert_eq!(complaints.first().and_then(|complaint| complaint.key), Some("referrer_policy"));
}
