//! Answers of the application beside its document: what differs is told, and no answer is another for it.

use seawall_core::http::percent::{UNRESERVED, encoded};
use seawall_testkit::{
    StartedApp, TemporaryDirectory, TestApp,
    client::{RawResponse, Request},
    upstream::{Kind, Upstream, pattern},
};
use serde_json::{Value, json};

const DOCUMENT: &str = r#"{"openapi": "3.1.0", "paths": {"/orders/{id}": {"get": {"responses": {
  "200": {"headers": {"X-Total": {"required": true}}, "content": {"application/json": {"schema":
    {"type": "object", "properties": {"id": {"type": "integer"}, "notes": {"type": "array", "items": {"type": "string"}}}}
  }}}
}}}}}"#;

const CONFIG: &str = "[schema]\ndocument = \"openapi.json\"\nanswers = \"report\"\n";

/// An application that answers everything so, and what compares its answers.
async fn answering(kind: Kind, config: &str) -> (Upstream, StartedApp) {
    let directory = TemporaryDirectory::new();
    std::fs::write(directory.path().join("openapi.json"), DOCUMENT).expect("the document is written");
    let upstream = Upstream::start(kind).await;
    let app = TestApp::in_front_of(upstream.url()).in_directory(directory).with_config(config).start().await;
    (upstream, app)
}

fn says(body: &str, more: &str) -> Kind {
    Kind::always(format!("/say?{}{more}", encoded(body, UNRESERVED)))
}

/// The findings, each as status, field and rule.
async fn told(app: &StartedApp) -> Vec<String> {
    let report = app.report().await;
    let findings = report["answers"]["data"].as_array().into_iter().flatten();
    let word = |finding: &Value, name: &str| finding[name].as_str().unwrap_or("?").to_owned();
    let told = findings.map(|finding| {
        let (operation, field, rule) = (word(finding, "operation"), word(finding, "field"), word(finding, "rule"));
        format!("{operation} {} {field} {rule} x{}", finding["status"], finding["count"])
    });
    told.collect()
}

/// The parts that the request log names.
async fn logged(app: &StartedApp, path: &str) -> Value {
    app.request_line(path).await["answer.drift"].clone()
}

