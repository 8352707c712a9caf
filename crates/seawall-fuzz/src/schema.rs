//! Target: documents of an application, and requests compared with them.
//!
//! Input: a byte that says whether it is an OpenAPI document or a schema of bodies, the document, the byte 0xFF, a request's target, the same
//! byte, and a body.

use http::{HeaderMap, Method};
use seawall_core::clock::Now;
use seawall_guards::schema::{
    Captured, Described, Document, Fault, Faults, Formats, MOST_FAULTS, Operation, Parts, UnknownFields,
};
use serde_json::Value;

const NOW: Now = Now { monotonic_us: 1, unix_us: 1_800_000_000_000_000 };

/// Panics when something does not hold for the document, the request or both.
pub fn check(input: &[u8]) {
    let Some((kind, rest)) = input.split_first() else { return };
    let mut parts = rest.splitn(3, |&byte| byte == 0xff);
    let (Some(document), Some(target), Some(body)) = (parts.next(), parts.next(), parts.next()) else { return };
    let body = serde_json::from_slice::<Value>(body).ok();
    if kind & 1 == 0 {
        if let Ok(operation) = Operation::with_body_schema(document, &Formats::standard()) {
            compare(&operation, body.as_ref());
        }
        return;
    }
    let Ok(target) = std::str::from_utf8(target) else { return };
    let Ok(document) = Document::read(document, &Formats::standard()) else { return };
    for operation in document.operations() {
        compare(operation, body.as_ref());
    }
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    for method in [Method::GET, Method::POST] {
        let mut captured = Captured::new();
        if let Described::Operation(operation) = document.find(&method, path, &mut captured) {
            let headers = HeaderMap::new();
            let parts = Parts { captured: &captured, query, headers: &headers };
            for unknown in [UnknownFields::Reject, UnknownFields::Strip, UnknownFields::Allow] {
                bounded(&operation.head(parts, unknown, NOW));
            }
            if let Some(rest) = query.and_then(|query| operation.stripped_query(query)) {
                assert_eq!(operation.stripped_query(&rest), None, "stripped once, nothing is left to strip");
            }
        }
    }
}

fn compare(operation: &Operation, body: Option<&Value>) {
    let Some(body) = body else { return };
    let look = |body: &Value, unknown| operation.body("application/json", body, unknown, NOW);
    let strict = look(body, UnknownFields::Reject);
    assert_eq!(look(body, UnknownFields::Reject), strict, "the same look twice");
    if let Err(faults) = &strict {
        assert!(!faults.is_empty());
        bounded(faults);
    }
    match look(body, UnknownFields::Strip) {
        Ok(None) => {}
        Ok(Some(rest)) => {
            assert!(strict.is_err(), "nothing is taken out of what has only what is named");
            assert!(look(&rest, UnknownFields::Allow).is_ok(), "what goes on is what the document says");
        }
        Err(faults) => assert!(strict.is_err() && !faults.is_empty(), "what is refused for more is refused"),
    }
    let _open = look(body, UnknownFields::Allow);
}

/// Faults are few, and tell of fields and rules alone.
fn bounded(faults: &Faults) {
    assert!(faults.list().len() <= MOST_FAULTS);
    for fault in faults.list() {
        let Fault { rule, expected, found, .. } = fault;
        assert!(!rule.is_empty() && !expected.is_empty() && !found.is_empty() && !fault.field().is_empty());
    }
}
