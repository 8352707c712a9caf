//! Guards that look at bodies.

use std::{convert::Infallible, sync::Arc};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use seawall_core::{
    Mode,
    limit::{Ask, RateStore, Standing},
    meter::NoMeter,
    reply::Reply,
    settings::{Raw, Values},
};
use seawall_guards::{
    GuardLayer, Shared, body, deadline, form,
    idempotency::{self, IdempotencyGuard},
    json, payload_filter, schema, signatures,
};
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;

use crate::harness::{HOST, Sent, check, text};

#[tokio::test]
async fn body() {
    let small = || body::BodyGuard::read(&body::values().with("max", text("4 B"))).unwrap();
    let declared: Sent<'_> = ("POST", "/", &[("content-length", "5")], &["12345"]);
    let streamed: Sent<'_> = ("POST", "/", &[], &["123", "45"]);
    let fits: Sent<'_> = ("POST", "/", &[], &["12", "34"]);
    let refused = [(declared, 413, "REQUEST_TOO_LARGE"), (streamed, 413, "REQUEST_TOO_LARGE"), (fits, 200, "got 4")];
    check(&body::ENTRY, small, Mode::Enforce, &refused).await;
    check(
        &body::ENTRY,
        small,
        Mode::Report,
        &[(declared, 200, "got 5"), (streamed, 200, "got 5"), (fits, 200, "got 4")],
    )
    .await;
}

#[tokio::test]
async fn json() {
    const JSON: (&str, &str) = ("content-type", "application/json");
    let make = || json::JsonGuard::read(&json::values()).unwrap();
    let sound: Sent<'_> = ("POST", "/", &[JSON], &["{\"a\":", "1}"]);
    let twice: Sent<'_> = ("POST", "/", &[JSON], &["{\"a\":1,", "\"a\":2}", " "]);
    let cut: Sent<'_> = ("POST", "/", &[JSON], &["{\"a\"", ":1"]);
    let packed: Sent<'_> = ("POST", "/", &[JSON, ("content-encoding", "gzip")], &["\u{1f}"]);
    let refused = [
        (sound, 200, "got 7"),
        (twice, 400, "INVALID_JSON"),
        (cut, 400, "INVALID_JSON"),
        (packed, 415, "UNSUPPORTED_CONTENT_ENCODING"),
    ];
    check(&json::ENTRY, make, Mode::Enforce, &refused).await;
    let reported = [(sound, 200, "got 7"), (twice, 200, "got 14"), (cut, 200, "got 6"), (packed, 200, "got 1")];
    check(&json::ENTRY, make, Mode::Report, &reported).await;
}

/// Counters without room.
#[derive(Debug)]
struct Spent;

impl RateStore for Spent {
    fn take(&self, ask: &Ask<'_>) -> Reply<Standing> {
        Reply::Ready(Ok(Standing { accepted: false, ..Standing::of(ask.quotas, ask.cost, []) }))
    }
}

/// Whoever calls itself another in each request is at one address all the same.
#[tokio::test]
async fn idempotency_keeps_no_more_answers_of_strangers_than_their_address_has_room_for() {
    let make = || {
        let shared = Shared { rates: Arc::new(Spent), ..Shared::in_memory() };
        let deadlines = deadline::Deadlines::default();
        IdempotencyGuard::read(&idempotency::values(), "*", Mode::Enforce, &deadlines, &shared).unwrap()
    };
    let sent: Sent<'_> = ("POST", "/", &[("idempotency-key", "\"k\""), ("authorization", "Bearer any")], &["12"]);
    let requests = [(sent, 200, "got 2"), (sent, 409, "IDEMPOTENCY_ANSWER_NOT_KEPT")];
    check(&idempotency::ENTRY, make, Mode::Enforce, &requests).await;
}

