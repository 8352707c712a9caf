//! Answers beside what a document promises.

use http::{Method, Response};
use seawall_core::meter::NoMeter;
use serde_json::{Value, json};

use super::*;
use crate::{
    AnswerHead, Context, Follow,
    engine::sample_context,
    schema::{Captured, Described, Document, Formats, UnknownFields},
};

const DOCUMENT: &str = r##"{"openapi": "3.1.0", "paths": {
  "/orders/{id}": {"get": {"responses": {
    "200": {"headers": {"ETag": {"$ref": "#/components/headers/Tag"}, "X-Hint": {}}, "content": {"application/json": {"schema":
      {"type": "object", "required": ["id"], "properties": {
        "id": {"type": "integer"},
        "items": {"type": "array", "items": {"type": "object", "properties": {"count": {"type": "integer", "maximum": 1000}}}},
        "by_mail": {"type": "object", "additionalProperties": {"type": "integer"}}
      }}
    }}},
    "204": {"description": "nothing", "content": {"application/json": {"schema": {}}}},
    "404": {"content": {"application/problem+json": {}}}
  }}}
}, "components": {"headers": {"Tag": {"required": true, "schema": {"type": "string"}}}}}"##;

/// Answers of one operation, as they are looked at.
struct Compared {
    document: Document,
    drift: Drift,
    answers: Answers,
    context: Context,
}

impl Compared {
    fn new() -> Self {
        let document = Document::read(DOCUMENT.as_bytes(), &Formats::standard()).unwrap();
        let drift = Drift::default();
        let answers = Answers::new(&drift, "*", UnknownFields::Reject, &NoMeter);
        Self { document, drift, answers, context: sample_context() }
    }

    fn follow(&mut self, method: &Method, answer: &AnswerHead) -> Option<Box<dyn Follow>> {
        let described = self.document.find(method, "/orders/7", &mut Captured::new());
        let Described::Operation(operation) = described else { panic!("it is there") };
        self.context.drift = Told::default();
        self.answers.follow(Promised::new(operation, method), answer, &mut self.context)
    }

    /// Shows a whole answer, and gives the parts that differ.
    fn shown(&mut self, answer: &AnswerHead, body: &[u8]) -> Vec<&'static str> {
        if let Some(mut follow) = self.follow(&Method::GET, answer)
            && body.chunks(7).all(|part| follow.part(part))
            && let Some(rest) = follow.end(true)
        {
            rest();
        }
        self.context.drift.differs().words().collect()
    }

    /// What is remembered.
    fn told(&self) -> Vec<String> {
        let findings = self.drift.show().findings;
        let mut told: Vec<_> = findings
            .iter()
            .map(|found| {
                format!("{} {} {} {} x{}", found.operation, found.status, found.field, found.rule, found.count)
            })
            .collect();
        told.sort();
        told
    }
}

fn head(status: u16, fields: &[(&str, &str)]) -> AnswerHead {
    let answer =
        fields.iter().fold(Response::builder().status(status), |answer, (name, value)| answer.header(*name, *value));
    answer.body(()).unwrap().into_parts().0
}

const JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");
const TAG: (&str, &str) = ("etag", "\"7\"");

#[test]
fn status_media_type_headers_and_bodies_that_differ_are_told_and_what_fits_is_not() {
    let mut compared = Compared::new();
    let fine = json!({"id": 7, "items": [{"count": 1}], "by_mail": {"ann@example.com": 1}}).to_string();
    assert_eq!(compared.shown(&head(200, &[JSON, TAG]), fine.as_bytes()), [""; 0]);
    for fitting in
        [head(404, &[("content-type", "application/problem+json")]), head(204, &[]), head(304, &[]), head(206, &[])]
    {
        assert_eq!(compared.shown(&fitting, b""), [""; 0], "{fitting:?}");
    }
    assert_eq!(compared.told(), [""; 0]);
    assert_eq!(compared.shown(&head(500, &[]), b"x"), ["status"]);
    assert_eq!(compared.shown(&head(404, &[("content-type", "text/html")]), b"<p>"), ["header"]);
    assert_eq!(compared.shown(&head(404, &[]), b"x"), ["header"]);
    assert_eq!(compared.shown(&head(200, &[JSON]), b"{\"id\": \"hunter2\"}"), ["header", "body"]);
    assert_eq!(compared.shown(&head(200, &[JSON, TAG]), b"{\"id\""), ["body"]);
    assert_eq!(
        compared.told(),
        [
            "GET /orders/{id} 200 /id type x1",
            "GET /orders/{id} 200 body content x1",
            "GET /orders/{id} 200 header.etag required x1",
            "GET /orders/{id} 404 header.content-type content x2",
            "GET /orders/{id} 500 status responses x1",
        ]
    );
}

