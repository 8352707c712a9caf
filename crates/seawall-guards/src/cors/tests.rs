//! Whose pages may call.

use http::{HeaderMap, Request, Response};
use seawall_core::{
    Environment,
    settings::{Raw, Situation, Values},
};

use super::*;
use crate::{Guard, Stop, Verdict, engine::sample_context};

fn listed(origins: &[&str]) -> Values {
    values().with("origins", Raw::List(origins.iter().map(|&origin| Raw::Text(origin.to_owned())).collect()))
}

/// The decision on a request and the headers of an answer to it.
fn exchange(
    values: &Values,
    environment: Environment,
    method: &str,
    sent: &[(&str, &str)],
    upstream: &[(&str, &str)],
) -> (String, HeaderMap) {
    let guard = CorsGuard::read(values, environment).unwrap();
    let request =
        sent.iter().fold(Request::builder().method(method).header("host", "api.example"), |request, (name, value)| {
            request.header(*name, *value)
        });
    let (mut head, ()) = request.body(()).unwrap().into_parts();
    let mut context = sample_context();
    let verdict = guard.head(&mut head, &mut context);
    let decision = format!("{verdict:?}");
    let response = match verdict {
        Verdict::Answer(answer) => answer.map(|_| ()),
        _ => upstream
            .iter()
            .fold(Response::builder(), |response, (name, value)| response.header(*name, *value))
            .body(())
            .unwrap(),
    };
    let (mut answer, ()) = response.into_parts();
    if let Some(Stop::Answered(other)) = guard.answer(&mut answer, &mut context) {
        answer = other.into_parts().0;
    }
    guard.dress(&mut answer, &context);
    (decision, answer.headers)
}

const APP: (&str, &str) = ("origin", "https://app.example.com");
const EVIL: (&str, &str) = ("origin", "https://evil.example");
const ASKS: (&str, &str) = ("access-control-request-method", "POST");

#[test]
fn wk_3_a_listed_origin_is_granted_exactly() {
    let listed = listed(&["https://app.example.com"]);
    let (decision, headers) = exchange(&listed, Environment::Production, "OPTIONS", &[APP, ASKS], &[]);
    assert_eq!(decision, "Answer(204 No Content)");
    assert_eq!(headers["access-control-allow-origin"], "https://app.example.com");
    assert_eq!(headers["access-control-max-age"], "600");
    assert!(headers.get_all("vary").iter().any(|value| value == "Origin"));
    let (decision, headers) =
        exchange(&listed, Environment::Production, "GET", &[APP], &[("access-control-allow-origin", "*")]);
    assert_eq!(
        (decision.as_str(), headers["access-control-allow-origin"].to_str().unwrap()),
        ("Pass", "https://app.example.com")
    );
    let exposed = headers["access-control-expose-headers"].to_str().unwrap();
    assert!(
        exposed.contains("X-Request-Id") && exposed.contains("X-RateLimit-Remaining") && exposed.contains("RateLimit")
    );
}

#[test]
fn an_origin_that_is_not_listed_gets_nothing() {
    let listed = listed(&["https://app.example.com"]);
    assert_eq!(exchange(&listed, Environment::Production, "OPTIONS", &[EVIL, ASKS], &[]).0, "Refuse(origin-refused)");
    let (decision, headers) =
        exchange(&listed, Environment::Production, "GET", &[EVIL], &[("access-control-allow-origin", "*")]);
    assert_eq!(decision, "Pass", "the browser keeps the answer from the page");
    assert!(!headers.contains_key("access-control-allow-origin"), "the application's wildcard is taken back");
    let socket = [EVIL, ("connection", "Upgrade"), ("upgrade", "websocket")];
    assert_eq!(exchange(&listed, Environment::Production, "GET", &socket, &[]).0, "Refuse(origin-refused)");
}

#[test]
fn pm_3_localhost_is_granted_outside_production_only() {
    let local = [("origin", "http://localhost:5173")];
    let granted = |environment| {
        exchange(&values(), environment, "GET", &local, &[]).1.contains_key("access-control-allow-origin")
    };
    assert!(granted(Environment::Development) && granted(Environment::Staging));
    assert!(!granted(Environment::Production));
}

#[test]
fn outside_production_a_local_preflight_is_answered_when_the_application_does_not() {
    let asks = [("origin", "http://localhost:5173"), ASKS];
    let (_, headers) =
        exchange(&values(), Environment::Development, "OPTIONS", &asks, &[("content-type", "text/html")]);
    assert_eq!(headers["access-control-allow-origin"], "http://localhost:5173");
    assert!(headers.contains_key("access-control-allow-methods"));
    let own = [("access-control-allow-origin", "http://localhost:5173"), ("access-control-allow-credentials", "true")];
    let (_, headers) = exchange(&values(), Environment::Development, "OPTIONS", &asks, &own);
    assert!(headers.contains_key("access-control-allow-credentials"), "an application that answers is left alone");
}

#[test]
fn without_a_list_the_application_is_in_charge() {
    let (decision, headers) = exchange(
        &values(),
        Environment::Production,
        "OPTIONS",
        &[EVIL, ASKS],
        &[("access-control-allow-origin", "https://evil.example")],
    );
    assert_eq!(decision, "Pass");
    assert_eq!(headers["access-control-allow-origin"], "https://evil.example");
}

#[test]
fn the_applications_own_pages_are_no_other_origin() {
    let listed = listed(&["https://app.example.com"]);
    let (decision, headers) =
        exchange(&listed, Environment::Production, "POST", &[("origin", "https://api.example")], &[]);
    assert_eq!((decision.as_str(), headers.contains_key("access-control-allow-origin")), ("Pass", false));
}

#[test]
fn rg_9_production_refuses_wildcards_and_empty_lists_where_cors_is_used() {
    let complaints =
        |values: &Values, environment, written| (SECTION.demands)(values, &Situation { environment, written }).len();
    assert_eq!(complaints(&listed(&["*"]), Environment::Production, true), 1);
    assert_eq!(complaints(&listed(&[]), Environment::Production, true), 1);
    assert_eq!(complaints(&listed(&["http://localhost:3000"]), Environment::Production, true), 1);
    assert_eq!(complaints(&listed(&[]), Environment::Production, false), 0);
    assert_eq!(complaints(&listed(&["*"]), Environment::Development, true), 0);
    assert_eq!(complaints(&listed(&["*"]).with("credentials", Raw::Flag(true)), Environment::Development, true), 1);
}
