//! What is looked at, what is allowed, and what is told.

use http::Request;
use seawall_core::{
    meter::NoMeter,
    problem::Problem,
    settings::{Raw, Values},
};
use serde_json::json;

use super::*;
use crate::{Context, Expected, Guard as _, Verdict, engine::sample_context, json::Tree};

const ATTACK: &str = "' or 1=1--";

fn text(text: &str) -> Raw {
    Raw::Text(text.to_owned())
}

fn guard(values: &Values) -> PayloadFilterGuard {
    PayloadFilterGuard::read(values, &NoMeter).unwrap()
}

fn of_head(values: &Values, request: http::request::Builder) -> Option<Box<Problem>> {
    let (mut head, ()) = request.body(()).unwrap().into_parts();
    match guard(values).head(&mut head, &mut sample_context()) {
        Verdict::Pass => None,
        Verdict::Refuse(problem) => Some(problem),
        other => panic!("{other:?}"),
    }
}

fn of_body(values: &Values, kind: &str, parts: &[&str], context: &mut Context) -> Option<Box<Problem>> {
    let (mut head, ()) = Request::post("/").header("Content-Type", kind).body(()).unwrap().into_parts();
    let expected = Expected { length: None, tree: true };
    let mut look = guard(values).inspect(&mut head, &expected, context).unwrap()?;
    parts.iter().for_each(|part| look.part(part.as_bytes()).unwrap());
    let mut verdict = look.end(&mut head, context);
    if let Verdict::Later(wait) = verdict {
        verdict = futures_util::FutureExt::now_or_never(polled(wait)).unwrap()(&mut head, context);
    }
    match verdict {
        Verdict::Pass => None,
        Verdict::Refuse(problem) => Some(problem),
        other => panic!("{other:?}"),
    }
}

/// Polls until it is ready: the walk wakes itself each time.
async fn polled<F: Future + Unpin>(mut future: F) -> F::Output {
    loop {
        if let Some(output) = futures_util::FutureExt::now_or_never(&mut future) {
            return output;
        }
    }
}

fn inside(problem: Option<Box<Problem>>) -> String {
    problem.map_or_else(String::new, |problem| problem.inside.clone().unwrap().into_owned())
}

#[test]
fn every_part_of_a_head_that_is_asked_for_is_looked_at() {
    let all = values().with("cookies", Raw::Flag(true)).with("headers", Raw::List(vec![text("Referer")]));
    let get = Request::get;
    for (request, place, by_default) in [
        (get("/items/%27%20or%201=1--"), "path", true),
        (get("/%2e%2e/%2e%2e/etc/passwd"), "path", true),
        (get("/?q=%27+or+1%3D1--"), "query q", true),
        (get("/?a=1&%3Cscript%3E=1"), "query", true),
        (get("/").header("cookie", "a=b; c=' or 1=1--"), "cookie c", false),
        (get("/").header("referer", "https://a.example/?<script>alert(1)</script>"), "header referer", false),
        (get("/").header("user-agent", ATTACK), "", false),
        (get("/items/42?q=O%27Brien+%26+Sons"), "", false),
    ] {
        let target = format!("{:?} {:?}", request.uri_ref(), request.headers_ref());
        let (mut ours, ()) = request.body(()).unwrap().into_parts();
        let mut again = |values: &Values| match guard(values).head(&mut ours, &mut sample_context()) {
            Verdict::Refuse(problem) => Some(problem),
            _ => None,
        };
        let told = inside(again(&all));
        assert_eq!(told.is_empty(), place.is_empty(), "{target}: {told}");
        assert!(told.contains(&format!(" in {place}")) || place.is_empty(), "{target}: {told}");
        assert_eq!(again(&values()).is_some(), by_default, "{target}");
    }
}

#[test]
fn what_is_told_names_place_and_class_and_repeats_nothing() {
    let problem = of_head(&values(), Request::get("/?na%3Cme%3E=%27+or+1%3D1--")).unwrap();
    assert_eq!(problem.detail.as_deref(), Some("The query of the request holds what looks like SQL injection."));
    assert_eq!(
        problem.inside.as_deref(),
        Some("sql in query: sql_tautology, 8 points"),
        "the name is none that is safe"
    );
    assert_eq!(problem.status(), 400);
}

