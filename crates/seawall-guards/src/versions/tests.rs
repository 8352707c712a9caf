//! Which version a request is for, and what its answers say.

use std::sync::Arc;

use http::{HeaderMap, Request, Response};
use proptest::prelude::*;
use seawall_core::{
    principal::{Principal, SessionFacts},
    settings::{BadSetting, Raw, Setting, Situation, Values},
};

use super::*;
use crate::{Context, Guard, Shared, Verdict, engine::sample_context};

fn text(text: &str) -> Raw {
    Raw::Text(text.to_owned())
}

fn by(place: &str) -> Values {
    values().with("by", text(place))
}

/// Versions and what is written in their tables.
fn entries(versions: &[(&str, &[(&str, &str)])]) -> Vec<(String, Values)> {
    let values = |written: &[(&str, &str)]| {
        written.iter().fold(Values::default(), |values, (key, value)| values.with(key, text(value)))
    };
    versions.iter().map(|(name, written)| ((*name).to_owned(), values(written))).collect()
}

/// `v1`, which ended in 2020, and `v2`.
fn two() -> Vec<(String, Values)> {
    entries(&[("v1", &[("deprecated", "2019-01-01"), ("sunset", "2020-01-01"), ("successor", "v2")]), ("v2", &[])])
}

fn read(values: &Values, entries: &[(String, Values)]) -> Result<Option<VersionsGuard>, BadSetting> {
    VersionsGuard::read(values, entries, &Shared::in_memory())
}

/// What a request meets: the version's place, or the status.
fn asked(guard: &VersionsGuard, path: &str, sent: &[(&str, &str)]) -> Result<Option<usize>, u16> {
    let request = sent.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
    let (mut head, ()) = request.body(()).unwrap().into_parts();
    let mut context = sample_context();
    match guard.head(&mut head, &mut context) {
        Verdict::Pass => Ok(context.version),
        Verdict::Refuse(problem) => Err(problem.status().as_u16()),
        other => panic!("{other:?}"),
    }
}

fn dressed(guard: &VersionsGuard, context: &Context, own: &[(&str, &str)]) -> HeaderMap {
    let answer = own.iter().fold(Response::builder(), |answer, (name, value)| answer.header(*name, *value));
    let (mut answer, ()) = answer.body(()).unwrap().into_parts();
    guard.dress(&mut answer, context);
    answer.headers
}

#[test]
fn wk_15_a_version_in_the_path_is_one_of_those_listed_in_any_spelling() {
    let guard = read(&by("path").with("below", text("/api/")), &two()).unwrap().unwrap();
    for (path, expected) in [
        ("/api/v1", Ok(Some(0))),
        ("/api/v2/orders", Ok(Some(1))),
        ("/API/V2/orders", Ok(Some(1))),
        ("//api//v2", Ok(Some(1))),
        ("/api;a=b/v1;c/orders", Ok(Some(0))),
        ("/;x/api/;y/v1/orders", Ok(Some(0))),
        ("/api%3Bx/v1%3By/orders", Ok(Some(0))),
        ("/api/v3;x=v1", Err(404)),
        ("/api/v3/orders", Err(404)),
        ("/api/v10", Err(404)),
        ("/api/2026-01-01", Err(404)),
        ("/api/1/orders", Ok(None)),
        ("/api/vip", Ok(None)),
        ("/api", Ok(None)),
        ("/v1", Ok(None)),
        ("/", Ok(None)),
    ] {
        assert_eq!(asked(&guard, path, &[]), expected, "{path}");
    }
    let required = by("path").with("below", text("/api")).with("required", Raw::Flag(true));
    let required = read(&required, &two()).unwrap().unwrap();
    assert_eq!(asked(&required, "/api/vip", &[]), Err(404));
    assert_eq!(asked(&required, "/api/v2", &[]), Ok(Some(1)));
}

#[test]
fn wk_15_a_version_in_a_field_is_its_name_or_its_number() {
    let guard = read(&by("header X-API-Version"), &two()).unwrap().unwrap();
    let field = |value| ("x-api-version", value);
    for (sent, expected) in [
        (&[][..], Ok(None)),
        (&[field("v1")], Ok(Some(0))),
        (&[field("V2")], Ok(Some(1))),
        (&[field(" 2 ")], Ok(Some(1))),
        (&[field("2"), field("2")], Ok(Some(1))),
        (&[field("2"), field("1")], Err(400)),
        (&[field("3")], Err(400)),
        (&[field("")], Err(400)),
        (&[field("1, 2")], Err(400)),
    ] {
        assert_eq!(asked(&guard, "/", sent), expected, "{sent:?}");
    }
    let with = |key, raw| read(&by("header X-API-Version").with(key, raw), &two()).unwrap().unwrap();
    assert_eq!(asked(&with("default", text("v2")), "/", &[]), Ok(Some(1)));
    assert_eq!(asked(&with("default", text("v2")), "/", &[field("v9")]), Err(400));
    assert_eq!(asked(&with("required", Raw::Flag(true)), "/", &[]), Err(400));
}

