//! Requests as the application's document describes them.

use seawall_testkit::{
    StartedApp, TemporaryDirectory, TestApp,
    client::Request,
    upstream::{Kind, Upstream},
};

const DOCUMENT: &str = r#"{"openapi": "3.1.0", "paths": {"/echo": {"get": {"parameters": [
    {"name": "days", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 3650}},
    {"name": "since", "in": "query", "schema": {"type": "string", "format": "past-date"}},
    {"name": "x-tenant", "in": "header", "schema": {"type": "string", "maxLength": 4}}
]}}}}"#;

/// An application with a document, and what else is configured.
async fn described(config: &str) -> (Upstream, StartedApp) {
    let directory = TemporaryDirectory::new();
    std::fs::write(directory.path().join("openapi.json"), DOCUMENT).expect("the document is written");
    let upstream = Upstream::start(Kind::ByPath).await;
    let config = format!("[schema]\ndocument = \"openapi.json\"\n{config}");
    let app = TestApp::in_front_of(upstream.url()).in_directory(directory).with_config(&config).start().await;
    (upstream, app)
}

#[tokio::test(flavor = "multi_thread")]
async fn rg_10_fields_that_the_document_does_not_take_are_told_and_nothing_reaches_the_application() {
    let (upstream, app) = described("").await;
    let good = app.client().get("/echo?days=30&since=2024-02-29").await;
    good.expect_status(200);
    let answer = app
        .client()
        .request(Request::get("/echo?days=9999&since=9999-01-01&x=hunter2").header("X-Tenant", "secret"))
        .await;
    let problem = answer.expect_problem(400, "validation-failed");
    assert_eq!(problem["code"], "VALIDATION_ERROR");
    let fields: Vec<_> = problem["errors"].as_array().into_iter().flatten().map(|error| &error["field"]).collect();
    assert_eq!(fields, ["query.days", "query.since", "query.x", "header.x-tenant"]);
    let days = problem["errors"][0]["message"].as_str().unwrap_or_default();
    assert!(days.contains("1 to 3650"), "it says why: {problem}");
    for value in ["9999", "hunter2", "secret"] {
        assert!(!answer.text().contains(value), "{value} is told: {}", answer.text());
    }
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_only_reports_changes_no_request_and_no_answer() {
    let (upstream, app) = described("mode = \"report\"\nunknown_fields = \"strip\"\nundocumented = \"refuse\"\n").await;
    for path in ["/echo?days=9999", "/echo?x=1", "/ok"] {
        app.client().get(path).await.expect_status(200);
    }
    let seen: Vec<_> = upstream.requests().iter().map(|seen| seen.target.clone()).collect();
    assert_eq!(seen, ["/echo?days=9999", "/echo?x=1", "/ok"]);
    app.until_metric("seawall_guard_decisions", &["schema", "*", "reported"], 2.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_may_be_stricter_or_looser_than_the_rest() {
    let config = "undocumented = \"refuse\"\n[route.\"/echo\"]\nschema.unknown_fields = \"strip\"\n";
    let (upstream, app) = described(config).await;
    app.client().get("/echo?x=1&days=2").await.expect_status(200);
    assert_eq!(upstream.requests().first().map(|seen| seen.target.clone()).as_deref(), Some("/echo?days=2"));
    app.client().get("/ok").await.expect_problem(404, "validation-failed");
    app.client().get("/_seawall/health/live").await.expect_status(200);
}
