//! The JSON guard by itself; its contract with the loop and the layer is in `tests/contract/`.

use http::{HeaderMap, Request};
use proptest::prelude::*;
use seawall_core::{
    json::Limits,
    problem::Problem,
    settings::{Raw, Values},
};
use serde_json::Value;

use super::*;
use crate::{Context, Expected, Guard, Head, Inspect, Verdict, engine::sample_context};

fn head(headers: &[(&str, &str)]) -> Head {
    let request = Request::post("/records");
    headers
        .iter()
        .fold(request, |request, (name, value)| request.header(*name, *value))
        .body(())
        .unwrap()
        .into_parts()
        .0
}

fn look(values: &Values, headers: &[(&str, &str)], tree: bool) -> Result<Option<Box<dyn Inspect>>, Box<Problem>> {
    let guard = JsonGuard::read(values).unwrap();
    guard.inspect(&mut head(headers), &Expected { length: None, tree }, &mut sample_context())
}

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

/// What is said of a body that comes in these parts, and the tree that was read.
fn said(values: &Values, parts: &[&[u8]]) -> (Option<Box<Problem>>, Option<Value>) {
    let mut look = look(values, &JSON, true).unwrap().unwrap();
    let mut context: Context = sample_context();
    for part in parts {
        if let Err(problem) = look.part(part) {
            return (Some(problem), None);
        }
    }
    match look.end(&mut head(&JSON), &mut context) {
        Verdict::Pass => (None, context.json.map(|tree| tree.root().into())),
        Verdict::Refuse(problem) => (Some(problem), None),
        other => panic!("{other:?}"),
    }
}

fn detail(body: &[u8]) -> String {
    let (problem, _) = said(&values(), &[body]);
    problem.unwrap().detail.unwrap().into_owned()
}

#[test]
fn the_limits_are_those_of_the_checklist() {
    let read = |values: &Values| format!("{:?}", JsonGuard::read(values).unwrap());
    assert!(read(&values()).contains(&format!("{:?}", Limits::CHECKLIST)), "checklist WK-1");
    let deeper = values().with("depth", Raw::Integer(40));
    assert!(read(&deeper).contains("depth: 40"));
}

#[test]
fn what_says_that_it_is_json_is_read_and_nothing_else() {
    let is = |kinds: &[&str]| {
        let mut headers = HeaderMap::new();
        for kind in kinds {
            headers.append("content-type", kind.parse().unwrap());
        }
        is_json(&headers)
    };
    for kind in
        ["application/json", "Application/JSON; charset=utf-8", "text/json", "application/ld+json ;q", "a/b+JSON"]
    {
        assert!(is(&[kind]), "{kind}");
    }
    for kind in ["", "json", "application/jsonp", "text/plain", "application/json-seq", "multipart/form-data; x=/json"]
    {
        assert!(!is(&[kind]), "{kind}");
    }
    assert!(is(&["text/plain", "application/json"]), "the application may read either");
    assert!(look(&values(), &[("content-type", "text/plain")], false).unwrap().is_none());
    let guard = JsonGuard::read(&values()).unwrap();
    let nothing = Expected { length: Some(0), tree: false };
    assert!(guard.inspect(&mut head(&JSON), &nothing, &mut sample_context()).unwrap().is_none());
}

#[test]
fn a_compressed_body_is_refused_unless_it_may_pass() {
    let packed = [JSON[0], ("content-encoding", "gzip")];
    let refused = look(&values(), &packed, false).unwrap_err();
    assert_eq!(refused.kind.slug, "encoded-body");
    assert_eq!(refused.headers[0].1, "identity");
    let pass = values().with("encoded", Raw::Text("pass".to_owned()));
    assert!(look(&pass, &packed, false).unwrap().is_none());
    let plain = [JSON[0], ("content-encoding", "identity")];
    assert!(look(&values(), &plain, false).unwrap().is_some());
}