#[tokio::test]
async fn form() {
    const PAIRS: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
    const PARTS: (&str, &str) = ("content-type", "multipart/form-data; boundary=b");
    let values = form::values().with("types", Raw::List(vec![text("image/png")])).with("max_file", text("20 B"));
    let make = || form::FormGuard::read(&values).unwrap();
    let file = "--b\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\n";
    let sound: Sent<'_> = ("POST", "/", &[PAIRS], &["a=%4", "1"]);
    let cut: Sent<'_> = ("POST", "/", &[PAIRS], &["a=1&b=%4"]);
    let sound_parts: Sent<'_> =
        ("POST", "/", &[PARTS], &["--b\r\nContent-Disposition: form-data; name=f\r\n\r\n1\r\n-", "-b--\r\n"]);
    let no_boundary: Sent<'_> = ("POST", "/", &[("content-type", "multipart/form-data")], &["x"]);
    let foreign: Sent<'_> = ("POST", "/", &[PARTS], &[file, "GIF89a\r\n--b--"]);
    let large: Sent<'_> = ("POST", "/", &[PARTS], &[file, "123456789012345678901"]);
    let packed: Sent<'_> = ("POST", "/", &[PAIRS, ("content-encoding", "gzip")], &["\u{1f}"]);
    let refused = [
        (sound, 200, "got 5"),
        (sound_parts, 200, "got 57"),
        (cut, 400, "INVALID_FORM"),
        (no_boundary, 400, "INVALID_FORM"),
        (foreign, 415, "UNSUPPORTED_FILE_TYPE"),
        (large, 413, "FILE_TOO_LARGE"),
        (packed, 415, "UNSUPPORTED_CONTENT_ENCODING"),
    ];
    check(&form::ENTRY, make, Mode::Enforce, &refused).await;
    let reported = [
        (sound, 200, "got 5"),
        (sound_parts, 200, "got 57"),
        (cut, 200, "got 8"),
        (no_boundary, 200, "got 1"),
        (foreign, 200, "got 72"),
        (large, 200, "got 80"),
        (packed, 200, "got 1"),
    ];
    check(&form::ENTRY, make, Mode::Report, &reported).await;
}

#[tokio::test]
async fn schema() {
    let text = br#"{"openapi": "3.1.0", "paths": {"/a": {"get": {"parameters":
        [{"name": "days", "in": "query", "schema": {"type": "integer", "maximum": 3650}}]}}}}"#;
    let document = Arc::new(schema::Document::read(text, &schema::Formats::standard()).unwrap());
    let make = || {
        let undocumented = schema::Undocumented::Refuse;
        schema::SchemaGuard::new(Some(Arc::clone(&document)), schema::UnknownFields::Reject, undocumented)
    };
    let sent = |target| ("GET", target, &[HOST][..], &[][..]);
    let refused = [
        (sent("/a?days=3650"), 200, "got 0"),
        (sent("/a?days=9999"), 400, "VALIDATION_ERROR"),
        (sent("/a?day=1"), 400, "query.day"),
        (sent("/b"), 404, "VALIDATION_ERROR"),
    ];
    check(&schema::ENTRY, make, Mode::Enforce, &refused).await;
    check(&schema::ENTRY, make, Mode::Report, &refused.map(|(sent, ..)| (sent, 200, "got 0"))).await;
}

