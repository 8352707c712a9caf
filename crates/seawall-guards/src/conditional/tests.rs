//! Which answers are tagged and answered by their tags, which changes are refused, and which requests are alike.

use std::{net::IpAddr, sync::Arc};

use http::{HeaderValue, Request, Response};
use seawall_core::{
    Mode,
    principal::{Principal, SessionFacts},
    settings::{Raw, Situation, Values},
};

use super::*;
use crate::{AnswerHead, Context, Expected, Guard, Head, Held, Stop, Verdict, engine::sample_context};

fn with(settings: &[(&'static str, &str)]) -> Values {
    settings.iter().fold(values(), |values, (key, value)| {
        let raw = match *value {
            "true" => Raw::Flag(true),
            text => Raw::Text(text.to_owned()),
        };
        values.with(key, raw)
    })
}

fn guard(settings: &[(&'static str, &str)]) -> ConditionalGuard {
    ConditionalGuard::read(&with(settings), Mode::Enforce).unwrap().unwrap()
}

fn asks(method: &str, fields: &[(&str, &str)]) -> Head {
    let request = Request::builder().method(method).uri("/orders/7?full=1");
    let request = fields.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.body(()).unwrap().into_parts().0
}

fn answers(status: u16, fields: &[(&str, &str)]) -> AnswerHead {
    let answer = Response::builder().status(status);
    fields.iter().fold(answer, |answer, (name, value)| answer.header(*name, *value)).body(()).unwrap().into_parts().0
}

/// The answer as the client gets it, or nothing when it was not held.
fn held(guard: &ConditionalGuard, mut head: Head, mut answer: AnswerHead, body: &[u8]) -> Option<(u16, AnswerHead)> {
    let mut context = sample_context();
    assert!(matches!(guard.head(&mut head, &mut context), Verdict::Pass));
    let mut hold = guard.hold(&answer, &mut context)?;
    let whole = body.chunks(7).all(|part| hold.part(part));
    match hold.end(whole, &mut answer, &mut context) {
        Held::Pass => Some((answer.status.as_u16(), answer)),
        Held::Stop(Stop::Answered(instead)) => {
            assert!(instead.body().is_empty());
            let (head, _) = instead.into_parts();
            Some((head.status.as_u16(), head))
        }
        other => panic!("{other:?}"),
    }
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[test]
fn wk_14_an_answer_gets_a_tag_and_who_sends_it_back_is_told_that_it_has_that() {
    let guard = guard(&[("etag", "weak")]);
    let (status, tagged) = held(&guard, asks("GET", &[]), answers(200, &[JSON]), b"{\"a\":1}").unwrap();
    let tag = tagged.headers["etag"].to_str().unwrap().to_owned();
    assert!(status == 200 && tag.starts_with("W/\"") && tagged.headers.contains_key("content-type"));

    let fields = [
        JSON,
        ("content-length", "7"),
        ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("content-encoding", "identity"),
        ("cache-control", "private"),
        ("vary", "Accept"),
        ("expires", "0"),
        ("content-location", "/orders/7"),
        ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("x-own", "kept"),
    ];
    let (_, coded) = held(&guard, asks("GET", &[]), answers(200, &fields), b"{\"a\":1}").unwrap();
    let other = coded.headers["etag"].to_str().unwrap().to_owned();
    assert_ne!(other, tag, "another coding is another representation");
    for line in [other.clone(), format!("\"x\", {}", other.trim_start_matches("W/")), "*".to_owned()] {
        let head = asks("GET", &[("if-none-match", &line)]);
        let (status, same) = held(&guard, head, answers(200, &fields), b"{\"a\":1}").unwrap();
        // RFC 9110 section 15.4.5.
        let mut left: Vec<_> = same.headers.keys().map(http::HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(status, 304, "{line}");
        assert_eq!(left, ["cache-control", "content-location", "date", "etag", "expires", "vary", "x-own"]);
    }
    for line in ["W/\"other\"", "broken"] {
        let head = asks("GET", &[("if-none-match", line)]);
        assert_eq!(held(&guard, head, answers(200, &fields), b"{\"a\":1}").unwrap().0, 200, "{line}");
    }
    let head = asks("GET", &[("if-none-match", &other)]);
    assert_eq!(held(&guard, head, answers(200, &fields), b"{\"a\":2}").unwrap().0, 200, "it has changed");
}

#[test]
fn wk_14_what_nobody_may_keep_and_what_streams_is_left_as_it_is() {
    let guard = guard(&[("etag", "weak")]);
    for fields in [
        &[("set-cookie", "a=1")][..],
        &[("cache-control", "private, No-Store")],
        &[("vary", "*")],
        &[("content-type", "text/event-stream; charset=utf-8")],
        &[("content-type", "application/x-ndjson")],
        &[("x-accel-buffering", "no")],
        &[("content-length", "1048577")],
        &[("etag", "\"own\"")],
    ] {
        assert!(held(&guard, asks("GET", &[]), answers(200, fields), b"").is_none(), "{fields:?}");
    }
    for status in [201, 204, 206, 301, 304, 404, 500] {
        assert!(held(&guard, asks("GET", &[]), answers(status, &[]), b"").is_none(), "{status}");
    }
    for method in ["HEAD", "POST", "OPTIONS"] {
        assert!(held(&guard, asks(method, &[]), answers(200, &[]), b"").is_none(), "{method}");
    }
    let (_, long) = held(&guard, asks("GET", &[]), answers(200, &[]), &vec![b'x'; 1_048_577]).unwrap();
    assert!(!long.headers.contains_key("etag"), "longer than what is held");
    assert!(
        held(&guard, asks("GET", &[]), answers(200, &[]), &vec![b'x'; 1_048_576])
            .unwrap()
            .1
            .headers
            .contains_key("etag")
    );
}

#[test]
fn the_applications_own_tags_are_compared_only_when_that_is_asked_for() {
    let own = answers(200, &[("etag", "\"7\""), ("content-length", "9999999"), JSON]);
    let has = |method| asks(method, &[("if-none-match", "W/\"7\"")]);
    assert!(held(&guard(&[("etag", "weak")]), has("GET"), own.clone(), b"").is_none());
    let compares = guard(&[("upstream_tags", "true")]);
    for method in ["GET", "HEAD"] {
        let (status, same) = held(&compares, has(method), own.clone(), b"x").unwrap();
        assert_eq!((status, &same.headers["etag"], same.headers.len()), (304, &HeaderValue::from_static("\"7\""), 1));
    }
    assert!(held(&compares, asks("GET", &[("if-none-match", "\"8\"")]), own.clone(), b"").is_none());
    let cookie = answers(200, &[("etag", "\"7\""), ("set-cookie", "a=1")]);
    assert!(held(&compares, has("GET"), cookie, b"").is_none());
    assert!(held(&compares, has("GET"), answers(200, &[JSON]), b"").is_none(), "it makes none");
    // With both, HEAD gets no tag of the body that it does not have.
    let both = guard(&[("etag", "weak"), ("upstream_tags", "true")]);
    assert!(held(&both, has("HEAD"), answers(200, &[JSON]), b"").is_none());
}

/// The status that a change is refused with, when it is.
fn changes(guard: &ConditionalGuard, method: &str, fields: &[(&str, &str)], current: Option<&Current>) -> Option<u16> {
    let (mut head, mut context) = (asks(method, fields), sample_context());
    match guard.head(&mut head, &mut context) {
        Verdict::Refuse(problem) => return Some(problem.status().as_u16()),
        Verdict::Pass => {}
        other => panic!("{other:?}"),
    }
    match guard.current(current?, &mut context) {
        None => None,
        Some(Stop::Refused(problem)) => Some(problem.status().as_u16()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn rg_15_a_change_has_to_say_what_it_changes() {
    let guard = guard(&[("if_match", "require")]);
    for method in ["PUT", "PATCH", "DELETE"] {
        for fields in [
            &[][..],
            &[("if-match", "broken")],
            &[("if-none-match", "\"a\"")],
            &[("if-match", ""), ("if-none-match", "*")],
        ] {
            assert_eq!(changes(&guard, method, fields, None), Some(428), "{method} {fields:?}");
        }
        for fields in [[("if-match", "\"a\"")], [("if-match", "*")], [("if-none-match", "*")]] {
            assert_eq!(changes(&guard, method, &fields, None), None, "{method} {fields:?}");
        }
    }
    for method in ["GET", "HEAD", "OPTIONS", "POST"] {
        assert_eq!(changes(&guard, method, &[], None), None, "{method}");
    }
    let (mut head, mut context) = (asks("PUT", &[("if-match", "\"a\"")]), sample_context());
    guard.head(&mut head, &mut context);
    assert!(context.conditional.check.is_none(), "the application compares");
}

#[test]
fn rg_15_a_change_of_a_state_that_has_changed_is_refused() {
    let guard = guard(&[("if_match", "check"), ("etag", "strong")]);
    let tagged = |tag| Current::Tagged(HeaderValue::from_static(tag));
    let fresh = [("if-none-match", "*")];
    for (field, current, status) in [
        ([("if-match", "\"a\"")], tagged("\"a\""), None),
        ([("if-match", "\"b\", \"a\"")], tagged("\"a\""), None),
        ([("if-match", "*")], tagged("W/\"a\""), None),
        ([("if-match", "\"b\"")], tagged("\"a\""), Some(412)),
        ([("if-match", "W/\"a\"")], tagged("\"a\""), Some(412)),
        ([("if-match", "\"a\"")], tagged("W/\"a\""), Some(412)),
        ([("if-match", "\"a\"")], Current::Absent, Some(412)),
        ([("if-match", "*")], Current::Absent, Some(412)),
        (fresh, Current::Absent, None),
        (fresh, tagged("\"a\""), Some(412)),
        ([("if-match", "\"a\"")], Current::Taken, Some(503)),
        ([("if-match", "\"a\"")], Current::Unknown("why".into()), Some(502)),
    ] {
        assert_eq!(changes(&guard, "PUT", &field, Some(&current)), status, "{field:?} {current:?}");
    }
}

#[test]
fn the_refusal_names_the_current_state() {
    let guard = guard(&[("if_match", "check"), ("etag", "strong")]);
    let (mut head, mut context) = (asks("PUT", &[("if-match", "\"b\"")]), sample_context());
    guard.head(&mut head, &mut context);
    let Some(Stop::Refused(problem)) = guard.current(&Current::Tagged(HeaderValue::from_static("\"a\"")), &mut context)
    else {
        panic!("it is another")
    };
    assert!(problem.headers.iter().any(|(name, value)| name == "etag" && value == "\"a\""), "{problem:?}");
    assert!(guard.current(&Current::Absent, &mut context).is_none(), "it is told once");
}

#[test]
fn a_body_is_held_only_for_a_change_that_is_compared() {
    let looks = |guard: &ConditionalGuard, method, length| {
        let (mut head, mut context) = (asks(method, &[("if-match", "\"a\"")]), sample_context());
        guard.head(&mut head, &mut context);
        let expected = Expected { length, tree: false };
        guard.inspect(&mut head, &expected, &mut context).unwrap().is_some()
    };
    let checks = guard(&[("if_match", "check")]);
    assert!(looks(&checks, "PUT", Some(5)) && looks(&checks, "PATCH", None));
    assert!(!looks(&checks, "DELETE", Some(0)) && !looks(&checks, "POST", Some(5)));
    assert!(!looks(&guard(&[("if_match", "require")]), "PUT", Some(5)));
}

fn key(fields: &[(&str, &str)], change: impl FnOnce(&mut Head, &mut Context)) -> Option<[u8; 32]> {
    let (mut head, mut context) = (asks("GET", fields), sample_context());
    change(&mut head, &mut context);
    guard(&[("coalesce", "true")]).head(&mut head, &mut context);
    context.conditional.alike.map(|alike| alike.key)
}

#[test]
fn wk_15_only_requests_of_one_caller_in_the_same_words_are_alike() {
    let session =
        SessionFacts { id: "s1".into(), authenticated_at_unix_us: 1, expires_at_unix_us: None, second_factor: false };
    let known = |id: &str| Arc::new(Principal::user(id, "name", &[], session.clone()).unwrap());
    let fields = [("authorization", "Bearer a"), ("cookie", "s=1"), ("accept", "application/json")];
    let one = key(&fields, |_, _| {});
    assert!(one.is_some());
    let traced =
        [&fields[..], &[("x-request-id", "1"), ("traceparent", "00-a"), ("x-seawall-token", "proof")]].concat();
    assert_eq!(key(&traced, |_, _| {}), one);
    let others = [
        key(&[("authorization", "Bearer b"), fields[1], fields[2]], |_, _| {}),
        key(&[fields[0], ("cookie", "s=2"), fields[2]], |_, _| {}),
        key(&[fields[0], fields[1], ("accept", "text/html")], |_, _| {}),
        key(&[fields[0], fields[1], fields[2], ("x-api-key", "k")], |_, _| {}),
        key(&fields, |head, _| head.uri = "/orders/7?full=2".parse().unwrap()),
        key(&fields, |_, context| context.client = IpAddr::from([127, 0, 0, 2])),
        key(&fields, |_, context| context.principal = Some(known("usr_1"))),
        key(&fields, |_, context| context.principal = Some(known("usr_2"))),
    ];
    for (place, other) in others.iter().enumerate() {
        assert!(other.is_some() && *other != one, "{place}");
    }
    assert_ne!(others[6], others[7]);
    assert!(key(&[("content-length", "3")], |_, _| {}).is_none(), "it has a body");
    assert!(key(&[("upgrade", "websocket")], |_, _| {}).is_none());
    assert!(key(&fields, |head, _| head.method = http::Method::HEAD).is_none());
}

#[test]
fn wk_15_only_whole_answers_that_tell_of_the_resource_are_shared() {
    for status in [200, 204, 304, 404, 410] {
        assert!(shareable(&answers(status, &[JSON]), 1_000), "{status}");
    }
    for status in [101, 201, 206, 302, 401, 403, 429, 500, 503] {
        assert!(!shareable(&answers(status, &[JSON]), 1_000), "{status}");
    }
    for field in [
        ("set-cookie", "a=1"),
        ("cache-control", "no-store"),
        ("content-type", "text/event-stream"),
        ("content-length", "1001"),
    ] {
        assert!(!shareable(&answers(200, &[field]), 1_000), "{field:?}");
    }
}

#[test]
fn wk_17_while_it_reports_it_tags_and_shares_nothing() {
    let all = with(&[("etag", "strong"), ("upstream_tags", "true"), ("if_match", "check"), ("coalesce", "true")]);
    let reports = ConditionalGuard::read(&all, Mode::Report).unwrap().unwrap();
    assert!(held(&reports, asks("GET", &[]), answers(200, &[JSON]), b"{}").is_none());
    let (mut head, mut context) = (asks("GET", &[]), sample_context());
    reports.head(&mut head, &mut context);
    assert!(context.conditional.alike.is_none());
    assert_eq!(changes(&reports, "PUT", &[], None), Some(428));
    // A tag that is made is compared as the client would have got it.
    let (mut head, mut context) = (asks("PUT", &[("if-match", "\"a\"")]), sample_context());
    reports.head(&mut head, &mut context);
    assert!(context.conditional.check.is_some_and(|check| check.tags.is_some()));
}

#[test]
fn nothing_is_on_from_the_start_and_contradictions_are_refused() {
    assert!(ConditionalGuard::read(&values(), Mode::Enforce).unwrap().is_none());
    let situation = Situation { environment: seawall_core::Environment::Production, written: true };
    let complaints = |settings: &[(&'static str, &str)]| (SECTION.demands)(&with(settings), &situation).len();
    assert_eq!(complaints(&[("etag", "weak"), ("if_match", "check")]), 1);
    assert_eq!(complaints(&[("etag", "strong"), ("if_match", "check")]), 0);
    assert_eq!(complaints(&[("etag", "weak"), ("if_match", "require")]), 0);
}