#[test]
fn a_body_in_other_characters_is_refused_as_one_that_is_compressed() {
    let kind = |kind: &'static str| [("content-type", kind)];
    for other in [
        "application/json; charset=utf-7",
        "application/json;charset=\"UTF-16\"",
        "application/json; x=y ; Charset = iso-8859-1",
        "application/json; charset=utf-8; charset=utf-7",
        "application/json; charset=\"utf\\-8\"",
        "application/json; charset=",
    ] {
        let refused = look(&values(), &kind(other), false).unwrap_err();
        assert_eq!(
            (refused.kind.slug, refused.detail.as_deref()),
            ("encoded-body", Some("Send the body in UTF-8.")),
            "{other}"
        );
    }
    for own in [
        "application/json; charset=utf-8",
        "application/json;CHARSET=\"UTF8\"",
        "application/json; charset=us-ascii; x=1",
    ] {
        assert!(look(&values(), &kind(own), false).unwrap().is_some(), "{own}");
    }
}

#[test]
fn a_refusal_says_what_and_where_and_nothing_of_the_body() {
    assert_eq!(
        detail(br#"{"password":"hunter2","password":1}"#),
        "The body is refused: the same key twice in an object, at byte 32."
    );
    assert_eq!(detail(b"[1,2"), "The body is refused: it ends in the middle of a value, at byte 4.");
    let deep = [b"[".repeat(11), b"]".repeat(11)].concat();
    assert!(detail(&deep).contains("too deep"));
}

#[test]
fn what_is_held_of_a_document_is_told_as_it_grows() {
    let thousand = [&b"["[..], &b"1,".repeat(999), b"1]"].concat();
    let mut tree = look(&values(), &JSON, true).unwrap().unwrap();
    tree.part(b"[").unwrap();
    for so_far in 1..=100 {
        tree.part(&thousand).unwrap();
        tree.part(b",").unwrap();
        let held = tree.held_bytes();
        assert!((48_000 * so_far..100_000 * so_far + 4_096).contains(&held), "{held} bytes for {so_far} thousand");
    }

    let mut checked = look(&values().with("keys", Raw::Integer(100_000)), &JSON, false).unwrap().unwrap();
    checked.part(&thousand).unwrap();
    assert_eq!(checked.held_bytes(), 0, "nothing is kept of a document that is only checked");
    let keys: Vec<_> = (0..50_000).map(|number| format!("\"{number}\":0")).collect();
    let mut checked = look(&values().with("keys", Raw::Integer(100_000)), &JSON, false).unwrap().unwrap();
    checked.part(format!("{{{}", keys.join(",")).as_bytes()).unwrap();
    assert!((800_000..4_000_000).contains(&checked.held_bytes()), "{} bytes of keys", checked.held_bytes());
}

#[test]
fn the_tree_is_what_other_readers_read() {
    let body = br#" {"a":[1,-2.5e3,true,false,null,"\u00e9\n"],"b":{"c":{}},"":18446744073709551615} "#;
    let (problem, tree) = said(&values(), &[&body[..7], &body[7..20], &body[20..]]);
    assert!(problem.is_none());
    assert_eq!(tree, Some(serde_json::from_slice(body).unwrap()));
}

#[test]
fn a_tree_is_written_as_the_document_came_but_for_white_space() {
    let body = br#" {"z":[1.50, -0,1E3 ,{ }] ,"a":"\u00e9\n", "n":18446744073709551617} "#;
    let mut look = look(&values(), &JSON, true).unwrap().unwrap();
    look.part(body).unwrap();
    let mut context = sample_context();
    assert!(matches!(look.end(&mut head(&JSON), &mut context), Verdict::Pass));
    let written = context.json.unwrap().to_json();
    assert_eq!(written, r#"{"z":[1.50,-0,1E3,{}],"a":"é\n","n":18446744073709551617}"#);
}

fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        "[^\u{0}]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::hash_map("[^\u{0}]{0,6}", inner, 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn every_document_is_read_as_it_was_written_however_it_arrives(document in document(), cut in 0_usize..200) {
        let text = serde_json::to_vec(&document).unwrap();
        let (first, rest) = text.split_at(cut.min(text.len()));
        let (problem, tree) = said(&values(), &[first, rest]);
        prop_assert!(problem.is_none(), "{problem:?}");
        prop_assert_eq!(tree, Some(document));
    }
}
