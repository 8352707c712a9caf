//! Answers that are read while they come, and must not wait for their own end.

use http::{HeaderMap, HeaderName, header::CONTENT_TYPE};

/// By which an application says that its answer must not wait; nginx made it usual.
static UNBUFFERED: HeaderName = HeaderName::from_static("x-accel-buffering");

const TYPES: [&str; 8] = [
    "text/event-stream",
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/json-seq",
    "application/stream+json",
    "multipart/x-mixed-replace",
    "application/grpc",
];

/// Whether the head of an answer says that it is one.
pub(crate) fn streams(headers: &HeaderMap) -> bool {
    let unbuffered = headers.get(&UNBUFFERED).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"no"));
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    // What gRPC's messages are written in stands behind a plus.
    let grpc = |kind: &str| kind.eq_ignore_ascii_case("application/grpc");
    let essence = essence.split_once('+').map(|(kind, _)| kind).filter(|kind| grpc(kind)).unwrap_or(essence);
    unbuffered || TYPES.iter().any(|stream| essence.eq_ignore_ascii_case(stream))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn what_is_read_while_it_comes_is_known_by_its_type_or_by_the_application_saying_so() {
        let of = |name: &'static str, value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static(value));
            streams(&headers)
        };
        for kind in TYPES.into_iter().chain(["Text/Event-Stream; charset=utf-8", "Application/gRPC+proto"]) {
            assert!(of("content-type", kind), "{kind}");
        }
        for kind in ["application/json", "application/problem+json", "text/event-streams", "text/plain", "grpc+proto"] {
            assert!(!of("content-type", kind), "{kind}");
        }
        assert!(of("x-accel-buffering", "No") && !of("x-accel-buffering", "yes"));
        assert!(!streams(&HeaderMap::new()));
    }
}