fn kept(answer: &RawResponse) -> (u16, Vec<(String, String)>, Vec<u8>) {
    let own = |name: &str| ["date", "x-request-id"].contains(&name.to_ascii_lowercase().as_str());
    let headers = answer.headers.iter().filter(|(name, _)| !own(name)).cloned().collect();
    (answer.status, headers, answer.body.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn rg_10_answers_that_differ_are_told_without_values_and_reach_the_client_as_they_are() {
    let body = r#"{"id": "hunter2", "notes": ["a", 4711, 4712], "ann@example.com": 1}"#;
    let (upstream, app) = answering(says(body, "&X-Other=1"), CONFIG).await;
    let (_, off) = (&upstream, TestApp::in_front_of(upstream.url()).start().await);
    let (compared, plain) = (app.client().get("/orders/7").await, off.client().get("/orders/7").await);
    assert_eq!(kept(&compared), kept(&plain));
    let found = [
        "GET /orders/{id} 200 /* additionalProperties x1",
        "GET /orders/{id} 200 /id type x1",
        "GET /orders/{id} 200 /notes/* type x1",
        "GET /orders/{id} 200 header.x-total required x1",
    ];
    assert_eq!(told(&app).await, found);
    assert_eq!(logged(&app, "/orders/7").await, json!(["header", "body"]));
    for (part, count) in [("body", 1.0), ("header", 1.0), ("status", 0.0)] {
        assert_eq!(app.metric("seawall_schema_drift", &["*", part]), count, "{part}");
    }
    let report = app.report().await;
    assert_eq!((&report["answers"]["bodies"], &report["answers"]["compared"]), (&json!(1), &json!(1)));
    for value in ["hunter2", "4711", "ann@"] {
        assert!(!report.to_string().contains(value) && !app.log_text().contains(value), "{value} is told");
    }
    assert_eq!(app.report_of("route=/other").await["answers"]["data"], json!([]));

    upstream.become_kind(Kind::always("/status/404"));
    app.client().get("/orders/8").await.expect_status(404);
    assert_eq!(logged(&app, "/orders/8").await, json!(["status"]));
    upstream.become_kind(says(r#"{"id": 7}"#, "&X-Total=1"));
    app.client().get("/orders/9").await.expect_status(200);
    app.client().request(Request::new("HEAD", "/orders/9")).await.expect_status(200);
    assert_eq!(logged(&app, "/orders/9").await, Value::Null, "it is as the document says");
    app.client().get("/elsewhere").await.expect_status(200);
    assert_eq!(logged(&app, "/elsewhere").await, Value::Null);
    assert_eq!(told(&app).await.len(), found.len() + 1);
    app.until_metric("seawall_bodies_held_bytes", &[], 0.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_the_place_of_an_answer_is_not_compared_and_what_it_replaces_is() {
    let config = format!("{CONFIG}[rescue]\nupstream_errors = \"replace\"\n");
    let (_upstream, app) = answering(Kind::always("/stack-trace"), &config).await;
    app.client().get("/orders/7").await.expect_problem(500, "upstream-error");
    assert_eq!(told(&app).await, ["GET /orders/{id} 500 status responses x1"]);
    app.client().get("/orders/7?unknown=1").await.expect_problem(400, "validation-failed");
    assert_eq!(told(&app).await, ["GET /orders/{id} 500 status responses x1"], "a refusal is Seawall's own");
}

#[tokio::test(flavor = "multi_thread")]
async fn large_answers_are_compared_later_and_longer_ones_not_at_all() {
    let (upstream, app) =
        answering(Kind::always("/chunked/300000?Content-Type=application/json&X-Total=1"), CONFIG).await;
    let answer = app.client().get("/orders/7").await.expect_status(200);
    assert_eq!(answer.body, pattern(300_000));
    app.until_metric("seawall_schema_drift", &["*", "body"], 1.0).await;
    assert_eq!(told(&app).await, ["GET /orders/{id} 200 body content x1"]);
    for long in ["/bytes/1048577", "/chunked/3000000"] {
        upstream.become_kind(Kind::always(format!("{long}?Content-Type=application/json&X-Total=1")));
        app.client().get("/orders/7").await.expect_status(200);
    }
    let report = app.report().await;
    assert_eq!((&report["answers"]["bodies"], &report["answers"]["compared"]), (&json!(3), &json!(1)));
    app.until_metric("seawall_bodies_held_bytes", &[], 0.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_slowly_is_passed_on_as_it_comes_and_one_that_breaks_off_is_not_compared() {
    let slowly = Kind::always(format!("/say/60000?{}", encoded(r#"{"id": "of the wrong kind"}"#, UNRESERVED)));
    let (_upstream, app) = answering(slowly, CONFIG).await;
    let mut connection = app.connect().await;
    connection.write(Request::get("/orders/7").encode("a")).await;
    connection.read_head("GET").await.expect_status(200);
    assert!(
        connection.next_piece().await.is_some_and(|piece| piece.bytes.starts_with(b"{\"id\"")),
        "long before the end"
    );
    app.until_metric_is("seawall_bodies_held_bytes", &[], |held| held > 0.0).await;
    drop(connection);
    app.until_metric("seawall_bodies_held_bytes", &[], 0.0).await;
    assert_eq!(told(&app).await, ["GET /orders/{id} 200 header.x-total required x1"]);
    assert_eq!(app.report().await["answers"]["compared"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_seawall_compresses_or_holds_are_compared_as_the_application_gave_them() {
    let notes = format!(r#"{{"id": "7", "notes": ["{}"]}}"#, "a note ".repeat(500));
    let config = format!("{CONFIG}[conditional]\netag = \"weak\"\n");
    let (_upstream, app) = answering(says(&notes, "&X-Total=1"), &config).await;
    let asks = Request::get("/orders/7").header("Accept-Encoding", "gzip");
    let answer = app.client().request(asks.clone()).await.expect_status(200);
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    let tag = answer.header("etag").expect("it is tagged").to_owned();
    app.client().request(asks.header("If-None-Match", tag)).await.expect_status(304);
    assert_eq!(told(&app).await, ["GET /orders/{id} 200 /id type x2"]);
    app.until_metric("seawall_bodies_held_bytes", &[], 0.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_not_looked_at_until_that_is_asked_for_and_a_reload_forgets_nothing() {
    let off = CONFIG.replace("answers = \"report\"\n", "");
    let (_upstream, app) = answering(says(r#"{"id": "7"}"#, "&X-Total=1"), &off).await;
    app.client().get("/orders/7").await.expect_status(200);
    assert_eq!((told(&app).await, logged(&app, "/orders/7").await), (vec![], Value::Null));
    app.reload_with(&format!("{off}[route.\"/orders/{{id}}\"]\nschema.answers = \"report\"\n")).await;
    app.client().get("/orders/8").await.expect_status(200);
    app.reload_with(CONFIG).await;
    app.client().get("/orders/9").await.expect_status(200);
    assert_eq!(told(&app).await, ["GET /orders/{id} 200 /id type x1", "GET /orders/{id} 200 /id type x1"], "by route");
    assert_eq!(app.metric("seawall_schema_drift", &["/orders/{id}", "body"]), 1.0);
}