#[test]
fn what_is_allowed_passes_and_nothing_else() {
    let allow = |fields: &[&str]| values().with("allow", Raw::List(fields.iter().map(|field| text(field)).collect()));
    let get = || Request::get("/?q=%27+or+1%3D1--");
    assert!(of_head(&allow(&["query q"]), get()).is_none());
    assert!(of_head(&allow(&["query"]), get()).is_none());
    assert!(of_head(&allow(&["query p", "body", "path"]), get()).is_some());
    let tree = Tree::from(&json!({ "items": [{ "note": ATTACK }] }));
    for (fields, passes) in [
        (&["body /items/0/note"][..], true),
        (&["body /items/*/note"], true),
        (&["body"], true),
        (&["body /items"], false),
        (&["body /items/*"], false),
        (&["body /items/1/note"], false),
        (&["query items"], false),
    ] {
        let mut context = sample_context();
        context.json = Some(tree.clone());
        let problem = of_body(&allow(fields), "application/json", &["{}"], &mut context);
        assert_eq!(problem.is_none(), passes, "{fields:?}");
        assert_eq!(context.json, Some(tree.clone()), "the tree is left to others");
    }
    for wrong in ["q", "body comment", "header a b", "path /a", "query "] {
        assert!(values().with("allow", text(wrong)).get(&config::ALLOW).is_err(), "{wrong}");
    }
}

#[test]
fn classes_and_threshold_say_what_counts() {
    let get = || Request::get("/?q=%27+or+1%3D1--");
    assert!(of_head(&values().with("classes", text("xss")), get()).is_none());
    assert!(of_head(&values().with("classes", Raw::List(vec![])), get()).is_some());
    assert!(of_head(&values().with("threshold", Raw::Integer(9)), get()).is_none());
}

#[test]
fn json_is_looked_at_in_its_tree_however_large() {
    for (items, finding) in [(1, false), (1, true), (20_000, false), (20_000, true)] {
        let mut texts = vec![json!("O'Brien & Sons"); items];
        texts.push(json!({ "a/b": if finding { ATTACK } else { "" } }));
        let tree = Tree::from(&json!({ "texts": texts }));
        let mut context = sample_context();
        context.json = Some(tree.clone());
        let sent = "x".repeat(tree.to_json().len());
        let told = inside(of_body(&values(), "application/json", &[&sent], &mut context));
        assert_eq!(!told.is_empty(), finding, "{items}: {told}");
        assert_eq!(context.json, Some(tree));
    }
    let mut context = sample_context();
    context.json = Some(Tree::from(&json!({ "<script>": 1 })));
    assert!(of_body(&values(), "application/json", &["{}"], &mut context).is_some(), "names are looked at too");
    let off = values().with("bodies", Raw::Flag(false));
    assert!(of_body(&off, "application/json", &["{}"], &mut context).is_none());
    assert!(!guard(&off).needs().inspects && guard(&values()).needs().tree);
}

#[test]
fn forms_are_looked_at_as_they_come() {
    let form = "application/x-www-form-urlencoded; charset=utf-8";
    let mut context = sample_context();
    let mut told = |parts: &[&str]| inside(of_body(&values(), form, parts, &mut context));
    assert!(told(&["a=1&b=%27+or+1%3D", "1--&c=2"]).starts_with("sql in body b: "));
    assert!(told(&["a=1&b=%27+or+1%3D1--"]).starts_with("sql in body b: "));
    assert!(told(&["%3Cscri", "pt%3E=1"]).starts_with("xss in body: "));
    assert_eq!(told(&["name=O%27Brien", "&company=Echo+%26+Sons&note="]), "");
    let long = format!("note={}", "word ".repeat(30_000));
    assert_eq!(told(&[&long]), "");
    // What stands across two pieces is seen.
    let across = format!("{}<scr", &long[..65_530]);
    assert!(
        told(&[&across, &"x".repeat(0), "ipt>alert(1)</script>"]).starts_with("xss in body note: "),
        "{}",
        told(&[&across])
    );
}

/// Read to the end for each of them again, it would take days.
#[test]
fn a_tag_of_very_many_attributes_is_read_once() {
    for pattern in ["/onx=", "/on", " a=/x", "<a x=/onx="] {
        let text = format!("<a x={}", pattern.repeat(4_000_000 / pattern.len()));
        let _found = strongest(text.as_bytes(), Classes::ALL);
    }
}
