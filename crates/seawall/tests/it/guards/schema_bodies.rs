//! Bodies as the application's document, or a schema of the route's own, describes them.

use seawall_testkit::{
    StartedApp, TemporaryDirectory, TestApp,
    client::{RawResponse, Request},
    upstream::{Kind, Upstream},
};
use serde_json::{Value, json};

const DOCUMENT: &str = r##"{"openapi": "3.1.0", "paths": {"/echo": {
  "get": {},
  "post": {"requestBody": {"required": true, "content": {
    "application/json": {"schema": {"$ref": "#/components/schemas/Report"}},
    "application/x-www-form-urlencoded": {"schema": {"$ref": "#/components/schemas/Report"}},
    "text/plain": {"schema": {"type": "string"}}
  }}}
}}, "components": {"schemas": {"Report": {"type": "object", "required": ["days"], "properties": {
    "days": {"type": "integer", "minimum": 1, "maximum": 3650},
    "since": {"type": "string", "format": "past-date"},
    "notes": {"type": "array", "items": {"type": "string", "maxLength": 200}}
}}}}}"##;

const SCHEMA: &str =
    r#"{"type": "object", "required": ["title"], "properties": {"title": {"type": "string", "maxLength": 2000}}}"#;

/// An application with a document, and this configuration, which begins in `[schema]`.
async fn described(config: &str) -> (Upstream, StartedApp) {
    started(&format!("[schema]\ndocument = \"openapi.json\"\n{config}")).await
}

async fn started(config: &str) -> (Upstream, StartedApp) {
    let directory = TemporaryDirectory::new();
    std::fs::write(directory.path().join("openapi.json"), DOCUMENT).expect("the document is written");
    std::fs::write(directory.path().join("title.json"), SCHEMA).expect("the schema is written");
    let upstream = Upstream::start(Kind::ByPath).await;
    let app = TestApp::in_front_of(upstream.url()).in_directory(directory).with_config(config).start().await;
    (upstream, app)
}

async fn posted(app: &StartedApp, kind: &str, body: &str) -> RawResponse {
    app.client().request(Request::post("/echo").header("Content-Type", kind).body(body)).await
}