/// What is behind the layer is told how long the body is that it gets.
#[tokio::test]
async fn a_stripped_body_says_its_own_length() {
    let text = br#"{"openapi": "3.1.0", "paths": {"/a": {"post": {"requestBody": {"content": {"application/json":
        {"schema": {"properties": {"a": {}}}}}}}}}}"#;
    let document = Arc::new(schema::Document::read(text, &schema::Formats::standard()).unwrap());
    let guard = schema::SchemaGuard::new(Some(document), schema::UnknownFields::Strip, schema::Undocumented::Refuse);
    let service = GuardLayer::new(&schema::ENTRY, guard).layer(service_fn(async |request: http::Request<_>| {
        let length = request.headers()["content-length"].to_str().unwrap().to_owned();
        let body: seawall_guards::Reread<Full<Bytes>> = request.into_body();
        let body = body.collect().await.unwrap().to_bytes();
        assert_eq!((length, &body[..]), ("7".to_owned(), &br#"{"a":1}"#[..]));
        Ok::<_, Infallible>(http::Response::new(Full::new(body)))
    }));
    let request = http::Request::post("/a").header("host", "a").header("content-type", "application/json");
    let request = request.header("content-length", "13").body(Full::new(Bytes::from_static(br#"{"a":1,"b":2}"#)));
    let answer = service.oneshot(request.unwrap()).await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn payload_filter() {
    const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
    let make = || payload_filter::PayloadFilterGuard::read(&payload_filter::values(), &NoMeter).unwrap();
    let requests = [
        (("GET", "/?q=O%27Brien", &[HOST][..], &[][..]), 200, "got 0"),
        (("GET", "/?q=%27+or+1%3D1--", &[HOST], &[]), 400, "SUSPICIOUS_PAYLOAD"),
        (("POST", "/", &[HOST, FORM], &["name=O%27Brien"]), 200, "got 14"),
        (("POST", "/", &[HOST, FORM], &["name=%3Cscr", "ipt%3E"]), 400, "SUSPICIOUS_PAYLOAD"),
    ];
    check(&payload_filter::ENTRY, make, Mode::Enforce, &requests).await;
    let reported = requests.map(|(sent, ..)| (sent, 200, "got "));
    check(&payload_filter::ENTRY, make, Mode::Report, &reported).await;
}

#[tokio::test]
async fn signatures() {
    // That of GitHub's documentation.
    let key = Values::default().with("preset", text("github")).with("secret", text("It's_a_Secret_to_Everybody"));
    let values = signatures::values().with("require", text("hooks"));
    let make = || {
        signatures::SignaturesGuard::read(&values, &[("hooks".to_owned(), key.clone())], &Shared::in_memory())
            .unwrap()
            .unwrap()
    };
    let field = ("x-hub-signature-256", "sha256=5459a780a185f6af0f9c7d736f890c67afb2d471eac5f022dbabb596a0213685");
    let fields = &[HOST, field][..];
    let signed: Sent<'_> = ("POST", "/", fields, &["Hello, ", "World!"]);
    let changed: Sent<'_> = ("POST", "/", fields, &["Hello, ", "Mars!"]);
    let bare: Sent<'_> = ("POST", "/", &[HOST], &["Hello, World!"]);
    let refused = [(signed, 200, "got 13"), (changed, 401, "SIGNATURE_REFUSED"), (bare, 401, "SIGNATURE_REFUSED")];
    check(&signatures::ENTRY, make, Mode::Enforce, &refused).await;
    let reported = [(signed, 200, "got 13"), (changed, 200, "got 12"), (bare, 200, "got 13")];
    check(&signatures::ENTRY, make, Mode::Report, &reported).await;
}

#[tokio::test]
async fn idempotency() {
    let make = |mode| {
        let values = idempotency::values().with("required", Raw::Flag(true));
        IdempotencyGuard::read(&values, "*", mode, &deadline::Deadlines::default(), &Shared::in_memory()).unwrap()
    };
    const KEY: (&str, &str) = ("idempotency-key", "\"k\"");
    let first: Sent<'_> = ("POST", "/", &[KEY], &["12", "345"]);
    let other: Sent<'_> = ("POST", "/", &[KEY], &["12", "34"]);
    let without: Sent<'_> = ("POST", "/", &[], &["12"]);
    let broken: Sent<'_> = ("POST", "/", &[("idempotency-key", "\"k")], &["12"]);
    let (missing, invalid) = ("IDEMPOTENCY_KEY_MISSING", "IDEMPOTENCY_KEY_INVALID");
    let refused = [
        (first, 200, "got 5"),
        (first, 200, "got 5"),
        (other, 422, "IDEMPOTENCY_KEY_REUSED"),
        (without, 400, missing),
        (broken, 400, invalid),
    ];
    check(&idempotency::ENTRY, || make(Mode::Enforce), Mode::Enforce, &refused).await;
    let reported = [(first, 200, "got 5"), (other, 200, "got 4"), (without, 200, "got 2"), (broken, 200, "got 2")];
    check(&idempotency::ENTRY, || make(Mode::Report), Mode::Report, &reported).await;
}
