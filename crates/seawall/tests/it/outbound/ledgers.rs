//! Rows by route, and what is added up of them, in each engine.

use seawall_testkit::{
    app::{StartedApp, TestApp},
    llm::FakeLlm,
};
use serde_json::{Value, json};

use super::budgets::{call, providers};
use crate::postgres;

/// A route, and an amount of its own for each: two calls' worth.
const BY_ROUTE: &str = "[llm.route.refine]\n[llm.budget.each]\namount = \"0.002\"\nof = \"route\"\n";

async fn started(fake: &FakeLlm, store: &str) -> StartedApp {
    let config = format!("environment = \"development\"\n{store}{}{BY_ROUTE}", providers(fake));
    TestApp::in_front_of("http://127.0.0.1:9").with_config(&config).start().await
}

/// A call by a route, or by none, for a project.
async fn made(app: &StartedApp, route: &str, project: &str) -> u16 {
    let path = format!("/llm{route}/v1/chat/completions");
    app.outbound_client().request(call().with_target(&path).header("X-Seawall-Project", project)).await.status
}

async fn routes_are_counted_and_told(store: &str) {
    let fake = FakeLlm::start().await;
    let app = started(&fake, store).await;
    for (route, project, status) in [
        ("/refine", "one", 200),
        ("/refine", "two", 200),
        ("/refine", "one", 402),
        ("", "one", 200),
        ("", "one", 200),
        ("", "two", 402),
    ] {
        assert_eq!(made(&app, route, project).await, status, "{route} {project}");
    }
    let rows = app.llm_calls().await;
    let routes: Vec<_> = rows.iter().map(|row| row["route"].as_str().unwrap()).collect();
    assert_eq!(routes, ["default", "default", "default", "refine", "refine", "refine"]);
    let usage = app.operator_get("/api/llm/usage?by=route").await.expect_status(200).json();
    let line = |key: &str| {
        let lines = usage["data"].as_array().unwrap();
        lines.iter().find(|line| line["key"] == key).unwrap_or_else(|| panic!("{key}: {usage}")).clone()
    };
    for key in ["default", "refine"] {
        let line = line(key);
        let told = [&line["calls"], &line["failed"], &line["output_tokens"], &line["cost"]];
        assert_eq!(told, [&json!(3), &json!(1), &json!(2_000), &json!("0.002")], "{line}");
    }
    let csv = app.operator_get("/api/llm/usage?by=route&format=csv").await.expect_status(200).text();
    assert!(csv.starts_with("route,calls,") && csv.contains("\r\nrefine,3,1,"), "{csv}");
    for (by, lines) in [("day", 1), ("model", 1), ("provider", 1), ("user", 1), ("project", 2), ("caller", 1)] {
        let usage = app.operator_get(&format!("/api/llm/usage?by={by}")).await.expect_status(200).json();
        assert_eq!(usage["data"].as_array().unwrap().len(), lines, "{usage}");
        let calls: i64 = usage["data"].as_array().unwrap().iter().map(|line| line["calls"].as_i64().unwrap()).sum();
        assert_eq!(calls, 6, "{usage}");
    }
    for (query, calls, cost) in [
        ("project=one", 4, "0.003"),
        ("project=one&route=refine", 2, "0.001"),
        ("project=two&route=default", 1, "0.00"),
        ("project=one&route=nowhere", 0, "0.00"),
    ] {
        let told = app.outbound_client().get(&format!("/llm/usage?{query}")).await.expect_status(200).json();
        assert_eq!((&told["calls"], &told["cost"]), (&json!(calls), &json!(cost)), "{query}: {told}");
    }
    let none = app.outbound_client().get("/llm/usage?project=nobody").await.expect_status(200).json();
    assert_eq!((&none["calls"], &none["key"]), (&json!(0), &json!("nobody")), "{none}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_route_has_an_amount_and_sums_of_its_own() {
    routes_are_counted_and_told("").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_route_has_an_amount_and_sums_of_its_own_on_postgresql() {
    let server = postgres::Server::start();
    routes_are_counted_and_told(&format!("[store]\nurl = \"{}\"\n", server.url())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_were_kept_are_no_failures_of_a_project() {
    let fake = FakeLlm::start().await;
    let app = started(&fake, "[llm.cache]\nenabled = true\n").await;
    for _ in 0..2 {
        assert_eq!(made(&app, "", "one").await, 200);
    }
    let told = app.outbound_client().get("/llm/usage?project=one").await.expect_status(200).json();
    assert_eq!((&told["calls"], &told["failed"], fake.calls().len()), (&json!(2), &json!(0), 1), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_answer_says_which_model_gave_it() {
    let fake = FakeLlm::start().await;
    let app = started(&fake, "[llm.cache]\nenabled = true\n").await;
    let mut answers: Vec<(Option<String>, Value)> = Vec::new();
    for how in ["miss", "hit"] {
        let answer = app.outbound_client().request(call()).await.expect_status(200);
        assert_eq!(answer.header("x-seawall-cache"), Some(how));
        assert_eq!(answer.header("x-seawall-model"), Some("fake-tokens-1000"), "{how}");
        answers.push((answer.header("x-seawall-provider").map(str::to_owned), answer.json()));
    }
    assert_eq!(answers[0], answers[1]);
}
