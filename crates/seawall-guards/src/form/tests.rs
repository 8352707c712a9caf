//! The guard of forms by itself; its contract with the loop and the layer is in `tests/contract/`.

use http::{HeaderMap, Request};
use seawall_core::{
    form::Limits,
    problem::Problem,
    settings::{Raw, Values},
};

use super::*;
use crate::{Expected, Guard, Head, Inspect, Verdict, engine::sample_context};

const PAIRS: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const PARTS: (&str, &str) = ("content-type", "multipart/form-data; boundary=b");

fn head(headers: &[(&str, &str)]) -> Head {
    let request = Request::post("/records");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.body(()).unwrap().into_parts().0
}

fn look(values: &Values, headers: &[(&str, &str)]) -> Result<Option<Box<dyn Inspect>>, Box<Problem>> {
    let guard = FormGuard::read(values).unwrap();
    guard.inspect(&mut head(headers), &Expected { length: None, tree: false }, &mut sample_context())
}

/// What is said of a form that comes in these parts.
fn said(values: &Values, header: (&str, &str), parts: &[&[u8]]) -> Option<Box<Problem>> {
    let mut look = look(values, &[header]).unwrap().unwrap();
    if let Some(problem) = parts.iter().find_map(|part| look.part(part).err()) {
        return Some(problem);
    }
    match look.end(&mut head(&[header]), &mut sample_context()) {
        Verdict::Pass => None,
        Verdict::Refuse(problem) => Some(problem),
        other => panic!("{other:?}"),
    }
}

fn file(content: &[u8]) -> Vec<u8> {
    let head = b"--b\r\nContent-Disposition: form-data; name=f; filename=secret.png\r\n\r\n";
    [&head[..], content, b"\r\n--b--\r\n"].concat()
}

#[test]
fn the_limits_are_those_of_the_checklist() {
    let read = |values: &Values| format!("{:?}", FormGuard::read(values).unwrap());
    assert!(read(&values()).contains(&format!("{:?}", Limits::CHECKLIST)), "checklist WK-1");
    let tight =
        values().with("duplicates", Raw::Text("refuse".to_owned())).with("max_file", Raw::Text("5 MB".to_owned()));
    assert!(read(&tight).contains("file_bytes: 5000000, duplicates: Refuse"), "{}", read(&tight));
}

#[test]
fn what_says_that_it_is_a_form_is_read_and_nothing_else() {
    let found = |kinds: &[&str]| {
        let mut headers = HeaderMap::new();
        for kind in kinds {
            headers.append("content-type", kind.parse().unwrap());
        }
        guard::form(&headers).map(|(kind, value)| (kind, value.is_some()))
    };
    for kind in [PAIRS.1, "Application/X-WWW-Form-Urlencoded; charset=utf-8", "application/x-www-form-urlencoded ;q"] {
        assert_eq!(found(&[kind]), Some((guard::Kind::Urlencoded, true)), "{kind}");
    }
    for kind in [PARTS.1, "Multipart/Form-Data;boundary=x", "multipart/form-data"] {
        assert_eq!(found(&[kind]), Some((guard::Kind::Multipart, true)), "{kind}");
    }
    for kind in ["", "multipart/mixed; boundary=b", "application/json", "text/plain; x=multipart/form-data"] {
        assert_eq!(found(&[kind]), None, "{kind}");
    }
    assert_eq!(
        found(&["text/plain", PAIRS.1]),
        Some((guard::Kind::Urlencoded, false)),
        "the application may read either"
    );
    assert!(look(&values(), &[("content-type", "text/plain")]).unwrap().is_none());
    let nothing = Expected { length: Some(0), tree: false };
    let guard = FormGuard::read(&values()).unwrap();
    assert!(guard.inspect(&mut head(&[PARTS]), &nothing, &mut sample_context()).unwrap().is_none());
}

#[test]
fn a_head_that_is_read_in_two_ways_is_refused_before_the_body() {
    for headers in
        [&[PAIRS, ("content-type", "text/plain")][..], &[("content-type", "multipart/form-data")], &[PARTS, PARTS]]
    {
        assert_eq!(look(&values(), headers).unwrap_err().kind.slug, "unsound-form", "{headers:?}");
    }
}

#[test]
fn a_compressed_form_is_refused_unless_it_may_pass() {
    let packed = [PARTS, ("content-encoding", "gzip")];
    let refused = look(&values(), &packed).unwrap_err();
    assert_eq!((refused.kind.slug, &refused.headers[0].1), ("encoded-body", &"identity".parse().unwrap()));
    let pass = values().with("encoded", Raw::Text("pass".to_owned()));
    assert!(look(&pass, &packed).unwrap().is_none());
}

#[test]
fn a_refusal_says_what_and_where_and_nothing_of_the_form() {
    let pictures = values().with("types", Raw::List(vec![Raw::Text("image/png".to_owned())]));
    let small = values().with("max_file", Raw::Text("2 B".to_owned()));
    for (values, header, body, slug, detail) in [
        (
            &values(),
            PAIRS,
            b"password=hunter2&x=%zz".to_vec(),
            "unsound-form",
            "a percent sign without two digits behind it, near byte 20",
        ),
        (
            &values(),
            PARTS,
            b"--b--secret".to_vec(),
            "unsound-form",
            "something stands behind the last boundary, near byte 5",
        ),
        (
            &pictures,
            PARTS,
            file(b"<?php"),
            "file-type-refused",
            "a file of a type that is not taken, or not of the type it is said to be, near byte 78",
        ),
        (&small, PARTS, file(b"123"), "file-too-large", "a file that is too large, near byte 68"),
    ] {
        let problem = said(values, header, &[&body]).unwrap();
        let text = problem.detail.as_deref().unwrap();
        assert_eq!((problem.kind.slug, text), (slug, format!("The form is refused: {detail}.").as_str()));
    }
    assert!(said(&pictures, PARTS, &[&file(b"\x89PNG\r\n\x1a\n")]).is_none());
    assert!(said(&values(), PAIRS, &[b"a=1&", b"b=%4", b"1"]).is_none());
}

#[test]
fn only_types_that_are_known_by_their_content_can_be_listed() {
    let check = |name: &str| TYPES.spec().check(&Raw::List(vec![Raw::Text(name.to_owned())]));
    assert_eq!(check("image/png"), Ok(()));
    assert!(check("image/pgn").unwrap_err().contains("did you mean \"image/png\"?"));
    assert!(check("application/x-unheard-of-thing").unwrap_err().contains("known are image/png, image/jpeg"));
}
