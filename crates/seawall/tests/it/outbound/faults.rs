//! Providers that fail: each failure ends in the right error of the dialect, in time, with a row.

use std::time::Duration;

use seawall_testkit::{
    app::StartedApp,
    client::{RawClient, Request},
    llm::FakeLlm,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Models, calling_models, streamed};

const QUICK: &str = "timeout = \"2s\"\nidle_timeout = \"300ms\"\nbackoff = \"1ms\"";

/// A connection on which a call was sent, of somebody who may leave.
async fn asking(app: &StartedApp, path: &str, body: &str) -> RawClient {
    let key = std::fs::read_to_string(app.data().join("outbound.key")).unwrap();
    let mut connection = RawClient::connect(app.outbound()).await;
    let (key, length) = (key.trim(), body.len());
    let head = format!("POST {path} HTTP/1.1\r\nHost: a\r\nX-Api-Key: {key}\r\nContent-Length: {length}\r\n\r\n");
    connection.write(format!("{head}{body}")).await;
    connection
}

/// A call of a model in each dialect.
fn call(dialect: usize, model: &str) -> (String, String) {
    let text = "say: one two three four five six seven eight";
    match dialect {
        0 => (
            "/llm/v1/chat/completions".into(),
            json!({"model": model, "messages": [{"role": "user", "content": text}]}).to_string(),
        ),
        1 => ("/llm/v1/responses".into(), json!({"model": model, "input": text}).to_string()),
        2 => {
            let body = json!({"model": model, "max_tokens": 100, "messages": [{"role": "user", "content": text}]});
            ("/llm/v1/messages".into(), body.to_string())
        }
        _ => {
            let body = json!({"contents": [{"role": "user", "parts": [{"text": text}]}]});
            (format!("/llm/v1beta/models/{model}:generateContent"), body.to_string())
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn st_2_a_failure_that_passes_is_not_seen() {
    let Models { fake, app } = calling_models(QUICK).await;
    for (dialect, model) in [(0, "fake-429-once"), (1, "fake-503-once"), (2, "fake-529-once"), (3, "fake-500-once")] {
        let (path, body) = call(dialect, model);
        let before = fake.calls().len();
        let answer = app.outbound_client().request(Request::post(path).body(body)).await.expect_status(200);
        assert_eq!((answer.header("x-seawall-attempts"), fake.calls().len() - before), (Some("2"), 2), "{model}");
    }
    assert!(app.llm_calls().await.iter().all(|row| row["attempts"] == 2 && row["outcome"] == "answered"));
}

#[tokio::test(flavor = "multi_thread")]
async fn st_2_what_is_refused_for_good_is_asked_once() {
    let Models { fake, app } = calling_models(QUICK).await;
    for (dialect, model, status) in
        [(0, "fake-400", 400), (2, "fake-403", 403), (3, "fake-404", 404), (1, "fake-context", 400)]
    {
        let (path, body) = call(dialect, model);
        let before = fake.calls().len();
        let answer = app.outbound_client().request(Request::post(path).body(body)).await.expect_status(status);
        assert_eq!(fake.calls().len() - before, 1, "{model}");
        assert!(answer.json()["error"].is_object(), "{model}: {}", answer.text());
    }
    for row in app.llm_calls().await {
        assert_eq!((&row["outcome"], &row["cost"]), (&json!("refused"), &json!("0.00")), "{row}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_all_attempts_failed_the_clients_own_retries_are_stopped() {
    let Models { fake, app } = calling_models(QUICK).await;
    let (path, body) = call(2, "fake-529");
    let answer = app.outbound_client().request(Request::post(path).body(body)).await.expect_status(529);
    assert_eq!((answer.header("x-should-retry"), fake.calls().len()), (Some("false"), 3));
    assert_eq!(answer.json()["error"]["type"], "overloaded_error");
    let (path, body) = call(0, "fake-429-retry-after-30");
    let answer = app.outbound_client().request(Request::post(path).body(body)).await.expect_status(429);
    assert_eq!((answer.header("retry-after"), answer.header("x-seawall-attempts")), (Some("30"), Some("1")));
}

#[tokio::test(flavor = "multi_thread")]
async fn pl_9_silence_ends_in_time_in_the_clients_words() {
    let Models { fake, app } = calling_models("timeout = \"500ms\"\nbackoff = \"1ms\"").await;
    for (dialect, at, word) in [
        (0, "/error/type", "server_error"),
        (1, "/error/type", "server_error"),
        (2, "/error/type", "timeout_error"),
        (3, "/error/status", "DEADLINE_EXCEEDED"),
    ] {
        let (path, body) = call(dialect, "fake-hang");
        let begun = Instant::now();
        let answer = app.outbound_client().request(Request::post(path).body(body)).await.expect_status(504);
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        assert_eq!(answer.json().pointer(at), Some(&json!(word)), "{}", answer.text());
        assert_eq!(answer.header("x-should-retry"), Some("false"));
    }
    fake.until(|_| fake.open_connections() == 0).await;
    let rows = app.llm_calls().await;
    assert!(
        rows.iter().all(|row| row["outcome"] == "failed" && row["status"] == 504 && row["estimated"] == true),
        "{rows:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_stops_breaks_off_or_is_broken_never_looks_whole() {
    let Models { fake, app } = calling_models(QUICK).await;
    for model in ["fake-stall", "fake-cut", "fake-malformed", "fake-error-frame"] {
        for dialect in 0..4 {
            let (path, body) = call(dialect, model);
            let (path, body) = streamed(&path, &body);
            let begun = Instant::now();
            let answer = app.outbound_client().request(Request::post(path).body(body)).await.expect_status(200);
            assert!(begun.elapsed() < Duration::from_secs(3), "{model} {dialect}: {:?}", begun.elapsed());
            let text = answer.text();
            let last: Value = serde_json::from_str(
                text.lines().rfind(|line| line.starts_with("data: ")).unwrap().trim_start_matches("data: "),
            )
            .unwrap();
            let told = last["error"].is_object() || last["type"] == "error" || last["type"] == "response.failed";
            assert!(told, "{model} {dialect}: {text}");
            if model != "fake-error-frame" {
                // What OpenAI's libraries raise by, in each of its streams.
                assert!(last["error"]["message"].is_string(), "{model} {dialect}: {text}");
            }
            if dialect == 1 && model != "fake-error-frame" {
                let before = text.lines().filter(|line| line.starts_with("data: ")).count() - 1;
                assert_eq!(last["sequence_number"], before, "{model}: {text}");
            }
            assert!(!text.contains("[DONE]") && !text.contains("message_stop\""), "{model} {dialect}: {text}");
        }
    }
    fake.until(|_| fake.open_connections() <= 4).await;
    let rows = app.llm_calls().await;
    assert_eq!(rows.len(), 16);
    for row in &rows {
        let told = if row["model"] == "fake-error-frame" { "refused" } else { "failed" };
        assert_eq!((&row["outcome"], &row["estimated"]), (&json!(told), &json!(true)), "{row}");
        assert!(row["cost"] != "0.00" && row["error"].is_string(), "{row}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_leaves_ends_the_call_and_pays_what_came() {
    let Models { fake, app } = calling_models("timeout = \"60s\"").await;
    let (path, body) = call(0, "fake-drip-50-tokens-1000");
    let (path, body) = streamed(&path, &body);
    let mut connection = asking(&app, &path, &body).await;
    connection.read_some().await;
    let begun = Instant::now();
    drop(connection);
    fake.until(|_| fake.open_connections() == 0).await;
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    let row = app.llm_calls().await.remove(0);
    assert_eq!((&row["outcome"], &row["estimated"]), (&json!("left"), &json!(true)), "{row}");
    assert!(row["output_tokens"].as_i64().unwrap() < 1_000, "{row}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_ends_ends_with_the_time() {
    let Models { fake: _fake, app } = calling_models("timeout = \"1s\"").await;
    for model in ["fake-oversized", "fake-drip-20-tokens-10000"] {
        let (path, body) = call(0, model);
        let (path, body) = streamed(&path, &body);
        let begun = Instant::now();
        let answer = app.outbound_client().request(Request::post(path).body(body)).await.expect_status(200);
        assert!(begun.elapsed() < Duration::from_secs(6), "{model}: {:?}", begun.elapsed());
        assert!(answer.text().trim_end().ends_with('}') && answer.text().contains("\"error\""), "{model}");
    }
    let rows = app.llm_calls().await;
    assert_eq!(rows.len(), 2);
    for row in &rows {
        assert_eq!((&row["outcome"], &row["estimated"]), (&json!("failed"), &json!(true)), "{row}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_read_to_its_end_without_its_caller_where_the_route_says_so() {
    let drains = "[llm.route.default]\nwhen_left = \"drain\"\n";
    let Models { fake, app } = super::calling_models_by("timeout = \"60s\"", drains).await;
    // One leaves in the middle of a stream, one before there is an answer.
    for (model, streams) in [("fake-drip-20-tokens-40", true), ("fake-slow-headers-400", false)] {
        let (path, body) = call(0, model);
        let (path, body) = if streams { streamed(&path, &body) } else { (path, body) };
        let mut connection = asking(&app, &path, &body).await;
        if streams {
            connection.read_some().await;
        } else {
            fake.until(|calls| calls.len() == 2).await;
        }
        drop(connection);
    }
    let ended = async {
        loop {
            let rows = app.llm_calls().await;
            if rows.len() == 2 {
                return rows;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let rows = tokio::time::timeout(Duration::from_secs(20), ended).await.unwrap();
    for row in &rows {
        assert_eq!((&row["outcome"], &row["estimated"]), (&json!("answered"), &json!(false)), "{row}");
    }
    assert!(rows.iter().any(|row| row["output_tokens"] == 40), "{rows:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn st_9_each_image_has_its_time_and_a_message_of_its_own() {
    let fake = FakeLlm::start().await;
    let config = format!(
        "[llm]\nimage_timeout = \"1s\"\n[llm.provider.fake]\nurl = \"{}\"\nkey = \"any\"\ntimeout = \"300ms\"\nfirst_byte_timeout = \"300ms\"",
        fake.url()
    );
    let app = super::in_front_of_nothing(&config).await;
    let images = |model: &str, n: u64| {
        Request::post("/llm/v1/images/generations").json(&json!({"model": model, "prompt": "a lighthouse", "n": n}))
    };
    // Longer than other calls may take, and than one image may.
    app.outbound_client().request(images("fake-slow-headers-1500", 2)).await.expect_status(200);
    let begun = Instant::now();
    let late = app.outbound_client().request(images("fake-hang", 1)).await.expect_status(504);
    let message = late.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("Image generation timed out"), "{message}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_provider_had_costs_nothing_and_what_one_had_costs_its_question() {
    let Models { fake, app } = calling_models(QUICK).await;
    let (path, body) = call(0, "fake-hang");
    let connection = asking(&app, &path, &body).await;
    fake.until(|calls| calls.len() == 1).await;
    drop(connection);
    fake.until(|_| fake.open_connections() == 0).await;
    fake.end().await;
    let (path, body) = call(2, "fake");
    app.outbound_client().request(Request::post(path).body(body)).await.expect_status(502);
    let rows = app.llm_calls().await;
    let told: Vec<_> =
        rows.iter().map(|row| (&row["outcome"], row["input_tokens"] == 0, row["cost"] == "0.00")).collect();
    assert_eq!(told, [(&json!("failed"), true, true), (&json!("left"), false, false)], "{rows:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_leads_nowhere_is_told_in_time_and_costs_nothing() {
    let config = "[llm.provider.nowhere]\nurl = \"https://no-such-host.invalid\"\nkey = \"any\"\nattempts = 2\nbackoff = \"1ms\"";
    let app = super::in_front_of_nothing(config).await;
    let (path, body) = call(0, "fake");
    let begun = Instant::now();
    let answer = app.outbound_client().request(Request::post(path).body(body)).await.expect_status(502);
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    assert_eq!(
        (answer.json()["error"]["type"].as_str(), answer.header("x-should-retry")),
        (Some("server_error"), Some("false"))
    );
    let row = app.llm_calls().await.remove(0);
    assert_eq!(
        (&row["outcome"], &row["cost"], &row["attempts"]),
        (&json!("failed"), &json!("0.00"), &json!(2)),
        "{row}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_fields_are_waited_for_and_a_long_wait_that_is_asked_for_is_told_at_once() {
    let Models { fake, app } = calling_models(QUICK).await;
    let (path, body) = call(0, "fake-slow-headers-700");
    let begun = Instant::now();
    app.outbound_client().request(Request::post(path).body(body)).await.expect_status(200);
    assert!(begun.elapsed() >= Duration::from_millis(700), "{:?}", begun.elapsed());
    let (path, body) = call(2, "fake-429-retry-after-30");
    let begun = Instant::now();
    let answer = app.outbound_client().request(Request::post(path).body(body)).await.expect_status(429);
    assert_eq!((answer.header("retry-after"), fake.calls().len()), (Some("30"), 2));
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    let rows = app.llm_calls().await;
    let told: Vec<_> = rows.iter().map(|row| (&row["outcome"], &row["attempts"], row["cost"] == "0.00")).collect();
    assert_eq!(told, [(&json!("refused"), &json!(1), true), (&json!("answered"), &json!(1), false)], "{rows:?}");
}
