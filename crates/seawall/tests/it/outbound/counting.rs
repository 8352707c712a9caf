//! What is counted of calls of language models, under the names that everybody uses.

use seawall_testkit::{app::StartedApp, client::Request};
use serde_json::json;

use super::{Models, calling_models, in_front_of_nothing};

const CHAT: &str = "/llm/v1/chat/completions";
const DURATION: &str = "gen_ai_client_operation_duration_seconds";
const TOKENS: &str = "gen_ai_client_token_usage";
const FIRST: &str = "gen_ai_client_operation_time_to_first_chunk_seconds";
const EACH: &str = "gen_ai_client_operation_time_per_output_chunk_seconds";

async fn chat(app: &StartedApp, model: &str, streams: bool, status: u16) -> String {
    let messages = json!([{"role": "user", "content": "say: one two three four five"}]);
    let body = json!({"model": model, "stream": streams, "messages": messages});
    app.outbound_client().request(Request::post(CHAT).json(&body)).await.expect_status(status).text()
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_tokens_costs_and_retries_are_counted_by_model_and_outcome() {
    let Models { fake: _fake, app } = calling_models("backoff = \"1ms\"").await;
    chat(&app, "fake", false, 200).await;
    chat(&app, "fake", false, 200).await;
    chat(&app, "fake-503-once", false, 200).await;
    let rows = app.llm_calls().await;
    let answered = ["openai", "fake", "chat", "answered"];
    assert!((app.metric(DURATION, &answered) - 2.0).abs() < f64::EPSILON);
    for kind in ["input", "output"] {
        let labels = [&answered[..], &[kind]].concat();
        assert!((app.metric(TOKENS, &labels) - 2.0).abs() < f64::EPSILON, "{kind}");
    }
    let retried = ["openai", "fake-503-once", "chat", "answered"];
    assert!((app.metric("seawall_llm_retries", &retried) - 1.0).abs() < f64::EPSILON);
    assert!(app.metric("seawall_llm_retries", &answered).abs() < f64::EPSILON);
    let dollars: f64 = rows
        .iter()
        .filter(|row| row["model"] == "fake")
        .map(|row| row["cost"].as_str().unwrap().parse::<f64>().unwrap())
        .sum();
    let counted = app.metric("seawall_llm_cost_nanodollars", &answered);
    assert!(dollars > 0.0 && (counted - dollars * 1e9).abs() < 0.5, "{counted} and {dollars}");
    let text = app.admin_client().get("/metrics").await.expect_status(200).text();
    let input: i64 =
        rows.iter().filter(|row| row["model"] == "fake").map(|row| row["input_tokens"].as_i64().unwrap()).sum();
    let labels = "gen_ai_provider_name=\"openai\",gen_ai_request_model=\"fake\",gen_ai_operation_name=\"chat\",outcome=\"answered\"";
    let line = format!("{TOKENS}_sum{{{labels},gen_ai_token_type=\"input\"}} {input}.0");
    assert!(text.lines().any(|told| told == line), "{line} in:\n{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_tell_when_each_event_came_and_whole_answers_do_not() {
    let Models { fake: _fake, app } = calling_models("").await;
    let labels = ["openai", "fake", "chat"];
    chat(&app, "fake", false, 200).await;
    assert!(app.metric(FIRST, &labels).abs() < f64::EPSILON);
    let stream = chat(&app, "fake", true, 200).await;
    app.llm_calls().await;
    let events = stream.lines().filter(|line| line.starts_with("data: ")).count();
    assert!((app.metric(FIRST, &labels) - 1.0).abs() < f64::EPSILON);
    let each = app.metric(EACH, &labels);
    assert!((each - f64::from(u32::try_from(events - 1).unwrap())).abs() < f64::EPSILON, "{each} of {stream}");
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_counted_by_how_they_ended_and_unknown_names_together() {
    let Models { fake, app } = calling_models("timeout = \"2s\"\nidle_timeout = \"200ms\"\nattempts = 1").await;
    chat(&app, "fake-cut", true, 200).await;
    chat(&app, "fake-400", false, 400).await;
    app.llm_calls().await;
    assert!((app.metric(DURATION, &["openai", "fake-cut", "chat", "failed"]) - 1.0).abs() < f64::EPSILON);
    // Nobody has answered by that name.
    assert!((app.metric(DURATION, &["openai", "other", "chat", "refused"]) - 1.0).abs() < f64::EPSILON);
    let config = format!(
        "[llm.provider.one]\nurl = \"{}\"\nkey = \"k\"\nattempts = 1\n[llm.model.mine]\nprovider = \"one\"\nname = \"fake-400\"\n",
        fake.url()
    );
    let app = in_front_of_nothing(&config).await;
    chat(&app, "mine", false, 400).await;
    app.llm_calls().await;
    assert!((app.metric(DURATION, &["one", "fake-400", "chat", "refused"]) - 1.0).abs() < f64::EPSILON);
}
