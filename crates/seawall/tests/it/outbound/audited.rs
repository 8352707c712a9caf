//! What the audit log says of calls that do something elsewhere.

use seawall_testkit::{app::StartedApp, client::Request};
use serde_json::{Value, json};

use super::calling;

/// The entries of one action, the eldest first: their outcome and what they say.
async fn entries(app: &StartedApp, action: &str) -> Vec<(Value, Value)> {
    let log = app.operator_get(&format!("/api/audit-log?action={action}")).await.expect_status(200).json();
    let of = |entry: &Value| {
        assert_eq!((&entry["object"]["kind"], &entry["object"]["id"]), (&json!("outbound"), &json!("api")));
        assert_eq!(entry["actor"]["kind"], "key");
        (entry["outcome"].clone(), entry["after"].clone())
    };
    log["data"].as_array().unwrap().iter().map(of).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn st_11_calls_that_do_something_are_in_the_audit_log_before_they_are_made() {
    let (api, app) = calling("allow = [\"/*\"]\nattempts = 1").await;
    let client = app.outbound_client();
    client.request(Request::post("/out/api/status/201?token=secret").body("secret")).await.expect_status(201);
    client.request(Request::post("/out/api/status/409")).await.expect_status(409);
    client.get("/out/api/echo").await.expect_status(200);
    let made = entries(&app, "outbound.called").await;
    let made: Vec<_> = made.into_iter().map(|(outcome, what)| (outcome, what["path"].clone())).collect();
    assert_eq!(made, [(json!("done"), json!("/status/201")), (json!("done"), json!("/status/409"))]);
    let ended = entries(&app, "outbound.answered").await;
    let ended: Vec<_> =
        ended.into_iter().map(|(outcome, what)| (outcome, what["path"].clone(), what["status"].clone())).collect();
    assert_eq!(
        ended,
        [(json!("done"), json!("/status/201"), json!(201)), (json!("refused"), json!("/status/409"), json!(409))]
    );
    let log = app.operator_get("/api/audit-log").await.expect_status(200).text();
    assert!(!log.contains("secret"), "{log}");
    assert_eq!(api.requests().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_end_nobody_saw_is_known_to_have_been_made() {
    let (mut api, app) =
        calling("allow = [\"/*\"]\naudit = [\"GET /echo\", \"GET /status/{code}\"]\nattempts = 1").await;
    api.stop().await;
    app.outbound_client().get("/out/api/echo").await.expect_problem(502, "outbound-failed");
    assert_eq!(entries(&app, "outbound.called").await.len(), 1);
    let ended = entries(&app, "outbound.answered").await;
    assert_eq!((ended.len(), &ended[0].0, ended[0].1.get("status")), (1, &json!("failed"), None));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_where_nothing_is_to_be() {
    let (_api, app) = calling("allow = [\"/*\"]\naudit = []").await;
    app.outbound_client().request(Request::post("/out/api/echo")).await.expect_status(200);
    assert!(entries(&app, "outbound.called").await.is_empty());
}