#[test]
fn wk_15_a_version_in_a_media_type_is_the_one_that_the_client_would_rather_have() {
    let guard = read(&by("media type"), &two()).unwrap().unwrap();
    for (accept, expected) in [
        ("*/*", Ok(None)),
        ("application/json", Ok(None)),
        ("application/vnd.shop.v1+json", Ok(Some(0))),
        ("application/vnd.shop.V2.full+json; q=0.9", Ok(Some(1))),
        ("text/html, application/json; Version=2", Ok(Some(1))),
        ("application/json;version=\"v1\"", Ok(Some(0))),
        ("application/json; version=1, application/json; version=2", Ok(Some(0))),
        ("application/vnd.shop.v3+json", Err(400)),
        ("application/vnd.shop.v1+json;q=0.5, application/vnd.shop.v2+json", Ok(Some(1))),
        ("application/json;q=0.8;version=1, application/json;version=2;Q=0.8", Ok(Some(0))),
        ("application/vnd.shop.v1+json;q=0.000, application/vnd.shop.v2+json;q=0.001", Ok(Some(1))),
        ("application/vnd.shop.v1+json;q=0", Ok(None)),
        ("application/vnd.shop.v1+json;q=2", Ok(Some(0))),
        ("application/json; version=", Err(400)),
        // What Chrome accepts by itself.
        ("text/html,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7", Ok(None)),
        ("application/x.v1+json", Ok(None)),
        ("", Ok(None)),
        (",;,=/", Ok(None)),
    ] {
        assert_eq!(asked(&guard, "/", &[("accept", accept)]), expected, "{accept}");
    }
}

#[test]
fn pm_7_answers_of_a_version_that_ends_say_when_and_what_follows() {
    let named = entries(&[
        (
            "v1",
            &[
                ("deprecated", "2026-01-01"),
                ("sunset", "2026-12-31"),
                ("successor", "v2"),
                ("documentation", "https://docs.example/v1"),
            ],
        ),
        ("v2", &[("successor", "https://api.example/three")]),
    ]);
    let guard = read(&by("path").with("below", text("/api")), &named).unwrap().unwrap();
    let mut context = sample_context();
    context.version = Some(0);
    let headers = dressed(&guard, &context, &[]);
    assert_eq!(headers["deprecation"], "@1767225600");
    assert_eq!(headers["sunset"], "Thu, 31 Dec 2026 00:00:00 GMT");
    let links: Vec<_> = headers.get_all("link").iter().collect();
    assert_eq!(links, ["<https://docs.example/v1>; rel=\"deprecation\"", "</api/v2>; rel=\"successor-version\""]);
    assert!(!headers.contains_key("vary"));
    let own = dressed(&guard, &context, &[("sunset", "its own"), ("link", "<a>; rel=\"next\"")]);
    assert_eq!((&own["sunset"], own.get_all("link").iter().count()), (&"its own".parse().unwrap(), 3));
    context.version = Some(1);
    let headers = dressed(&guard, &context, &[]);
    assert_eq!(headers["link"], "<https://api.example/three>; rel=\"successor-version\"");
    assert!(!headers.contains_key("deprecation") && !headers.contains_key("sunset"));
    context.version = None;
    assert!(dressed(&guard, &context, &[]).is_empty());
    let guard = read(&by("header X-API-Version"), &two()).unwrap().unwrap();
    context.version = Some(0);
    let headers = dressed(&guard, &context, &[]);
    assert_eq!(headers["vary"], "x-api-version", "caches must not mix versions");
    assert!(!headers.contains_key("link"), "no address is known there");
}