/// The fields that a refusal names.
fn fields(answer: &RawResponse, status: u16) -> Vec<String> {
    let problem = answer.clone().expect_problem(status, "validation-failed");
    let errors = problem["errors"].as_array().into_iter().flatten();
    errors.filter_map(|error| error["field"].as_str().map(str::to_owned)).collect()
}

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test(flavor = "multi_thread")]
async fn rg_10_bodies_are_what_the_document_says_and_nothing_else_reaches_the_application() {
    let (upstream, app) = described("").await;
    let sent = r#"{"days": 30, "since": "2024-02-29"}"#;
    let echoed: Value = posted(&app, JSON, sent).await.expect_status(200).json();
    assert_eq!(echoed["body"], sent, "what passes is passed on byte by byte");
    posted(&app, FORM, "days=30&notes=a&notes=b").await.expect_status(200);
    posted(&app, "text/plain", "days").await.expect_status(200);
    let good = upstream.requests().len();

    let wrong = posted(&app, JSON, r#"{"days": 9999, "since": "9999-01-01", "x": "hunter2"}"#).await;
    assert_eq!(fields(&wrong, 400), ["/days", "/since", "/x"], "checklist PM-6");
    assert!(wrong.text().contains("1 to 3650"), "{}", wrong.text());
    assert!(!wrong.text().contains("hunter2"), "{}", wrong.text());
    assert_eq!(fields(&posted(&app, FORM, "days=9999&x=1").await, 400), ["/days", "/x"]);
    posted(&app, FORM, "days=%zz").await.expect_problem(400, "unsound-form");
    assert_eq!(fields(&posted(&app, "application/xml", "<days/>").await, 415), ["body"]);
    let bare = app.client().request(Request::post("/echo").chunked([b"{\"days\": 1}".to_vec()])).await;
    assert_eq!(fields(&bare, 400), ["body"], "a body without a media type");
    let none = app.client().request(Request::post("/echo").header("Content-Type", JSON)).await;
    assert_eq!(fields(&none, 400), ["body"]);
    let empty = Request::post("/echo").header("Content-Type", FORM).chunked([Vec::<u8>::new()]);
    assert_eq!(fields(&app.client().request(empty).await, 400), ["body"], "found out at its end");
    let stray = Request::get("/echo").header("Content-Type", JSON).body("{}");
    assert_eq!(fields(&app.client().request(stray).await, 400), ["body"], "no body is described");
    assert_eq!(upstream.requests().len(), good);
}

#[tokio::test(flavor = "multi_thread")]
async fn pl_2_a_large_body_is_looked_at_to_its_end() {
    let (upstream, app) = described("").await;
    let notes = |last: &str| {
        let mut notes = vec!["n".repeat(200); 900];
        notes.push(last.to_owned());
        json!({ "days": 1, "notes": notes }).to_string()
    };
    let good = notes("end");
    assert!(good.len() > 128 * 1024, "it is looked at beside the core");
    posted(&app, JSON, &good).await.expect_status(200);
    assert_eq!(fields(&posted(&app, JSON, &notes(&"x".repeat(201))).await, 400), ["/notes/900"]);
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_fields_of_bodies_are_taken_out_when_asked_for_and_never_while_it_only_reports() {
    let echo = async |app: &StartedApp, kind: &str, body: &str| -> Value {
        let echoed: Value = posted(app, kind, body).await.expect_status(200).json();
        echoed["body"].clone()
    };
    let (_upstream, app) = described("unknown_fields = \"strip\"\n").await;
    assert_eq!(echo(&app, JSON, r#"{"days": 3, "role": "admin"}"#).await, r#"{"days":3}"#);
    assert_eq!(echo(&app, FORM, "role=admin&days=%33&notes=a+b").await, "days=%33&notes=a+b");
    let stray = Request::get("/echo").header("Content-Type", JSON).body("{}");
    let echoed: Value = app.client().request(stray).await.expect_status(200).json();
    assert_eq!(echoed["body_length"], 0);

    let (_upstream, app) = described("unknown_fields = \"strip\"\nmode = \"report\"\n").await;
    for body in [r#"{"days": 3, "role": "admin"}"#, r#"{"days": 9999}"#] {
        assert_eq!(echo(&app, JSON, body).await, body);
    }
    app.until_metric("seawall_guard_decisions", &["schema", "*", "reported"], 1.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_compared_whatever_the_guard_of_their_shape_does() {
    for mode in ["off", "report"] {
        let (_upstream, app) = described(&format!("[json]\nmode = \"{mode}\"\nkeys = 1\n")).await;
        posted(&app, JSON, r#"{"days": 3, "since": "2024-02-29"}"#).await.expect_status(200);
        assert_eq!(fields(&posted(&app, JSON, r#"{"days": 9999}"#).await, 400), ["/days"], "{mode}");
        assert_eq!(fields(&posted(&app, JSON, r#"{"days": 3"#).await, 400), ["body"], "{mode}");
        let packed = Request::post("/echo").header("Content-Type", JSON).header("Content-Encoding", "gzip").body("x");
        assert_eq!(fields(&app.client().request(packed).await, 415), ["body"], "{mode}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_may_have_a_schema_of_its_own() {
    let (_upstream, app) = started("[route.\"POST /echo\"]\nschema.body = \"title.json\"\n").await;
    posted(&app, JSON, r#"{"title": "a"}"#).await.expect_status(200);
    posted(&app, "application/merge-patch+json", r#"{"title": "a"}"#).await.expect_status(200);
    posted(&app, FORM, "title=a").await.expect_status(200);
    let long = json!({ "title": "x".repeat(2001) }).to_string();
    assert_eq!(fields(&posted(&app, JSON, &long).await, 400), ["/title"]);
    assert_eq!(fields(&posted(&app, JSON, r#"{"title": "a", "x": 1}"#).await, 400), ["/x"]);
    assert_eq!(fields(&posted(&app, "text/plain", "title").await, 415), ["body"]);
    let none = app.client().request(Request::post("/echo").header("Content-Type", JSON)).await;
    assert_eq!(fields(&none, 400), ["body"]);
    app.client().get("/echo").await.expect_status(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_routes_own_schema_sees_every_body_whatever_the_method_is() {
    let (upstream, app) = started("[route.\"/echo\"]\nschema.body = \"title.json\"\n").await;
    let answer = async |request: Request| app.client().request(request).await;
    for method in ["GET", "DELETE", "OPTIONS"] {
        let sent = || Request::new(method, "/echo");
        answer(sent()).await.expect_status(200);
        answer(sent().chunked(std::iter::empty::<&[u8]>())).await.expect_status(200);
        answer(sent().header("Content-Type", JSON).body(r#"{"title": "a"}"#)).await.expect_status(200);
        let passed = upstream.requests().len();
        let wrong = r#"{"title": "a", "x": 1}"#;
        assert_eq!(fields(&answer(sent().header("Content-Type", JSON).body(wrong)).await, 400), ["/x"], "{method}");
        let parts = wrong.as_bytes().chunks(5);
        assert_eq!(fields(&answer(sent().header("Content-Type", JSON).chunked(parts)).await, 400), ["/x"], "{method}");
        assert_eq!(fields(&answer(sent().header("Content-Type", FORM).body("x=1")).await, 400), ["/title", "/x"]);
        assert_eq!(fields(&answer(sent().header("Content-Type", "text/plain").body("x")).await, 415), ["body"]);
        assert_eq!(fields(&answer(sent().body("x")).await, 415), ["body"]);
        assert_eq!(fields(&answer(sent().chunked([&b"x"[..]])).await, 400), ["body"], "{method}");
        assert_eq!(upstream.requests().len(), passed, "the application heard of none: {method}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_guard_reads_itself_counts_in_the_memory_for_bodies() {
    let config = "[server]\nbody_memory = \"2 MB\"\n[json]\nmode = \"off\"\n[schema]\ndocument = \"openapi.json\"\nunknown_fields = \"allow\"\n";
    let (upstream, app) = started(config).await;
    let of_values = |count: usize| json!({ "days": 1, "other": vec![1; count] }).to_string();
    posted(&app, JSON, &of_values(1_000)).await.expect_status(200);
    // A hundred kilobytes as they came.
    posted(&app, JSON, &of_values(50_000)).await.expect_problem(503, "bodies-full");
    assert_eq!(upstream.requests().len(), 1);
    app.until_metric("seawall_bodies_held_bytes", &[], 0.0).await;
}