#[test]
fn what_is_remembered_has_no_values_and_one_row_for_all_items_of_an_array() {
    let mut compared = Compared::new();
    let items: Vec<Value> = (0..40).map(|_| json!({"count": 4711})).collect();
    let body = json!({
        "id": 7, "items": items, "by_mail": {"ann@example.com": "hunter2", "bob": "x"}, "note": "secret", "carl@example.com": 1,
        "usr/7": 1
    });
    for _ in 0..3 {
        compared.shown(&head(200, &[JSON, TAG]), body.to_string().as_bytes());
    }
    assert_eq!(
        compared.told(),
        [
            "GET /orders/{id} 200 /* additionalProperties x3",
            "GET /orders/{id} 200 /by_mail/* type x3",
            "GET /orders/{id} 200 /items/*/count maximum x3",
            "GET /orders/{id} 200 /note additionalProperties x3",
        ]
    );
    let text = format!("{:?}", compared.drift.show());
    for value in ["ann@", "bob", "carl@", "hunter2", "4711", "secret", "usr"] {
        assert!(!text.contains(value), "{value} is told: {text}");
    }
}

#[test]
fn only_a_bounded_part_of_bodies_is_copied_and_compared() {
    let mut compared = Compared::new();
    let get = Method::GET;
    let answer = head(200, &[JSON, TAG]);
    assert!(compared.follow(&Method::HEAD, &answer).is_none(), "it has no body");
    assert!(compared.follow(&get, &head(200, &[JSON, TAG, ("content-encoding", "gzip")])).is_none());
    assert!(compared.follow(&get, &head(200, &[JSON, TAG, ("content-length", "1048577")])).is_none());
    let mut long = compared.follow(&get, &answer).unwrap();
    let parts = (0..17).take_while(|_| long.part(&[b' '; 65_536])).count();
    assert_eq!(parts, 16, "1 MiB");
    let mut cut = compared.follow(&get, &answer).unwrap();
    assert!(cut.part(b"{\"id\": \"x\"") && cut.end(false).is_none());
    assert!(compared.context.drift.differs().nothing(), "of a part nothing is known");
    let taken = (0..100).filter(|_| compared.follow(&get, &answer).is_some()).count();
    assert!(taken < 40, "{taken} of one moment");
    compared.context.now.monotonic_us += 1_000_000;
    assert!(compared.follow(&get, &answer).is_some(), "the next second");
    let shown = compared.drift.show();
    assert!(shown.bodies > 100 && shown.compared == 0, "{shown:?}");
}

#[test]
fn large_bodies_are_compared_off_the_answers_way_and_not_many_at_once() {
    let mut compared = Compared::new();
    let body = json!({"id": "x", "items": vec![json!({}); 40_000]}).to_string();
    let mut rests = Vec::new();
    for _ in 0..6 {
        let mut follow = compared.follow(&Method::GET, &head(200, &[JSON, TAG])).unwrap();
        assert!(body.as_bytes().chunks(65_536).all(|part| follow.part(part)));
        rests.extend(follow.end(true));
    }
    assert_eq!((rests.len(), compared.drift.show().compared, compared.context.drift.differs().nothing()), (4, 0, true));
    rests.drain(..).for_each(|rest| rest());
    assert_eq!(compared.told(), ["GET /orders/{id} 200 /id type x4"]);
    assert_eq!(compared.shown(&head(200, &[JSON, TAG]), body.as_bytes()), ["body"], "once it was compared");
    assert_eq!(compared.drift.show().compared, 5);
}

#[test]
fn findings_are_bounded() {
    let mut compared = Compared::new();
    for status in 300..900 {
        compared.shown(&head(status, &[]), b"");
    }
    let shown = compared.drift.show();
    assert_eq!(shown.findings.len() as u64 + shown.left_out, 599, "all but 304");
    assert!(shown.findings.len() <= 64, "{}", shown.findings.len());
}
