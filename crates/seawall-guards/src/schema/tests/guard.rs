//! The guard, as it is built for a route.

use std::sync::Arc;

use http::Request;

use super::{super::*, *};
use crate::{Guard, Verdict, engine::sample_context};

/// What happens to a request: its target as it goes on, or the status and the fields that are told.
fn asked(unknown: UnknownFields, undocumented: Undocumented, request: &str) -> Result<String, (u16, Vec<String>)> {
    let guard = SchemaGuard::new(Some(Arc::new(document(NESTJS))), unknown, undocumented);
    let (method, target) = request.split_once(' ').unwrap();
    let mut head = Request::builder().method(method).uri(target).body(()).unwrap().into_parts().0;
    match guard.head(&mut head, &mut sample_context()) {
        Verdict::Pass => Ok(head.uri.to_string()),
        Verdict::Refuse(problem) => {
            Err((problem.status().as_u16(), problem.fields.iter().map(|field| field.field.clone()).collect()))
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn requests_pass_are_stripped_or_refused_as_the_document_and_the_settings_say() {
    use UnknownFields::{Allow, Reject, Strip};
    let open = Undocumented::Allow;
    assert_eq!(asked(Reject, open, "GET /v1/cats?limit=5"), Ok("/v1/cats?limit=5".to_owned()));
    let both = (400, vec!["query.limit".to_owned(), "query.x".to_owned()]);
    assert_eq!(asked(Reject, open, "GET /v1/cats?limit=500&x=1"), Err(both));
    assert_eq!(asked(Strip, open, "GET /v1/cats?x=1&limit=5"), Ok("/v1/cats?limit=5".to_owned()));
    assert_eq!(asked(Strip, open, "GET http://a.example/v1/cats?x=1"), Ok("http://a.example/v1/cats".to_owned()));
    assert_eq!(asked(Allow, open, "GET /v1/cats?x=1"), Ok("/v1/cats?x=1".to_owned()));
    assert_eq!(asked(Reject, open, "GET /v1/dogs?x=1"), Ok("/v1/dogs?x=1".to_owned()));
    assert_eq!(asked(Reject, Undocumented::Refuse, "GET /v1/dogs"), Err((404, Vec::new())));
    assert_eq!(asked(Reject, Undocumented::Refuse, "DELETE /v1/cats"), Err((405, Vec::new())));
    assert_eq!(asked(Reject, Undocumented::Refuse, "OPTIONS /v1/cats"), Ok("/v1/cats".to_owned()));
}