#[test]
fn after_its_last_day_a_version_is_served_or_gone() {
    let serving = read(&by("path"), &two()).unwrap().unwrap();
    assert_eq!(asked(&serving, "/v1", &[]), Ok(Some(0)));
    let refusing = by("path").with("after_sunset", text("refuse"));
    let guard = read(&refusing, &two()).unwrap().unwrap();
    assert_eq!(asked(&guard, "/v1", &[]), Err(410));
    assert_eq!(asked(&guard, "/v2", &[]), Ok(Some(1)));
    // The clock of these tests stands at 2027-01-15.
    for (sunset, expected) in [("2027-01-15", Err(410)), ("2027-01-16", Ok(Some(0)))] {
        let guard = read(&refusing, &entries(&[("v1", &[("sunset", sunset)])])).unwrap().unwrap();
        assert_eq!(asked(&guard, "/v1", &[]), expected, "{sunset}");
    }
}

#[test]
fn who_uses_a_version_that_ends_is_remembered_and_nobody_else() {
    let shared = Shared::in_memory();
    let guard = VersionsGuard::read(&by("path"), &two(), &shared).unwrap().unwrap();
    let session =
        SessionFacts { id: "s1".into(), authenticated_at_unix_us: 1, expires_at_unix_us: None, second_factor: false };
    let ann = Arc::new(Principal::user("usr_1", "Ann", &[], session).unwrap());
    for (path, principal) in [("/v1/a", None), ("/v1/b", Some(&ann)), ("/v1/c", Some(&ann)), ("/v2", Some(&ann))] {
        let mut context = sample_context();
        context.principal = principal.cloned();
        let _passed = guard.head(&mut Request::get(path).body(()).unwrap().into_parts().0, &mut context);
    }
    let mut seen: Vec<_> = shared.callers.all().0.into_iter().map(|one| (one.requests, one.version, one.who)).collect();
    seen.sort_by_key(|(requests, ..)| *requests);
    let address = Who::Address([127, 0, 0, 1].into());
    assert_eq!(seen, [(1, "v1".into(), address), (2, "v1".into(), Who::Principal("usr_1".into()))]);
}

#[test]
fn what_cannot_be_meant_is_refused() {
    assert!(read(&values(), &[]).unwrap().is_none(), "nobody asked for it");
    for (values, entries, key) in [
        (values(), two(), "by"),
        (by("path"), Vec::new(), "by"),
        (by("path").with("default", text("v9")), two(), "default"),
        (by("path"), entries(&[("v1", &[("successor", "v9")])]), "successor"),
        (by("path"), (0..65).map(|number| (format!("v{number}"), Values::default())).collect(), "by"),
    ] {
        assert_eq!(read(&values, &entries).unwrap_err().key, key);
    }
    for bad in ["", "query", "header", "header a b", "header :", "media", "path x"] {
        assert!(Reading::read(&text(bad)).is_err(), "{bad:?}");
    }
    let situation = Situation { environment: seawall_core::Environment::Development, written: true };
    for below in ["api", "/a b", "/a?b", "/%61"] {
        assert_eq!((SECTION.demands)(&values().with("below", text(below)), &situation).len(), 1, "{below}");
    }
    let complaints = |name: &str, written: &[(&str, &str)]| {
        let [(_, values)] = &entries(&[(name, written)])[..] else { panic!("one version") };
        (SECTION.entry_demands)(name, values, &situation).len()
    };
    assert_eq!(complaints("v1", &[("deprecated", "2026-01-01"), ("sunset", "2026-01-01")]), 0);
    assert_eq!(complaints("v1", &[("deprecated", "2026-01-02"), ("sunset", "2026-01-01")]), 1);
    assert_eq!(complaints("a/b", &[]), 1);
    assert_eq!(complaints("v1", &[("documentation", "https://a.example/>")]), 1);
}

proptest! {
    /// Whatever is sent: no panic, and only a version that is listed is ever found.
    #[test]
    fn no_bytes_name_a_version_that_there_is_not(
        path in "/[!$-;=@-Z_a-z{|}~]{0,40}",
        value in proptest::collection::vec(32_u8..=126, 0..60),
    ) {
        prop_assume!(path.parse::<http::Uri>().is_ok());
        for place in ["path", "header X-API-Version", "media type"] {
            let guard = read(&by(place), &two()).unwrap().unwrap();
            let request = Request::get(path.as_str()).header("x-api-version", &value[..]).header("accept", &value[..]);
            let (mut head, ()) = request.body(()).unwrap().into_parts();
            let mut context = sample_context();
            let passed = matches!(guard.head(&mut head, &mut context), Verdict::Pass);
            prop_assert!(passed || context.version.is_none());
            prop_assert!(context.version.is_none_or(|version| version < 2));
        }
    }
}
